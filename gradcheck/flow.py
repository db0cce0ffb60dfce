"""The flow: Problem -> contract -> leaves -> Report.

Owns the order of the steps, the seed's streams, and the restoring of the caller's data, also after
an exception or Ctrl-C.
Ninth layer: the only composer; `check` puts the public functions around it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from . import contract as contracts
from .directions import require_few
from .examine import Exam, LeafResult, examine_leaf, unreached
from .execution import BudgetSpent, Evaluator, Origin, Spent
from .probing import SHIFT, Place
from .randomness import Held
from .records import RANK, Cause, Finding, LeafReport, Mode, Plan, Problem, Report, Running, Verdict
from .running import Aids, opened
from .space import Space, admitting, nearby_of, within

# Far enough that the gradient of a curved function is another one, and no direction can hide it;
# nearer where that is outside of the domain.
FAR_SHIFTS = (0.1, 0.01, SHIFT)
MOST_KEPT = 2**22  # numbers in views of an output that are kept for the next leaf; 32 MB
SINGLE_OUTPUTS = 2  # outputs looked at alone by a plan that names no number


def run(problem: Problem, plan: Plan, running: Running) -> Report:
    """Check a problem; see `gradcheck.check`, whose whole work this is."""
    evaluator = Evaluator(
        problem, Held.of(problem.random), plan.limits, time.monotonic, Spent(time.monotonic())
    )
    space = within(Space.of(problem.x), evaluator.box)
    try:
        space = admitting(
            space, problem.tangent, problem.retraction, np.random.default_rng(plan.seed)
        )
        require_few(space, plan)
        # our own arithmetic meets infinities and NaN on purpose; the caller's code warns as before
        with opened(running, evaluator, space, plan) as aids, np.errstate(all="ignore"):
            report = _run(evaluator, space, aids)
        return replace(report, findings=(*report.findings, *aids.events))
    finally:
        # Also after an exception or Ctrl-C: what belongs to the caller is as it was.
        space.restore_given()
        evaluator.held.rewind()


def _run(evaluator: Evaluator, space: Space, aids: Aids) -> Report:
    plan = aids.plan
    # Separate streams, so that the lines drawn do not depend on what the contract needed.
    for_contract, for_lines, for_shifts = (
        np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(k,))) for k in range(3)
    )

    # a claim that is an array is the same elsewhere: no use in another point
    evaluator = contracts.settled(evaluator, space)
    nearby = nearby_of(space, SHIFT, for_shifts) if evaluator.claim_is_callable else space
    contract = contracts.examine(evaluator, space, nearby, for_contract)
    del nearby  # it is as large as the point
    if contract.origin is None:
        return _untested(evaluator, space, plan, contract)
    aids.begin(contract.origin)
    surveyor = _Surveyor(plan, for_shifts, for_contract)
    try:
        about_stacks = contracts.examine_stacks(contract.origin, plan.seed)
        place = surveyor.place(contract.origin)
    except contracts.Broken as broken:
        return _untested(evaluator, space, plan, contracts.Contract(None, broken.breach))
    results = _leaf_by_leaf(place, plan, for_lines, aids)
    if contract.constant and all(result.report.verdict is Verdict.PASS for result in results):
        results = _tried_elsewhere(results, contract.constant, place, surveyor, for_lines)
    breach = _doubt_f(contract.origin, results, for_shifts)
    if breach is not None:
        return _untested(evaluator, space, plan, contracts.Contract(None, breach))
    report = _report(evaluator, space, plan, contract, results)
    if evaluator.spent.interrupted:
        return replace(report, findings=(*report.findings, _interrupted(results)))
    from . import circumstances  # loaded only where something was tested

    about_stacks += contracts.doubts(evaluator)
    remarks = about_stacks + circumstances.remarks(contract.origin, report)
    return replace(report, findings=report.findings + remarks, evaluations=evaluator.evaluations)


def _interrupted(results: list[LeafResult]) -> Finding:
    reached = sum(result.report.probes > 0 for result in results)
    return Finding(
        Cause.INTERRUPTED,
        f"interrupted: {reached} of {len(results)} leaves were looked at, the last perhaps not to "
        f"its end; what was measured is in the journal, and the same call goes on from there.",
    )


def _leaf_by_leaf(
    place: Place, plan: Plan, rng: np.random.Generator, aids: Aids
) -> list[LeafResult]:
    """Look at all leaves; with a journal, Ctrl-C ends that, and the rest is reported untested."""
    evaluator, moving = place.origin.evaluator, place.origin.space.moving
    if plan.budget is not None:
        return _within_budget(place, plan, rng, aids)
    results: list[LeafResult] = []
    for done, i in enumerate(moving):
        with _interruptible(evaluator):
            if not evaluator.spent.interrupted:
                results.append(examine_leaf(place, i, plan, rng, aids.supplier))
                aids.tell(results[done].report.path, done + 1, len(moving))
        results[done:] = results[done:] or [unreached(place, i)]
    return results


def _within_budget(
    place: Place, plan: Plan, rng: np.random.Generator, aids: Aids
) -> list[LeafResult]:
    """Look at all leaves before entries are named, at entries of all leaves in equal shares.

    So what is spent buys verdicts first, and where it does not reach, every leaf was looked at. The
    share of the entries that were not is the probability of a miss: the worst leaf is next.
    """
    evaluator, moving = place.origin.evaluator, place.origin.space.moving
    exams: list[Exam] = []
    with _interruptible(evaluator):
        for i in moving:
            exams.append(Exam.begin(place, i, plan, rng, aids.supplier))
            if plan.mode not in (Mode.EVERY, Mode.SAMPLE):
                exams[-1].measure()
                exams[-1].complete()
        while unfinished := [exam for exam in exams if exam.left]:
            worst = max(unfinished, key=lambda exam: exam.left / len(exam.lines))
            worst.measure(max(1, len(worst.lines) // PORTIONS))
        for exam in exams:
            if plan.mode in (Mode.EVERY, Mode.SAMPLE):
                exam.complete()
    results: list[LeafResult] = []
    for done, exam in enumerate(exams):
        with _interruptible(evaluator):
            results.append(exam.result())
            aids.tell(exam.path, done + 1, len(moving))
        results[done:] = results[done:] or [unreached(place, moving[done])]
    results += [unreached(place, i) for i in moving[len(exams) :]]
    return _with_account(results, exams)


PORTIONS = 64  # in which the lines of a leaf are measured, where several leaves share a budget


@contextmanager
def _interruptible(evaluator: Evaluator) -> Iterator[None]:
    """With a journal, let Ctrl-C end the measuring, and not the check."""
    try:
        yield
    except KeyboardInterrupt:
        if evaluator.memory is None:
            raise
        evaluator.spent.interrupted = True


def _with_account(results: list[LeafResult], exams: list[Exam]) -> list[LeafResult]:
    """Say what the budget has bought, and what it has not reached, at the last leaf it has not."""
    short = [n for n, exam in enumerate(exams) if _is_short(exam)]
    if not short:
        return results
    whole = [exam.path for n, exam in enumerate(exams) if n not in short]
    parts = [exams[n] for n in short if exams[n].results]
    unmet = [exams[n].path for n in short if not exams[n].results]
    told = [f"{len(whole)} of {len(exams)} leaves to the end"]
    told += [f"{len(e.results)} of {len(e.lines)} lines of {e.path}" for e in parts[:MOST_NAMED]]
    told += [f"parts of {len(parts) - MOST_NAMED} more leaves"] if parts[MOST_NAMED:] else []
    missed = f"; not reached: {_some(unmet)}" if unmet else ""
    message = f"the budget has bought {', '.join(told)}{missed}."
    bought = {exam.path: [len(exam.results), len(exam.lines)] for exam in exams}
    last = results[short[-1]]
    account = Finding(Cause.BUDGET, message, last.report.path, {"bought": bought})
    results[short[-1]] = replace(last, findings=(*last.findings, account))
    return results


MOST_NAMED = 4  # leaves in a sentence


def _is_short(exam: Exam) -> bool:
    return exam.stopped is not None and exam.stopped.cause is Cause.BUDGET


def _some(paths: list[str]) -> str:
    more = len(paths) - MOST_NAMED
    return ", ".join(paths[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _doubt_f(
    origin: Origin, results: list[LeafResult], rng: np.random.Generator
) -> contracts.Breach | None:
    """Ask whether a leaf fails because of what `f` keeps between its calls."""
    space = origin.space
    unmoved = [i for i, result in zip(space.moving, results, strict=True) if _is_unmoved(result)]
    if not unmoved:
        return None
    return contracts.doubt_f(origin, nearby_of(space, SHIFT, rng), unmoved[0])


UNMOVED = 10.0  # error bars: a derivative of `f` that small, or a bar that wide, is worth a doubt


def _is_unmoved(result: LeafResult) -> bool:
    """Whether a leaf fails because `f` hardly answers to it, or answers to something else."""
    leaf = result.report
    answers = abs(leaf.numeric) > UNMOVED * leaf.error_bar
    return leaf.verdict is Verdict.FAIL and leaf.cause is not Cause.STALE_CACHE and not answers


@dataclass(frozen=True, eq=False)
class _Surveyor:
    """Makes places: x, or x as the caller's reference sees it, with what is reached from there."""

    plan: Plan
    for_shifts: np.random.Generator
    for_contract: np.random.Generator

    def place(self, origin: Origin) -> Place:
        """Make the place where probes are made."""
        if origin.evaluator.problem.reference is not None:
            return self._at(contracts.referred(origin), given=origin)
        return self._at(origin, make_finer=lambda: self._finer(origin))

    def _finer(self, origin: Origin) -> Place | None:
        there = contracts.promoted(origin)
        if there is None:
            return None
        contracts.known_in_more_digits(there)
        return self._at(there, given=origin)

    def _at(
        self,
        origin: Origin,
        given: Origin | None = None,
        make_finer: Callable[[], Place | None] = lambda: None,
    ) -> Place:
        def visit(distance: float) -> Origin | None:
            if origin.space.is_curved:
                return None  # other tangents are admissible there, and nobody knows which
            # in the claim's own digits, so that f and the claim are asked at one and the same point
            own = origin.space if origin.short is None else origin.short.space
            nearby = nearby_of(own, distance, self.for_shifts)
            nearby = nearby if origin.short is None else nearby.promoted()
            return contracts.revisit(origin, nearby, self.for_contract)

        def make_views() -> Iterable[tuple[str, Place]]:
            made = contracts.views(origin, self._singles, self.for_contract)
            views = ((view.name, self._at(view.origin)) for view in made)
            few = contracts.room_of_views(origin, self._singles) <= MOST_KEPT
            return tuple(views) if few else views

        return Place(origin, visit, make_finer, self.for_shifts, make_views, given)

    @property
    def _singles(self) -> int | None:
        """How many outputs the plan looks at alone: all, if it looks at every entry of a leaf."""
        if self.plan.mode is Mode.EVERY:
            return None
        return SINGLE_OUTPUTS if self.plan.count is None else self.plan.count


