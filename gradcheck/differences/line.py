"""The values of `f` along one line: g(t) = <cotangent, f(x + t v)>, relative to g(0).

Owns the evaluation at x ± t v with the step really taken, and keeps each value, because windows
share points. Turns an exception or a non-finite value beside x into a NaN: what that means is for
the ladder to decide.
Part of `differences`; uses `execution` and `space`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..execution import CallFailed, Origin, Output, evaluate_along
from ..records import Kind, UsageError
from ..space import Tangent, count_moving, longest, unit_roundoff

SMALL = 2**16  # numbers: half a megabyte
FINE_ARITHMETIC = 2.0**-52  # unit roundoff of float64 or finer

FARTHEST = 0.5  # the outermost point, in scales of the leaf or in absolute terms


class Sample(NamedTuple):
    """One value along the line.

    step: the t really taken. rise: g(t) - g(0), NaN if there is no value. value: g(t) itself, only
    where `f` is a scalar, for the grain of its numbers; else 0.
    """

    step: float
    rise: float
    value: float


@dataclass(eq=False)
class Line:
    """A line through the origin, t = 1 being one scale of the leaf.

    Attributes
    ----------
    origin : Origin
        x, f(x) and how to evaluate.
    tangent : mapping of int to array
        v.
    outputs : dict
        By t, the step really taken and what `f` returned, None if nothing; may be shared by lines
        along one tangent that differ in their cotangents only.
    failure : Exception or None
        The first exception met beside x.
    ahead : mapping
        Values like `outputs` that were evaluated elsewhere, and count once they are used.
    """

    origin: Origin
    tangent: Tangent
    outputs: dict[float, tuple[float, Output | None]] = field(default_factory=dict)
    failure: Exception | None = None
    samples: dict[float, Sample] = field(default_factory=dict)
    ahead: Mapping[float, tuple[float, Output]] = field(default_factory=dict)

    @property
    def size(self) -> float:
        """Size of the numbers that make up g(0)."""
        return self.origin.size

    @cached_property
    def roundoff(self) -> float:
        """Unit roundoff of the coarser of the point and the output."""
        leaves = self.origin.space.leaves
        point = max(unit_roundoff(leaves[i].array.dtype) for i in self.tangent)
        return max(point, self.origin.roundoff)

    @cached_property
    def moving(self) -> int:
        """How many numbers move; where it is one, any step really taken is known exactly."""
        return count_moving(self.tangent)

    @cached_property
    def is_small(self) -> bool:
        """Whether what moves is so small that a point more or less does not count."""
        leaves = self.origin.space.leaves
        return sum(leaves[i].array.size for i in self.tangent) <= SMALL

    @cached_property
    def farthest(self) -> float:
        """How far out a window may reach: half a scale of the leaf, or 0.5 where that is less."""
        furthest = longest(self.tangent)
        return max(FARTHEST, FARTHEST / furthest) if furthest > 0 else FARTHEST

    @property
    def reach(self) -> float:
        """Size of the values of g seen so far, g(0) included."""
        rises = [abs(s.rise) for s in self.samples.values() if s.rise == s.rise]
        return max([self.size, *rises])

    @property
    def value(self) -> float:
        """g(0) where `f` is a scalar, else 0."""
        return self._scalar(self.origin.output)

    def __call__(self, t: float) -> Sample:
        """Evaluate at x + t v, or recall it."""
        if t not in self.samples:
            self.samples[t] = self._evaluate(t)
        return self.samples[t]

    def slope(self, t: float, h: float) -> float:
        """Return the difference quotient around x + t v; NaN where `f` has no value there."""
        right, left = self(t + h), self(t - h)
        width = right.step - left.step
        return (right.rise - left.rise) / width if width > 0 else np.nan

    def foresee(self, steps: Sequence[float]) -> None:
        """Evaluate what will be asked for in one call, where `f` takes stacks of points."""
        if self.origin.evaluator.stacks:
            foresee([(self, steps)])

    def lacks(self, t: float) -> bool:
        """Whether nothing is known of `f` there."""
        return not (t in self.samples or t in self.outputs or t in self.ahead)

    def _evaluate(self, t: float) -> Sample:
        if t not in self.outputs:
            self.outputs[t] = self._output(t)
        step, output = self.outputs[t]
        if output is None:
            return Sample(step, np.nan, np.nan)
        return Sample(step, self.origin.rise(output), self._scalar(output))

    def _output(self, t: float) -> tuple[float, Output | None]:
        if t in self.ahead:
            self.origin.evaluator.count()
            return self.ahead[t]
        # in arrays of its own: `f` may know its point by identity, or change its shape
        try:  # a retraction may raise, as f may
            used = None if self.is_small else self.origin.evaluator.spent.used
            point, step = self.origin.space.displaced(self.tangent, t, used)
        except UsageError as failure:
            self.failure = self.failure or failure
            return t, None
        if self.is_small:  # no later one must lie where this one was
            bases = self.origin.space.leaves
            nbytes = sum(bases[i].array.nbytes for i in self.tangent)
            self.origin.evaluator.spent.keep(point, nbytes)
        try:
            return step, self.origin.evaluator.f_beside(point, self.origin.output)
        except (CallFailed, UsageError) as failure:
            self.failure = self.failure or failure
            return step, None

    def _scalar(self, output: Output) -> float:
        return float(output.arrays["x"]) if self.origin.evaluator.problem.kind is Kind.GRAD else 0.0


def foresee(asked: Iterable[tuple[Line, Sequence[float]]]) -> None:
    """Evaluate several lines through one origin at steps that will be asked for, in stacks."""
    lacking = [(line, t) for line, steps in asked for t in dict.fromkeys(steps) if line.lacks(t)]
    if len(lacking) < 2:
        return
    found = evaluate_along(lacking[0][0].origin, [(line.tangent, t) for line, t in lacking])
    for (line, t), value in zip(lacking, found, strict=True):
        if value is not None:
            line.ahead = {**line.ahead, t: value}
