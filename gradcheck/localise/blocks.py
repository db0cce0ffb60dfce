"""Boxes of entries and their halves.

Part of `localise`; computes nothing but indices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..space import Array


@dataclass(frozen=True)
class Block:
    """A box of entries: lo <= index < hi on every axis."""

    bounds: tuple[tuple[int, int], ...]

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> Block:
        """Return the box of all entries."""
        return cls(tuple((0, n) for n in shape))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of its sides."""
        return tuple(hi - lo for lo, hi in self.bounds)

    @property
    def size(self) -> int:
        """How many entries it holds."""
        return math.prod(self.lengths)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The index that selects it."""
        return tuple(slice(lo, hi) for lo, hi in self.bounds)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes along which it can be halved, the first ones first: rows before columns."""
        return tuple(axis for axis, n in enumerate(self.lengths) if n > 1)

    def halves(self, axis: int) -> tuple[Block, Block]:
        """Cut it in the middle of an axis."""
        lo, hi = self.bounds[axis]
        middle = (lo + hi) // 2
        return self._with(axis, (lo, middle)), self._with(axis, (middle, hi))

    def _with(self, axis: int, side: tuple[int, int]) -> Block:
        return Block((*self.bounds[:axis], side, *self.bounds[axis + 1 :]))

    def restrict(self, v: Array) -> Array:
        """Return v inside the box, and 0 outside."""
        inside = np.zeros_like(v)
        inside[self.slices] = v[self.slices]
        return inside

    def flat_index(self, n: int, shape: tuple[int, ...]) -> int:
        """Return the flat index, in a leaf of that shape, of its n-th entry."""
        flat, stride = 0, 1
        for (lo, hi), length in zip(reversed(self.bounds), reversed(shape), strict=True):
            n, place = divmod(n, hi - lo)
            flat += (lo + place) * stride
            stride *= length
        return flat

    def holds(self, k: int, shape: tuple[int, ...]) -> bool:
        """Whether the entry of that flat index is in it."""
        for (lo, hi), length in zip(reversed(self.bounds), reversed(shape), strict=True):
            k, place = divmod(k, length)
            if not lo <= place < hi:
                return False
        return True
