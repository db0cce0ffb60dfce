"""What is asked of a worker, and what it answers: small records that travel.

Part of `crew`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..directions import Probe
from ..records import Analytic
from ..space import Array, Leaf, OneEntry


@dataclass(frozen=True)
class Lines:
    """The lines of one leaf, so that a worker can draw the same.

    Attributes
    ----------
    leaf : int
        Its number.
    entries : tuple of int
        The entries that are looked at one by one, those of a complex leaf counted twice; empty for
        directions.
    state : mapping
        Of the generator from which directions are drawn.
    """

    leaf: int
    entries: tuple[int, ...]
    state: Mapping[str, Any]

    def part(self, start: int, stop: int) -> Lines:
        """Describe some of them, in as little as possible."""
        if not self.entries:
            return self
        return Lines(self.leaf, self.entries[start:stop], {})

    @classmethod
    def of(cls, leaf: Leaf, probes: Sequence[Probe], state: Mapping[str, Any]) -> Lines:
        """Describe lines that were drawn from a generator in that state."""
        by_entry = all(probe.entry is not None for probe in probes)
        entries = tuple(_number(leaf, probe) for probe in probes) if by_entry else ()
        return cls(probes[0].leaf, entries, state)


def _number(leaf: Leaf, probe: Probe) -> int:
    """Return the number by which `coordinate` makes a line along one entry."""
    assert isinstance(probe.tangent, OneEntry), "a line along one entry"
    k = probe.tangent.entry
    return 2 * k + (complex(probe.tangent.size).imag != 0) if leaf.array.dtype.kind == "c" else k


@dataclass(frozen=True)
class Order:
    """Some lines of a leaf to be measured, the point being known by its key.

    Attributes
    ----------
    number : int
        Of this order, for the trail.
    key : str
        Of the payload: f, the point and what is claimed there.
    folder : str
        Where the payload and the trails are, on the machine of the parent.
    lines : Lines
        Of the leaf: the entries that are asked for, or all directions.
    start, stop : int
        Which lines of the leaf these are.
    payload : bytes or None
        Sent along to a worker that has asked for it.
    """

    number: int
    key: str
    folder: str
    lines: Lines
    start: int
    stop: int
    payload: bytes | None = None


class Value(NamedTuple):
    """One value of `f`: t, the step really taken, the arrays by path."""

    t: float
    step: float
    arrays: dict[str, Array]


@dataclass(frozen=True, eq=False)
class Line:
    """What a worker has measured along a line.

    `trouble`: what was raised on the way, and at which step; the parent tries that itself.
    """

    values: tuple[Value, ...]
    analytic: Analytic | None = None
    trouble: str = ""
    step: float = 0.0


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of an order.

    Attributes
    ----------
    worker : str
        Host and process.
    lines : tuple of Line
        In the order asked for.
    seconds : float
        How long they took.
    needs : bool
        Whether the worker has no payload and asks for it.
    trouble : str
        Why it can do nothing at all, such as that `f` is another function over there.
    """

    worker: str
    lines: tuple[Line, ...] = field(default_factory=tuple)
    seconds: float = 0.0
    needs: bool = False
    trouble: str = ""
