"""The lines of one leaf: which are sent, which are back, which the parent measures itself.

Part of `crew`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..execution import Ahead, Origin, Output
from ..execution.coding import decode, encode
from ..records import Analytic
from .orders import Line, Lines, Value


@dataclass(eq=False)
class LeafWork:
    """The lines of one leaf and where they are.

    Attributes
    ----------
    origin : Origin
        Where they begin.
    lines : Lines
        How they are drawn.
    count : int
        How many there are.
    key : str
        Of the payload that a worker needs.
    memory_key : str
        Under which the journal keeps them.
    sent : int
        Lines before this one are sent, or known, or not asked for any more.
    back : dict of int to Line
        By number, what workers have sent back and was not looked at yet.
    away : set of int
        The numbers of those that are under way.
    claimed : bool
        Whether the leaf is looked at already, and not only foreseen.
    stopped : bool
        Whether nobody waits for them any more.
    """

    origin: Origin
    lines: Lines
    count: int
    key: str = ""
    memory_key: str = ""
    sent: int = 0
    back: dict[int, Line] = field(default_factory=dict)
    away: set[int] = field(default_factory=set)
    claimed: bool = False
    stopped: bool = False

    @property
    def left(self) -> int:
        """How many lines are not sent yet."""
        return self.count - self.sent

    def is_of(self, origin: Origin, lines: Lines) -> bool:
        """Whether it is about these lines."""
        return self.origin is origin and self.lines == lines

    def stop(self) -> None:
        """Ask for nothing more."""
        self.stopped, self.sent = True, self.count
        self.back.clear()

    def name_of(self, n: int) -> str:
        """Name a line for the journal."""
        which = (
            f"entry {self.lines.entries[n]}" if self.lines.entries else f"{self.lines.state} {n}"
        )
        return f"{self.memory_key} {self.lines.leaf} {which}"


def ahead_of(origin: Origin, line: Line) -> Ahead:
    """Make of what a worker has sent back what a line looks up."""
    values = {
        value.t: (value.step, Output(value.arrays, {}, origin.output.treespec))
        for value in line.values
    }
    return Ahead(origin, values, line.analytic)


def line_to_bytes(line: Line) -> bytes:
    """Write a line for the journal."""
    arrays = {"t": np.array([[value.t, value.step] for value in line.values]).reshape(-1, 2)}
    if line.analytic is not None:
        claim = line.analytic
        arrays["analytic"] = np.array([claim.value, claim.scale, claim.roundoff, claim.least])
    for n, value in enumerate(line.values):
        arrays |= {f"{n} {path}": array for path, array in value.arrays.items()}
    return encode(arrays)


def line_from_bytes(data: bytes) -> Line:
    """Read what `line_to_bytes` wrote."""
    arrays = decode(data)
    steps, claim = arrays.pop("t"), arrays.pop("analytic", None)
    by_value: list[dict[str, np.ndarray]] = [{} for _ in steps]
    for name, array in arrays.items():
        n, _, path = name.partition(" ")
        by_value[int(n)][path] = array
    return Line(
        tuple(
            Value(float(t), float(step), part)
            for (t, step), part in zip(steps, by_value, strict=True)
        ),
        None if claim is None else Analytic(*(float(number) for number in claim)),
    )
