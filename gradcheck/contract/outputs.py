"""Other questions to ask of an output: its small entries, one array of it, one entry alone.

One dense cotangent adds all outputs up, and an error in a single one, or in those that are small
beside the rest, drowns in the sum.
Part of `contract`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..execution import Origin
from ..space import Array, draw_weights, is_floating, least_normal, rms, unit_roundoff
from .calls import claim_at

FLATTEST = 1e-6  # outputs below this share of the rms are not weighted up any further
FLATTEST_OF_FEW_DIGITS = 1e-2


@dataclass(frozen=True, eq=False)
class View:
    """The same point with another cotangent; `name` says what of the output it looks at."""

    name: str
    origin: Origin


def views(origin: Origin, singles: int | None, rng: np.random.Generator) -> Iterator[View]:
    """Pair the output with other cotangents, and evaluate the claim for each, when it is asked for.

    Parameters
    ----------
    origin : Origin
        The point, with a dense cotangent.
    singles : int or None
        Entries to look at alone, of each array of the output; None for all.
    rng : numpy.random.Generator
        Draws weights and entries.

    Yields
    ------
    View
        Without those for which the claim cannot be evaluated. Costs one evaluation of `f`, because
        the claim may read what the last forward pass kept; one each, where it may use that up.
    """
    if sum(array.size for array in origin.output.arrays.values()) <= 1:
        return
    if origin.evaluator.claim_is_callable and not origin.forward_first:
        origin.evaluator.forward(origin.space.point())  # a layer reads what it kept of this point
    for name, cotangent in _cotangents(origin, singles, rng):
        there = claim_at(replace(origin, cotangent=cotangent), origin.space)
        if there is not None:
            yield View(name, there)


def room_of_views(origin: Origin, singles: int | None) -> int:
    """Return how many numbers all views together hold: claims and cotangents."""
    sizes = [array.size for array in origin.output.arrays.values()]
    count = sum(size if singles is None else min(singles, size) for size in sizes)
    return count * (sum(sizes) + sum(claim.size for claim in origin.claimed.values()))


def _cotangents(
    origin: Origin, singles: int | None, rng: np.random.Generator
) -> Iterator[tuple[str, dict[str, Array]]]:
    outputs = origin.output.arrays
    nothing = {path: np.zeros_like(weights) for path, weights in origin.cotangent.items()}
    yield "all outputs, the small ones weighted up", _equalised(origin, rng)
    if len(outputs) > 1:
        for path, weights in origin.cotangent.items():
            yield f"output {path}", {**nothing, path: weights}
    for path, array in outputs.items():
        if array.size > 1:
            count = array.size if singles is None else min(singles, array.size)
            for entry in np.sort(rng.choice(array.size, size=count, replace=False)):
                alone = np.zeros_like(nothing[path])
                where = np.unravel_index(int(entry), array.shape)
                alone[where] = 1.0
                index = ", ".join(str(int(k)) for k in where)
                yield f"output {'' if path == 'x' else path}[{index}]", {**nothing, path: alone}


def _equalised(origin: Origin, rng: np.random.Generator) -> dict[str, Array]:
    """Weigh every output by the inverse of its own size, within limits, in its own precision."""
    drawn = {}
    dtypes = {claim.dtype for claim in origin.claimed.values() if is_floating(claim.dtype)}
    for path, array in (origin.short or origin).output.arrays.items():
        # below that numbers are steps of one size, in f or the claim, which weights would enlarge
        normal = max(least_normal(dtype) for dtype in (array.dtype, *dtypes))
        size = np.maximum(np.abs(array).astype(np.float64), normal)
        typical = rms(size)
        few = unit_roundoff(array.dtype) > unit_roundoff(np.dtype(np.float64))
        least = FLATTEST_OF_FEW_DIGITS if few else FLATTEST
        share = np.maximum(size / typical, least)  # before anything is multiplied: sizes underflow
        weights = draw_weights(rng, array.shape, array.dtype) / share
        drawn[path] = weights.astype(array.dtype).astype(weights.dtype)
    return drawn
