"""What is known of a failing leaf, and when a gradient that somebody proposes fits it.

Part of `diagnose`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..execution import Origin
from ..localise import Located, Reading
from ..records import Cause
from ..space import Array, inner, norm, working_dtype
from .surroundings import Surroundings

FITS = 2.0  # bars: what a reading may be off from a gradient that explains it
ROUNDING = 1e-12  # of the size of the terms: rounding of the proposed gradient itself
CHANGED = 1e-6  # of the largest change: a smaller one is rounding of two terms that cancel
MOST_KNOWN = 16  # arrays that are tried
DIGITS = 8.0  # that must agree, all readings together, before a cause is named: chance is 1e-8


@dataclass(frozen=True, eq=False)
class Suspect:
    """A failing leaf.

    Attributes
    ----------
    origin : Origin
        The point where it failed.
    leaf : int
        Its number.
    readings : tuple of Reading
        Lines in which every entry moves.
    located : Located or None
        The entries that were looked at; None before anybody looked.
    """

    origin: Origin
    leaf: int
    readings: tuple[Reading, ...]
    located: Located | None = None

    @property
    def path(self) -> str:
        """Of the leaf."""
        return self.origin.space.leaves[self.leaf].path

    @cached_property
    def values(self) -> Array:
        """The leaf itself, in working precision."""
        return _wide(self.origin.space.leaves[self.leaf].array)

    @cached_property
    def claim(self) -> Array:
        """Its claimed gradient, in working precision; of a JVP it is not known, see `has_claim`.

        That of a complex leaf is complex, also where real numbers are claimed.
        """
        claim = _wide(self.origin.claimed[self.leaf])
        return claim.astype(np.result_type(claim, self.values), copy=False)

    @property
    def has_claim(self) -> bool:
        """Whether the claim is known entry by entry."""
        return self.leaf in self.origin.claimed

    @cached_property
    def others(self) -> Mapping[str, tuple[Array, Array]]:
        """Values and claims of the other leaves of the same shape, by path."""
        space, claimed = self.origin.space, self.origin.claimed
        return {
            space.leaves[j].path: (_wide(space.leaves[j].array), _wide(claim))
            for j, claim in claimed.items()
            if j != self.leaf and claim.shape == self.values.shape
        }

    @cached_property
    def known(self) -> Mapping[str, Array]:
        """Arrays of the leaf's shape that the author knows: other leaves, and closed-over ones."""
        everything = {
            **{path: values for path, (values, _) in self.others.items()},
            **self.surroundings.arrays,
        }
        found = {
            name: _wide(array)
            for name, array in everything.items()
            if array.shape == self.values.shape and not np.array_equal(array, self.values)
        }
        return dict(list(found.items())[:MOST_KNOWN])

    @cached_property
    def surroundings(self) -> Surroundings:
        """Numbers and lengths that the author of f would recognise."""
        return Surroundings.of(self.origin)


@dataclass(frozen=True, eq=False)
class Explanation:
    """A cause that may explain the mismatch.

    Attributes
    ----------
    cause : Cause
        Its name.
    seen : str
        What was seen, to follow "['W'] ": a clause with a verb.
    usual : str
        What usually causes it, and where to look; a clause.
    gradient : array or None
        What the claim should have been, if the cause says so; it is tried on every reading.
    fitted : int
        Numbers in it that were chosen to fit.
    evidence : mapping
        The numbers behind the sentence.
    certain : bool
        Whether it fits everything known, or is only what most often looks like this.
    """

    cause: Cause
    seen: str
    usual: str
    gradient: Array | None = None
    fitted: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    certain: bool = True


def _wide(array: Array) -> Array:
    return array.astype(working_dtype(array.dtype))


def digits_of(suspect: Suspect, gradient: Array, fitted: int = 0) -> float:
    """Count the digits to which a gradient agrees with everything measured; 0 if it does not.

    Each reading whose terms have size s and which allows an error tau agrees by chance with
    probability tau / s at most: its digits are log10(s / tau). Readings are independent, so digits
    add up; a parameter that was fitted uses up one reading. What
    differs from the claim in k entries has no more than k independent readings.
    """
    counted = []
    for reading in suspect.readings:
        miss = abs(reading.numeric - inner(gradient, reading.tangent))
        allowed = FITS * reading.bar + ROUNDING * norm(gradient * reading.tangent)
        if not miss <= allowed:
            return 0.0
        counted.append(digits_between(max(abs(reading.residual), reading.scale), allowed))
    for k, entry in suspect.located.entries.items() if suspect.located else ():
        miss = abs(entry.numeric - gradient.reshape(-1)[k])
        allowed = FITS * entry.bar + ROUNDING * abs(entry.numeric)
        if not miss <= allowed:
            return 0.0
        if entry.wrong:
            counted.append(digits_between(abs(entry.numeric - entry.analytic), allowed))
    independent = len(counted)
    if gradient.size > 1:
        parts = 2 if gradient.dtype.kind == "c" else 1
        change = np.abs(gradient - suspect.claim)
        changed = int(np.sum(~(change <= CHANGED * change.max())))
        independent = min(independent, parts * changed)
    rank = suspect.origin.space.rank(suspect.leaf)
    if rank is not None:  # no more lines of a leaf are independent
        independent = min(independent, rank)
    return float(sum(sorted(counted)[: max(0, independent - fitted)]))


def digits_between(size: float, allowed: float) -> float:
    """Count the digits between a size and what is allowed of it."""
    # not of the quotient, which may over- or underflow
    return math.log10(size) - math.log10(allowed) if size > allowed > 0 else 0.0


def fits(suspect: Suspect, explanation: Explanation) -> bool:
    """Whether an explanation agrees with everything measured, beyond any accident."""
    if explanation.gradient is None:
        return True
    return digits_of(suspect, explanation.gradient, explanation.fitted) >= DIGITS


def coefficients(suspect: Suspect, base: Array, terms: Sequence[Array]) -> Array | None:
    """Solve numeric = <base, v> + sum of c_k <term_k, v> for c by weighted least squares."""
    rows, right = [], []
    for reading in suspect.readings:
        weight = 1 / max(reading.bar, ROUNDING * reading.scale, np.finfo(float).tiny)
        rows.append([weight * inner(term, reading.tangent) for term in terms])
        right.append(weight * (reading.numeric - inner(base, reading.tangent)))
    matrix = np.array(rows)
    if len(rows) <= len(terms) or not np.isfinite(matrix).all() or not np.isfinite(right).all():
        return None
    solution, _, rank, _ = np.linalg.lstsq(matrix, np.array(right), rcond=None)
    return solution if rank == len(terms) else None
