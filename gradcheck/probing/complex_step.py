"""The complex step: Im f(x + i h v)/h has no cancellation and so no rounding to speak of.

True only where `f` is analytic code: abs, comparisons and casts break it without a word. So it is
tried, believed only inside the ladder's bar, and may confirm a claim but never refute one.
Squire and Trapp (1998), SIAM Review 40(1), 110-112.
Part of `probing`.
"""

from __future__ import annotations

import warnings

import numpy as np

from ..execution import CallFailed, Origin
from ..records import UsageError
from ..space import Tangent

STEP = 1e-30  # so small that h^2 vanishes beside 1, so large that h f' does not underflow


def complex_step(origin: Origin, tangent: Tangent) -> float | None:
    """Differentiate along a tangent of real float64 leaves; None where `f` does not go along."""
    leaves = origin.space.leaves
    if any(leaves[i].array.dtype != np.float64 for i in tangent):
        return None
    moved = {i: leaves[i].array + 1j * STEP * v for i, v in tangent.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a cast that drops the imaginary part warns
            output = origin.evaluator.f_complex(origin.space.rebuild_complex(moved))
    except (CallFailed, UsageError):
        return None
    value = origin.imaginary(output)
    return None if value is None else value / STEP
