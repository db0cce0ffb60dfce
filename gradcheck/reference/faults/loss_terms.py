"""Planted faults of losses: robust, weighted, smoothed, ranking ones.

Owns: LOSS_TERM_FAULTS, with the small right layers that they imitate. Softmax and the plain losses
stand in `faults/losses`. Place: beside `faults/case`, gathered by `faults/__init__`.
Letters: m = rows, k = classes. Each returns one cost per row where it can.
"""

import numpy as np

from ..activations import sigmoid_forward
from ..arrays import Array, Cache, Params
from ..softmax import log_softmax_forward, softmax_forward
from .case import Fault, layer_build, normal, spread

M, K = 5, 4
LABELS = np.array([1, 3, 0, 2, 1])  # (m,)
IGNORED = np.array([False, True, False, False, True])  # (m,), rows without a label
CLASS_WEIGHTS = np.array([0.5, 2.0, 1.0, 3.0])  # (k,)
TARGET = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.4, 0.1]])  # (3, k)
ROWS = np.arange(M)
BETA = 0.5  # where a smooth loss goes over into a linear one
MARGIN = 1.0
GAMMA = 2.0  # of the focal loss, Lin et al. (2017), arXiv:1708.02002
SMOOTHING = 0.1
QUANTILE = 0.8


def _smooth_forward(d: Array) -> tuple[Array, Cache]:
    inside = np.abs(d.real) < BETA
    tail = np.where(d.real > 0, d, -d) - BETA / 2
    return np.where(inside, d * d / (2 * BETA), tail), (d.real, inside)  # smooth L1


def _smooth_backward(dout: Array, cache: Cache) -> Array:
    d, inside = cache
    dd: Array = dout * np.where(inside, d / BETA, np.sign(d))
    return dd


def _smooth_not_divided(dout: Array, cache: Cache) -> Array:
    d, inside = cache
    dd: Array = dout * np.where(inside, d, np.sign(d))  # right: d / BETA
    return dd


def _smooth_one_sided(dout: Array, cache: Cache) -> Array:
    d, _ = cache
    dd: Array = dout * np.where(d < BETA, d / BETA, np.sign(d))  # right: |d| < BETA
    return dd


def _quantile_forward(d: Array) -> tuple[Array, Cache]:
    return np.where(d.real > 0, QUANTILE * d, (QUANTILE - 1) * d), d.real


def _quantile_backward(dout: Array, cache: Cache) -> Array:
    dd: Array = dout * np.where(cache > 0, QUANTILE, QUANTILE - 1)
    return dd


def _quantile_swapped(dout: Array, cache: Cache) -> Array:
    dd: Array = dout * np.where(cache > 0, 1 - QUANTILE, -QUANTILE)  # right: QUANTILE, QUANTILE - 1
    return dd


def _hinge_forward(z: Array) -> tuple[Array, Cache]:
    margins = z - z[ROWS, LABELS][:, None] + MARGIN  # (m, k)
    active = margins.real > 0
    active[ROWS, LABELS] = False
    return np.sum(np.where(active, margins, 0), axis=1), active  # (m,)


def _hinge_backward(dout: Array, cache: Cache) -> Array:
    dz: Array = dout[:, None] * cache
    dz[ROWS, LABELS] = -dout * cache.sum(axis=1)  # once for each class too near
    return dz


def _hinge_without_label(dout: Array, cache: Cache) -> Array:
    dz: Array = dout[:, None] * cache  # right: and what the label's own column loses
    return dz


def _hinge_counted_once(dout: Array, cache: Cache) -> Array:
    dz: Array = dout[:, None] * cache
    dz[ROWS, LABELS] = -dout * cache.any(axis=1)  # right: once for each class too near
    return dz


def _focal_forward(z: Array) -> tuple[Array, Cache]:
    log_p, _ = log_softmax_forward(z)
    log_p = log_p[ROWS, LABELS]  # (m,)
    return -((1 - np.exp(log_p)) ** GAMMA) * log_p, (z, log_p)


def _focal_by_log(dout: Array, cache: Cache, slope: Array) -> Array:
    """Return dz from the slope of each row's cost with respect to log p of its label."""
    z, _ = cache
    p, _ = softmax_forward(z)
    dz = -(dout * slope)[:, None] * p
    dz[ROWS, LABELS] += dout * slope
    return dz


def _focal_backward(dout: Array, cache: Cache) -> Array:
    _, log_p = cache
    q = 1 - np.exp(log_p)
    return _focal_by_log(dout, cache, GAMMA * q ** (GAMMA - 1) * (1 - q) * log_p - q**GAMMA)


def _focal_factor_constant(dout: Array, cache: Cache) -> Array:
    _, log_p = cache
    return _focal_by_log(dout, cache, -((1 - np.exp(log_p)) ** GAMMA))  # right: both factors vary


def _divergence_forward(z: Array) -> tuple[Array, Cache]:
    log_p, _ = log_softmax_forward(z)
    p = np.exp(log_p)
    excess = log_p - np.log(TARGET)  # (3, k)
    return np.sum(p * excess, axis=1), (p, excess)  # (3,), KL(p || target)


