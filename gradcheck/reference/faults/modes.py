"""Planted faults of layers with two modes: dropout in its variants, batch norm in evaluation.

Owns: MODE_FAULTS, wrong twins of the layers of the reference itself. Plain dropout and batch norm
in training stand in `faults/dropout` and `faults/batch_norm`. Place: beside `faults/case`, gathered
by `faults/__init__`. Letters: m = rows, C = channels.
"""

import numpy as np

from ..arrays import Array, Cache
from ..batch_norm import (
    Statistics,
    batch_norm_evaluate_backward,
    batch_norm_evaluate_forward,
)
from ..dropout import (
    dropout_channels_backward,
    dropout_channels_forward,
    dropout_rows_backward,
    dropout_rows_forward,
    gaussian_dropout_backward,
    gaussian_dropout_forward,
)
from ..normalisation import normalise_backward
from .case import Backward, Build, Draw, Fault, layer_build, normal

SHAPE = (3, 4, 2, 2)  # (m, C, H, W)
ROWS = (8, 3)  # (m, C)
KEEP_PROB = 0.6
SEED = 11  # of the masks, which are the same at every call; some are kept, some dropped
RUNNING = Statistics(np.array([0.5, -1.0, 2.0]), np.array([2.0, 0.25, 1.5]))
OTHERS = (0,)  # the axes but that of the channels
EPSILON = 1e-5


def _channels_forward(x: Array) -> tuple[Array, Cache]:
    return dropout_channels_forward(x, KEEP_PROB, np.random.default_rng(SEED))


def _channels_by_entry(dout: Array, cache: Cache) -> Array:
    del cache  # right: one draw per channel
    dropped: Array = dout * (np.random.default_rng(SEED).random(dout.shape) < KEEP_PROB)
    return dropped / KEEP_PROB


def _channels_of_first_row(dout: Array, cache: Cache) -> Array:
    return dropout_channels_backward(dout, cache[:1])  # right: each row has a mask of its own


def _rows_forward(x: Array) -> tuple[Array, Cache]:
    return dropout_rows_forward(x, KEEP_PROB, np.random.default_rng(SEED))


def _rows_without_scale(dout: Array, cache: Cache) -> Array:
    return dropout_rows_backward(dout, cache > 0)  # right: cache, 1 / keep_prob where kept


def _rows_never_dropped(dout: Array, cache: Cache) -> Array:
    return dropout_rows_backward(dout, np.full_like(cache, 1 / KEEP_PROB))  # right: cache


def _gaussian_forward(x: Array) -> tuple[Array, Cache]:
    return gaussian_dropout_forward(x, KEEP_PROB, np.random.default_rng(SEED))


def _gaussian_without_mean(dout: Array, cache: Cache) -> Array:
    return gaussian_dropout_backward(dout, cache - 1)  # right: cache, which is 1 on average


def _gaussian_redrawn(dout: Array, cache: Cache) -> Array:
    _, noise = gaussian_dropout_forward(cache, KEEP_PROB, np.random.default_rng(SEED + 1))
    return gaussian_dropout_backward(dout, noise)  # right: cache, the noise of the forward


def _evaluate_forward(x: Array, gain: Array, bias: Array) -> tuple[Array, Cache]:
    return batch_norm_evaluate_forward(x, gain, bias, RUNNING, EPSILON)


def _evaluate_as_training(dout: Array, cache: Cache) -> tuple[Array, ...]:
    normed, inverse_std, gain = cache
    _, dgain, dbias = batch_norm_evaluate_backward(dout, cache)
    # right: inverse_std * dout * gain, for the running statistics do not depend on x
    dx = normalise_backward(dout * gain, (normed, inverse_std, OTHERS))
    return dx, dgain, dbias


def _evaluate_by_variance(dout: Array, cache: Cache) -> tuple[Array, ...]:
    normed, inverse_std, gain = cache
    # right: inverse_std, one over the root
    return batch_norm_evaluate_backward(dout, (normed, inverse_std**2, gain))


