"""Planted faults of vector-Jacobian products: what a backward does with its upstream gradient.

Owns: UPSTREAM_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. All cases are of kind `vjp`: the cotangent is an argument, so that a
backward that is wrong for some of them only has nowhere to hide.
"""

import numpy as np

from ..activations import tanh_backward, tanh_forward
from ..arrays import Array, Cache
from ..dense import dense_backward, dense_forward
from ..softmax import softmax_backward, softmax_forward
from .case import Fault, normal, spread, vjp_build

SHAPE = (4, 3)
CLIP = 0.5  # of a clipped gradient
EPSILON = 1e-3  # of a divisor that should have stayed out


def _ignored(dout: Array, cache: Cache) -> Array:
    return tanh_backward(np.ones_like(dout), cache)  # right: dout


def _squared(dout: Array, cache: Cache) -> Array:
    return tanh_backward(dout * dout, cache)  # right: dout


def _absolute(dout: Array, cache: Cache) -> Array:
    return tanh_backward(np.abs(dout), cache)  # right: dout


def _clipped(dout: Array, cache: Cache) -> Array:
    return tanh_backward(np.clip(dout, -CLIP, CLIP), cache)  # right: clip in the optimiser


def _normalised(dout: Array, cache: Cache) -> Array:
    return tanh_backward(dout / np.sqrt(np.sum(dout * dout)), cache)  # right: dout


def _shifted(dout: Array, cache: Cache) -> Array:
    return tanh_backward(dout + EPSILON, cache)  # right: dout


def _overwritten(dout: Array, cache: Cache) -> Array:
    dout *= 1 - cache * cache  # right: dz = dout * (1 - a * a)
    return dout


def _averaged(dout: Array, cache: Cache) -> Array:
    return tanh_backward(dout, cache) / len(dout)  # right: dout is per row already


def _cotangent_transposed(dout: Array, cache: Cache) -> Array:
    return tanh_backward(dout.T, cache)  # right: dout


def _guided_forward(z: Array) -> tuple[Array, Cache]:
    return np.where(z.real > 0, z, 0), z.real > 0


def _guided_backward(dout: Array, cache: Cache) -> Array:
    dz: Array = dout * cache
    return dz


def _guided(dout: Array, cache: Cache) -> Array:
    dz: Array = dout * cache * (dout > 0)  # right: without the last factor
    return dz


def _linear_forward(x: Array, W: Array) -> tuple[Array, Cache]:
    return W @ x, (x, W)  # (n,), of one vector


def _linear_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W = cache
    return W.T @ dout, np.outer(dout, x)


def _pushed_forward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W = cache
    return W @ dout, np.outer(dout, x)  # right: W.T, a pullback and not a push-forward


def _both_forward(z: Array) -> tuple[Array, Cache]:
    return np.stack([np.sin(z), np.cos(z)]), z  # (2, m, n), two outputs of one input


def _both_backward(dout: Array, cache: Cache) -> Array:
    dz: Array = dout[0] * np.cos(cache) - dout[1] * np.sin(cache)
    return dz


def _first_only(dout: Array, cache: Cache) -> Array:
    dz: Array = dout[0] * np.cos(cache)  # right: - dout[1] * sin(z)
    return dz


def _second_by_first(dout: Array, cache: Cache) -> Array:
    dz: Array = dout[0] * (np.cos(cache) - np.sin(cache))  # right: dout[1] for the second
    return dz


def _dense_forward(x: Array, W: Array, b: Array) -> tuple[Array, Cache]:
    return dense_forward(x, W, b)


