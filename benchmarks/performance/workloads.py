"""Functions whose gradient is known, cheap enough that what is beside them shows.

Owns functions, right gradients and points; measures nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Workload:
    """A function, its gradient, and a point."""

    f: Callable[[Any], float]
    gradient: Callable[[Any], Any]
    x: Any


def squares(n: int, dtype: str = "float64") -> Workload:
    """Return x . x, the cheapest function of n numbers that depends on each of them."""
    x = np.random.default_rng(0).standard_normal(n).astype(dtype)
    return Workload(lambda x: x.dot(x), lambda x: 2 * x, x)


def weighted(n: int) -> Workload:
    """Return a . x, whose gradient is at hand."""
    a = np.random.default_rng(0).standard_normal(n)
    x = np.random.default_rng(1).standard_normal(n)
    return Workload(lambda x: a.dot(x), lambda x: a.copy(), x)


def network() -> Workload:
    """Return the loss of a small network, whose parameters are a dict of arrays."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.standard_normal((10, 32)), rng.standard_normal((5, 32))
    x = {
        "W1": rng.standard_normal((20, 10)),
        "b1": np.full(20, 0.1),
        "W2": rng.standard_normal((5, 20)),
        "b2": np.full(5, 0.1),
    }

    def forward(p):
        hidden = np.tanh(p["W1"] @ inputs + p["b1"][:, None])
        return hidden, p["W2"] @ hidden + p["b2"][:, None] - targets

    def loss(p):
        _, off = forward(p)
        return 0.5 * np.sum(off * off)

    def gradient(p):
        hidden, off = forward(p)
        back = (p["W2"].T @ off) * (1 - hidden * hidden)
        return {"W1": back @ inputs.T, "b1": back.sum(1), "W2": off @ hidden.T, "b2": off.sum(1)}

    return Workload(loss, gradient, x)


def parabola(n: int, seed: int) -> Workload:
    """Return a . x + b . x^2 / 2."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-2, 2, (2, n))
    return Workload(
        lambda x: float(np.vdot(a + 0.5 * b * x, x)), lambda x: a + b * x, rng.standard_normal(n)
    )


def waves(n: int, seed: int) -> Workload:
    """Return a . sin(b x)."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-2, 2, n), rng.uniform(0.5, 2, n)
    return Workload(
        lambda x: float(a.dot(np.sin(b * x))),
        lambda x: a * b * np.cos(b * x),
        rng.standard_normal(n),
    )


# --- for processes, to which functions travel by their names ------------------------------------


@dataclass(frozen=True)
class Sleeping:
    """x . x after a while in which the processor is free, as in waiting for another machine."""

    seconds: float

    def __call__(self, x: np.ndarray) -> float:
        """Evaluate it."""
        time.sleep(self.seconds)
        return float(x.dot(x))


@dataclass(frozen=True)
class Computing:
    """x . x after a while in which the processor is not free."""

    seconds: float
    rounds: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rounds", 1)
        shortest = min(self._seconds_of(1000) for _ in range(20))
        object.__setattr__(self, "rounds", max(1, round(1000 * self.seconds / shortest)))

    def __call__(self, x: np.ndarray) -> float:
        """Evaluate it."""
        for _ in range(self.rounds):
            pass
        return float(x.dot(x))

    def _seconds_of(self, rounds: int) -> float:
        start = time.process_time()
        for _ in range(rounds):
            pass
        return time.process_time() - start


def twice(x: np.ndarray) -> np.ndarray:
    """Return the gradient of x . x."""
    return 2 * x
