"""A Hessian is symmetric: asked of the claim alone, without a difference.

Part of `second_order`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..records import Cause, Finding, PyTree
from ..space import Array, Space, draw_weights, is_floating, leaves_by_path, unit_roundoff
from .matrix import Matrix, plain

MOST_NAMED = 3
HALF_OF_THE_DIGITS = 2.0  # times the root of the unit roundoff, where that is above rtol


def asymmetry(matrix: Matrix, rtol: float) -> Finding | None:
    """Return a finding that names pairs of entries that differ, the largest difference first.

    What differs by less than rtol of the largest entry of its row or column is rounding, or the
    differences that a Hessian may be made of.
    """
    full, index, roundoff = _assembled(matrix)
    largest = np.abs(full).max(axis=1, initial=0.0)
    least = max(rtol, HALF_OF_THE_DIGITS * roundoff**0.5)
    away = np.triu(np.abs(full - full.T))
    wrong = np.argwhere(away > least * np.maximum(largest[:, None], largest))  # never where NaN
    if not len(wrong):
        return None
    wrong = wrong[np.argsort([-away[i, j] for i, j in wrong], kind="stable")]

    def names(i: int, j: int) -> str:
        (p, row), (q, column) = index(i), index(j)
        return matrix.entry(p, row, q, column)

    shown = "; ".join(
        f"{names(i, j)} is {full[i, j]:.6g} and {names(j, i)} is {full[j, i]:.6g}"
        for i, j in wrong[:MOST_NAMED]
    )
    more = f"; and {len(wrong) - MOST_NAMED} more pairs" if len(wrong) > MOST_NAMED else ""
    message = f"the Hessian is not symmetric: {shown}{more}"
    for word, half in (("lower", np.tril(full, -1)), ("upper", np.triu(full, 1))):
        if len(matrix.leaves) == 1 and not np.any(half):
            message += f"; the {word} triangle is empty, so mirror the other one"
    pairs = [[int(i), int(j)] for i, j in wrong]
    leaf = index(int(wrong[0][1]))[0]
    return Finding(Cause.ASYMMETRIC, f"{message}.", leaf, {"pairs": pairs})


def _assembled(matrix: Matrix) -> tuple[Array, Callable[[int], tuple[str, tuple[int, ...]]], float]:
    """Put the blocks into one square matrix; returns where in which leaf a row is, and roundoff."""
    leaves = matrix.leaves
    sizes = [leaf.array.size for leaf in leaves]
    rows = [
        np.hstack([plain(matrix.here[p.path, q.path]).reshape(n, q.array.size) for q in leaves])
        for p, n in zip(leaves, sizes, strict=True)
    ]
    owner = np.repeat(np.arange(len(leaves)), sizes)
    start = np.concatenate([[0], np.cumsum(sizes)])

    def index(k: int) -> tuple[str, tuple[int, ...]]:
        leaf = leaves[owner[k]]
        where = np.unravel_index(int(k - start[owner[k]]), leaf.array.shape)
        return leaf.path, tuple(int(n) for n in where)

    roundoffs = [unit_roundoff(leaf.array.dtype) for leaf in leaves]
    roundoffs += [unit_roundoff(b.dtype) for b in matrix.here.values() if is_floating(b.dtype)]
    return np.vstack(rows), index, max(roundoffs)


def product_asymmetry(
    product: Callable[[PyTree, PyTree], PyTree], space: Space, rtol: float, rng: np.random.Generator
) -> Finding | None:
    """Compare <u, H v> with <v, H u> for random u and v; None where the products cannot be had."""
    u, v = ({i: _drawn(space, i, rng) for i in space.moving} for _ in range(2))
    try:
        of_u, of_v = _applied(product, space, u), _applied(product, space, v)
    except Exception:  # foreign code; the check itself says what is wrong with it
        return None
    terms_uv = np.concatenate([(u[i] * of_v[i]).ravel() for i in space.moving])
    terms_vu = np.concatenate([(v[i] * of_u[i]).ravel() for i in space.moving])
    roundoff = max(unit_roundoff(space.leaves[i].array.dtype) for i in space.moving)
    least = max(rtol, HALF_OF_THE_DIGITS * roundoff**0.5)
    first, second = float(terms_uv.sum()), float(terms_vu.sum())
    size = float(max(np.linalg.norm(terms_uv), np.linalg.norm(terms_vu)))
    if not abs(first - second) > least * size:
        return None
    message = (
        f"the Hessian is not symmetric: for random u and v, <u, H v> is {first:.6g} and <v, H u> "
        f"is {second:.6g}."
    )
    return Finding(Cause.ASYMMETRIC, message, None, {"uHv": first, "vHu": second})


def _drawn(space: Space, i: int, rng: np.random.Generator) -> Array:
    return draw_weights(rng, space.leaves[i].array.shape, space.leaves[i].array.dtype)


def _applied(
    product: Callable[[PyTree, PyTree], PyTree], space: Space, v: dict[int, Array]
) -> dict[int, Any]:
    """Call a Hessian-vector product at x, and leave what belongs to the caller as it was."""
    dtypes = {i: space.leaves[i].array.dtype for i in space.moving}
    try:
        tangent = space.rebuild({i: array.astype(dtypes[i]) for i, array in v.items()})
        by_path = leaves_by_path(product(space.point(), tangent))
    finally:
        space.restore_handed()
        space.restore_given()
    return {i: np.array(by_path[space.leaves[i].path]) for i in space.moving}
