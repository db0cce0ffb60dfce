"""One leaf: its lines drawn, measured and summed up, with a sentence where it is not plainly right.

Eighth layer: uses `probing` and `diagnose`; `flow` puts the leaves together.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from .certainty import is_blind, least_whole, smallest_seen
from .directions import Probe, another, count_free
from .execution import BudgetSpent, CallFailed, Origin
from .probing import (
    ALONE,
    Measured,
    Place,
    Seen,
    Supplier,
    draw_lines,
    foreseen,
    look_at_entries,
    measure,
    measure_briefly,
    unmoved,
)
from .records import RANK, Cause, ErrorMap, Finding, LeafReport, Plan, Verdict
from .traces import error_map, line_trace, map_of_entries

if TYPE_CHECKING:  # most leaves pass, and need neither it nor the canary
    from .diagnose import Blame


@dataclass(frozen=True, eq=False)
class LeafResult:
    """A leaf's report with the findings about it."""

    report: LeafReport
    findings: tuple[Finding, ...] = ()


def examine_leaf(
    whole: Place, i: int, plan: Plan, rng: np.random.Generator, crew: Supplier = ALONE
) -> LeafResult:
    """Probe one leaf as the plan says and sum up what was measured; `crew` measures ahead."""
    exam = Exam.begin(whole, i, plan, rng, crew)
    exam.measure()
    exam.complete()
    return exam.result()


@dataclass(eq=False)
class Exam:
    """One leaf on its way: the lines of the plan, and what was measured of them so far.

    Attributes
    ----------
    place : Place
        Where it is probed.
    lines : sequence of Probe
        Those of the plan.
    supplied : generator of Probe
        Those that are still to be measured, each with what is known of it already.
    alone : bool
        Whether nobody measures ahead, so that entries may be looked at in one loop.
    results : Seen
        In the order of the lines; after them what was asked beyond the plan.
    stopped : Finding or None
        What has ended it early.
    failed : bool
        Whether a direction was wrong, which is enough.
    """

    place: Place
    i: int
    plan: Plan
    rng: np.random.Generator
    lines: Sequence[Probe]
    supplied: Generator[Probe]
    alone: bool = True
    results: Seen = field(default_factory=Seen)
    stopped: Finding | None = None
    failed: bool = False

    @classmethod
    def begin(
        cls, whole: Place, i: int, plan: Plan, rng: np.random.Generator, crew: Supplier
    ) -> Exam:
        """Draw the lines of a leaf."""
        place, state = whole.for_leaf(i), rng.bit_generator.state
        lines = draw_lines(place.origin, i, plan, rng)
        supplied = (crew if lines else ALONE).supply(whole, lines, state, rng)
        return cls(place, i, plan, rng, lines, supplied, crew is ALONE)

    @property
    def path(self) -> str:
        """That of the leaf."""
        return self.place.origin.space.leaves[self.i].path

    @property
    def left(self) -> int:
        """How many lines of the plan are still to be measured."""
        over = self.failed or self.stopped is not None
        return 0 if over else max(0, len(self.lines) - len(self.results))

    def measure(self, most: int | None = None) -> None:
        """Measure lines of the plan one after another, so many of them at most."""
        if most is None and self.alone and not len(self.results):
            self._look_at_entries()
        self._probe(islice(self.supplied, most), len(self.lines))
        if self.left == 0:
            self.supplied.close()

    def _look_at_entries(self) -> None:
        """Settle what a glance at all entries settles; the other lines are still to be measured."""
        entries = look_at_entries(self.place.origin, self.lines)
        if entries is not None:
            self.supplied.close()
            self.results = Seen(entries)
            self.supplied = foreseen(self.place.origin, entries.unsettled(), glanced_at=False)

    def complete(self) -> None:
        """Ask what has to be asked beyond the plan: of a leaf that was seen dimly, of outputs."""
        spare = MOST_SPARE
        while self._is_open and spare > 0 and is_blind(self.results, self.plan):
            self._probe((another(self.place.origin.space, self.i, self.rng),), 1)
            spare -= 1
        if self._is_open and not self.results.fails:
            self.stopped = _look_at_outputs(
                self.place, self.lines[0], self.plan, self.rng, self.results
            )

    def result(self) -> LeafResult:
        """Sum up what was measured; name what is wrong."""
        place, i, plan = self.place, self.i, self.plan
        if not self.lines:
            held = place.origin.space.leaves[i].array.size > 0
            reason = "held still: nothing to test" if held else "empty: nothing to test"
            return LeafResult(_blank(place.origin, i, Verdict.PASS, None, reason))
        if self.left:
            self.stopped = _stopped(place, self.path, len(self.results), len(self.lines))
        result = _sum_up(place, i, plan, self.results, self.stopped)
        if plan.canary:
            result = _with_canary(place, i, plan, self.results, result)
        if place.given is None:
            return result
        dtype = str(place.given.space.leaves[i].array.dtype)  # the caller's own
        return replace(result, report=replace(result.report, dtype=dtype))

    @property
    def _is_open(self) -> bool:
        return bool(self.lines) and self.stopped is None and self.left == 0

    def _probe(self, lines: Iterable[Probe], count: int) -> None:
        """Measure lines until there are no more, or something ends it."""
        for probe in lines:
            try:
                measured = measure(self.place, probe, self.plan)
            except BudgetSpent:
                self.stopped = _stopped(self.place, self.path, len(self.results), count)
                return
            except CallFailed as failure:
                message = f"{failure} for leaf {self.path}."
                self.stopped = Finding(Cause.RAISED, message, self.path)
                return
            if self.place.origin.output.size > 1 and len(self.results) and probe.entry is not None:
                probe.forget()  # only the first line is looked at for other cotangents
            self.results.measured.append(measured)
            if measured.judgement.verdict is Verdict.FAIL and probe.entry is None:
                self.failed = True  # one is enough; entries are all looked at, to name them
                return


