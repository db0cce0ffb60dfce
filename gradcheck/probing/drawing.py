"""The lines of one leaf, drawn as the plan and the claim ask for.

Part of `probing`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..differences import FINE_ARITHMETIC
from ..directions import Probe, coordinate, probes, scale_of_leaf
from ..execution import Origin
from ..records import Plan
from ..space import unit_roundoff


def draw_lines(origin: Origin, i: int, plan: Plan, rng: np.random.Generator) -> Sequence[Probe]:
    """Draw the plan's lines; a claim that is not finite is looked at where it is not."""
    claim, leaf = origin.claimed.get(i), origin.space.leaves[i]
    if claim is not None and not np.isfinite(claim).all():
        bad = int(np.flatnonzero(~np.isfinite(claim.ravel()))[0])
        if origin.space.is_projected(i):
            return probes(origin.space, i, None, plan, rng)[:1]
        entry = bad * (2 if leaf.array.dtype.kind == "c" else 1)
        return (coordinate(leaf, i, entry, scale_of_leaf(leaf)),)
    few = max(origin.roundoff, unit_roundoff(leaf.array.dtype)) > FINE_ARITHMETIC
    # in few digits only the large entries of a claim can be seen at all: no use in equalising
    return probes(origin.space, i, None if few else claim, plan, rng)
