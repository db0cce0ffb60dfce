"""A known array as a factor: a gain that was forgotten, weights, the other operand of a product.

numeric = claim · A^p, entry by entry or along one axis, where A is another leaf or an array that f
or the claim refers to.
Part of `diagnose`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..records import Cause
from ..space import Array
from .suspect import MOST_KNOWN, Explanation, Suspect

LARGEST = 10**5  # entries: beyond, these are not tried
FEWEST = 3  # entries of a factor: one or two fit anything
POWERS = {1: "{}", -1: "1/{}", 2: "{}^2", -2: "1/{}^2", 0.5: "sqrt({})", -0.5: "1/sqrt({})"}


def weighed(suspect: Suspect) -> Iterator[Explanation]:
    """Propose a factor that is a known array, along an axis or in every entry."""
    claim = suspect.claim
    if not FEWEST <= claim.size <= LARGEST:
        return
    for name, axis, array in _factors(suspect):
        for power, form in POWERS.items():
            gradient = claim * array**power
            if not np.isfinite(gradient).all():
                continue
            if axis is None and _is_mask(array):
                yield Explanation(
                    Cause.DROPOUT_MASK,
                    f"lacks the mask {name}",
                    "as where a dropout or a padding masks the forward pass and not the backward",
                    gradient,
                )
            along = f", along axis {axis}" if axis is not None else ", entry by entry"
            yield Explanation(
                Cause.SCALE if axis is not None else Cause.OTHER,
                f"lacks the factor {form.format(name)}{along}",
                "as where a gain, weights or the upstream gradient are not multiplied by",
                gradient,
            )


def exchanged(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that one known array stands in a product where another one should."""
    claim = suspect.claim
    if not FEWEST <= claim.size <= LARGEST:
        return
    arrays = {"the leaf itself": suspect.values, **suspect.known}
    for name, has in arrays.items():
        for other, should in arrays.items():
            gradient = claim * (should / has)
            if name != other and np.isfinite(gradient).all():
                yield Explanation(
                    Cause.OTHER,
                    f"is multiplied by {name} and should be by {other}",
                    "look for one operand of a product that stands in the place of the other",
                    gradient,
                )


def _factors(suspect: Suspect) -> Iterator[tuple[str, int | None, Array]]:
    """List arrays of the shape of the leaf, and of one axis of it, shaped to multiply."""
    shape = suspect.values.shape
    for name, array in suspect.known.items():
        yield name, None, array
    vectors = {
        **{leaf.path: leaf.base for leaf in suspect.origin.space.leaves if leaf.base is not None},
        **suspect.surroundings.arrays,
    }
    flat = {n: v.reshape(-1) for n, v in vectors.items() if v.size in shape and v.size >= FEWEST}
    for name, vector in list(flat.items())[:MOST_KNOWN]:
        for axis, n in enumerate(shape):
            if n == vector.size and len(shape) > 1 and vector.dtype.kind == "f":
                ahead = tuple(k for k in range(len(shape)) if k != axis)
                yield name, axis, np.expand_dims(vector, ahead)


def _is_mask(array: Array) -> bool:
    """Whether an array holds zeros and one other number."""
    return bool((array == 0).any()) and len(np.unique(array)) == 2
