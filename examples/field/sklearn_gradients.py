"""Kernels, losses and objectives of scikit-learn with gradients written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn._loss import loss as losses
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.linear_model._huber import _huber_loss_and_gradient
from sklearn.linear_model._linear_loss import LinearModelLoss
from sklearn.manifold._t_sne import _kl_divergence
from sklearn.neighbors import NeighborhoodComponentsAnalysis

import gradcheck
from gradcheck import Plan, Report

from .subject import Subject

PLAN = Plan.auto(seed=1)
RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 3))
Y = RNG.standard_normal(12)
CLASSES = RNG.integers(0, 3, 12)

KERNELS = {
    "RBF": kernels.RBF([0.7, 1.2, 0.9]),
    "Matern, nu=0.5": kernels.Matern(0.8, nu=0.5),
    "Matern, nu=1.5": kernels.Matern([0.8, 1.1, 0.9], nu=1.5),
    "Matern, nu=2.5": kernels.Matern([0.8, 1.1, 0.9], nu=2.5),
    "Matern, nu=inf": kernels.Matern(0.8, nu=np.inf),
    "RationalQuadratic": kernels.RationalQuadratic(0.9, 1.3),
    "ExpSineSquared": kernels.ExpSineSquared(0.9, 2.1),
    "DotProduct": kernels.DotProduct(0.7),
    "ConstantKernel": kernels.ConstantKernel(1.4),
    "WhiteKernel": kernels.WhiteKernel(0.4),
    "Sum": kernels.RBF(0.7) + kernels.WhiteKernel(0.3),
    "Product": kernels.ConstantKernel(1.4) * kernels.RBF(0.8),
    "Exponentiation": kernels.RationalQuadratic(0.9, 1.3) ** 2,
    "Matern, nu=2 (by differences)": kernels.Matern(0.8, nu=2.0),
    "PairwiseKernel (by differences)": kernels.PairwiseKernel(gamma=0.7, metric="rbf"),
}
REAL, POSITIVE, SHARE = Y, np.exp(Y), 1 / (1 + np.exp(-Y))
LOSSES = {
    "HalfSquaredError": (losses.HalfSquaredError(), REAL, 1),
    "AbsoluteError": (losses.AbsoluteError(), REAL, 1),
    "PinballLoss": (losses.PinballLoss(quantile=0.3), REAL, 1),
    "HuberLoss": (losses.HuberLoss(quantile=0.9, delta=0.8), REAL, 1),
    "HalfPoissonLoss": (losses.HalfPoissonLoss(), POSITIVE, 1),
    "HalfGammaLoss": (losses.HalfGammaLoss(), POSITIVE, 1),
    "HalfTweedieLoss": (losses.HalfTweedieLoss(power=1.5), POSITIVE, 1),
    "HalfTweedieLossIdentity": (losses.HalfTweedieLossIdentity(power=0), REAL, 1),
    "HalfBinomialLoss": (losses.HalfBinomialLoss(), SHARE, 1),
    "ExponentialLoss": (losses.ExponentialLoss(), SHARE, 1),
    "HalfMultinomialLoss": (losses.HalfMultinomialLoss(n_classes=3), CLASSES.astype(float), 3),
}


def subjects() -> Iterator[Subject]:
    """Pose them all."""
    for name, kernel in KERNELS.items():
        yield Subject("scikit-learn", f"kernel {name}", lambda kernel=kernel: _kernel(kernel))
    for name, (loss, y, columns) in LOSSES.items():
        raw = RNG.standard_normal((12, columns) if columns > 1 else 12)
        yield Subject(
            "scikit-learn",
            f"loss {name}",
            lambda loss=loss, y=y, raw=raw: _loss(loss, y, raw),
        )
    for name, check in OBJECTIVES.items():
        yield Subject("scikit-learn", name, check)


def _kernel(kernel: Any) -> Report:
    """Compare the derivative of the kernel matrix along log hyperparameters."""
    return gradcheck.check_jvp(
        lambda theta: kernel.clone_with_theta(theta)(X),
        lambda theta, v: kernel.clone_with_theta(theta)(X, eval_gradient=True)[1] @ v,
        kernel.theta,
        plan=PLAN,
    )


def _loss(loss: Any, y: Any, raw: Any) -> Report:
    return gradcheck.check_grad(
        lambda raw: loss.loss(y_true=y, raw_prediction=raw).sum(),
        lambda raw: loss.gradient(y_true=y, raw_prediction=raw),
        raw,
        plan=PLAN,
    )


def _pair(both: Callable[[Any], Any], x: Any) -> Report:
    """Check a function that returns its value and its gradient."""
    return gradcheck.check_grad(
        lambda x: both(x)[0], lambda x: np.asarray(both(x)[1]), x, plan=PLAN
    )


def _regressor() -> Report:
    kernel = kernels.ConstantKernel(1.2) * kernels.RBF(0.9) + kernels.WhiteKernel(0.3)
    model = GaussianProcessRegressor(kernel, optimizer=None).fit(X, Y)
    return _pair(lambda t: model.log_marginal_likelihood(t, eval_gradient=True), kernel.theta)


def _classifier() -> Report:
    kernel = kernels.ConstantKernel(1.2) * kernels.RBF(0.9)
    model = GaussianProcessClassifier(kernel, optimizer=None).fit(X, CLASSES > 0)
    return _pair(lambda t: model.log_marginal_likelihood(t, eval_gradient=True), kernel.theta)


def _linear(base: Any, y: Any, columns: int) -> Report:
    model = LinearModelLoss(base_loss=base, fit_intercept=True)
    coef = RNG.standard_normal((columns, 4) if columns > 1 else 4)
    return _pair(lambda c: model.loss_gradient(c, X, y, l2_reg_strength=0.3), coef)


def _huber() -> Report:
    w = np.concatenate([RNG.standard_normal(4), [0.8]])
    return _pair(lambda w: _huber_loss_and_gradient(w, X, Y, 1.35, 0.1, np.ones(12)), w)


def _nca() -> Report:
    model = NeighborhoodComponentsAnalysis(n_components=2)
    model.n_iter_, model.verbose, model.callback = 0, 0, None
    same = CLASSES[:, None] == CLASSES[None, :]
    return _pair(lambda A: model._loss_grad_lbfgs(A, X, same, -1.0), RNG.standard_normal(6) * 0.5)


def _t_sne() -> Report:
    P = np.abs(RNG.standard_normal(12 * 11 // 2))
    return _pair(lambda y: _kl_divergence(y, P / P.sum() / 2, 1, 12, 2), RNG.standard_normal(24))


OBJECTIVES: dict[str, Callable[[], Report]] = {
    "GaussianProcessRegressor, log marginal likelihood": _regressor,
    "GaussianProcessClassifier, log marginal likelihood": _classifier,
    "LinearModelLoss, Poisson": lambda: _linear(losses.HalfPoissonLoss(), POSITIVE, 1),
    "LinearModelLoss, multinomial": lambda: _linear(
        losses.HalfMultinomialLoss(n_classes=3), CLASSES.astype(float), 3
    ),
    "HuberRegressor": _huber,
    "NeighborhoodComponentsAnalysis": _nca,
    "TSNE, Kullback-Leibler divergence": _t_sne,
}
