"""The claim at x, at another point, and at x again: caches that are stale, and buffers reused.

A layer answers from what the last call of `f` left behind, and may use that up; both are legal. So
whatever looks wrong here is asked again after a call of `f`, and only what is wrong then is broken.
Part of `contract`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..execution import BudgetSpent, CallFailed, Origin
from ..records import Cause, Finding, UsageError, Verdict
from ..space import Array, Space, Tangent, is_writeable, same_bits
from .breach import Broken
from .buffers import require_unchanged
from .calls import call_claim, call_forward, cotangent_argument
from .reading import read_claim
from .repetition import Answer, alike, at_a_later_call, show_change


@dataclass(frozen=True, eq=False)
class Excursion:
    """What a visit elsewhere showed.

    Attributes
    ----------
    forward_first : bool
        Whether the claim must be called after `f` at the same point.
    constant : frozenset of int
        The leaves whose gradient is the same, bit for bit, at the other point, and not zero.
    remarks : tuple of Finding
        What is worth knowing and breaks nothing.
    """

    forward_first: bool = False
    constant: frozenset[int] = field(default_factory=frozenset)
    remarks: tuple[Finding, ...] = ()


def call_claim_elsewhere(origin: Origin, nearby: Space, here: Answer) -> Excursion:
    """Call the claim nearby, there again with the very arrays of x, and at x again.

    Parameters
    ----------
    origin : Origin
        x, where the claim has just been called.
    nearby : Space
        Another point.
    here : Answer
        What the claim returned at x.

    Raises
    ------
    Broken
        If what it returned at x changes, or what it returns at x when it is called there again.
    """
    there, needs_f = _elsewhere(origin, nearby, here.read)
    require_unchanged(origin, here.raw, here.read)
    first = origin.asked(forward_first=needs_f)
    if there is not None and not needs_f and origin.evaluator.problem.claim is not True:
        _look_at_identity(origin, nearby, here, there)
    needs_f, remarks = _come_back(first, here, there)
    if there is None:  # nearby may be outside of the domain; x is what was asked about
        return Excursion(needs_f, remarks=remarks)
    constant = frozenset(
        i for i in there if same_bits(there[i], here.read[i]) and np.any(there[i] != 0)
    )
    silent = all(same_bits(there[i], here.read[i]) for i in there)
    if silent and constant and not needs_f:
        needs_f = _reads_what_f_kept(origin, nearby, here)
    return Excursion(needs_f, constant, remarks)


def _reads_what_f_kept(origin: Origin, nearby: Space, here: Answer) -> bool:
    """Whether a claim that is the same at both points is another one after `f` was called nearby.

    As that of a layer is, which answers for the point of the last forward pass. Of a linear
    function it stays the same, and need not be called after `f` from here on.
    """
    try:
        call_forward(origin, nearby)
        after = read_claim(origin.space, call_claim(origin, origin.space), here.read)
    except (Broken, BudgetSpent, UsageError):
        return True
    return not all(same_bits(after[i], here.read[i]) for i in after)


def _elsewhere(
    origin: Origin, nearby: Space, known: Tangent
) -> tuple[dict[int, Array] | None, bool]:
    """Call the claim nearby; where it raises, after `f`. Returns whether that was needed."""
    for needs_f in (False, True):
        try:
            called = call_claim(origin.asked(forward_first=needs_f), nearby)
            return read_claim(origin.space, called, known), needs_f
        except (Broken, UsageError):
            pass
    return None, False


def _look_at_identity(origin: Origin, nearby: Space, here: Answer, there: dict[int, Array]) -> None:
    """Give the arrays of x other values in place, as an optimiser does, and look at the answer.

    A cache that goes by the identity of an array answers for the old ones.
    """
    arrays = [i for i in there if is_writeable(origin.space.leaves[i].given)]
    if all(same_bits(there[i], here.read[i]) for i in arrays):
        return
    for needs_f in (False, True):  # what f keeps may go by identity too, if it is kept anew
        asked = origin.asked(forward_first=needs_f)
        if needs_f:
            fresh, _ = _elsewhere(asked, nearby, there)
            there = there if fresh is None else fresh
        again = _in_place(asked, nearby, there)
        if again is None:
            return
        stale = [
            i for i in there if same_bits(again[i], here.read[i]) and not alike(there[i], again[i])
        ]
        if not stale:
            return
    path = origin.space.leaves[stale[0]].path
    raise Broken(
        Cause.STALE_CACHE,
        f"the derivative of leaf {path} stays what it was when the array is updated in place, as "
        f"an optimiser does, and is another one for new arrays of the same values: a cache goes by "
        f"the identity of the array, not by what it holds.",
        Verdict.FAIL,
        leaf=path,
    )


def _in_place(origin: Origin, nearby: Space, known: Tangent) -> dict[int, Array] | None:
    """Call the claim with the arrays of x holding the values of another point."""
    evaluator, space = origin.evaluator, origin.space
    cotangent = cotangent_argument(origin)
    try:
        with space.overwritten(nearby):
            if origin.forward_first:
                evaluator.forward(space.point())
            return read_claim(space, evaluator.claim(space.point(), *cotangent), known)
    except (CallFailed, Broken):
        return None


def _come_back(
    origin: Origin, here: Answer, there: dict[int, Array] | None
) -> tuple[bool, tuple[Finding, ...]]:
    """Call the claim at x again; returns whether it needs `f` to be called first, and a remark."""
    raised, differs = _wrong_at_x(origin, here)
    if raised is None and differs is None:
        return origin.forward_first, ()
    if raised is not None and raised.breach.finding.cause is not Cause.RAISED:
        raise raised
    again, still = _wrong_at_x(origin.asked(forward_first=True), here)
    if raised is not None:
        if again is None and still is None:
            return True, ()
        raise at_a_later_call(
            raised, "before it was called at another point it did not"
        ) from raised
    assert differs is not None, "it neither raised nor gave the same answer"
    i, answer = differs
    leaf = origin.space.leaves[i]
    if again is None and still is None:
        return True, (_used_up(leaf.path, show_change(here.read[i], answer)),)
    numbers = show_change(here.read[i], answer)
    stale = there is not None and same_bits(answer, there[i])
    how = (
        "it answers with what it computed at the other point, from a cache"
        if stale
        else "the call at the other point left something behind that it reads"
    )
    raise Broken(
        Cause.STALE_CACHE if stale else Cause.HIDDEN_STATE,
        f"the derivative of leaf {leaf.path} is another one at x after it was called at another "
        f"point: {numbers}; {how}.",
        Verdict.FAIL,
        leaf=leaf.path,
    )


def _wrong_at_x(origin: Origin, here: Answer) -> tuple[Broken | None, tuple[int, Array] | None]:
    """Call the claim at x; returns what it raised, or the first leaf that differs, or neither."""
    try:
        answer = read_claim(origin.space, call_claim(origin, origin.space), here.read)
    except Broken as broken:
        return broken, None
    differing = ((i, answer[i]) for i in answer if not alike(here.read[i], answer[i]))
    return None, next(differing, None)


def _used_up(path: str, numbers: str) -> Finding:
    return Finding(
        Cause.HIDDEN_STATE,
        f"the derivative of leaf {path} is right only once after each call of f: {numbers} at the "
        f"same x, without a call of f between; whoever needs it twice must call f again.",
        path,
    )
