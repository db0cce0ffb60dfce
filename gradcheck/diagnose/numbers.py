"""Giving a number the name that its author knows it by: 2, 1/2, the batch size, keep_prob.

Part of `diagnose`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .surroundings import Surroundings

ANYBODYS = (1, 2, 0.5)  # a 2 comes from a square, not from an axis that happens to be so long
SMALL = (1, 2, 3, 4, 8, 10, 100, 1000)  # numbers that anybody knows
KNOWN = {
    "sqrt(2)": math.sqrt(2),
    "pi": math.pi,
    "2 pi": 2 * math.pi,
    "180/pi": 180 / math.pi,
    "ln 2": math.log(2),
    "ln 10": math.log(10),
}
LARGEST_PART = 12  # of a fraction that is written as such
CLOSE = 1e-9  # relative: as close as a central difference can tell
MOST_SAID = 2  # names of one number that are worth saying


@dataclass(frozen=True)
class Named:
    """A number as a person would write it.

    Attributes
    ----------
    text : str
        Such as `1/5` or `0.8`.
    meaning : str
        Where it comes from: "5 is the length of axis 0 of ['x']", "1 - `rate`"; empty for a bare
        number.
    """

    text: str
    meaning: str = ""

    @property
    def full(self) -> str:
        """Both."""
        return f"{self.text} ({self.meaning})" if self.meaning else self.text


class Candidate(NamedTuple):
    """A number that somebody may have meant.

    text: how it is written. meaning: where it comes from; empty for a number by itself.
    """

    value: float
    text: str
    meaning: str = ""


def name_number(value: float, bar: float, around: Surroundings) -> Named | None:
    """Name a positive number that was measured to within a bar; None if it is nobody's.

    It is written as simply as it can be. The author's own names for it come first; beside these
    the share of a length is an accident, a length itself may not be.
    """
    allowed = max(bar, CLOSE * abs(value))

    def matching(candidates: Iterable[Candidate]) -> list[Candidate]:
        return [c for c in candidates if abs(c.value - value) <= allowed]

    own = matching(_own(around))
    lengths = [c for c in matching(_lengths(around)) if c.value not in ANYBODYS]
    shares = [] if own else [c for c in matching(_shares(around)) if c.value not in ANYBODYS]
    plain = matching(_plain())
    found = [*own, *lengths, *shares, *plain]
    if not found:
        return None
    meanings = list(dict.fromkeys(c.meaning for c in found if c.meaning))
    return Named(min((c.text for c in found), key=len), ", ".join(meanings[:MOST_SAID]))


def _own(around: Surroundings) -> Iterator[Candidate]:
    """List the author's numbers, their inverses and the like; not those that everybody has."""
    for name, number in around.numbers.items():
        if not math.isfinite(number) or number in (0.0, 1.0, -1.0):
            continue
        forms = {
            name: number,
            f"1/{name}": 1 / number,
            f"{name}^2": number * number,
            f"1 - {name}": 1 - number,
            f"2 {name}": 2 * number,
            f"{name}/2": number / 2,
        }
        if number < 1:
            forms[f"1/(1 - {name})"] = 1 / (1 - number)
        for form, value in forms.items():
            yield Candidate(value, f"{value:.6g}", form)


def _lengths(around: Surroundings) -> Iterator[Candidate]:
    """List lengths of axes and their inverses."""
    for n, name in around.lengths.items():
        yield Candidate(n, f"{n}", f"{n} is {name}")
        yield Candidate(1 / n, f"1/{n}", f"{n} is {name}")


def _shares(around: Surroundings) -> Iterator[Candidate]:
    """List what else is made of a length: all but one of it, two of it."""
    for n, name in around.lengths.items():
        forms = {f"{n - 1}/{n}": (n - 1) / n, f"{n}/{n - 1}": n / (n - 1)}
        if n % 2:  # of an even one, the half is a number by itself
            forms |= {f"2/{n}": 2 / n, f"{n}/2": n / 2}
        for text, value in forms.items():
            yield Candidate(value, text, f"{n} is {name}")


def _plain() -> Iterator[Candidate]:
    """List numbers that anybody knows."""
    for n in SMALL:
        yield Candidate(n, f"{n}")
        yield Candidate(1 / n, f"1/{n}" if n > 1 else "1")
    for text, number in KNOWN.items():
        yield Candidate(number, text)
        yield Candidate(1 / number, f"1/({text})" if "/" in text or " " in text else f"1/{text}")
    for top, bottom in itertools.product(range(2, LARGEST_PART + 1), repeat=2):
        if math.gcd(top, bottom) == 1:
            yield Candidate(top / bottom, f"{top}/{bottom}")
