"""Whether `f` is still what it was: asked when a leaf has failed, for its state may be to blame.

A cache that goes by the identity of an array, or a drift that sets in late, makes differences of
`f` wrong, and a right claim with them.
Part of `contract`.
"""

from __future__ import annotations

import math

from ..execution import BudgetSpent, CallFailed, Origin
from ..records import Cause, PyTree, UsageError, Verdict
from ..space import Space
from .breach import Breach, Broken
from .steadiness import SMALL_SPREAD

ROUNDINGS = 2.0**6  # unit roundoffs: arrays at other addresses are summed in another order
EVALUATIONS = 3


def doubt_f(origin: Origin, nearby: Space, i: int) -> Breach | None:
    """Look whether `f` still gives what it gave at x, and sees a leaf that alone is replaced.

    Parameters
    ----------
    origin : Origin
        The point.
    nearby : Space
        Another one.
    i : int
        The leaf that failed.

    Returns
    -------
    Breach or None
        What is wrong with `f`. Costs 3 evaluations; none where the budget does not allow them.
    """
    space = origin.space
    if origin.evaluator.left < EVALUATIONS or not origin.steady:
        return None
    moved = nearby.leaves[i].array
    fresh = space.moved_to({i: moved})  # copies of all leaves, in memory of their own
    try:
        at_x = _rise(origin, space.point())
        shared = _rise(origin, space.rebuild({i: moved}))
        copied = _rise(origin, fresh.point())
    except (BudgetSpent, CallFailed, UsageError):
        return None
    finally:
        space.restore_handed()
    coarsest = max(origin.roundoff, origin.roundoff_of_x)
    allowed = max(SMALL_SPREAD, ROUNDINGS * coarsest) * origin.size
    if abs(at_x) > allowed:
        return _drifted(at_x)
    if math.isfinite(shared) and math.isfinite(copied) and abs(shared - copied) > allowed:
        return _by_identity(origin, i, abs(shared - copied))
    return None


def _rise(origin: Origin, point: PyTree) -> float:
    return origin.rise(origin.evaluator.f_beside(point))


def _drifted(distance: float) -> Breach:
    return Broken(
        Cause.HIDDEN_STATE,
        f"f at x has moved by {distance:.6g} since its first call, so its differences mean "
        f"nothing: it counts its calls, or keeps something of them; start every call of f from the "
        f"same state.",
        Verdict.INCONCLUSIVE,
        distance=distance,
    ).breach


def _by_identity(origin: Origin, i: int, distance: float) -> Breach:
    return Broken(
        Cause.STALE_CACHE,
        f"f near x differs by {distance:.6g} between arrays and copies of the same values, where "
        f"leaf {origin.space.leaves[i].path} alone was replaced: it answers from a cache that goes "
        f"by the identity of an array, not by what all arrays hold.",
        Verdict.INCONCLUSIVE,
        distance=distance,
    ).breach
