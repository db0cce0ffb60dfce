"""Planted faults of inverted dropout.

Owns: DROPOUT_FAULTS. Does not own the layer, which is `gradcheck.reference.dropout`.
Place: beside `faults/case`, gathered by `faults/__init__`. Every array has the shape of x.
"""

import numpy as np

from ..arrays import Array, Cache
from ..dropout import dropout_backward, dropout_forward
from .case import (
    Backward,
    Build,
    Case,
    Fault,
    dense_cotangent,
    layer_case,
)

SHAPE = (6, 5)
KEEP_PROB = 0.8
ZEROS = 3  # kept entries of x that are exactly 0, as after a relu


def _dropout(wrong: Backward) -> Build:
    def build(rng: np.random.Generator) -> Case:
        seed = int(rng.integers(2**32))
        x = rng.standard_normal(SHAPE)
        _, mask = dropout_forward(x, KEEP_PROB, np.random.default_rng(seed))
        x.flat[np.flatnonzero(mask)[:ZEROS]] = 0

        def forward(x: Array) -> tuple[Array, Cache]:
            # from the seed at each call, so that every call has the same mask
            out, mask = dropout_forward(x, KEEP_PROB, np.random.default_rng(seed))
            return out, (out, mask, seed)

        return layer_case(forward, _right, wrong, {"x": x}, dense_cotangent(rng, SHAPE))

    return build


def _right(dout: Array, cache: Cache) -> Array:
    _, mask, _ = cache
    return dropout_backward(dout, mask)


def _mask_forgotten(dout: Array, cache: Cache) -> Array:
    del cache
    return dout / KEEP_PROB  # right: dout * mask


def _upstream_unchanged(dout: Array, cache: Cache) -> Array:
    del cache
    return dout.copy()  # right: dout * mask


def _mask_from_output(dout: Array, cache: Cache) -> Array:
    out, _, _ = cache
    dx: Array = dout * (out != 0) / KEEP_PROB  # right: dout * mask; an output 0 may have been kept
    return dx


def _scale_missing(dout: Array, cache: Cache) -> Array:
    _, mask, _ = cache
    dx: Array = dout * (mask != 0)  # right: the mask has the scale 1 / keep_prob in it
    return dx


def _scale_of_dropped_share(dout: Array, cache: Cache) -> Array:
    _, mask, _ = cache
    dx: Array = dout * (mask != 0) / (1 - KEEP_PROB)  # right: / keep_prob
    return dx


def _mask_redrawn(dout: Array, cache: Cache) -> Array:
    _, _, seed = cache
    _, mask = dropout_forward(dout, KEEP_PROB, np.random.default_rng(seed + 1))
    return dropout_backward(dout, mask)  # right: with the mask of the forward


DROPOUT_FAULTS = (
    Fault(
        "dropout-mask-forgotten",
        "ddbourgin/numpy-ml#94",
        "dropout-mask",
        ("x",),
        "The backward divides by keep_prob but forgets the mask.",
        _dropout(_mask_forgotten),
    ),
    Fault(
        "dropout-upstream-unchanged",
        "ai-engineering-from-scratch#17",
        "dropout-mask",
        ("x",),
        "The backward passes the upstream gradient on, with neither mask nor scale.",
        _dropout(_upstream_unchanged),
    ),
    Fault(
        "dropout-mask-from-output",
        "kaldi-asr/kaldi#3890",
        "dropout-mask",
        ("x",),
        "The mask is guessed from output != 0, which is wrong where a kept input is 0.",
        _dropout(_mask_from_output),
    ),
    Fault(
        "dropout-scale-missing",
        "no thread; the missing 1/keep_prob of ai-engineering-from-scratch#17 alone",
        "scale",
        ("x",),
        "The backward has the right mask but lacks the factor 1 / keep_prob.",
        _dropout(_scale_missing),
    ),
    Fault(
        "dropout-scale-of-dropped-share",
        "no thread; keep_prob and its complement p are easily mixed up",
        "scale",
        ("x",),
        "The backward divides by the probability to drop instead of the one to keep.",
        _dropout(_scale_of_dropped_share),
    ),
    Fault(
        "dropout-mask-redrawn",
        "no thread; the course: the same mask in forward and backward",
        "dropout-mask",
        ("x",),
        "The backward draws a new mask instead of using that of the forward.",
        _dropout(_mask_redrawn),
    ),
)
"""Faults of dropout."""
