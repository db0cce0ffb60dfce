"""How much of a claim is rounding: it is evaluated where x differs from x in the last digits.

Where terms cancel, what is left of a claim is rounding, and rounding at another point is other
rounding: a right claim of zero that was computed as the difference of large numbers is none of
f's error bar, and moves by as much as it is off (Higham (2002), Accuracy and Stability of
Numerical Algorithms, section 1.7; Parker (1997), Monte Carlo Arithmetic).
Part of `probing`.
"""

from __future__ import annotations

import numpy as np

from ..contract import claim_at
from ..directions import Probe
from ..execution import BudgetSpent, CallFailed, Origin
from ..records import Kind
from ..space import Array, rms, unit_roundoff

POINTS = 5
NUDGE = 8.0  # unit roundoffs by which entries are moved; those at 0, where kinks are, stay
SCATTERS = 8.0  # times the largest move seen, a claim may still be rounding


def is_rounding(origin: Origin, probe: Probe, numeric: float, rng: np.random.Generator) -> bool:
    """Whether all of the claim along a line, and what it is off by, is rounding.

    It then moves by as much when x moves by roundings. Costs POINTS calls of the claim, and none of
    `f` but where the claim needs that. At a tie or a kink a claim moves as well, but is right
    beside it: rounding is off there too. Where `f` bends sharply, it moves by a part of itself.
    """
    if not origin.evaluator.claim_is_callable or origin.evaluator.problem.kind is Kind.JVP:
        return False
    here, beside = origin.analytic(probe.tangent).value, []
    try:
        for _ in range(POINTS):
            moved = nudged(origin.space.leaves[probe.leaf].array, NUDGE, rng)
            there = claim_at(origin, origin.space.moved_to({probe.leaf: moved}))
            if there is None:
                return False
            beside.append(there.analytic(probe.tangent).value)
    except (BudgetSpent, CallFailed):
        return False
    least = max(abs(here - numeric), abs(here)) / SCATTERS
    moves = max(abs(value - here) for value in beside)
    stays_off = float(np.median([abs(value - numeric) for value in beside]))
    return moves >= least and stays_off >= least


def nudged(leaf: Array, roundings: float, rng: np.random.Generator) -> Array:
    """Move entries by roundings of the leaf's own size, which what is added to them sees too."""
    size = np.where(leaf == 0, 0.0, np.maximum(np.abs(leaf), rms(leaf)))
    moves = roundings * unit_roundoff(leaf.dtype) * size * rng.standard_normal(leaf.shape)
    return np.asarray(leaf + moves).astype(leaf.dtype)
