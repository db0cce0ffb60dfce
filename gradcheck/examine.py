"""One leaf: its lines drawn, measured and summed up, with a sentence where it is not plainly right.

Sixth layer: uses `probing`; `flow` puts the leaves together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .differences import FINE_ARITHMETIC
from .directions import Probe, another, certified, coordinate, probes, relative_to, scale_of_leaf
from .execution import BudgetSpent, CallFailed, Origin
from .probing import Measured, Place, measure, unmoved
from .records import BoolArray, Cause, Finding, LeafReport, Mode, Plan, Verdict
from .space import Array, grid_of, unit_roundoff
from .verdict import sees_a_factor

RANK = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}


@dataclass(frozen=True, eq=False)
class LeafResult:
    """A leaf's report with the findings about it."""

    report: LeafReport
    findings: tuple[Finding, ...] = ()


def examine_leaf(place: Place, i: int, plan: Plan, rng: np.random.Generator) -> LeafResult:
    """Probe one leaf as the plan says and sum up what was measured."""
    place = place.for_leaf(i)
    origin = place.origin
    lines = _lines(origin, i, origin.claimed.get(i), plan, rng)
    if not lines:
        return LeafResult(_blank(origin, i, Verdict.PASS, None, "empty: nothing to test"))
    results: list[Measured] = []
    stopped = _probe_all(place, lines, plan, results)
    spare = MOST_SPARE
    while stopped is None and spare > 0 and _is_blind(results, plan):
        stopped = _probe_all(place, (another(origin.space, i, rng),), plan, results)
        spare -= 1
    if stopped is None and not any(m.judgement.verdict is Verdict.FAIL for m in results):
        stopped = _look_at_outputs(place, lines[0], plan, rng, results)
    result = _sum_up(origin, i, plan, results, stopped)
    dtype = str((place.given or origin).space.leaves[i].array.dtype)  # the caller's own
    return replace(result, report=replace(result.report, dtype=dtype))


MOST_SPARE = 4  # further directions where the first would not have shown an error of one percent


def _probe_all(
    place: Place, lines: Sequence[Probe], plan: Plan, results: list[Measured]
) -> Finding | None:
    """Measure lines one after another; returns what stopped it early, if anything did."""
    path = place.origin.space.leaves[lines[0].leaf].path
    for probe in lines:
        try:
            measured = measure(place, probe, plan)
        except BudgetSpent:
            return _budget_finding(path, len(results), len(lines))
        except CallFailed as failure:
            return Finding(Cause.RAISED, f"{failure} for leaf {path}.", path)
        results.append(measured)
        if measured.judgement.verdict is Verdict.FAIL and probe.entry is None:
            break  # one wrong direction is enough; entries are all looked at, to name them
    return None


def _look_at_outputs(
    place: Place, probe: Probe, plan: Plan, rng: np.random.Generator, results: list[Measured]
) -> Finding | None:
    """Measure a direction again for other cotangents; returns what stopped it early, if anything.

    The values of `f` along the line are there already, if it was measured before.
    """
    path = place.origin.space.leaves[probe.leaf].path
    try:
        views = place.views()
        if views and probe.entry is not None:  # it would show errors of that entry only
            probe = another(place.origin.space, probe.leaf, rng)
        for name, view in views:
            measured = unmoved(view, probe) or measure(view, probe, plan)
            results.append(replace(measured, output=name))
            if measured.judgement.verdict is Verdict.FAIL:
                break
    except BudgetSpent:
        return _budget_finding(path, len(results), len(results) + 1)
    except CallFailed as failure:
        return Finding(Cause.RAISED, f"{failure} for leaf {path}.", path)
    return None


def _is_blind(results: Sequence[Measured], plan: Plan) -> bool:
    """Whether all directions pass, but none would have shown a leaf that is off by one percent."""
    return all(
        m.judgement.verdict is Verdict.PASS
        and m.probe.entry is None
        and not m.judgement.zero
        and m.analytic.scale > 0
        and not sees_a_factor(m.analytic, m.size, m.bar, plan.rtol)
        for m in results
    )