def _divergence_backward(dout: Array, cache: Cache) -> Array:
    p, excess = cache
    dz: Array = dout[:, None] * p * (excess - np.sum(p * excess, axis=1, keepdims=True))
    return dz


def _divergence_reversed(dout: Array, cache: Cache) -> Array:
    p, _ = cache
    dz: Array = dout[:, None] * (p - TARGET)  # right: that of KL(p || target)
    return dz


def _divergence_without_row_sum(dout: Array, cache: Cache) -> Array:
    p, excess = cache
    dz: Array = dout[:, None] * p * excess  # right: excess - its mean under p
    return dz


def _ignoring_forward(z: Array) -> tuple[Array, Cache]:
    log_p, _ = log_softmax_forward(z)
    return np.where(IGNORED, 0, -log_p[ROWS, LABELS]), np.exp(log_p)  # (m,)


def _ignored_trained(dout: Array, cache: Cache) -> Array:
    dz: Array = dout[:, None] * cache
    dz[ROWS, LABELS] -= dout  # right: and zero in the rows that are ignored
    return dz


def _ignoring_backward(dout: Array, cache: Cache) -> Array:
    dz: Array = _ignored_trained(dout, cache)
    dz[IGNORED] = 0
    return dz


def _weighted_forward(z: Array) -> tuple[Array, Cache]:
    log_p, _ = log_softmax_forward(z)
    weights = CLASS_WEIGHTS[LABELS]  # (m,)
    return -np.sum(weights * log_p[ROWS, LABELS]) / weights.sum(), np.exp(log_p)  # ()


def _weighted_sum(dout: Array, cache: Cache) -> Array:
    dz: Array = cache.copy()
    dz[ROWS, LABELS] -= 1
    dz *= dout * CLASS_WEIGHTS[LABELS][:, None]
    return dz


def _weighted_backward(dout: Array, cache: Cache) -> Array:
    dz: Array = _weighted_sum(dout, cache) / CLASS_WEIGHTS[LABELS].sum()
    return dz


def _weighted_by_rows(dout: Array, cache: Cache) -> Array:
    dz: Array = _weighted_sum(dout, cache) / M  # right: by the sum of the weights
    return dz


def _weights_forgotten(dout: Array, cache: Cache) -> Array:
    dz: Array = cache.copy()
    dz[ROWS, LABELS] -= 1
    dz *= dout / M  # right: each row by its class's share of the weights
    return dz


def _smoothed_forward(z: Array) -> tuple[Array, Cache]:
    log_p, _ = log_softmax_forward(z)
    mean = (1 - SMOOTHING) * log_p[ROWS, LABELS] + SMOOTHING * log_p.mean(axis=1)
    return -mean, np.exp(log_p)  # (m,)


def _smoothed_backward(dout: Array, cache: Cache) -> Array:
    target = np.full((M, K), SMOOTHING / K)
    target[ROWS, LABELS] += 1 - SMOOTHING
    dz: Array = dout[:, None] * (cache - target)
    return dz


def _smoothed_hard(dout: Array, cache: Cache) -> Array:
    dz: Array = dout[:, None] * cache
    dz[ROWS, LABELS] -= dout  # right: the smoothed target
    return dz


def _perplexity_forward(z: Array) -> tuple[Array, Cache]:
    log_p, _ = log_softmax_forward(z)
    return np.exp(-np.mean(log_p[ROWS, LABELS])), np.exp(log_p)  # ()


def _cross_entropy_of(dout: Array, cache: Cache) -> Array:
    dz: Array = cache.copy()
    dz[ROWS, LABELS] -= 1
    dz *= dout / M
    return dz


def _perplexity_backward(dout: Array, cache: Cache) -> Array:
    perplexity = np.exp(-np.mean(np.log(cache[ROWS, LABELS])))
    return _cross_entropy_of(dout * perplexity, cache)


def _overlap_forward(z: Array) -> tuple[Array, Cache]:
    p, _ = sigmoid_forward(z)
    both, total = 2 * np.sum(p * TARGET, axis=1), np.sum(p + TARGET, axis=1)  # (3,)
    return 1 - both / total, (p, both, total)  # the Dice loss


def _overlap_backward(dout: Array, cache: Cache) -> Array:
    p, both, total = cache
    slope = (both / total)[:, None] - 2 * TARGET
    dz: Array = (dout / total)[:, None] * slope * p * (1 - p)
    return dz


def _overlap_total_constant(dout: Array, cache: Cache) -> Array:
    p, _, total = cache
    dz: Array = -(dout / total)[:, None] * 2 * TARGET * p * (1 - p)  # right: + both / total
    return dz


def _in_both_regions(rng: np.random.Generator) -> Params:
    leaf = spread(d=(4, 5))(rng)["d"]
    near = np.abs(np.abs(leaf) - BETA) < 0.02
    return {"d": leaf + 0.02 * near}  # off the seam of the two regions


