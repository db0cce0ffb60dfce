"""One answer of JAX at one point, and what rounding explains of the distance between two.

Two orders of one sum differ by roundings, and what a cancellation leaves by more of them: how much,
is measured, by what a few roundings of the point change.
Part of `adapters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from ..randomness import Held
from ..space import Array, draw_weights, norm, rms, unit_roundoff
from .jax_trees import Leaves, Translated, as_array, jax, tangent

# What answers otherwise because it is traced or batched does so grossly; smaller errors of a rule
# are for the differences to see. So the bounds are wide.
HALF_OF_THE_DIGITS = 2.0  # times the root of the unit roundoff, relative to an array's norm
OF_THE_OUTPUT = 2.0**10  # roundoffs of the output, over one scale of the leaf: claims that cancel
JITTER = 4.0  # roundoffs by which point and seed are moved to see what rounding does
JITTERS = 4  # a result that is rounding alone has few values, and may come back once by chance
MARGIN = 32.0  # times what that changes
NEARBY = 0.01  # how far points of a batch are apart, relative to each entry
COARSE = re.compile(r"\b(bf16|f16|f8\w*)\[")  # as a jaxpr writes what is computed in few digits
ROUNDOFF_OF = {"bf16": 2.0**-9, "f16": 2.0**-12}
ROUNDOFF_OF_8_BITS = 2.0**-4

Part = Literal["value", "derivative"]
Probe = Callable[[Leaves, Leaves], tuple[Leaves, Leaves]]


def reverse(called: Callable[[Leaves], Leaves], x: Leaves, u: Leaves) -> tuple[Leaves, Leaves]:
    """Return the outputs and J'u."""
    value, pullback = jax.vjp(called, x)
    return value, pullback(u)[0]


def forward(called: Callable[[Leaves], Leaves], x: Leaves, v: Leaves) -> tuple[Leaves, Leaves]:
    """Return the outputs and J v."""
    value, pushed = jax.jvp(called, (x,), (v,))
    return value, pushed


PROBES = {"reverse": reverse, "forward": forward}


@dataclass(frozen=True, eq=False)
class Answer:
    """Arrays by name: the outputs; the derivative, of a leaf in reverse and of an output forward.

    The convention is JAX's: a complex derivative is not conjugated.
    """

    value: dict[str, Array]
    derivative: dict[str, Array]

    @classmethod
    def of(cls, value: Leaves, derivative: Leaves) -> Answer:
        """Read what JAX returned."""
        return cls(*({k: as_array(a) for k, a in part.items()} for part in (value, derivative)))

    def part(self, part: Part) -> dict[str, Array]:
        """Return one of the two."""
        return self.value if part == "value" else self.derivative


@dataclass(frozen=True, eq=False)
class Sample:
    """What a mode answers at one point.

    Attributes
    ----------
    x, seed : dict of str to JAX array
        The point; the cotangent (reverse) or the tangent (forward).
    answer, jittered : Answer, tuple of Answer
        There, and a few roundings of both away.
    roundoff : float
        Unit roundoff of the coarsest arithmetic that is seen on the way.
    """

    x: Leaves
    seed: Leaves
    answer: Answer
    jittered: tuple[Answer, ...]
    roundoff: float

    def differs(self, part: Part, name: str, other: Array) -> bool:
        """Whether an array is another than the plain one, beyond what rounding explains."""
        plain = self.answer.part(part)[name]
        moved = [answer.part(part)[name] for answer in self.jittered]
        if not all(np.isfinite(array).all() for array in (plain, *moved)):
            return False  # nothing to compare with
        if not np.isfinite(other).all():
            return True
        size, spread = max(norm(plain), norm(other)), max(norm(array - plain) for array in moved)
        allowed = HALF_OF_THE_DIGITS * self.roundoff**0.5 * size + MARGIN * spread
        if part == "derivative":
            scale = (rms(as_array(self.x[name])) or 1.0) if name in self.x else 1.0
            allowed += OF_THE_OUTPUT * self.roundoff * self.output / scale
        return bool(norm(other - plain) > allowed)

    @property
    def output(self) -> float:
        """The size of the outputs: that of a derivative over one scale of the leaf."""
        return max((norm(array) for array in self.answer.value.values()), default=0.0)


@dataclass(frozen=True, eq=False)
class Prober:
    """Calls a function and its derivatives, with random sources held still.

    Attributes
    ----------
    function : Translated
        At its own point, in whose precision everything is called.
    rng : numpy.random.Generator
        Draws tangents, cotangents and points.
    held : Held
        Rewound before every call.
    """

    function: Translated
    rng: np.random.Generator
    held: Held

    @property
    def x(self) -> Leaves:
        """The point."""
        return self.function.given(self.function.start)

    def call(self, call: Callable[..., Any], *given: Any) -> Any:  # noqa: ANN401 - JAX's
        """Call the caller's code, or what JAX made of it."""
        self.held.rewind()
        return call(*given)

    def probe(self, mode: str) -> Probe:
        """Return the function of a mode."""
        return partial(PROBES[mode], self.function.called)

    def sample(self, mode: str, x: Leaves, seed: Leaves) -> Sample:
        """Answer at a point, and a few roundings away."""
        probe = self.probe(mode)
        answer = Answer.of(*self.call(probe, x, seed))
        roundoff = self._roundoff(mode, x, seed)
        jittered = tuple(
            Answer.of(*self.call(probe, *(self.near(g, JITTER * roundoff) for g in (x, seed))))
            for _ in range(JITTERS)
        )
        return Sample(x, seed, answer, jittered, roundoff)

    def sample_near(self, mode: str, seed: Leaves) -> Sample:
        """Answer at a point nearby; at x, where the caller's code raises there."""
        try:
            return self.sample(mode, self.near(self.x), seed)
        except Exception:  # foreign code, at a point of our own choice
            return self.sample(mode, self.x, seed)

    def cotangent(self) -> Leaves:
        """Draw one of size 1."""
        like = self.call(self.function.called, self.x)
        return {name: self._drawn(array, 1.0) for name, array in like.items()}

    def tangent(self) -> Leaves:
        """Draw one of the size of each leaf."""
        return {name: self._drawn(a, rms(as_array(a)) or 1.0) for name, a in self.x.items()}

    def near(self, x: Leaves, share: float = NEARBY) -> Leaves:
        """Move every entry by a share of itself, so that signs and zeros stay."""
        real = np.dtype(np.float64)
        return {
            name: tangent(a, as_array(a) * (1 + share * draw_weights(self.rng, a.shape, real)))
            for name, a in x.items()
        }

    def _drawn(self, like: Any, size: float) -> Any:  # noqa: ANN401 - arrays of JAX
        read = as_array(like)
        return tangent(like, size * draw_weights(self.rng, read.shape, read.dtype))

    def _roundoff(self, mode: str, x: Leaves, seed: Leaves) -> float:
        """Look for few digits in the jaxpr too: jax.jit may round less often than Python does."""
        roundoff = max(unit_roundoff(as_array(array).dtype) for array in x.values())
        try:
            text = str(self.call(jax.make_jaxpr(self.probe(mode)), x, seed))
        except Exception:  # it cannot be traced, which jax.jit will say
            return roundoff
        coarse = [ROUNDOFF_OF.get(kind, ROUNDOFF_OF_8_BITS) for kind in set(COARSE.findall(text))]
        return max([roundoff, *coarse])
