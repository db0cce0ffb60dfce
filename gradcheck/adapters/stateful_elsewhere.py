"""The same network at other parameters, as after a step of training.

What a network kept of its first pass is right for the parameters that it had then. A check at these
alone cannot tell it from what is computed anew.
Part of `adapters`, behind `stateful`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..check import Options, check_grad
from ..records import Budget, Cause, Finding, LeafReport, Plan, Report, UsageError, Verdict
from ..space import rms, working_dtype
from .answers import with_faults, with_remarks
from .stateful_subject import Subject, Values

SHARE = 0.1  # of its own size, by which each entry is moved: a step of training, and a large one


def elsewhere(
    subject: Subject, report: Report, options: Options, rewind: Callable[[], None]
) -> Report:
    """Check a network that passes at other parameters too, with what it keeps of the first ones.

    What fails there fails, and is checked there again from a fresh start: if it passes then, what
    was kept is to blame. What is undecided there is a remark.
    """
    plan = _rest(report)
    if not report.ok or plan is None:
        return report
    there = _moved(subject.point(), np.random.default_rng(report.plan.seed))
    asked: Options = {**options, "plan": plan}
    asked.pop("progress", None)
    try:
        second = check_grad(subject.value, subject.gradient, there, **asked)
    except UsageError:  # such as a loss that is no number there
        return report
    if second.ok:
        return _costing(report, second)
    if not any(_is_shown_wrong(leaf) for leaf in second.leaves.values()):
        return with_remarks(_costing(report, second), [_undecided(second)])
    rewind()
    fresh = check_grad(subject.value, subject.gradient, there, **asked)
    return _failed(_costing(report, second, fresh), subject.in_its_words(second), fresh)


def _costing(report: Report, *others: Report) -> Report:
    return replace(
        report,
        evaluations=report.evaluations + sum(other.evaluations for other in others),
        seconds=report.seconds + sum(other.seconds for other in others),
    )


def _rest(report: Report) -> Plan | None:
    """Return the plan with what is left of its budget; None where nothing is."""
    limits = report.plan.limits
    evaluations = limits.evaluations and limits.evaluations - report.evaluations
    seconds = limits.seconds and limits.seconds - report.seconds
    if any(left is not None and left <= 0 for left in (evaluations, seconds)):
        return None
    budget = Budget(evaluations=evaluations, seconds=seconds)
    return replace(report.plan, budget=budget, canary=False)


def _moved(point: Values, rng: np.random.Generator) -> Values:
    moved = {}
    for path, array in point.arrays.items():
        size = np.maximum(np.abs(array), rms(array) or 1.0)
        shift = SHARE * size * rng.standard_normal(array.shape)
        moved[path] = np.asarray(array + shift, dtype=working_dtype(array.dtype)).astype(
            array.dtype
        )
    return Values(moved)


def _is_shown_wrong(leaf: LeafReport) -> bool:
    """Whether numbers differ; a network that raises there has not been shown to be wrong."""
    return leaf.verdict is Verdict.FAIL and bool(leaf.probes)


def _undecided(second: Report) -> Finding:
    why = f": {second.findings[0].message}" if second.findings else "."
    return Finding(
        Cause.SETUP,
        f"whether it is right at other parameters as well, a tenth of their size away, could not "
        f"be told{why}",
    )


def _failed(report: Report, second: Report, fresh: Report) -> Report:
    leaves, faults = dict(report.leaves), list[Finding]()
    for path, leaf in second.leaves.items():
        if not _is_shown_wrong(leaf):
            continue
        if fresh.leaves[path].verdict is Verdict.PASS:
            leaves[path] = replace(leaf, cause=Cause.STALE_CACHE, wrong=None, complete=False)
            faults.append(
                Finding(
                    Cause.STALE_CACHE,
                    f"{path} is right at the parameters as given and wrong at others, unless the "
                    f"network is new there: it answers with something that it kept of an earlier "
                    f"pass.",
                    path,
                )
            )
        else:
            leaves[path] = leaf
            faults += [
                replace(said, message=f"at other parameters, not as given: {said.message}")
                for said in second.findings
                if said.leaf == path
            ]
    return with_faults(replace(report, leaves=MappingProxyType(leaves)), faults)
