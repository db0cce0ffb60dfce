"""What of a report is shown on a page, as text and in the order of the page.

Owns the wording of what only a page says; cells and sentences that are also printed come from
`text`. Escapes nothing: the templates do. Part of `render.html`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...records import Cause, EntryTrace, Finding, LawReport, LeafReport, Plan, Report, Verdict
from .. import text
from ..pictures import CAPTIONS, panels_of, svg_of
from ..serial import to_plain

RANK = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2, None: 3}
"""What needs to be looked at comes first."""

NO_NAME = "report"
SAID_ALREADY = ("why",)  # evidence that is a part of its message
LONGEST_VALUE = 2000  # characters of evidence, which may hold a traceback

Evidence = tuple[tuple[str, str], ...]
Kinds = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PanelView:
    """A picture with its caption; the SVG is ours and holds no text of the user's."""

    kind: str
    caption: str
    svg: str


@dataclass(frozen=True)
class EntryView:
    """A row of the table of entries."""

    index: str
    analytic: str
    numeric: str
    ratio: str
    wrong: str


@dataclass(frozen=True)
class LeafView:
    """A row of the table of leaves, and its section if it has pictures.

    `..._sort` are numbers as JavaScript reads them.
    """

    id: str
    path: str
    shape: str
    size: int
    dtype: str
    verdict: str
    kind: str
    rank: int
    error: str
    error_sort: str
    bar: str
    bar_sort: str
    certified: str
    certified_sort: str
    cause: str
    why: str
    along: str = ""
    panels: tuple[PanelView, ...] = ()
    entries: tuple[EntryView, ...] = ()
    entries_caption: str = ""

    @property
    def pictured(self) -> bool:
        """Whether it has a section of its own."""
        return bool(self.panels)


@dataclass(frozen=True)
class FindingView:
    """A finding with its evidence."""

    cause: str
    message: str
    evidence: Evidence


@dataclass(frozen=True)
class LawView:
    """A row of the table of laws."""

    name: str
    statement: str
    source: str
    verdict: str
    kind: str
    rank: int
    message: str
    evidence: Evidence


@dataclass(frozen=True)
class ReportView:
    """A report, as a page shows it."""

    id: str
    name: str
    verdict: str
    kind: str
    rank: int
    sentence: str
    counted: str
    cost: str
    closing: str
    replay: str
    first: str
    troubled: int
    leaves: tuple[LeafView, ...]
    kinds: Kinds
    findings: tuple[FindingView, ...]
    laws: tuple[LawView, ...]
    law_kinds: Kinds
    not_pictured: str

    @property
    def total(self) -> int:
        """Leaves, and laws that apply."""
        return len(self.leaves) + sum(law.kind != "none" for law in self.laws)

    @property
    def any_pictured(self) -> bool:
        """Whether any leaf has pictures."""
        return any(leaf.pictured for leaf in self.leaves)

    @property
    def any_absolute(self) -> bool:
        """Whether any error is not relative."""
        return any(leaf.error.endswith("abs") for leaf in self.leaves)


