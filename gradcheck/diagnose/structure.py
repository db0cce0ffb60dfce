"""What a matrix or a cumulative sum leaves behind: its transpose missing, the wrong end.

x A x has the gradient (A + A') x, and of cumsum it is the cumulative sum from the other end.
Part of `diagnose`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..records import Cause
from ..space import Array
from .suspect import Explanation, Suspect, coefficients

FEWEST = 3  # entries along an axis: of two, a sum and a swap may look the same


def symmetric(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that the transpose of the claim is to be added, or the mean of both taken."""
    claim = suspect.claim
    if claim.ndim < 2 or claim.shape[-1] != claim.shape[-2] or claim.shape[-1] < 2:
        return
    turned = claim.swapaxes(-1, -2)
    usual = (
        "as where one of two uses of a matrix is differentiated, or a symmetrisation is left out"
    )
    yield Explanation(Cause.MISSING_TERM, "lacks its own transpose", usual, claim + turned)
    yield Explanation(
        Cause.MISSING_TERM,
        "is not symmetric, and its symmetric part is right",
        usual,
        (claim + turned) / 2,
    )
    diagonal = np.eye(claim.shape[-1])
    yield Explanation(
        Cause.MISSING_TERM,
        "lacks its own transpose off the diagonal",
        "as where only one half of a symmetric matrix is counted",
        claim + turned - claim * diagonal,
    )


def one_sided(suspect: Suspect) -> Iterator[Explanation]:
    """Propose (M + M') x for M x, x being the leaf and M a matrix that f knows."""
    claim, x = suspect.claim, suspect.values
    if not 1 <= x.ndim <= 2 or x.shape[0] < FEWEST:
        return
    for name, M in suspect.surroundings.matrices.items():
        for side in ("times the leaf", "behind the leaf"):
            ahead = side == "times the leaf"
            if len(M) != x.shape[0 if ahead else -1] or np.array_equal(M, M.T):
                continue
            one, other = (M @ x, M.T @ x) if ahead else (x @ M, x @ M.T)
            found = coefficients(suspect, claim, [one, other])
            if found is None or not np.abs(found).max() > 0:
                continue
            a, b = (0.0 if abs(c) < 1e-7 * np.abs(found).max() else float(c) for c in found)
            what = [f"{c:.6g} times {m}" for c, m in ((a, name), (b, f"{name} transposed")) if c]
            as_symmetric = abs(a + b) < 1e-6 * abs(a)
            yield Explanation(
                Cause.MISSING_TERM,
                f"lacks {' and '.join(what)}, {side}",
                "as where a matrix is taken for symmetric"
                if as_symmetric
                else "as where x A x has the gradient A x, and not (A + A') x",
                claim + a * one + b * other,
                2,
                {"coefficients": [a, b]},
            )


def cumulative(suspect: Suspect) -> Iterator[Explanation]:
    """Propose a cumulative sum, from either end, that is missing or runs the wrong way."""
    claim = suspect.claim
    for axis, n in enumerate(claim.shape):
        if n < FEWEST:
            continue
        forward, backward = np.cumsum(claim, axis), _backward(claim, axis)
        apart = np.diff(claim, axis=axis, prepend=0)
        apart_back = -np.diff(claim, axis=axis, append=0)
        lacks = "lacks a cumulative sum along axis {}, from the {}"
        for gradient, end in ((forward, "start"), (backward, "end")):
            yield Explanation(
                Cause.MISSING_TERM,
                lacks.format(axis, end),
                "as where a step gets no gradient from those after it, or before",
                gradient,
            )
        for gradient, end in (
            (_backward(apart, axis), "start"),
            (np.cumsum(apart_back, axis), "end"),
        ):
            yield Explanation(
                Cause.OTHER,
                f"is summed from the {end} along axis {axis}, and should be from the other end",
                "as where the gradient of a cumulative sum is not reversed",
                gradient,
            )
        for gradient, end in ((apart, "start"), (apart_back, "end")):
            yield Explanation(
                Cause.MISSING_TERM,
                f"should be the difference of its own neighbours along axis {axis} (it is summed "
                f"from the {end})",
                "as where what acts between two neighbours is counted at one of them only",
                gradient,
            )


def _backward(array: Array, axis: int) -> Array:
    return np.flip(np.cumsum(np.flip(array, axis), axis), axis)
