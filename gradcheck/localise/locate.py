"""From a failing leaf to its wrong entries, each confirmed, and whether these are all.

Part of `localise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from ..directions import inside
from ..execution import BudgetSpent, CallFailed
from ..records import BoolArray
from ..space import Array, draw_weights, inner, norm, working_dtype
from .blocks import Block
from .decode import candidates
from .oracle import Oracle, SearchSpent
from .reading import Entry, Reading
from .search import SURE, TOLERATED, Found, search

FITS = 3.0  # bars: what is left of a reading once all wrong entries are known
OUTWEIGHS = 2.0  # times the terms of a line as corrected: what they were before
FEWEST = 2  # readings that must be explained: in one alone, errors may cancel


@dataclass(frozen=True, eq=False)
class Located:
    """The entries of a leaf that were looked at by themselves.

    Attributes
    ----------
    shape : tuple of int
        Of the leaf.
    entries : dict of int to Entry
        By flat index.
    dense : tuple of Block
        Blocks in which all entries looked at are wrong.
    complete : bool
        Whether the wrong ones among `entries` are all there are: corrected in these, the claim
        agrees with every line measured.
    """

    shape: tuple[int, ...]
    entries: dict[int, Entry] = field(default_factory=dict)
    dense: tuple[Block, ...] = ()
    complete: bool = False

    @property
    def wrong(self) -> tuple[int, ...]:
        """The flat indices of the wrong entries."""
        return tuple(k for k, entry in self.entries.items() if entry.wrong)

    @property
    def mask(self) -> BoolArray:
        """The wrong entries, shaped like the leaf."""
        mask = np.zeros(self.shape, dtype=bool)
        mask.reshape(-1)[list(self.wrong)] = True
        return mask


def locate(oracle: Oracle, readings: Sequence[Reading], rng: np.random.Generator) -> Located:
    """Find and confirm the wrong entries of a leaf.

    Parameters
    ----------
    oracle : Oracle
        Reads lines of the leaf, as many as the plan allows.
    readings : sequence of Reading
        Lines in which every entry moves, measured already, plain ones last; one is searched, and
        all tell whether anything is left.
    rng : numpy.random.Generator
        Chooses samples.
    """
    entries = _decoded(oracle, readings, rng)
    if entries:
        readings = _beside(entries, readings, oracle, rng)
        if _explain_all(entries, readings, oracle):
            return Located(oracle.array.shape, entries, (), complete=True)
    found, complete = Found(), False
    for whole in reversed(readings):
        found = search(oracle, whole, rng, entries)
        entries |= found.entries
        finished = not (found.dense or found.open)
        complete = finished and _explain_all(entries, readings, oracle)
        if complete or not finished:
            break
    ordered = dict(sorted(entries.items()))
    return Located(oracle.array.shape, ordered, tuple(found.dense), complete)


def _decoded(
    oracle: Oracle, readings: Sequence[Reading], rng: np.random.Generator
) -> dict[int, Entry]:
    """Look at the entries of which one, if it alone is wrong, explains all lines."""
    if oracle.array.dtype.kind == "c" or len(readings) < FEWEST:
        return {}

    def another() -> tuple[Reading, float] | None:
        reading = oracle.read(scaled_weights(oracle, rng))
        return None if reading is None else (reading, _off(oracle, reading))

    entries: dict[int, Entry] = {}
    with suppress(SearchSpent, BudgetSpent, CallFailed):
        for k in candidates(readings, [_off(oracle, r) for r in readings], another):
            entry = oracle.entry(k)
            if entry is not None:
                entries[k] = entry
            if entry is not None and entry.wrong:
                break
    return entries


def _beside(
    entries: dict[int, Entry], readings: Sequence[Reading], oracle: Oracle, rng: np.random.Generator
) -> Sequence[Reading]:
    """Read lines without these entries, if they outweigh the rest; else return those there are.

    What is tolerated along a line is relative to its terms: a huge wrong one hides small ones.
    """
    delta = _delta(entries, oracle)
    if all(_corrected_scale(oracle, delta, r) >= r.scale / OUTWEIGHS for r in readings):
        return readings
    lines = []
    with suppress(SearchSpent, BudgetSpent, CallFailed):
        for _ in range(FEWEST):
            v = scaled_weights(oracle, rng)
            v.reshape(-1)[list(entries)] = 0
            lines.append(oracle.read(v))
    return [reading for reading in lines if reading is not None]


def _off(oracle: Oracle, reading: Reading) -> float:
    """Return what a line may be off from what wrong entries explain, in units of a bar."""
    return max(reading.bar, TOLERATED * oracle.rtol * reading.scale / SURE)


def scaled_weights(oracle: Oracle, rng: np.random.Generator) -> Array:
    """Draw a tangent of the leaf in which no entry has a small weight, but for those held."""
    weights = draw_weights(rng, oracle.array.shape, oracle.array.dtype)
    space, i = oracle.origin.space, oracle.leaf
    return space.project({i: inside(space.leaves[i], np.asarray(oracle.unit * weights))})[i]


def _explain_all(entries: dict[int, Entry], readings: Sequence[Reading], oracle: Oracle) -> bool:
    """Whether the claim, corrected in the entries found, agrees with every reading.

    The tolerance is relative to the claim as corrected: a huge wrong entry hides no small one.
    """
    if len(readings) < FEWEST:
        return False
    delta, bars = _delta(entries, oracle), np.zeros(oracle.array.size)
    for k, entry in entries.items():
        bars[k] = entry.bar
    for reading in readings:
        weights = reading.tangent.reshape(-1)
        tolerated = TOLERATED * oracle.rtol * _corrected_scale(oracle, delta, reading)
        slack = FITS * reading.bar + tolerated + float(bars @ np.abs(weights))
        if not abs(reading.residual - inner(delta, weights)) <= slack:
            return False
    return True


def _delta(entries: dict[int, Entry], oracle: Oracle) -> Array:
    """Return by what the claim is to be corrected, flat."""
    delta = np.zeros(oracle.array.size, dtype=working_dtype(oracle.array.dtype))
    for k, entry in entries.items():
        delta[k] = entry.numeric - entry.analytic
    return delta


def _corrected_scale(oracle: Oracle, delta: Array, reading: Reading) -> float:
    if oracle.claim is None:
        return reading.scale
    terms = (oracle.claim.reshape(-1) + delta) * reading.tangent.reshape(-1)
    return max(norm(terms), abs(reading.numeric))