def _tried_elsewhere(
    results: list[LeafResult],
    constant: frozenset[int],
    place: Place,
    surveyor: _Surveyor,
    rng: np.random.Generator,
) -> list[LeafResult]:
    """Check leaves whose claim never changes at another point too: it may be of an old cache."""
    try:
        far = next(filter(None, map(place.visit, FAR_SHIFTS)), None)
        if far is None:
            return results
        # a gradient of x is wrong there in all that it holds: no need of other cotangents
        there = replace(surveyor.place(far), make_views=tuple)
    except (BudgetSpent, contracts.Broken):
        return results
    tried, plan = [], replace(surveyor.plan, canary=False)  # this only asks whether it fails
    for i, first in zip(place.origin.space.moving, results, strict=True):
        second = examine_leaf(there, i, plan, rng) if i in constant else first
        tried.append(_stale(second) if second.report.verdict is Verdict.FAIL else first)
    return tried


def _stale(result: LeafResult) -> LeafResult:
    """Name the cause of a leaf that is right at x, does not change nearby, and is wrong beyond."""
    finding = Finding(
        Cause.STALE_CACHE,
        f"{result.report.path} is right at x, the same, bit for bit, at a point nearby, and wrong "
        f"farther away: the derivative answers from a cache of an earlier call.",
        result.report.path,
    )
    report = replace(result.report, cause=Cause.STALE_CACHE, wrong=None, complete=False)
    return LeafResult(report, (finding,))