def view_of(report: Report, identity: str, pictured: frozenset[str]) -> ReportView:
    """Put a report into words.

    Parameters
    ----------
    report : Report
        To be shown.
    identity : str
        Put before the ids of its parts; numbers it.
    pictured : frozenset of str
        The paths of the leaves whose pictures are drawn.
    """
    leaves = tuple(
        _leaf(leaf, f"{identity}-{n}", drawn=panels_of(leaf) if path in pictured else ())
        for n, (path, leaf) in enumerate(report.leaves.items())
    )
    laws = tuple(map(_law, report.laws.values()))
    first = report.findings[0].message if report.findings else ""
    broken = [law.name for law in laws if law.verdict == text.shown(Verdict.FAIL)]
    return ReportView(
        id=identity,
        name=report.name or f"{NO_NAME} {identity.removeprefix('r')}",
        verdict=text.shown(report.verdict),
        kind=str(report.verdict),
        rank=RANK[report.verdict],
        sentence=report.verdict.sentence if leaves else "",
        counted=_counted(report),
        cost=text.cost(report),
        closing=text.closing_line(report) if report.ok else "",
        replay=f"plan={plan_text(report.plan)}" if leaves else f"seed={report.plan.seed}",
        first=first or (f"broken: {', '.join(broken)}" if broken else ""),
        troubled=sum(item.verdict not in (Verdict.PASS, None) for item in _judged(report)),
        leaves=leaves,
        kinds=kinds_of(leaf.verdict for leaf in report.leaves.values()),
        findings=tuple(map(_finding, report.findings)),
        laws=laws,
        law_kinds=kinds_of(law.verdict for law in report.laws.values()),
        not_pictured=_not_pictured(report, pictured),
    )


def _judged(report: Report) -> list[LeafReport | LawReport]:
    return [*report.leaves.values(), *report.laws.values()]


def kinds_of(verdicts: Iterable[Verdict | None]) -> Kinds:
    """Count the verdicts that there are, the worst first."""
    counts = Counter(verdicts)
    return tuple(
        (_kind(verdict), f"{text.shown(verdict)} ({counts[verdict]})")
        for verdict in sorted(counts, key=RANK.__getitem__)
    )


def _kind(verdict: Verdict | None) -> str:
    return "none" if verdict is None else str(verdict)


def _counted(report: Report) -> str:
    """Say how many leaves and laws did not pass."""
    leaves: Counter[Verdict | None] = Counter(leaf.verdict for leaf in report.leaves.values())
    laws = Counter(law.verdict for law in report.laws.values())
    said = []
    for counts, of, fail in ((leaves, "leaves", "fail"), (laws, "laws", "are broken")):
        applying, unclear = counts.total() - counts[None], counts[Verdict.INCONCLUSIVE]
        rest = f", {unclear} inconclusive" if unclear else ""
        if applying:
            said.append(f"{counts[Verdict.FAIL]} of {applying} {of} {fail}{rest}.")
    return " ".join([*said, f"{laws[None]} do not apply."] if laws[None] else said)


def plan_text(plan: Plan) -> str:
    """Write a plan as the call that makes it again."""
    usual = Plan()
    settings = [str(plan.count)] if plan.count is not None else []
    for name in ("seed", "rtol", "naming", "canary"):
        value = getattr(plan, name)
        settings += [f"{name}={value!r}"] if value != getattr(usual, name) else []
    limits = plan.limits
    if limits.seconds is not None:
        settings.append(f"budget={limits!r}")
    elif limits.evaluations is not None:
        settings.append(f"budget={limits.evaluations}")
    return f"Plan.{plan.mode}({', '.join(settings)})"


def _not_pictured(report: Report, pictured: frozenset[str]) -> str:
    left = [
        leaf
        for leaf in report.leaves.values()
        if leaf.verdict is not Verdict.PASS and leaf.path not in pictured and panels_of(leaf)
    ]
    if not left:
        return ""
    more = text.plural(len(left), "leaf that did not pass is", "leaves that did not pass are")
    return f"{more} not drawn, to keep the page quick; report.plot(path) draws any of them."


# --- leaves, findings, laws ---------------------------------------------------------------------


