"""What is promised, number by number, and whether it was kept.

Owns the targets and the groups of families that they speak of.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gradcheck import Verdict

from .measure import FARTHEST, Campaign, Judged, Numeric

# f has two derivatives there, one of the ripple and one that is meant: nothing can be promised
UNCOUNTED = frozenset({"ripple"})
SMOOTH = frozenset(
    {
        "smooth", "scaled", "ill-scaled", "curvature", "linear", "edge", "raising", "complex",
        "iterative", "convolution", "log-likelihood", "net-relu", "net-tanh", "net-batchnorm",
        "net-saturated", "net-dropout", "max-pool",
    }
)  # fmt: skip
NEAR_KINK = frozenset({"near-kink"})
FLOAT32_NETWORKS = frozenset(
    f"f32-net{kind}-{net}" for kind in ("", "-cast") for net in ("relu", "tanh", "batchnorm")
)
FLOAT32_RELU = frozenset(family for family in FLOAT32_NETWORKS if family.endswith("relu"))
FEWEST = 200  # derivatives of a family before its coverage is a number at all


@dataclass(frozen=True)
class Target:
    """One promise.

    Attributes
    ----------
    name : str
        What is measured.
    measure : callable
        `Campaign -> float`; NaN where there is nothing to measure.
    keeps : callable
        `keeps(measured, limit)`: `<=` or `>=`.
    limit : float
        The number that is promised.
    """

    name: str
    measure: Callable[[Campaign], float]
    keeps: Callable[[float, float], bool]
    limit: float

    @property
    def sign(self) -> str:
        """How the target is read."""
        return "<=" if self.keeps is operator.le else ">="


@dataclass(frozen=True)
class Outcome:
    """What became of a target."""

    name: str
    target: str
    measured: float
    met: bool


def check(target: Target, campaign: Campaign) -> Outcome:
    """Measure one target; where there is nothing to measure, nothing was broken."""
    measured = float(target.measure(campaign))
    met = math.isnan(measured) or target.keeps(measured, target.limit)
    return Outcome(target.name, f"{target.sign} {target.limit:g}", measured, met)


# --- selections -----------------------------------------------------------------------------


def derivatives(campaign: Campaign, families: frozenset[str] | None = None) -> list[Numeric]:
    """Return the counted measurements where there is a derivative, of all or some families."""
    return [
        m
        for m in campaign.numerics
        if m.differentiable and m.family not in UNCOUNTED and (not families or m.family in families)
    ]


def claims(campaign: Campaign, families: frozenset[str] | None = None) -> list[Judged]:
    """Return the counted verdicts, of all or some families."""
    return [
        j
        for j in campaign.verdicts
        if j.family not in UNCOUNTED and (not families or j.family in families)
    ]


def right(campaign: Campaign, families: frozenset[str] | None = None) -> list[Judged]:
    """Return the verdicts on right claims."""
    return [j for j in claims(campaign, families) if j.is_right]


def share(facts: Iterable[bool]) -> float:
    """Return the percentage of facts that hold."""
    listed = list(facts)
    return 100 * sum(listed) / len(listed) if listed else math.nan


def quantile(numbers: Iterable[float], q: float) -> float:
    """Return a quantile, itself one of the numbers, so that infinities do no harm."""
    listed = sorted(number for number in numbers if not math.isnan(number))
    return float(np.quantile(listed, q, method="higher")) if listed else math.nan


def mean(numbers: Iterable[float]) -> float:
    """Return the mean."""
    listed = list(numbers)
    return sum(listed) / len(listed) if listed else math.nan


# --- targets --------------------------------------------------------------------------------


def _coverage(families: frozenset[str] | None) -> Callable[[Campaign], float]:
    return lambda c: share(m.covered for m in derivatives(c, families))


def _worst_coverage(c: Campaign) -> float:
    counted = derivatives(c)
    families = {m.family for m in counted} - FLOAT32_RELU
    groups = [[m.covered for m in counted if m.family == family] for family in families]
    return min((share(g) for g in groups if len(g) >= FEWEST), default=math.nan)


def _inconclusive(families: frozenset[str]) -> Callable[[Campaign], float]:
    return lambda c: share(j.verdict is Verdict.INCONCLUSIVE for j in right(c, families))


def _tightness(c: Campaign) -> float:
    ratios = (m.bar / m.error for m in derivatives(c, frozenset({"smooth"})) if m.error > 0)
    return quantile(ratios, 0.5)


def _bars(q: float) -> Callable[[Campaign], float]:
    family = frozenset({"smooth", "scaled"})
    return lambda c: quantile((m.relative_bar for m in derivatives(c, family)), q)


def _certified_evaluations(c: Campaign) -> list[int]:
    return [m.evaluations for m in derivatives(c) if m.certified]


def _failing_evaluations(c: Campaign) -> float:
    family = frozenset({"smooth", "scaled"})
    return quantile((j.evaluations for j in claims(c, family) if j.verdict is Verdict.FAIL), 0.5)


def _certified_nonsense(c: Campaign) -> float:
    return sum(m.nonsense for m in c.numerics)


AT_LEAST, AT_MOST = operator.ge, operator.le
TARGETS = (
    Target("coverage, all families, %", _coverage(None), AT_LEAST, 99.9),
    Target("coverage, worst family of 200 or more, %", _worst_coverage, AT_LEAST, 99.5),
    Target("coverage, float32 relu networks, %", _coverage(FLOAT32_RELU), AT_LEAST, 97.0),
    Target(
        "largest error, in bars", lambda c: quantile((m.overshoot for m in derivatives(c)), 1),
        AT_MOST, FARTHEST,
    ),
    Target("bar / error on smooth, median", _tightness, AT_MOST, 15.0),
    Target("relative bar on smooth, median", _bars(0.5), AT_MOST, 1e-9),
    Target("relative bar on smooth, 99th percentile", _bars(0.99), AT_MOST, 1e-8),
    Target("certified where there is no derivative", _certified_nonsense, AT_MOST, 0),
    Target(
        "one-sided derivatives at kinks that hold, %",
        lambda c: share(m.sides_hold for m in c.numerics if m.sides_hold is not None),
        AT_LEAST, 99.9,
    ),
    Target(
        "evaluations, certified, median", lambda c: quantile(_certified_evaluations(c), 0.5),
        AT_MOST, 9,
    ),
    Target(
        "evaluations, certified, mean", lambda c: mean(_certified_evaluations(c)), AT_MOST, 15
    ),
    Target(
        "right claims called FAIL", lambda c: sum(j.offends for j in right(c)), AT_MOST, 0
    ),
    Target(
        "wrong claims called PASS",
        lambda c: sum(j.offends for j in claims(c) if not j.is_right),
        AT_MOST, 0,
    ),
    Target("right, INCONCLUSIVE, smooth float64, %", _inconclusive(SMOOTH), AT_MOST, 0.1),
    Target("right, INCONCLUSIVE, beside a kink, %", _inconclusive(NEAR_KINK), AT_MOST, 0.1),
    Target(
        "right, INCONCLUSIVE, float32 networks, %", _inconclusive(FLOAT32_NETWORKS), AT_MOST, 20
    ),
    Target(
        "evaluations, right claim on smooth, median",
        lambda c: quantile((j.evaluations for j in right(c, frozenset({"smooth"}))), 0.5),
        AT_MOST, 6,
    ),
    Target("evaluations, FAIL on smooth, median", _failing_evaluations, AT_MOST, 22),
)  # fmt: skip
