"""Times of calls that take turns, so that whatever else the machine does meets all of them alike.

Owns the clock and the medians; knows nothing of what is timed.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

LONG_ENOUGH = 1e-3  # seconds: what is shorter is repeated within a turn
FEWEST = 3  # turns of each call, however long it takes


@dataclass(frozen=True)
class Patience:
    """How long to measure.

    Attributes
    ----------
    turns : int
        Of each call, at the most.
    seconds : float
        Of each call: what has taken as long has no further turn, once it has had three.
    """

    turns: int = 61
    seconds: float = 2.0


@dataclass(frozen=True)
class Times:
    """Seconds of one call, turn by turn; NaN where it was left out."""

    of: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        """Return the median time of a call."""
        return middle(self.of[name])

    def ratio(self, name: str, base: str) -> float:
        """Return the median of the ratios of two calls in the same turn."""
        return middle([a / b for a, b in zip(self.of[name], self.of[base], strict=True) if b])


def middle(numbers: list[float]) -> float:
    """Return the median of the numbers that are there; NaN where none is."""
    there = [number for number in numbers if not math.isnan(number)]
    return statistics.median(there) if there else math.nan


def take_turns(
    calls: Mapping[str, Callable[[], object]],
    patience: Patience,
    clock: Callable[[], float] = time.process_time,
) -> Times:
    """Time some calls, one after the other, again and again.

    Parameters
    ----------
    calls : mapping of str to callable
        What is timed, by name. Each is called once before, untimed.
    patience : Patience
        How often.
    clock : callable
        Time of the processor by default, of which other processes take none.
    """
    of: dict[str, list[float]] = {name: [] for name in calls}
    with _no_collection():
        repeats = {name: _repeats(call, clock) for name, call in calls.items()}
        spent = dict.fromkeys(calls, 0.0)
        for turn in range(patience.turns):
            for name, call in calls.items():
                if turn >= FEWEST and spent[name] >= patience.seconds:
                    of[name].append(math.nan)
                    continue
                taken = _timed(call, repeats[name], clock)
                spent[name] += taken
                of[name].append(taken / repeats[name])
    return Times(of)


def _repeats(call: Callable[[], object], clock: Callable[[], float]) -> int:
    call()  # what is loaded or compiled at the first call
    return max(1, math.ceil(LONG_ENOUGH / max(_timed(call, 1, clock), 1e-7)))


def _timed(call: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(repeats):
        call()
    return clock() - start


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage of one call out of the time of another, as `timeit` does."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
