"""Who is asked next when the line at x cannot tell: points nearby, more digits, many differences.

Part of `probing`; the order of the referees is here, what each does is its own file's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..differences import FINE_ARITHMETIC
from ..directions import Probe
from ..execution import Origin
from ..records import Cause, Evidence, Plan, Verdict
from ..space import unit_roundoff
from ..verdict import (
    Judgement,
    Scene,
    allowance,
    is_conceivable_convention,
    is_vague,
    judge_given,
    says_as_much,
    tolerance_for,
    where_kinks_meet,
)
from .averaging import Median, average
from .claim_noise import is_rounding
from .complex_step import complex_step
from .here import Measured, line_through, measure_here
from .place import Place
from .short_claims import middle_of_claims
from .staircase import is_seen_still, is_still, moves_on_a_grid
from .typical import CLAIM_THROUGHOUT, judge_median, typical_tolerance

# Troubles of x itself, not of its surroundings: another point may have none.
POINTWISE = (Cause.KINK, Cause.JUMP, Cause.SINGULAR)
UNCERTAIN = (Cause.NOISE, Cause.PRECISION, Cause.KINK)
ROUNDINGS = 64.0  # unit roundoffs of a derivative by the complex step: those of the values of f
STAIRS = "f is constant beside x and moves in steps farther on; a slope may be hidden by rounding"
CANCELS = "the claim moves by as much as it is off when x is moved by a few roundings: it cancels"
ZERO: dict[str, Any] = {
    "verdict": Verdict.PASS,
    "cause": None,
    "reason": "zero within rounding, of f and of the claim",
    "zero": True,
}
ROUNDED = (
    Evidence.SMOOTH,
    Evidence.FLAT,
    Evidence.PRECISION,
    Evidence.NOISE,
    Evidence.QUANTISED,
)
CANCELLED = 16.0  # times the rounding of f: what cancels inside of it rounds more than its value
BESIDE = 1e-6  # of the slope of a staircase: a claim so small counts as the zero of its treads
MOST_SHIFTS = 3  # other points tried for a leaf with a kink at x: they may have kinks of their own


def measure(place: Place, probe: Probe, plan: Plan) -> Measured:
    """Measure along one line and judge; where that cannot tell, ask the referees in turn."""
    return _measured(place, probe, plan, REFEREES)


def measure_briefly(place: Place, probe: Probe, plan: Plan) -> Measured:
    """Measure as `measure` does, but let a line stay open rather than average hundreds of values.

    For one line more of a leaf that is open already: only a mismatch would be news.
    """
    return _measured(place, probe, plan, BRIEF_REFEREES)


def _measured(place: Place, probe: Probe, plan: Plan, referees: tuple[Referee, ...]) -> Measured:
    measured = first = measure_here(place.origin, probe, plan)
    if measured.kinks_may_meet and measured.derivative is not None:
        reason = where_kinks_meet(measured.analytic, measured.derivative)
        measured = replace(measured, judgement=measured.judgement.doubted(Cause.KINK, reason))
    if _asks_for_another_point(measured, place.origin):
        measured = _decide_nearby(place, measured, plan)
    if _is_zero_to_rounding(place, measured):
        return replace(measured, judgement=replace(measured.judgement, **ZERO))
    measured = _refereed(place, measured, plan, referees)
    if _may_be_a_staircase(place, measured):
        measured = replace(measured, judgement=measured.judgement.doubted(Cause.PRECISION, STAIRS))
    if _may_be_rounding(place, measured):
        measured = replace(measured, judgement=measured.judgement.doubted(Cause.PRECISION, CANCELS))
    if measured.tolerated == 0 and not (measured is first and _is_plain(first)):
        measured = replace(measured, tolerated=_tolerance(measured, plan))
    return _held_against_given(place, measured, plan)


def _refereed(
    place: Place, measured: Measured, plan: Plan, referees: tuple[Referee, ...]
) -> Measured:
    """Ask the referees in turn, until one has an answer."""
    for referee in referees:
        if _is_open(measured):
            measured = referee(place, measured, plan) or measured
    if not _is_worth_asking_more(place, measured, plan):
        return measured
    if place.given is None and _is_rounding_of_outputs(measured):
        return replace(measured, judgement=replace(measured.judgement, **ZERO), refereed=True)
    median = _of_median(measured, middle_of_claims(place, measured.probe), plan)
    if median is None:
        return measured
    agrees = abs(median.numeric - median.analytic.value) <= median.bar + median.tolerated
    passed = measured.judgement.verdict is Verdict.PASS
    if passed and agrees and median.judgement.verdict is Verdict.INCONCLUSIVE:
        return measured  # their interval is wide too: a pass of which no more can be said
    return median


def _is_rounding_of_outputs(measured: Measured) -> bool:
    """Whether a claim of few digits for single outputs is off by less than their own rounding.

    As where 1 - tanh^2 cancels: its rounding is that of 1, and is the same at all points nearby.
    """
    distance = abs(measured.analytic.value - measured.numeric)
    size = 0.0 if measured.origin is None else measured.origin.size
    return distance <= CLAIM_THROUGHOUT * measured.analytic.roundoff * size


def _is_zero_to_rounding(place: Place, measured: Measured) -> bool:
    """Whether `f` has no slope beyond its own rounding, and the claim is nothing but rounding."""
    judgement, line, derivative = measured.judgement, measured.line, measured.derivative
    if judgement.verdict is not Verdict.INCONCLUSIVE or line is None or derivative is None:
        return False
    if derivative.evidence not in ROUNDED or not abs(measured.numeric) <= measured.bar:
        return False
    # of few digits everything is rounding, and an exact zero is none
    if line.roundoff > FINE_ARITHMETIC or measured.analytic.scale == 0:
        return False
    if not measured.bar <= CANCELLED * Scene(0.0, line.reach, line.roundoff).nothing:
        return False
    return is_rounding(place.origin, measured.probe, 0.0, place.rng.spawn(1)[0])


def _may_be_a_staircase(place: Place, measured: Measured) -> bool:
    """Whether `f` moves in steps, so that neither zero nor a slope can be called wrong.

    The steps of many entries together, as of sign or round, look like a slope and noise, of which a
    claimed zero is right; a single coarse one stands still over all short ways, and a claimed slope
    is right of what was rounded.
    """
    if measured.judgement.verdict is not Verdict.FAIL:
        return False
    origin = measured.origin or place.origin
    if measured.analytic.scale <= max(_scene(measured).zero, BESIDE * abs(measured.numeric)):
        return is_still(origin, measured.probe.tangent, measured.numeric)
    return measured.numeric == 0 and measured.line is not None and moves_on_a_grid(measured.line)


def _may_be_rounding(place: Place, measured: Measured) -> bool:
    """Whether the claim is off by no more than it moves when x moves by roundings."""
    if measured.judgement.verdict is not Verdict.FAIL or measured.refereed:
        return False
    if not math.isfinite(measured.analytic.value):
        return False
    rng, origin = place.rng.spawn(1)[0], measured.origin or place.origin
    derivative = measured.derivative
    is_flat = derivative is not None and derivative.evidence is Evidence.FLAT
    return is_rounding(origin, measured.probe, measured.numeric, rng, is_flat=is_flat)


def _is_plain(measured: Measured) -> bool:
    """Whether what is beyond the bar is remarked on: not where a pass has a remark of its own."""
    judgement = measured.judgement
    return judgement.cause is None or (judgement.cause is Cause.PRECISION and not judgement.zero)


def _tolerance(measured: Measured, plan: Plan) -> float:
    scale = measured.judgement.scale
    return float(allowance(measured.analytic, plan.rtol, scale)) if math.isfinite(scale) else 0.0


def unmoved(place: Place, probe: Probe) -> Measured | None:
    """Pass a claimed zero where nothing moved along the line when it was measured before.

    An output that does not depend on the leaf: no use in going on until it might.
    """
    line = line_through(place.origin, probe)
    analytic = place.origin.analytic(probe.tangent)
    if analytic.scale != 0 or not line.outputs or any(line(t).rise != 0 for t in line.outputs):
        return None
    judgement = Judgement(Verdict.PASS, None, "", 0.0, zero=True)
    return Measured(probe, analytic, 0.0, 0.0, judgement)


def _held_against_given(place: Place, measured: Measured, plan: Plan) -> Measured:
    """Where a claim passes in more digits, look how far its own digits reach."""
    given = place.given
    if given is None or measured.judgement.verdict is not Verdict.PASS or not given.claimed:
        return measured
    if measured.refereed:  # its numbers are those of another point
        return measured
    analytic = given.analytic(measured.probe.tangent)
    # a sum may come longer than what it is made of, as that of a product of matrices
    own = unit_roundoff(given.space.leaves[measured.probe.leaf].array.dtype)
    analytic = replace(analytic, roundoff=max(analytic.roundoff, own))
    distance = abs(analytic.value - measured.numeric)
    scene = Scene(
        tolerance_for(analytic, plan.rtol), given.size, analytic.roundoff, given.claim_size
    )
    judgement = judge_given(measured.judgement, analytic, distance, measured.bar, scene)
    return replace(measured, judgement=judgement)


def _is_worth_asking_more(place: Place, measured: Measured, plan: Plan) -> bool:
    """Whether the middle of many claims of few digits says more than the one at x.

    It does where the tolerance for one is wide; and a claim that fails may have been on the other
    side of a kink than f in more digits, where rounding of x and of what follows decides.
    """
    if (
        place.origin.short is None
        or measured.refereed
        or not math.isfinite(measured.analytic.value)
    ):
        return False
    failed = measured.judgement.verdict is Verdict.FAIL
    passed = measured.judgement.verdict is Verdict.PASS and measured.analytic.scale > 0
    whole = place.given is not None  # of another cotangent it is enough to ask whether it fails
    return failed or (passed and whole and is_vague(measured.analytic, plan.rtol))


def _is_open(measured: Measured) -> bool:
    """Whether there is no answer yet, so that a referee may say more.

    A mismatch that two windows confirm is one, also in few digits and among kinks: many differences
    around x are blunter, and a wrong claim may cross the right one among them. Not so where `f`
    stands still in few digits: as where 1 + erf is 0, what is claimed may be below its rounding.
    """
    judgement = measured.judgement
    if measured.refereed or measured.derivative is None:
        return False
    if not math.isfinite(measured.analytic.value):
        return False
    if judgement.verdict is Verdict.FAIL:
        return measured.numeric == 0 and measured.roundoff > FINE_ARITHMETIC
    return judgement.verdict is Verdict.INCONCLUSIVE and judgement.cause in UNCERTAIN


# --- kinks: another point decides -----------------------------------------------------------


def _asks_for_another_point(measured: Measured, origin: Origin) -> bool:
    """Whether the line is not smooth at x, so that a nearby point would say more.

    A claim that is not finite at x is no convention: nothing nearby can excuse it.
    """
    if not origin.evaluator.claim_is_callable or measured.derivative is None:
        return False
    if not math.isfinite(measured.analytic.value):
        return False
    rough = measured.derivative.evidence not in (Evidence.SMOOTH, Evidence.EDGE, Evidence.FLAT)
    failed = measured.judgement.verdict is Verdict.FAIL
    at_odds = measured.judgement.cause is Cause.NOISE and not rough  # windows contradict each other
    return measured.judgement.cause in POINTWISE or at_odds or (rough and failed)


def _decide_nearby(place: Place, measured: Measured, plan: Plan) -> Measured:
    """Let a shifted point decide; the kink at x stays a finding.

    Conventions such as relu'(0) = 0 lie outside the one-sided derivatives where several kinks
    meet (at 49 of 192 such points measured), and errors of 1 % lie inside them: only a point
    without a kink can tell.
    """
    for k in range(MOST_SHIFTS):
        origin = place.nearby(k)
        if origin is None:
            break
        there = measure_here(origin, measured.probe, plan)
        if there.judgement.cause in POINTWISE or not says_as_much(_size(measured), _size(there)):
            continue
        verdict = there.judgement.verdict
        if verdict is Verdict.PASS:
            if not is_conceivable_convention(measured.analytic, there.analytic):
                break  # no convention, but a wrong value
            return _passed_elsewhere(measured, there, "at a point nearby")
        if verdict is Verdict.FAIL:
            return there
        break
    return measured


def _size(measured: Measured) -> float:
    """Size of the derivative, as far as anything is known of it."""
    evidence = measured.derivative.evidence if measured.derivative is not None else None
    unknown = evidence in (Evidence.JUMP, Evidence.SINGULAR)
    return measured.analytic.scale if unknown else measured.judgement.scale


def _passed_elsewhere(here: Measured, there: Measured, where: str) -> Measured:
    """Pass the claim, and keep what was seen here."""
    known = here.judgement.verdict is Verdict.INCONCLUSIVE or here.judgement.cause in POINTWISE
    cause = here.judgement.cause if known else Cause.NOISE
    reason = f"{here.judgement.reason}; {where} the claim agrees"
    judgement = replace(there.judgement, cause=cause, reason=reason)
    return replace(there, judgement=judgement, derivative=here.derivative, refereed=True)


# --- more digits, many differences ----------------------------------------------------------


def _by_complex_step(place: Place, measured: Measured, plan: Plan) -> Measured | None:
    """Confirm the claim where the complex step is possible and inside the ladder's bar."""
    analytic = measured.analytic
    if measured.judgement.cause is Cause.KINK or not math.isfinite(measured.bar):
        return None
    value = complex_step(place.origin, measured.probe.tangent)
    if value is None or not abs(value - measured.numeric) <= measured.bar:
        return None
    # not the scale of the judgement: where noise is all that was measured, that is the noise's
    scale = max(analytic.scale, abs(value))
    if not abs(value - analytic.value) <= tolerance_for(analytic, plan.rtol) * scale:
        return None
    bar = ROUNDINGS * analytic.roundoff * scale
    reason = f"{measured.judgement.reason}; the complex step agrees with the claim"
    judgement = Judgement(Verdict.PASS, measured.judgement.cause, reason, scale)
    return replace(measured, numeric=value, bar=bar, judgement=judgement)


