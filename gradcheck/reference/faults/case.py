"""The record of a planted fault, and the ways to draw points at which faults show.

Owns: Case, Fault, layer_case, and the draws. Does not own any fault (see the files beside it).
Place: at the bottom of `faults`; it imports only the types of the reference network.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..arrays import Array, Cache, Params, Scalar

Gradient: TypeAlias = Callable[[Params], Params]
"""Takes the point x, returns one gradient per leaf under the same keys."""

Build: TypeAlias = Callable[[np.random.Generator], "Case"]
"""Draws a point and a problem; the same state of the Generator gives the same case."""

Forward: TypeAlias = Callable[..., tuple[Array, Cache]]
"""Takes the leaves of a layer in order, returns (out, cache)."""

Backward: TypeAlias = Callable[[Any, Cache], Array | tuple[Array, ...]]
"""Takes (dout, cache), returns the gradient of the only leaf, or of each leaf in order.

dout is an array, or a float where the forward returns a scalar.
"""


@dataclass(frozen=True)
class Case:
    """A scalar function f, its right gradient, a wrong one, and the point x to try them at.

    All three take x, a dict of float64 arrays, and are deterministic: random masks are drawn
    again from a fixed seed at each call. Only faults of state (causes accumulates, aliasing,
    stale-cache) remember earlier calls of `wrong`, and only mutated-input changes its argument.
    """

    f: Callable[[Params], Scalar]
    right: Gradient
    wrong: Gradient
    x: Params


@dataclass(frozen=True)
class Fault:
    """A deliberate bug in a backward pass, as someone really wrote it.

    Parameters
    ----------
    name : str
        Kebab-case; a readable test id.
    source : str
        The public thread, as owner/repository#number, or "no thread" with where it is usual.
    cause : str
        What a diagnosis should say: one of the causes of the design, such as "transpose".
    leaves : tuple of str
        Keys of x whose gradient is wrong; all others are right.
    sentence : str
        What the author did wrong, in one plain sentence.
    build : callable
        Takes a Generator, returns a Case.

    Examples
    --------
    >>> from gradcheck.reference import FAULTS
    >>> fault = next(fault for fault in FAULTS if fault.name == "sign-flipped")
    >>> case = fault.build(np.random.default_rng(0))
    >>> bool(np.all(case.wrong(case.x)["W"] == -case.right(case.x)["W"]))
    True
    """

    name: str
    source: str
    cause: str
    leaves: tuple[str, ...]
    sentence: str
    build: Build


def layer_case(
    forward: Forward, right: Backward, wrong: Backward, x: Params, dout: Array | float
) -> Case:
    """Return the case of one layer: f = sum(dout * layer(x)), with dout the fixed cotangent.

    The keys of x are in the order of the forward's arguments; dout has the shape of its result.
    """
    names = tuple(x)  # a caller may pass the dict back in another order

    def f(x: Params) -> Scalar:
        out, _ = forward(*(x[name] for name in names))
        total: Scalar = np.sum(dout * out)
        return total

    def gradient_by(backward: Backward) -> Gradient:
        def gradient(x: Params) -> Params:
            _, cache = forward(*(x[name] for name in names))
            gradients = backward(dout, cache)
            leaves = gradients if isinstance(gradients, tuple) else (gradients,)
            return dict(zip(names, leaves, strict=True))

        return gradient

    return Case(f, gradient_by(right), gradient_by(wrong), x)


def away_from_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw entries of random sign with 0.05 <= |entry|: no entry is near a kink at zero."""
    draws = rng.standard_normal(shape)
    return np.sign(draws) * (0.05 + np.abs(draws))


def dense_cotangent(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw entries of random sign with 0.5 <= |entry| <= 1.5: none is small, all differ.

    A cotangent of ones would hide every fault that cancels in a sum, and a small entry the fault
    behind it.
    """
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape)
