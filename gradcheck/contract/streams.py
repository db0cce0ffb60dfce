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


def drawn_from(by_f: tuple[str, ...], by_claim: tuple[str, ...]) -> tuple[Finding, ...]:
    """Remark on global states that were drawn from, one finding for each."""
    remarks = []
    for name in (NUMPY, PYTHON):
        who = [
            *(["f"] if name in by_f else []),
            *(["the derivative"] if name in by_claim else []),
        ]
        if who:
            remarks.append(
                Finding(
                    Cause.CONSUMES_RANDOMNESS,
                    f"{' and '.join(who)} {'draw' if len(who) > 1 else 'draws'} from the global "
                    f"state of {name}, although nothing that is returned depends on it; a check "
                    f"calls f dozens of times, so whatever draws from it later gets other numbers; "
                    f"random={_spelled(name)} holds it still.",
                    None,
                    {"source": name, "who": " and ".join(who)},
                )
            )
    return tuple(remarks)


def _spelled(name: str) -> str:
    return "np.random" if name == NUMPY else name