def _evaluate_by_batch(dout: Array, cache: Cache) -> tuple[Array, ...]:
    normed, _, _ = cache
    dx, _, dbias = batch_norm_evaluate_backward(dout, cache)
    centred = normed - normed.mean(axis=OTHERS)  # right: normed, as the forward has it
    return dx, (dout * centred).sum(axis=OTHERS), dbias


def _channels(wrong: Backward) -> Build:
    return layer_build(normal(x=SHAPE), _channels_forward, dropout_channels_backward, wrong)


def _rows(wrong: Backward) -> Build:
    return layer_build(normal(x=ROWS), _rows_forward, dropout_rows_backward, wrong)


def _gaussian(wrong: Backward) -> Build:
    return layer_build(normal(x=ROWS), _gaussian_forward, gaussian_dropout_backward, wrong)


def _evaluation(wrong: Backward) -> Build:
    draw: Draw = normal(x=ROWS, gain=(3,), bias=(3,))
    return layer_build(draw, _evaluate_forward, batch_norm_evaluate_backward, wrong)


MODE_FAULTS = (
    Fault(
        "channel-mask-drawn-by-entry",
        "no thread; the mask of plain dropout in the backward of the spatial one",
        "dropout-mask",
        ("x",),
        "The forward drops whole channels, the backward single entries.",
        _channels(_channels_by_entry),
        also=("other", "extra-term"),
    ),
    Fault(
        "channel-mask-of-first-row",
        "no thread; one mask kept for the whole batch",
        "dropout-mask",
        ("x",),
        "Each row drops channels of its own, the gradient of all goes through the first row's.",
        _channels(_channels_of_first_row),
        also=("other", "extra-term"),
    ),
    Fault(
        "row-dropout-scale-missing",
        "no thread; 1 / keep_prob in the forward only",
        "scale",
        ("x",),
        "The rows that are kept are scaled up, their gradient is not.",
        _rows(_rows_without_scale),
    ),
    Fault(
        "row-dropout-mask-forgotten",
        "no thread; the skipped branch gets its gradient all the same",
        "dropout-mask",
        ("x",),
        "Rows that skip the branch get a gradient from it, as if they had gone through.",
        _rows(_rows_never_dropped),
        also=("other", "extra-term"),
    ),
    Fault(
        "gaussian-noise-without-its-mean",
        "no thread; multiplied by 1 + noise, and by noise on the way back",
        "other",
        ("x",),
        "The forward multiplies by 1 plus noise, the backward by the noise alone.",
        _gaussian(_gaussian_without_mean),
        also=("missing-term",),
    ),
    Fault(
        "gaussian-noise-redrawn",
        "no thread; the noise drawn again in the backward",
        "other",
        ("x",),
        "The backward multiplies by noise of its own instead of the forward's.",
        _gaussian(_gaussian_redrawn),
        also=("dropout-mask",),
    ),
    Fault(
        "evaluation-differentiated-as-training",
        "no thread; the backward of training under the forward of evaluation",
        "missing-term",
        ("x",),
        "The running statistics are constants, but the backward takes them for those of the batch.",
        _evaluation(_evaluate_as_training),
        also=("other",),
    ),
    Fault(
        "evaluation-divided-by-variance",
        "no thread; the root forgotten",
        "other",
        ("x",),
        "The gradient is divided by the running variance instead of its root.",
        _evaluation(_evaluate_by_variance),
        also=("scale",),
    ),
    Fault(
        "evaluation-gain-of-batch-mean",
        "no thread; the statistics of the batch in one line of the backward",
        "other",
        ("gain",),
        "The gain's gradient subtracts the mean of the batch, the forward the running one.",
        _evaluation(_evaluate_by_batch),
        also=("missing-term",),
    ),
)
"""Faults of layers with two modes."""
