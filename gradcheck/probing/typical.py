"""The rule for the middle of many claims: numeric - analytic, typically, with its interval.

Rounding of many claims cancels in their middle, so that it is judged more sharply than one of few
digits. Part of `probing`; the thresholds that it shares are those of `verdict`.
"""

from __future__ import annotations

from ..records import Analytic, Cause, Verdict
from ..verdict import (
    CLAIM_SUMS,
    MARGIN,
    MOST_ROUNDED,
    WORTH_SEEING,
    Judgement,
    least_factor,
    underflow,
)
from .averaging import Median

# Unit roundoffs by which a right claim may be off throughout: the rounding of constants does not
# cancel (of 20 leaves of small networks, 4 times the most seen).
CLAIM_THROUGHOUT = 4.0
LARGEST_SAID = 10.0  # times its size: that so large an error would show is not worth a sentence


def typical_tolerance(analytic: Analytic, rtol: float) -> float:
    """Return the tolerance for the middle of many claims; less than that for one of few digits."""
    sums = min(CLAIM_SUMS * analytic.roundoff, WORTH_SEEING)
    return max(rtol, CLAIM_THROUGHOUT * analytic.roundoff, sums)


def judge_median(before: Judgement, analytic: Analytic, median: Median, rtol: float) -> Judgement:
    """Judge the typical disagreement of many short differences.

    As in `judge`, with the margin of rough lines; `before` is what the line at x gave, `analytic`
    the typical claim where the differences were taken.
    """
    distance, bar = abs(median.value), median.bar
    scale = max(analytic.scale, distance)
    tolerance = typical_tolerance(analytic, rtol) * scale + underflow(analytic)
    unit, of_it = (scale, " of its size") if scale > 0 else (1.0, "")
    seen = (
        f"many short differences around x are off the claim by {median.value / unit:.1e} ± "
        f"{bar / unit:.0e}{of_it}"
    )
    if distance > MARGIN * bar + tolerance:
        return Judgement(Verdict.FAIL, Cause.OTHER, seen, scale)
    sees = bar <= max(WORTH_SEEING * scale, tolerance)
    agrees = distance <= bar + tolerance and sees
    agrees = agrees and underflow(analytic) <= MOST_ROUNDED * scale
    verdict = Verdict.PASS if agrees else Verdict.INCONCLUSIVE
    least = least_factor(median.compared, distance + 2 * bar, bar, tolerance)
    if not agrees and least <= LARGEST_SAID:
        seen += f", so that an error above {100 * least:.2g} % would have been seen"
    reason = f"{before.reason}; {seen}" if before.reason else seen
    return Judgement(verdict, before.cause, reason, scale)
