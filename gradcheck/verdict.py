"""The rule: analytic against numeric ± error bar, three answers.

Owns every threshold of judgement, but for those of the middle of many claims, which stand with it
in `probing`, and nothing else: it measures nothing and composes nothing.
Fourth layer: uses `records` and the numbers of `differences`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .differences import FINE_ARITHMETIC, Glance
from .records import Analytic, Cause, Derivative, Evidence, Verdict

WORTH_SEEING = 3e-3  # a bar this wide, relative to the claim, still shows a dropped term or factor
GLANCE_AGREEMENT = 1e-9  # truncation of a central difference at the first step, ten times over
GLANCE_ROUNDING = 3e-5  # of the claim: coarser rounding would certify too little, see directions
GLANCE_BEND = 0.05  # of the claim: more bend may be a kink
# A claim is zero up to the rounding of its own sums if it is below so many unit roundoffs of the
# largest leaf's claim, or of f where all claims are small; a bar is, below so many of f.
ZERO = 2.0**6
ZERO_OF_FEW_DIGITS = 4.0
ZERO_OF_F = 4.0
NOTHING_OF_F = 2.0**8
# In few digits no more than this share of f; where f does not move at all there is no slope to
# miss, and a bar this wide is that of a window that could not be larger.
WORTH_SEEING_OF_F, STILL_OF_F = 3e-3, 1e-2
NOTHING = 1e-290  # a bar of this size is that of a function that is 0 everywhere
MARGIN = 3.0  # times the bar, where the line is rough: the largest error/bar ever measured is 2.9
# Unit roundoffs of its own dtype that a right claim may be off by: the second, because sums of a
# backward pass lose digits, as long as that stays below what is worth seeing.
CLAIM_ROUNDOFFS = 32.0
CLAIM_SUMS = 2.0**10
# Roundings of the smallest numbers of its dtype that a right claim may be off by in each entry:
# more than one, because what its sums are made of may be among these too.
CLAIM_LEAST = 8.0
SMALLEST = (
    "the claim is among the smallest numbers of its dtype, of which rounding is as large as they; "
    "multiply both by a large constant"
)
MOST_ROUNDED = 0.5  # of the claim: where rounding may be more, nothing is certified
ZERO_AS_ROUNDED = "zero, and the derivative is below what its dtype can hold along this line"
SINGLE_BAR = 0.5  # of the mismatch: what a window's bar may be if it is to confirm it

EXPLANATION = {
    Evidence.JUMP: (Cause.JUMP, "f jumps at x, or so close that no difference can tell"),
    Evidence.SINGULAR: (Cause.SINGULAR, "f has no finite slope at x, it behaves like sqrt|t|"),
    Evidence.NONFINITE: (Cause.DOMAIN, "f is not finite beside x, however small the step"),
    Evidence.NOISE: (Cause.NOISE, "f is too noisy for a single line"),
    Evidence.QUANTISED: (
        Cause.PRECISION,
        "f moves in steps here, as where its input or output is rounded",
    ),
    Evidence.FLAT: (Cause.PRECISION, "f does not move at any step, and rounding may hide a slope"),
    Evidence.EDGE: (Cause.DOMAIN, "x is at the edge of the domain, and one side says too little"),
    Evidence.PRECISION: (Cause.PRECISION, "rounding hides the derivative"),
    Evidence.SMOOTH: (Cause.PRECISION, "the error bar is too wide"),
}

INSIDE = "f is finite on one side of x only; the claim agrees with the derivative from inside"


@dataclass(frozen=True)
class Scene:
    """What a judgement is relative to.

    Attributes
    ----------
    rtol : float
        The tolerance relative to the scale, see `tolerance_for`.
    size : float
        Size of the values of f.
    roundoff : float
        Unit roundoff of the arithmetic.
    claims : float
        Size of the claim of the leaf where it is largest.
    unit : float
        By how much the line moves a single entry; its numbers are shown per unit of the entry.
    """

    rtol: float
    size: float
    roundoff: float
    claims: float = 0.0
    unit: float = 1.0

    @property
    def zero(self) -> float:
        """Claims up to this size are zero to rounding."""
        of_f = ZERO_OF_F * self.roundoff * self.size if self.roundoff <= FINE_ARITHMETIC else 0.0
        fine = self.roundoff <= FINE_ARITHMETIC
        return max((ZERO if fine else ZERO_OF_FEW_DIGITS) * self.roundoff * self.claims, of_f)

    @property
    def nothing(self) -> float:
        """Bars up to this size are the rounding of f."""
        return self._nothing(WORTH_SEEING_OF_F)

    @property
    def still(self) -> float:
        """Bars up to this size are the rounding of an f that does not move."""
        return self._nothing(STILL_OF_F)

    def _nothing(self, share: float) -> float:
        return max(min(NOTHING_OF_F * self.roundoff, share) * self.size, NOTHING)


@dataclass(frozen=True)
class Judgement:
    """A verdict on one probe.

    Attributes
    ----------
    verdict : Verdict
        The answer.
    cause : Cause or None
        Why, where it is not a plain PASS.
    reason : str
        The same in a few words.
    scale : float
        What errors are relative to.
    zero : bool
        Whether the claim passed as a zero, within the rounding of f.
    """

    verdict: Verdict
    cause: Cause | None
    reason: str
    scale: float
    zero: bool = False

    def doubted(self, cause: Cause, reason: str) -> Judgement:
        """Return the judgement as inconclusive, with the reason for it."""
        return Judgement(Verdict.INCONCLUSIVE, cause, reason, self.scale)


def tolerance_for(analytic: Analytic, rtol: float) -> float:
    """Widen the plan's tolerance to the rounding of a claim that is given in few digits."""
    sums = min(CLAIM_SUMS * analytic.roundoff, WORTH_SEEING)
    return max(rtol, CLAIM_ROUNDOFFS * analytic.roundoff, sums)


