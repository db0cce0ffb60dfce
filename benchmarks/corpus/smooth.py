"""Functions without trouble, at every scale: what must cost little and pass.

Owns smooth functions of one number, badly scaled ones, points near 0 and near the ends of the
exponent range, strong curvature, cancellation, flat and nearly flat functions, linear ones, and
arrays whose entries differ by many orders of magnitude.
"""

from __future__ import annotations

from collections.abc import Iterator

import mpmath
import numpy as np

from ..case import Case, scalar, spread
from .exact import SMOOTH, Affine, power_of_ten, sign, uniform


def smooth(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Draw functions of unit scale at points of unit scale."""
    for fn in SMOOTH:
        for _ in range(n):
            a, b, amplitude, x = uniform(rng), *map(float, rng.normal(size=3) * (0.3, 1, 1))
            yield Affine(fn, a, b, amplitude).case("smooth", x)
    for _ in range(n):
        a, x = map(float, rng.normal(size=2))
        norm = mpmath.sqrt(mpmath.mpf(a) ** 2 + mpmath.mpf(x) ** 2)
        yield scalar(
            "smooth",
            "norm",
            lambda z, a=a: np.hypot(z, a),
            lambda z, a=a: z / np.hypot(z, a),
            x,
            float(mpmath.mpf(x) / norm),
        )


def scaled(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Scale the argument and the value by 1e-8 to 1e8 each, and both badly at once."""
    for fn in SMOOTH:
        for _ in range(n):
            k = power_of_ten(rng, -8, 8)
            affine = Affine(fn, 1 / k, 0.0, power_of_ten(rng, -8, 8))
            yield affine.case("scaled", k * uniform(rng))
    for _ in range(n):
        k = 10.0 ** (6 * sign(rng))
        affine = Affine("sin", 1 / k, float(rng.normal()), 1 / k)
        yield affine.case("ill-scaled", k * uniform(rng, 0.5))


def tiny_and_huge(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Put the point where its own size says little, or near the ends of the exponent range."""
    for _ in range(n):
        b = float(rng.normal())
        yield Affine("sin", 1.0, b).case("tiny-x", power_of_ten(rng, -8, -3))
        yield Affine("gauss", 1.0, b, offset=1.0).case("tiny-x", power_of_ten(rng, -8, -3))
        yield Affine("sin", 1.0, b).case("extreme-x", power_of_ten(rng, -300, -20))
        k = power_of_ten(rng, -300, 300)
        yield Affine("sin", 1 / k).case("extreme-x", k * uniform(rng))
        yield Affine("log").case("extreme-x", power_of_ten(rng, -300, 300))
        yield Affine("sqrt").case("extreme-x", power_of_ten(rng, -300, 300))
        # no shift: rounding x + b at 1e8 would spoil the claim itself
        yield Affine("sin").case("huge-x", 1e8 * uniform(rng))
        c = 1e8 * uniform(rng)
        yield Affine("gauss", 1.0, -c).case("huge-x", c + uniform(rng) * sign(rng))


def curvature(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Let the function turn within a small part of |x|."""
    for _ in range(n):
        b = float(rng.normal())
        yield Affine("sin", 1000.0, b).case("curvature", uniform(rng))
        yield Affine("exp", 50.0).case("curvature", uniform(rng, -1, 1))
        yield Affine("inverse").case("curvature", power_of_ten(rng, -6, -1))
        yield Affine("sin", 1.0, b).case("curvature", uniform(rng, 1e3, 1e5))


def cancellation(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Add a large offset; or add and subtract one, so that the value does not show it."""
    for _ in range(n):
        for offset in (1e4, 1e6):
            a, b, x = uniform(rng, 0.5), *map(float, rng.normal(size=2))
            yield Affine("sin", a, b, offset=offset).case("cancellation", x)
        k, x = uniform(rng, 0.5), float(rng.normal())
        inner = Affine("sin", k, 1e3)
        yield scalar(
            "cancellation",
            "hidden-offset",
            lambda z, inner=inner: (1e3 + inner.value(z)) - 1e3,
            inner.slope,
            x,
            inner.exact(x),
        )


def flat(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Take a constant, a minimum, a leaf that f does not use: the derivative is 0."""
    for _ in range(n):
        c, x = map(float, rng.normal(size=2))
        m = rng.normal(size=5)
        yield scalar("flat", "constant", lambda z, c=c: c, lambda z: 0.0, x, 0.0)
        yield scalar("flat", "even", lambda z, c=c: np.cos(z) + c, lambda z: -np.sin(z), 0.0, 0.0)
        yield spread(
            "flat",
            "minimum",
            lambda z, m=m: np.sum((z - m) ** 2),
            lambda z, m=m: 2 * (z - m),
            m.copy(),
            rng.normal(size=5),
            0.0,
        )
        yield spread(
            "flat",
            "unused",
            lambda p: np.sum(np.sin(p["used"])),
            lambda p: {"used": np.cos(p["used"]), "unused": np.zeros_like(p["unused"])},
            {"used": m.copy(), "unused": rng.normal(size=3)},
            {"used": np.zeros(5), "unused": rng.normal(size=3)},
            0.0,
        )


def nearly_flat(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Add a slope of 1e-7 to an offset of 1."""
    for _ in range(n):
        c, x = map(float, rng.normal(size=2))
        yield Affine("sin", 1.0, c, 1e-7, 1.0).case("tiny-slope", x)


def linear(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Take linear functions of a number and of an array."""
    for _ in range(n):
        a, c, x = map(float, rng.normal(size=3))
        yield scalar("linear", "line", lambda z, a=a, c=c: c + a * z, lambda z, a=a: a, x, a)
        w, v = rng.normal(size=(2, 12))
        yield spread(
            "linear",
            "plane",
            lambda z, w=w: np.dot(w, z),
            lambda z, w=w: w.copy(),
            rng.normal(size=12),
            v,
            float(mpmath.fdot(map(float, w), map(float, v))),
        )


def spread_leaf(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Let the entries of one array differ by 12 orders of magnitude.

    Along a direction with the same spread every entry moves by its own size; along a plain one
    the smallest entries move by 1e12 times theirs.
    """
    for _ in range(n):
        x = 10.0 ** rng.uniform(-6, 6, size=8)
        k = x * rng.uniform(0.5, 2, size=8)
        own, plain = x * rng.normal(size=8), rng.normal(size=8)
        for name, v in (("own", own), ("plain", plain)):
            slope = mpmath.fsum(mpmath.mpf(float(b)) / float(a) for a, b in zip(x, v, strict=True))
            yield spread(
                "spread-leaf",
                f"log-{name}",
                lambda z: np.sum(np.log(z)),
                lambda z: 1 / z,
                x,
                v,
                float(slope),
            )
        slope = mpmath.fsum(
            mpmath.cos(mpmath.mpf(float(a)) / float(c)) * float(b) / float(c)
            for a, b, c in zip(x, own, k, strict=True)
        )
        yield spread(
            "spread-leaf",
            "sin-own",
            lambda z, k=k: np.sum(np.sin(z / k)),
            lambda z, k=k: np.cos(z / k) / k,
            x,
            own,
            float(slope),
        )
