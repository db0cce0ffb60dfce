"""Many short differences, each against the claim at its own point, where a line is too rough.

In few digits, or among many kinks, no window is both above the noise and smooth. But the claim can
be evaluated anywhere: at random points along the line, the difference over a short step and the
claim at its middle disagree by rounding, by a kink that happens to lie between, or because the
claim is wrong. The first two are as often above as below and mostly small; the last is always
there. So the median of the disagreements, with its distribution-free confidence interval from order
statistics (the sign test; Lehmann (1975), Nonparametrics, section 4.4), tells a wrong claim from a
noisy function, without any model of the noise.
Part of `probing`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from ..contract import claim_at
from ..directions import Probe
from ..execution import BudgetSpent, CallFailed, Origin, evaluate_at
from ..records import Analytic, UsageError
from ..space import Array, same_bits, working_dtype
from ..verdict import MARGIN

MOST_EVALUATIONS = 128  # a line, its windows included: beyond, certainty grows too slowly
# Tried for the least scatter, in scales of the leaf; the first only to see truncation.
STEPS = (2.0**-1, 2.0**-4, 2.0**-7, 2.0**-9, 2.0**-11, 2.0**-13)
FEW_STILL = 1  # of these may find that f does not move
TRIALS = 5  # disagreements at each of them
FEWEST = 12  # disagreements: of fewer, not even the extremes hold the median with 1 - 2 ALARM
SPREAD = 2.0**-5  # how far from x the middle of a chain of differences lies
REACH = 2.0**-4  # how far a chain of differences goes
ORDER = 16.0  # truncation falls so much from one step to the next, at least: their ratio is 4 or 8
ALARM = 5e-4  # on either side: that the interval misses the median; 99.9 % as the ladder's bars
NORMAL = 1.48  # standard deviations in a median absolute deviation, for normal noise
LATTICE = 0.5  # of the spacing of numbers: noise below does not smooth their steps away


@dataclass(frozen=True)
class Median:
    """The middle of the disagreements, numeric - analytic, per unit of the direction.

    `claimed`, `claimed_size`: the middle of the claims there, and of the sizes of their terms.
    Where they have died away, agreement means nothing. `spread`: how well the middle is known; the
    disagreements of a claim that is off by a factor scatter like the claims.
    """

    value: float
    bar: float
    claimed: float
    claimed_size: float
    spread: float

    @classmethod
    def of(cls, value: float, bar: float, claimed: list[Analytic]) -> Median:
        """Add what is claimed at the same points."""
        middle, spread = interval(np.array([analytic.value for analytic in claimed]))
        size = float(np.median([analytic.scale for analytic in claimed]))
        return cls(value, bar, middle, size, spread)

    @property
    def compared(self) -> float:
        """What is left of the claim, were it off by a factor, beyond its own scatter."""
        return max(0.0, abs(self.claimed) - MARGIN * self.spread)


@dataclass(eq=False)
class _Sampler:
    """Measures disagreements on one line, until `left` evaluations are spent."""

    origin: Origin
    probe: Probe
    rng: np.random.Generator
    left: int
    claimed: list[Analytic] = field(default_factory=list)
    still: int = 0

    def trial(self, h: float) -> Array:
        """Measure a few disagreements with one step; none where `f` hardly moves over it.

        Of a staircase, or of a function that is flat in part, short steps see treads only, and
        most of them agree.
        """
        before = self.still
        values = self.disagreements(h, TRIALS)
        return values if self.still - before <= FEW_STILL else np.array([])

    def disagreements(self, h: float, count: float) -> Array:
        """Measure `count` disagreements with one step, or as many as may still be paid for.

        A chain of n differences end to end costs n + 1 evaluations. Neighbours share a value, with
        opposite signs: that makes the median steadier than independent ones would.
        """
        values: list[float] = []
        while len(values) < count and self.left >= 2:
            links = int(min(max(REACH // (2 * h), 1), count - len(values), self.left - 1))
            values += self._chain(h, links)
        return np.array(values)

    def _chain(self, h: float, links: int) -> list[float]:
        # links of unequal length: equal ones may all be rounded alike, where x is rounded inside f
        lengths = 2 * h * self.rng.uniform(0.75, 1.25, links)
        ends = np.concatenate([[0.0], np.cumsum(lengths)]) - lengths.sum() / 2
        ends += self.rng.uniform(-SPREAD, SPREAD)
        points = [self._point(float(t)) for t in ends]
        self.left -= len(points)
        rises = self._rises(points)
        self.still += sum(before == after for before, after in pairwise(rises))
        return [
            self._disagreement(
                float(ends[k] + ends[k + 1]) / 2, points[k : k + 2], rises[k : k + 2]
            )
            / float(lengths[k])
            for k in range(links)
        ]

    def _point(self, t: float) -> Array:
        leaf = self.origin.space.leaves[self.probe.leaf].array
        return np.asarray(leaf + t * self.probe.tangent[self.probe.leaf]).astype(leaf.dtype)

    def _rises(self, points: list[Array]) -> list[float]:
        beside = (self.origin.space.rebuild({self.probe.leaf: values}) for values in points)
        return [self.origin.rise(output) for output in evaluate_at(self.origin, beside)]

    def _disagreement(self, t: float, ends: list[Array], rises: list[float]) -> float:
        """Compare the rise between two points with <claim half-way, the step really taken>."""
        middle = self.origin.space.moved_to({self.probe.leaf: self._point(t)})
        there = claim_at(self.origin, middle)
        if there is None:
            return math.nan
        self.claimed.append(there.analytic(self.probe.tangent))
        taken = ends[1].astype(working_dtype(ends[1].dtype)) - ends[0]
        return rises[1] - rises[0] - there.analytic({self.probe.leaf: taken}).value


def average(origin: Origin, probe: Probe, rng: np.random.Generator, spent: int) -> Median | None:
    """Measure the typical disagreement along a line; None if it cannot be done.

    Parameters
    ----------
    origin : Origin
        With a claim that can be evaluated at other points.
    probe : Probe
        The line.
    rng : numpy.random.Generator
        Chooses the points.
    spent : int
        Evaluations that the line has cost already; MOST_EVALUATIONS less these may follow.
    """
    if origin.space.is_curved:  # the claim is paired with tangents at x alone
        return None
    allowed = int(min(MOST_EVALUATIONS - spent, origin.evaluator.left - 1))
    try:
        origin = replace(origin, forward_first=_reads_what_f_kept(origin, probe))
        sampler = _Sampler(origin, probe, rng, allowed)
        trials = [sampler.trial(h) for h in STEPS]
        if all(len(trial) == 0 for trial in trials):  # it moves nowhere: that is an answer
            trials = [sampler.disagreements(h, TRIALS) for h in STEPS]
        spacing = 2 * max(origin.roundoff, origin.roundoff_of_x) * origin.size
        best = min(range(1, len(STEPS)), key=lambda j: _uncertainty(trials, j, spacing))
        more = sampler.disagreements(STEPS[best], math.inf)
    except (BudgetSpent, CallFailed, UsageError):
        return None
    values = np.concatenate([trials[best], more])
    if len(values) < FEWEST or not np.isfinite(values).all():
        return None
    middle, half = interval(values)
    lattice = spacing / (2 * STEPS[best])
    stepped = LATTICE * lattice if _scatter(values) < LATTICE * lattice else 0.0
    bar = half + stepped + _truncation(trials, best, middle)
    return Median.of(middle, bar, sampler.claimed)


def _reads_what_f_kept(origin: Origin, probe: Probe) -> bool:
    """Whether the claim at x is another one after `f` was called beside x, as a layer's is."""
    if origin.forward_first or not origin.claimed:
        return origin.forward_first
    beside, _ = origin.space.displaced(probe.tangent, STEPS[1])
    origin.evaluator.forward(beside)
    again = claim_at(origin, origin.space)
    return again is None or not all(
        same_bits(claim, again.claimed[i]) for i, claim in origin.claimed.items()
    )


