"""What TensorFlow's gradients raise beside the differences: tf.function, and the forward mode.

Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..records import Cause, Finding
from ..space import inner, norm, rms, size_of, unit_roundoff
from .named import Named
from .tensorflow_tensors import Array, Translated

__all__ = ["drawn", "modes_disagree", "other_when_compiled"]

# What answers otherwise because it is compiled, or has two modes, does so grossly; smaller errors
# are for the differences to see.
HALF_OF_THE_DIGITS = 2.0  # times the root of the unit roundoff, relative to an array's norm
OF_THE_OUTPUT = 2.0**10  # roundoffs of the output, over one scale of the leaf: claims that cancel


def drawn(arrays: Sequence[Array], seed: int) -> list[Array]:
    """Draw normal numbers like arrays."""
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(6)[-1])
    return [_normal(rng, array) for array in arrays]


def _normal(rng: np.random.Generator, like: Array) -> Array:
    values = rng.standard_normal(like.shape)
    if like.dtype.kind == "c":
        values = values + 1j * rng.standard_normal(like.shape)
    return np.asarray(values).astype(like.dtype)


def other_when_compiled(plain: Translated, compiled: Translated, seed: int) -> Iterator[Finding]:
    """Compare gradients and values of a function with those of the same under tf.function.

    Where either raises, nothing is asked: the check says so. Nor of a function that draws: graphs
    number their draws by themselves, and draw others.
    """
    if plain.still.draws:
        return
    point = plain.point
    try:
        values, others = plain.f(point), compiled.f(point)
        dout = drawn(values, seed)
        here, there = plain.vjp(point, dout), compiled.vjp(point, dout)
    except Exception:  # the caller's code
        return
    pairs = [(f"output {k}", y, z) for k, (y, z) in enumerate(zip(values, others, strict=False))]
    pairs += [(f"the gradient of {name}", du, there[name]) for name, du in here.items()]
    floor = OF_THE_OUTPUT * _coarsest(values) * size_of(values)
    for what, y, z in pairs:
        allowed = HALF_OF_THE_DIGITS * _coarsest((y,)) ** 0.5 * max(norm(y), norm(z)) + floor
        if np.isfinite(y).all() and not norm(z - y) <= allowed:
            at = np.unravel_index(int(np.argmax(np.abs(z - y))), y.shape)
            where = f" at {[int(i) for i in at]}" if at else ""
            yield Finding(
                Cause.TRANSFORMED,
                f"under tf.function {what}{where} is {z[at]:.6g} instead of {y[at]:.6g}: look for "
                f"what is kept in Python between calls, or computed by NumPy while the graph is "
                f"made.",
            )
            return


def modes_disagree(own: Translated, seed: int, rtol: float) -> Iterator[Finding]:
    """Ask of every leaf whether <u, J v> = <J' u, v>, for which no differences are needed.

    Where either mode raises, nothing is asked: the check says so.
    """
    point = own.point
    try:
        values = own.f(point)
        dout = drawn(values, seed)
        pulled = own.vjp(point, dout)
        steps = dict(zip(point, drawn(list(point.values()), seed), strict=True))
        pushed = {name: own.jvp(point, _alone(steps, name)) for name in steps}
    except Exception:  # the caller's code
        return
    digits = max(rtol, HALF_OF_THE_DIGITS * _coarsest((*values, *point.values())) ** 0.5)
    floor = OF_THE_OUTPUT * _coarsest((*values, *point.values())) * size_of(values) * size_of(dout)
    for name, v in steps.items():
        forward = sum(inner(u, dy) for u, dy in zip(dout, pushed[name], strict=True))
        backward = inner(pulled[name], v)
        size = norm(pulled[name]) * norm(v) + size_of(dout) * size_of(pushed[name])
        scale = rms(point[name]) or 1.0
        if abs(forward - backward) > digits * size + floor * norm(v) / scale:
            yield Finding(
                Cause.MODES_DISAGREE,
                f"forward and backward mode disagree about {name}: <u, J v> is {forward:.6g} by "
                f"the accumulator, <J' u, v> {backward:.6g} by the tape, and they are one number.",
                name,
                {"forward": forward, "backward": backward},
            )


def _alone(steps: dict[str, Array], name: str) -> Named:
    """Move one leaf alone."""
    return Named({key: v if key == name else np.zeros_like(v) for key, v in steps.items()})


def _coarsest(arrays: Sequence[Array]) -> float:
    return max((unit_roundoff(array.dtype) for array in arrays), default=0.0)
