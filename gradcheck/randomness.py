"""Holding random sources still, so that `f` draws the same numbers at every call.

Owns the reading and writing back of a source's state. Whether holding was enough is proved by the
contract, which calls `f` twice at the same point.
Second layer: uses `records` only.
"""

from __future__ import annotations

import copy
import random as standard_random
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import optree

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

    sources: tuple[_Source, ...]

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
        return cls(tuple(_Source.of(source) for source in sources))

    def rewind(self) -> None:
        """Put every source back into the state in which it was found."""
        for source in self.sources:
            source.write(source.found)

    @property
    def states(self) -> tuple[Any, ...]:
        """The states in which the sources were found, to be held in another process."""
        return tuple(source.found for source in self.sources)

    def with_states(self, states: tuple[Any, ...]) -> Held:
        """Hold the same sources at other states."""
        pairs = zip(self.sources, states, strict=True)
        return Held(tuple(replace(source, found=state) for source, state in pairs))

    def untouched(self) -> tuple[bool, ...]:
        """Tell of every source whether nothing has been drawn from it since it was rewound."""
        return tuple(_is_same(source.read(), source.found) for source in self.sources)


@dataclass(frozen=True, eq=False)
class _Source:
    """How a source's state is read and written back, and the state in which it was found."""

    read: Callable[[], Any]
    write: Callable[[Any], None]
    found: Any

    @classmethod
    def of(cls, source: object) -> _Source:
        read, write = _access(source)
        return cls(read, write, copy.deepcopy(read()))


def _is_same(now: Any, before: Any) -> bool:  # noqa: ANN401 - states are nested, of many types
    """Compare two states of one source: numbers, strings and arrays in dicts and tuples."""
    pairs = zip(
        optree.tree_leaves(now, none_is_leaf=True),
        optree.tree_leaves(before, none_is_leaf=True),
        strict=True,
    )
    return all(np.array_equal(a, b) for a, b in pairs)


def _access(source: object) -> tuple[Callable[[], Any], Callable[[Any], None]]:
    """Return the functions that read a source's state and write one back."""
    if isinstance(source, np.random.Generator):
        return _access(source.bit_generator)
    if isinstance(source, np.random.BitGenerator):
        generator = source
        return (
            lambda: generator.state,
            lambda state: setattr(generator, "state", copy.deepcopy(state)),
        )
    if isinstance(source, np.random.RandomState):
        legacy = source
        return lambda: legacy.get_state(legacy=False), legacy.set_state
    if isinstance(source, standard_random.Random):
        return source.getstate, source.setstate
    if isinstance(source, ModuleType) and source is np.random:
        # the user's source
        return lambda: np.random.get_state(legacy=False), np.random.set_state  # noqa: NPY002
    if isinstance(source, ModuleType) and source is standard_random:
        return standard_random.getstate, standard_random.setstate
    raise UsageError(
        f"random={source!r} cannot be held still; give a numpy.random.Generator or RandomState, "
        f"a random.Random, or the module numpy.random or random itself."
    )
