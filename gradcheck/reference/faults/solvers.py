"""Planted faults of solving, scattering, grouping, and of two losses.

Owns: SOLVER_FAULTS, wrong twins of the layers of the reference itself. Decompositions, gathers and
other losses stand in files of their own. Place: beside `faults/case`, gathered by
`faults/__init__`. Letters: n = rows of a matrix, m = rows of a batch, C = channels, k = classes.
"""

from typing import Any

import numpy as np

from ..arrays import Array, Cache, Params
from ..class_losses import focal_backward, focal_forward
from ..comparisons import huber_backward, huber_forward
from ..indexing import gather_backward, gather_forward, scatter_add_backward, scatter_add_forward
from ..linear_systems import (
    cholesky_solve_backward,
    cholesky_solve_forward,
    log_determinant_backward,
)
from ..normalisation import group_norm_backward, group_norm_forward
from .case import Backward, Build, Fault, layer_build, normal

N = 4
INDEX = np.array([[0, 2, 1], [2, 2, 1], [1, 0, 1]])  # along axis 0, with repeats in each column
LABELS = np.array([1, 3, 0, 2, 1])  # (m,)
FOCUS = 2.0
DELTA = 0.6
TARGET = np.zeros((4, 3))


def _factor(rng: np.random.Generator) -> Params:
    below = np.tril(rng.uniform(-1, 1, (N, N)), -1)
    return {"L": below + np.diag(rng.uniform(1, 2, N)), "b": rng.standard_normal((N, 2))}


def _solving(wrong: Backward) -> Build:
    return layer_build(_factor, cholesky_solve_forward, cholesky_solve_backward, wrong)


def _factor_counted_once(dout: Array, cache: Cache) -> tuple[Array, ...]:
    lower, x = cache
    _, db = cholesky_solve_backward(dout, cache)
    return np.tril(-(db @ x.T) @ lower), db  # right: dA + dA^T, for L stands in A = L L^T twice


def _factor_not_trimmed(dout: Array, cache: Cache) -> tuple[Array, ...]:
    lower, x = cache
    _, db = cholesky_solve_backward(dout, cache)
    dA = -(db @ x.T)
    return (dA + dA.T) @ lower, db  # right: its lower triangle, the forward reads nothing else


def _half_of_the_solve(dout: Array, cache: Cache) -> tuple[Array, ...]:
    lower, _ = cache
    dL, _ = cholesky_solve_backward(dout, cache)
    return dL, np.linalg.solve(lower, dout)  # right: and then by the transpose


def _logarithm_forward(A: Array) -> tuple[Array, Cache]:
    return np.log(np.linalg.det(A)), A  # as log_determinant_forward, for complex numbers too


def _matrix(rng: np.random.Generator) -> Params:
    return {"A": 0.4 * rng.uniform(-1, 1, (N, N)) + np.diag(rng.uniform(2, 3, N))}


def _diagonal_only(dout: float, cache: Cache) -> Array:
    return np.diag(np.diagonal(log_determinant_backward(dout, cache)))  # right: all of the inverse


def _inverse_of_diagonal(dout: float, cache: Cache) -> Array:
    return dout * np.diag(1 / np.diagonal(cache))  # right: the inverse of the matrix


def _scatter_forward(x: Array, source: Array) -> tuple[Array, Cache]:
    return scatter_add_forward(x, INDEX, source, axis=0)


def _scattering(wrong: Backward) -> Build:
    draw = normal(x=(N, 3), source=INDEX.shape)
    return layer_build(draw, _scatter_forward, scatter_add_backward, wrong)


def _scatter_as_overwriting(dout: Array, cache: Cache) -> tuple[Array, ...]:
    index, axis = cache
    dx, dsource = scatter_add_backward(dout, cache)
    np.put_along_axis(dx, index, 0, axis)  # right: dx is dout, for x is added to, not replaced
    return dx, dsource


def _scatter_of_last(dout: Array, cache: Cache) -> tuple[Array, ...]:
    index, _ = cache
    dx, dsource = scatter_add_backward(dout, cache)
    for i, j in np.ndindex(index.shape):
        if index[i, j] in index[i + 1 :, j]:
            dsource[i, j] = 0  # right: each of the entries that were added up
    return dx, dsource


def _gather_forward(x: Array) -> tuple[Array, Cache]:
    return gather_forward(x, INDEX, axis=0)


def _gather_along_other_axis(dout: Array, cache: Cache) -> Array:
    index, _, shape = cache
    return gather_backward(dout, (index, 1, shape))  # right: axis 0


def _group_forward(x: Array, gain: Array, bias: Array) -> tuple[Array, Cache]:
    return group_norm_forward(x, gain, bias, groups=2)


def _groups_as_one(dout: Array, cache: Cache) -> tuple[Array, ...]:
    (grouped, inverse_std, axes), normed, gain = cache
    _, dgain, dbias = group_norm_backward(dout, cache)
    dgrouped = (dout * gain[:, None]).reshape(grouped.shape)
    along = (dgrouped * grouped).mean(axis=(1, 2), keepdims=True)  # right: axis 2, in each group
    dcentred = inverse_std * (dgrouped - grouped * along)
    dx = dcentred - dcentred.mean(axis=axes, keepdims=True)
    return dx.reshape(normed.shape), dgain, dbias