def unreached(place: Place, i: int) -> LeafResult:
    """Report a leaf that was not tested, because the user has pressed Ctrl-C before."""
    reason = "not tested: interrupted before"
    return LeafResult(_blank(place.origin, i, Verdict.INCONCLUSIVE, Cause.INTERRUPTED, reason))


MOST_SPARE = 4  # further directions where the first would not have shown an error of one percent


def _without_point(measured: Measured) -> Measured:
    """Let go of the claim for a cotangent that passed: all of them would be a whole Jacobian."""
    if measured.judgement.verdict is not Verdict.PASS or measured.judgement.cause is not None:
        return measured
    return replace(measured, origin=None, line=None, ladder=None)


def _look_at_outputs(
    place: Place, probe: Probe, plan: Plan, rng: np.random.Generator, results: Seen
) -> Finding | None:
    """Measure a direction again for other cotangents; returns what stopped it early, if anything.

    The values of `f` along the line are there already, if it was measured before.
    """
    path = place.origin.space.leaves[probe.leaf].path
    try:
        is_open = any(m.judgement.verdict is Verdict.INCONCLUSIVE for m in results.measured)
        look = measure_briefly if is_open else measure
        for name, view in place.views():
            if probe.entry is not None:  # it would show errors of that entry only
                probe = another(place.origin.space, probe.leaf, rng)
            measured = unmoved(view, probe) or look(view, probe, plan)
            results.measured.append(_without_point(replace(measured, output=name)))
            if measured.judgement.verdict is Verdict.FAIL:
                break
    except BudgetSpent:
        return _stopped(place, path, len(results), len(results) + 1)
    except CallFailed as failure:
        return Finding(Cause.RAISED, f"{failure} for leaf {path}.", path)
    return None


# --- summing up -----------------------------------------------------------------------------


def _sum_up(place: Place, i: int, plan: Plan, results: Seen, stopped: Finding | None) -> LeafResult:
    origin = place.origin
    if not len(results):
        assert stopped is not None, "a leaf with lines was either measured or stopped"
        verdict = Verdict.FAIL if stopped.cause is Cause.RAISED else Verdict.INCONCLUSIVE
        return LeafResult(_blank(origin, i, verdict, stopped.cause, stopped.message), (stopped,))
    array = origin.space.leaves[i].array
    worst = results.worst
    verdict, cause, reason = worst.judgement.verdict, worst.judgement.cause, worst.judgement.reason
    if verdict is Verdict.PASS and is_blind(results, plan):
        verdict, cause = Verdict.INCONCLUSIVE, Cause.PRECISION
        reason = "no direction would have shown an error of one percent of the leaf"
    if stopped is not None and verdict is not Verdict.FAIL:
        verdict, cause, reason = Verdict.INCONCLUSIVE, stopped.cause, stopped.message
    blamed = _blamed(place, plan, results, worst) if verdict is worst.judgement.verdict else None
    wrong, complete = None, False
    if blamed is not None:
        verdict, cause, reason = Verdict.FAIL, blamed.finding.cause, blamed.finding.message
        wrong, complete = blamed.wrong, blamed.complete
    elif verdict is Verdict.PASS and len(results.tested) == count_free(origin.space.leaves[i]):
        wrong, complete = np.zeros(array.shape, dtype=bool), True
    passed = verdict is Verdict.PASS
    error, miss = smallest_seen(origin, i, results) if passed else (math.nan, 0.0)
    report = replace(
        _blank(origin, i, verdict, cause, reason),
        analytic=worst.analytic.value,
        numeric=worst.numeric,
        error_bar=worst.bar,
        scale=worst.judgement.scale,
        certified=error,
        miss=miss,
        whole=least_whole(results, plan) if passed else math.nan,
        wrong=wrong,
        complete=complete,
        probes=len(results) - sum(bool(m.output) for m in results.measured),
        line=line_trace(worst),
        errors=_errors(array.shape, results, worst, blamed),
    )
    findings = (blamed.finding,) if blamed is not None else _leaf_findings(report, results, worst)
    return LeafResult(report, findings if stopped is None else (*findings, stopped))


