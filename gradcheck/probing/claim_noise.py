"""How much of a claim is rounding: it is evaluated where x differs from x in the last digits.

Where terms cancel, what is left of a claim is rounding, and rounding at another point is other
rounding: a right claim of zero that was computed as the difference of large numbers is none of
f's error bar, and moves by as much as it is off (Higham (2002), Accuracy and Stability of
Numerical Algorithms, section 1.7; Parker (1997), Monte Carlo Arithmetic).
Part of `probing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..contract import claim_at
from ..directions import Probe
from ..execution import BudgetSpent, CallFailed, Origin
from ..records import Kind
from ..space import Array, rms, unit_roundoff

POINTS = 5
NUDGE = 8.0  # unit roundoffs by which entries are moved; those at 0, where kinks are, stay
SCATTERS = 8.0  # times the largest move seen, a claim may still be rounding


def is_rounding(
    origin: Origin, probe: Probe, numeric: float, rng: np.random.Generator, *, is_flat: bool = False
) -> bool:
    """Whether all of the claim along a line, and what it is off by, is rounding.

    It then moves by as much when the cotangent or x moves by roundings. Costs POINTS calls of the
    claim for each, and none of `f` but where the claim needs that. `is_flat`: `f` does not move at
    all, so that there is no kink at x.
    """
    evaluator = origin.evaluator
    if not evaluator.claim_is_callable or evaluator.problem.kind is Kind.JVP:
        return False
    here = origin.analytic(probe.tangent).value
    least = max(abs(here - numeric), abs(here)) / SCATTERS
    if evaluator.problem.kind is Kind.VJP:
        values = _values(_other_cotangents(origin, rng), probe)
        if values and max(abs(value - here) for value in values) >= least:
            return True
    values = _values(_other_points(origin, rng), probe)
    if not values:
        return False
    if not max(abs(value - here) for value in values) >= least:
        return False  # so where `f` bends sharply: it moves by a part of itself
    # At a tie or a kink a claim moves as well, but is right beside it: rounding is off there too.
    return is_flat or float(np.median([abs(value - numeric) for value in values])) >= least


def _values(origins: Iterator[Origin | None], probe: Probe) -> list[float]:
    """Evaluate the claim along the line at each; nothing where that cannot be done at all."""
    values = []
    try:
        for there in origins:
            if there is None:
                return []
            values.append(there.analytic(probe.tangent).value)
    except (BudgetSpent, CallFailed):
        return []
    return values


def _other_cotangents(origin: Origin, rng: np.random.Generator) -> Iterator[Origin | None]:
    for _ in range(POINTS):
        moved = {path: nudged(dy, NUDGE, rng) for path, dy in origin.cotangent.items()}
        yield claim_at(replace(origin, cotangent=moved), origin.space)


def _other_points(origin: Origin, rng: np.random.Generator) -> Iterator[Origin | None]:
    """Move all leaves: what rounds where another one enters would be the same everywhere."""
    space = origin.space
    for _ in range(POINTS):
        moved = {i: nudged(space.leaves[i].array, NUDGE, rng) for i in space.moving}
        yield claim_at(origin, space.beside(moved))


def nudged(leaf: Array, roundings: float, rng: np.random.Generator) -> Array:
    """Move entries by roundings of the leaf's own size, which what is added to them sees too."""
    size = np.where(leaf == 0, 0.0, np.maximum(np.abs(leaf), rms(leaf)))
    moves = roundings * unit_roundoff(leaf.dtype) * size * rng.standard_normal(leaf.shape)
    return np.asarray(leaf + moves).astype(leaf.dtype)
