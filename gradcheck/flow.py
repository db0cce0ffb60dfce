"""The flow: Problem -> contract -> leaves -> Report.

Owns the order of the steps, the seed's streams, and the restoring of the caller's data, also after
an exception or Ctrl-C.
Seventh layer: the only composer; `check` puts the public functions around it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from . import contract as contracts
from .examine import RANK, LeafResult, examine_leaf
from .execution import Evaluator
from .probing import Elsewhere
from .randomness import Held
from .records import Cause, Finding, LeafReport, Plan, Problem, Report, Verdict
from .space import Array, Space, rms, working_dtype

SHIFT = 1e-4  # of an entry's size: far enough from a kink at x, near enough to be the same formula


@dataclass(frozen=True)
class Progress:
    """How far a check is: passed to `progress` after every leaf.

    Attributes
    ----------
    leaf : str
        The leaf just finished.
    done, total : int
        Leaves.
    evaluations : int
        Evaluations of `f` so far.
    """

    leaf: str
    done: int
    total: int
    evaluations: int


def run(problem: Problem, plan: Plan, progress: Callable[[Progress], None] | None = None) -> Report:
    """Check a problem; see `gradcheck.check`, whose whole work this is."""
    if plan.seed is None:
        plan = replace(plan, seed=secrets.randbits(32))
    space = Space.of(problem.x)
    evaluator = Evaluator(problem, Held.of(problem.random), plan.limits, time.monotonic)
    try:
        # our own arithmetic meets infinities and NaN on purpose; the caller's code warns as before
        with np.errstate(all="ignore"):
            return _run(evaluator, space, plan, progress)
    finally:
        # Also after an exception or Ctrl-C: what belongs to the caller is as it was.
        space.restore_given()
        evaluator.held.rewind()


def _run(
    evaluator: Evaluator,
    space: Space,
    plan: Plan,
    progress: Callable[[Progress], None] | None,
) -> Report:
    # Separate streams, so that the lines drawn do not depend on what the contract needed.
    for_contract, for_lines, for_shifts = (
        np.random.default_rng(stream) for stream in np.random.SeedSequence(plan.seed).spawn(3)
    )
    contract = contracts.examine(evaluator, space, _nearby(space, for_shifts), for_contract)
    if contract.origin is None:
        return _untested(evaluator, space, plan, contract)
    elsewhere = Elsewhere(
        lambda: contracts.revisit(evaluator, _nearby(space, for_shifts), for_contract)
    )
    results: list[LeafResult] = []
    for i in space.moving:
        results.append(examine_leaf(contract.origin, i, plan, for_lines, elsewhere))
        if progress is not None:
            path = space.leaves[i].path
            progress(Progress(path, len(results), len(space.moving), evaluator.evaluations))
    if contract.constant and all(result.report.verdict is Verdict.PASS for result in results):
        results = _tried_elsewhere(results, space, plan, for_lines, elsewhere)
    return _report(evaluator, space, plan, contract, results)


def _tried_elsewhere(
    results: list[LeafResult],
    space: Space,
    plan: Plan,
    rng: np.random.Generator,
    elsewhere: Elsewhere,
) -> list[LeafResult]:
    """Check a claim that never changes at another point too: it may answer from an old cache."""
    origin = elsewhere.origin(0)
    if origin is None:
        return results
    there = [examine_leaf(origin, i, plan, rng, elsewhere) for i in space.moving]
    return [
        _stale(again) if again.report.verdict is Verdict.FAIL else result
        for result, again in zip(results, there, strict=True)
    ]


def _stale(result: LeafResult) -> LeafResult:
    """Name the cause of a leaf that is right at x and wrong nearby, where it is the same."""
    finding = Finding(
        Cause.STALE_CACHE,
        f"{result.report.path} is right at x, but the same, bit for bit, at a point nearby, and "
        f"wrong there: the derivative answers from a cache of an earlier call.",
        result.report.path,
    )
    return LeafResult(replace(result.report, cause=Cause.STALE_CACHE), (finding,))


def _nearby(space: Space, rng: np.random.Generator) -> Space:
    """Move every entry by a little of its own size."""
    return space.moved_to({i: _nudge(space.leaves[i].array, rng) for i in space.moving})


def _nudge(array: Array, rng: np.random.Generator) -> Array:
    wide = working_dtype(array.dtype)
    size = np.maximum(np.abs(array), rms(array) or 1.0)
    return np.asarray(array + SHIFT * size * rng.standard_normal(array.shape), dtype=wide).astype(
        array.dtype
    )


def _untested(
    evaluator: Evaluator, space: Space, plan: Plan, contract: contracts.Contract
) -> Report:
    """Report a broken contract: no leaf was tested, and the report says so."""
    breach = contract.breach
    assert breach is not None, "without an origin there is a breach"
    leaves = {
        space.leaves[i].path: LeafReport(
            space.leaves[i].path,
            space.leaves[i].array.shape,
            str(space.leaves[i].array.dtype),
            breach.verdict if breach.finding.leaf == space.leaves[i].path else Verdict.INCONCLUSIVE,
            breach.finding.cause,
            "not tested",
        )
        for i in space.moving
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
    verdict = max((leaf.verdict for leaf in leaves.values()), key=RANK.__getitem__)
    if verdict is Verdict.PASS and not any(leaf.probes for leaf in leaves.values()):
        verdict = Verdict.INCONCLUSIVE
        findings.append(Finding(Cause.OTHER, "all leaves are empty: nothing was tested."))
    breach = contracts.changed_inputs(space)
    if breach is not None:
        verdict = Verdict.FAIL
        findings.insert(0, breach.finding)
    return _finish(evaluator, plan, verdict, leaves, (*findings, *contract.remarks))


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
        seconds=evaluator.clock() - evaluator.started,
        plan=plan,
    )
