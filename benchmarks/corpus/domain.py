"""Functions that end near x, or exactly at x.

Owns edges at a distance from 1e-10 to 1e-1 (values beyond them NaN or an exception) and domains
of which x is the first or last point: there the derivative is one-sided.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import mpmath
import numpy as np

from ..case import Case, scalar
from .exact import Affine, power_of_ten, uniform


def edge(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Come near the end of the domain, where f becomes NaN."""
    for _ in range(n):
        for fn in ("sqrt", "log"):
            yield Affine(fn).case("edge", power_of_ten(rng, -10, -1))
            yield Affine(fn, 1.0, -1 + power_of_ten(rng, -7, -2)).case("edge", 1.0)


def raising(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Do the same with functions that raise ValueError beyond the edge."""
    slopes = {math.log: lambda z: 1 / z, math.sqrt: lambda z: 0.5 / math.sqrt(z)}
    for _ in range(n):
        for fn in (math.log, math.sqrt):
            x = 1.0
            b = -1 + power_of_ten(rng, -7, -2)
            truth = Affine(fn.__name__, 1.0, b).exact(x)
            yield scalar(
                "raising",
                fn.__name__,
                lambda z, fn=fn, b=b: fn(z + b),
                lambda z, slope=slopes[fn], b=b: slope(z + b),
                x,
                truth,
            )


def one_sided(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Stand on the last point of the domain; the derivative is that from inside."""
    for _ in range(n):
        c = float(rng.normal())
        yield scalar(
            "one-sided",
            "power",
            lambda z, c=c: np.power(z, 1.5) + c * z,
            lambda z, c=c: 1.5 * np.sqrt(z) + c,
            0.0,
            c,
        )
        yield scalar(
            "one-sided",
            "python-power",  # complex, not NaN, for a negative Python float
            lambda z, c=c: z**1.5 + c * z,
            lambda z, c=c: 1.5 * z**0.5 + c,
            0.0,
            c,
        )
        yield scalar(
            "one-sided",
            "cubed-root",
            lambda z: np.sqrt(z) ** 3,
            lambda z: 1.5 * np.sqrt(z),
            0.0,
            0.0,
        )
        yield scalar(
            "one-sided",
            "shifted-power",
            lambda z, c=c: (np.float64(z) - 1) ** 1.5 * np.exp(z) + np.sin(c * z),
            lambda z, c=c: (
                (1.5 * np.sqrt(z - 1) + (np.float64(z) - 1) ** 1.5) * np.exp(z) + c * np.cos(c * z)
            ),
            1.0,
            float(mpmath.mpf(c) * mpmath.cos(mpmath.mpf(c))),
        )
        yield _guarded(rng)


def _guarded(rng: np.random.Generator) -> Case:
    """Build a smooth function that refuses all points on one side of x."""
    x = uniform(rng)
    affine = Affine("sin", uniform(rng), float(rng.normal()))
    side = int(rng.choice([-1, 1]))

    def inside(z: float) -> float:
        if (z - x) * side < 0:
            raise ValueError(f"{z} is outside of the domain")
        return z

    return scalar(
        "one-sided",
        "guarded",
        lambda z: affine.value(inside(z)),
        lambda z: affine.slope(inside(z)),
        x,
        affine.exact(x),
    )
