"""Many points in one call of `f`: stacks of them, and those on lines before they are asked for.

Part of `execution`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np
import optree

from ..records import Kind, PyTree, UsageError
from ..space import NAMESPACE, Array, Space, Tangent, holds, is_array, read
from .evaluator import BudgetSpent, CallFailed, Evaluator
from .origin import Origin
from .outputs import Output
from .pair import split_pair
from .stacks import (
    MOST_BYTES,
    NEAR_BYTES,
    Stack,
    bytes_of,
    dtypes_of,
    read_rows,
    read_scalars,
    scalar_rows,
)

Asked = tuple[Tangent, float]
"""A line and the t at which it is asked."""


def evaluate_along(origin: Origin, asked: Sequence[Asked]) -> list[tuple[float, Output] | None]:
    """Evaluate `f` at x + t v for many t and v, as many as fit in a stack with one call.

    Parameters
    ----------
    origin : Origin
        The point, at which `f` takes stacks.
    asked : sequence of (tangent, float)
        The points.

    Returns
    -------
    list
        The step really taken and what `f` returned; None where a call for a stack failed, or the
        budget does not reach: whoever asks for that one by itself finds out why. Counts nothing.
    """
    found: list[tuple[float, Output] | None] = []
    for start, stop in _portions(origin, len(asked)):
        try:
            moved = [origin.space.displaced(tangent, t) for tangent, t in asked[start:stop]]
        except UsageError:  # a retraction may raise, as f may
            found += [None] * (stop - start)
            continue
        outputs = _in_one_call(origin, [point for point, _ in moved])
        found += [
            None if output is None else (step, output)
            for (_, step), output in zip(moved, outputs, strict=True)
        ]
    return found + [None] * (len(asked) - len(found))


def evaluate_at(origin: Origin, points: Iterable[PyTree]) -> list[Output]:
    """Evaluate `f` at points beside x, in stacks where it takes them; counts each.

    Raises
    ------
    CallFailed, UsageError, BudgetSpent
        As the call with the point that it was.
    """
    evaluator = origin.evaluator
    if not evaluator.stacks:
        return [evaluator.f_beside(point, origin.output) for point in points]
    every, found = list(points), list[Output | None]()
    for start, stop in _portions(origin, len(every)):
        found += _in_one_call(origin, every[start:stop])
    outputs = []
    for point, output in zip_longest(every, found):
        if output is None:
            outputs.append(evaluator.f_beside(point, origin.output))
        else:
            evaluator.count()
            outputs.append(output)
    return outputs


def _portions(origin: Origin, count: int) -> Iterator[tuple[int, int]]:
    """Divide points into stacks; none where one is a stack already, or nothing may be spent."""
    evaluator, room = origin.evaluator, room_in_a_stack(origin)
    affordable = int(min(count, evaluator.left))
    for start in range(0, affordable if room > 1 else 0, room):
        if evaluator.is_late or not evaluator.stacks:
            return
        yield start, min(start + room, affordable)


def room_in_a_stack(origin: Origin, most_bytes: int = NEAR_BYTES) -> int:
    """Return how many points go into a stack of so many bytes, or as many as the caller says."""
    outputs = sum(array.nbytes for array in origin.output.arrays.values())
    a_point, problem = bytes_of(origin.space) + outputs, origin.evaluator.problem
    if problem.takes_stacks and problem.batched is not True:
        most_bytes, most = MOST_BYTES, int(problem.batched)  # type: ignore[arg-type]
    else:
        most = MOST_BYTES
    fits = max(1, min(most, most_bytes // a_point))
    return fits - 1 if fits >= CONTROLLED else fits  # one more is a known one


CONTROLLED = 5  # points from which on a known one is put among them: stacks of four were tried
GOLDEN = (5**0.5 - 1) / 2  # of a stack, from the place of one to that of the next: all are visited


@dataclass(frozen=True, eq=False)
class Control:
    """A point whose value is known, among those of a long stack.

    Attributes
    ----------
    origin : Origin
        x.
    place : int
        Where it is in the stack.
    space : Space
        The point: x, or one of those near it that were tried. Where entries are moved to both
        sides, x is the mean of the stack, and what depends on that is right for x alone.
    rise : float
        By how much the value at that point by itself is above that at x.
    """

    origin: Origin
    place: int
    space: Space
    rise: float

    @classmethod
    def among(cls, origin: Origin, count: int) -> Control | None:
        """Choose one for so many points, another and elsewhere each time; None if they are few."""
        if count < CONTROLLED:
            return None
        stacking = origin.evaluator.stacking
        known = stacking.known.get(dtypes_of(origin.space), ())
        turn, stacking.long = stacking.long, stacking.long + 1
        place = int((0.5 + turn * GOLDEN) % 1 * (count + 1))
        space, output = (*known, (origin.space, origin.output))[turn % (len(known) + 1)]
        return cls(origin, place, space, origin.rise(output))

    def is_as_alone(self, rise: float) -> bool:
        """Look at what `f` returned for it; stacks are over where that is another value.

        How much more it is off than in the short ones that were tried enters the error bars.
        """
        stacking, size = self.origin.evaluator.stacking, self.origin.own_size
        off = value_distance(rise, self.rise)
        rises = abs(self.rise) if np.isfinite(self.rise) else 0.0
        if stacking.allows(off, self.origin.roundoff * (size + rises)):
            return True
        stacking.usable = False
        where = "at x" if self.space is self.origin.space else "near x"
        stacking.doubt = (
            f"f is off by {off:.2g} {where} in a longer stack than those that were tried"
        )
        return False


def know(origin: Origin, spaces: Iterable[Space]) -> None:
    """Evaluate `f` at points near x by themselves, if long stacks may come where it is so precise.

    Counts each; where that fails, x is all that is known.
    """
    stacking, dtypes = origin.evaluator.stacking, dtypes_of(origin.space)
    if not origin.evaluator.stacks or dtypes in stacking.known:
        return
    known = []
    with suppress(BudgetSpent, CallFailed, UsageError):
        for space in spaces if room_in_a_stack(origin, MOST_BYTES) >= CONTROLLED else ():
            there = origin.space.moved_to(
                {
                    i: space.leaves[i].array.astype(origin.space.leaves[i].array.dtype)
                    for i in space.moving
                }
            )
            output = origin.evaluator.f_beside(there.point(), origin.output)
            known.append((there, replace(output, given={})))
    stacking.known[dtypes] = tuple(known)


def value_distance(one: float, other: float) -> float:
    """Return how far two values are apart; not at all where both are NaN, or infinite alike."""
    alike = one == other or (np.isnan(one) and np.isnan(other))
    return 0.0 if alike else abs(one - other)


def _in_one_call(origin: Origin, points: Sequence[PyTree]) -> Sequence[Output | None]:
    """Call `f` once; None for all points where that fails, or one of them is out of bounds."""
    evaluator, count = origin.evaluator, len(points)
    control = Control.among(origin, count)
    stack = Stack.of(origin.space, count + (control is not None))
    if any(evaluator.box and not holds(evaluator.box, point) for point in points):
        return [None] * count
    if control is not None:
        stack.set_row(control.place, control.space)
    try:
        for n, point in enumerate(points):
            put(stack, n + (control is not None and n >= control.place), point)
        outputs = f_of_stack(evaluator, stack, count + (control is not None))
    except (CallFailed, UsageError):
        return [None] * count
    if control is not None and not control.is_as_alone(origin.rise(outputs.pop(control.place))):
        return [None] * count
    return outputs


def put(stack: Stack, n: int, point: PyTree) -> None:
    """Make a point the n-th of a stack.

    Raises
    ------
    UsageError
        If a leaf has another shape by now, as f or the claim may give the array that it is handed.
    """
    leaves = optree.tree_leaves(point, namespace=NAMESPACE)
    for i, array in stack.arrays.items():
        value = read(leaves[i]) if is_array(leaves[i]) else leaves[i]
        if np.shape(value) != array.shape[1:]:
            raise UsageError(
                f"leaf {stack.space.leaves[i].path} of shape {array.shape[1:]} is of shape "
                f"{np.shape(value)} after a call that has changed it in place."
            )
        array[n, ...] = value


def f_of_stack(evaluator: Evaluator, stack: Stack, count: int) -> list[Output]:
    """Evaluate `f` at the first points of a stack, in one call; whoever uses them counts them.

    Raises
    ------
    CallFailed
        If `f` raises.
    UsageError
        If it does not return one value for each.
    """
    value = _called(evaluator, stack, count)
    if evaluator.problem.kind is Kind.GRAD:
        return scalar_rows(read_scalars(value, count))
    return read_rows(value, count)


def numbers_of_stack(evaluator: Evaluator, stack: Stack, count: int) -> Array:
    """Evaluate a real function likewise; returns the numbers alone, (count,) of float64."""
    return read_scalars(_called(evaluator, stack, count), count).astype(np.float64, copy=False)


def _called(evaluator: Evaluator, stack: Stack, count: int) -> Any:  # noqa: ANN401 - what came back
    problem = evaluator.problem
    function, point = (
        problem.batched if callable(problem.batched) else problem.f,
        stack.point(count),
    )
    evaluator.held.rewind()
    try:
        with np.errstate(all="ignore"):
            value = function(point)
    except Exception as error:
        raise CallFailed("f", error) from error
    return split_pair(value)[0] if problem.claim is True else value
