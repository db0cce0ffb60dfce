"""Planted faults of regression: generalised linear models and survival times.

Owns: REGRESSION_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: m = observations, n = features. The data stand in constants;
the only leaf is w (n,), the coefficients.
"""

import numpy as np

from ..activations import sigmoid_forward
from ..arrays import Array, Cache, Params
from .case import Fault, layer_build

M, N = 6, 4
FEATURES = np.linspace(-1.5, 1.4, M * N).reshape(N, M).T ** 3 + 0.3  # (m, n), no two rows alike
COUNTS = np.array([2, 0, 5, 1, 3, 4])  # (m,)
EXPOSURE = np.array([0.5, 2.0, 1.5, 3.0, 0.7, 1.2])  # (m,), time under observation
DEATHS = np.array([1, 0, 1, 1, 0, 1])  # (m,), 0 where the observation was cut off


def _weights(rng: np.random.Generator) -> Params:
    return {"w": 0.3 * rng.standard_normal(N)}


def _poisson_forward(w: Array) -> tuple[Array, Cache]:
    mean = EXPOSURE * np.exp(FEATURES @ w)  # (m,)
    return mean - COUNTS * np.log(mean), (mean, EXPOSURE)


def _poisson_backward(dout: Array, cache: Cache) -> Array:
    mean, _ = cache
    dw: Array = FEATURES.T @ (dout * (mean - COUNTS))
    return dw


def _poisson_without_exposure(dout: Array, cache: Cache) -> Array:
    mean, exposure = cache
    dw: Array = FEATURES.T @ (dout * (mean / exposure - COUNTS))  # right: mean
    return dw


def _poisson_averaged(dout: Array, cache: Cache) -> Array:
    dw: Array = _poisson_backward(dout, cache) / M  # right: the cost is a sum over the rows
    return dw


def _logistic_forward(w: Array) -> tuple[Array, Cache]:
    p, _ = sigmoid_forward(FEATURES @ w)  # (m,)
    return -np.mean(DEATHS * np.log(p) + (1 - DEATHS) * np.log(1 - p)), p  # ()


def _logistic_backward(dout: Array, cache: Cache) -> Array:
    dw: Array = dout * FEATURES.T @ (cache - DEATHS) / M
    return dw


def _logistic_summed(dout: Array, cache: Cache) -> Array:
    dw: Array = dout * FEATURES.T @ (cache - DEATHS)  # right: / m
    return dw


def _logistic_ascending(dout: Array, cache: Cache) -> Array:
    dw: Array = dout * FEATURES.T @ (DEATHS - cache) / M  # right: p - y for minus the likelihood
    return dw


def _logistic_without_intercept(dout: Array, cache: Cache) -> Array:
    dw = _logistic_backward(dout, cache)
    dw[0] = 0  # right: the first coefficient is fitted like the others
    return dw


def _survival_forward(w: Array) -> tuple[Array, Cache]:
    rate = np.exp(FEATURES @ w)  # (m,)
    return rate * EXPOSURE - DEATHS * np.log(rate), rate


def _survival_backward(dout: Array, cache: Cache) -> Array:
    dw: Array = FEATURES.T @ (dout * (cache * EXPOSURE - DEATHS))
    return dw


def _survival_without_censored(dout: Array, cache: Cache) -> Array:
    # right: those cut off have waited as well
    dw: Array = FEATURES.T @ (dout * DEATHS * (cache * EXPOSURE - 1))
    return dw


def _risk_forward(w: Array) -> tuple[Array, Cache]:
    score = FEATURES @ w  # (m,), in the order of the times
    risk = np.exp(score)
    at_risk = np.cumsum(risk[::-1])[::-1]  # (m,), the sum over those who are still there
    return np.log(at_risk) - score, (risk, at_risk)


def _risk_backward(dout: Array, cache: Cache) -> Array:
    risk, at_risk = cache
    dw: Array = FEATURES.T @ (risk * np.cumsum(dout / at_risk) - dout)
    return dw


def _risk_reversed(dout: Array, cache: Cache) -> Array:
    risk, at_risk = cache
    later = np.cumsum((dout / at_risk)[::-1])[::-1]  # right: np.cumsum(dout / at_risk)
    dw: Array = FEATURES.T @ (risk * later - dout)
    return dw


_POISSON = _weights, _poisson_forward, _poisson_backward
_LOGISTIC = _weights, _logistic_forward, _logistic_backward

REGRESSION_FAULTS = (
    Fault(
        "poisson-exposure-forgotten",
        "no thread; an offset that the score leaves out",
        "other",
        ("w",),
        "The score uses the mean count per unit of exposure instead of the mean count.",
        layer_build(*_POISSON, _poisson_without_exposure),
    ),
    Fault(
        "poisson-score-averaged",
        "aprender#2182",
        "scale",
        ("w",),
        "The cost is a sum over the observations, but its gradient is divided by their number.",
        layer_build(*_POISSON, _poisson_averaged),
    ),
    Fault(
        "logistic-score-not-divided",
        "community.deeplearning.ai t/402919",
        "scale",
        ("w",),
        "The cost is a mean over the observations, but its gradient lacks the 1/m.",
        layer_build(*_LOGISTIC, _logistic_summed),
    ),
    Fault(
        "logistic-score-ascending",
        "k2-fsa/k2#341",
        "sign",
        ("w",),
        "The score of the likelihood is returned where its negative is the cost.",
        layer_build(*_LOGISTIC, _logistic_ascending),
    ),
    Fault(
        "logistic-intercept-dropped",
        "lanl/PyBNF#534",
        "detached",
        ("w",),
        "The loop over the coefficients starts at 1, so that the first one stays zero.",
        layer_build(*_LOGISTIC, _logistic_without_intercept),
    ),
    Fault(
        "survival-without-censored",
        "no thread; rows with y = 0 filtered out, as in a regression of the deaths",
        "other",
        ("w",),
        "Observations that were cut off are left out of the score, although they have waited too.",
        layer_build(_weights, _survival_forward, _survival_backward, _survival_without_censored),
    ),
    Fault(
        "risk-set-reversed",
        "no thread; Cox regression with the cumulative sum from the wrong end",
        "other",
        ("w",),
        "The sum over those at risk runs from the wrong end of the times in the backward.",
        layer_build(_weights, _risk_forward, _risk_backward, _risk_reversed),
    ),
)
"""Faults of regression."""
