"""The same point in more digits: a reference that the caller gave, or `f` itself, if it follows.

NumPy code computes in float64 when it is given float64, so a float32 network can be judged by its
own formula; a kernel that casts its input, or raises, cannot, and is recognised by its output.
Part of `contract`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..execution import BudgetSpent, CallFailed, Origin
from ..records import Cause, Kind, UsageError, Verdict
from ..space import Array, Space
from .breach import Broken
from .calls import call_claim, fits
from .reading import read_claim

AGREEMENT = 2.0**12  # unit roundoffs of f(x) by which the same sum in more digits may differ


def referred(origin: Origin) -> Origin:
    """Return the point as the caller's reference sees it.

    Raises
    ------
    Broken
        If the reference cannot be evaluated at x, or is another function than `f`.
    """
    space = origin.space.promoted() if origin.roundoff_of_x > _FINE else origin.space
    try:
        there = _at(origin, space, referring=True)
    except BudgetSpent:
        message = "the budget was spent before the reference could be evaluated."
        raise Broken(Cause.BUDGET, message, Verdict.INCONCLUSIVE) from None
    distance = abs(there.rise(origin.output))
    coarse = max(origin.roundoff, origin.roundoff_of_x)
    allowed = AGREEMENT * coarse * _size(there, origin)
    if not distance <= allowed:
        raise Broken(
            Cause.REFERENCE,
            f"f and its reference are different functions: they differ by {distance:.2e} at x, and "
            f"rounding explains {allowed:.0e}.",
            Verdict.INCONCLUSIVE,
        )
    return there


_FINE = 2.0**-52  # unit roundoff of what needs no promotion for a reference


def promoted(origin: Origin) -> Origin | None:
    """Return the point with longer leaves, if `f` then computes in more digits; None if not."""
    try:
        there = _at(origin, origin.space.promoted(), referring=False)
        follows = there.roundoff < origin.roundoff_of_x and _tells_apart(there, origin)
    except (Broken, UsageError, CallFailed, BudgetSpent):
        return None
    distance = abs(there.rise(origin.output))
    coarse = max(origin.roundoff, origin.roundoff_of_x)
    return there if follows and distance <= AGREEMENT * coarse * _size(there, origin) else None


def _size(there: Origin, here: Origin) -> float:
    return max(there.size, here.size)


def _tells_apart(there: Origin, here: Origin) -> bool:
    """Whether `f` sees a difference in x that its coarse version would round away."""
    factor = 1 + here.roundoff_of_x / 8
    space = there.space.moved_to(
        {i: there.space.leaves[i].array * factor for i in there.space.moving}
    )
    return there.rise(there.evaluator.f_beside(space.point())) != 0


def _at(origin: Origin, space: Space, *, referring: bool) -> Origin:
    """Evaluate `f` or its reference at a longer version of x, and the claim where it can be."""
    evaluator = replace(origin.evaluator, referring=referring)
    try:
        with np.errstate(all="ignore"):
            output = evaluator.f(space.point())
    except CallFailed as failure:
        raise Broken(Cause.REFERENCE, f"{failure} at x.", Verdict.INCONCLUSIVE) from failure.error
    finally:
        space.restore_handed()
    there = replace(origin, space=space, evaluator=evaluator, output=output)
    if not (fits(origin.cotangent, output) and np.isfinite(there.rise(origin.output))):
        message = "the reference returns something else than f at x, or is not finite there."
        raise Broken(Cause.REFERENCE, message, Verdict.INCONCLUSIVE)
    return replace(there, claimed=_claimed(there))


def _claimed(origin: Origin) -> dict[int, Array]:
    """Evaluate the claim in more digits; where it does not follow, keep what was claimed at x."""
    if origin.evaluator.claim_is_callable and origin.evaluator.problem.kind is not Kind.JVP:
        try:
            return read_claim(origin.space, call_claim(origin, origin.space))
        except Broken:
            pass
    return dict(origin.claimed)
