"""Two runs compared: what got worse, what got better, what is new and what is missing.

Owns what counts as the same leaf or law in both, and as worse. Tenth layer: reads records only;
`gradcheck diff` prints what it finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .records import RANK, LawReport, LeafReport, Report, Verdict


class Kind(StrEnum):
    """How something changed, the most urgent first."""

    WORSE = "worse"
    MISSING = "missing"
    NEW = "new"
    BETTER = "better"
    CHANGED = "changed"


@dataclass(frozen=True)
class Change:
    """One leaf, law or report that is not as it was.

    Attributes
    ----------
    kind : Kind
        How it changed. New and not passing is worse; missing is not, for names change.
    report : str
        The name of the report it is in.
    what : str
        The leaf or law; empty for the report as a whole.
    before, now : Verdict or None
        None where it was not there, or a law that did not apply.
    reason : str
        Why, now.
    """

    kind: Kind
    report: str
    what: str
    before: Verdict | None
    now: Verdict | None
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """All changes, the most urgent first, and how much is as it was.

    Attributes
    ----------
    changes : tuple of Change
        In the order of `Kind`.
    same : int
        Leaves and laws of the same verdict and cause.
    """

    changes: tuple[Change, ...]
    same: int

    @property
    def ok(self) -> bool:
        """Whether nothing got worse."""
        return not any(change.kind is Kind.WORSE for change in self.changes)


def compare(old: Sequence[Report], new: Sequence[Report]) -> Comparison:
    """Compare two runs, report by report and leaf by leaf, by name.

    Parameters
    ----------
    old, new : sequence of Report
        Several of the same name are told apart by their order.
    """
    before, now = _by_name(old), _by_name(new)
    changes: list[Change] = []
    same = 0
    for name in {**before, **now}:
        found, kept = _compared(name, before.get(name), now.get(name))
        changes += found
        same += kept
    order = list(Kind)
    return Comparison(tuple(sorted(changes, key=lambda c: order.index(c.kind))), same)


def _by_name(reports: Sequence[Report]) -> dict[str, Report]:
    seen = Counter[str]()
    named = {}
    for report in reports:
        seen[report.name] += 1
        count = seen[report.name]
        named[report.name if count == 1 else f"{report.name} ({count})"] = report
    return named


def _compared(name: str, old: Report | None, new: Report | None) -> tuple[list[Change], int]:
    """Compare two reports of one name; returns the changes, and how many things are the same."""
    before, now = _judged(old), _judged(new)
    changes, same = [], 0
    for what in {**before, **now}:
        change = _change(name, what, before.get(what), now.get(what))
        changes += [change] if change is not None else []
        same += change is None
    whole = _whole(name, old, new)
    # the report says what its leaves say, unless it broke as a whole
    if whole.before is not whole.now and not any(c.kind is whole.kind for c in changes):
        changes.append(whole)
    return changes, same


def _whole(name: str, old: Report | None, new: Report | None) -> Change:
    before, now = _verdict(old), _verdict(new)
    reason = new.findings[0].message if new is not None and new.findings else ""
    return Change(_kind(before, now), name, "", before, now, reason)


Judged = LeafReport | LawReport


def _judged(report: Report | None) -> Mapping[str, Judged]:
    """List the leaves, and the laws that apply."""
    if report is None:
        return {}
    applying = {k: law for k, law in report.laws.items() if law.verdict is not None}
    return {**report.leaves, **applying}


def _change(name: str, what: str, old: Judged | None, new: Judged | None) -> Change | None:
    before, now = _verdict(old), _verdict(new)
    if before is now and _cause(old) == _cause(new):
        return None
    return Change(_kind(before, now), name, what, before, now, _reason(new))


def _verdict(item: Report | Judged | None) -> Verdict | None:
    return None if item is None else item.verdict


def _kind(before: Verdict | None, now: Verdict | None) -> Kind:
    if now is None:
        return Kind.MISSING
    if before is None:
        return Kind.NEW if now is Verdict.PASS else Kind.WORSE
    if before is now:
        return Kind.CHANGED
    return Kind.WORSE if RANK[now] > RANK[before] else Kind.BETTER


def _cause(item: Judged | None) -> str:
    return str(item.cause) if isinstance(item, LeafReport) else ""


def _reason(item: Judged | None) -> str:
    if item is None or item.verdict is Verdict.PASS:
        return ""
    return item.reason if isinstance(item, LeafReport) else item.message


def sentences(comparison: Comparison) -> Iterator[str]:
    """Write each change, and a last line that counts them."""
    for change in comparison.changes:
        yield _sentence(change)
    counts = Counter(change.kind for change in comparison.changes)
    counted = ", ".join(f"{counts[kind]} {kind}" for kind in Kind)
    yield f"{counted}; {comparison.same} as before."


def _sentence(change: Change) -> str:
    where = " ".join(filter(None, (change.report, change.what))) or "the report"
    before = "not there" if change.before is None else str(change.before)
    now = "not there any more" if change.now is None else str(change.now)
    verdicts = f"{before}, now {now}" if change.before is not change.now else f"{now} as before"
    told = f": {change.reason}" if change.reason else ""
    return f"{change.kind}: {where}: {verdicts}{told}"
