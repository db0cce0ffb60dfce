"""Planted faults of the activations.

Owns: ACTIVATION_FAULTS. Does not own the activations, which are `gradcheck.reference.activations`.
Place: beside `faults/case`, gathered by `faults/__init__`. Every array has the shape of z.
"""

import numpy as np

from ..activations import (
    gelu_backward,
    gelu_forward,
    gelu_tanh_backward,
    gelu_tanh_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    softplus_backward,
    softplus_forward,
    tanh_backward,
    tanh_forward,
)
from ..arrays import Array, Cache
from .case import (
    Backward,
    Build,
    Case,
    Fault,
    Forward,
    away_from_zero,
    dense_cotangent,
    layer_case,
)

SHAPE = (5, 4)
NEGATIVE_SLOPE = -0.3  # only with a negative slope does the sign of the output mislead
SIGMOID_GELU = 1.702  # x sigmoid(1.702 x), Hendrycks & Gimpel (2016), arXiv:1606.08415
THRESHOLD = 3.0  # low, so that the error is 5 %; the usual 20 would hide it below 1e-8


def _activation(forward: Forward, right: Backward, wrong: Backward) -> Build:
    def build(rng: np.random.Generator) -> Case:
        x = {"z": 1.5 * away_from_zero(rng, SHAPE)}
        x["z"][0, 0] = THRESHOLD + 0.5  # one entry in the region that softplus cuts off
        return layer_case(forward, right, wrong, x, dense_cotangent(rng, SHAPE))

    return build


def _sigmoid_keeping_input(z: Array) -> tuple[Array, Cache]:
    a, cache = sigmoid_forward(z)
    return a, (z, cache)


def _sigmoid_backward_of_pair(dout: Array, cache: Cache) -> Array:
    _, a = cache
    return sigmoid_backward(dout, a)


def _sigmoid_slope_of_input(dout: Array, cache: Cache) -> Array:
    z, _ = cache
    dz: Array = dout * z * (1 - z)  # right: a * (1 - a)
    return dz


def _sigmoid_of_upstream(dout: Array, cache: Cache) -> Array:
    del cache
    s, _ = sigmoid_forward(dout)
    dz: Array = s * (1 - s)  # right: dout * a * (1 - a)
    return dz


def _tanh_for_its_slope(dout: Array, cache: Cache) -> Array:
    dz: Array = dout * cache  # right: dout * (1 - a * a)
    return dz


def _tanh_without_square(dout: Array, cache: Cache) -> Array:
    dz: Array = dout * (1 - cache)  # right: dout * (1 - a * a)
    return dz


def _tanh_upstream_ignored(dout: Array, cache: Cache) -> Array:
    del dout
    dz: Array = 1 - cache * cache  # right: dout * (1 - a * a)
    return dz


def _gelu_slope_of_sigmoid_form(dout: Array, cache: Cache) -> Array:
    z, _ = cache
    s, _ = sigmoid_forward(SIGMOID_GELU * z)
    dz: Array = dout * (s + SIGMOID_GELU * z * s * (1 - s))  # right: that of z * cdf(z)
    return dz


def _gelu_slope_of_tanh_form(dout: Array, cache: Cache) -> Array:
    z, _ = cache
    _, tanh_cache = gelu_tanh_forward(z)
    return gelu_tanh_backward(dout, tanh_cache)  # right: gelu_backward


def _negative_leaky_relu(z: Array) -> tuple[Array, Cache]:
    return leaky_relu_forward(z, NEGATIVE_SLOPE)


def _leaky_relu_by_output(dout: Array, cache: Cache) -> Array:
    z, slope = cache
    out, _ = leaky_relu_forward(z, slope)
    return np.where(out > 0, dout, slope * dout)  # right: z > 0


def _relu_swapped(dout: Array, cache: Cache) -> Array:
    dz: Array = dout * (cache < 0)  # right: z > 0
    return dz


def _softplus_with_threshold(dout: Array, cache: Cache) -> Array:
    slope, _ = sigmoid_forward(cache)
    return np.where(cache > THRESHOLD, dout, dout * slope)  # right: dout * slope everywhere


ACTIVATION_FAULTS = (
    Fault(
        "sigmoid-slope-of-its-input",
        "interviews.ai#15",
        "slope",
        ("z",),
        "The derivative s (1 - s) is formed with the input in place of the sigmoid's output.",
        _activation(_sigmoid_keeping_input, _sigmoid_backward_of_pair, _sigmoid_slope_of_input),
        also=("other",),
    ),
    Fault(
        "sigmoid-of-upstream",
        "yizt/numpy_neural_network#3",
        "other",
        ("z",),
        "The sigmoid is taken of the upstream gradient instead of multiplying by it.",
        _activation(sigmoid_forward, sigmoid_backward, _sigmoid_of_upstream),
    ),
    Fault(
        "tanh-for-its-own-slope",
        "nnet#4",
        "slope",
        ("z",),
        "The derivative of tanh is taken to be tanh itself.",
        _activation(tanh_forward, tanh_backward, _tanh_for_its_slope),
        also=("other",),
    ),
    Fault(
        "tanh-slope-without-square",
        "no thread; the square of 1 - tanh^2 is easily lost",
        "slope",
        ("z",),
        "The derivative of tanh is taken to be 1 - tanh instead of 1 - tanh^2.",
        _activation(tanh_forward, tanh_backward, _tanh_without_square),
        also=("other",),
    ),
    Fault(
        "tanh-upstream-ignored",
        "pytorch/pytorch#995",
        "other",
        ("z",),
        "The backward returns the derivative of tanh and never multiplies by the upstream one.",
        _activation(tanh_forward, tanh_backward, _tanh_upstream_ignored),
    ),
    Fault(
        "gelu-slope-of-sigmoid-form",
        "no thread; the mixed forms of harvard-edge/cs249r_book#1399, exact and sigmoid",
        "slope",
        ("z",),
        "The forward is the exact gelu, the backward that of its sigmoid approximation.",
        _activation(gelu_forward, gelu_backward, _gelu_slope_of_sigmoid_form),
        also=("other",),
    ),
    Fault(
        "gelu-slope-of-tanh-form",
        "no thread; the mixed forms of harvard-edge/cs249r_book#1399, exact and tanh",
        "slope",
        ("z",),
        "The forward is the exact gelu, the backward that of its tanh approximation.",
        _activation(gelu_forward, gelu_backward, _gelu_slope_of_tanh_form),
        also=("other",),
    ),
    Fault(
        "leaky-relu-by-sign-of-output",
        "apache/mxnet#2856",
        "slope",
        ("z",),
        "The branch is chosen by the sign of the output, which misleads for a negative slope.",
        _activation(_negative_leaky_relu, leaky_relu_backward, _leaky_relu_by_output),
        also=("other",),
    ),
    Fault(
        "relu-comparison-swapped",
        "tenstorrent/tt-metal#48201",
        "slope",
        ("z",),
        "The comparison is the wrong way round: the gradient passes where the unit is off.",
        _activation(relu_forward, relu_backward, _relu_swapped),
        also=("other",),
    ),
    Fault(
        "softplus-threshold-in-backward-only",
        "NVlabs/tiny-cuda-nn#130",
        "slope",
        ("z",),
        "The backward treats softplus as linear above a threshold, the forward does not.",
        _activation(softplus_forward, softplus_backward, _softplus_with_threshold),
        also=("other",),
    ),
)
"""Faults of the activations."""
