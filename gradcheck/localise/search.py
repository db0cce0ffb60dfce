"""Halving blocks of entries until single wrong ones are left.

Adaptive group testing (Dorfman 1943; binary splitting, Hwang 1972) with random weights: a block
whose residual is zero holds no wrong entry, because weights of random sign and size do not cancel.
The half that was not measured costs nothing: its residual is that of the whole minus that of the
other half. One wrong entry among N costs 2 log2(N) evaluations.
Every suspect is confirmed at once, so that what was found stays known where the search ends early.
Part of `localise`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..execution import BudgetSpent, CallFailed
from ..space import norm
from .blocks import Block
from .oracle import EACH, Oracle, SearchSpent
from .reading import Entry, Reading

SURE = 4.0  # bars: a residual above is no rounding, whatever its distribution
AGAIN = 8.0  # bars: below, a residual found by subtraction is measured again if its bar is wide:
WIDE = 8.0  # times what is tolerated anyway
TOLERATED = 0.1  # of the tolerance: discrepancies that small are not looked for
SAMPLED = 16  # entries looked at where both halves are wrong: all of them wrong means dense
AT_ONCE = 64  # entries of which values are there before the first is looked at
SHRUNK = 4  # times smaller than where it was sampled last: a block is worth sampling again


@dataclass(eq=False)
class Found:
    """What a search came to.

    Attributes
    ----------
    entries : dict of int to Entry
        The entries looked at by themselves, by flat index.
    dense : list of Block
        Blocks in which every entry looked at is wrong, and not all were looked at.
    open : list of Block
        Blocks that hold something wrong and could not be searched to the end.
    """

    entries: dict[int, Entry] = field(default_factory=dict)
    dense: list[Block] = field(default_factory=list)
    open: list[Block] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Bad:
    """A block that holds something wrong: its residual and the bar of that, NaN where f is rough.

    axis: the one along which the block around it was halved with success, to be tried first.
    sampled: the size of the block around it in which entries were looked at.
    """

    block: Block
    residual: float
    bar: float
    axis: int = 0
    sampled: float = math.inf

    @property
    def urgency(self) -> float:
        """The largest residual first, what f is too rough for last."""
        return abs(self.residual) if math.isfinite(self.residual) else -1.0


def search(
    oracle: Oracle, whole: Reading, rng: np.random.Generator, known: Mapping[int, Entry]
) -> Found:
    """Find the wrong entries of a leaf along one random direction.

    Parameters
    ----------
    oracle : Oracle
        Reads lines of the leaf.
    whole : Reading
        The line to be halved, in which every entry has its random weight.
    rng : numpy.random.Generator
        Chooses samples.
    known : mapping of int to Entry
        By flat index, entries that were looked at already.
    """
    return _Search(oracle, whole, rng, known).run()


@dataclass(eq=False)
class _Search:
    oracle: Oracle
    whole: Reading
    rng: np.random.Generator
    known: Mapping[int, Entry]
    found: Found = field(default_factory=Found)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the leaf."""
        return self.whole.tangent.shape

    def run(self) -> Found:
        """Halve until nothing is left, or nothing may be spent any more."""
        root = self._compared(Block.whole(self.shape), self.whole)
        pending = [root] if _is_bad(root) else []
        try:
            while pending:
                worst = max(range(len(pending)), key=lambda n: pending[n].urgency)
                pending += self._look_into(pending[worst])
                del pending[worst]
        except (SearchSpent, BudgetSpent, CallFailed):
            self.found.open += [bad.block for bad in pending]
        return self.found

    def _look_into(self, bad: _Bad) -> list[_Bad]:
        """Return the bad halves of a block; settle one that needs no halving."""
        if bad.block.size == 1:
            if self._confirmed(bad.block.flat_index(0, self.shape)) is None:
                self.found.open.append(bad.block)
            return []
        halves = self._split(bad)
        if len(halves) < 2 or bad.block.size * SHRUNK > bad.sampled:
            return halves
        if self._is_dense(bad.block):
            self._settle(bad.block)
            return []
        return [
            _Bad(half.block, half.residual, half.bar, half.axis, sampled=bad.block.size)
            for half in halves
        ]

    def _split(self, bad: _Bad) -> list[_Bad]:
        """Halve along an axis on which one half is clean, else along the first."""
        axes = sorted(bad.block.axes, key=lambda axis: axis != bad.axis)
        tried = []
        for axis in axes:
            tried.append(self._halved(bad, axis))
            if len(tried[-1]) == 1:
                return tried[-1]
        return next(filter(None, tried), [])

    def _halved(self, bad: _Bad, axis: int) -> list[_Bad]:
        left, right = (
            _Bad(block, math.nan, math.nan, axis, bad.sampled) for block in bad.block.halves(axis)
        )
        left = self._measured(left)
        rest = _Bad(
            right.block, bad.residual - left.residual, bad.bar + left.bar, axis, bad.sampled
        )
        wide = not rest.bar <= WIDE * self._tolerated(self._claimed(rest.block))
        if wide and not abs(rest.residual) >= AGAIN * rest.bar:  # also where f is rough in either
            rest = self._measured(right)
        return [half for half in (left, rest) if _is_bad(half)]

    def _measured(self, bad: _Bad) -> _Bad:
        reading = self.oracle.read(bad.block.restrict(self.whole.tangent))
        return bad if reading is None else self._compared(bad.block, reading, bad)

    def _compared(self, block: Block, reading: Reading, like: _Bad | None = None) -> _Bad:
        """Take off a reading what is known of it."""
        residual, bar = reading.residual, reading.bar
        weights = self.whole.tangent.reshape(-1)
        for k in self._known_inside(block):
            entry = self.known[k]
            residual -= float(np.real(np.conj(entry.numeric - entry.analytic) * weights[k]))
            bar += entry.bar * abs(weights[k])
        tolerated = self._tolerated(reading.scale)
        axis, sampled = (like.axis, like.sampled) if like is not None else (0, math.inf)
        return _Bad(block, residual, max(bar, tolerated), axis, sampled)

    def _tolerated(self, scale: float) -> float:
        """Return the least bar: discrepancies within SURE of these are not looked for."""
        return TOLERATED * self.oracle.rtol * scale / SURE

    def _claimed(self, block: Block) -> float:
        """Return the size of the claim's terms in a block; 0 where it is not known."""
        claim, v = self.oracle.claim, self.whole.tangent
        return 0.0 if claim is None else norm(claim[block.slices] * v[block.slices])

    def _known_inside(self, block: Block) -> list[int]:
        return [k for k in self.known if block.holds(k, self.shape)]

    def _confirmed(self, k: int) -> Entry | None:
        """Look at an entry by itself, once."""
        entry = self.known.get(k) or self.found.entries.get(k) or self.oracle.entry(k)
        if entry is not None:
            self.found.entries[k] = entry
        return entry

    def _foresee(self, places: list[int]) -> None:
        known = self.known.keys() | self.found.entries.keys()
        self.oracle.foresee(k for k in places if k not in known)

    def _is_dense(self, block: Block) -> bool:
        """Look at a few entries of a block: whether all of them are wrong."""
        drawn = self.rng.choice(block.size, size=min(SAMPLED, block.size), replace=False)
        places = [block.flat_index(int(n), self.shape) for n in drawn]
        self._foresee(places)
        for k in places:
            entry = self._confirmed(k)
            if entry is None or not entry.wrong:
                return False
        return True

    def _settle(self, block: Block) -> None:
        """Look at all entries of a dense block where that can be paid for."""
        self.found.dense.append(block)
        if block.size * EACH > self.oracle.left:
            return
        places = [block.flat_index(n, self.shape) for n in range(block.size)]
        looked_at = []
        for start in range(0, block.size, AT_ONCE):
            self._foresee(places[start : start + AT_ONCE])
            looked_at += [self._confirmed(k) for k in places[start : start + AT_ONCE]]
        self.found.dense.remove(block)
        if None in looked_at:
            self.found.open.append(block)


def _is_bad(bad: _Bad) -> bool:
    return not abs(bad.residual) <= SURE * bad.bar