def _in_more_digits(place: Place, measured: Measured, plan: Plan) -> Measured | None:
    """Measure along the same line in more digits."""
    finer = place.finer() if measured.judgement.cause is not Cause.KINK else None
    if finer is None:
        return None
    there = measure_here(finer.origin, measured.probe, plan)
    if there.judgement.verdict is Verdict.PASS:
        return _passed_elsewhere(measured, there, "computed in more digits")
    return there if there.judgement.verdict is Verdict.FAIL else None


def _by_averaging(place: Place, measured: Measured, plan: Plan) -> Measured | None:
    """Let the typical disagreement at many points decide."""
    if not place.origin.evaluator.claim_is_callable or measured.derivative is None:
        return None
    if _is_known_staircase(place, measured):
        return None
    if _may_be_rounding(place, measured):
        return None  # where other leaves stay, it is the same rounding all along the line
    spent = measured.derivative.evaluations - 1
    median = average(place.origin, measured.probe, place.rng, spent)
    return _of_median(measured, median, plan)


def _is_known_staircase(place: Place, measured: Measured) -> bool:
    """Whether `f` stands still beside x and moves farther out, and zero is claimed.

    Then a slope of many differences is no news: it cannot be called wrong.
    """
    derivative, line = measured.derivative, measured.line
    if derivative is None or line is None or measured.analytic.scale > _scene(measured).zero:
        return False
    in_steps = derivative.evidence in (Evidence.FLAT, Evidence.QUANTISED)
    return in_steps and is_seen_still(place.origin, line)


