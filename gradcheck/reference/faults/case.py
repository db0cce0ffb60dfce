"""The record of a planted fault, and the ways to draw points at which faults show.

Owns: Case, Fault, the ways to build a case from a layer, and the draws. Does not own any fault (see
the files beside it).
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

Draw: TypeAlias = Callable[[np.random.Generator], Params]
"""Draws the leaves of a point."""

Forward: TypeAlias = Callable[..., tuple[Array, Cache]]
"""Takes the leaves of a layer in order, returns (out, cache)."""

Backward: TypeAlias = Callable[[Any, Cache], Array | tuple[Array, ...]]
"""Takes (dout, cache), returns the gradient of the only leaf, or of each leaf in order.

dout is an array, or a float where the forward returns a scalar.
"""


@dataclass(frozen=True)
class Case:
    """A function f, its right derivative, a wrong one, and the point x to try them at.

    f returns a number and the other two gradients; or, of kind `vjp`, f returns an array and the
    others take a cotangent as well. All three take x, a dict of float64 arrays, and are
    deterministic: random masks are drawn again from a fixed seed at each call. Only faults of state
    (causes accumulates, aliasing, stale-cache, hidden-state, nondeterministic) remember earlier
    calls of `wrong`, and only mutated-input changes its argument.
    """

    f: Callable[[Params], Any]
    right: Callable[..., Params]
    wrong: Callable[..., Params]
    x: Params
    kind: str = "grad"


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
        What a diagnosis should say who sees f, the point, the claim and the right gradient, and not
        the code: one of the causes of the design, such as "transpose"; "other" where what is too
        much or too little looks like nothing in particular.
    leaves : tuple of str
        Keys of x whose gradient is wrong; all others are right.
    sentence : str
        What the author did wrong, in one plain sentence.
    build : callable
        Takes a Generator, returns a Case.
    also : tuple of str
        Other causes that are an equally right answer. `dout @ W` for `dout @ W.T` is a forgotten
        transpose, but in the gradient nothing is transposed, so that "other" is right as well.

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
    also: tuple[str, ...] = ()


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


def layer_build(draw: Draw, forward: Forward, right: Backward, wrong: Backward) -> Build:
    """Return what builds the case of a layer: its leaves from `draw`, dout dense."""

    def build(rng: np.random.Generator) -> Case:
        x = draw(rng)
        out, _ = forward(*x.values())
        return layer_case(forward, right, wrong, x, dense_cotangent(rng, np.shape(out)))

    return build


def vjp_build(draw: Draw, forward: Forward, right: Backward, wrong: Backward) -> Build:
    """Return what builds the case of a layer as a vector-Jacobian product: dout is an argument."""

    def build(rng: np.random.Generator) -> Case:
        x = draw(rng)
        names = tuple(x)

        def f(x: Params) -> Array:
            out, _ = forward(*(x[name] for name in names))
            return out

        def vjp_by(backward: Backward) -> Callable[[Params, Array], Params]:
            def vjp(x: Params, dout: Array) -> Params:
                _, cache = forward(*(x[name] for name in names))
                gradients = backward(dout, cache)
                leaves = gradients if isinstance(gradients, tuple) else (gradients,)
                return dict(zip(names, leaves, strict=True))

            return vjp

        return Case(f, vjp_by(right), vjp_by(wrong), x, "vjp")

    return build


def normal(**shapes: tuple[int, ...]) -> Draw:
    """Return what draws leaves of these names and shapes from the standard normal distribution."""

    def draw(rng: np.random.Generator) -> Params:
        return {name: rng.standard_normal(shape) for name, shape in shapes.items()}

    return draw


def spread(**shapes: tuple[int, ...]) -> Draw:
    """Return what draws leaves whose entries all differ by 0.05 at least, and from zero by 0.02.

    No maximum, order or comparison of two entries of a leaf is near a tie.
    """

    def draw(rng: np.random.Generator) -> Params:
        leaves = {}
        for name, shape in shapes.items():
            size = int(np.prod(shape))
            places = rng.permutation(size) - size // 2 + rng.uniform(0.3, 0.7, size)
            leaves[name] = 0.1 * places.reshape(shape)
        return leaves

    return draw


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