def interval(values: Array) -> tuple[float, float]:
    """Return the median and the half-width that holds the true one, except with 2 ALARM.

    Examples
    --------
    >>> middle, half = interval(np.arange(33.0))
    >>> middle, half
    (16.0, 10.0)
    """
    ordered, n = np.sort(values), len(values)
    k, tail = 0, 2.0**-n
    while tail <= ALARM:  # tail = P(at most k of n fair coins show heads)
        k += 1
        tail += math.comb(n, k) / 2.0**n
    assert k > 0, "FEWEST values are enough for an interval"
    low, high = ordered[k - 1], ordered[n - k]
    middle = float(np.median(ordered))
    return middle, float(max(high - middle, middle - low))


def _uncertainty(trials: list[Array], j: int, spacing: float) -> float:
    """Estimate how far the median at one step may be off: scatter, lattice and truncation."""
    values = trials[j]
    if len(values) == 0 or not np.isfinite(values).all():
        return math.inf
    lattice = spacing / (2 * STEPS[j])
    return _scatter(values) + LATTICE * lattice + _truncation(trials, j, float(np.median(values)))


def _scatter(values: Array) -> float:
    return NORMAL * float(np.median(np.abs(values - np.median(values))))


def _truncation(trials: list[Array], j: int, middle: float) -> float:
    """Bound the truncation by what is seen at the next larger step, and at the next smaller one.

    It falls like h^2; but among many kinks only at small steps, and then the smaller step is off.
    """
    above = float(np.median(trials[j - 1])) if len(trials[j - 1]) else math.nan
    falling = abs(above - middle) / ORDER if math.isfinite(above) else 0.0
    below = trials[j + 1] if j + 1 < len(trials) else np.array([])
    if len(below) == 0 or not np.isfinite(below).all():
        return falling
    return falling + max(0.0, float(below.min()) - middle, middle - float(below.max()))