def _focal_forward(z: Array) -> tuple[Any, Cache]:
    return focal_forward(z, LABELS, FOCUS)


def _focal_power_not_lowered(dout: float, cache: Cache) -> Array:
    log_p, labels, focus = cache
    rows = np.arange(len(labels))
    log_right = log_p[rows, labels]
    p = np.exp(log_right)
    # right: (1 - p)^(focus - 1) in the first term
    slope = ((1 - p) ** focus * (focus * p * log_right - 1)) / len(labels)
    dz = -slope[:, None] * np.exp(log_p)
    dz[rows, labels] += slope
    dz_all: Array = dout * dz
    return dz_all


def _huber_forward(p: Array) -> tuple[Any, Cache]:
    return huber_forward(p, TARGET, DELTA)


def _huber_sign(dout: float, cache: Cache) -> Array:
    d, delta = cache
    inside = np.abs(d) <= delta
    dp: Array = dout * np.where(inside, d, np.sign(d)) / len(d)  # right: delta * sign
    return dp


def _huber_not_averaged(dout: float, cache: Cache) -> Array:
    d, _ = cache
    return huber_backward(dout, cache) * len(d)  # right: the mean over rows


SOLVER_FAULTS = (
    Fault(
        "cholesky-solve-factor-counted-once",
        "no thread; A = L L^T differentiated as if L stood in it once",
        "other",
        ("L",),
        "The factor stands in the matrix twice, and only one of the two gives a gradient.",
        _solving(_factor_counted_once),
        also=("missing-term",),
    ),
    Fault(
        "cholesky-solve-factor-not-trimmed",
        "no thread; the gradient of all of L, of which one triangle is read",
        "extra-term",
        ("L",),
        "Entries above the diagonal, which the forward never reads, get a gradient.",
        _solving(_factor_not_trimmed),
        also=("other",),
    ),
    Fault(
        "cholesky-solve-one-triangle",
        "no thread; one of the two triangular solves forgotten",
        "other",
        ("b",),
        "The gradient of the right side is solved by one triangle, not by both.",
        _solving(_half_of_the_solve),
    ),
    Fault(
        "log-determinant-diagonal-only",
        "no thread; the gradient of a diagonal matrix for any",
        "missing-term",
        ("A",),
        "Only the diagonal of the inverse is returned.",
        layer_build(_matrix, _logarithm_forward, log_determinant_backward, _diagonal_only),
        also=("other", "detached"),
    ),
    Fault(
        "log-determinant-inverse-of-diagonal",
        "no thread; one over the diagonal for the inverse",
        "other",
        ("A",),
        "The matrix is inverted as if it were diagonal.",
        layer_build(_matrix, _logarithm_forward, log_determinant_backward, _inverse_of_diagonal),
        also=("detached", "missing-term"),
    ),
    Fault(
        "scatter-add-as-overwriting",
        "no thread; the backward of scatter under the forward of scatter_add",
        "detached",
        ("x",),
        "Entries that something was added to get no gradient, as if they had been replaced.",
        _scattering(_scatter_as_overwriting),
        also=("other",),
    ),
    Fault(
        "scatter-add-of-last-only",
        "no thread; x[index] += source keeps the last of equal indices",
        "duplicate-index",
        ("source",),
        "Of entries that were added to one place only the last gets a gradient.",
        _scattering(_scatter_of_last),
        also=("detached", "other"),
    ),
    Fault(
        "gather-along-other-axis",
        "no thread; the axis of the default in the backward",
        "wrong-axis",
        ("x",),
        "The gradient is put back along the columns, where the forward picked along the rows.",
        layer_build(normal(x=(3, 3)), _gather_forward, gather_backward, _gather_along_other_axis),
        also=("other", "transpose"),
    ),
    Fault(
        "group-norm-groups-as-one",
        "no thread; the statistics of the sample in one line of the backward",
        "wrong-axis",
        ("x",),
        "The part that goes through the variance is averaged over all groups, not over each.",
        layer_build(
            normal(x=(2, 4, 3), gain=(4,), bias=(4,)),
            _group_forward,
            group_norm_backward,
            _groups_as_one,
        ),
        also=("other", "missing-term"),
    ),
    Fault(
        "focal-power-not-lowered",
        "no thread; the exponent kept in the derivative of a power",
        "other",
        ("z",),
        "The derivative of (1 - p) to a power keeps the power as it was.",
        layer_build(normal(z=(5, 4)), _focal_forward, focal_backward, _focal_power_not_lowered),
    ),
    Fault(
        "huber-delta-forgotten",
        "no thread; the slope of the absolute value beyond delta",
        "other",
        ("p",),
        "Beyond delta the slope is 1 instead of delta.",
        layer_build(normal(p=TARGET.shape), _huber_forward, huber_backward, _huber_sign),
        also=("scale",),
    ),
    Fault(
        "huber-not-averaged",
        "no thread; the mean over rows in the forward only",
        "scale",
        ("p",),
        "The cost is divided by the number of rows, its gradient is not.",
        layer_build(normal(p=TARGET.shape), _huber_forward, huber_backward, _huber_not_averaged),
    ),
)
"""Faults of solving, scattering, grouping, and of two losses."""
