"""Which pairs of output and input are wrong in a matrix: one column looked at, output by output.

The check knows which entries of the point have a wrong column, from sums over all outputs. Here a
plain central difference along such an entry ranks the outputs, and those that stand out are
measured by themselves, with an error bar: what is named is certified.
Part of `second_order`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from ..execution import CallFailed
from ..numeric import ladder_of
from ..randomness import Held
from ..records import Cause, Derivative, Finding, LeafReport, PyTree, Report, UsageError, Verdict
from ..space import Array, Leaf, holds, leaves_by_path, read_bounds, rms, unit_roundoff
from .matrix import Matrix, is_sparse

MOST_COLUMNS, MOST_OUTPUTS = 3, 2  # named; a sentence of more is not read
NOISE = 100.0  # unit roundoffs of an output that its plain difference may be off by
PLAIN = 1e-6  # and that share of its size, float64's root of a third


@dataclass(frozen=True)
class Pair:
    """One entry of the matrix that is wrong."""

    name: str
    row: tuple[int, ...]
    column: tuple[int, ...]
    claimed: float
    measured: float
    bar: float

    def __str__(self) -> str:
        measured = f"{self.measured:.6g} ± {self.bar:.1g}"
        return f"{self.name} is {self.claimed:.6g} and measured {measured}"


@dataclass(frozen=True, eq=False)
class Asked:
    """The function whose outputs are looked at, and how it may be called: see `PointOptions`."""

    f: Callable[[PyTree], Any]
    random: Any = ()
    bounds: Any = None


def name_pairs(
    asked: Asked, matrix: Matrix, report: Report
) -> tuple[Finding, tuple[Pair, ...]] | None:
    """Return a finding that names wrong pairs, and these; None where none is certain."""
    try:
        for leaf in matrix.leaves:
            told = report.leaves.get(leaf.path)
            if told is None or told.verdict is not Verdict.FAIL or told.wrong is None:
                continue
            if leaf.array.dtype.kind == "c":
                continue
            found = tuple(_wrong_pairs(asked, matrix, leaf, told, report.plan.rtol))
            if found:
                message = f"in the {matrix.noun}, {'; '.join(map(str, found))}."
                evidence = {"pairs": [[*pair.row, *pair.column] for pair in found]}
                return Finding(told.cause or Cause.OTHER, message, leaf.path, evidence), found
        return None
    finally:
        matrix.space.restore_given()


def _wrong_pairs(
    asked: Asked, matrix: Matrix, leaf: Leaf, told: LeafReport, rtol: float
) -> Iterator[Pair]:
    for index in np.argwhere(np.asarray(told.wrong))[:MOST_COLUMNS]:
        column = tuple(int(k) for k in index)
        v = _unit(matrix, leaf, column)
        for path, row in _suspects(asked, matrix, leaf, column)[:MOST_OUTPUTS]:

            def output(point: PyTree, path: str = path, row: tuple[int, ...] = row) -> Any:  # noqa: ANN401
                return np.asarray(leaves_by_path(asked.f(point))[path])[row]

            try:
                measured = _derivative(output, matrix.space.point(), v, asked)
            except UsageError:
                continue
            claimed = float(_column(matrix.here[path, leaf.path], column, leaf)[row])
            size = max(abs(claimed), abs(measured.value))
            # `not <=` as a claim that is NaN is wrong; a bar that is infinite names nothing
            if not abs(claimed - measured.value) <= measured.error_bar + rtol * size:
                name = matrix.entry(path, row, leaf.path, column)
                yield Pair(name, row, column, claimed, measured.value, measured.error_bar)


def _derivative(output: Callable[[PyTree], Any], x: PyTree, v: PyTree, asked: Asked) -> Derivative:
    """Measure as `gradcheck.derivative` does, and at a bound from inside."""
    ladder, unit = ladder_of(output, x, v, random=asked.random, bounds=asked.bounds)
    return ladder.derivative.scaled(1 / unit)


def _suspects(
    asked: Asked, matrix: Matrix, leaf: Leaf, column: tuple[int, ...]
) -> list[tuple[str, tuple[int, ...]]]:
    """Rank the outputs by how far plain differences are from the claim, in units of their noise."""
    roundoff = unit_roundoff(leaf.array.dtype)
    h = roundoff ** (1 / 3) * (rms(leaf.array) or 1.0)
    ahead, at, behind = (_values(asked, matrix, leaf, column, t) for t in (h, 0.0, -h))
    ranked = []
    for path in (p for p, q in matrix.here if q == leaf.path):
        slope = (ahead[path] - behind[path]) / (2 * h)
        slope = np.where(np.isfinite(slope), slope, (ahead[path] - at[path]) / h)
        slope = np.where(np.isfinite(slope), slope, (at[path] - behind[path]) / h)
        claimed = _column(matrix.here[path, leaf.path], column, leaf)
        noise = NOISE * roundoff * np.abs(at[path]) / h + PLAIN * np.abs(slope)
        away = np.abs(claimed - slope) / np.maximum(noise, np.finfo(float).tiny)
        away = np.where(np.isnan(claimed), np.inf, np.nan_to_num(away, nan=0.0))
        ranked += [(float(away[k]), path, k) for k in np.ndindex(away.shape) if away[k] > 1]
    ranked.sort(key=lambda item: -item[0])
    return [(path, row) for _, path, row in ranked]


def _values(
    asked: Asked, matrix: Matrix, leaf: Leaf, column: tuple[int, ...], t: float
) -> dict[str, Array]:
    """Evaluate f beside x; NaN where it raises, and outside of the bounds, where it is not called.

    What belongs to the caller is as it was after.
    """
    space = matrix.space
    random = asked.random
    held = Held.of(tuple(random) if isinstance(random, (tuple, list)) else (random,))
    i = next(i for i in space.moving if space.leaves[i] is leaf)
    moved = leaf.array.copy()
    moved[column] += t
    shapes = {p: block.shape for (p, q), block in matrix.here.items() if q == leaf.path}
    point, box = space.rebuild({i: moved}), read_bounds(space, asked.bounds)
    try:
        held.rewind()
        if not holds(box, point):
            raise CallFailed("f", ValueError("x is at its bounds"))
        with np.errstate(all="ignore"):
            by_path = leaves_by_path(asked.f(point))
            return {path: np.array(by_path[path], dtype=float) for path in shapes}
    except Exception:  # foreign code, at a point of our own choice
        outputs = (p for p, q in matrix.here if q == leaf.path)
        return {p: np.full(shapes[p][: len(shapes[p]) - leaf.array.ndim], np.nan) for p in outputs}
    finally:
        space.restore_handed()
        space.restore_given()
        held.rewind()


def _column(block: Any, column: tuple[int, ...], leaf: Leaf) -> Array:  # noqa: ANN401
    """Take one column of a block, sparse or dense: what it claims of all outputs."""
    if is_sparse(block):
        one = np.zeros(leaf.array.shape)
        one[column] = 1.0
        return np.asarray(block @ one, dtype=float).reshape(-1)
    return np.asarray(block[(..., *column)], dtype=float)


def _unit(matrix: Matrix, leaf: Leaf, column: tuple[int, ...]) -> PyTree:
    values = []
    for other in matrix.space.leaves:
        one = None if other.base is None else np.zeros(other.base.shape)
        if other is leaf and one is not None:
            one[column] = 1.0
        values.append(one)
    return optree.tree_unflatten(matrix.space.treespec, values)
