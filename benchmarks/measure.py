"""What the library says about one case: a derivative with its bar, and five verdicts.

Owns the two records of a measurement and how they are taken. Sums nothing up: `tables` and
`targets` do.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field

import numpy as np

from gradcheck import Evidence, Plan, Report, Verdict, check_grad, derivative

from .case import Case, flat, scaled

FACTORS = (1.0, 1.01, 1.25, -1.0, 0.0)  # of the right claim; all but the first are wrong
CERTIFIED = 1e-5  # a bar this small, relative to the value, is a useful answer
FARTHEST = 3.0  # bars: the largest error that is tolerated
NOTHING = 1e-6  # of the largest leaf's gradient: a leaf whose gradient is zero but for rounding


@dataclass(frozen=True)
class Numeric:
    """One certified derivative beside the truth.

    Attributes
    ----------
    family, name, seed : str, str, int
        The case.
    truth, value, bar : float
        The derivative, the estimate, its error bar.
    evaluations : int
        Evaluations of f.
    trouble : str
        The exception, if the library raised one.
    sides_hold : bool or None
        Whether the one-sided derivatives that were reported hold; None where there are none.
    far_side : float
        How many bars the farther of the one-sided derivatives is away, where there is no
        derivative; infinite where there are no such sides.
    """

    family: str
    name: str
    seed: int
    truth: float
    value: float = math.nan
    bar: float = math.nan
    evaluations: int = 0
    trouble: str = ""
    sides_hold: bool | None = None
    far_side: float = math.inf

    @property
    def differentiable(self) -> bool:
        """Whether there is a truth to cover."""
        return not math.isnan(self.truth)

    @property
    def error(self) -> float:
        """|value - truth|; infinite where there is no value."""
        return math.inf if math.isnan(self.value) else abs(self.value - self.truth)

    @property
    def covered(self) -> bool:
        """Whether the bar holds; an infinite bar always does, a NaN never."""
        return self.bar == math.inf or self.error <= self.bar

    @property
    def certified(self) -> bool:
        """Whether the answer is useful."""
        return self.bar <= CERTIFIED * abs(self.value)

    @property
    def nonsense(self) -> bool:
        """Whether a derivative is certified where there is none.

        A kink so weak that both of its sides lie within the bar, or as near it as any error may
        be, is none that anybody could tell from a slope.
        """
        return not self.differentiable and self.certified and self.far_side > FARTHEST

    @property
    def relative_error(self) -> float:
        """Error relative to the truth; absolute where that is 0."""
        return self.error / (abs(self.truth) or 1.0)

    @property
    def relative_bar(self) -> float:
        """Bar relative to the truth; absolute where that is 0."""
        return self.bar / (abs(self.truth) or 1.0)

    @property
    def overshoot(self) -> float:
        """Error in bars: above 1 the bar lied."""
        if self.error == 0 or self.bar == math.inf:
            return 0.0
        return self.error / self.bar if self.bar > 0 else math.inf


@dataclass(frozen=True)
class Judged:
    """One verdict on a claim that is the right one times `factor`."""

    family: str
    name: str
    seed: int
    factor: float
    verdict: Verdict | None = None
    evaluations: int = 0
    reason: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the claim is the right one."""
        return self.factor == 1.0

    @property
    def offends(self) -> bool:
        """Whether the verdict is a false one; to be unsure is no offence, to raise is."""
        false = Verdict.FAIL if self.is_right else Verdict.PASS
        return self.verdict is None or self.verdict is false


@dataclass
class Campaign:
    """All measurements of some corpora."""

    numerics: list[Numeric] = field(default_factory=list)
    verdicts: list[Judged] = field(default_factory=list)

    def add(self, other: Campaign) -> None:
        """Append another campaign."""
        self.numerics += other.numerics
        self.verdicts += other.verdicts


def measure(case: Case, seed: int) -> Campaign:
    """Take all measurements of one case, always in the same order, so that a replay repeats."""
    with np.errstate(all="ignore"):
        numeric = measure_numeric(case, seed)
        factors = [k for k in FACTORS if k == 1.0 or np.any(flat(case.grad(case.x)) != 0)]
        return Campaign([numeric], [j for factor in factors for j in judge(case, seed, factor)])


def measure_numeric(case: Case, seed: int) -> Numeric:
    """Measure the derivative along the case's direction; catch what the library raises."""
    blank = {"family": case.family, "name": case.name, "seed": seed, "truth": case.truth}
    try:
        d = derivative(case.f, case.x, case.direction)
    except Exception as error:  # a library that raises is a result, not an accident
        return Numeric(**blank, trouble=f"{type(error).__name__}: {error}")
    sides = None
    if case.left is not None and d.evidence is Evidence.KINK:
        pairs = ((d.left, case.left), (d.right, case.right))
        sides = all(abs(told - side) <= d.side_bar for told, side in pairs)
    far = math.inf
    if case.left is not None and d.error_bar > 0:
        far = max(abs(d.value - side) for side in (case.left, case.right)) / d.error_bar
    return Numeric(
        **blank,
        value=d.value,
        bar=d.error_bar,
        evaluations=d.evaluations,
        sides_hold=sides,
        far_side=far,
    )


def judge(case: Case, seed: int, factor: float) -> list[Judged]:
    """Check a multiple of the right claim; float32 networks are judged leaf by leaf.

    There each line has its own 128 evaluations, and each leaf is a network's question of its own.
    """
    # The seed is drawn from the name, so that no two cases share their directions
    # the verdict alone: what is wrong is asked of another corpus
    plan = Plan.auto(seed=zlib.crc32(f"{seed} {case.name} {factor}".encode()), naming=0)
    blank = {"family": case.family, "seed": seed, "factor": factor}

    def claim(x):
        return scaled(case.grad(x), factor) if factor != 1.0 else case.grad(x)

    try:
        report = check_grad(case.f, claim, case.x, plan=plan)
    except Exception as error:  # as above
        return [Judged(**blank, name=case.name, reason=f"{type(error).__name__}: {error}")]
    if case.family.startswith("f32"):
        return _leaf_by_leaf(case, report, blank)
    reason = next((finding.message for finding in report.findings), "")
    return [
        Judged(
            **blank,
            name=case.name,
            verdict=report.verdict,
            evaluations=report.evaluations,
            reason=reason,
        )
    ]


def _leaf_by_leaf(case: Case, report: Report, blank: dict) -> list[Judged]:
    """Take the verdicts of the leaves whose gradient is more than rounding."""
    gradient = case.grad(case.x)
    sizes = {f"['{name}']": float(np.linalg.norm(g)) for name, g in gradient.items()}
    tested = [leaf for p, leaf in report.leaves.items() if sizes[p] > NOTHING * max(sizes.values())]
    evaluations = report.evaluations // len(report.leaves)
    return [
        Judged(
            **blank,
            name=f"{case.name}{leaf.path}",
            verdict=leaf.verdict,
            evaluations=evaluations,
            reason=leaf.reason,
        )
        for leaf in tested
    ]
