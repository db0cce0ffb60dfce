"""The slope of another activation: the claim fits once one known slope is exchanged for another.

The leaf is taken to be what goes into the activation, as where the layer alone is checked.
Part of `diagnose`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from ..records import Cause
from ..space import Array
from .numbers import name_number
from .suspect import Explanation, Suspect, coefficients

LARGEST = 10**5  # entries: beyond, these are not tried
GELU = math.sqrt(2 / math.pi)
CUBIC = 0.044715  # of the tanh form of GELU (Hendrycks and Gimpel 2016)


def _sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def _normal_cdf(z: Array) -> Array:
    return np.asarray(np.vectorize(math.erf, otypes=[float])(z / math.sqrt(2)) / 2 + 0.5)


def _gelu_tanh(z: Array) -> Array:
    t = np.tanh(GELU * (z + CUBIC * z**3))
    return np.asarray((1 + t) / 2 + z / 2 * (1 - t**2) * GELU * (1 + 3 * CUBIC * z**2))


def _gated(z: Array, gate: float) -> Array:
    s = _sigmoid(gate * z)
    return np.asarray(s + gate * z * s * (1 - s))


NONE = "no slope at all"
POWERS = {
    1: "x",
    -1: "1/x",
    2: "x^2",
    -2: "1/x^2",
    3: "x^3",
    -3: "1/x^3",
    0.5: "sqrt(x)",
    -0.5: "1/sqrt(x)",
}
Slope = Callable[[Array], Array]

TRUE: dict[str, Slope] = {
    "sigmoid": lambda z: _sigmoid(z) * (1 - _sigmoid(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "ReLU": lambda z: (z > 0).astype(float),
    "leaky ReLU": lambda z: np.where(z > 0, 1.0, 0.01),
    "softplus": _sigmoid,
    "GELU": lambda z: _normal_cdf(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    "the tanh form of GELU": _gelu_tanh,
    "the sigmoid form of GELU": lambda z: _gated(z, 1.702),
    "SiLU": lambda z: _gated(z, 1.0),
    "ELU": lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0))),
    "exp": np.exp,
    "sin": np.cos,
    "cos": lambda z: -np.sin(z),
    "the square": lambda z: 2 * z,
    "the cube": lambda z: 3 * z**2,
    "log": lambda z: 1 / z,
    "sqrt": lambda z: 0.5 / np.sqrt(z),
    "1/x": lambda z: -1 / z**2,
    "arctan": lambda z: 1 / (1 + z**2),
    "softsign": lambda z: 1 / (1 + np.abs(z)) ** 2,
}
"""Slopes that f may have, by the name of the activation."""

MISTAKEN: dict[str, Slope] = {
    NONE: np.ones_like,
    **{f"the slope of {name}": slope for name, slope in TRUE.items()},
    "x (1 - x) of the input": lambda z: z * (1 - z),
    "1 - x^2 of the input": lambda z: 1 - z**2,
    "tanh(x)": np.tanh,
    "1 - tanh(x)": lambda z: 1 - np.tanh(z),
    "1 - sigmoid(x)": lambda z: 1 - _sigmoid(z),
    "the input itself": lambda z: z,
    "sin(x)": np.sin,
    "log(x)": np.log,
}
"""Slopes that a claim may have instead."""


def power_of_leaf(suspect: Suspect) -> Iterator[Explanation]:
    """Propose a power of the leaf, times a number, as the factor that the claim lacks."""
    claim, x = suspect.claim, suspect.values
    if claim.dtype.kind == "c" or not 3 <= claim.size <= LARGEST:
        return
    if all(abs(reading.numeric) <= reading.bar for reading in suspect.readings):
        return  # of a derivative of zero no factor is found, but rounding
    for power, form in POWERS.items():
        term = claim * x**power
        if not np.isfinite(term).all():
            continue
        found = coefficients(suspect, np.zeros_like(claim), [term])
        if found is None or found[0] == 0:
            continue
        factor = float(found[0])
        named = name_number(abs(factor), 1e-7 * abs(factor), suspect.surroundings)
        size = named.text if named is not None else f"{abs(factor):.6g}"
        shown = f"{size} " if size != "1" else ""
        yield Explanation(
            Cause.SLOPE,
            f"lacks a factor {'-' if factor < 0 else ''}{shown}{form}, where x is the leaf",
            "look at an exponent, or at the inner derivative of a power, a quotient or a logarithm",
            factor * term,
            1,
            {"coefficient": factor, "power": power},
        )


def other_slope(suspect: Suspect) -> Iterator[Explanation]:
    """Exchange every slope that a claim may have for every one that f may have."""
    claim, z = suspect.claim, suspect.values
    if claim.dtype.kind == "c" or not 2 <= claim.size <= LARGEST:
        return
    wrong = {name: slope(z) for name, slope in MISTAKEN.items()}
    right = {name: slope(z) for name, slope in TRUE.items()}
    for (mistaken, has), (name, should) in itertools.product(wrong.items(), right.items()):
        gradient = claim * should / has
        if np.isfinite(gradient).all():
            yield Explanation(
                Cause.SLOPE,
                f"lacks the slope of {name}, taken at the leaf"
                if mistaken == NONE
                else f"has {mistaken} where f has the slope of {name}",
                "look at the derivative of the activation, and at what it is evaluated",
                gradient,
            )
