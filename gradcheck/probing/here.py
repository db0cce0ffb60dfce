"""One line through this very point: a glance, the ladder, a second window; then the rule.

Part of `probing`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..differences import (
    ALIKE,
    Choice,
    Ladder,
    Line,
    choose,
    climb,
    closer,
    deepened,
    glance,
    kinks_may_meet,
    precise,
    second_window,
    seen_from_afar,
)
from ..directions import FLATTEST, Probe
from ..execution import Origin
from ..records import Analytic, Cause, Derivative, Evidence, Plan, Verdict
from ..verdict import (
    Judgement,
    Scene,
    disputes,
    glance_bar,
    is_one_sided_value,
    judge,
    nearest_usual_value,
    settles,
    tolerance_for,
    underflow,
)

FROM_AFAR = (
    "small steps tell another story than large ones, with which the claim agrees, as where f "
    "loses its digits inside"
)
SHARE = 1e-7  # of the claim: the bar at which the ladder may stop looking
CLEAR = 30.0  # bars: a mismatch this large needs no sharper bar, only a second window


@dataclass(frozen=True, eq=False)
class Measured:
    """One probe, measured and judged.

    Attributes
    ----------
    probe : Probe
        The line.
    analytic : Analytic
        The claim along it.
    numeric, bar : float
        The derivative and its error bar.
    judgement : Judgement
        The verdict on it.
    derivative : Derivative or None
        The certified derivative; None where a glance was enough.
    roundoff : float
        Unit roundoff of the arithmetic along the line.
    refereed : bool
        Whether more than this one line has been asked.
    kinks_may_meet : bool
        Whether a mismatch may come from kinks at x that hide each other, not from the claim.
    compared : float or None
        Size of the claim where it was compared, if that was not at x.
    output : str
        What of the output the cotangent looks at; empty for all of it.
    tolerated : float
        By how much more than the bar the claim may be off without a remark: the tolerance, where a
        kink, an edge or a referee passes the claim for another reason; 0 elsewhere.
    origin : Origin or None
        The point where it was measured; another than x where a kink is at x.
    line, ladder : Line, Ladder, or None
        The values and windows behind the numbers, for whoever shows them.
    """

    probe: Probe
    analytic: Analytic
    numeric: float
    bar: float
    judgement: Judgement
    derivative: Derivative | None = None
    roundoff: float = 2.0**-53
    refereed: bool = False
    kinks_may_meet: bool = False
    compared: float | None = None
    output: str = ""
    tolerated: float = 0.0
    origin: Origin | None = None
    line: Line | None = None
    ladder: Ladder | None = None

    @property
    def open(self) -> bool:
        """Whether claims of few digits, beside `f` in more, stay open along this line."""
        short = self.origin is not None and self.origin.short is not None
        return short and self.refereed and self.judgement.verdict is Verdict.INCONCLUSIVE

    @property
    def size(self) -> float:
        """Size of the claim along the line, its terms cancelled."""
        return abs(self.analytic.value) if self.compared is None else self.compared

    @property
    def error(self) -> float:
        """Discrepancy relative to the scale."""
        distance = abs(self.analytic.value - self.numeric)
        return distance / self.judgement.scale if self.judgement.scale > 0 else distance

    @property
    def passes(self) -> float:
        """The largest error along this line that would have gone unremarked."""
        most = self.bar + self.tolerated
        return most + max(most, abs(self.analytic.value - self.numeric))


def measure_here(origin: Origin, probe: Probe, plan: Plan) -> Measured:
    """Measure along one line through this point and judge."""
    line = line_through(origin, probe)
    analytic = _analytic(origin, probe)
    look = glance(line) if origin.steady and math.isfinite(analytic.value) else None
    if look is not None and settles(analytic, look):
        judgement = Judgement(Verdict.PASS, None, "", analytic.scale)
        bar = float(glance_bar(analytic.scale, look))
        return Measured(probe, analytic, look.value, bar, judgement, origin=origin, line=line)
    return _climb_and_judge(line, probe, analytic, plan)


def line_through(origin: Origin, probe: Probe) -> Line:
    """Return the line, with what `f` returned along it for other cotangents."""
    _, outputs = probe.outputs.setdefault(id(origin.space), (origin.space, {}))
    line, ahead = Line(origin, probe.tangent, outputs), probe.ahead
    if ahead is not None and ahead.origin.space is origin.space:
        line.ahead = ahead.values
    return line


def _analytic(origin: Origin, probe: Probe) -> Analytic:
    """Evaluate the claim; one small entry is judged relative to the leaf, not to itself."""
    ahead = probe.ahead
    if ahead is not None and ahead.origin is origin and ahead.analytic is not None:
        origin.evaluator.count()  # of `f`, without which a layer pushes nothing forward
        analytic = ahead.analytic
    else:
        analytic = origin.analytic(probe.tangent)
    typical = origin.claim_rms.get(probe.leaf, math.nan)
    if probe.entry is None or not math.isfinite(typical):
        return analytic
    return replace(analytic, scale=max(analytic.scale, FLATTEST * typical * probe.weakest))


def _climb_and_judge(line: Line, probe: Probe, analytic: Analytic, plan: Plan) -> Measured:
    tolerance = tolerance_for(analytic, plan.rtol)
    scale = analytic.scale if math.isfinite(analytic.scale) else 0.0

    def precise_enough(choice: Choice) -> bool:
        # values that never change are looked at from farther away, unless that is what is claimed
        return precise(choice) or (choice.bar <= SHARE * scale and not choice.window.flat)

    def clear_enough(choice: Choice) -> bool:
        distance = abs(choice.value - analytic.value) if math.isfinite(analytic.value) else 0.0
        slack = CLEAR * choice.bar + tolerance * max(scale, abs(choice.value))
        slack += underflow(analytic)
        clear = distance > slack and not (choice.rough or choice.window.flat)
        return precise_enough(choice) or clear

    # A clear mismatch needs no sharper window but a second one; if that contradicts, look harder.
    unit = 1.0 if probe.entry is None else probe.weakest
    for enough in clear_enough, precise_enough:
        ladder = _closer_at_kink(climb(line, enough), analytic, plan)
        scene = Scene(tolerance, line.reach, line.roundoff, line.origin.claim_size, unit)
        judgement = judge(analytic, ladder.derivative, scene)
        if judgement.verdict is Verdict.FAIL and _is_rough(ladder):
            ladder = deepened(ladder, precise_enough)
            judgement = judge(analytic, ladder.derivative, scene)
        if judgement.cause is not Cause.OTHER or _confirmed(ladder, analytic, scene):
            break
    else:
        reason = "two steps of different size do not tell the same story"
        judgement = judgement.doubted(Cause.NOISE, reason)
    return _measured(probe, analytic, ladder, judgement)


def _measured(probe: Probe, analytic: Analytic, ladder: Ladder, judgement: Judgement) -> Measured:
    """Put together what the ladder says, and whatever else has to be asked first."""
    derivative, line = ladder.derivative, ladder.line
    if derivative.evidence is Evidence.NONFINITE and line.failure is not None:
        judgement = replace(judgement, reason=f"beside x, {line.failure}")
    numeric, bar = derivative.value, derivative.error_bar
    if derivative.evidence is Evidence.KINK and judgement.verdict is Verdict.PASS:
        numeric, bar = nearest_usual_value(analytic, derivative), derivative.side_bar
    failed = judgement.cause is Cause.OTHER
    from_afar = seen_from_afar(ladder, analytic.value) if failed else None
    if from_afar is not None:
        judgement = judgement.doubted(Cause.PRECISION, FROM_AFAR)
        numeric, bar = from_afar, ALIKE * abs(analytic.value)
    return Measured(
        probe,
        analytic,
        numeric,
        bar,
        judgement,
        derivative,
        line.roundoff,
        kinks_may_meet=failed and from_afar is None and kinks_may_meet(ladder),
        origin=line.origin,
        line=line,
        ladder=ladder,
    )


def _is_rough(ladder: Ladder) -> bool:
    """Whether the window behind the derivative shows more than rounding: a ripple, perhaps."""
    if not ladder.windows or ladder.rescued or ladder.derivative.evidence is Evidence.KINK:
        return False
    return choose(ladder.windows).rough


def _closer_at_kink(ladder: Ladder, analytic: Analytic, plan: Plan) -> Ladder:
    """Look whether a kink is at x at all, unless the claim is one of its sides anyway."""
    derivative = ladder.derivative
    if derivative.evidence is not Evidence.KINK:
        return ladder
    if is_one_sided_value(analytic, derivative, plan.rtol):
        return ladder
    return closer(ladder) or ladder


def _confirmed(ladder: Ladder, analytic: Analytic, scene: Scene) -> bool:
    """Whether a second window disputes the claim too."""
    if ladder.rescued:  # two windows agree already
        return True
    mismatch = abs(analytic.value - ladder.derivative.value)
    second = second_window(ladder, lambda d: disputes(analytic, d, scene), mismatch)
    return second is not None