def allowance(analytic: Analytic, rtol: float, scale: Any) -> Any:  # noqa: ANN401
    """Return by how much a claim may be off beyond the bar: the tolerance, and what underflows."""
    return tolerance_for(analytic, rtol) * scale + underflow(analytic)


def underflow(analytic: Analytic) -> float:
    """Return by how much a right claim may be off among the smallest numbers of its dtype."""
    return CLAIM_LEAST * analytic.least


def is_vague(analytic: Analytic, rtol: float) -> bool:
    """Whether the tolerance for a single claim is more than what is worth seeing."""
    return tolerance_for(analytic, rtol) > max(WORTH_SEEING, rtol)


def scale_of(analytic: Analytic, derivative: Derivative) -> float:
    """Size of the derivative along the probe: of the claim's terms, or of the numeric if larger."""
    numeric = [
        abs(d) for d in (derivative.value, derivative.left, derivative.right) if d is not None
    ]
    sizes = [s for s in (analytic.scale, *numeric) if math.isfinite(s)]
    return max(sizes, default=0.0)


def settles(analytic: Analytic, look: Glance) -> Any:  # noqa: ANN401 - of one, or of each
    """Whether two values of f are enough to pass the claim; never enough to fail it.

    Agreement within rounding or nine digits; a rounding error much smaller than the claim; no bend
    that could be a kink; and not three equal values, which would pass any zero.
    """
    agrees = abs(look.value - analytic.value) <= glance_bar(analytic.scale, look)
    sharp = look.rounding <= GLANCE_ROUNDING * analytic.scale
    answer = agrees & sharp & is_straight(look, analytic.scale) & np.logical_not(look.flat)
    return answer if np.ndim(answer) else bool(answer)


def is_straight(look: Glance, scale: Any) -> Any:  # noqa: ANN401 - of one, or of each
    """Whether nothing bends so much that it could be a kink."""
    return abs(look.bend) <= GLANCE_BEND * scale


def glance_bar(scale: Any, look: Glance) -> Any:  # noqa: ANN401 - of one, or of each
    """Return the discrepancy that `settles` takes for agreement."""
    return np.maximum(look.rounding, GLANCE_AGREEMENT * scale)


