"""All that was measured of one leaf: lines one by one, and entries that a glance has settled.

A glance at a million entries is a few arrays; it becomes a `Measured` for each only where somebody
asks for that.
Part of `probing`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np

from ..records import RANK, Analytic, Verdict
from ..space import Array
from ..verdict import least_factor, tolerance_for, underflow
from .entries import Entries
from .here import Measured


@dataclass(eq=False)
class Seen(Sequence[Measured]):
    """The lines of a leaf.

    Attributes
    ----------
    entries : Entries or None
        Those at which a glance was taken together.
    measured : list of Measured
        All others: settled by no glance, directions, other cotangents.
    """

    entries: Entries | None = None
    measured: list[Measured] = field(default_factory=list)

    @cached_property
    def settled(self) -> Array:
        """The numbers of the entries that a glance has settled."""
        if self.entries is None:
            return np.zeros(0, dtype=np.intp)
        return np.flatnonzero(self.entries.settled)

    def __len__(self) -> int:
        return len(self.settled) + len(self.measured)

    @overload
    def __getitem__(self, n: int) -> Measured: ...
    @overload
    def __getitem__(self, n: slice) -> list[Measured]: ...
    def __getitem__(self, n: int | slice) -> Measured | list[Measured]:
        if isinstance(n, slice):
            return [self[k] for k in range(*n.indices(len(self)))]
        n = range(len(self))[n]
        if self.entries is not None and n < len(self.settled):
            return self.entries.measured(int(self.settled[n]))
        return self.measured[n - len(self.settled)]

    def __iter__(self) -> Iterator[Measured]:
        return (self[n] for n in range(len(self)))

    @property
    def worst(self) -> Measured:
        """The line of the worst verdict, and among these of the largest error."""
        found = list(self.measured)
        if self.entries is not None and len(self.settled):
            distance, scale = self.distances, self.entries.scale[self.settled]
            errors = np.divide(distance, scale, out=distance.copy(), where=scale > 0)
            found.insert(0, self[int(np.argmax(errors))])
        return max(found, key=lambda m: (RANK[m.judgement.verdict], m.error))

    @cached_property
    def distances(self) -> Array:
        """By how much claim and difference are apart, for the entries that are settled."""
        assert self.entries is not None
        return np.asarray(np.abs(self.entries.analytic - self.entries.numeric)[self.settled])

    @property
    def largest_passing(self) -> float:
        """The largest error of an entry, per unit of it, that goes unremarked on its own line."""
        lines = [m for m in self.measured if not m.output]
        radii = [m.passes / m.probe.weakest for m in lines]
        if self.entries is not None and len(self.settled):
            bar, sizes = self.entries.bar[self.settled], self.entries.sizes[self.settled]
            radii.append(float(((bar + np.maximum(bar, self.distances)) / sizes).max()))
        return max(radii)

    def least_factor_at_a_glance(self, rtol: float) -> float:
        """Return the least relative error of the whole leaf that an entry at a glance shows."""
        if self.entries is None or not len(self.settled):
            return math.inf
        some, e = self.settled, self.entries
        allowed = e.scale[some] * tolerance_for(Analytic(0.0, 0.0, e.claim_roundoff), rtol)
        allowed += e.sizes[some] * underflow(Analytic(0.0, 0.0, least=e.claim_least))
        return least_factor(np.abs(e.analytic[some]), self.distances, e.bar[some], allowed)

    @property
    def fails(self) -> bool:
        """Whether the claim fails along any line."""
        return any(m.judgement.verdict is Verdict.FAIL for m in self.measured)

    @property
    def tested(self) -> Array:
        """The flat indices of the entries that were measured by themselves."""
        by_glance = self.settled
        if self.entries is not None and self.entries.is_complex:
            by_glance = np.unique(by_glance // 2)
        alone = {m.probe.entry for m in self.measured if m.probe.entry is not None}
        if not alone:
            return by_glance
        return np.unique(np.concatenate([by_glance, np.array(sorted(alone), dtype=np.intp)]))
