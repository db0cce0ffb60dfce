"""Functions computed, or seen, with fewer digits than float64.

Owns float32 and float16 points, float32 arithmetic behind a float64 interface, averages of float32
terms, values rounded to float16 or bfloat16, and inputs that f rounds before it uses them.
"""

from __future__ import annotations

from collections.abc import Iterator

import ml_dtypes
import mpmath
import numpy as np

from ..case import BRAIN, HALF, SINGLE, Case, scalar
from .exact import ELEMENTARY, Affine, sign, uniform

FUNCTIONS = ("sin", "exp", "tanh", "softplus", "cubic")
VISIBLE = 16.0  # roundoffs of f that x must move it by: rounding hides a slope below altogether
GRID = 1e-6  # to which a quantised input is rounded


def _draw(rng: np.random.Generator, dtype: type) -> tuple[str, float, float]:
    """Draw a function, and a factor and a point that are numbers of the dtype."""
    fn = str(rng.choice(FUNCTIONS))
    return fn, float(dtype(uniform(rng, 0.5))), float(dtype(uniform(rng, 0.2) * sign(rng)))


def low_precision_point(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Give a float32 or float16 point; all arithmetic is that of the point."""
    for dtype, family, roundoff in (
        (np.float32, "float32", SINGLE),
        (np.float16, "float16-point", HALF),
    ):
        for _ in range(2 * n):
            fn, a, x = _draw(rng, dtype)
            e, factor = ELEMENTARY[fn], dtype(a)
            yield scalar(
                family,
                fn,
                lambda z, e=e, a=factor: e.value(a * z),
                lambda z, e=e, a=factor: a * e.slope(a * z),
                dtype(x),
                Affine(fn, a).exact(x),
                roundoff=roundoff,
            )


def hidden_float32(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Compute in float32 behind a float64 interface, which says nothing about it."""
    for _ in range(n):
        fn, a, x = _draw(rng, np.float32)
        e, factor = ELEMENTARY[fn], np.float32(a)
        yield scalar(
            "hidden-float32",
            fn,
            lambda z, e=e, a=factor: float(e.value(a * np.float32(z))),
            lambda z, e=e, a=factor: float(a * e.slope(a * np.float32(z))),
            x,
            Affine(fn, a).exact(x),
        )


def averaged_float32(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Average 64 float32 terms in float64, which hides the granularity of each."""
    for _ in range(n):
        w = rng.normal(size=64).astype(np.float32)
        x = float(np.float32(uniform(rng)))
        slope = mpmath.fsum(
            mpmath.mpf(float(k)) * mpmath.cos(mpmath.mpf(float(k)) * mpmath.mpf(x)) for k in w
        )
        yield scalar(
            "averaged-float32",
            "sines",
            lambda z, w=w: float(np.mean(np.sin(w * np.float32(z)).astype(float))),
            lambda z, w=w: float(np.mean((w * np.cos(w * np.float32(z))).astype(float))),
            x,
            float(slope / 64),
        )


def rounded_output(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Round the value of a float64 function to float16 or bfloat16, openly or behind a float."""
    for family, rounding, dtype, roundoff in (
        ("float16-output", np.float16, np.float16, HALF),
        ("hidden-float16", lambda y: float(np.float16(y)), np.float16, HALF),
        ("hidden-bfloat16", lambda y: float(ml_dtypes.bfloat16(y)), ml_dtypes.bfloat16, BRAIN),
    ):
        for _ in range(n):
            fn, a, x = _draw(rng, dtype)
            affine = Affine(fn, a)
            while abs(affine.exact(x) * x) < VISIBLE * roundoff * abs(affine.value(x)):
                fn, a, x = _draw(rng, dtype)
                affine = Affine(fn, a)
            yield scalar(
                family,
                fn,
                lambda z, affine=affine, rounding=rounding: rounding(affine.value(z)),
                affine.slope,
                x,
                affine.exact(x),
                roundoff=roundoff,
            )


def quantised_input(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Round the input to float32 or to a grid first, and compute in float64 then.

    The derivative that is meant is that of the function without its steps.
    """
    roundings = {
        "to-float32": lambda z: float(np.float32(z)),
        "to-grid": lambda z: float(np.round(z / GRID) * GRID),
    }
    for name, rounding in roundings.items():
        for _ in range(n):
            affine = Affine(str(rng.choice(FUNCTIONS)), uniform(rng, 0.5), float(rng.normal()))
            x = uniform(rng) * sign(rng)
            yield scalar(
                "quantised",
                f"{name}-{affine.fn}",
                lambda z, affine=affine, rounding=rounding: affine.value(rounding(z)),
                affine.slope,
                x,
                affine.exact(x),
            )