def judge(analytic: Analytic, derivative: Derivative, scene: Scene) -> Judgement:
    """Compare the claim with the numeric derivative along one probe.

    With d = |analytic - numeric|, tol = rtol · scale, worth = max(3e-3, rtol) · scale:

    ============================  =======================  ================  ==================
    line                          d                        bar               verdict
    ============================  =======================  ================  ==================
    jump, singular, not finite    any                      any               INCONCLUSIVE
    kink at x, claim is a side    -                        <= worth          PASS (kink)
    or the middle of the two
    kink at x, any other claim    any                      any               INCONCLUSIVE (kink)
    any, claim not finite         -                        any               FAIL
    smooth, noise, precision      <= bar                   <= worth          PASS
    smooth, noise, precision      bar < d <= bar + tol     <= worth          PASS (precision)
    edge of the domain            <= bar + tol             <= worth          PASS (domain)
    claim zero to rounding        <= bar                   rounding of f     PASS (zero)
    smooth, noise, precision      <= bar + tol             wider             INCONCLUSIVE
    noise, precision              <= 3 bar + tol           any               INCONCLUSIVE
    smooth, noise, precision      larger                   any               FAIL, if confirmed
    ============================  =======================  ================  ==================

    A FAIL from here still wants a second window (`disputes`), and a kink a shifted point; both are
    the composer's to arrange.
    """
    scale = scale_of(analytic, derivative)
    evidence = derivative.evidence
    if evidence in (Evidence.JUMP, Evidence.SINGULAR, Evidence.NONFINITE):
        return Judgement(Verdict.INCONCLUSIVE, *EXPLANATION[evidence], scale)
    if evidence is Evidence.KINK:
        return _judge_at_kink(analytic, derivative, scene, scale)
    if not math.isfinite(analytic.value):
        return Judgement(
            Verdict.FAIL, Cause.NONFINITE, "the claim is not finite where f is smooth", scale
        )
    return _judge_smooth(analytic, derivative, scene, scale)


def _judge_at_kink(
    analytic: Analytic, derivative: Derivative, scene: Scene, scale: float
) -> Judgement:
    """Accept the three usual conventions, exactly; anything else there might be an error of 1 %."""
    sees = derivative.side_bar <= max(WORTH_SEEING, scene.rtol) * scale
    usual = is_usual_value(analytic, derivative, scene.rtol)
    verdict = Verdict.PASS if usual and sees else Verdict.INCONCLUSIVE
    seen = where_at_kink(analytic, derivative, scene.rtol, scene.unit)
    return Judgement(verdict, Cause.KINK, seen, scale)


def _judge_smooth(
    analytic: Analytic, derivative: Derivative, scene: Scene, scale: float
) -> Judgement:
    distance = abs(analytic.value - derivative.value)
    bar, tolerance = derivative.error_bar, scene.rtol * scale + underflow(analytic)
    if distance <= bar + tolerance:
        return _judge_agreement(analytic, derivative, scene, scale)
    rough = derivative.evidence in (Evidence.NOISE, Evidence.PRECISION, Evidence.QUANTISED)
    if rough and distance <= MARGIN * bar + tolerance:
        return Judgement(Verdict.INCONCLUSIVE, *EXPLANATION[derivative.evidence], scale)
    return Judgement(Verdict.FAIL, Cause.OTHER, "f and the derivative disagree", scale)


def _judge_agreement(
    analytic: Analytic, derivative: Derivative, scene: Scene, scale: float
) -> Judgement:
    distance, bar = abs(analytic.value - derivative.value), derivative.error_bar
    rounded = underflow(analytic)
    if rounded > 0 and analytic.scale == 0 and distance + bar <= rounded:
        if distance <= bar:
            return Judgement(Verdict.PASS, None, "zero", scale, zero=True)
        return Judgement(Verdict.PASS, Cause.PRECISION, ZERO_AS_ROUNDED, scale, zero=True)
    if rounded > MOST_ROUNDED * analytic.scale and bar <= rounded:
        return Judgement(Verdict.INCONCLUSIVE, Cause.PRECISION, SMALLEST, scale)
    if bar <= max(max(WORTH_SEEING, scene.rtol) * scale, rounded):
        if derivative.evidence is Evidence.EDGE:
            return Judgement(Verdict.PASS, Cause.DOMAIN, INSIDE, scale)
        if distance <= bar:
            return Judgement(Verdict.PASS, None, "", scale)
        digits = -math.log10(distance / scale)
        reason = f"agrees to {digits:.1f} digits only; our bar is {bar / scale:.0e}"
        return Judgement(Verdict.PASS, Cause.PRECISION, reason, scale)
    nothing = scene.still if derivative.evidence is Evidence.FLAT else scene.nothing
    if analytic.scale <= scene.zero and bar <= nothing:
        return Judgement(Verdict.PASS, None, "zero within the rounding of f", scale, zero=True)
    return Judgement(Verdict.INCONCLUSIVE, *EXPLANATION[derivative.evidence], scale)


def least_factor(size: Any, distance: Any, bar: Any, allowed: Any) -> float:  # noqa: ANN401
    """Return the least relative error of a claim, so far off, that fails on a line, or any."""
    left = np.asarray(size - allowed)  # a larger claim is allowed more
    return float(np.where(left > 0, (MARGIN * bar + allowed + distance) / left, np.inf).min())


