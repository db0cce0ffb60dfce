"""Reports as one page, and as a part of a notebook.

Owns which leaves have pictures, because these are what makes a page long.
Part of `render.html`.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ...records import Report, Verdict
from .. import text
from ..pictures import panels_of
from .layout import fill
from .view import RANK, kinds_of, view_of

MOST_PICTURED = 16  # leaves of a page: a third of a second and 50 kB each
MOST_PASSED = 3  # of these, to compare with


def page(reports: Sequence[Report]) -> str:
    """Show reports on a page of its own, with an index if there are several."""
    drawn = _pictured(reports)
    views = [view_of(report, f"r{n + 1}", drawn[n]) for n, report in enumerate(reports)]
    whole = _whole(reports)
    single = f"{views[0].name}: {views[0].verdict}" if len(views) == 1 else whole["heading"]
    return fill("report.html", title=f"{single} - gradcheck", views=views, whole=whole)


def write_page(reports: Sequence[Report], path: str | PathLike[str]) -> None:
    """Write that page to a file."""
    # what has no bytes, such as half of a pair of surrogates in a name, is written as its number
    Path(path).write_bytes(page(reports).encode("utf-8", "backslashreplace"))


def fragment(report: Report) -> str:
    """Show a report inside another page, as a notebook is; without pictures."""
    return fill("fragment.html", view=view_of(report, "r1", frozenset()))


def _whole(reports: Sequence[Report]) -> dict[str, Any]:
    """Sum reports up."""
    verdicts = [report.verdict for report in reports]
    worst = min(verdicts, key=RANK.__getitem__, default=None)
    counts = ", ".join(
        f"{verdicts.count(verdict)} {text.shown(verdict)}"
        for verdict in sorted(set(verdicts), key=RANK.__getitem__)
    )
    evaluations = sum(report.evaluations for report in reports)
    return {
        "verdict": "nothing was checked" if worst is None else text.shown(worst),
        "kind": "none" if worst is None else str(worst),
        "kinds": kinds_of(verdicts),
        "sentence": "" if worst is None else worst.sentence,
        "heading": f"{text.plural(len(reports), 'report', 'reports')}{counts and ': '}{counts}",
        "cost": f"{text.plural(evaluations, 'evaluation', 'evaluations')} of f, "
        f"{text.duration(sum(report.seconds for report in reports))}",
    }


def _pictured(reports: Sequence[Report]) -> list[frozenset[str]]:
    """Choose the leaves that are drawn: those that did not pass, and the least good of the rest."""
    drawable = [
        (RANK[leaf.verdict], -leaf.error, n, path)
        for n, report in enumerate(reports)
        for path, leaf in report.leaves.items()
        if panels_of(leaf)
    ]
    passed = [item for item in drawable if item[0] == RANK[Verdict.PASS]]
    troubled = sorted(item for item in drawable if item not in passed)
    chosen = (troubled + sorted(passed)[:MOST_PASSED])[:MOST_PICTURED]
    return [frozenset(path for *_, m, path in chosen if m == n) for n, _ in enumerate(reports)]
