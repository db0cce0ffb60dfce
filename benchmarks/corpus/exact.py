"""Elementary functions in floating point, with their derivatives to 50 digits.

Owns the table of functions and the affine family offset + amplitude fn(a x + b), from which most
one-dimensional cases are made. The exact derivative is taken at the very floats, not at the
decimals they stand for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from ..case import Case, scalar

mpmath.mp.dps = 50  # far beyond float64, also after cancelling 16 digits


@dataclass(frozen=True)
class Elementary:
    """A function of one number and its derivative, as code and to 50 digits."""

    value: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    exact: Callable[[mpmath.mpf], mpmath.mpf]


ELEMENTARY = {
    "sin": Elementary(np.sin, np.cos, mpmath.cos),
    "exp": Elementary(np.exp, np.exp, mpmath.exp),
    "tanh": Elementary(np.tanh, lambda z: 1 / np.cosh(z) ** 2, lambda z: 1 / mpmath.cosh(z) ** 2),
    "cubic": Elementary(lambda z: z**3 - 2 * z, lambda z: 3 * z**2 - 2, lambda z: 3 * z**2 - 2),
    "gauss": Elementary(
        lambda z: np.exp(-z * z),
        lambda z: -2 * z * np.exp(-z * z),
        lambda z: -2 * z * mpmath.exp(-z * z),
    ),
    "softplus": Elementary(
        lambda z: np.logaddexp(0, z),
        lambda z: 1 / (1 + np.exp(-z)),
        lambda z: 1 / (1 + mpmath.exp(-z)),
    ),
    "log": Elementary(np.log, lambda z: 1 / z, lambda z: 1 / z),
    "sqrt": Elementary(np.sqrt, lambda z: 0.5 / np.sqrt(z), lambda z: 1 / (2 * mpmath.sqrt(z))),
    "inverse": Elementary(lambda z: 1 / z, lambda z: -1 / z**2, lambda z: -1 / z**2),
}
SMOOTH = ("sin", "exp", "tanh", "cubic", "gauss", "softplus")


@dataclass(frozen=True)
class Affine:
    """offset + amplitude fn(a x + b)."""

    fn: str
    a: float = 1.0
    b: float = 0.0
    amplitude: float = 1.0
    offset: float = 0.0

    def value(self, x):
        """Evaluate in the arithmetic of x."""
        return self.offset + self.amplitude * ELEMENTARY[self.fn].value(self.a * x + self.b)

    def slope(self, x):
        """Evaluate the derivative in the arithmetic of x."""
        return self.amplitude * self.a * ELEMENTARY[self.fn].slope(self.a * x + self.b)

    def exact(self, x) -> float:
        """Evaluate the derivative to 50 digits, and round it."""
        z = mpmath.mpf(self.a) * mpmath.mpf(float(x)) + mpmath.mpf(self.b)
        return float(mpmath.mpf(self.amplitude) * mpmath.mpf(self.a) * ELEMENTARY[self.fn].exact(z))

    def case(self, family: str, x: float) -> Case:
        """Build the case as it stands, at a Python float."""
        return scalar(family, self.fn, self.value, self.slope, x, self.exact(x))


def power_of_ten(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(10.0 ** rng.uniform(low, high))


def uniform(rng: np.random.Generator, low: float = 0.3, high: float = 2.0) -> float:
    """Draw a Python float; by default well away from zero."""
    return float(rng.uniform(low, high))


def sign(rng: np.random.Generator) -> float:
    """Draw 1 or -1."""
    return float(rng.choice([-1.0, 1.0]))