def judge_given(
    judgement: Judgement, analytic: Analytic, distance: float, bar: float, scene: Scene
) -> Judgement:
    """Hold a claim that passes in more digits against what it is in its own.

    The formula is right then; what is left is rounding in the claim's arithmetic.
    """
    scale = max(judgement.scale, analytic.scale)
    if distance <= bar + scene.rtol * scale + underflow(analytic) + scene.zero:
        return judgement
    reason = (
        f"right in more digits, but as given it is off by {distance / scale:.0e}: rounding in "
        f"the claim"
    )
    verdict = Verdict.PASS if distance <= WORTH_SEEING * scale else Verdict.INCONCLUSIVE
    return Judgement(verdict, Cause.PRECISION, reason, scale)


def disputes(analytic: Analytic, derivative: Derivative, scene: Scene) -> bool:
    """Whether one window contradicts the claim by itself, with half the mismatch to spare."""
    distance = abs(analytic.value - derivative.value)
    tolerance = scene.rtol * scale_of(analytic, derivative) + underflow(analytic)
    return distance > derivative.error_bar + tolerance and (
        derivative.error_bar < SINGLE_BAR * distance
    )


FARTHEST_CONVENTION = 10.0  # times the size of the claim nearby: no convention at a kink is larger


def is_conceivable_convention(here: Analytic, there: Analytic) -> bool:
    """Whether a claim at a kink has the size of those beside it, as any convention has."""
    return here.scale <= FARTHEST_CONVENTION * there.scale


LEAST_SAID = 1e-2  # of the size here: where f has died away, anything agrees


def says_as_much(here: float, there: float) -> bool:
    """Whether a derivative of size `there` is not so much smaller that agreement means nothing."""
    return there >= LEAST_SAID * here


WORTH_A_FACTOR = 1e-2  # an error of the whole leaf that a pass must exclude
TOLERANCES = 3.0  # or so many times what a claim of few digits may be off


def sees_a_factor(size: float, scale: float, bar: float, allowed: float) -> bool:
    """Whether a claim off by one percent as a whole, or a few tolerances, would not have passed.

    Its terms, which are of this scale, may cancel to a size of which a bar hides what is left.
    """
    worth = max(WORTH_A_FACTOR * scale, TOLERANCES * allowed)
    return MARGIN * bar + allowed < worth * (size / scale)


def is_one_sided_value(analytic: Analytic, derivative: Derivative, rtol: float) -> bool:
    """Whether the claim is the derivative from the left or from the right."""
    return any(_is(analytic, side, derivative, rtol) for side in _sides(derivative))


def is_usual_value(analytic: Analytic, derivative: Derivative, rtol: float) -> bool:
    """Whether the claim is a one-sided derivative or the middle of both, as sign(0) = 0 gives."""
    return _is(analytic, nearest_usual_value(analytic, derivative), derivative, rtol)


def nearest_usual_value(analytic: Analytic, derivative: Derivative) -> float:
    """Return which of the two sides and their middle is nearest the claim."""
    left, right = _sides(derivative)
    return min((left, right, (left + right) / 2), key=lambda side: abs(analytic.value - side))


def _sides(derivative: Derivative) -> tuple[float, float]:
    return derivative.left or 0.0, derivative.right or 0.0


def _is(analytic: Analytic, side: float, derivative: Derivative, rtol: float) -> bool:
    return abs(analytic.value - side) <= derivative.side_bar + rtol * abs(analytic.value)


def where_kinks_meet(analytic: Analytic, derivative: Derivative) -> str:
    """Say what is known where the kinks themselves cannot be resolved."""
    return (
        f"f is rough around x at every step, as where several kinks meet: numeric "
        f"{derivative.value:.6g} ± {derivative.error_bar:.0e}, the claim {analytic.value:.6g}"
    )


def where_at_kink(analytic: Analytic, derivative: Derivative, rtol: float, unit: float) -> str:
    """Say where the claim lies among the one-sided derivatives of a kink, in units of the entry."""
    left, right = _sides(derivative)
    sides = (
        f"from the left {left / unit:.6g}, from the right {right / unit:.6g} "
        f"(± {derivative.side_bar / unit:.0e})"
    )
    if is_one_sided_value(analytic, derivative, rtol):
        place = "is one of them"
    elif is_usual_value(analytic, derivative, rtol):
        place = "is the middle of the two"
    elif min(left, right) <= analytic.value <= max(left, right):
        place = "lies between them"
    else:
        place = "lies outside"
    return f"f has a kink at x: {sides}; the claim {analytic.value / unit:.6g} {place}"
