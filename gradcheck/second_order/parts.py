"""Reports put together: several checks with one answer, and what is said first in it.

Part of `second_order`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..check import Options
from ..execution.stacks import only_row, stack_of_one
from ..records import Budget, Cause, Finding, Plan, PyTree, Report, UsageError, Verdict

WORST = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def seeded(options: Options) -> Options:
    """Draw the plan's seed now, so that all parts of a check can be replayed by one."""
    if options.get("journal") is not None:
        raise UsageError(
            f"journal={options['journal']!r}, but a journal is of one check, and this makes "
            f"several; leave it out, or check products with check_vjp or check_jvp."
        )
    plan = options.get("plan", Plan.auto())
    if not isinstance(plan, Plan):
        raise UsageError(
            f"the plan is {plan!r}, but it must be a Plan: Plan.auto(), Plan.every(), "
            f"Plan.directions(3) or Plan.sample(30)."
        )
    if plan.seed is None:
        plan = replace(plan, seed=secrets.randbits(32))
    return {**options, "plan": plan}


def refuse_stacks(options: Options, check: str) -> None:
    """Refuse stacks of points where f is differentiated at one point after another."""
    if options.get("batched", False) is not False:
        raise UsageError(
            f"batched={options['batched']!r}, but {check} takes points one by one; leave it out, "
            f"and check the gradient by itself with check_grad(f, grad, x, batched=...)."
        )


def point_by_point(f: Callable[[PyTree], Any], options: Options) -> Callable[[PyTree], Any]:
    """Return what takes a point, of an f that may take stacks only."""
    batched = options.get("batched", False)
    if batched is False or callable(batched):
        return f

    def alone(point: PyTree) -> Any:  # noqa: ANN401 - whatever f returns
        if batched == "auto":
            with suppress(Exception):  # foreign code, which may take nothing but stacks
                return f(point)
        return only_row(f(stack_of_one(point)))

    return alone


def after(options: Options, spent: Report) -> Options:
    """Leave to the next part of a check what the last has left of the budget."""
    limits = options["plan"].limits
    evaluations, seconds = limits.evaluations, limits.seconds
    if evaluations is not None:
        evaluations = max(1, evaluations - spent.evaluations)
    if seconds is not None:
        seconds = max(1e-3, seconds - spent.seconds)
    return {**options, "plan": replace(options["plan"], budget=Budget(evaluations, seconds))}


def merged(parts: Mapping[str, Report]) -> Report:
    """Make one report of several: leaves by `part of leaf`, the worst part's findings first."""
    named = [_under(part, report) for part, report in parts.items()]
    first = named[0]
    verdict = next(v for v in WORST if any(report.verdict is v for report in named))
    ordered = sorted(named, key=lambda report: WORST.index(report.verdict))
    return replace(
        first,
        verdict=verdict,
        leaves=MappingProxyType({k: leaf for r in named for k, leaf in r.leaves.items()}),
        findings=tuple(finding for report in ordered for finding in report.findings),
        evaluations=sum(report.evaluations for report in named),
        seconds=sum(report.seconds for report in named),
    )


def _under(part: str, report: Report) -> Report:
    """Name leaves and findings by the part that they belong to."""
    paths = {path: part if path == "x" else f"{part} of {path}" for path in report.leaves}
    leaves = {new: replace(report.leaves[old], path=new) for old, new in paths.items()}
    findings = (
        replace(
            finding,
            message=_of_part(part, finding.message),
            leaf=paths.get(finding.leaf or "", finding.leaf),
        )
        for finding in report.findings
    )
    return replace(report, leaves=MappingProxyType(leaves), findings=tuple(findings))


def _of_part(part: str, message: str) -> str:
    """Say whose message it is, where it does not by itself."""
    return message if f"the {part}" in message else f"{part}: {message}"


def with_first(report: Report, findings: Iterable[Finding], verdict: Verdict) -> Report:
    """Say something before all else, with the verdict that it leads to."""
    return replace(report, verdict=verdict, findings=(*findings, *report.findings))


def caused(report: Report, finding: Finding) -> Report:
    """Say first why a leaf fails, and have the leaf say so too."""
    leaves = {
        path: replace(leaf, cause=finding.cause)
        if path == finding.leaf and leaf.verdict is Verdict.FAIL
        else leaf
        for path, leaf in report.leaves.items()
    }
    findings = tuple(_without_guess(other, finding.leaf) for other in report.findings)
    said = replace(report, leaves=MappingProxyType(leaves), findings=findings)
    return with_first(said, (finding,), report.verdict)


def _without_guess(other: Finding, leaf: str | None) -> Finding:
    """Leave out what entries alone suggest as the cause, where the cause is known."""
    why = str(other.evidence.get("why", ""))
    if other.leaf != leaf or not why:
        return other
    return replace(other, message=other.message.replace(why, "").strip())


def restated(report: Report, finding: Finding) -> Report:
    """Put a misfit in the place of the exception that it was raised as."""
    if not any(other.cause is Cause.RAISED for other in report.findings):
        return report
    others = tuple(other for other in report.findings if other.cause is not Cause.RAISED)
    leaves = {path: replace(leaf, cause=finding.cause) for path, leaf in report.leaves.items()}
    return replace(report, leaves=MappingProxyType(leaves), findings=(finding, *others))
