"""Sums of a smooth part and one that is rounded inside: the treads slope, but not like the stairs.

Where a part of f is computed in float32, as a softmax often is, and the rest is not, small steps
see that part stand still: they are smooth, and miss its slope. Larger steps see all of f through
its rounding. The mean of a derivative is the slope over the whole way (the fundamental theorem of
calculus), unless f jumps: where the small steps have one slope at all points nearby, and the large
ones another, f is rounded inside.
Part of `differences`.
"""

from __future__ import annotations

import math

from .ladder import Ladder
from .line import Line
from .window import ROUGH

SMALL = 2.0**-14  # steps of smooth functions are larger: no treads are sought above
RESOLVED = 0.25  # of the mismatch: how near the claim, or the slope of a tread, a slope must be
FARTHER = 4.0  # from one large step to the next
ENOUGH, MOST = 2, 8  # large steps in a row that must side with the claim, and that are tried
# Where slopes of treads are looked at, on both sides of x at once, so that what bends cancels:
# parts of the large step, on no grid. A ripple would be alike at one in four.
PLACES = (0.93, 0.71, 0.57, 0.43, 0.31, 0.23)
AT_EDGES = 1  # of these may lie at the edge of a tread


def slope_across_treads(ladder: Ladder, claim: float) -> float | None:
    """Return the slope over large steps, if that is the claim, and small steps are on treads.

    Costs no evaluation where the steps are those of a smooth function, else two at each large step
    and four at each of PLACES.
    """
    line, derivative = ladder.line, ladder.derivative
    if not ladder.believed or not math.isfinite(derivative.value):
        return None
    h = min(ladder.believed, key=lambda window: window.bar).h
    if h >= SMALL or not any(w.h > h and w.excess > ROUGH for w in ladder.windows):
        return None
    near = RESOLVED * abs(claim - derivative.value)
    large = _large_step(line, claim, near, h)
    if large is None:
        return None
    others = 0
    for part in PLACES:
        slope = (line.slope(part * large, h) + line.slope(-part * large, h)) / 2
        others += not abs(slope - derivative.value) <= near
        if others > AT_EDGES:
            return None
    return line.slope(0.0, large)


def _large_step(line: Line, claim: float, near: float, h: float) -> float | None:
    """Return the larger of the first two large steps, going up, whose slopes are the claim."""
    in_a_row = 0
    for k in range(MOST, 1, -1):
        large = line.farthest / FARTHER**k
        near_claim = large > h and abs(line.slope(0.0, large) - claim) <= near
        in_a_row = in_a_row + 1 if near_claim else 0
        if in_a_row >= ENOUGH:
            return large
    return None
