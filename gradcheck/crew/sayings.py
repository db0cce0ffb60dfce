"""The sentences about workers that did not do what they were asked to.

Part of `crew`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..records import Cause, Finding
from ..space import Leaf, Space
from .orders import Lines

AGAIN = "what it had not sent back was measured again elsewhere."
MOST_NAMED = 3


def place_of(space: Space, lines: Lines, n: int, step: float = 0.0) -> str:
    """Name a line, and the step on it: `leaf ['W'] at [3, 1], step 7.6e-06`."""
    leaf = space.leaves[lines.leaf]
    entry = f" at {_index(leaf, lines.entries[n])}" if lines.entries else f", direction {n + 1}"
    return f"leaf {leaf.path}{entry}{f', step {step:.2g}' if step else ''}"


def range_of(space: Space, lines: Lines, start: int, stop: int) -> str:
    """Name some lines in a row."""
    first = place_of(space, lines, start)
    return first if stop - start == 1 else f"{first} and the {stop - start - 1} lines after it"


def _index(leaf: Leaf, k: int) -> list[int]:
    entry = k // 2 if leaf.array.dtype.kind == "c" else k
    return [int(i) for i in np.unravel_index(entry, leaf.array.shape)]


def died(places: Sequence[str]) -> Finding:
    """Say of a broken pool what its workers were doing."""
    return _event(f"a worker died; at work were {_several(places)}; {AGAIN}", places)


def vanished(worker: str, place: str) -> Finding:
    """Say of a worker that the executor has replaced without a word what it was doing."""
    return _event(
        f"worker {worker} died at {place}; the executor gave its work to another.", [place]
    )


def hung(places: Sequence[str], seconds: float) -> Finding:
    """Say of workers that no longer answer what they were doing."""
    message = (
        f"no worker has answered for {seconds:.0f} s; at work were {_several(places)}; {AGAIN}"
    )
    return _event(message, places)


def raised(place: str, trouble: str) -> Finding:
    """Say of a line what a worker met on it and this process did not."""
    message = (
        f"a worker met {trouble} on {place}; measured again in this process the line showed "
        f"nothing of the kind."
    )
    return _event(message, [place])


def refused(place: str, trouble: str) -> Finding:
    """Say why an order could not be carried out at all."""
    return _event(f"a worker could not measure {place}: {trouble}; it was done elsewhere.", [place])


def _several(places: Sequence[str]) -> str:
    named = "; ".join(places[:MOST_NAMED])
    more = len(places) - MOST_NAMED
    return f"{named}{f' and {more} more' if more > 0 else ''}" or "nobody"


def _event(message: str, places: Sequence[str]) -> Finding:
    return Finding(Cause.WORKER, message, None, {"at work": list(places)})
