"""The quick look: one central difference, two evaluations, enough to see that all is right.

Agreement to nine digits cannot be an accident, so a right claim on a smooth float64 function needs
no ladder; disagreement may be many things and is never concluded from here.
Part of `differences`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..space import Array
from .line import FINE_ARITHMETIC, Line
from .steps import first_step

ROUNDING = 8.0  # half-width of the rounding error of g(h) - g(-h), in unit roundoffs of g
# Sums of so many terms keep within that; of more, rounding grows like the square root (measured
# for dot products of 1e3 to 1e6 terms).
TERMS = 2.0**10


@dataclass(frozen=True)
class Glance:
    """A central difference at the first step; or one for each entry of a leaf, of arrays.

    Attributes
    ----------
    value : float
        (g(h) - g(-h)) / 2h.
    rounding : float
        Half-width of its rounding error. Truncation is not known.
    bend : float
        (g(h) + g(-h) - 2 g(0)) / 2h: large at a kink.
    flat : bool
        Whether all three values are equal, which says nothing.
    """

    value: Any
    rounding: Any
    bend: Any
    flat: Any


def glance(line: Line, steps: float = 1.0) -> Glance | None:
    """Measure it, at `steps` first steps; None in coarse arithmetic, or where f is not finite."""
    if line.roundoff > FINE_ARITHMETIC:  # too few digits: 2 of 240 wrong passes seen in float32
        return None
    h = steps * first_step(line.roundoff)
    line.foresee((h, -h))
    right, left = line(h), line(-h)
    width = right.step - left.step
    if not (math.isfinite(right.rise) and math.isfinite(left.rise) and width > 0):
        return None
    size = line.size + max(abs(right.rise), abs(left.rise))
    growth = max(1.0, math.sqrt(line.moving / TERMS))
    return Glance(
        value=(right.rise - left.rise) / width,
        rounding=ROUNDING * growth * line.roundoff * size / (width / 2),
        bend=(right.rise + left.rise) / width,
        flat=right.rise == left.rise == 0,
    )


def glance_of_each(
    right: tuple[Array, Array], left: tuple[Array, Array], size: float, roundoff: float
) -> Glance:
    """Read the values beside x of many entries at once, as `glance` does of one line.

    Parameters
    ----------
    right, left : pair of (N,) arrays
        Of each entry, the step really taken and the rise; NaN where `f` is not finite.
    size : float
        Of the numbers that make up f(x).
    roundoff : float
        Of the coarser of the point and the output.
    """
    (up, right_rise), (down, left_rise) = right, left
    width = up - down
    sizes = size + np.maximum(np.abs(right_rise), np.abs(left_rise))
    return Glance(
        value=(right_rise - left_rise) / width,
        rounding=ROUNDING * roundoff * sizes / (width / 2),
        bend=(right_rise + left_rise) / width,
        flat=(right_rise == 0) & (left_rise == 0),
    )