def _bias_ignores_upstream(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, db = dense_backward(dout, cache)
    return dx, dW, np.full_like(db, len(dout))  # right: dout.sum(axis=0)


def _weights_after_overwriting(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W = cache
    dout = dout.copy()
    dx = dout[:] = dout @ W.T  # as where dx is written into the memory of dout
    return dx.copy(), x.T @ dout, dout.sum(axis=0)  # right: dout as it was


def _max_forward(x: Array) -> tuple[Array, Cache]:
    winners = np.argmax(x.real, axis=1)
    return x[np.arange(len(x)), winners], (x.shape, winners)


def _max_backward(dout: Array, cache: Cache) -> Array:
    shape, winners = cache
    dx = np.zeros(shape)
    dx[np.arange(shape[0]), winners] = dout
    return dx


def _max_without_upstream(dout: Array, cache: Cache) -> Array:
    return _max_backward(np.sign(dout), cache)  # right: dout


def _softmax_of_upstream(dout: Array, cache: Cache) -> Array:
    along = np.sum(dout * dout * cache, axis=1, keepdims=True)  # right: dout * p
    dz: Array = cache * (dout - along)
    return dz


_TANH = normal(z=SHAPE), tanh_forward, tanh_backward
_SQUARE = normal(z=(3, 3)), tanh_forward, tanh_backward
_BOTH = normal(z=SHAPE), _both_forward, _both_backward
_DENSE = normal(x=(4, 3), W=(3, 3), b=(3,)), _dense_forward, dense_backward

UPSTREAM_FAULTS = (
    Fault(
        "vjp-ignores-upstream",
        "pytorch/pytorch#995, chainer/chainer#1178",
        "not-linear-in-cotangent",
        ("z",),
        "The backward returns the slope and never multiplies by the upstream gradient.",
        vjp_build(*_TANH, _ignored),
    ),
    Fault(
        "vjp-of-squared-upstream",
        "elixir-nx/nx#1779",
        "not-linear-in-cotangent",
        ("z",),
        "The upstream gradient is multiplied in twice.",
        vjp_build(*_TANH, _squared),
    ),
    Fault(
        "vjp-of-absolute-upstream",
        "no thread; a size where a sign was wanted as well",
        "not-linear-in-cotangent",
        ("z",),
        "The sign of the upstream gradient is lost.",
        vjp_build(*_TANH, _absolute),
    ),
    Fault(
        "vjp-of-clipped-upstream",
        "no thread; gradient clipping built into a layer",
        "not-linear-in-cotangent",
        ("z",),
        "The layer clips its upstream gradient to 0.5.",
        vjp_build(*_TANH, _clipped),
    ),
    Fault(
        "vjp-of-normalised-upstream",
        "no thread; gradient normalisation built into a layer",
        "not-linear-in-cotangent",
        ("z",),
        "The layer divides its upstream gradient by its norm.",
        vjp_build(*_TANH, _normalised),
    ),
    Fault(
        "vjp-of-shifted-upstream",
        "no thread; an epsilon in the wrong place",
        "not-linear-in-cotangent",
        ("z",),
        "An epsilon is added to the upstream gradient.",
        vjp_build(*_TANH, _shifted),
    ),
    Fault(
        "vjp-overwrites-upstream",
        "linkedin/Liger-Kernel#254, NVIDIA/apex#1430",
        "mutated-input",
        ("z",),
        "The backward works in the memory of its upstream gradient.",
        vjp_build(*_TANH, _overwritten),
    ),
    Fault(
        "vjp-averaged-over-rows",
        "no thread; the 1/m of the loss in a layer",
        "scale",
        ("z",),
        "The layer divides by the number of rows, which the loss has done already.",
        vjp_build(*_TANH, _averaged),
    ),
    Fault(
        "vjp-of-transposed-upstream",
        "HomericIntelligence/Odyssey#2136",
        "transpose",
        ("z",),
        "The upstream gradient is transposed, which a square one does not show.",
        vjp_build(*_SQUARE, _cotangent_transposed),
        also=("other",),
    ),
    Fault(
        "vjp-guided",
        "no thread; guided backpropagation (arXiv:1412.6806) left switched on",
        "not-linear-in-cotangent",
        ("z",),
        "Negative upstream gradients are dropped at the relu.",
        vjp_build(spread(z=SHAPE), _guided_forward, _guided_backward, _guided),
    ),
    Fault(
        "vjp-pushed-forward",
        "NVIDIA/warp#147",
        "transpose",
        ("x",),
        "The product is with the Jacobian instead of with its transpose.",
        vjp_build(normal(x=(4,), W=(4, 4)), _linear_forward, _linear_backward, _pushed_forward),
        also=("other",),
    ),
    Fault(
        "vjp-of-first-output-only",
        "deeplearning4j/deeplearning4j#8838",
        "missing-term",
        ("z",),
        "The upstream gradient of the second of two outputs is ignored.",
        vjp_build(*_BOTH, _first_only),
        also=("other",),
    ),
    Fault(
        "vjp-second-output-by-first",
        "no thread; two outputs under one cotangent",
        "other",
        ("z",),
        "The second output is weighed with the upstream gradient of the first.",
        vjp_build(*_BOTH, _second_by_first),
    ),
    Fault(
        "vjp-bias-ignores-upstream",
        "pytorch/pytorch#995 on a bias",
        "not-linear-in-cotangent",
        ("b",),
        "The bias gradient counts the rows instead of summing the upstream gradient.",
        vjp_build(*_DENSE, _bias_ignores_upstream),
    ),
    Fault(
        "vjp-weights-after-overwriting",
        "unslothai/unsloth#4550",
        "other",
        ("W", "b"),
        "The input's gradient is written over the upstream one, which the weights still need.",
        vjp_build(*_DENSE, _weights_after_overwriting),
    ),
    Fault(
        "vjp-max-by-sign-of-upstream",
        "pytorch/pytorch#995",
        "not-linear-in-cotangent",
        ("x",),
        "The maximum passes on the sign of the upstream gradient only.",
        vjp_build(spread(x=SHAPE), _max_forward, _max_backward, _max_without_upstream),
    ),
    Fault(
        "vjp-softmax-of-squared-upstream",
        "huggingface/picotron#37",
        "not-linear-in-cotangent",
        ("z",),
        "The row sum of the softmax has the square of the upstream gradient in it.",
        vjp_build(normal(z=SHAPE), softmax_forward, softmax_backward, _softmax_of_upstream),
    ),
)
"""Faults of what is done with the upstream gradient."""
