"""What normalising layers take away: a mean held constant, a variance held constant, a row sum.

The leaf is taken to be what the layer normalises, as where the layer alone is checked.
Layer norm: dx = (g - mean(g) - x̂ mean(g x̂)) / sigma (Ba, Kiros and Hinton 2016); softmax:
dz = p (g - sum(p g)).
Part of `diagnose`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..records import Cause
from ..space import Array
from .suspect import Explanation, Suspect, coefficients

EPSILONS = (0.0, 1e-12, 1e-8, 1e-6, 1e-5, 1e-3)  # what is usually added to a variance
LARGEST = 10**5  # entries: beyond, these are not tried


def normalised(suspect: Suspect) -> Iterator[Explanation]:
    """Propose statistics that were treated as constants, axis by axis."""
    claim, x = suspect.claim, suspect.values
    if not 2 <= claim.size <= LARGEST:
        return
    for axis in range(claim.ndim):
        if claim.shape[axis] < 2:
            continue
        mean = _mean(claim, axis)
        yield from _means(suspect, claim, mean, axis)
        for epsilon in EPSILONS:
            centred = x - _mean(x, axis)
            yield from _statistics(claim, mean, _over_rms(centred, axis, epsilon), axis)
            scaled = _over_rms(x, axis, epsilon)
            yield _missing(
                f"lacks its projection on the leaf along axis {axis}",
                "as where a norm or a root mean square is treated as a constant",
                claim - scaled * _mean(claim * scaled, axis),
            )


def _means(suspect: Suspect, claim: Array, mean: Array, axis: int) -> Iterator[Explanation]:
    yield _missing(
        f"does not average to zero along axis {axis}, and should: it is off by its own mean",
        "as where the mean in a normalisation is treated as a constant, or counted twice",
        claim - mean,
    )
    found = coefficients(suspect, claim, [mean + np.zeros_like(claim)])
    if found is not None:
        share = float(found[0])
        yield Explanation(
            Cause.EXTRA_TERM if share > 0 else Cause.MISSING_TERM,
            f"is off by {abs(share):.6g} of its own mean along axis {axis}",
            "as where the mean of a normalisation is subtracted too often, or not wholly",
            claim + share * mean,
            1,
            {"coefficient": share},
        )


def _statistics(claim: Array, mean: Array, hat: Array, axis: int) -> Iterator[Explanation]:
    along = hat * _mean(claim * hat, axis)
    yield _missing(
        f"lacks the terms of a mean and a variance along axis {axis}",
        "as where a normalisation takes both for constants in its backward pass",
        claim - mean - along,
    )
    yield _missing(
        f"lacks the term of a variance along axis {axis}",
        "as where a normalisation takes its variance for a constant in its backward pass",
        claim - along,
    )


def softmaxed(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that the sum of a softmax is left out, or only its diagonal kept."""
    claim, z = suspect.claim, suspect.values
    if claim.dtype.kind == "c" or not 2 <= claim.size <= LARGEST:
        return
    for axis in range(claim.ndim):
        if claim.shape[axis] < 2:
            continue
        p = np.exp(z - z.max(axis, keepdims=True))
        p /= p.sum(axis, keepdims=True)
        usual = "as where the Jacobian of softmax is taken for diagonal"
        yield _missing(
            f"lacks the sum of a softmax along axis {axis}",
            usual,
            claim - p * claim.sum(axis, keepdims=True),
        )
        pulled = claim / (1 - p)
        yield _missing(
            f"is the diagonal p (1 - p) of a softmax along axis {axis} alone",
            usual,
            pulled - p * pulled.sum(axis, keepdims=True),
        )


def _missing(seen: str, usual: str, gradient: Array) -> Explanation:
    return Explanation(Cause.MISSING_TERM, seen, usual, gradient)


def _mean(array: Array, axis: int) -> Array:
    return np.asarray(array.mean(axis, keepdims=True))


def _over_rms(array: Array, axis: int, epsilon: float) -> Array:
    return np.asarray(array / np.sqrt(_mean(np.abs(array) ** 2, axis) + epsilon))
