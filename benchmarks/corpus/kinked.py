"""Functions of one number that are not smooth: beside x, or at x.

Owns kinks, jumps, stairs and the square root of a distance. The claim is right on either side, and
at the point itself follows the code's own branch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import mpmath
import numpy as np

from ..case import Case, scalar
from .exact import Affine, power_of_ten, sign, uniform

DECADES = tuple(range(-9, -1))  # distance of the trouble from x, relative to |x|


def _beside(rng: np.random.Generator, exponent: int) -> tuple[float, float, Affine]:
    """Draw a point, a place beside it, and a smooth function."""
    x = uniform(rng) * sign(rng)
    distance = 10.0**exponent * uniform(rng, 1.0, 9.9)
    a, offset = map(float, rng.normal(size=2))
    return x, x + distance * abs(x) * sign(rng), Affine("sin", a, 0.3, 1.0, offset)


def near_kink(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Put a kink at 1e-9 to 1e-1 of |x| from x; x itself is on the flat side of the hinge."""
    for exponent in DECADES:
        for _ in range(n):
            x, place, smooth = _beside(rng, exponent)
            k, side = float(rng.normal()), math.copysign(1.0, place - x)
            yield scalar(
                "near-kink",
                f"1e{exponent}",
                lambda z, s=smooth, k=k, p=place, side=side: (
                    s.value(z) + k * max(0.0, (z - p) * side)
                ),
                lambda z, s=smooth, k=k, p=place, side=side: (
                    s.slope(z) + (k * side if (z - p) * side > 0 else 0.0)
                ),
                x,
                smooth.exact(x),
            )


def near_jump(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Put a jump of 1e-6 to 1 there."""
    for exponent in DECADES:
        for _ in range(n // 2):
            x, place, smooth = _beside(rng, exponent)
            k, side = power_of_ten(rng, -6, 0), math.copysign(1.0, place - x)
            yield scalar(
                "near-jump",
                f"1e{exponent}",
                lambda z, s=smooth, k=k, p=place, side=side: (
                    s.value(z) + (k if (z - p) * side > 0 else 0.0)
                ),
                smooth.slope,
                x,
                smooth.exact(x),
            )


def on_kink(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Put a kink exactly at x: two lines, a bent curve, |x|, the larger of two."""
    for _ in range(n):
        yield _hinge(rng, Affine("sin", 0.0), "lines")
        yield _hinge(rng, Affine("sin", 1.0, float(rng.normal())), "bent")
        c = float(rng.normal())
        size = abs(c)
        yield scalar(
            "on-kink",
            "abs",
            lambda z, c=c: abs(c * z),
            lambda z, size=size: size * float(np.sign(z)),
            0.0,
            math.nan,
            left=-size,
            right=size,
        )
        a, b = map(float, rng.normal(size=2))
        yield scalar(
            "on-kink",
            "larger",
            lambda z, a=a, b=b: max(np.exp(a * z), np.exp(b * z)),
            lambda z, a=a, b=b: a * np.exp(a * z) if a * z >= b * z else b * np.exp(b * z),
            0.0,
            math.nan,
            left=min(a, b),
            right=max(a, b),
        )


def _hinge(rng: np.random.Generator, smooth: Affine, name: str) -> Case:
    """Bend a smooth function at x."""
    x = uniform(rng) * sign(rng)
    left, right = map(float, rng.normal(size=2))
    base = smooth.exact(x)
    return scalar(
        "on-kink",
        name,
        lambda z: smooth.value(z) + (right if z >= x else left) * (z - x),
        lambda z: smooth.slope(z) + (right if z >= x else left),
        x,
        math.nan,
        left=base + left,
        right=base + right,
    )


def at_the_point(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Put a jump, or the singularity of a root, exactly at x; or stand on a stair."""
    for _ in range(n):
        x, _, smooth = _beside(rng, -3)
        k, c = power_of_ten(rng, -6, 0), uniform(rng)
        yield scalar(
            "on-jump",
            "step",
            lambda z, s=smooth, k=k, x=x: s.value(z) + (k if z > x else 0.0),
            smooth.slope,
            x,
            math.nan,
        )
        yield scalar(
            "singular",
            "root",
            lambda z, c=c, x=x: c * math.sqrt(abs(z - x)),
            lambda z, c=c, x=x: (
                0.0 if z == x else math.copysign(c / 2 / math.sqrt(abs(z - x)), z - x)
            ),
            x,
            math.nan,
        )
        a, b = map(float, rng.normal(size=2))
        stairs = lambda z, a=a, b=b: math.floor(1000 * (a * z + b)) / 1000  # noqa: E731 - in a loop
        yield scalar("staircase", "floor", stairs, lambda z: 0.0, x, _slope_on_stairs(a, b, x))


def _slope_on_stairs(a: float, b: float, x: float) -> float:
    """Return 0: x is on a step, never on an edge."""
    level = 1000 * (mpmath.mpf(a) * mpmath.mpf(x) + mpmath.mpf(b))
    return math.nan if level == mpmath.floor(level) else 0.0
