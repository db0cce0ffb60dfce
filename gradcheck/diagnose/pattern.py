"""What the wrong entries have in common: a factor, a shift, an index used twice.

For leaves whose wrong entries were looked at one by one, wholly or in part.
Part of `diagnose`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from ..records import Cause
from .masks import masked, zeroed
from .numbers import name_number
from .sample import NOTHING, Sample, region_of, whole_rows
from .scale import NEAR_ONE
from .suspect import FITS, Explanation, Suspect

FEW_DIGITS = 3e-3  # relative: a claim this close, in every entry, is the right formula
SMALL_ENTRY = 0.1  # of the largest: digits of entries below are relative to this
SOME_TOTAL = 1e-3  # of the sizes that are summed: a total above is not zero
SEVERAL = 8.0  # roundings, one upon another
MOST_SHIFTED = 0.5  # of the wrong entries that must be their neighbours
FEWEST = 3  # entries that a common factor must hold for
MOST_AXES = 4  # along which a shift is looked for at once
MOST_FACTORS = 4  # that are listed
MOST_PARTS = 12  # gates or heads
MOST_COLUMNS = 4  # of a table of indices, such as pairs


def region_factor(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose one factor in all wrong entries, the others being right."""
    claim, located, wrong = suspect.claim, suspect.located, seen.wrong
    if located is None or not wrong.any():
        return
    analytic, numeric, bar = seen.analytic[wrong], seen.numeric[wrong], seen.bar[wrong]
    if np.any(analytic == 0) or seen.vanishes[wrong].any():
        return
    best = int(np.argmin(bar / np.abs(numeric)))
    factor = numeric[best] / analytic[best]
    if np.iscomplexobj(factor) or not np.all(
        np.abs(numeric - factor * analytic)
        <= FITS * (bar + bar[best] * np.abs(analytic / analytic[best]))
    ):
        return
    if len(analytic) < min(FEWEST, claim.size):
        yield from _single_factor(suspect, 1 / factor, float(bar[best] / abs(numeric[best])))
        return
    ratio = float(1 / factor)
    positive = suspect.values > 0
    if located.complete and any(
        np.array_equal(located.mask, side) for side in (positive, ~positive)
    ):
        near = abs(ratio - 1) < NEAR_ONE
        yield Explanation(
            Cause.PRECISION if near else Cause.SLOPE,
            f"is {ratio:.7g} times the derivative of f exactly where the leaf is "
            f"{'positive' if located.mask[positive].any() else 'not positive'}",
            "look for a constant of that side that is written with too few digits"
            if near
            else "as where an activation with a kink at zero is given the slope of the other side",
            np.where(region_of(located), factor * claim, claim),
            1,
            {"ratio": ratio},
        )
    named = name_number(abs(ratio), 1e-7 * abs(ratio), suspect.surroundings)
    shown = named.full if named is not None else f"{abs(ratio):.6g}"
    sign = abs(ratio + 1) < NOTHING * 10
    yield Explanation(
        Cause.SIGN if sign else Cause.SCALE,
        "has the wrong sign there"
        if sign
        else f"is {'-' if ratio < 0 else ''}{shown} times the derivative of f there",
        "look for what these entries, and no others, go through",
        np.where(region_of(located), factor * claim, claim),
        1,
        {"ratio": ratio},
    )


def _single_factor(suspect: Suspect, ratio: float, bar: float) -> Iterator[Explanation]:
    """Name the factor of one entry or two, where it has a name; more it cannot be."""
    if abs(ratio + 1) <= 1e-6:
        yield Explanation(
            Cause.SIGN, "has the wrong sign there", "look for what is subtracted", certain=False
        )
    elif name_number(abs(ratio), max(bar, 1e-8 * abs(ratio)), suspect.surroundings):
        yield Explanation(
            Cause.SCALE,
            f"is {ratio:.6g} times the derivative of f there",
            "look for a factor that belongs to this entry alone",
            certain=False,
        )


