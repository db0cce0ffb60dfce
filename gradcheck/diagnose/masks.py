"""Zeros in the wrong places: the claim is zero where f has a derivative, or the reverse.

What is said of the reverse goes from what leaves no doubt (the sign of the leaf, whole rows, a
triangle) to a guess: scattered zeros look like a dropout.
Part of `diagnose`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..records import Cause
from ..space import Array
from .numbers import name_number
from .sample import NOTHING, RIGHT, Sample, whole_rows
from .suspect import FITS, Explanation, Suspect

CHANCE = 1e-3  # that a rule about the leaf holds by accident
SCATTERED = 8  # entries: fewer zeros and others are no pattern
LARGEST_WINDOW = 9  # of a pooling
TRIANGLES: dict[str, Callable[[Array], Array]] = {
    "above the diagonal": np.tril,
    "below the diagonal": np.triu,
    "off the diagonal": lambda full: np.triu(np.tril(full)),
}
"""What is left of an array of True where the derivative is zero there."""


def zeroed(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose that the claim is zero where f has a derivative, and right elsewhere."""
    wrong = seen.wrong
    if not (wrong.any() and seen.claimed_zero[wrong].all() and not seen.vanishes[wrong].any()):
        return
    zeros = np.flatnonzero(suspect.values == 0)
    if len(zeros) and np.array_equal(zeros, np.sort(seen.at[wrong])):
        yield Explanation(
            Cause.DROPOUT_MASK,
            "is claimed to be zero exactly where the leaf is 0, and f depends on it there",
            "as where a mask is made from which values are zero",
        )
    else:
        yield Explanation(
            Cause.DETACHED,
            "is claimed to be zero there, and f depends on it",
            "as where a loop or a slice ends too early, a branch is detached or a value clipped",
        )


def masked(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose that f is flat where the claim is not zero, and right or off by a factor elsewhere.

    The derivative is exactly zero in some entries; which ones they are tells why.
    """
    if not (seen.wrong & seen.vanishes & ~seen.claimed_zero).any():
        return
    seen = seen.filled(suspect) or seen
    both = ~seen.vanishes & ~seen.claimed_zero
    ratios = seen.analytic[both] / seen.numeric[both]
    if len(ratios) and not np.allclose(ratios, ratios[0], rtol=RIGHT):
        return
    yield from _pooled(suspect, seen)
    yield from _by_sign(suspect, seen)
    yield from _clipped(suspect, seen)
    yield from _by_place(suspect, seen)
    yield _scattered(suspect, seen, ratios)


def _pooled(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Tell a mean over windows from a maximum: the sum over a window is the same."""
    claim = suspect.claim
    if len(seen.at) != claim.size or np.iscomplexobj(claim):
        return
    numeric, bar = seen.numeric, seen.bar
    for axis, n in enumerate(claim.shape):
        for window in range(2, min(n, LARGEST_WINDOW) + 1):
            if n % window:
                continue
            shape = (*claim.shape[:axis], n // window, window, *claim.shape[axis + 1 :])
            c, m, b = (a.reshape(shape) for a in (claim, numeric, bar))
            off = np.abs(c.sum(axis + 1) - m.sum(axis + 1))
            even = np.array_equal(c, np.broadcast_to(np.take(c, [0], axis + 1), shape))
            if even and np.all(off <= FITS * b.sum(axis + 1) + NOTHING * seen.largest):
                yield Explanation(
                    Cause.OTHER,
                    f"is spread evenly over windows of {window} along axis {axis}, and f depends "
                    "on some of their entries only",
                    "as where the gradient of a maximum is that of a mean",
                )


def _by_sign(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    positive = suspect.values.reshape(-1)[seen.at].real > 0
    if 0.5 ** len(seen.at) < CHANCE and np.array_equal(seen.vanishes, ~positive):
        turned = seen.claimed_zero[positive].all()
        yield Explanation(
            Cause.SLOPE,
            "is not zero where f is flat, exactly where the leaf is not positive"
            + (", and zero where f is not flat" if turned else ""),
            f"as where the mask of a ReLU is {'the wrong way round' if turned else 'missing'}",
        )


def _clipped(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose bounds beyond which f is flat."""
    values = suspect.values.reshape(-1)[seen.at]
    inside, outside = values[~seen.vanishes], values[seen.vanishes]
    if np.iscomplexobj(values) or not len(inside):
        return
    low, high = inside.min(), inside.max()
    if not np.all((outside < low) | (outside > high)):
        return
    accident = (len(outside) + 1) / math.comb(len(values), len(outside))
    if accident > 0.1:
        return
    sides = [f"above {high:.6g}"] if np.any(outside > high) else []
    sides += [f"below {low:.6g}"] if np.any(outside < low) else []
    yield Explanation(
        Cause.EXTRA_TERM,
        f"is not zero where f is flat, exactly where the leaf is {' or '.join(sides)}",
        "as where a value is clipped and its gradient is not",
        certain=accident < CHANCE,
    )


def _by_place(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    shape = suspect.values.shape
    if whole_rows(suspect):
        yield Explanation(
            Cause.EXTRA_TERM,
            "is not zero in whole rows on which f does not depend",
            "as where rows that are padded, masked or ignored receive a gradient",
        )
    if len(shape) != 2 or min(shape) < 2 or len(seen.at) != suspect.values.size:
        return
    flat = np.zeros(shape, dtype=bool)
    flat.reshape(-1)[seen.at] = seen.vanishes
    for place, kept in TRIANGLES.items():
        if np.array_equal(~flat, kept(np.ones(shape, dtype=bool))):
            yield Explanation(
                Cause.EXTRA_TERM,
                f"is not zero {place}, where f does not depend on the leaf",
                "as where f reads only a part of a matrix, and the derivative is not cut to it",
            )


def _scattered(suspect: Suspect, seen: Sample, ratios: Array) -> Explanation:
    swapped = (seen.claimed_zero & ~seen.vanishes).any()
    if swapped and _same_total(seen):
        return Explanation(
            Cause.PERMUTED,
            "is not zero in entries on which f does not depend, and zero in others; both sum to "
            "the same",
            "as where the numbers go to the wrong places",
            certain=False,
        )
    dropped, kept = seen.vanishes.sum(), (~seen.vanishes).sum()
    if len(seen.at) < SCATTERED or dropped < 2 or kept < 0.1 * len(seen.at):
        return Explanation(
            Cause.EXTRA_TERM,
            "is not zero in entries on which f does not depend",
            "look for what these entries receive, and should not",
            certain=False,
        )
    ratio = abs(ratios[0]) if len(ratios) else 1.0
    named = name_number(ratio, 1e-7 * ratio, suspect.surroundings)
    factor = named is not None and bool(named.meaning)
    return Explanation(
        Cause.DROPOUT_MASK,
        "is not zero in entries on which f does not depend"
        + (", and zero in others on which it does" if swapped else "")
        + (f"; elsewhere it is {named.full} times the derivative" if named and factor else ""),
        "as where the mask of a dropout (or a clip) is drawn again, "
        "or left out in the backward pass",
        certain=False,
    )


def _same_total(seen: Sample) -> bool:
    off = abs(seen.analytic.sum() - seen.numeric.sum())
    size = np.abs(seen.numeric).sum()
    return bool(off <= FITS * seen.bar.sum() + NOTHING * size)