def _lines(
    origin: Origin, i: int, claim: Array | None, plan: Plan, rng: np.random.Generator
) -> tuple[Probe, ...]:
    """Draw the plan's lines; a claim that is not finite is looked at where it is not."""
    if claim is not None and not np.isfinite(claim).all():
        bad = int(np.flatnonzero(~np.isfinite(claim.ravel()))[0])
        leaf = origin.space.leaves[i]
        entry = bad * (2 if leaf.array.dtype.kind == "c" else 1)
        return (coordinate(leaf, i, entry, scale_of_leaf(leaf)),)
    few = max(origin.roundoff, unit_roundoff(origin.space.leaves[i].array.dtype)) > FINE_ARITHMETIC
    # in few digits only the large entries of a claim can be seen at all: no use in equalising
    return probes(origin.space, i, None if few else claim, plan, rng)


# --- summing up -----------------------------------------------------------------------------


def _sum_up(
    origin: Origin, i: int, plan: Plan, results: Sequence[Measured], stopped: Finding | None
) -> LeafResult:
    leaf = origin.space.leaves[i]
    if not results:
        assert stopped is not None, "a leaf with lines was either measured or stopped"
        verdict = Verdict.FAIL if stopped.cause is Cause.RAISED else Verdict.INCONCLUSIVE
        return LeafResult(_blank(origin, i, verdict, stopped.cause, stopped.message), (stopped,))
    worst = max(results, key=lambda m: (RANK[m.judgement.verdict], m.error))
    verdict, cause, reason = worst.judgement.verdict, worst.judgement.cause, worst.judgement.reason
    if verdict is Verdict.PASS and _is_blind(results, plan):
        verdict, cause = Verdict.INCONCLUSIVE, Cause.PRECISION
        reason = "no direction would have shown an error of one percent of the leaf"
    if stopped is not None and verdict is not Verdict.FAIL:
        verdict, cause, reason = Verdict.INCONCLUSIVE, stopped.cause, stopped.message
    error, miss = _certified(origin, i, results) if verdict is Verdict.PASS else (math.nan, 0.0)
    report = replace(
        _blank(origin, i, verdict, cause, reason),
        analytic=worst.analytic.value,
        numeric=worst.numeric,
        error_bar=worst.bar,
        scale=worst.judgement.scale,
        certified=error,
        miss=miss,
        wrong=_wrong(leaf.array, results, plan),
        probes=sum(not m.output for m in results),
    )
    findings = _leaf_findings(report, results, worst)
    return LeafResult(report, findings if stopped is None else (*findings, stopped))


def _blank(
    origin: Origin, i: int, verdict: Verdict, cause: Cause | None, reason: str
) -> LeafReport:
    leaf = origin.space.leaves[i]
    return LeafReport(leaf.path, leaf.array.shape, str(leaf.array.dtype), verdict, cause, reason)


def _certified(origin: Origin, i: int, results: Sequence[Measured]) -> tuple[float, float]:
    """Return the smallest error of an entry that was excluded, relative to the leaf's gradient."""
    results = [m for m in results if not m.output]
    claim, array = origin.claimed.get(i), origin.space.leaves[i].array
    taus = [m.passes for m in results]
    weights = [m.probe.weakest for m in results]
    if results[0].probe.entry is None:
        error, miss = certified(taus, weights, grid_of(array.dtype))
    else:
        error = max(tau / weight for tau, weight in zip(taus, weights, strict=True))
        tested = len({m.probe.entry for m in results})
        miss = 1 - tested / array.size
    return relative_to(claim, error), miss


def _wrong(array: Array, results: Sequence[Measured], plan: Plan) -> BoolArray | None:
    """Mark the wrong entries where every entry was looked at by itself."""
    if any(m.output and m.judgement.verdict is Verdict.FAIL for m in results):
        return None  # wrong for one output: which entries, was not asked
    results = [m for m in results if not m.output]
    if plan.mode is Mode.SAMPLE or any(m.probe.entry is None for m in results):
        return None
    if any(m.judgement.verdict is Verdict.INCONCLUSIVE for m in results):
        return None
    entries = {m.probe.entry for m in results}
    if len(entries) < array.size:
        return None
    mask = np.zeros(array.size, dtype=bool)
    for m in results:
        if m.judgement.verdict is Verdict.FAIL and m.probe.entry is not None:
            mask[m.probe.entry] = True
    return mask.reshape(array.shape)


