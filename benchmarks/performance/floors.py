"""The fastest loops that one writes by hand: what no checker can be quicker than.

Owns them and the counting of evaluations; judges nothing, has no error bar and no contract.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STEP = 1e-6
VIEWED = "fd"  # native floats, which a memoryview writes faster than NumPy does


def every_entry(f: Callable[[Any], Any], point: Any, arrays: list[np.ndarray]) -> list[Any]:
    """Take a central difference at every entry of some arrays, which are changed in place.

    Parameters
    ----------
    f : callable
        Of the point.
    point : pytree
        Of which the arrays are part, or that shares their memory.
    arrays : list of arrays
        Contiguous. Each entry costs two evaluations.
    """
    slopes = []
    for array in arrays:
        flat = array.reshape(-1)
        view = memoryview(flat) if flat.dtype.char in VIEWED else flat
        for i, value in enumerate(flat.tolist()):
            view[i] = value + STEP
            right = f(point)
            view[i] = value - STEP
            slopes.append((right - f(point)) / (2 * STEP))
            view[i] = value
    return slopes


def one_direction(
    f: Callable[[Any], Any], claim: Callable[[Any], Any], calls: Calls, x: Any
) -> Any:
    """Draw a direction, and make as many calls as somebody else has made."""
    direction = np.random.default_rng(0).random(x.shape[0])
    direction -= 0.5
    for _ in range(calls.f):
        f(x)
    for _ in range(calls.claim):
        claim(x)
    return direction


class Calls:
    """Counts the calls of a function and of a claim."""

    def __init__(self) -> None:
        self.f = 0
        self.claim = 0

    def of_f(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts its calls."""

        def counted(*args: Any) -> Any:
            self.f += 1
            return f(*args)

        return counted

    def of_claim(self, claim: Callable[..., Any]) -> Callable[..., Any]:
        """Return a claim that counts its calls."""

        def counted(*args: Any) -> Any:
            self.claim += 1
            return claim(*args)

        return counted


class Uncounted(Calls):
    """Counts nothing, and so costs nothing."""

    def of_f(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Return it as it is."""
        return f

    def of_claim(self, claim: Callable[..., Any]) -> Callable[..., Any]:
        """Return it as it is."""
        return claim
