"""How the lines of one leaf are read, cheaply and within what the search may cost.

Owns `Oracle`: two evaluations where a central difference will do, four with its own error bar, the
ladder where f is rough.
Part of `localise`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..differences import FINE_ARITHMETIC, Line, climb, first_step, foresee, glance
from ..directions import FLATTEST, Probe, coordinate, is_fixed, scale_of_leaf
from ..execution import Origin, Output
from ..records import Analytic, BoolArray, Derivative, Evidence, PyTree
from ..space import Array, is_floating, least_rounding, rms, unit_roundoff
from ..verdict import GLANCE_AGREEMENT, allowance, is_straight
from .reading import Entry, Reading

WIDER = 4.0  # the second difference of an entry: its truncation is 16 times that of the first
CLEAR = 30.0  # bars: a mismatch this large needs no ladder
USABLE = (Evidence.SMOOTH, Evidence.EDGE, Evidence.FLAT, Evidence.PRECISION, Evidence.NOISE)


EACH = 4  # evaluations that looking at an entry takes, where f is smooth
MOST_BYTES = 2**24  # of the directions of entries that are looked at together
Ahead = Mapping[float, tuple[float, Output]]


class SearchSpent(Exception):
    """The search may not cost any more."""


@dataclass(eq=False)
class Oracle:
    """Reads derivatives of one leaf at the point where its claim failed.

    Attributes
    ----------
    origin : Origin
        The point, with f and the claim there.
    leaf : int
        The number of the leaf.
    rtol : float
        The tolerance of the plan.
    allowed : int
        Evaluations of `f` that may be spent.
    truncation : float
        Relative error of a central difference at the first step, as seen on the line that failed.
    unit : array
        By how much t = 1 moves each entry, times its weight.
    least : float
        The size below which an entry of the gradient counts as small as any.
    """

    origin: Origin
    leaf: int
    rtol: float
    allowed: int
    truncation: float = GLANCE_AGREEMENT
    _started: int = field(init=False)
    unit: Array = field(init=False)
    least: float = field(init=False)
    _ahead: dict[int, Ahead] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._started = self.origin.evaluator.evaluations
        self.unit = scale_of_leaf(self.origin.space.leaves[self.leaf])
        size = rms(self.claim) if self.claim is not None else 0.0
        self.least = FLATTEST * size if math.isfinite(size) else 0.0

    @property
    def array(self) -> Array:
        """The values of the leaf."""
        return self.origin.space.leaves[self.leaf].array

    @property
    def claim(self) -> Array | None:
        """The claimed gradient of the leaf; None where it is not known entry by entry."""
        return self.origin.claimed.get(self.leaf)

    @property
    def left(self) -> int:
        """Evaluations that may still be spent."""
        return self.allowed - (self.origin.evaluator.evaluations - self._started)

    @property
    def names_entries(self) -> bool:
        """Whether entries can be moved one by one, and mean something by themselves."""
        return not self.origin.space.is_projected(self.leaf)

    @property
    def movable(self) -> BoolArray:
        """The entries that may be moved."""
        fixed = is_fixed(self.origin.space.leaves[self.leaf])
        return np.ones(self.array.shape, bool) if fixed is None else ~fixed

    @property
    def fine(self) -> bool:
        """Whether two evaluations say enough."""
        return self._line(np.zeros_like(self.array)).roundoff <= FINE_ARITHMETIC

    def analytic(self, v: Array) -> Analytic:
        """Evaluate the claim along a tangent of the leaf."""
        return self.origin.analytic({self.leaf: v})

    def _line(self, v: Array) -> Line:
        return Line(self.origin, {self.leaf: v})

    def read(self, v: Array) -> Reading | None:
        """Measure along v with two evaluations, by the ladder where f is rough; None if in vain."""
        if self.left < 2:
            raise SearchSpent
        line, analytic = self._line(v), self.analytic(v)
        look = glance(line)
        if look is not None:
            scale = max(analytic.scale, abs(look.value))
            if is_straight(look, scale) or look.flat:
                bar = look.rounding + self.truncation * scale
                return Reading(v, analytic.value, look.value, bar, scale)
        return self._climbed(line, analytic)

    def certify(self, v: Array, least: float = 0.0, ahead: Ahead | None = None) -> Reading | None:
        """Measure along v with an error bar of its own: from a second, wider difference.

        The truncation of the first is 1/15 of what the two differ by (Richardson); all of it is
        taken. Where that does not tell the claim from the derivative, the ladder is climbed.
        `least` is the smallest scale to which errors are relative; `ahead` holds values of `f` that
        are there already.
        """
        if self.left < 4:
            raise SearchSpent
        line, analytic = self._line(v), self.analytic(v)
        line.ahead = {} if ahead is None else ahead
        line.foresee(_points(line))
        near, wide = glance(line), glance(line, WIDER)
        if near is not None and wide is not None:
            scale = max(analytic.scale, abs(near.value), least)
            bar = near.rounding + abs(near.value - wide.value)
            mismatch = abs(near.value - analytic.value)
            told_apart = mismatch > CLEAR * bar or mismatch + bar <= self.rtol * scale
            if told_apart and is_straight(near, scale) and is_straight(wide, scale):
                return Reading(v, analytic.value, near.value, bar, scale)
        return self._climbed(line, analytic)

    def foresee(self, entries: Iterable[int]) -> None:
        """Evaluate what entries that will be looked at ask for, in stacks, where `f` takes them."""
        if not self.origin.evaluator.stacks:
            return
        self._ahead.clear()
        parts = 2 if self.array.dtype.kind == "c" else 1
        numbers = [parts * k + part for k in entries for part in range(parts)]
        most = max(0, min(self.left // EACH, MOST_BYTES // max(1, self.array.nbytes)))
        numbers = numbers[:most]
        lines = [self._line(self._probe(number).tangent[self.leaf]) for number in numbers]
        foresee((line, _points(line)) for line in lines)
        self._ahead |= {n: line.ahead for n, line in zip(numbers, lines, strict=True)}

    def _probe(self, number: int) -> Probe:
        return coordinate(self.origin.space.leaves[self.leaf], self.leaf, number, self.unit)

    def _climbed(self, line: Line, analytic: Analytic) -> Reading | None:
        derivative = climb(line).derivative
        if not is_usable(derivative):
            return None
        scale = max(analytic.scale, abs(derivative.value))
        v = line.tangent[self.leaf]
        return Reading(v, analytic.value, derivative.value, derivative.error_bar, scale)

    def entry(self, k: int) -> Entry | None:
        """Measure one entry, with an error bar of its own; None where f has no derivative there."""
        leaf = self.origin.space.leaves[self.leaf]
        if leaf.free is not None and not leaf.free.reshape(-1)[k]:
            return Entry(0.0, 0.0, 0.0, wrong=False)  # nothing is claimed for it, or asked
        is_complex = leaf.array.dtype.kind == "c"
        analytic, numeric, bar = 0j, 0j, 0.0
        for part, unit in enumerate((1, 1j) if is_complex else (1,)):
            number = 2 * k + part if is_complex else k
            probe, ahead = self._probe(number), self._ahead.pop(number, None)
            reading = self.certify(probe.tangent[self.leaf], self.least * probe.weakest, ahead)
            if reading is None:
                return None
            analytic += unit * reading.analytic / probe.weakest
            numeric += unit * reading.numeric / probe.weakest
            bar = math.hypot(bar, reading.bar / probe.weakest)
        wrong = is_wrong(analytic, numeric, self.tolerance(analytic, numeric) + bar)
        if not is_complex:
            analytic, numeric = analytic.real, numeric.real
        return Entry(analytic, numeric, bar, wrong)

    def tolerance(self, analytic: PyTree, numeric: PyTree) -> PyTree:
        """Return by how much entries may be off and still count as right, as for `Plan.every`."""
        claim = self.claim
        rounds = claim is not None and is_floating(claim.dtype)
        digits = unit_roundoff(claim.dtype) if rounds and claim is not None else 0
        size = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), self.least)
        least = least_rounding(claim.dtype) if rounds and claim is not None else 0.0
        return allowance(Analytic(0.0, 0.0, digits, least), self.rtol, size)


def _points(line: Line) -> tuple[float, ...]:
    """Return where `certify` asks for values."""
    if line.roundoff > FINE_ARITHMETIC:
        return ()
    h = first_step(line.roundoff)
    return h, -h, WIDER * h, -WIDER * h


def is_wrong(analytic: PyTree, numeric: PyTree, allowed: PyTree) -> PyTree:
    """Compare entries; what is not finite is wrong."""
    return ~(np.abs(np.asarray(analytic) - numeric) <= allowed)


def is_usable(derivative: Derivative) -> bool:
    """Whether a derivative is a number to reckon with, rather than a kink or a jump."""
    return derivative.evidence in USABLE and math.isfinite(derivative.error_bar)
