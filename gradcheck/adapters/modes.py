"""Several modes of one derivative, each with a report of its own, as one report.

Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ..records import RANK, Finding, LeafReport, Report


def merged(reports: Mapping[str, Report]) -> Report:
    """Put reports by mode into one: the worst verdict, all leaves, its findings first.

    The leaves of the modes have different paths. A finding about no leaf is said to be of its
    mode, but for the first.
    """
    first, *_ = reports.values()
    leaves: dict[str, LeafReport] = {}
    findings: list[Finding] = []
    for mode, report in sorted(reports.items(), key=lambda item: -RANK[item[1].verdict]):
        findings.extend(
            finding
            if finding.leaf is not None or report is first
            else replace(finding, message=f"{mode}: {finding.message}")
            for finding in report.findings
        )
    for report in reports.values():
        leaves.update(report.leaves)
    return replace(
        first,
        verdict=max((report.verdict for report in reports.values()), key=RANK.__getitem__),
        leaves=MappingProxyType(leaves),
        findings=tuple(findings),
        evaluations=sum(report.evaluations for report in reports.values()),
        seconds=sum(report.seconds for report in reports.values()),
    )
