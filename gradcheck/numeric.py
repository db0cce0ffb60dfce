"""The numeric side alone: certified derivatives of a function for which nothing is claimed.

Owns `derivative` and `gradient`, and `ladder_of` for those who want to see how it was measured.
Ninth layer, beside `flow`: composes `contract`, `directions` and `differences`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import optree

from .contract import Broken, examine_stacks, settled, visit_unclaimed
from .differences import Ladder, Line, climb
from .directions import coordinate, scale_of_leaf
from .execution import Evaluator, Origin, Spent
from .probing import foreseen, line_through
from .randomness import Held
from .records import Budget, Derivative, Gradient, Problem, PyTree, UsageError
from .space import (
    OFF_GRID,
    Array,
    Leaf,
    Space,
    Tangent,
    is_numeric,
    leaves_by_path,
    on_places,
    rms,
    working_dtype,
)

LEAST_LENGTH = sys.float_info.min  # below, a number has lost digits, and its inverse overflows


def derivative(
    f: Callable[[PyTree], Any],
    x: PyTree,
    direction: PyTree | None = None,
    *,
    random: Any = (),  # noqa: ANN401 - sources of several kinds, see randomness
    batched: Any = False,  # noqa: ANN401 - of several kinds, see Problem
) -> Derivative:
    """Measure d/dt f(x + t direction) at t = 0, with an error bar.

    Parameters
    ----------
    f : callable
        `f(x)` returns one real number.
    x : pytree
        The point, as in `check_grad`.
    direction : pytree, optional
        Structured and shaped like `x`; may be left out where `x` is one number.
    random : object or tuple of objects, optional
        Random sources to hold still, as in `check_grad`.
    batched : bool, int, "auto" or callable, optional
        Whether `f` takes stacks of points, as in `check_grad`.

    Returns
    -------
    Derivative
        `|value - true| <= error_bar`. On a smooth float64 function the bar is about 1e-10 relative
        and costs 9 evaluations; where f is rough, some dozens.

    Raises
    ------
    UsageError
        If the direction does not match the point, or `f` raises or is not finite at `x`.

    Notes
    -----
    A ladder of windows of nine values each, extrapolated in h^2, with the noise floor measured
    from the same values; see `gradcheck.differences`.

    Examples
    --------
    >>> import math, gradcheck
    >>> d = gradcheck.derivative(math.sin, 1.0)
    >>> abs(d.value - math.cos(1.0)) <= d.error_bar < 1e-8
    True
    >>> gradcheck.derivative(abs, 0.0).evidence
    <Evidence.KINK: 'kink'>
    """
    ladder, factor = ladder_of(f, x, direction, random=random, batched=batched)
    return ladder.derivative.scaled(1 / factor)


def ladder_of(
    f: Callable[[PyTree], Any],
    x: PyTree,
    direction: PyTree | None = None,
    *,
    random: Any = (),  # noqa: ANN401 - as in derivative
    bounds: Any = None,  # noqa: ANN401 - as in `PointOptions`
    batched: Any = False,  # noqa: ANN401 - as in derivative
) -> tuple[Ladder, float]:
    """Measure as `derivative` does, and return every window with the answer.

    Parameters
    ----------
    f, x, direction, random, batched
        As in `derivative`.
    bounds
        What no call leaves, as in `check_grad`.

    Returns
    -------
    ladder : Ladder
        What was measured; lengths are in units of its own line.
    unit : float
        t = 1 on that line is this many times the direction.
    """
    space = Space.of(x)
    tangent = _read_direction(space, direction)
    sizes = {i: rms(v) for i, v in tangent.items() if np.any(v != 0)}
    if not sizes:
        raise UsageError("the direction is zero everywhere, so there is nothing to differentiate.")
    if not LEAST_LENGTH < max(sizes.values()) < np.inf:
        raise UsageError(
            f"the direction has entries of size {max(sizes.values()):.0e}, which leaves no digits "
            f"to compute in; scale it to about the size of x."
        )
    problem = Problem(f, _nothing, x, random=random, batched=batched, bounds=bounds)
    with _measuring(problem, space) as origin:
        # t = 1 moves no leaf by more than about its own size
        factor = OFF_GRID * min(
            _reach(space.leaves[i]) / size / 2 for i, size in sizes.items() if size > LEAST_LENGTH
        )
        line = Line(origin, {i: factor * tangent[i] for i in sizes})
        return climb(line), factor


def _reach(leaf: Leaf) -> float:
    """Return how far a leaf may be moved: its size, 1 where that is nothing or beyond float64."""
    size = rms(leaf.array)
    return size if LEAST_LENGTH < size < np.inf else 1.0


def gradient(
    f: Callable[[PyTree], Any],
    x: PyTree,
    *,
    random: Any = (),  # noqa: ANN401 - as in derivative
    batched: Any = False,  # noqa: ANN401 - as in derivative
) -> Gradient:
    """Measure every entry of the gradient of `f` at `x`, each with its error bar.

    Parameters
    ----------
    f, x, random, batched
        As in `derivative`. A complex leaf has a complex gradient g, df = Re sum conj(g) dx.

    Returns
    -------
    Gradient
        `value` and `error_bar`, structured like `x`. Costs 8 to 60 evaluations an entry.

    Raises
    ------
    UsageError
        As `derivative`.

    Examples
    --------
    >>> import numpy as np, gradcheck
    >>> g = gradcheck.gradient(lambda x: np.sum(x**2), np.array([1.0, 2.0]))
    >>> bool(np.all(np.abs(g.value - [2.0, 4.0]) <= g.error_bar))
    True
    """
    space = Space.of(x)
    values: dict[int, Any] = {}
    bars: dict[int, Any] = {}
    with _measuring(Problem(f, _nothing, x, random=random, batched=batched), space) as origin:
        for i in space.moving:
            values[i], bars[i] = _gradient_of_leaf(origin, i)
    return Gradient(
        value=_like(space, values),
        error_bar=_like(space, bars),
        evaluations=origin.evaluator.evaluations,
    )


def _gradient_of_leaf(origin: Origin, i: int) -> tuple[Any, Any]:
    leaf = origin.space.leaves[i]
    wide = working_dtype(leaf.array.dtype)
    is_complex = wide.kind == "c"
    scale = scale_of_leaf(leaf)
    value = np.zeros(leaf.array.size, dtype=wide)
    bar = np.zeros(leaf.array.size)
    coordinates = range(leaf.array.size * (2 if is_complex else 1))
    drawn = (coordinate(leaf, i, k, scale) for k in coordinates)
    for k, probe in enumerate(foreseen(origin, drawn, glanced_at=False)):
        assert probe.entry is not None
        line = line_through(origin, probe)
        measured = climb(line).derivative.scaled(1 / probe.weakest)
        value[probe.entry] += measured.value * (1j if is_complex and k % 2 else 1)
        bar[probe.entry] = np.hypot(bar[probe.entry], measured.error_bar)
    return value.reshape(leaf.array.shape), bar.reshape(leaf.array.shape)


def _like(space: Space, arrays: dict[int, Any]) -> PyTree:
    """Build a pytree like the point; None for the leaves that are carried."""
    values = [arrays.get(i) for i in range(len(space.leaves))]
    return optree.tree_unflatten(space.treespec, values)


def _nothing(_: PyTree) -> None:
    """Stand for a claim."""


@contextmanager
def _measuring(problem: Problem, space: Space) -> Iterator[Origin]:
    """Evaluate `f` at x; afterwards, what belongs to the caller is as it was."""
    evaluator = Evaluator(
        problem, Held.of(problem.random), Budget(), time.monotonic, Spent(time.monotonic())
    )
    with left_as_found(evaluator, space), np.errstate(all="ignore"):
        origin = visit_unclaimed(settled(evaluator, space), space)
        try:
            examine_stacks(origin, 0)  # whatever points: no number comes of them
        except Broken as broken:
            raise UsageError(broken.breach.finding.message) from broken
        yield origin


@contextmanager
def left_as_found(evaluator: Evaluator, space: Space) -> Iterator[None]:
    """Put the caller's arrays and random sources back, also after an exception or Ctrl-C."""
    try:
        yield
    finally:
        space.restore_given()
        evaluator.held.rewind()