def _leaf(leaf: LeafReport, identity: str, drawn: Sequence[Any]) -> LeafView:
    tested, absolute = leaf.probes > 0, "" if leaf.scale > 0 else " abs"
    certified = "-" if math.isnan(leaf.certified) else f"{leaf.certified:.1e}"
    return LeafView(
        id=identity,
        path=leaf.path,
        shape=str(leaf.shape),
        size=math.prod(leaf.shape),
        dtype=leaf.dtype,
        verdict=text.shown(leaf.verdict),
        kind=str(leaf.verdict),
        rank=RANK[leaf.verdict],
        error=f"{leaf.error:.1e}{absolute}" if tested else "not tested",
        error_sort=_number(leaf.error),
        bar=f"{leaf.bar:.0e}{absolute}" if tested else "",
        bar_sort=_number(leaf.bar),
        certified=certified,
        certified_sort=_number(leaf.certified),
        cause="" if leaf.cause in (None, Cause.OTHER) else str(leaf.cause),
        why=_in_short(leaf),
        along=_along(leaf) if drawn else "",
        panels=tuple(
            PanelView(draw.__name__, CAPTIONS[draw], svg_of(draw, leaf, f"{identity}-{n}-"))
            for n, draw in enumerate(drawn)
        ),
        entries=_entries(leaf) if drawn else (),
        entries_caption=_entries_caption(leaf) if drawn else "",
    )


def _in_short(leaf: LeafReport) -> str:
    """Say why, without the numbers of a finding, which are said beside it."""
    if leaf.verdict is not Verdict.FAIL:
        return leaf.reason
    return leaf.reason.removeprefix(f"{leaf.path} ").partition(": ")[0]


def _number(value: float) -> str:
    """Write a number as JavaScript reads it."""
    return "Infinity" if value == math.inf else "NaN" if math.isnan(value) else repr(value)


def _along(leaf: LeafReport) -> str:
    lines = text.plural(leaf.probes, "line", "lines")
    said = (
        f"Along the line that decided, of {lines}: analytic {leaf.analytic:.6g}, numeric "
        f"{leaf.numeric:.6g} ± {leaf.error_bar:.0e}."
    )
    if leaf.wrong is None or not leaf.wrong.any():
        return said
    count = int(leaf.wrong.sum())
    least = "" if leaf.complete else "at least "
    return f"{said} Known to be wrong: {least}{count} of {leaf.wrong.size} entries."


def _entries(leaf: LeafReport) -> tuple[EntryView, ...]:
    return () if leaf.errors is None else tuple(map(_entry, leaf.errors.worst))


def _entries_caption(leaf: LeafReport) -> str:
    if leaf.errors is None:
        return ""
    shown, measured = len(leaf.errors.worst), leaf.errors.measured
    one_by_one = f"{text.plural(measured, 'entry was', 'entries were')} measured one by one"
    return f"{one_by_one}." if shown == measured else f"{one_by_one}; the {shown} of largest error:"


def _entry(entry: EntryTrace) -> EntryView:
    try:
        ratio = entry.analytic / entry.numeric
        shown = f"{ratio:.6g}" if math.isfinite(abs(ratio)) else "-"
    except (ZeroDivisionError, OverflowError):
        shown = "-"
    return EntryView(
        index=f"[{', '.join(map(str, entry.index))}]",
        analytic=f"{entry.analytic:.6g}",
        numeric=f"{entry.numeric:.6g} ± {entry.bar:.0e}",
        ratio=shown,
        wrong="wrong" if entry.wrong else "right",
    )


def _finding(finding: Finding) -> FindingView:
    return FindingView(str(finding.cause), finding.message, _evidence(finding.evidence))


def _law(law: LawReport) -> LawView:
    return LawView(
        name=law.name,
        statement=law.statement,
        source=law.source,
        verdict=text.shown(law.verdict),
        kind=_kind(law.verdict),
        rank=RANK[law.verdict],
        message=law.message,
        evidence=_evidence(law.evidence),
    )


def _evidence(evidence: Mapping[str, Any]) -> Evidence:
    return tuple(
        (str(key), _value(value)) for key, value in evidence.items() if key not in SAID_ALREADY
    )


def _value(value: object) -> str:
    plain = to_plain(value)
    if isinstance(plain, str):
        shown = plain
    elif isinstance(plain, float):
        shown = f"{plain:.10g}"
    else:
        shown = json.dumps(plain, ensure_ascii=False)
    return shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]} ..."
