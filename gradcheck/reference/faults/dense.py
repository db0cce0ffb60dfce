"""Planted faults of the dense layer: reductions, axes, transposes, indices.

Owns: DENSE_FAULTS. Does not own the layer, which is `gradcheck.reference.dense`.
Place: beside `faults/case`, gathered by `faults/__init__`.
Letters: m = rows of the batch, n_in = inputs, n_out = outputs.
"""

import numpy as np

from ..arrays import Array, Cache
from ..dense import dense_backward, dense_forward
from .case import (
    Backward,
    Build,
    Case,
    Fault,
    dense_cotangent,
    layer_case,
)

GENERAL = (5, 4, 6)  # (m, n_in, n_out): all different, so that a swapped axis shows in the shape
SQUARE = (5, 4, 4)  # n_in = n_out: a transposed W has the right shape, only its numbers tell
ALL_EQUAL = (4, 4, 4)  # and m too: a sum over the wrong axis has the right shape


def _dense(wrong: Backward, sizes: tuple[int, int, int]) -> Build:
    m, n_in, n_out = sizes

    def build(rng: np.random.Generator) -> Case:
        x = {
            "x": rng.standard_normal((m, n_in)),
            "W": rng.standard_normal((n_in, n_out)),
            "b": rng.standard_normal(n_out),
        }
        dout = dense_cotangent(rng, (m, n_out))
        return layer_case(dense_forward, dense_backward, wrong, x, dout)

    return build


def _db_not_summed(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, _ = dense_backward(dout, cache)
    return dx, dW, dout.copy()  # right: dout.sum(axis=0)


def _db_over_wrong_axis(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, _ = dense_backward(dout, cache)
    return dx, dW, dout.sum(axis=1)  # right: axis=0


def _db_averaged(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, _ = dense_backward(dout, cache)
    return dx, dW, dout.mean(axis=0)  # right: dout.sum(axis=0)


def _db_halves_swapped(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, db = dense_backward(dout, cache)
    return dx, dW, np.roll(db, len(db) // 2)  # right: db


def _dw_transposed(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, _ = cache
    dx, _, db = dense_backward(dout, cache)
    return dx, dout.T @ x, db  # right: x.T @ dout


def _dx_without_transpose(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, W = cache
    _, dW, db = dense_backward(dout, cache)
    return dout @ W, dW, db  # right: dout @ W.T


def _dw_rows_shifted(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, db = dense_backward(dout, cache)
    return dx, np.roll(dW, 1, axis=0), db  # right: dW


def _dw_column_zero(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, db = dense_backward(dout, cache)
    dW[:, -1] = 0  # as from range(n_out - 1)
    return dx, dW, db


def _dw_sign_flipped(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, db = dense_backward(dout, cache)
    return dx, -dW, db  # right: dW


def _dw_first_row_only(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, _ = cache
    dx, _, db = dense_backward(dout, cache)
    return dx, np.outer(x[0], dout[0]), db  # right: the sum of these over all m rows


DENSE_FAULTS = (
    Fault(
        "bias-gradient-not-summed",
        "apache/tvm#2465",
        "missing-reduction",
        ("b",),
        "The bias was broadcast over the rows, but its gradient is not summed over them.",
        _dense(_db_not_summed, GENERAL),
    ),
    Fault(
        "bias-gradient-over-wrong-axis",
        "no thread; the axis slip of tensorflow/tfjs-core#1267 on a bias",
        "wrong-axis",
        ("b",),
        "The bias gradient is summed over the outputs instead of over the rows.",
        _dense(_db_over_wrong_axis, ALL_EQUAL),
    ),
    Fault(
        "bias-gradient-averaged",
        "community.deeplearning.ai t/402919",
        "scale",
        ("b",),
        "The bias gradient is the mean over the rows instead of the sum.",
        _dense(_db_averaged, GENERAL),
    ),
    Fault(
        "bias-gradient-halves-swapped",
        "learn_dl#53",
        "permuted",
        ("b",),
        "The two halves of the bias (two gates) receive each other's gradient.",
        _dense(_db_halves_swapped, GENERAL),
    ),
    Fault(
        "weight-gradient-transposed",
        "HomericIntelligence/Odyssey#2136",
        "transpose",
        ("W",),
        "The weight gradient is transposed, which the shape of a square W does not show.",
        _dense(_dw_transposed, SQUARE),
    ),
    Fault(
        "weight-gradient-of-transposed-shape",
        "HomericIntelligence/Odyssey#2136, where W is not square",
        "shape",
        ("W",),
        "The weight gradient is transposed, so that its shape is (n_out, n_in).",
        _dense(_dw_transposed, GENERAL),
    ),
    Fault(
        "input-gradient-without-transpose",
        "NVIDIA/warp#147",
        "transpose",
        ("x",),
        "The upstream gradient is multiplied by W instead of by its transpose.",
        _dense(_dx_without_transpose, SQUARE),
        also=("other",),
    ),
    Fault(
        "weight-gradient-rows-shifted",
        "no thread; an index that starts at 1 instead of 0",
        "off-by-one",
        ("W",),
        "Each row of the weight gradient is stored one row too low.",
        _dense(_dw_rows_shifted, GENERAL),
    ),
    Fault(
        "weight-gradient-column-zero",
        "lanl/PyBNF#534",
        "detached",
        ("W",),
        "The loop over the outputs stops one early, and the last column stays zero.",
        _dense(_dw_column_zero, GENERAL),
    ),
    Fault(
        "sign-flipped",
        "k2-fsa/k2#341",
        "sign",
        ("W",),
        "The weight gradient has the wrong sign.",
        _dense(_dw_sign_flipped, GENERAL),
    ),
    Fault(
        "weight-gradient-of-first-row-only",
        "CNN-from-scratch#1",
        "other",
        ("W",),
        "The return stands inside the loop over the rows, so that only the first row counts.",
        _dense(_dw_first_row_only, GENERAL),
        also=("missing-term",),
    ),
)
"""Faults of the dense layer."""
