"""What the values or the gradient of a leaf hide; the same remark over several leaves is made once.

Part of `circumstances`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..records import Kind
from ..space import Array, inner, norm, rms, unit_roundoff, working_dtype
from .look import SAME, Look, Remark, are_same, listed

FEWEST = 4  # entries: two or three numbers are alike by chance, or because x was chosen by hand
DROWNED = 1e-2  # a rest of this share of a gradient, and above, is not drowned
ALONG = 1 - DROWNED**2  # of the norms; beyond, a rest may be below DROWNED: its square is 1 - c^2
SOME = 64  # entries that are looked at before all are
LEAST_REST = 1e-9  # a rest below this share is rounding: there is no other term
WORTH_SEEING = 1e-2  # an error of one percent of the rest


@dataclass(frozen=True)
class Circumstance:
    """What may be seen of a leaf, and what is said where it is.

    Attributes
    ----------
    holds : callable
        Whether it is there; what it returns is the evidence, if it is not just True.
    message : str
        The sentence; `{leaves}` are those it is about, `{is_}` and `{them}` follow their number,
        `{worst}` is the largest evidence.
    """

    holds: Callable[[Look], bool | float | None]
    message: str


# --- values ---------------------------------------------------------------------------------


def _is_zero(look: Look) -> bool:
    """Whether a weight is zero; a bias may be, unless there is nothing but zeros."""
    size, weighs = look.array.size, look.array.ndim >= 2 or look.nothing
    return size > 1 and weighs and not np.any(look.array)


def _is_ones(look: Look) -> bool:
    return look.array.size > 1 and bool(np.all(look.array == 1))


def _is_identity(look: Look) -> bool:
    array = look.array
    return (
        _is_square(array)
        and bool(np.all(np.diagonal(array) == 1))
        and np.count_nonzero(array) == len(array)
    )


def _is_uniform(look: Look) -> bool:
    """Whether the rows of a weight, or its columns, are all the same."""
    array = look.array
    if array.ndim < 2 or array.size < 2:
        return False
    rows = array.shape[0] > 1 and bool(np.all(array == array[:1]))
    return rows or (array.shape[-1] > 1 and bool(np.all(array == array[..., :1])))


def _is_symmetric(look: Look) -> bool:
    array = look.array
    if not _is_square(array) or not are_same(np.abs(array[0]), np.abs(array[:, 0])):
        return False  # most are told by one row and column, and need no second copy
    is_symmetric = are_same(array, array.T) or are_same(array, array.conj().T)
    return is_symmetric and not look.needs_symmetry()


def _is_square(array: Array) -> bool:
    return array.ndim == 2 and array.shape[0] == array.shape[1] > 1


# --- gradients ------------------------------------------------------------------------------


def _vanishes(look: Look) -> bool:
    """Whether the gradient is zero, or so small that it passed as a zero."""
    if look.claim is None or look.edged:
        return False
    return norm(look.claim) * (rms(look.array) or 1.0) <= _within_rounding(look)


def _within_rounding(look: Look) -> float:
    """Return the error bar where a claim of zero would have passed as well; 0 elsewhere."""
    return look.report.error_bar if look.report.error_bar >= look.report.scale else 0.0


def _is_constant(look: Look) -> bool:
    """Whether a gradient is one number over and over, as it is where outputs are just summed.

    That of a vector-Jacobian product is so by nature: the outputs are weighted at random there.
    """
    claim = look.claim
    if claim is None or look.kind is not Kind.GRAD or claim.ndim < 1 or claim.size < FEWEST:
        return False
    some = claim.flat[:SOME]  # most are told by a few numbers
    first = some[0]
    if first == 0 or not are_same(some, np.broadcast_to(first, some.shape)):
        return False
    return are_same(claim, np.broadcast_to(first, claim.shape))


def _drowned(look: Look) -> float | None:
    """Return the share of a gradient that is not proportional to x, if errors of it would pass."""
    claim, array = look.claim, look.array
    if claim is None or array.size < FEWEST or not np.any(array) or not np.any(claim):
        return None
    sizes = norm(array) * norm(claim)
    if 0 < sizes < np.inf and abs(inner(array, claim)) < ALONG * sizes:
        return None  # the rest is above DROWNED, and need not be computed
    own, whole = _unit(array), _unit(claim)
    rest = norm(whole - inner(own, whole) * own)
    least = max(LEAST_REST, SAME * max(unit_roundoff(claim.dtype), unit_roundoff(array.dtype)))
    unseen = max(look.rtol, look.report.certified) / WORTH_SEEING
    return rest if least < rest < min(unseen, DROWNED) else None


def _unit(array: Array) -> Array:
    """Scale to a norm of one, also where squares would over- or underflow."""
    wide = array.astype(working_dtype(array.dtype), copy=False)
    scaled = wide / np.abs(wide).max()
    return np.asarray(scaled / norm(scaled))


# What is to be mended first comes first: of a leaf only one is said.
CIRCUMSTANCES = (
    Circumstance(
        _is_zero,
        "{leaves} {is_} all zero: whatever is multiplied by {them} vanishes, and an error in it "
        "cannot show; draw {them} at random.",
    ),
    Circumstance(
        _vanishes,
        "the gradient of {leaves} is zero to rounding: an error that scales with it cannot show; f "
        "is at a minimum, or saturated, or does not depend on {them}; if that is not meant, move "
        "x.",
    ),
    Circumstance(
        _is_ones,
        "{leaves} {is_} all ones: a factor of {them} that is missing, or one too many, cannot "
        "show; draw {them} at random.",
    ),
    Circumstance(
        _is_identity,
        "{leaves} {is_} the identity: the transpose and the inverse are the same numbers, so one "
        "in place of another cannot show; draw {them} at random.",
    ),
    Circumstance(
        _is_uniform,
        "the rows of {leaves} are all equal, or the columns: one used in place of another gives "
        "the same numbers and cannot show; draw {them} at random.",
    ),
    Circumstance(
        _is_symmetric,
        "{leaves} {is_} symmetric: a transpose that is missing, or one too many, gives the same "
        "numbers and cannot show; draw {them} without symmetry, if f allows it.",
    ),
    Circumstance(
        _is_constant,
        "the gradient of {leaves} is one number in every entry, as where f just sums its outputs: "
        "a permuted, shifted or wrongly broadcast gradient would be the same; weight the outputs "
        "at random in f.",
    ),
    Circumstance(
        _drowned,
        "the gradient of {leaves} is proportional to {them} but for a share of {worst:.0e}, as "
        "where a regulariser drowns the data: an error of one percent of that share would pass; "
        "check with a smaller coefficient too.",
    ),
)


# --- remarks --------------------------------------------------------------------------------


def of_leaves(looks: Sequence[Look]) -> Iterator[Remark]:
    """Say at most one thing of each leaf: what is to be mended first."""
    seen: dict[Circumstance, dict[str, float]] = {}
    for look in looks:
        for circumstance in CIRCUMSTANCES:
            evidence = circumstance.holds(look)
            if evidence:
                seen.setdefault(circumstance, {})[look.report.path] = float(evidence)
                break
    for circumstance in CIRCUMSTANCES:
        if circumstance in seen:
            found = seen[circumstance]
            measured = {} if set(found.values()) == {1.0} else {"shares": found}
            message = _filled(circumstance.message, found)
            yield message, list(found), {"leaves": list(found), **measured}


def _filled(message: str, found: Mapping[str, float]) -> str:
    several = len(found) > 1
    return message.format(
        leaves=listed(list(found)),
        is_="are" if several else "is",
        them="them" if several else "it",
        worst=max(found.values()),
    )


def twins(looks: Sequence[Look]) -> Iterator[Remark]:
    """Look for leaves of the same numbers whose gradients are the same too."""
    groups: dict[tuple[Any, ...], list[Look]] = {}
    kinds = Counter((look.array.shape, look.array.dtype.str) for look in looks)
    for look in looks:
        array = look.array
        if kinds[array.shape, array.dtype.str] < 2 or array.size < 2:
            continue
        if np.any(array != array.ravel()[0]):
            key = (array.shape, array.dtype.str, array.tobytes())
            groups.setdefault(key, []).append(look)
    for first, *others in groups.values():
        same = [look for look in others if _have_one_gradient(first, look)]
        if same:
            paths = [look.report.path for look in (first, *same)]
            message = (
                f"{listed(paths)} hold the same numbers, and so do their gradients: gradients "
                f"that are interchanged cannot show; give each its own values."
            )
            yield message, paths, {"leaves": paths}


def _have_one_gradient(a: Look, b: Look) -> bool:
    if a.claim is None or b.claim is None:
        return False
    return bool(np.any(a.claim)) and are_same(a.claim, b.claim)
