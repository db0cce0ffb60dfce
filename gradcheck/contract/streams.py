"""The global random states of NumPy and of Python: who draws from them without saying so.

Reads them only: what the caller's code drew from them stays drawn.
Part of `contract`.
"""

from __future__ import annotations

import random as standard_random
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..records import Cause, Finding, Problem

NUMPY, PYTHON = "numpy.random", "random"


@dataclass(frozen=True, eq=False)
class Streams:
    """The global states at one moment, of the sources that the problem does not hold still."""

    states: dict[str, Any]

    @classmethod
    def now(cls, problem: Problem) -> Streams:
        """Note the states."""
        held = {id(source) for source in problem.random}
        states: dict[str, Any] = {}
        legacy = np.random.mtrand._rand
        if not {id(np.random), id(legacy)} & held:
            states[NUMPY] = np.random.get_state(legacy=False)  # noqa: NPY002 - read only
        if id(standard_random) not in held:
            states[PYTHON] = standard_random.getstate()
        return cls(states)

    def changed(self, later: Streams) -> tuple[str, ...]:
        """Name the modules whose states are others later."""
        return tuple(
            name for name, state in self.states.items() if not _same(state, later.states[name])
        )


def _same(a: Any, b: Any) -> bool:  # noqa: ANN401 - a state is a nest of whatever
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return bool(np.array_equal(a, b))
    return bool(a == b)


def drawn_from(names: tuple[str, ...], draws: dict[str, tuple[str, ...]]) -> tuple[Finding, ...]:
    """Remark on global states that were drawn from, one finding for each.

    `draws` says from which f and the derivative draw at every call.
    """
    return tuple(_drawn_from(name, [who for who in draws if name in draws[who]]) for name in names)


def _drawn_from(name: str, seen: list[str]) -> Finding:
    who = " and ".join(seen) or "f or the derivative"
    return Finding(
        Cause.CONSUMES_RANDOMNESS,
        f"{who} {'draw' if len(seen) > 1 else 'draws'} from the global state of {name}, although "
        f"nothing that is returned depends on it; a check calls f dozens of times, so whatever "
        f"draws from it later gets other numbers; random={_spelled(name)} holds it still.",
        None,
        {"source": name, "who": who},
    )


def _spelled(name: str) -> str:
    return "np.random" if name == NUMPY else name
