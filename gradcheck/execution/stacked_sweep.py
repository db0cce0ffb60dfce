"""The loop over entries in stacks: as `sweep`, with many points in each call of `f`.

Copies of x lie in one array; of each, one entry is moved for a call and put right after it, so that
a stack costs little beside the call. How many points go into a stack is found out on the way:
stacks grow as long as that makes a point cheaper, and where none is cheaper than a call with one
point, it is done one by one. What is timed changes no number but by the rounding of `f`.
Part of `execution`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from ..records import UsageError
from ..space import Array
from .evaluator import CallFailed
from .many import Control, numbers_of_stack, room_in_a_stack
from .origin import Origin
from .stacks import MOST_BYTES, NEAR_BYTES, Stack
from .sweep import sweep

GROWTH = 4  # from one size of stacks to the next that is tried, if that makes a point cheaper
GAIN = 0.9  # of what a point took: a gain worth trying for more
TRIED = 2  # stacks of a size, of which the faster one counts: others may load the machine


def stacked_sweep(
    origin: Origin, i: int, entries: tuple[Array, Array], right: Array, left: Array
) -> tuple[Array, Array] | None:
    """Evaluate `f` with entries of a leaf moved, one at a time, to the right and to the left.

    Parameters
    ----------
    origin : Origin
        The point; `f` returns one number there, and takes stacks.
    i : int
        The number of a leaf of float64 or complex128 numbers.
    entries : pair of (N,) int
        Their numbers, two for a complex entry; and their places in `flat_in_memory`.
    right, left : (N,) float64
        Where each is moved to.

    Returns
    -------
    tuple of two (N,) arrays, or None
        As of `sweep`; None where a call has changed a stack.
    """
    if room_in_a_stack(origin, MOST_BYTES) < 2:
        return sweep(origin, i, entries[1], right, left)
    values = _Stacks(origin, i, entries, (right, left)).run()
    return (values[0], values[1]) if values is not None else None


@dataclass(eq=False)
class _Pace:
    """How fast stacks of each size were, in seconds a point; which size is next.

    Attributes
    ----------
    size, most : int
        Of the next stack, and of the largest.
    a_call : float
        Seconds that a call with one point takes.
    fixed : bool
        Whether the caller has said how many.
    pays : bool
        Whether stacks are not slower than calls with one point, as far as is known.
    """

    size: int
    most: int
    a_call: float
    fixed: bool
    seconds: dict[int, list[float]] = field(default_factory=dict)
    growing: bool = True
    pays: bool = True

    def note(self, count: int, seconds: float) -> None:
        """Learn from a stack, and choose the size of the next."""
        if self.fixed or not self.growing or count != self.size:
            return
        taken = self.seconds.setdefault(count, [])
        taken.append(seconds / count)
        if len(taken) < TRIED:
            return
        fastest = {size: min(times) for size, times in self.seconds.items()}
        best = min(fastest, key=fastest.__getitem__)
        before = min((t for size, t in fastest.items() if size != count), default=np.inf)
        self.growing = fastest[count] <= GAIN * before and count < self.most
        self.size = min(GROWTH * count, self.most) if self.growing else best
        self.pays = self.growing or fastest[best] < self.a_call


@dataclass(eq=False)
class _Stacks:
    origin: Origin
    i: int
    entries: tuple[Array, Array]
    moved: tuple[Array, Array]

    def run(self) -> Array | None:
        """Go through all entries, stack by stack."""
        values = np.full((2, len(self.moved[0])), np.nan)
        pace, done, count = self._pace(), 0, values.shape[1]
        stack: Stack | None = None
        evaluator = self.origin.evaluator
        spent = evaluator.spent.evaluations
        while done < count and pace.pays and evaluator.stacks and not evaluator.is_late:
            size = max(1, pace.size // 2)
            length = 2 * min(size, count - done) + 1  # one may be a known one
            if stack is None or len(stack.arrays[self.i]) < length:
                if stack is not None and not stack.is_intact:
                    return None
                stack = Stack.of(self.origin.space, length)
            block = slice(done, min(done + size, count))
            started = time.perf_counter()
            values[:, block] = self._in_one_call(stack, block)
            pace.note(2 * (block.stop - done), time.perf_counter() - started)
            done = block.stop
        if stack is not None and not stack.is_intact:
            return None
        if not evaluator.stacks:  # as one was another than points by themselves: so may these be
            evaluator.spent.evaluations, done = spent, 0
            values[:] = np.nan
        if done < count and not evaluator.is_late:
            rest = self._one_by_one(slice(done, count))
            if rest is None:
                return None
            values[:, done:] = rest
        return values

    def _pace(self) -> _Pace:
        evaluator = self.origin.evaluator
        fixed = evaluator.problem.takes_stacks and evaluator.problem.batched is not True
        first, most = (
            max(2, room_in_a_stack(self.origin, limit) // 2 * 2)
            for limit in (NEAR_BYTES, MOST_BYTES)
        )
        return _Pace(first, most, evaluator.stacking.a_call, fixed)

    def _in_one_call(self, stack: Stack, block: slice) -> Array:
        """Move entries, call, and put them right again."""
        which, count = self.entries[0][block], block.stop - block.start
        array = stack.arrays[self.i]
        flat = array.reshape(len(array), -1).view(np.float64)
        rows, control = np.arange(2 * count), Control.among(self.origin, 2 * count)
        if control is not None:
            rows[control.place :] += 1
            stack.set_row(control.place, control.space)
        columns = np.concatenate([which, which])
        x = flat[rows, columns]
        flat[rows, columns] = np.concatenate([self.moved[0][block], self.moved[1][block]])
        try:
            values = self._called(stack, 2 * count, control)
        finally:
            flat[rows, columns] = x
            if control is not None:
                stack.set_row(control.place, self.origin.space)
        if values is None and not self.origin.evaluator.stacks:
            return np.full((2, count), np.nan)
        if values is None:  # because of one point of them, perhaps
            alone = self._one_by_one(block)
            return np.full((2, count), np.nan) if alone is None else alone
        self.origin.evaluator.spent.evaluations += 2 * count
        return values.reshape(2, count)

    def _called(self, stack: Stack, count: int, control: Control | None) -> Array | None:
        """Call `f`; None where it raises, or where a known point is not what it is alone."""
        length = count + (control is not None)
        try:
            values = numbers_of_stack(self.origin.evaluator, stack, length)
        except (CallFailed, UsageError):
            return None
        if control is None:
            return values
        at_x = float(self.origin.output.arrays["x"])
        if not control.is_as_alone(float(values[control.place]) - at_x):
            return None
        return np.delete(values, control.place)

    def _one_by_one(self, block: slice) -> Array | None:
        places, (right, left) = self.entries[1][block], self.moved
        swept = sweep(self.origin, self.i, places, right[block], left[block])
        return None if swept is None else np.array(swept)