def _scene(measured: Measured) -> Scene:
    """Return what a claim is zero beside: the values of `f` along the line."""
    line = measured.line
    return Scene(0.0, 0.0, 1.0) if line is None else Scene(0.0, line.size, line.roundoff)


def _of_median(measured: Measured, median: Median | None, plan: Plan) -> Measured | None:
    """Judge the claim by the middle of many disagreements."""
    if median is None or not says_as_much(measured.analytic.scale, median.claimed_size):
        return None
    there = replace(measured.analytic, value=median.claimed, scale=median.claimed_size)
    judgement = judge_median(measured.judgement, there, median, plan.rtol)
    evidence = None if measured.derivative is None else measured.derivative.evidence
    in_steps = evidence is Evidence.QUANTISED
    if in_steps and judgement.verdict is Verdict.FAIL:
        return None  # the derivative of a staircase is 0, whatever its steps approximate
    numeric = measured.analytic.value + median.value
    return replace(
        measured,
        numeric=numeric,
        bar=median.bar,
        judgement=judgement,
        refereed=True,
        tolerated=typical_tolerance(there, plan.rtol) * judgement.scale,
        compared=min(abs(measured.analytic.value), median.compared),
    )


def _by_averaging_what_fails(place: Place, measured: Measured, plan: Plan) -> Measured | None:
    """Let it decide where a mismatch may come from an `f` that stands still in few digits."""
    if measured.judgement.verdict is not Verdict.FAIL:
        return None
    return _by_averaging(place, measured, plan)


Referee = Callable[[Place, Measured, Plan], Measured | None]
REFEREES: tuple[Referee, ...] = (_by_complex_step, _in_more_digits, _by_averaging)
BRIEF_REFEREES: tuple[Referee, ...] = (*REFEREES[:2], _by_averaging_what_fails)
