"""The middle of many claims of few digits, where `f` is known in more.

One claim is off by its rounding, which in bfloat16 may hide an error of a tenth. At other points
beside x the rounding is another one, and an error of the formula stays; where a kink lies between
x and its rounded value, most other points have none. So the median of what is off at such points,
with its interval, says more than any of them, for the price of three evaluations each.
Part of `probing`.
"""

from __future__ import annotations

import math

import numpy as np

from ..contract import revisit
from ..differences import Line, glance
from ..directions import Probe
from ..execution import BudgetSpent, CallFailed
from ..records import UsageError
from ..space import Space
from .averaging import FEWEST, Median, interval
from .claim_noise import nudged
from .place import Place

POINTS = 40  # the interval is then about as wide as the rounding of a single claim
# Unit roundoffs: as little as f itself should change, and enough for another rounding also of what
# saturates. At 3, that of 1 - tanh^2 was the same at most of the points, and looked like an error.
NUDGE = 8.0


def middle_of_claims(place: Place, probe: Probe) -> Median | None:
    """Measure how far claims at points beside x are off, typically; None if that cannot be done.

    All leaves are moved, by some roundings of their own: what rounds where one leaf alone enters
    would be the same everywhere.
    """
    off, claimed = [], []
    try:
        for _ in range(POINTS):
            there = revisit(place.origin, _beside(place), place.rng)
            look = None if there is None else glance(Line(there, probe.tangent))
            if there is None or look is None:
                continue
            claimed.append(there.analytic(probe.tangent))
            off.append(look.value - claimed[-1].value)
    except (BudgetSpent, CallFailed, UsageError):
        return None
    if len(off) < FEWEST or not all(math.isfinite(value) for value in off):
        return None
    value, bar = interval(np.array(off))
    return Median.of(value, bar, claimed)


def _beside(place: Place) -> Space:
    """Draw a point that has the digits of the claim, in the digits of f."""
    origin = place.origin
    own = (origin.short or origin).space
    moved = {i: nudged(own.leaves[i].array, NUDGE, place.rng) for i in own.moving}
    return own.beside(moved).promoted()