def _off_the_margin(rng: np.random.Generator) -> Params:
    z = spread(z=(M, K))(rng)["z"]  # differences are off the margin of 1 by 0.02 at least
    margins = z - z[ROWS, LABELS][:, None] + MARGIN
    z += np.where(np.abs(margins) < 0.02, 0.05, 0.0)
    z[0] = [3.0, 1.0, 2.5, 2.2]  # three classes too near, so that the count shows
    return {"z": z}


_HINGE = _off_the_margin, _hinge_forward, _hinge_backward
_DIVERGENCE = normal(z=TARGET.shape), _divergence_forward, _divergence_backward
_WEIGHTED = normal(z=(M, K)), _weighted_forward, _weighted_backward

LOSS_TERM_FAULTS = (
    Fault(
        "smooth-l1-not-divided",
        "pytorch/pytorch#44433",
        "other",
        ("d",),
        "The quadratic part of smooth L1 is divided by beta, its gradient is not.",
        layer_build(_in_both_regions, _smooth_forward, _smooth_backward, _smooth_not_divided),
        also=("scale",),
    ),
    Fault(
        "smooth-l1-one-sided",
        "BobMcDear/attorch#13, in the backward only",
        "slope",
        ("d",),
        "The backward tests d < beta instead of |d| < beta.",
        layer_build(_in_both_regions, _smooth_forward, _smooth_backward, _smooth_one_sided),
        also=("other",),
    ),
    Fault(
        "quantile-swapped",
        "no thread; a quantile and its complement mixed up",
        "slope",
        ("d",),
        "The slopes above and below the quantile are swapped.",
        layer_build(spread(d=(4, 5)), _quantile_forward, _quantile_backward, _quantile_swapped),
        also=("other", "missing-term"),
    ),
    Fault(
        "hinge-without-label-column",
        "no thread; the half of a hinge gradient that is easily forgotten",
        "detached",
        ("z",),
        "The column of the label, which lowers every margin, gets no gradient.",
        layer_build(*_HINGE, _hinge_without_label),
        also=("missing-term",),
    ),
    Fault(
        "hinge-label-counted-once",
        "bruceoutdoors/CS231n#5, aroetter#1",
        "other",
        ("z",),
        "The label's column is written once and not once for each class too near.",
        layer_build(*_HINGE, _hinge_counted_once),
        also=("scale", "duplicate-index", "missing-term"),
    ),
    Fault(
        "focal-factor-constant",
        "no thread; the factor (1 - p)^gamma held constant",
        "missing-term",
        ("z",),
        "The focal factor is treated as a constant weight of the cross-entropy.",
        layer_build(normal(z=(M, K)), _focal_forward, _focal_backward, _focal_factor_constant),
        also=("scale", "other"),
    ),
    Fault(
        "divergence-reversed",
        "no thread; the two arguments of the divergence mixed up",
        "other",
        ("z",),
        "The gradient is that of the divergence with its arguments swapped.",
        layer_build(*_DIVERGENCE, _divergence_reversed),
    ),
    Fault(
        "divergence-without-row-sum",
        "HomericIntelligence/Odyssey#2134",
        "missing-term",
        ("z",),
        "The gradient of the divergence lacks the row sum that keeps probabilities at one.",
        layer_build(*_DIVERGENCE, _divergence_without_row_sum),
        also=("other",),
    ),
    Fault(
        "ignored-rows-trained",
        "PaddlePaddle/Paddle#28622",
        "extra-term",
        ("z",),
        "Rows whose label is to be ignored get a gradient all the same.",
        layer_build(normal(z=(M, K)), _ignoring_forward, _ignoring_backward, _ignored_trained),
        also=("other",),
    ),
    Fault(
        "weighted-loss-divided-by-rows",
        "tensorflow/swift-apis#42",
        "scale",
        ("z",),
        "The cost divides by the sum of the class weights, its gradient by the number of rows.",
        layer_build(*_WEIGHTED, _weighted_by_rows),
    ),
    Fault(
        "class-weights-forgotten",
        "no thread; class weights in the forward only",
        "scale",
        ("z",),
        "The class weights are in the cost but not in its gradient.",
        layer_build(*_WEIGHTED, _weights_forgotten),
        also=("other",),
    ),
    Fault(
        "label-smoothing-forgotten",
        "no thread; label smoothing in the forward only",
        "other",
        ("z",),
        "The labels are smoothed in the cost but not in its gradient.",
        layer_build(normal(z=(M, K)), _smoothed_forward, _smoothed_backward, _smoothed_hard),
    ),
    Fault(
        "perplexity-as-its-logarithm",
        "no thread; the derivative of the exponential around the mean",
        "scale",
        ("z",),
        "The gradient is that of the mean log loss, without the perplexity as its factor.",
        layer_build(normal(z=(M, K)), _perplexity_forward, _perplexity_backward, _cross_entropy_of),
    ),
    Fault(
        "overlap-total-constant",
        "no thread; the denominator of the Dice loss held constant",
        "other",
        ("z",),
        "The denominator of the overlap is held constant.",
        layer_build(
            normal(z=TARGET.shape), _overlap_forward, _overlap_backward, _overlap_total_constant
        ),
    ),
)
"""Faults of losses by their terms."""
