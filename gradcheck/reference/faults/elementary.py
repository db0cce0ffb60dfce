"""Planted faults of elementary functions: products, quotients, powers, values at zero.

Owns: ELEMENTARY_FAULTS, with the small right layers that they imitate. Activations stand in
`faults/activations`. Place: beside `faults/case`, gathered by `faults/__init__`.
Letters: m = rows, n = columns.
"""

import numpy as np

from ..activations import sigmoid_forward
from ..arrays import Array, Cache, Params
from .case import Fault, away_from_zero, layer_build, normal

SHAPE = (4, 3)
POWER = 3.0
SLOPE_SHAPE = (3,)


def _product_forward(a: Array, b: Array) -> tuple[Array, Cache]:
    return a * b, (a, b)


def _product_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, b = cache
    return dout * b, dout * a


def _product_of_itself(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, _ = cache
    return dout * a, dout * a  # right: dout * b for the first


def _quotient_forward(a: Array, b: Array) -> tuple[Array, Cache]:
    return a / b, (a, b)


def _quotient_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, b = cache
    return dout / b, -dout * a / (b * b)


def _quotient_sign(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, b = cache
    return dout / b, dout * a / (b * b)  # right: a minus


def _quotient_power(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, b = cache
    return dout / b, -dout * a / b  # right: b * b


def _power_forward(x: Array, p: Array) -> tuple[Array, Cache]:
    return x**p, (x, p)


def _power_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, p = cache
    return dout * p * x ** (p - 1), dout * x**p * np.log(x)


def _power_without_log(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, p = cache
    dx, _ = _power_backward(dout, cache)
    return dx, dout * x**p  # right: times log(x)


def _power_not_lowered(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, p = cache
    _, dp = _power_backward(dout, cache)
    return dout * p * x**p, dp  # right: x ** (p - 1)


def _cube_forward(x: Array) -> tuple[Array, Cache]:
    return x * x * x, x


def _cube_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = 3 * dout * cache * cache
    return dx


def _cube_through_log(dout: Array, cache: Cache) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 * inf is the fault
        dx: Array = dout * cache**POWER * (POWER / cache)  # right: POWER * x ** (POWER - 1)
        return dx


def _wave_forward(x: Array) -> tuple[Array, Cache]:
    small = np.abs(x) < 1e-4  # where the series is exact to rounding, at zero above all
    safe = np.where(small, 1, x)
    return np.where(small, 1 - x * x / 6, np.sin(safe) / safe), x


def _wave_backward(dout: Array, cache: Cache) -> Array:
    safe = np.where(cache == 0, 1, cache)
    slope = np.where(cache == 0, 0, np.cos(safe) / safe - np.sin(safe) / safe**2)
    return dout * slope


def _wave_by_division(dout: Array, cache: Cache) -> Array:
    x = cache
    with np.errstate(invalid="ignore"):  # 0 / 0 is the fault
        dx: Array = dout * (x * np.cos(x) - np.sin(x)) / x**2  # right: 0 at zero
        return dx


def _log_sum_forward(a: Array, b: Array) -> tuple[Array, Cache]:
    return np.log(np.exp(a) + np.exp(b)), (a, b)


def _log_sum_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, b = cache
    share, _ = sigmoid_forward(a - b)
    return dout * share, dout * (1 - share)


def _log_sum_by_larger(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, b = cache
    # forward as max(a, b) + log1p(exp(-|a - b|)); right: one half each where a equals b
    smaller, _ = sigmoid_forward(-np.abs(a - b))
    share = (a >= b) - np.sign(a - b) * smaller
    return dout * share, dout * (1 - share)


def _real_part_forward(re: Array, im: Array) -> tuple[Array, Cache]:
    return re**3 - 3 * re * im**2, (re, im)  # the real part of z^3


def _real_part_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    re, im = cache
    return 3 * dout * (re**2 - im**2), -6 * dout * re * im  # the conjugate of 3 z^2


def _real_part_not_conjugated(dout: Array, cache: Cache) -> tuple[Array, ...]:
    re, im = cache
    dre, _ = _real_part_backward(dout, cache)
    return dre, 6 * dout * re * im  # right: the conjugate, with a minus


def _swish_forward(z: Array) -> tuple[Array, Cache]:
    s, _ = sigmoid_forward(z)
    return z * s, (z, s)


def _swish_backward(dout: Array, cache: Cache) -> Array:
    z, s = cache
    dz: Array = dout * (s + z * s * (1 - s))
    return dz


def _swish_gate_constant(dout: Array, cache: Cache) -> Array:
    _, s = cache
    dz: Array = dout * s  # right: and through the gate
    return dz


def _leaky_forward(z: Array, slope: Array) -> tuple[Array, Cache]:
    return np.where(z.real > 0, z, slope * z), (z, slope)  # slope (n,), of each channel


def _leaky_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    z, slope = cache
    below = z <= 0
    return dout * np.where(below, slope, 1), np.sum(dout * z * below, axis=0)


def _leaky_slope_everywhere(dout: Array, cache: Cache) -> tuple[Array, ...]:
    z, _ = cache
    dz, _ = _leaky_backward(dout, cache)
    return dz, np.sum(dout * z, axis=0)  # right: where z <= 0 only


def _log1p_forward(x: Array) -> tuple[Array, Cache]:
    return np.log(1 + x), x


def _log1p_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = dout / (1 + cache)
    return dx


def _log1p_as_log(dout: Array, cache: Cache) -> Array:
    dx: Array = dout / cache  # right: 1 + x
    return dx


def _fan_forward(x: Array) -> tuple[Array, Cache]:
    y = 3 * x
    return 2 * y + 5 * y, None


def _fan_backward(dout: Array, cache: Cache) -> Array:
    del cache
    dx: Array = 3 * (2 * dout + 5 * dout)
    return dx


def _fan_first_branch(dout: Array, cache: Cache) -> Array:
    del cache
    dx: Array = 3 * (2 * dout)  # right: wait for the second branch
    return dx


def _clamp_forward(x: Array) -> tuple[Array, Cache]:
    return np.where(np.abs(x.real) < 1, x, np.sign(x.real)), np.abs(x.real) < 1


def _clamp_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = dout * cache
    return dx


def _clamp_straight_through(dout: Array, cache: Cache) -> Array:
    del cache
    return dout.copy()  # right: zero where the forward is flat


def _clamp_never_inside(dout: Array, cache: Cache) -> Array:
    return np.where(cache & ~cache, dout, 0)  # as x <= -1 and x >= 1; right: >= and <=


def _positive_pair(rng: np.random.Generator) -> Params:
    return {"x": rng.uniform(0.3, 2.0, SHAPE), "p": rng.uniform(0.5, 2.5, SHAPE)}


def _divisible(rng: np.random.Generator) -> Params:
    return {"a": rng.standard_normal(SHAPE), "b": 0.3 + rng.uniform(0.2, 1.5, SHAPE)}


def _with_a_zero(rng: np.random.Generator) -> Params:
    x = away_from_zero(rng, SHAPE)
    x[1, 1] = 0
    return {"x": x}


def _some_equal(rng: np.random.Generator) -> Params:
    a, b = rng.standard_normal(SHAPE), rng.standard_normal(SHAPE)
    b[0] = a[0]
    return {"a": a, "b": b}


def _sloped(rng: np.random.Generator) -> Params:
    return {"z": away_from_zero(rng, SHAPE), "slope": rng.uniform(0.1, 0.4, SLOPE_SHAPE)}


def _above_zero(rng: np.random.Generator) -> Params:
    return {"x": rng.uniform(0.2, 3.0, SHAPE)}


def _beyond_the_clamp(rng: np.random.Generator) -> Params:
    x = away_from_zero(rng, SHAPE)
    x = np.where(np.abs(np.abs(x) - 1) < 0.1, 0.5 * x, x)
    x[0] = [1.5, -1.7, 0.4]  # in the flat parts and between them
    return {"x": x}


_PAIR = normal(a=SHAPE, b=SHAPE)
_QUOTIENT = _divisible, _quotient_forward, _quotient_backward
_POWER = _positive_pair, _power_forward, _power_backward

ELEMENTARY_FAULTS = (
    Fault(
        "product-by-itself",
        "community.deeplearning.ai t/402919",
        "other",
        ("a",),
        "The first factor of a product is multiplied by itself instead of by the second.",
        layer_build(_PAIR, _product_forward, _product_backward, _product_of_itself),
    ),
    Fault(
        "quotient-sign",
        "no thread; the minus of the quotient rule",
        "sign",
        ("b",),
        "The gradient of the divisor lacks its minus.",
        layer_build(*_QUOTIENT, _quotient_sign),
    ),
    Fault(
        "quotient-not-squared",
        "no thread; the square of the quotient rule",
        "slope",
        ("b",),
        "The gradient of the divisor is divided by it once instead of twice.",
        layer_build(*_QUOTIENT, _quotient_power),
        also=("other",),
    ),
    Fault(
        "exponent-without-logarithm",
        "no thread; the derivative of x^p by p",
        "other",
        ("p",),
        "The gradient of the exponent lacks the logarithm of the base.",
        layer_build(*_POWER, _power_without_log),
    ),
    Fault(
        "power-not-lowered",
        "no thread; the exponent kept as it was",
        "slope",
        ("x",),
        "The derivative of a power keeps the exponent instead of lowering it by one.",
        layer_build(*_POWER, _power_not_lowered),
        also=("other",),
    ),
    Fault(
        "power-at-zero-by-division",
        "pytorch/pytorch#27134, tinygrad/tinygrad#155",
        "nonfinite",
        ("x",),
        "The derivative of a power is formed as out * (p / x), which is 0 * inf at zero.",
        layer_build(_with_a_zero, _cube_forward, _cube_backward, _cube_through_log),
    ),
    Fault(
        "sinc-at-zero-by-division",
        "no thread; the removable singularity of sin(x) / x",
        "nonfinite",
        ("x",),
        "The derivative of sin(x) / x is not made safe at zero, as the function was.",
        layer_build(_with_a_zero, _wave_forward, _wave_backward, _wave_by_division),
    ),
    Fault(
        "log-sum-of-equals",
        "keras-team/keras#23616",
        "other",
        ("a", "b"),
        "Where both entries are equal, the first gets all of the gradient instead of one half.",
        layer_build(_some_equal, _log_sum_forward, _log_sum_backward, _log_sum_by_larger),
        also=("scale",),
    ),
    Fault(
        "complex-derivative-not-conjugated",
        "FluxML/Zygote.jl#160",
        "sign",
        ("im",),
        "The derivative of a complex function is not conjugated, so that the imaginary part flips.",
        layer_build(
            normal(re=SHAPE, im=SHAPE),
            _real_part_forward,
            _real_part_backward,
            _real_part_not_conjugated,
        ),
    ),
    Fault(
        "swish-gate-constant",
        "no thread; the product rule with one of its two terms",
        "missing-term",
        ("z",),
        "The gate of swish is held constant.",
        layer_build(normal(z=SHAPE), _swish_forward, _swish_backward, _swish_gate_constant),
        also=("slope", "other"),
    ),
    Fault(
        "leaky-slope-everywhere",
        "no thread; the mask of a learnt slope forgotten",
        "extra-term",
        ("slope",),
        "The learnt slope also gets a gradient from units where it is not used.",
        layer_build(_sloped, _leaky_forward, _leaky_backward, _leaky_slope_everywhere),
        also=("other",),
    ),
    Fault(
        "log1p-as-log",
        "no thread; the derivative of the logarithm under log(1 + x)",
        "slope",
        ("x",),
        "The gradient of log(1 + x) is that of log(x).",
        layer_build(_above_zero, _log1p_forward, _log1p_backward, _log1p_as_log),
        also=("other",),
    ),
    Fault(
        "branch-walked-too-early",
        "TrenTorch/TrenTorch#182",
        "scale",
        ("x",),
        "The node is walked when the first of its two branches has come back.",
        layer_build(normal(x=SHAPE), _fan_forward, _fan_backward, _fan_first_branch),
        also=("missing-term",),
    ),
    Fault(
        "clamp-straight-through",
        "no thread; a straight-through estimator where the true gradient is claimed",
        "extra-term",
        ("x",),
        "The gradient passes through the clamp where the forward is flat.",
        layer_build(_beyond_the_clamp, _clamp_forward, _clamp_backward, _clamp_straight_through),
        also=("other",),
    ),
    Fault(
        "clamp-comparisons-swapped",
        "tenstorrent/tt-metal#48201",
        "detached",
        ("x",),
        "Both comparisons of the clamp are the wrong way round, and no entry is ever inside.",
        layer_build(_beyond_the_clamp, _clamp_forward, _clamp_backward, _clamp_never_inside),
    ),
)
"""Faults of elementary functions."""
