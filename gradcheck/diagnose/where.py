"""Saying where: one entry, rows, columns, a slice, how many of how many.

Part of `diagnose`.
"""

from __future__ import annotations

import math

import numpy as np

from ..records import BoolArray

MOST_LISTED = 4  # entries or slices that are named one by one


def places(mask: BoolArray, least: str = "") -> str:
    """Describe the wrong entries: `at [3, 1]`, `in row 3`, `in 12 of 24 entries`.

    `least` is said before where there may be more: "at least ".
    """
    count = int(mask.sum())
    if count == 0 or mask.size == 1:
        return ""
    if mask.all():
        return "in every entry"
    named = _slices(mask)
    if named:
        return f"{least}in {named}"
    if count <= MOST_LISTED:
        return least + "at " + _joined([index_text(where) for where in np.argwhere(mask)])
    return f"in {least}{count} of {mask.size} entries"


def index_text(where: object) -> str:
    """Write an index as Python would: [3, 1]; nothing for a number by itself."""
    indices = [str(int(i)) for i in np.atleast_1d(np.asarray(where))]
    return f"[{', '.join(indices)}]" if indices else ""


def _slices(mask: BoolArray) -> str:
    """Name whole rows, columns or slices along one axis, if the wrong entries are these."""
    if mask.ndim < 2:
        return ""
    for axis, n in enumerate(mask.shape):
        across = tuple(k for k in range(mask.ndim) if k != axis)
        hit = mask.any(axis=across)
        if math.prod(mask.shape) == n or not np.array_equal(hit, mask.all(axis=across)):
            continue
        which = np.flatnonzero(hit)
        word = _word(mask.ndim, axis)
        if len(which) == 1:
            return f"{word} {which[0]}"
        if len(which) <= MOST_LISTED:
            return f"{word}s {_joined([str(k) for k in which])}"
        if which[-1] - which[0] + 1 == len(which):
            return f"{word}s {which[0]} to {which[-1]}"
        return f"{len(which)} of {n} {word}s"
    return ""


def _word(ndim: int, axis: int) -> str:
    if ndim == 2:
        return ("row", "column")[axis]
    return f"axis-{axis} slice"


def _joined(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
