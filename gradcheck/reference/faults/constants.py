"""Planted faults of precision: constants with too few digits, steps of a difference, float32.

Owns: CONSTANT_FAULTS, with the small right layers that they imitate. The float16 backward stands in
`faults/state`. Place: beside `faults/case`, gathered by `faults/__init__`. All arrays are alike in
shape. What is wrong is small, from 4e-4 down to 3e-8 of the gradient: where it is below what a
check tolerates, the check passes and says to how many digits.
"""

import numpy as np

from ..activations import gelu_tanh_backward, gelu_tanh_forward, tanh_backward, tanh_forward
from ..arrays import Array, Cache, Params
from .case import Fault, away_from_zero, layer_build, normal

SHAPE = (5, 4)
EPSILON = 1e-3  # of a normalisation, TensorFlow's default
SELU_SCALE = 1.0507009873554805  # Klambauer et al. (2017), arXiv:1706.02515
SELU_ALPHA = 1.6732632423543772
STEP = 1e-4  # of a forward difference
NODES = 3  # of a Gauss quadrature


def _gelu_by(dout: Array, cache: Cache, root: float, cubic: float) -> Array:
    z, _ = cache
    t = np.tanh(root * (z + cubic * z**3))
    dz: Array = dout * (1 + t + z * (1 - t * t) * root * (1 + 3 * cubic * z * z)) / 2
    return dz


def _gelu_cubic_cut(dout: Array, cache: Cache) -> Array:
    return _gelu_by(dout, cache, np.sqrt(2 / np.pi), 0.0447)  # right: 0.044715


def _gelu_root_cut(dout: Array, cache: Cache) -> Array:
    return _gelu_by(dout, cache, 0.798, 0.044715)  # right: sqrt(2 / pi)


def _wave_forward(x: Array) -> tuple[Array, Cache]:
    return np.sin(2 * np.pi * x), x


def _wave_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = dout * 2 * np.pi * np.cos(2 * np.pi * cache)
    return dx


def _wave_factor_cut(dout: Array, cache: Cache) -> Array:
    dx: Array = dout * 6.28 * np.cos(2 * np.pi * cache)  # right: 2 pi
    return dx


def _wave_cut_everywhere(dout: Array, cache: Cache) -> Array:
    dx: Array = dout * 2 * 3.1416 * np.cos(2 * 3.1416 * cache)  # right: pi
    return dx


def _bits_forward(x: Array) -> tuple[Array, Cache]:
    return np.log(x) / np.log(2), x


def _bits_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = dout / (cache * np.log(2))
    return dx


def _bits_cut(dout: Array, cache: Cache) -> Array:
    dx: Array = dout / (cache * 0.693)  # right: log(2)
    return dx


def _selu_forward(z: Array) -> tuple[Array, Cache]:
    below = SELU_ALPHA * (np.exp(z) - 1)
    return SELU_SCALE * np.where(z.real > 0, z, below), z


def _selu_by(dout: Array, z: Array, scale: float, alpha: float) -> Array:
    dz: Array = dout * scale * np.where(z > 0, 1, alpha * np.exp(z))
    return dz


def _selu_backward(dout: Array, cache: Cache) -> Array:
    return _selu_by(dout, cache, SELU_SCALE, SELU_ALPHA)


def _selu_cut(dout: Array, cache: Cache) -> Array:
    return _selu_by(dout, cache, SELU_SCALE, 1.67)  # right: SELU_ALPHA


def _normed_forward(x: Array) -> tuple[Array, Cache]:
    size = np.sqrt((x * x).mean(axis=1, keepdims=True) + EPSILON)  # (m, 1)
    return x / size, (x, size)


def _normed_backward(dout: Array, cache: Cache) -> Array:
    x, size = cache
    dx: Array = (dout - x * (dout * x).mean(axis=1, keepdims=True) / size**2) / size
    return dx


def _normed_epsilon_outside(dout: Array, cache: Cache) -> Array:
    x, size = cache
    other = np.sqrt(size**2 - EPSILON) + EPSILON  # right: inside of the root, as in the forward
    return _normed_backward(dout, (x, other))


def _tanh_in_float32(dout: Array, cache: Cache) -> Array:
    a = cache.astype(np.float32)  # right: in the dtype of z
    return tanh_backward(dout.astype(np.float32), a).astype(np.float64)


def _tanh_by_difference(dout: Array, cache: Cache) -> Array:
    z = np.arctanh(cache)
    dz: Array = dout * (np.tanh(z + STEP) - cache) / STEP  # right: 1 - a * a
    return dz


def _kept_forward(z: Array) -> tuple[Array, Cache]:
    return np.exp(z), z


def _kept_backward(dout: Array, cache: Cache) -> Array:
    dz: Array = dout * np.exp(cache)
    return dz