def _read_direction(space: Space, direction: PyTree | None) -> Tangent:
    if direction is None:
        only = [i for i in space.moving]
        if len(only) == 1 and space.leaves[only[0]].array.size == 1:
            leaf = space.leaves[only[0]]
            return {only[0]: np.ones(leaf.array.shape, working_dtype(leaf.array.dtype))}
        raise UsageError("x has more than one entry, so derivative needs a direction.")
    given = leaves_by_path(direction)
    extra = given.keys() - {leaf.path for leaf in space.leaves}
    if extra:
        raise UsageError(
            f"the direction has {', '.join(sorted(extra))}, which the point has not; it must be "
            f"structured like x."
        )
    return {i: _read_direction_of(space.leaves[i], given) for i in space.moving}


def _read_direction_of(leaf: Leaf, given: Mapping[str, Any]) -> Array:
    if leaf.path not in given:
        raise UsageError(f"the direction has no {leaf.path}; it must be structured like x.")
    v = np.asarray(given[leaf.path])
    if leaf.pattern is not None:
        v = np.asarray(on_places(given[leaf.path], leaf.pattern))
    if not (is_numeric(v.dtype) or v.dtype.kind == "b"):
        raise UsageError(
            f"the direction of leaf {leaf.path} has dtype {v.dtype}, but it must be numbers; "
            f"convert it, such as direction.astype(float)."
        )
    if v.shape != leaf.array.shape:
        raise UsageError(
            f"the direction of leaf {leaf.path} has shape {v.shape}, the leaf has shape "
            f"{leaf.array.shape}."
        )
    if not np.isfinite(v).all():
        raise UsageError(f"the direction of leaf {leaf.path} is not finite.")
    if v.dtype.kind == "c" and leaf.array.dtype.kind != "c":
        if np.any(v.imag != 0):
            raise UsageError(
                f"the direction of leaf {leaf.path} is complex, the leaf is real; give its real "
                f"part."
            )
        v = v.real
    return v.astype(working_dtype(leaf.array.dtype))
