"""Planted faults of state and of storage: buffers, caches, dtypes.

Owns: STATE_FAULTS. All are faults around one right function, f = sum(dout * tanh(z)).
Place: beside `faults/case`, gathered by `faults/__init__`. Every array has the shape of z.
"""

from collections.abc import Callable

import numpy as np

from ..activations import tanh_backward, tanh_forward
from ..arrays import Array, Params
from .case import (
    Build,
    Case,
    Fault,
    Gradient,
    dense_cotangent,
    layer_case,
)

SHAPE = (5, 4)


def _tanh(make_wrong: Callable[[Array, Gradient], Gradient]) -> Build:
    """Build a case whose wrong gradient is made anew: no state is shared between two cases."""

    def build(rng: np.random.Generator) -> Case:
        dout = 2 * dense_cotangent(rng, SHAPE)
        x = {"z": rng.standard_normal(SHAPE)}
        case = layer_case(tanh_forward, tanh_backward, tanh_backward, x, dout)
        return Case(case.f, case.right, make_wrong(dout, case.right), x)

    return build


def _input_overwritten(dout: Array, right: Gradient) -> Gradient:
    def wrong(x: Params) -> Params:
        z = x["z"]
        np.tanh(z, out=z)  # right: a = np.tanh(z)
        return {"z": dout * (1 - z * z)}

    return wrong


def _accumulating(dout: Array, right: Gradient) -> Gradient:
    kept = np.zeros(SHAPE)

    def wrong(x: Params) -> Params:
        kept[...] += right(x)["z"]  # right: start from zero at each call
        return {"z": kept.copy()}

    return wrong


def _buffer_reused(dout: Array, right: Gradient) -> Gradient:
    buffer = np.zeros(SHAPE)

    def wrong(x: Params) -> Params:
        buffer[...] = right(x)["z"]
        return {"z": buffer}  # right: buffer.copy()

    return wrong


def _cache_kept(dout: Array, right: Gradient) -> Gradient:
    caches: list[Array] = []

    def wrong(x: Params) -> Params:
        if not caches:  # right: run the forward at each call
            caches.append(tanh_forward(x["z"])[1])
        return {"z": tanh_backward(dout, caches[0])}

    return wrong


def _integer_buffer(dout: Array, right: Gradient) -> Gradient:
    def wrong(x: Params) -> Params:
        buffer = np.zeros(SHAPE, dtype=int)  # right: np.zeros_like(x["z"])
        buffer[...] = right(x)["z"]  # NumPy cuts off the digits after the point, silently
        return {"z": buffer}

    return wrong


def _half_precision(dout: Array, right: Gradient) -> Gradient:
    def wrong(x: Params) -> Params:
        _, cache = tanh_forward(x["z"].astype(np.float16))  # right: in the dtype of z
        return {"z": tanh_backward(dout.astype(np.float16), cache).astype(np.float64)}

    return wrong


STATE_FAULTS = (
    Fault(
        "input-overwritten",
        "linkedin/Liger-Kernel#272",
        "mutated-input",
        ("z",),
        "The backward uses the memory of its input for tanh(z), so the caller's z is gone.",
        _tanh(_input_overwritten),
    ),
    Fault(
        "gradient-accumulates-between-calls",
        "karpathy/micrograd#53",
        "accumulates",
        ("z",),
        "The gradient is added to a buffer that is never set to zero between calls.",
        _tanh(_accumulating),
    ),
    Fault(
        "gradient-buffer-reused",
        "pytorch/pytorch#181723",
        "aliasing",
        ("z",),
        "Every call returns the same buffer, so that the next call changes an earlier result.",
        _tanh(_buffer_reused),
    ),
    Fault(
        "cache-of-first-point",
        "qiskit-machine-learning#213",
        "stale-cache",
        ("z",),
        "The forward cache is kept from the first call, and stale at any other point.",
        _tanh(_cache_kept),
    ),
    Fault(
        "gradient-in-integer-buffer",
        "NuRadioMC#1061",
        "dtype",
        ("z",),
        "The gradient is written into an integer array, which cuts off its digits.",
        _tanh(_integer_buffer),
    ),
    Fault(
        "gradient-in-half-precision",
        "no thread; a backward under automatic mixed precision",
        "precision",
        ("z",),
        "The backward runs in float16 and keeps three digits.",
        _tanh(_half_precision),
    ),
)
"""Faults of state and of storage."""
