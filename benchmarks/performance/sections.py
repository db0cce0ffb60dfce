"""What was measured: a table of numbers, and the targets beside them.

Owns the records and how they are written, as Markdown and as JSON; measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..tables import show, table
from .timing import Patience


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes
    ----------
    entries, directions, searches : tuple of int
        Sizes N of the points that are checked entry by entry, along a direction, and searched for
        one wrong entry.
    seeds : int
        Wrong entries of each kind that are searched for.
    waits : tuple of float
        Seconds that one evaluation takes which is shared among processes.
    evaluations : int
        Of those, in thousands of a second: how long a check takes in one process.
    interpreters : int
        Fresh ones that import something, of each kind.
    patience : Patience
        With times.
    """

    entries: tuple[int, ...] = (10, 100, 1000, 10**4)
    directions: tuple[int, ...] = (10**4, 10**5, 10**6, 10**7)
    searches: tuple[int, ...] = (10**4, 10**5, 10**6)
    seeds: int = 5
    waits: tuple[float, ...] = (1e-3, 1e-2)
    seconds_shared: float = 4.0
    interpreters: int = 21
    patience: Patience = field(default_factory=Patience)


FULL = Effort()
TINY = Effort((10,), (100,), (1000,), 1, (1e-3,), 0.02, 1, Patience(1, 0.0))


@dataclass(frozen=True)
class Target:
    """A number that is promised, and what it was.

    Attributes
    ----------
    what : str
        What is measured.
    limit : float
        What it may be at the most; at the least, if `at_least`.
    measured : float
        NaN where it was not.
    reason : str
        Why it was not.
    at_least : bool
        Whether more is better.
    """

    what: str
    limit: float
    measured: float
    reason: str = ""
    at_least: bool = False

    @property
    def outcome(self) -> str:
        """`met`, `missed`, or why nothing is known."""
        if math.isnan(self.measured):
            return self.reason or "not measured"
        kept = self.measured >= self.limit if self.at_least else self.measured <= self.limit
        return "met" if kept else "missed"

    @property
    def row(self) -> tuple[object, ...]:
        """How it is shown."""
        sign = ">=" if self.at_least else "<="
        return (self.what, f"{sign} {show(float(self.limit))}", self.measured, self.outcome)


@dataclass(frozen=True)
class Section:
    """The answer to one question.

    Attributes
    ----------
    title, text : str
        Of the page: what is measured, against what.
    head : sequence of str
        Of the table.
    rows : list of tuple
        Text and numbers.
    targets : list of Target
        What of it was promised.
    """

    title: str
    text: str
    head: Sequence[str]
    rows: list[tuple[object, ...]]
    targets: list[Target] = field(default_factory=list)

    @property
    def markdown(self) -> str:
        """The section of the page."""
        return f"## {self.title}\n\n{self.text}\n\n```text\n{table(self.head, self.rows)}\n```\n"

    @property
    def json(self) -> dict[str, object]:
        """The same for a program."""
        return {
            "title": self.title,
            "rows": [dict(zip(self.head, map(_plain, row), strict=True)) for row in self.rows],
            "targets": [
                {
                    "what": target.what,
                    "limit": target.limit,
                    "at least": target.at_least,
                    "measured": _plain(target.measured),
                    "outcome": target.outcome,
                }
                for target in self.targets
            ],
        }


Measure = Callable[[Effort], Section]


def targets_table(sections: Iterable[Section]) -> str:
    """Tabulate all targets."""
    rows = [target.row for section in sections for target in section.targets]
    return table(("target", "limit", "measured", "outcome"), rows)


def _plain(value: object) -> object:
    """Leave out what JSON has no number for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
