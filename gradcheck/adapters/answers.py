"""What an adapter finds out beside the differences, added to the report of a check.

Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..records import Finding, Report, UsageError, Verdict


def with_faults(report: Report, faults: Iterable[Finding]) -> Report:
    """Add what is wrong beyond the numbers of the check; each fault makes the verdict FAIL."""
    added = tuple(faults)
    if not added:
        return report
    first = added + report.findings if report.ok else report.findings + added
    return replace(report, verdict=Verdict.FAIL, findings=first)


def with_remarks(report: Report, remarks: Iterable[Finding]) -> Report:
    """Add what the reader should know, such as a question that could not be asked."""
    return replace(report, findings=(*report.findings, *remarks))


def read_batched(batched: Any) -> bool:  # noqa: ANN401 - what the caller gave
    """Read whether points go to a library in stacks, by its own vmap.

    Raises
    ------
    UsageError
        If it is no True or False.
    """
    if isinstance(batched, bool):
        return batched
    raise UsageError(
        f"batched={batched!r}, but here it is True or False: stacks of points are made of the "
        f"function by the library's vmap."
    )
