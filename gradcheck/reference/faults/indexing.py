"""Planted faults of indexing, reducing and branching.

Owns: INDEXING_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: m = rows, n = columns.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..arrays import Array, Cache
from .case import (
    Backward,
    Build,
    Case,
    Fault,
    Forward,
    away_from_zero,
    dense_cotangent,
    layer_case,
)

GENERAL = (5, 4)  # (m, n)
SQUARE = (4, 4)  # a vector broadcast along the wrong axis has the right shape
PICKED = np.array([0, 2, 2, 4, 2, 0])  # row 2 three times, row 0 twice, rows 1 and 3 never

Draw: TypeAlias = Callable[[np.random.Generator], Array]


def _layer(draw: Draw, forward: Forward, right: Backward, wrong: Backward) -> Build:
    def build(rng: np.random.Generator) -> Case:
        x = draw(rng)
        out, _ = forward(x)
        return layer_case(forward, right, wrong, {"x": x}, dense_cotangent(rng, out.shape))

    return build


def _general(rng: np.random.Generator) -> Array:
    return away_from_zero(rng, GENERAL)


def _square(rng: np.random.Generator) -> Array:
    return away_from_zero(rng, SQUARE)


def _with_a_zero(rng: np.random.Generator) -> Array:
    x = away_from_zero(rng, GENERAL)
    x[1, 2] = 0
    return x


def _gather_forward(x: Array) -> tuple[Array, Cache]:
    return x[PICKED], x.shape  # (6, n)


def _gather_backward(dout: Array, cache: Cache) -> Array:
    dx = np.zeros(cache)  # (m, n)
    np.add.at(dx, PICKED, dout)  # forward: x[PICKED], rows are used more than once
    return dx


def _gather_assigned(dout: Array, cache: Cache) -> Array:
    dx = np.zeros(cache)  # (m, n)
    dx[PICKED] = dout  # right: np.add.at
    return dx


def _mean_forward(x: Array) -> tuple[Array, Cache]:
    return x.mean(axis=1), x.shape  # (m,)


def _mean_backward(dout: Array, cache: Cache) -> Array:
    _, n = cache
    return np.repeat(dout[:, None] / n, n, axis=1)  # (m, n); forward: mean over n


def _mean_on_wrong_axis(dout: Array, cache: Cache) -> Array:
    _, n = cache
    dx: Array = np.zeros(cache) + dout / n  # (m, n); right: dout[:, None]
    return dx


def _mean_by_size_of_output(dout: Array, cache: Cache) -> Array:
    _, n = cache
    dx: Array = _mean_backward(dout, cache) * n / dout.size  # right: / n, the number averaged
    return dx


def _product_forward(x: Array) -> tuple[Array, Cache]:
    return x.prod(axis=1), x  # (m,)


def _product_backward(dout: Array, cache: Cache) -> Array:
    x = cache
    others = [np.delete(x, j, axis=1).prod(axis=1) for j in range(x.shape[1])]  # n of (m,)
    dx: Array = dout[:, None] * np.stack(others, axis=1)  # (m, n); forward: product over n
    return dx


def _product_by_division(dout: Array, cache: Cache) -> Array:
    x = cache
    with np.errstate(invalid="ignore"):  # 0 / 0 is the fault
        dx: Array = (dout * x.prod(axis=1))[:, None] / x  # (m, n)
        return dx


def _root_forward(x: Array) -> tuple[Array, Cache]:
    out = np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0)  # (m, n)
    return out, x


def _root_backward(dout: Array, cache: Cache) -> Array:
    x = cache
    slope = np.where(x > 0, 0.5 / np.sqrt(np.where(x > 0, x, 1)), 0)  # (m, n)
    return dout * slope  # forward: where(x > 0, sqrt(x), 0)


def _root_of_untaken_branch(dout: Array, cache: Cache) -> Array:
    x = cache
    with np.errstate(invalid="ignore"):  # 0 * NaN is the fault
        dx: Array = dout * (x > 0) * 0.5 / np.sqrt(x)
        return dx


INDEXING_FAULTS = (
    Fault(
        "gather-gradient-assigned",
        "pytorch/pytorch#1631, apache/mxnet#9172",
        "duplicate-index",
        ("x",),
        "Rows that are picked more than once get the gradient of the last pick, not the sum.",
        _layer(_general, _gather_forward, _gather_backward, _gather_assigned),
    ),
    Fault(
        "mean-gradient-on-wrong-axis",
        "pytorch/pytorch#1813",
        "broadcast",
        ("x",),
        "The gradient of a row mean lacks its second axis, and broadcasts along the columns.",
        _layer(_square, _mean_forward, _mean_backward, _mean_on_wrong_axis),
    ),
    Fault(
        "mean-gradient-by-size-of-output",
        "cTensor#24",
        "scale",
        ("x",),
        "The gradient of a mean is divided by the size of its result.",
        _layer(_general, _mean_forward, _mean_backward, _mean_by_size_of_output),
    ),
    Fault(
        "product-gradient-by-division",
        "tracel-ai/burn#5141",
        "nonfinite",
        ("x",),
        "The gradient of a product is formed as product / x, which is 0 / 0 at a zero.",
        _layer(_with_a_zero, _product_forward, _product_backward, _product_by_division),
    ),
    Fault(
        "root-of-untaken-branch",
        "jax-ml/jax#347",
        "nonfinite",
        ("x",),
        "The slope of sqrt is also formed where the branch is not taken, and 0 * NaN is NaN.",
        _layer(_general, _root_forward, _root_backward, _root_of_untaken_branch),
    ),
)
"""Faults of indexing, reducing and branching."""
