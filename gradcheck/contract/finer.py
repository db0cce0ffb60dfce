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
from ..space import Array, Space, rms
from .breach import Broken
from .calls import call_claim, fits
from .reading import read_claim

SEEN = 16.0  # unit roundoffs of x by which it is moved for a claim to show that it moves
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
    space = _stretched(there.space, factor)
    return there.rise(there.evaluator.f_beside(space.point())) != 0


def _stretched(space: Space, factor: float) -> Space:
    """Multiply x by a factor near 1; along random signs where x itself is not admissible."""
    if space.domain is None:
        return space.moved_to({i: space.leaves[i].array * factor for i in space.moving})
    rng = np.random.default_rng(0)  # any signs will do
    signs = {i: rng.choice([-1.0, 1.0], space.leaves[i].array.shape) for i in space.moving}
    by = {i: (factor - 1) * (signs[i] * rms(array)) for i, array in space.bases.items()}
    return space.beside({i: array + by[i] for i, array in space.bases.items()})


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
    there = replace(origin, space=space, evaluator=evaluator, output=output, short=None)
    if not (fits(origin.cotangent, output) and np.isfinite(there.rise(origin.output))):
        message = "the reference returns something else than f at x, or is not finite there."
        raise Broken(Cause.REFERENCE, message, Verdict.INCONCLUSIVE)
    return _claimed(there, origin)


def _claimed(there: Origin, given: Origin) -> Origin:
    """Evaluate the claim in more digits; where it does not follow, it is called as it was at x."""
    if not there.evaluator.claim_is_callable:
        return replace(there, claimed=dict(given.claimed))
    short = given if given.roundoff_of_x > _FINE else None
    jvp = there.evaluator.problem.kind is Kind.JVP
    try:
        claims = [_claim(there, factor) for factor in _factors(given)]
    except (Broken, CallFailed):
        return replace(there, claimed=dict(given.claimed), short=short)
    here, beside, off = claims
    if short is not None and any(_stands_still(here[i], beside[i], off[i]) for i in here):
        return replace(there, claimed=dict(given.claimed), short=short)
    return there if jvp else replace(there, claimed=here)


def _factors(given: Origin) -> tuple[float, ...]:
    """Return by what x is multiplied: one, what its own digits round away, and what they do not."""
    unit = given.roundoff_of_x
    return 1.0, 1 + unit / 8, 1 + SEEN * unit


def _claim(origin: Origin, factor: float) -> dict[int, Array]:
    """Evaluate the claim where x is multiplied by a factor; of a JVP, what it pushes forward."""
    space = origin.space if factor == 1 else _stretched(origin.space, factor)
    if origin.evaluator.problem.kind is not Kind.JVP:
        return read_claim(space, call_claim(origin, space))
    there = replace(origin, space=space)
    along = origin.space.bases
    if origin.space.domain is not None:
        along = {i: np.full(array.shape, rms(array)) for i, array in along.items()}
    return {
        i: np.array(there.analytic(origin.space.project({i: v})).value) for i, v in along.items()
    }


def _stands_still(here: Array, beside: Array, off: Array) -> bool:
    """Whether a claim moves with x, but not as little as only more digits would let it.

    It may come in a long dtype all the same, as where it is multiplied by a long cotangent.
    """
    return np.array_equal(here, beside) and not np.array_equal(here, off)
