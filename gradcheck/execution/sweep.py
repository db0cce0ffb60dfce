"""The tight loop: `f` to the right and to the left of every entry of one leaf.

The array that calls are handed is changed in place and put right after each pair, so that an entry
costs two calls of `f` and next to nothing else: no copy, no new point, no arithmetic. Of a small
leaf copies cost as little, and nothing has to be asked of `f` before. Judges nothing; what cannot
be had like this is left out, for whoever asked to measure one by one.
Part of `execution`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optree

from ..records import PyTree, UsageError
from ..space import NAMESPACE, Array, Leaf, flat_in_memory, rms, same_bits
from .evaluator import BudgetSpent, CallFailed
from .origin import Origin
from .outputs import read_scalar
from .stacks import SAME

BLOCK = 1024  # entries between two looks at what `f` has done to the point
PLAIN = (float, np.float64)  # numbers that nobody can change later


def sweep(
    origin: Origin, i: int, places: Array, right: Array, left: Array
) -> tuple[Array, Array] | None:
    """Evaluate `f` with entries of a leaf moved, one at a time, to the right and to the left.

    Parameters
    ----------
    origin : Origin
        The point; `f` returns one number there.
    i : int
        The number of a leaf of float64 or complex128 numbers.
    places : (N,) int
        The entries, by their places in `flat_in_memory`.
    right, left : (N,) float64
        Where each is moved to.

    Returns
    -------
    tuple of two (N,) arrays, or None
        The values of `f`; NaN where it raises, or the seconds are over. None where the array cannot
        be changed in place: a call has kept it, or changes the point itself. Costs two evaluations
        an entry.
    """
    leaf = origin.space.leaves[i]
    if not leaf.can_be_lent or not leaf.is_handed_as_is:
        return None
    values = np.full((2, len(right)), np.nan)
    try:
        loop = _Loop(origin, origin.space.point(), leaf.handed)
        ran = loop.run(places, (right, left), values)
        del loop  # or the array would look kept
        undisturbed = ran and same_bits(leaf.handed, leaf.array) and not leaf.is_kept
        return (values[0], values[1]) if undisturbed else None
    finally:
        leaf.put_right()


def sweep_copies(
    origin: Origin, i: int, which: Array, right: Array, left: Array
) -> tuple[tuple[Array, Array], int]:
    """Evaluate `f` as `sweep` does, each time in an array of its own; takes more time an entry.

    `which` are numbers of coordinates. Returns the values, and for how many entries, from the
    first, they are what `f` returned: it ends where `f` raises, or the seconds are over.
    """
    leaf, spent = origin.space.leaves[i], origin.evaluator.spent
    f, build, base = _bare(origin), origin.space.around(i), leaf.array
    entries, (ups, downs) = _in_leaf(leaf, which, (right, left))
    values: tuple[list[Any], list[Any]] = ([], [])
    add_right, add_left = values[0].append, values[1].append
    calls = 0
    with np.errstate(all="ignore"), suppress(Exception):  # foreign code, as below
        for k, up, down in zip(entries, ups, downs, strict=True):
            for number, add in ((up, add_right), (down, add_left)):
                array = base.copy(order="K")
                array.flat[k] = number
                point = build(array)
                spent.keep(point, base.nbytes)  # no later one must lie where this one was
                calls += 1
                add(f(point))
    spent.evaluations += calls
    answered, swept = len(values[1]), np.full((2, len(which)), np.nan)
    swept[:, :answered] = _plain(values[0][:answered]), _plain(values[1])
    known = set(map(type, values[0] + values[1])) <= {*PLAIN}
    return (swept[0], swept[1]), answered if known else 0


def _in_leaf(
    leaf: Leaf, which: Array, moved: tuple[Array, Array]
) -> tuple[list[int], tuple[list[Any], list[Any]]]:
    """Return the flat indices of coordinates, and the numbers of the leaf that they become."""
    if leaf.array.dtype.kind != "c":
        return which.tolist(), (moved[0].tolist(), moved[1].tolist())
    numbers = [leaf.array.reshape(-1)[which // 2] for _ in moved]
    for each, parts in zip(numbers, moved, strict=True):
        each.view(np.float64)[2 * np.arange(len(which)) + which % 2] = parts
    return (which // 2).tolist(), (numbers[0].tolist(), numbers[1].tolist())


def answers_in_place(origin: Origin, i: int, step: float) -> bool:
    """Whether `f` answers alike in an array that was changed in place and in a new one.

    Not where it remembers something of a point by its identity, or by where it lies. All entries
    are moved at once, by a share of their size, so that whatever is remembered shows. Costs three
    evaluations.
    """
    leaf, evaluator = origin.space.leaves[i], origin.evaluator
    if not leaf.can_be_lent or not leaf.is_handed_as_is:
        return False
    moved = leaf.array + step * (np.abs(leaf.array) + rms(leaf.array))
    try:
        fresh = evaluator.f_beside(origin.space.rebuild({i: moved}), origin.output)
        evaluator.f_beside(origin.space.point(), origin.output)  # what it may remember
        np.copyto(leaf.handed, moved)
        in_place = evaluator.f_beside(origin.space.point(), origin.output)
    except (CallFailed, UsageError):
        return False
    finally:
        leaf.put_right()
    off = abs(origin.rise(fresh) - origin.rise(in_place))
    size = origin.size + abs(origin.rise(fresh))
    return bool(off <= SAME * origin.roundoff * size)


@dataclass(frozen=True, eq=False)
class _Loop:
    """Goes through entries at a point of which one array is changed in place."""

    origin: Origin
    point: PyTree
    array: Array

    def run(self, places: Array, moved: tuple[Array, Array], values: Array) -> bool:
        """Fill in the values, block by block; returns whether `f` has left the point as it was."""
        f, flat, parts = _bare(self.origin), flat_in_memory(self.array), _parts(self.point)
        view: Any = memoryview(flat)  # type: ignore[arg-type]
        for start in range(0, len(places), BLOCK):
            block = slice(start, start + BLOCK)
            at, right, left = places[block], moved[0][block], moved[1][block]
            pairs = _Pairs(f, self.point, view, at.tolist())
            with np.errstate(all="ignore"):
                finished = pairs.run(flat[at].tolist(), right.tolist(), left.tolist())
            self.origin.evaluator.spent.evaluations += pairs.calls
            done = slice(start, start + len(pairs.left))
            values[0, done], values[1, done] = _plain(pairs.right), _plain(pairs.left)
            if not _are_the_same(parts, _parts(self.point)):
                return False
            if not finished:
                break
        return True


def _bare(origin: Origin) -> Callable[[PyTree], Any]:
    """`f` as it is, where it returns plain numbers; else what makes one of its answer."""
    f = origin.evaluator.bare()
    if type(origin.output.given["x"]) in PLAIN:
        return f
    return lambda point: float(read_scalar(f(point)).arrays["x"])


def _plain(values: list[Any]) -> list[float]:
    if set(map(type, values)) <= {*PLAIN}:
        return values
    return [value if type(value) in PLAIN else np.nan for value in values]


def _parts(point: PyTree) -> tuple[list[Any], Any]:
    leaves, structure = optree.tree_flatten(point, namespace=NAMESPACE)
    return leaves, structure


def _are_the_same(before: tuple[list[Any], Any], after: tuple[list[Any], Any]) -> bool:
    """Whether a point still consists of the same objects."""
    same = all(x is y for x, y in zip(before[0], after[0], strict=False))
    return bool(before[1] == after[1]) and same


@dataclass(eq=False)
class _Pairs:
    """Both values of `f` for the entries of a block, by the fastest loop that Python has."""

    f: Callable[[PyTree], Any]
    point: PyTree
    view: Any  # a memoryview of float64, of which mypy expects whole numbers
    places: list[int]
    right: list[Any] = field(default_factory=list)
    left: list[Any] = field(default_factory=list)
    calls: int = 0

    def run(self, values: list[float], right: list[float], left: list[float]) -> bool:
        """Go through the block; returns whether that was allowed to the end."""
        while (start := len(self.left)) < len(values):
            try:
                self._run(start, values, right, left)
                self.calls += 2 * (len(self.left) - start)
            except BudgetSpent:
                self._leave_out(start, values)
                return False
            except Exception:  # foreign code: whoever measures this one by one finds out why
                self._leave_out(start, values)
                self.right.append(np.nan)
                self.left.append(np.nan)
        return True

    def _run(self, start: int, values: list[float], right: list[float], left: list[float]) -> None:
        f, point, view = self.f, self.point, self.view
        add_right, add_left = self.right.append, self.left.append
        rest = (numbers[start:] for numbers in (self.places, values, right, left))
        for k, value, up, down in zip(*rest, strict=True):
            view[k] = up
            add_right(f(point))
            view[k] = down
            add_left(f(point))
            view[k] = value

    def _leave_out(self, start: int, values: list[float]) -> None:
        """Put the entry right at which it stopped, and count what was called for it."""
        k = len(self.left)
        self.calls += 2 * (k - start) + 1 + len(self.right) - k
        del self.right[k:]
        self.view[self.places[k]] = values[k]
