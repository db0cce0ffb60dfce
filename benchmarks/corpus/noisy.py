"""Smooth functions plus something that is not.

Owns noise drawn afresh at every call, noise that is a hash of the argument, noise whose size
depends on x, and fast ripples, which at some step look like noise and at another like a slope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..case import Case, scalar
from .exact import Affine, power_of_ten, uniform

EXPONENTS = (-12, -10, -8, -6, -4, -3)


def _draw(rng: np.random.Generator) -> tuple[Affine, float]:
    fn = str(rng.choice(["sin", "exp", "tanh"]))
    return Affine(fn, uniform(rng, 0.5), float(rng.normal() * 0.3)), float(rng.normal())


def _fresh(seed: int) -> Callable[[float], float]:
    """Return a source that draws at every call and ignores the argument."""
    stream = np.random.default_rng(seed)
    return lambda z: float(stream.standard_normal())


def _hashed(seed: int) -> Callable[[float], float]:
    """Return a standard normal that is a function of the argument's bits."""

    def noise(z: float) -> float:
        low, high = np.frombuffer(np.float64(z).tobytes(), np.uint32)
        return float(np.random.default_rng([seed, int(low), int(high)]).standard_normal())

    return noise


def noise(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Add noise of one size, 1e-12 to 1e-3, stochastic and deterministic."""
    for k, exponent in enumerate(EXPONENTS * n):
        affine, x = _draw(rng)
        kind, source = (("noise", _fresh), ("noise-hashed", _hashed))[(k // len(EXPONENTS)) % 2]
        draw, size = source(int(rng.integers(1 << 30))), 10.0**exponent
        yield scalar(
            kind,
            f"1e{exponent}",
            lambda z, affine=affine, size=size, draw=draw: affine.value(z) + size * draw(z),
            affine.slope,
            x,
            affine.exact(x),
        )


def varying_noise(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Let the size of the noise depend on x, also steeply."""
    for k in range(2 * n):
        affine, x = _draw(rng)
        draw, size = _hashed(int(rng.integers(1 << 30))), power_of_ten(rng, -12, -4)
        name, profile = (
            ("relative", lambda z, affine=affine: abs(affine.value(z))),
            ("quartic", lambda z, x=x: (z / x) ** 4),
            ("steep", lambda z, x=x: np.exp(np.minimum(10 * (z - x) / abs(x), 5.0))),
        )[k % 3]
        yield scalar(
            "noise-varying",
            name,
            lambda z, affine=affine, size=size, draw=draw, profile=profile: (
                affine.value(z) + size * profile(z) * draw(z)
            ),
            affine.slope,
            x,
            affine.exact(x),
        )


def ripple(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Add a sin(w x), w 1e6 to 1e10; the derivative that is meant is that without it.

    Not a matter of right and wrong: f has the slope of the ripple, and means the other.
    """
    for _ in range(2 * n):
        affine, x = _draw(rng)
        size, w = power_of_ten(rng, -12, -6), power_of_ten(rng, 6, 10)
        yield scalar(
            "ripple",
            f"{size:.0e}-at-{w:.0e}",
            lambda z, affine=affine, size=size, w=w: affine.value(z) + size * np.sin(w * z),
            affine.slope,
            x,
            affine.exact(x),
        )
