"""Functions that stand still beside x and move in steps, of which a slope says little.

Part of `probing`.
"""

from __future__ import annotations

import math

import numpy as np

from ..differences import Line
from ..execution import BudgetSpent, Origin
from ..space import Tangent, rms

# Spacings of the numbers that f returns: a slope that moves f by so many is seen. Of a fine
# staircase, the longer step may take in the edge of a tread.
SEEN = (16.0, 4.0)
QUIET = 4.0  # unit roundoffs of f: its rounding, where it does not move
SINGLE = 2.0**-24  # the unit roundoff of float32, of which numbers behind a float64 may be
NEAR = 2.0**-13  # farther from x, a step that f takes is no news
COARSE = 2.0**10  # spacings of the numbers of `f`: a grid of that width is no rounding of theirs
PART = 4  # of the smallest step seen, that the grid may be finer
EXACT = 1e-6  # of the grid, that a value may lie beside it
FEWEST = 4  # values that moved: fewer lie on a grid by chance


def is_still(origin: Origin, tangent: Tangent, slope: float) -> bool:
    """Whether `f` does not move at all beside x, though a slope of this size would move it.

    Of many steps, such as those of sign or round in each entry, the differences over longer ways
    have a slope; where `f` is constant in pieces, its derivative is 0 all the same.
    """
    ((i, v),) = tangent.items()
    if slope == 0 or not math.isfinite(slope):
        return False
    spacing = 2 * max(origin.roundoff, origin.roundoff_of_x, SINGLE) * origin.size
    largest = float(np.abs(origin.space.leaves[i].array).max(initial=0.0))
    # x must move by many of its own spacings too
    least = max(spacing / abs(slope), 2 * origin.roundoff_of_x * largest / rms(v))
    line, quiet = Line(origin, tangent), QUIET * origin.roundoff * origin.size
    try:
        return any(
            0 < seen * least < NEAR
            and all(abs(line(t).rise) <= quiet for t in (seen * least, -seen * least))
            for seen in SEEN
        )
    except BudgetSpent:
        return False


def is_seen_still(origin: Origin, line: Line) -> bool:
    """Whether the values along a line, which moved farther out, are those of a staircase.

    Of their slopes the smallest one is asked for: it takes the longest step.
    """
    slopes = [abs(line(t).rise / t) for t in line.outputs if t != 0]
    moved = [slope for slope in slopes if slope > 0]
    return bool(moved) and is_still(origin, line.tangent, min(moved))


def moves_on_a_grid(line: Line) -> bool:
    """Whether all values along the line that differ from f(x) do so by multiples of one step.

    Values rounded to a few bits, behind a float64, do; those of a function that is only constant
    about x, as beyond a clip, do not, but for one time in a great many.
    """
    rises = np.array([abs(line(t).rise) for t in line.outputs])
    rises = rises[np.isfinite(rises) & (rises > 0)]
    if len(np.unique(rises)) < FEWEST:
        return False
    grid = rises.min() / PART
    beside = np.abs(rises / grid - np.round(rises / grid))
    return bool(grid >= COARSE * line.roundoff * line.size and beside.max() <= EXACT)