def row_factors(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose one factor a row, or a slice along another axis; of each, two entries at least."""
    claim, whole = suspect.claim, seen.filled(suspect)
    if claim.ndim < 2 or np.iscomplexobj(claim) or whole is None:
        return
    for axis in range(claim.ndim):
        c, m, b = (
            np.moveaxis(a.reshape(claim.shape), axis, 0).reshape(claim.shape[axis], -1)
            for a in (claim, whole.numeric, whole.bar)
        )
        if c.shape[0] < 2 or c.shape[1] < 2:
            continue
        best = np.argmax(np.abs(c) / np.maximum(b, NOTHING**2 * seen.largest), axis=1)[:, None]
        factor = np.take_along_axis(m, best, 1) / np.take_along_axis(c, best, 1)
        carried = np.take_along_axis(b / np.abs(c), best, 1) * np.abs(c)
        fits = np.abs(m - factor * c) <= FITS * (b + carried) + NOTHING * np.abs(m)
        if np.isfinite(factor).all() and fits.all():
            shown = [_number(suspect, 1 / f) for f in dict.fromkeys(np.round(factor[:, 0], 12))]
            yield Explanation(
                Cause.SCALE,
                f"is off by a factor of its own in each slice along axis {axis}: "
                f"{', '.join(shown[:MOST_FACTORS])}{', ...' if len(shown) > MOST_FACTORS else ''} "
                "times the derivative",
                "look for weights, counts or lengths, one for each of them",
                claim
                * np.expand_dims(factor[:, 0], tuple(k for k in range(claim.ndim) if k != axis)),
                claim.shape[axis],
            )


def _number(suspect: Suspect, value: float) -> str:
    named = name_number(abs(value), 1e-8 * abs(value), suspect.surroundings)
    return f"{'-' if value < 0 else ''}{named.text if named else f'{abs(value):.6g}'}"


def one_off(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose that the numbers are those of the neighbour, where there is one."""
    claim, wrong = suspect.claim, seen.wrong
    if wrong.sum() < FEWEST or not 1 <= claim.ndim <= MOST_AXES:
        return
    where = np.array(np.unravel_index(seen.at[wrong], claim.shape))
    numeric, bar = seen.numeric[wrong], seen.bar[wrong]
    steps = itertools.product((0, -1, 1), repeat=claim.ndim)
    for step in sorted(steps, key=np.count_nonzero):
        there = where + np.array(step)[:, None]
        inside = np.all((there >= 0) & (there < np.array(claim.shape)[:, None]), axis=0)
        if not any(step):
            continue
        neighbours = claim[tuple(there[:, inside])]
        off = np.abs(neighbours - numeric[inside])
        same = off <= FITS * bar[inside] + NOTHING * np.abs(numeric[inside])
        telling = same[
            neighbours != 0
        ].sum()  # at the edges there is no neighbour, or a strange one
        if same.sum() >= MOST_SHIFTED * len(numeric) and telling >= FEWEST:
            along = [
                f"{'high' if k > 0 else 'low'} along axis {a}" for a, k in enumerate(step) if k
            ]
            yield Explanation(
                Cause.OFF_BY_ONE,
                "is shifted there: the gradient of an entry stands one too " + " and ".join(along),
                "look for an index or a slice that starts one off",
            )


def same_numbers(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose that the numbers are the same in another order, or only their sum."""
    located, wrong = suspect.located, seen.wrong
    if located is None or not located.complete or wrong.sum() < 2 or np.iscomplexobj(seen.numeric):
        return
    analytic, numeric, bar = (a[wrong] for a in (seen.analytic, seen.numeric, seen.bar))
    gap = np.abs(np.sort(analytic) - np.sort(numeric))
    if np.all(gap <= FITS * bar.max() + NOTHING * np.abs(numeric).max()):
        yield Explanation(
            Cause.PERMUTED,
            "holds the right numbers there in another order",
            "look for an index, a sort or a reshape that is undone the wrong way",
        )
    elif located.mask.all():
        off, size = abs(analytic.sum() - numeric.sum()), np.abs(numeric).sum()
        same = off <= FITS * bar.sum() + NOTHING * size
        if same and abs(numeric.sum()) > SOME_TOTAL * size:  # totals of 0 are equal by nature
            yield _same_total(suspect)


def _same_total(suspect: Suspect) -> Explanation:
    shape = suspect.values.shape
    n, square = max(shape), suspect.surroundings.square
    if suspect.values.size == n and n in square:
        return Explanation(
            Cause.WRONG_AXIS,
            "sums to the same total as the derivative of f",
            f"as where a sum runs over the wrong axis: {square[n]} has two axes of length {n}",
            certain=False,
        )
    return Explanation(
        Cause.OTHER,
        "sums to the same total as the derivative of f",
        "look for what is right in sum and lands in the wrong entries: an axis, the order of an "
        "index, a matrix that should be transposed",
        certain=False,
    )


def cut_off(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose that the numbers went through an array of whole numbers, or of few digits."""
    claim, wrong = suspect.claim, seen.wrong
    off = np.abs(seen.analytic - seen.numeric)[wrong]
    if np.iscomplexobj(claim) or wrong.sum() < FEWEST or not np.isfinite(claim).all():
        return
    if np.array_equal(claim, np.trunc(claim)) and off.max() <= 1:
        yield Explanation(
            Cause.DTYPE,
            "holds whole numbers only, and the derivative of f is none of them",
            "as where a gradient is written into an array of an integer dtype",
        )
    relative = off / np.maximum(np.abs(seen.numeric[wrong]), NOTHING * seen.largest)
    for dtype in (np.float16, np.float32):
        close = np.median(relative) <= SEVERAL * float(np.finfo(dtype).eps)
        if (
            close
            and np.array_equal(claim, claim.astype(dtype))
            and np.any(claim != np.trunc(claim))
        ):
            yield Explanation(
                Cause.PRECISION,
                f"holds only numbers that {dtype.__name__} has, and is right to its digits",
                f"as where it goes through an array of dtype {dtype.__name__}",
            )


def few_digits(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose the right formula with too few digits: close in every entry."""
    wrong = seen.wrong
    if wrong.sum() < FEWEST:
        return
    off = np.abs(seen.analytic - seen.numeric)[wrong] / np.maximum(
        np.abs(seen.numeric[wrong]), SMALL_ENTRY * seen.largest
    )
    if off.max() <= FEW_DIGITS and np.median(off) <= FEW_DIGITS / 3:
        yield Explanation(
            Cause.PRECISION,
            f"agrees to {-np.log10(off.max()):.1f} digits only",
            "look for a constant with too few digits, or arithmetic in few digits, in f or in the "
            "derivative",
            certain=False,
        )


def named_twice(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose rows that some index names more than once, and no others."""
    located = suspect.located
    if located is None or suspect.values.ndim == 0 or not seen.wrong.any():
        return
    n = suspect.values.shape[0]
    rows = region_of(located).reshape(n, -1).any(axis=1)
    if rows.all() or not rows.any():
        return
    for name, index in suspect.surroundings.indices.items():
        if index.min() < 0 or index.max() >= n:
            continue
        columns = [index.reshape(-1)]
        if index.ndim == 2 and 1 < index.shape[1] <= MOST_COLUMNS:
            columns.append(index)
        counts = [np.apply_along_axis(np.bincount, 0, c, minlength=n) for c in columns]
        if any(np.array_equal(rows, (c.reshape(n, -1) > 1).any(axis=1)) for c in counts):
            yield Explanation(
                Cause.DUPLICATE_INDEX,
                f"is wrong exactly where {name} names an index more than once",
                "as where a gradient is assigned (g[index] = dout) instead of accumulated "
                "(np.add.at)",
            )
            return


def some_rows(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Say only that some rows are wrong and others are not; which is a hint."""
    if seen.wrong.sum() >= FEWEST and whole_rows(suspect):
        yield Explanation(
            Cause.OTHER,
            "is wrong in whole rows and right in all others",
            "look for what treats these rows in another way: a loop that ends early, an index that "
            "names them more than once, a neighbour that is left out",
            certain=False,
        )


def repeated(suspect: Suspect, seen: Sample) -> Iterator[Explanation]:
    """Propose that one part holds, bit for bit, what belongs to another one."""
    claim, located = suspect.claim, suspect.located
    if located is None or not located.complete or seen.wrong.sum() < FEWEST:
        return
    mask = located.mask
    for axis, n in enumerate(claim.shape):
        for parts in (p for p in range(2, min(n, MOST_PARTS) + 1) if n % p == 0):
            pieces, wrong = np.split(claim, parts, axis), np.split(mask, parts, axis)
            bad = [k for k in range(parts) if wrong[k].any()]
            if len(bad) != 1 or pieces[bad[0]].size < FEWEST or not pieces[bad[0]].any():
                continue
            for k in range(parts):
                if k != bad[0] and np.array_equal(pieces[k], pieces[bad[0]]):
                    yield Explanation(
                        Cause.OTHER,
                        f"repeats there, bit for bit, what part {k} of {parts} along axis {axis} "
                        f"holds, in part {bad[0]}",
                        "as where one name is used for two gates, heads or slices",
                    )
                    return


PATTERNS = (
    zeroed,
    masked,
    region_factor,
    one_off,
    named_twice,
    repeated,
    row_factors,
    same_numbers,
    cut_off,
    few_digits,
    some_rows,
)
"""In the order in which they are tried; the first that fits is told."""
