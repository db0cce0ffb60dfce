"""Values of `f` that lie on a coarse grid, so that it stands still beside x and moves in steps.

Part of `probing`.
"""

from __future__ import annotations

import numpy as np

from ..differences import Line

COARSE = 2.0**10  # spacings of the numbers of `f`: a grid of that width is no rounding of theirs
PART = 4  # of the smallest step seen, that the grid may be finer
EXACT = 1e-6  # of the grid, that a value may lie beside it
FEWEST = 4  # values that moved: fewer lie on a grid by chance


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
