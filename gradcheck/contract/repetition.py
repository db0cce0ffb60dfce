"""The claim at x a second time: the same answer, or the reason why it is another one.

Part of `contract`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..execution import Origin
from ..records import Cause, PyTree, Verdict
from ..space import Array, Tangent, inner, norm, same_bits, working_dtype
from .breach import Broken
from .calls import call_claim, call_claim_with_value
from .reading import index_text, read_claim
from .steadiness import SMALL_SPREAD
from .streams import Streams

CALLS = 5  # three ratios of increments, which random numbers do not repeat to eight digits


@dataclass(frozen=True, eq=False)
class Answer:
    """What one call of the claim returned: the objects themselves, our copy, a value of `f`."""

    raw: PyTree
    read: dict[int, Array]
    value: Array | None = None


def call_claim_again(origin: Origin) -> Answer:
    """Call the claim once more at x.

    Raises
    ------
    Broken
        If the answer is another one, or there is none.
    """
    try:
        raw, value = call_claim_with_value(origin, origin.space)
    except Broken as broken:
        raise at_a_later_call(broken, "at its first call at the same x it did not") from broken
    second = read_claim(origin.space, raw, origin.claimed)
    for i in origin.claimed:
        if not alike(origin.claimed[i], second[i]):
            raise _different(origin, second, i)
    for i, first in origin.claimed.items():
        if same_bits(first, second[i]):
            second[i] = first  # one copy is enough
    return Answer(raw, second, value)


def alike(first: Array, second: Array) -> bool:
    """Whether two answers are the same, as closely as f itself has to be steady."""
    return same_bits(first, second) or bool(norm(second - first) <= SMALL_SPREAD * norm(first))


def at_a_later_call(broken: Broken, before: str) -> Broken:
    """Say of a claim that raises that it did not raise before."""
    finding = broken.breach.finding
    if finding.cause is not Cause.RAISED:
        return broken
    message = f"{finding.message.rstrip('.')}; {before}: it keeps state between its calls."
    about = {key: value for key, value in finding.evidence.items()}
    return Broken(Cause.RAISED, message, broken.breach.verdict, **about)


def show_change(first: Array, second: Array) -> str:
    """Show the entry in which two answers differ most."""
    where = np.unravel_index(int(np.argmax(_distance(first, second))), first.shape)
    at = f" at {index_text(where)}" if first.ndim else ""
    return f"{first[where]:.6g} and then {second[where]:.6g}{at}"


def _distance(first: Array, second: Array) -> Array:
    """Return how far entries are apart; infinite where one of them is NaN."""
    return np.asarray(np.nan_to_num(np.abs(second - first), nan=np.inf, posinf=np.inf))


def _different(origin: Origin, second: dict[int, Array], i: int) -> Broken:
    """Call on until it is known how the answers differ."""
    path = origin.space.leaves[i].path
    numbers = show_change(origin.claimed[i], second[i])
    if alike(2 * origin.claimed[i], second[i]):
        return Broken(
            Cause.ACCUMULATES,
            f"the derivative of leaf {path} is twice as large at the second call at the same x: "
            f"{numbers}; it adds to a buffer that is kept between calls; start from zero.",
            Verdict.FAIL,
            leaf=path,
        )
    before = Streams.now(origin.evaluator.problem)
    plain = origin.asked(forward_first=False)
    answers: list[Tangent] = [origin.claimed, second]
    try:
        while len(answers) < CALLS:
            answers.append(read_claim(origin.space, call_claim(plain, origin.space)))
    except Broken:
        pass  # what the first two calls showed is said all the same
    told = _told(answers, i, path, numbers)
    if told is not None:
        return told
    drawn = before.changed(Streams.now(origin.evaluator.problem))
    reason = (
        f"it draws from the global state of {' and '.join(drawn)}"
        if drawn
        else "it draws fresh random numbers, or keeps state"
    )
    return Broken(
        Cause.NONDETERMINISTIC,
        f"the derivative of leaf {path} differs between two calls at the same x: {numbers}, while "
        f"f stays the same; {reason}.",
        Verdict.FAIL,
        leaf=path,
        distance=norm(second[i] - origin.claimed[i]),
    )


def _told(answers: list[Tangent], i: int, path: str, numbers: str) -> Broken | None:
    """Tell state that is kept from random numbers, by what the later answers are."""
    if len(answers) < CALLS:
        return None
    growth = _growth([answer[i] for answer in answers])
    if growth is not None:
        how = "the same amount" if abs(growth - 1) < SMALL_SPREAD else f"{growth:.3g} times as much"
        return Broken(
            Cause.ACCUMULATES,
            f"the derivative of leaf {path} moves on with every call at the same x: {numbers}, and "
            f"then at each call by {how} as before; it adds to a buffer that is kept between "
            f"calls, such as a momentum; start from zero.",
            Verdict.FAIL,
            leaf=path,
            growth=growth,
        )
    after = [answer[i] for answer in answers[1:]]
    if all(alike(after[0], answer) for answer in after):
        how = "from the second call on it stays the same, so the first call left something behind"
    elif alike(answers[0][i], answers[2][i]) and alike(answers[1][i], answers[3][i]):
        how = "and the two come in turn, so it keeps state"
    else:
        return None
    return Broken(
        Cause.HIDDEN_STATE,
        f"the derivative of leaf {path} is {numbers}, at the same x; {how}; let every call start "
        f"from its arguments alone.",
        Verdict.FAIL,
        leaf=path,
    )


def _growth(answers: list[Array]) -> float | None:
    """Return by which factor the increments of a running sum grow; None if it is no such sum."""
    wide = working_dtype(np.result_type(*answers))  # one may be real and the next complex
    increments = [after.astype(wide) - before for before, after in pairwise(answers)]
    ratios = []
    for before, after in pairwise(increments):
        size = inner(before, before)
        ratio = inner(before, after) / size if size > 0 else np.nan
        if not norm(after - ratio * before) <= ROUNDINGS * norm(before) or not ratio > 0:
            return None
        ratios.append(ratio)
    steady = max(ratios) - min(ratios) <= ROUNDINGS * max(ratios)
    return ratios[0] if steady and ratios[0] <= 1 + ROUNDINGS else None


ROUNDINGS = 1e-5  # relative: increments are differences of float32 numbers at the worst
