"""Planted faults of memory: caches, buffers and generators that outlive a call.

Owns: MEMORY_FAULTS. The plain ones stand in `faults/state`. Place: beside `faults/case`, gathered
by `faults/__init__`. All but two are faults around one right layer, tanh(W + b); every case
has a memory of its own, which starts empty.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..activations import tanh_backward, tanh_forward
from ..arrays import Array, Cache, Params
from .case import Build, Case, Fault, Gradient, layer_build, normal

SHAPE = (4, 3)
KEEP_PROB = 0.7
MOMENTUM = 0.9
RATE = 0.1  # of the step that one claim takes by the way

Remember: TypeAlias = Callable[[np.random.Generator, Gradient], Gradient]
"""Takes a Generator and the right gradient, returns a wrong one with a memory of its own."""


def _affine_forward(W: Array, b: Array) -> tuple[Array, Cache]:
    return tanh_forward(W + b)  # (m, n), b (n,)


def _affine_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dW = tanh_backward(dout, cache)
    return dW, dW.sum(axis=0)


def _remembering(make_wrong: Remember) -> Build:
    """Build a case whose wrong gradient is made anew: no memory is shared between two cases."""
    plain = layer_build(
        normal(W=SHAPE, b=SHAPE[1:]), _affine_forward, _affine_backward, _affine_backward
    )

    def build(rng: np.random.Generator) -> Case:
        case = plain(rng)
        return Case(case.f, case.right, make_wrong(rng, case.right), case.x)

    return build


def _keyed_by_id(rng: np.random.Generator, right: Gradient) -> Gradient:
    del rng
    kept: dict[int, tuple[Params, Params]] = {}

    def wrong(x: Params) -> Params:
        key = id(x["W"])  # right: no cache, or one that knows what is in the array
        if key not in kept:
            kept[key] = x, right(x)  # x is kept alive, so that no other array gets its id
        return {name: leaf.copy() for name, leaf in kept[key][1].items()}

    return wrong


def _of_last_point(rng: np.random.Generator, right: Gradient) -> Gradient:
    del rng
    points: list[Params] = []

    def wrong(x: Params) -> Params:
        points.append({name: leaf.copy() for name, leaf in x.items()})
        return right(points[-2] if len(points) > 1 else points[-1])  # right: points[-1]

    return wrong


def _bias_accumulating(rng: np.random.Generator, right: Gradient) -> Gradient:
    del rng
    total = np.zeros(SHAPE[1])

    def wrong(x: Params) -> Params:
        gradient = right(x)
        total[...] += gradient["b"]  # right: start from zero at each call, as for W
        return gradient | {"b": total.copy()}

    return wrong


def _freed_after_first(rng: np.random.Generator, right: Gradient) -> Gradient:
    del rng
    calls: list[int] = []

    def wrong(x: Params) -> Params:
        gradient = right(x)
        calls.append(1)
        if len(calls) > 1:  # the forward's cache was thrown away after its first use
            return {name: np.zeros_like(leaf) for name, leaf in gradient.items()}
        return gradient

    return wrong


def _with_momentum(rng: np.random.Generator, right: Gradient) -> Gradient:
    del rng
    velocity: Params = {}

    def wrong(x: Params) -> Params:
        for name, leaf in right(x).items():
            velocity[name] = MOMENTUM * velocity.get(name, 0.0) + leaf  # right: in the optimiser
        return dict(velocity)

    return wrong


def _index_moved(rng: np.random.Generator, right: Gradient) -> Gradient:
    del rng
    rows = np.arange(SHAPE[0])

    def wrong(x: Params) -> Params:
        gradient = right(x)
        dW = np.empty(SHAPE)
        dW[rows] = gradient["W"]
        rows.ravel()[...] = (rows + 1) % SHAPE[0]  # right: a copy; this is a view of what is kept
        return gradient | {"W": dW}

    return wrong


def _with_noise(rng: np.random.Generator, right: Gradient) -> Gradient:
    fresh = np.random.default_rng(int(rng.integers(2**32)))

    def wrong(x: Params) -> Params:
        gradient = right(x)
        mask = (fresh.random(SHAPE) < KEEP_PROB) / KEEP_PROB  # right: no dropout in a gradient
        return gradient | {"W": gradient["W"] * mask}

    return wrong


def _step_taken(rng: np.random.Generator, right: Gradient) -> Gradient:
    del rng

    def wrong(x: Params) -> Params:
        gradient = right(x)
        x["W"] -= RATE * gradient["W"]  # right: leave the step to the optimiser
        return gradient

    return wrong


def _sum_forward(a: Array, b: Array) -> tuple[Array, Cache]:
    return tanh_forward(a + b)


def _sum_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    da = tanh_backward(dout, cache)
    return da, da.copy()


def _sum_shared(dout: Array, cache: Cache) -> tuple[Array, ...]:
    da = tanh_backward(dout, cache)
    return da, da  # right: a copy; who clips the one in place clips the other as well


def _square_case(rng: np.random.Generator) -> Case:
    x = normal(z=SHAPE)(rng)

    def f(x: Params) -> Array:
        half_square: Array = np.sum(x["z"] * x["z"]) / 2
        return half_square

    def right(x: Params) -> Params:
        return {"z": x["z"].copy()}

    def wrong(x: Params) -> Params:
        return {"z": x["z"]}  # right: a copy; who scales the gradient in place scales z

    return Case(f, right, wrong, x)


MEMORY_FAULTS = (
    Fault(
        "cache-keyed-by-id",
        "qiskit-machine-learning#213",
        "stale-cache",
        ("W", "b"),
        "The gradient is cached under the id of W, and stale once W was changed in place.",
        _remembering(_keyed_by_id),
    ),
    Fault(
        "gradient-of-last-point",
        "no thread; a forward pass that is one call behind",
        "stale-cache",
        ("W", "b"),
        "Each call returns the gradient at the point of the call before.",
        _remembering(_of_last_point),
        also=("nondeterministic",),
    ),
    Fault(
        "bias-accumulates-between-calls",
        "autobw.torch#7",
        "accumulates",
        ("b",),
        "The bias gradient is added to what earlier calls left, that of the weights is not.",
        _remembering(_bias_accumulating),
    ),
    Fault(
        "gradient-right-once",
        "autobw.torch#7",
        "hidden-state",
        ("W", "b"),
        "What the forward kept is thrown away after its first use, and the next gradient is zero.",
        _remembering(_freed_after_first),
    ),
    Fault(
        "gradient-with-momentum",
        "no thread; the optimiser's velocity returned for the gradient",
        "accumulates",
        ("W", "b"),
        "The gradient is the velocity, which remembers all calls before.",
        _remembering(_with_momentum),
        also=("hidden-state",),
    ),
    Fault(
        "saved-index-moved",
        "chainer/chainer#2062",
        "nondeterministic",
        ("W",),
        "The backward changes the indexes that the forward saved, through a view of them.",
        _remembering(_index_moved),
    ),
    Fault(
        "mask-drawn-at-each-call",
        "no thread; dropout applied to the gradient itself",
        "nondeterministic",
        ("W",),
        "A fresh dropout mask is drawn for the gradient at each call.",
        _remembering(_with_noise),
    ),
    Fault(
        "step-taken-by-the-way",
        "zero_to_gpt#12",
        "mutated-input",
        ("W",),
        "The weights are updated inside of the function that returns their gradient.",
        _remembering(_step_taken),
    ),
    Fault(
        "one-buffer-for-two-leaves",
        "PiPPy#1070",
        "aliasing",
        ("a", "b"),
        "Both terms of a sum get the same array as their gradient.",
        layer_build(normal(a=SHAPE, b=SHAPE), _sum_forward, _sum_backward, _sum_shared),
    ),
    Fault(
        "point-returned-as-gradient",
        "no thread; the gradient of a square is the leaf itself, not a copy of it",
        "aliasing",
        ("z",),
        "The gradient is the caller's own array.",
        _square_case,
    ),
)
"""Faults of memory."""
