"""Marks of one implementation: what each law shows of it, over all of its subjects.

Part of `conformance`; uses `laws`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .. import laws
from ..records import LawReport, Verdict
from .implementations import Implementation, Use

TRIALS = 3  # settings a law is tried in; jax compiles anew for the sizes of each
SETTING = ". Setting: "  # where the circumstances begin in a message of `laws`


class Mark(StrEnum):
    """What is known of a law and an implementation."""

    BROKEN = "broken"
    UNDECIDED = "undecided"
    HOLDS = "holds"
    NOT_OFFERED = "–"


@dataclass(frozen=True)
class Entry:
    """A mark, with a sentence where it needs one.

    Attributes
    ----------
    mark : Mark
        Of the law.
    sentence : str
        What the implementation does, or why it does not offer what the law needs; empty where
        the law holds, or where the implementation simply has no such thing.
    """

    mark: Mark
    sentence: str = ""


@dataclass(frozen=True, eq=False)
class Column:
    """All that was seen of one implementation.

    Attributes
    ----------
    implementation : Implementation
        Which.
    entries : mapping of str to Entry
        By name of the law.
    uses : sequence of (Use, Entry)
        Uses of it that break a law, and what was seen of them.
    """

    implementation: Implementation
    entries: Mapping[str, Entry]
    uses: Sequence[tuple[Use, Entry]] = ()


def judge(implementation: Implementation, seed: int) -> Column:
    """Try all laws on the subjects of an installed implementation.

    Parameters
    ----------
    implementation : Implementation
        One that is installed.
    seed : int
        Of the settings.
    """
    module = implementation.load()
    subjects = module.subjects()
    entries = {law.name: _entry(law, subjects, seed) for law in laws.LAWS}
    by_name = {law.name: law for law in laws.LAWS}
    uses = [
        (use, _entry(by_name[use.law], [getattr(module, use.subject)()], seed))
        for use in implementation.uses
    ]
    return Column(implementation, entries, uses)


def _entry(law: laws.Law, subjects: Sequence[object], seed: int) -> Entry:
    """Take the worst that any of the subjects shows."""
    seen = [(subject, _tried(law, subject, seed)) for subject in subjects]
    for verdict, mark in ((Verdict.FAIL, Mark.BROKEN), (Verdict.INCONCLUSIVE, Mark.UNDECIDED)):
        for _, report in seen:
            if report.verdict is verdict:
                return Entry(mark, report.message.partition(SETTING)[0])
    if any(report.verdict is Verdict.PASS for _, report in seen):
        return Entry(Mark.HOLDS)
    # a subject that has the members but refuses says why
    reasons = [report.message for subject, report in seen if not law.missing(subject)]
    return Entry(Mark.NOT_OFFERED, reasons[0] if reasons else "")


def _tried(law: laws.Law, subject: object, seed: int) -> LawReport:
    return laws.check(subject, laws=[law], seed=seed, trials=TRIALS).laws[law.name]
