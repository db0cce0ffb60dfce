"""What the fuzz checks: functions of any point and their derivatives, entry by entry.

Each is right by itself; `hostile` decides what else it is up to.
"""

import random as standard_random
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .hostile import Foreign, tricks
from .points import POINTS, floating, mapped

FORMULAS = {
    "sin": (np.sin, np.cos),
    "square": (lambda a: a * a, lambda a: 2 * a),
    "linear": (lambda a: 3 * a, lambda a: 0 * a + 3),
    "constant": (np.zeros_like, np.zeros_like),
    "exp": (np.exp, np.exp),
    "abs": (np.abs, np.sign),
    "floor": (np.floor, np.zeros_like),
    "root": (lambda a: np.sqrt(np.abs(a)), lambda a: np.sign(a) / (2 * np.sqrt(np.abs(a)))),
    "log": (np.log, lambda a: 1 / a),
    "in float32": (lambda a: np.sin(np.float32(1) * np.asarray(a, "f4")), np.cos),
    "loud": (lambda a: 1e9 + np.sin(a), np.cos),
}


def _by_parts(function, leaf):
    """Apply a real function to a leaf, or to the two parts of a complex one."""
    leaf = np.asarray(leaf)
    if leaf.dtype.kind != "c":
        return function(leaf)
    return function(leaf.real) + 1j * function(leaf.imag)


def _times(slope, tangent):
    """Multiply real numbers, or those of the two parts."""
    tangent = np.asarray(tangent)
    if slope.dtype.kind != "c":
        return slope * tangent.real
    return slope.real * tangent.real + 1j * (slope.imag * tangent.imag)


def _sources():
    """Make one random source of each kind, and how to draw a number from it."""
    generator, legacy = np.random.default_rng(0), np.random.RandomState(0)
    python = standard_random.Random(0)
    return {
        "Generator": (generator, generator.standard_normal),
        "RandomState": (legacy, legacy.standard_normal),
        "Random": (python, lambda: python.gauss(0, 1)),
        "numpy.random": (np.random, lambda: np.random.standard_normal()),  # noqa: NPY002
        "random": (standard_random, lambda: standard_random.gauss(0, 1)),
    }


@dataclass(eq=False)
class Subject:
    """What is checked, and what is known of it."""

    kind: str
    formula: str
    noise: str
    x: Any
    f: Foreign
    claim: Any
    random: tuple[Any, ...]
    reference: Foreign | None
    foreign: tuple[Foreign, ...]  # f, the claim whichever way it is given, the reference


@st.composite
def subjects(draw, kinds=("grad", "vjp", "jvp")):
    """Draw a function and a claim for it, either of which may be up to anything."""
    kind, formula = draw(st.sampled_from(kinds)), draw(st.sampled_from(_FORMULAS))
    x, noise = draw(POINTS), draw(st.sampled_from(("none",) * 12 + tuple(_sources())))
    source, shake = _sources().get(noise, (None, lambda: 0.0))
    function, slope = FORMULAS[formula]
    loud = draw(st.sampled_from((1e-12, 1e-4)))

    def outputs(point):
        values = [_by_parts(function, leaf) for leaf in floating(point)]
        return [values[0] + loud * shake(), *values[1:]] if noise != "none" else values

    def value(point):
        parts = [part for out in outputs(point) for part in (out.real, out.imag)]
        return sum(np.sum(part) for part in parts)

    def gradient(point):
        return mapped(lambda leaf: _by_parts(slope, leaf), point)

    def pulled(point, cotangent):
        us = iter(cotangent["out"])
        return mapped(lambda leaf: _times(_by_parts(slope, leaf), next(us)), point)

    def pushed(point, tangent):
        pairs = zip(floating(point), floating(tangent), strict=True)
        return {"out": [_times(_by_parts(slope, leaf), v) for leaf, v in pairs], **BESIDE}

    works = {
        "grad": (value, gradient),
        "vjp": (lambda point: {"out": outputs(point), **BESIDE}, pulled),
        "jvp": (lambda point: {"out": outputs(point), **BESIDE}, pushed),
    }
    work, claim = works[kind]
    f = Foreign(work, *(draw(tricks(quiet=4)) or ("none", (0, 0))), x)
    claim = Foreign(claim, *(draw(tricks(quiet=3)) or ("none", (0, 0))), x)
    as_given = (
        draw(st.sampled_from(("callable",) * 6 + ("array", "True"))) if kind == "grad" else ""
    )
    given = claim
    if as_given == "True":
        f.work, given = _with(work, claim), True
    elif as_given == "array":
        given = _evaluated(claim, x)
    named = (source,) if source is not None and draw(st.booleans()) else ()
    asked = draw(st.integers(0, 7)) == 0
    reference = Foreign(work, *(draw(tricks(quiet=4)) or ("none", (0, 0))), x) if asked else None
    foreign = (f, claim, reference) if reference is not None else (f, claim)
    return Subject(kind, formula, noise, x, f, given, named, reference, foreign)


_FORMULAS = ("sin",) * 4 + tuple(FORMULAS)
BESIDE = {"count": 3, "label": "a", "nothing": None}


def _with(value, gradient):
    return lambda point: (value(point), gradient(point))


def _evaluated(claim, x):
    """Evaluate a claim, as one that is given as an array; callable where that cannot be done."""
    try:
        with np.errstate(all="ignore"):
            return claim.work(x)
    except Exception:
        return claim
