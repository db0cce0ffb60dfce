"""What a session of tests adds up to: its summary, its files, the properties of one test.

Part of `testing`.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..records import LeafReport, Report, Verdict
from ..render import html, serial, text

GRAVITY = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)  # the worst first


@dataclass(frozen=True)
class Noted:
    """A report and the id of the test that asked for it."""

    test: str
    report: Report


def read_notes(pairs: Iterable[tuple[str, str]]) -> list[Noted]:
    """Read reports that tests left as JSON, and put them in the order of the tests' ids.

    The order in which tests end differs from run to run where several processes run them.
    """
    return sorted(
        (Noted(test, Report.from_json(content)) for test, content in pairs), key=lambda n: n.test
    )


def properties(reports: Sequence[Report]) -> list[tuple[str, str]]:
    """Tell what a test checked, as names and values for JUnit XML: the worst and the sum."""
    verdict = min((report.verdict for report in reports), key=GRAVITY.index)
    seeds = dict.fromkeys(str(report.plan.seed) for report in reports)
    found = [
        ("gradcheck_verdict", str(verdict)),
        ("gradcheck_evaluations", str(sum(report.evaluations for report in reports))),
        ("gradcheck_seed", " ".join(seeds)),
    ]
    limits = [leaf.certified for report in reports for leaf in _certified(report)]
    if limits:
        found.append(("gradcheck_certified", f"{max(limits):.2e}"))
    return found


def summarise(noted: Sequence[Noted]) -> list[str]:
    """Sum a session up: what was checked, what it cost, what would have been found."""
    reports = [note.report for note in noted]
    counts = [
        _counted([r for r in reports if not r.laws], "check", "checks"),
        _counted([r for r in reports if r.laws], "law", "laws"),
    ]
    cost = text.plural(sum(r.evaluations for r in reports), "evaluation", "evaluations")
    seconds = text.duration(sum(r.seconds for r in reports))
    lines = [f"{'; '.join(filter(None, counts))}; {cost} of f, {seconds}"]
    leaves = [(leaf.certified, leaf, note) for note in noted for leaf in _certified(note.report)]
    if leaves:
        limit, least, note = max(leaves, key=lambda entry: entry[0])
        miss = max(leaf.miss for _, leaf, _ in leaves)
        odds = "" if miss == 0 else f" (missed with probability {miss:.0e} at most)"
        lines.append(
            f"Of what passed, an error of one entry above {limit:.0e} of its leaf's gradient would "
            f"have been found{odds}; the least certain leaf is {least.path} in {note.test}."
        )
    return lines


def write_run(folder: Path, noted: Sequence[Noted]) -> list[Path]:
    """Write the reports of a session into a folder, and say which files these are.

    `run.json` always; `run.html` as well where the extra `report` is installed.
    """
    reports = _distinct(noted)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "run.json"]
    files[0].write_text(serial.run_to_json(reports), encoding="utf-8")
    with contextlib.suppress(ImportError):
        html.require_extra()
        html.write_page(reports, folder / "run.html")
        files.append(folder / "run.html")
    return files


def _distinct(noted: Sequence[Noted]) -> list[Report]:
    """Name each report by its test, so that no two have one name and two runs can be compared."""
    seen: Counter[str] = Counter()
    reports = []
    for note in noted:
        own = note.report.name
        name = note.test if note.test.endswith(own) else f"{note.test}: {own}"
        seen[name] += 1
        name = name if seen[name] == 1 else f"{name} ({seen[name]})"
        reports.append(replace(note.report, name=name))
    return reports


def _certified(report: Report) -> list[LeafReport]:
    """List the leaves for which a limit was certified."""
    return [
        leaf
        for leaf in report.leaves.values()
        if leaf.verdict is Verdict.PASS and not math.isnan(leaf.certified)
    ]


def _counted(reports: Sequence[Report], one: str, many: str) -> str:
    """Count verdicts in words; empty where there are none."""
    if not reports:
        return ""
    verdicts = Counter(report.verdict for report in reports)
    parts = [f"{verdicts[v]} {text.shown(v)}" for v in reversed(GRAVITY) if verdicts[v]]
    return f"{text.plural(len(reports), one, many)}: {', '.join(parts)}"