def _blamed(place: Place, plan: Plan, results: Seen, worst: Measured) -> Blame | None:
    """Name what is wrong with a leaf that fails, or passes but for something exact."""
    verdict, cause = worst.judgement.verdict, worst.judgement.cause
    exact = cause is Cause.PRECISION and not worst.judgement.zero
    if verdict is Verdict.FAIL:
        from .diagnose import blame

        return blame(results, worst, plan, place.rng)
    if verdict is Verdict.PASS and exact:
        from .diagnose import blame_exactly

        return blame_exactly(worst, plan, place.rng)
    return None


def _errors(
    shape: tuple[int, ...], results: Seen, worst: Measured, blamed: Blame | None
) -> ErrorMap | None:
    """Map the entries that the search or the plan has measured by themselves."""
    if blamed is None and len(results.settled) and not worst.output:
        return map_of_entries(shape, results)
    if blamed is not None:
        located = blamed.located
    elif worst.output or worst.probe.entry is None:
        return None
    else:
        from .diagnose import looked_at

        located = looked_at(results, worst)
    return None if located is None else error_map(shape, located.entries)


def _with_canary(place: Place, i: int, plan: Plan, results: Seen, result: LeafResult) -> LeafResult:
    """Plant an error in a copy of the claim; where it slips through, nothing is certified."""
    from . import canary

    report = result.report
    planted = canary.release(place, i, plan, results, report)
    if planted.closer:  # what a glance had certified is corrected, and tried again
        error, miss = smallest_seen(place.origin, i, Seen(None, list(planted.closer)))
        report = replace(report, certified=error, miss=miss)
        planted = canary.release(place, i, plan, planted.closer, report)
    report = replace(report, canary=planted.seen)
    if planted.finding is None:
        return LeafResult(report, result.findings)
    report = replace(
        report,
        verdict=Verdict.INCONCLUSIVE,
        cause=Cause.CANARY,
        reason="an error planted in a copy of the claim passed unseen",
        certified=math.nan,
        miss=0.0,
        whole=math.nan,
        wrong=None,
        complete=False,
    )
    return LeafResult(report, (planted.finding, *result.findings))


def _blank(
    origin: Origin, i: int, verdict: Verdict, cause: Cause | None, reason: str
) -> LeafReport:
    leaf = origin.space.leaves[i]
    return LeafReport(leaf.path, leaf.array.shape, str(leaf.array.dtype), verdict, cause, reason)


def _stopped(place: Place, path: str, done: int, planned: int) -> Finding:
    """Say that there was no time or no budget for the rest."""
    if place.origin.evaluator.spent.interrupted:
        message = f"interrupted after {done} of {planned} lines of leaf {path}."
        return Finding(Cause.INTERRUPTED, message, path)
    return Finding(
        Cause.BUDGET,
        f"the budget was spent after {done} of {planned} lines of leaf {path}; raise it, or ask "
        f"for fewer with Plan.directions.",
        path,
    )


def _leaf_findings(report: LeafReport, results: Seen, worst: Measured) -> tuple[Finding, ...]:
    """Write the sentence for a leaf that did not fail and is not plainly right."""
    passed = worst.judgement.verdict is Verdict.PASS
    marked = [m for m in results.measured if m.judgement.cause is not None]
    if report.verdict is Verdict.PASS and not marked:
        return ()
    from .diagnose import numbers_of

    if passed and report.verdict is not Verdict.PASS and report.cause is Cause.PRECISION:
        message = f"{report.path}: {report.reason}; {ADVICE[Cause.PRECISION]}."
        return (Finding(Cause.PRECISION, message, report.path, numbers_of(worst)),)
    if not marked:
        return ()
    m = max(marked, key=lambda m: RANK[m.judgement.verdict])
    cause = m.judgement.cause or Cause.OTHER
    advice = _advice(m, cause) if report.verdict is Verdict.INCONCLUSIVE else ""
    sides = {}
    if m.derivative is not None and m.derivative.left is not None:
        sides = {"left": m.derivative.left, "right": m.derivative.right}
    message = f"{report.path}: {m.judgement.reason}{'; ' + advice if advice else ''}."
    return (Finding(cause, message, report.path, {**numbers_of(m), **sides}),)


def _advice(m: Measured, cause: Cause) -> str:
    curved = m.origin is not None and m.origin.space.is_curved
    if cause is Cause.KINK and curved:
        return "move x, as on a manifold no point nearby decides"
    return ADVICE.get(cause, "")


ADVICE = {
    Cause.KINK: "give the derivative as a callable and a point nearby decides, or move x",
    Cause.JUMP: "move x away from it",
    Cause.SINGULAR: "move x away from it",
    Cause.DOMAIN: "move x into the domain of f",
    Cause.NOISE: "hold random sources with random=, or give f in more digits as reference=",
    Cause.PRECISION: "give f in more digits as reference=, or subtract a large constant from f",
}