def _kept_in_float32(dout: Array, cache: Cache) -> Array:
    dz: Array = dout * np.exp(cache.astype(np.float32))  # right: what the forward was given
    return dz


def _integral_forward(z: Array) -> tuple[Array, Cache]:
    return (1 - np.exp(-z)) / z, z  # the integral of exp(-z t) over t from 0 to 1


def _integral_backward(dout: Array, cache: Cache) -> Array:
    z = cache
    dz: Array = dout * (np.exp(-z) * (1 + z) - 1) / z**2
    return dz


def _integral_by_quadrature(dout: Array, cache: Cache) -> Array:
    t, weights = np.polynomial.legendre.leggauss(NODES)
    t, weights = (t + 1) / 2, weights / 2
    inner = -t * np.exp(-cache[..., None] * t)
    dz: Array = dout * (inner @ weights)  # right: in closed form, or with more nodes
    return dz


def _selu_point(rng: np.random.Generator) -> Params:
    return {"z": away_from_zero(rng, SHAPE)}


def _positive(rng: np.random.Generator) -> Params:
    return {"x": rng.uniform(0.5, 3.0, SHAPE)}


def _between(rng: np.random.Generator) -> Params:
    return {"z": rng.uniform(1.0, 3.0, SHAPE)}


_GELU = normal(z=SHAPE), gelu_tanh_forward, gelu_tanh_backward
_WAVE = normal(x=SHAPE), _wave_forward, _wave_backward
_TANH = normal(z=SHAPE), tanh_forward, tanh_backward

CONSTANT_FAULTS = (
    Fault(
        "gelu-cubic-with-three-digits",
        "no thread; 0.044715 as 0.0447",
        "precision",
        ("z",),
        "The backward of gelu has 0.0447 where the forward has 0.044715.",
        layer_build(*_GELU, _gelu_cubic_cut),
    ),
    Fault(
        "gelu-root-with-three-digits",
        "no thread; sqrt(2 / pi) as 0.798",
        "precision",
        ("z",),
        "The backward of gelu has 0.798 where the forward has sqrt(2 / pi).",
        layer_build(*_GELU, _gelu_root_cut),
    ),
    Fault(
        "two-pi-as-6.28",
        "no thread; a constant typed from memory",
        "precision",
        ("x",),
        "The factor 2 pi of the derivative is written as 6.28.",
        layer_build(*_WAVE, _wave_factor_cut),
        also=("scale",),
    ),
    Fault(
        "pi-as-3.1416",
        "no thread; a constant typed from memory",
        "precision",
        ("x",),
        "The backward has its own pi, of five digits.",
        layer_build(*_WAVE, _wave_cut_everywhere),
    ),
    Fault(
        "log-2-as-0.693",
        "no thread; a constant typed from memory",
        "precision",
        ("x",),
        "The logarithm of 2 is written as 0.693 in the backward.",
        layer_build(_positive, _bits_forward, _bits_backward, _bits_cut),
        also=("scale",),
    ),
    Fault(
        "selu-alpha-with-three-digits",
        "no thread; a constant of the paper, shortened",
        "precision",
        ("z",),
        "The backward of selu has 1.67 where the forward has 1.6732632423543772.",
        layer_build(_selu_point, _selu_forward, _selu_backward, _selu_cut),
        also=("other",),
    ),
    Fault(
        "epsilon-outside-of-the-root",
        "no thread; libraries differ in where they add epsilon",
        "precision",
        ("x",),
        "Epsilon is added inside of the root in the forward and outside of it in the backward.",
        layer_build(normal(x=SHAPE), _normed_forward, _normed_backward, _normed_epsilon_outside),
        also=("other",),
    ),
    Fault(
        "tanh-by-forward-difference",
        "no thread; a difference quotient inside of a claim",
        "precision",
        ("z",),
        "The slope is a forward difference with a step of 1e-4 and keeps four digits.",
        layer_build(*_TANH, _tanh_by_difference),
    ),
    Fault(
        "integral-by-three-nodes",
        "no thread; a quadrature inside of a claim",
        "precision",
        ("z",),
        "The integral in the derivative is summed over three nodes and keeps four digits.",
        layer_build(_between, _integral_forward, _integral_backward, _integral_by_quadrature),
    ),
    Fault(
        "tanh-in-float32",
        "NuRadioMC#1061, with float32 for int",
        "precision",
        ("z",),
        "The backward runs in float32 inside of a float64 network and keeps seven digits.",
        layer_build(*_TANH, _tanh_in_float32),
    ),
    Fault(
        "saved-input-in-float32",
        "no thread; what is saved for the backward is kept in float32 to spare memory",
        "precision",
        ("z",),
        "The input that the backward needs was saved in float32.",
        layer_build(normal(z=SHAPE), _kept_forward, _kept_backward, _kept_in_float32),
    ),
)
"""Faults of precision."""