def _budget_finding(path: str, done: int, planned: int) -> Finding:
    return Finding(
        Cause.BUDGET,
        f"the budget was spent after {done} of {planned} lines of leaf {path}; raise it, or ask "
        f"for fewer with Plan.directions.",
        path,
    )


def _leaf_findings(
    report: LeafReport, results: Sequence[Measured], worst: Measured
) -> tuple[Finding, ...]:
    """Write the sentence for a leaf that is not plainly right."""
    if report.verdict is Verdict.FAIL:
        return (_failure(report, results, worst),)
    marked = [m for m in results if m.judgement.cause is not None]
    if not marked:
        return ()
    m = max(marked, key=lambda m: RANK[m.judgement.verdict])
    cause = m.judgement.cause or Cause.OTHER
    advice = ADVICE.get(cause, "") if report.verdict is Verdict.INCONCLUSIVE else ""
    sides = {}
    if m.derivative is not None and m.derivative.left is not None:
        sides = {"left": m.derivative.left, "right": m.derivative.right}
    message = f"{report.path}: {m.judgement.reason}{'; ' + advice if advice else ''}."
    return (Finding(cause, message, report.path, {**_numbers(m), **sides}),)


ADVICE = {
    Cause.KINK: "give the derivative as a callable and a point nearby decides, or move x",
    Cause.JUMP: "move x away from it",
    Cause.SINGULAR: "move x away from it",
    Cause.DOMAIN: "move x into the domain of f",
    Cause.NOISE: "hold random sources with random=, or give f in more digits as reference=",
    Cause.PRECISION: "give f in more digits as reference=, or subtract a large constant from f",
}


def _failure(report: LeafReport, results: Sequence[Measured], worst: Measured) -> Finding:
    numbers = _numbers(worst)
    if report.cause is Cause.NONFINITE:
        where = _entry_name(report, worst.probe.entry)
        message = (
            f"{report.path} is not finite{where}, where f is smooth: numeric "
            f"{worst.numeric / worst.probe.weakest:.6g} ± {worst.bar / worst.probe.weakest:.0e}."
        )
        return Finding(Cause.NONFINITE, message, report.path, numbers)
    looked_at = [m for m in results if not m.output]
    wrong = sum(m.judgement.verdict is Verdict.FAIL for m in looked_at)
    # an entry's numbers are shown as the gradient's, not as those of a step of its own size
    unit = 1.0 if worst.probe.entry is None else worst.probe.weakest
    place = (
        " along a random direction"
        if worst.probe.entry is None
        else _entry_name(report, worst.probe.entry)
    )
    notes = []
    if worst.output:
        place += f" for {worst.output}"
    elif worst.probe.entry is not None:
        notes.append(f"{wrong} of {len(looked_at)} entries looked at are wrong")
    if worst.numeric != 0:
        notes.append(f"ratio {worst.analytic.value / worst.numeric:.6g}")
    message = (
        f"{report.path} is wrong{place}: analytic {worst.analytic.value / unit:.6g}, numeric "
        f"{worst.numeric / unit:.6g} ± {worst.bar / unit:.0e}"
        f"{' (' + ', '.join(notes) + ')' if notes else ''}."
    )
    return Finding(Cause.OTHER, message, report.path, numbers)


def _entry_name(report: LeafReport, entry: int | None) -> str:
    if entry is None or not report.shape:
        return ""
    where = np.unravel_index(entry, report.shape)
    return f" at [{', '.join(str(int(k)) for k in where)}]"


def _numbers(m: Measured) -> dict[str, float | str]:
    about = {"output": m.output} if m.output else {}
    return {
        **about,
        "analytic": m.analytic.value,
        "numeric": m.numeric,
        "error_bar": m.bar,
        "scale": m.judgement.scale,
    }
