"""The entries that were looked at one by one, as arrays, and the region they stand for.

Part of `diagnose`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..localise import Located
from ..records import BoolArray
from ..space import Array
from .suspect import FITS, Suspect

RIGHT = 1e-5  # relative: what an entry may be off and was not called wrong
NOTHING = 1e-9  # of the largest entry: a derivative this small is zero


@dataclass(frozen=True, eq=False)
class Sample:
    """The entries looked at, as arrays: flat index, analytic, numeric, bar, wrong."""

    at: Array
    analytic: Array
    numeric: Array
    bar: Array
    wrong: BoolArray

    @classmethod
    def of(cls, located: Located) -> Sample:
        """Gather them."""
        entries = located.entries
        return cls(
            np.array(list(entries), dtype=int),
            np.array([e.analytic for e in entries.values()]),
            np.array([e.numeric for e in entries.values()]),
            np.array([e.bar for e in entries.values()]),
            np.array([e.wrong for e in entries.values()], dtype=bool),
        )

    @cached_property
    def largest(self) -> float:
        """The size of the largest derivative seen."""
        both = np.concatenate([np.abs(self.numeric), np.abs(self.analytic)])
        return float(both.max(initial=0.0))

    @cached_property
    def vanishes(self) -> BoolArray:
        """Where the derivative is zero within its bar."""
        return np.asarray(np.abs(self.numeric) <= FITS * self.bar + NOTHING * self.largest)

    @cached_property
    def claimed_zero(self) -> BoolArray:
        """Where the claim is zero."""
        return np.asarray(np.abs(self.analytic) <= NOTHING**2 * self.largest)

    def filled(self, suspect: Suspect) -> Sample | None:
        """Add the entries that are known to be right; None where not all are known."""
        located, claim = suspect.located, suspect.claim.reshape(-1)
        if located is None or not located.complete:
            return None
        numeric, bar = claim.copy(), RIGHT * np.abs(claim)
        wrong = np.zeros(claim.size, dtype=bool)
        numeric[self.at], bar[self.at], wrong[self.at] = self.numeric, self.bar, self.wrong
        return Sample(np.arange(claim.size), claim, numeric, bar, wrong)

    def same(self, a: Array, b: Array) -> BoolArray:
        """Where two numbers agree within the bars."""
        return np.asarray(np.abs(a - b) <= FITS * self.bar + NOTHING * np.abs(b))


def region_of(located: Located) -> BoolArray:
    """Mark the wrong entries, and the blocks that are wrong as a whole."""
    mask = located.mask
    for block in located.dense:
        mask[block.slices] = True
    return mask


def whole_rows(suspect: Suspect) -> bool:
    """Whether some rows are wrong as a whole, all others right, and nothing else is known."""
    shape = suspect.values.shape
    if len(shape) < 2 or suspect.located is None or not suspect.located.complete:
        return False
    mask = suspect.located.mask.reshape(shape[0], -1)
    return bool((mask.all(axis=1) | ~mask.any(axis=1)).all() and not mask.all())
