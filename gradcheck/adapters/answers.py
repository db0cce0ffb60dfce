"""What an adapter finds out beside the differences, added to the report of a check.

Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..records import Finding, Report, Verdict


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