def _untested(
    evaluator: Evaluator, space: Space, plan: Plan, contract: contracts.Contract
) -> Report:
    """Report a broken contract: no leaf was tested, and the report says so.

    The verdict is that of the leaf which the breach names, and of every leaf where it names none.
    """
    breach = contract.breach
    assert breach is not None, "without an origin there is a breach"
    moving = [space.leaves[i] for i in space.moving]
    blamed = {breach.finding.leaf} & {leaf.path for leaf in moving}
    leaves = {
        leaf.path: LeafReport(
            leaf.path,
            leaf.array.shape,
            str(leaf.array.dtype),
            breach.verdict if not blamed or leaf.path in blamed else Verdict.INCONCLUSIVE,
            breach.finding.cause,
            "not tested",
        )
        for leaf in moving
    }
    return _finish(evaluator, plan, breach.verdict, leaves, (breach.finding,))


def _report(
    evaluator: Evaluator,
    space: Space,
    plan: Plan,
    contract: contracts.Contract,
    results: list[LeafResult],
) -> Report:
    leaves = {result.report.path: result.report for result in results}
    findings = [finding for result in results for finding in result.findings]
    findings.sort(key=lambda finding: -_rank(finding, leaves))
    findings = _said_once(findings)
    verdict = max((leaf.verdict for leaf in leaves.values()), key=RANK.__getitem__)
    if verdict is Verdict.PASS and not any(leaf.probes for leaf in leaves.values()):
        verdict = Verdict.INCONCLUSIVE
        findings.append(Finding(Cause.OTHER, "all leaves are empty: nothing was tested."))
    if contract.untested:
        verdict = Verdict.INCONCLUSIVE if verdict is Verdict.PASS else verdict
        findings.extend(contract.untested)
    breach = contracts.changed_inputs(space)
    if breach is not None or verdict is not Verdict.PASS:
        contract = contract.beside_worse()
    if breach is not None:
        verdict = Verdict.FAIL
        findings.insert(0, breach.finding)
    return _finish(evaluator, plan, verdict, leaves, (*findings, *contract.remarks))


def _said_once(findings: list[Finding]) -> list[Finding]:
    """Explain a cause at the first leaf that has it, and refer to that at the others."""
    shown: list[Finding] = []
    said: dict[str, str] = {}  # from an explanation to the leaf at which it stands
    last = ""
    for finding in findings:
        why = str(finding.evidence.get("why", ""))
        if why and why in said:
            again = "Likewise." if why == last else f"The same holds as for {said[why]}."
            finding = replace(finding, message=finding.message.replace(why, again))
        elif why:
            said[why] = str(finding.leaf)
        last = why
        shown.append(finding)
    return shown


def _rank(finding: Finding, leaves: dict[str, LeafReport]) -> int:
    return RANK[leaves[finding.leaf].verdict] if finding.leaf in leaves else 0


def _finish(
    evaluator: Evaluator,
    plan: Plan,
    verdict: Verdict,
    leaves: dict[str, LeafReport],
    findings: tuple[Finding, ...],
) -> Report:
    return Report(
        name=evaluator.problem.name,
        verdict=verdict,
        leaves=MappingProxyType(leaves),
        findings=findings,
        evaluations=evaluator.evaluations,
        seconds=evaluator.clock() - evaluator.spent.started,
        plan=plan,
    )
