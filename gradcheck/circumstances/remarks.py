"""All remarks on one check, in the order in which they are said.

Part of `circumstances`.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..execution import Origin
from ..records import Cause, Finding, LeafReport, Report, Verdict
from .leaves import of_leaves, twins
from .look import Remark, look_at
from .whole import (
    batch_of_one,
    convention,
    held_by_bounds,
    held_by_tangent,
    undrawn,
    wide_tolerance,
)


def remarks(origin: Origin, report: Report) -> tuple[Finding, ...]:
    """Look at the circumstances of a check once its leaves were examined.

    Parameters
    ----------
    origin : Origin
        The caller's own point, and the claim there.
    report : Report
        The verdicts, the findings so far and the plan.

    Returns
    -------
    tuple of Finding
        With `Cause.SETUP`, none where no leaf passes, or where the contract was broken; and with
        `Cause.CONVENTION` where numbers are complex. Costs one evaluation of `f` if all leaves
        pass and the problem names random sources, and up to 3 a symmetric leaf.
    """
    passed = {p: leaf for p, leaf in report.leaves.items() if _has_passed(leaf)}
    failed = any(leaf.verdict is Verdict.FAIL for leaf in report.leaves.values())
    if not passed or (report.verdict is Verdict.FAIL and not failed):
        return _findings(Cause.CONVENTION, convention(origin))
    looks = look_at(origin, report, passed)
    return _findings(
        Cause.SETUP,
        (
            *of_leaves(looks),
            *twins(looks),
            *batch_of_one(origin),
            *held_by_bounds(origin),
            *held_by_tangent(origin),
            *(undrawn(origin) if report.ok else ()),  # a failure needs no more evaluations
            *wide_tolerance(report),
        ),
    ) + _findings(Cause.CONVENTION, convention(origin))


def _findings(cause: Cause, said: Iterable[Remark]) -> tuple[Finding, ...]:
    return tuple(
        Finding(cause, message, paths[0] if len(paths) == 1 else None, evidence)
        for message, paths, evidence in said
    )


def _has_passed(leaf: LeafReport) -> bool:
    return leaf.verdict is Verdict.PASS and leaf.probes > 0
