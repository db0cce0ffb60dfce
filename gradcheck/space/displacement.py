"""x + t v of single arrays, with the step really taken; and tangents along one entry.

Part of `space`; pure arithmetic on arrays, which `point` puts together into points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .arrays import Array, in_blocks, inner, largest

Tangent = Mapping[int, Array]
"""One array a moved leaf, by the leaf's number, in the leaf's working precision."""

SAFE = 1e200  # sums of squares up to this, and down to its inverse, have all their digits


class Domain(Protocol):
    """Which tangents are admissible, and where they lead; see `admissible`."""

    @property
    def projected(self) -> frozenset[int]:
        """The leaves whose tangents are projected."""
        ...

    @property
    def is_curved(self) -> bool:
        """Whether x + t v is none of its points, so that a retraction says where v leads."""
        ...

    def project(self, tangent: Tangent) -> Tangent:
        """Return the admissible part of a tangent."""
        ...

    def adjoint(self, i: int, claim: Array) -> Array:
        """Return the part of a gradient that admissible tangents see, where that is known."""
        ...

    def retract(self, bases: Tangent, tangent: Tangent) -> Tangent:
        """Return the values of all leaves at the point to which a tangent leads."""
        ...

    def rank(self, i: int) -> int | None:
        """Return how many admissible tangents of a leaf are independent; None if not known."""
        ...


@dataclass(frozen=True, eq=False)
class OneEntry(Mapping[int, Array]):
    """The tangent that moves one entry of one leaf: a few numbers, and an array when asked.

    Attributes
    ----------
    leaf : int
        The number of the leaf.
    shape, dtype
        Of its tangents.
    entry : int
        The flat index.
    size : float or complex
        By how much t = 1 moves it.
    """

    leaf: int
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    entry: int
    size: complex

    def __getitem__(self, i: int) -> Array:
        if i != self.leaf:
            raise KeyError(i)
        v = np.zeros(self.shape, dtype=self.dtype)
        v.reshape(-1)[self.entry] = self.size
        return v

    def __iter__(self) -> Iterator[int]:
        return iter((self.leaf,))

    def __len__(self) -> int:
        return 1


def displace(base: Array, v: Array, t: float, out: Array) -> tuple[bool, float]:
    """Write x + t v, rounded to the leaf's dtype; returns how far d, really added, is off.

    Whether d = t v exactly, and <d - t v, v>.
    """
    exact, beyond = True, 0.0
    for x, direction, moved in in_blocks(base, v, out):
        shift = t * direction
        moved[...] = np.asarray(x + shift).astype(x.dtype, copy=False)
        off = moved.astype(v.dtype, copy=False) - x
        off -= shift
        if off.any():
            exact, beyond = False, beyond + inner(off, direction)
    return exact, beyond


def place(along: OneEntry) -> tuple[np.intp, ...]:
    """Return where the entry is that moves."""
    return np.unravel_index(along.entry, along.shape)


def moved_entry(before: np.generic, along: OneEntry, t: float) -> tuple[np.generic, float]:
    """Return the entry of x + t v that is not that of x, and the step really taken."""
    wide, size = before.astype(along.dtype), np.asarray(along.size, along.dtype)[()]
    shift = t * size
    value = (wide + shift).astype(before.dtype)
    taken = value.astype(along.dtype) - wide
    if taken == shift:
        return value, t
    return value, float((np.conj(size / abs(size)) * taken).real / abs(size))


def displace_entry(base: Array, along: OneEntry, t: float, out: Array) -> float:
    """Write x + t v into an array that holds x, and return the step really taken."""
    index = place(along)
    out[index], step = moved_entry(base[index], along, t)
    return step


def displace_all(bases: Tangent, tangent: Tangent, t: float, out: Tangent) -> float:
    """Write x + t v of all leaves that move, into arrays that hold x; return the step really taken.

    Rounding x + t v to the leaf's dtype changes the displacement; what is left of it along v is
    <d, v>/<v, v> with d = fl(x + t v) - x, which is exact for a single entry. The tangents of
    `directions` are drawn on a grid so coarse that d = t v.
    """
    if isinstance(tangent, OneEntry):
        return displace_entry(bases[tangent.leaf], tangent, t, out[tangent.leaf])
    off = [displace(bases[i], v, t, out[i]) for i, v in tangent.items()]
    if all(exact for exact, _ in off):
        return t
    squares = sum(inner(v, v) for v in tangent.values())
    if 1 / SAFE < squares < SAFE:
        return t + sum(beyond for _, beyond in off) / squares
    return share({i: out[i].astype(v.dtype) - bases[i] for i, v in tangent.items()}, tangent)


def along_curve(domain: Domain, bases: Tangent, tangent: Tangent) -> dict[int, Array]:
    """Return the leaves that move, at the point to which a retraction leads along a tangent.

    x itself where the tangent is 0, bit for bit: what the retraction adds to it there, the rounding
    of x, is taken off again, or f would seem to jump.
    """
    there, here = domain.retract(bases, tangent), domain.retract(bases, {})
    moved = {}
    for i in tangent:
        base = bases[i].astype(np.result_type(bases[i], there[i]))
        at_x = bool(np.array_equal(here[i], base))
        values = there[i] if at_x else base + (there[i] - here[i])
        moved[i] = values.astype(bases[i].dtype)
    return moved


def share(taken: Tangent, v: Tangent) -> float:
    """Return <taken, v>/<v, v>, each in units of its largest entry: squares over- and underflow."""
    unit = max(largest(u) for u in v.values())
    size = max(largest(d) for d in taken.values())
    if unit == 0 or size == 0:
        return 0.0
    along = sum(inner(u / unit, taken[i] / size) for i, u in v.items())
    return along / sum(inner(u / unit, u / unit) for u in v.values()) * (size / unit)


def longest(tangent: Tangent) -> float:
    """Return the largest modulus of any entry of a tangent."""
    if isinstance(tangent, OneEntry):
        return abs(tangent.size)
    return max(largest(v) for v in tangent.values())


def count_moving(tangent: Tangent) -> int:
    """Return how many entries a tangent moves."""
    if isinstance(tangent, OneEntry):
        return 1
    return sum(int(np.count_nonzero(v)) for v in tangent.values())
