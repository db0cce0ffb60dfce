"""Scores and Hessians of statsmodels: gradients and second derivatives of log-likelihoods."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import statsmodels.api as sm
from statsmodels.discrete import discrete_model as discrete
from statsmodels.discrete.truncated_model import TruncatedLFPoisson
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.othermod.betareg import BetaModel

import gradcheck
from gradcheck import Plan, Report

from .subject import Subject

PLAN = Plan.auto(seed=1)
RNG = np.random.default_rng(0)
X = sm.add_constant(RNG.standard_normal((60, 2)))
COUNTS, YES = RNG.poisson(1.5, 60), RNG.integers(0, 2, 60)
SHARE, POSITIVE = RNG.uniform(0.05, 0.95, 60), RNG.gamma(2.0, size=60)
CLASSES = RNG.integers(0, 3, 60)
FAMILIES = {
    "GLM, Gaussian": (sm.families.Gaussian(), RNG.standard_normal(60)),
    "GLM, binomial": (sm.families.Binomial(), YES),
    "GLM, binomial, probit": (sm.families.Binomial(sm.families.links.Probit()), YES),
    "GLM, binomial, cloglog": (sm.families.Binomial(sm.families.links.CLogLog()), YES),
    "GLM, Poisson": (sm.families.Poisson(), COUNTS),
    "GLM, Poisson, sqrt": (sm.families.Poisson(sm.families.links.Sqrt()), COUNTS),
    "GLM, gamma, log": (sm.families.Gamma(sm.families.links.Log()), POSITIVE),
    "GLM, inverse Gaussian, log": (sm.families.InverseGaussian(sm.families.links.Log()), POSITIVE),
    "GLM, negative binomial": (sm.families.NegativeBinomial(alpha=0.7), COUNTS),
}


class _Scaled:
    """A GLM with its scale held at 1: by default it is estimated anew at each point."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def loglike(self, p: Any) -> float:
        return float(self.model.loglike(p, scale=1.0))

    def score(self, p: Any) -> Any:
        return self.model.score(p, scale=1.0)

    def hessian(self, p: Any) -> Any:
        return self.model.hessian(p, scale=1.0, observed=True)


def models() -> Iterator[tuple[str, Any, Any]]:
    """Make each model, with a point that is not its maximum."""
    beta = np.array([0.3, -0.2, 0.15])
    for name, (family, y) in FAMILIES.items():
        start = np.array([3.0, 0.1, -0.1]) if "sqrt" in name else beta
        yield name, _Scaled(sm.GLM(y, X, family=family)), start
    yield "Logit", discrete.Logit(YES, X), beta
    yield "Probit", discrete.Probit(YES, X), beta
    yield "MNLogit", discrete.MNLogit(CLASSES, X), np.concatenate([beta, -beta])
    yield "Poisson", discrete.Poisson(COUNTS, X), beta
    yield "GeneralizedPoisson", discrete.GeneralizedPoisson(COUNTS, X), np.append(beta, 0.2)
    for kind in ("nb2", "nb1", "geometric"):
        more = [] if kind == "geometric" else [0.6]
        model = discrete.NegativeBinomial(COUNTS, X, loglike_method=kind)
        yield f"NegativeBinomial, {kind}", model, np.append(beta, more)
    yield "NegativeBinomialP", discrete.NegativeBinomialP(COUNTS, X), np.append(beta, 0.6)
    yield "TruncatedLFPoisson", TruncatedLFPoisson(COUNTS + 1, X), beta
    yield "PHReg, Breslow", PHReg(POSITIVE, X[:, 1:], status=YES, ties="breslow"), beta[1:]
    yield "PHReg, Efron", PHReg(np.ceil(POSITIVE), X[:, 1:], status=YES, ties="efron"), beta[1:]
    yield "BetaModel", BetaModel(SHARE, X), np.append(beta, 0.9)
    ordered = OrderedModel(CLASSES, X[:, 1:], distr="logit")
    yield "OrderedModel, logit (by differences)", ordered, np.array([0.2, -0.3, -0.5, 0.4])


def subjects() -> Iterator[Subject]:
    """Pose the score of each, and the Hessian where there is one."""
    warnings.simplefilter("ignore")
    for name, model, at in models():
        yield Subject("statsmodels", f"{name}, score", lambda model=model, at=at: _score(model, at))
        if name.startswith("OrderedModel"):
            continue  # differences of differences
        yield Subject(
            "statsmodels", f"{name}, Hessian", lambda model=model, at=at: _hessian(model, at)
        )


def _score(model: Any, at: Any) -> Report:
    return gradcheck.check_grad(
        lambda p: float(model.loglike(p)), lambda p: _shaped(model.score(p), p), at, plan=PLAN
    )


def _hessian(model: Any, at: Any) -> Report:
    return gradcheck.check_hessian(
        lambda p: float(model.loglike(p)),
        lambda p: np.asarray(model.hessian(p)),
        at,
        grad=lambda p: _shaped(model.score(p), p),
        plan=PLAN,
    )


def _shaped(score: Any, p: Any) -> Any:
    """MNLogit returns the score of each class in a row of its own."""
    return np.asarray(score).reshape(p.shape)
