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
from ..space import Tangent, rms

STEP = 1e-30  # so small that h^2 vanishes beside 1, so large that h f' does not underflow


SHIFT = 1e-4  # of a leaf's size: far enough from a minimum at x for a derivative to be seen


def complex_step(origin: Origin, tangent: Tangent) -> float | None:
    """Differentiate along a tangent of real float64 leaves; None where `f` does not go along.

    A derivative of exactly 0, as at a minimum, is believed only if `f` has an imaginary part beside
    x: code that drops it without a word, as np.real does, gives 0 everywhere.
    """
    if origin.space.is_curved:  # a retraction is for real tangents
        return None
    value = _at(origin, tangent, 0.0)
    return None if value == 0 and not _carries_imaginary_parts(origin) else value


def _carries_imaginary_parts(origin: Origin) -> bool:
    """Whether `f` answers to imaginary parts of all leaves together, beside x."""
    leaves, rng = origin.space.leaves, np.random.default_rng(0)
    arrays = {i: leaves[i].array for i in origin.space.moving}
    somewhere = origin.space.project(
        {
            i: rng.uniform(0.5, 1.5, array.shape)
            for i, array in arrays.items()
            if array.dtype == np.float64
        }
    )
    return bool(_at(origin, somewhere, SHIFT))


def _at(origin: Origin, tangent: Tangent, shift: float) -> float | None:
    """Differentiate at x, or beside it by a share of every leaf's size."""
    leaves = origin.space.leaves
    if any(leaves[i].array.dtype != np.float64 for i in tangent):
        return None
    moved = {
        i: leaves[i].array + (shift * (rms(leaves[i].array) or 1.0) + 1j * STEP) * v
        for i, v in tangent.items()
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a cast that drops the imaginary part warns
            output = origin.evaluator.f_complex(origin.space.rebuild_complex(moved))
    except (CallFailed, UsageError):
        return None
    value = origin.imaginary(output)
    return None if value is None else value / STEP
