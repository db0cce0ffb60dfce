"""Points nearby, at which the same formula holds and rounding is another one.

Part of `space`.
"""

from __future__ import annotations

import numpy as np

from .arrays import Array, in_blocks, rms, unit_roundoff, working_dtype
from .point import Space

SPACINGS = 16.0  # unit roundoffs that a point nearby is away at least


def nearby_of(space: Space, distance: float, rng: np.random.Generator) -> Space:
    """Move every entry by a share of its own size."""
    return space.beside({i: _nudge(space.leaves[i].array, distance, rng) for i in space.moving})


def _nudge(array: Array, distance: float, rng: np.random.Generator) -> Array:
    wide, typical = working_dtype(array.dtype), rms(array) or 1.0
    distance = max(distance, SPACINGS * unit_roundoff(array.dtype))  # or nothing would move
    nudged = np.empty_like(array)
    for here, there in in_blocks(array, nudged):
        size = np.maximum(np.abs(here), typical)
        moved = here + distance * size * rng.standard_normal(here.shape)
        there[...] = np.asarray(moved, dtype=wide)
    return nudged
