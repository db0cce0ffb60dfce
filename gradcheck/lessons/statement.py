"""A statement of folklore, and whether it was seen in what was measured.

Owns the records and the one way to judge; the statements themselves stand beside it, by theme.
Part of `lessons`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from .campaign import Results

Numbers: TypeAlias = Mapping[str, float]


class Seen(StrEnum):
    """Whether the numbers show what is said."""

    SEEN = "seen"
    SEEN_BUT = "seen, but"
    NOT_SEEN = "not seen"


def _never(numbers: Numbers) -> bool:
    """Know of no limit."""
    del numbers  # the same signature as a limit that looks
    return False


@dataclass(frozen=True)
class Statement:
    """What is said, and how to look.

    Attributes
    ----------
    name : str
        For tests and links.
    theme : str
        The row of the course that it belongs to.
    words : str
        As it is said.
    look_at : str
        Which numbers to compare.
    measure : callable
        Results -> numbers.
    holds : callable
        Numbers -> whether they show it. Not so for NaN: write conditions that NaN does not meet.
    report : str
        A sentence with these numbers in braces, true whatever they are.
    limit : callable
        Numbers -> whether they also show where the statement goes too far.
    but : str
        The sentence for that, with numbers in braces.
    """

    name: str
    theme: str
    words: str
    look_at: str
    measure: Callable[[Results], Numbers]
    holds: Callable[[Numbers], bool]
    report: str
    limit: Callable[[Numbers], bool] = _never
    but: str = ""


@dataclass(frozen=True)
class Observation:
    """A statement with what was seen of it, in a sentence, and the numbers."""

    statement: Statement
    seen: Seen
    sentence: str
    numbers: Numbers


def judge(statement: Statement, numbers: Numbers) -> Observation:
    """Say whether the numbers show the statement.

    Examples
    --------
    >>> from gradcheck.lessons import STATEMENTS
    >>> statement = next(s for s in STATEMENTS if s.name == "l2-gradient-term")
    >>> judge(statement, {"weights": 2e-16, "biases": 0.0}).seen
    <Seen.SEEN: 'seen'>
    >>> judge(statement, {"weights": 2e-16, "biases": 0.1}).seen
    <Seen.NOT_SEEN: 'not seen'>
    """
    sentence = statement.report.format_map(numbers)
    if not statement.holds(numbers):
        return Observation(statement, Seen.NOT_SEEN, sentence, numbers)
    if not statement.limit(numbers):
        return Observation(statement, Seen.SEEN, sentence, numbers)
    sentence = f"{sentence} {statement.but.format_map(numbers)}"
    return Observation(statement, Seen.SEEN_BUT, sentence, numbers)


def observe(statement: Statement, results: Results) -> Observation:
    """Measure what a statement is about, and judge it."""
    return judge(statement, statement.measure(results))
