"""Whether `f` needs a symmetric matrix: then nobody can draw another, and a remark is noise.

A covariance is symmetrised, read from one triangle only, or refused when it is not symmetric. The
symmetry of the gradient decides nothing: that of log det A is symmetric as well, and a forgotten
transpose is the usual bug there.
Part of `circumstances`; asks `f`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..execution import BudgetSpent, CallFailed, Origin
from ..records import UsageError
from ..space import Array, rms

ROUNDINGS = 64.0  # unit roundoffs: a symmetrised matrix is symmetric but for its own rounding
SHARE = 0.1  # of a typical entry: far beyond rounding, and a positive definite matrix remains one


def is_needed(origin: Origin, i: int) -> bool:
    """Look whether f ignores what is not symmetric in a symmetric leaf, or refuses it.

    Costs up to 3 evaluations of `f`; False where the budget does not allow them.
    """
    array, space = origin.space.leaves[i].array, origin.space
    if space.is_curved or space.is_projected(i) or space.leaves[i].free is not None:
        return True  # so the caller says, and f is not asked off its domain
    return any(_is_unseen(origin, i, change) for change in _changes(array))


def _changes(array: Array) -> Iterator[Array]:
    """Disturb the symmetry: by a skew matrix, in the upper triangle alone, in the lower alone."""
    weights = 1 + np.arange(array.size).reshape(array.shape) / array.size  # none like another
    upper = np.triu(SHARE * rms(array) * weights, 1).astype(array.dtype)
    yield upper - upper.T
    yield upper
    yield upper.T


def _is_unseen(origin: Origin, i: int, change: Array) -> bool:
    space, evaluator = origin.space, origin.evaluator
    moved = space.moved_to({i: space.leaves[i].array + change})
    try:
        rise = origin.rise(evaluator.f_beside(moved.point()))
    except BudgetSpent:
        return False
    except (CallFailed, UsageError):
        return True
    coarsest = max(origin.roundoff, origin.roundoff_of_x)
    return not math.isfinite(rise) or abs(rise) <= ROUNDINGS * coarsest * origin.size
