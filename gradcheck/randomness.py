"""Holding random sources still, so that `f` draws the same numbers at every call.

Owns the reading and writing back of a source's state. Whether holding was enough is proved by the
contract, which calls `f` twice at the same point.
Second layer: uses `records` only.
"""

from __future__ import annotations

import copy
import random as standard_random
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from .records import UsageError


@dataclass(frozen=True, eq=False)
class Held:
    """Random sources with the state in which they were found.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> held = Held.of((rng,))
    >>> first = rng.normal()
    >>> held.rewind()
    >>> rng.normal() == first
    True
    """

    rewinders: tuple[Callable[[], None], ...]

    @classmethod
    def of(cls, sources: tuple[Any, ...]) -> Held:
        """Note the state of every source.

        Parameters
        ----------
        sources : tuple
            `numpy.random.Generator` (or a bit generator) and `RandomState` objects,
            `random.Random` objects, the module `numpy.random` for its legacy global state, the
            module `random` for its own.

        Raises
        ------
        UsageError
            If a source is none of these.
        """
        return cls(tuple(_rewinder(source) for source in sources))

    def rewind(self) -> None:
        """Put every source back into the state in which it was found."""
        for rewinder in self.rewinders:
            rewinder()


def _rewinder(source: object) -> Callable[[], None]:
    """Return the function that writes the source's present state back."""
    if isinstance(source, np.random.Generator):
        return _rewinder(source.bit_generator)
    if isinstance(source, np.random.BitGenerator):
        generator, kept = source, copy.deepcopy(source.state)
        return lambda: setattr(generator, "state", copy.deepcopy(kept))
    if isinstance(source, np.random.RandomState):
        legacy, state = source, source.get_state(legacy=False)
        return lambda: legacy.set_state(state)
    if isinstance(source, standard_random.Random):
        python, seen = source, source.getstate()
        return lambda: python.setstate(seen)
    if isinstance(source, ModuleType) and source is np.random:
        legacy_state = np.random.get_state(legacy=False)  # noqa: NPY002 - the user's source
        return lambda: np.random.set_state(legacy_state)  # noqa: NPY002 - likewise
    if isinstance(source, ModuleType) and source is standard_random:
        module_state = standard_random.getstate()
        return lambda: standard_random.setstate(module_state)
    raise UsageError(
        f"random={source!r} cannot be held still; give a numpy.random.Generator or RandomState, "
        f"a random.Random, or the module numpy.random or random itself."
    )
