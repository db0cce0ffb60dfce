"""Planted faults of the other normalisations: over the batch, by root mean square, by length.

Owns: BATCH_NORM_FAULTS, with the small right layers that they imitate. Layer normalisation stands
in `faults/normalisation`. Place: beside `faults/case`, gathered by `faults/__init__`.
Letters: m = rows, n = features, g = groups of features.
"""

import numpy as np

from ..arrays import Array, Cache, Params
from .case import Draw, Fault, layer_build, normal

EPSILON = 1e-5
M, N = 6, 4
SQUARE = 5  # rows and features alike: a sum over the wrong axis has the right shape


def _scaled(m: int, n: int) -> Draw:
    def draw(rng: np.random.Generator) -> Params:
        x = 1.5 * rng.standard_normal((m, n)) + 0.7
        return {"x": x, "gain": rng.uniform(0.5, 2.0, n), "bias": rng.standard_normal(n)}

    return draw


def _sequence(rng: np.random.Generator) -> Params:
    x = rng.standard_normal((3, 2, N))  # (batch, places, n)
    return {"x": x, "gain": rng.uniform(0.5, 2.0, N)}


def _batch_forward(x: Array, gain: Array, bias: Array) -> tuple[Array, Cache]:
    centred = x - x.mean(axis=0)  # (m, n)
    inverse = 1 / np.sqrt((centred * centred).mean(axis=0) + EPSILON)  # (n,)
    normed = centred * inverse
    return normed * gain + bias, (x, normed, inverse, gain)


def _batch_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, normed, inverse, gain = cache
    dnormed = dout * gain  # (m, n)
    through_variance = normed * (dnormed * normed).mean(axis=0)  # (m, n)
    dx = inverse * (dnormed - dnormed.mean(axis=0) - through_variance)
    return dx, (dout * normed).sum(axis=0), dout.sum(axis=0)


def _batch_variance_constant(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, _, inverse, gain = cache
    _, dgain, dbias = _batch_backward(dout, cache)
    dnormed = dout * gain
    return inverse * (dnormed - dnormed.mean(axis=0)), dgain, dbias  # right: - through_variance


def _batch_mean_constant(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, normed, inverse, gain = cache
    _, dgain, dbias = _batch_backward(dout, cache)
    dnormed = dout * gain
    dx = inverse * (dnormed - normed * (dnormed * normed).mean(axis=0))  # right: - its mean
    return dx, dgain, dbias


def _batch_mean_twice(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, _, inverse, gain = cache
    dx, dgain, dbias = _batch_backward(dout, cache)
    return dx - inverse * (dout * gain).mean(axis=0), dgain, dbias  # right: dx


def _batch_gain_of_input(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, _, _, _ = cache
    dx, _, dbias = _batch_backward(dout, cache)
    return dx, (dout * x).sum(axis=0), dbias  # right: dout * normed


def _batch_gain_over_wrong_axis(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, normed, _, _ = cache
    dx, _, dbias = _batch_backward(dout, cache)
    return dx, (dout * normed).sum(axis=1), dbias  # right: axis=0


def _batch_by_m_less_one(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, normed, inverse, gain = cache
    _, dgain, dbias = _batch_backward(dout, cache)
    dnormed = dout * gain
    m = len(dout) - 1  # right: len(dout), as in the forward
    dx = inverse * (dnormed - dnormed.sum(axis=0) / m - normed * (dnormed * normed).sum(axis=0) / m)
    return dx, dgain, dbias


def _row_norm_forward(x: Array, gain: Array) -> tuple[Array, Cache]:
    centred = x - x.mean(axis=-1, keepdims=True)  # (batch, places, n)
    inverse = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPSILON)
    return centred * inverse * gain, (centred * inverse, inverse, gain)


def _row_norm_by(dout: Array, cache: Cache, size: int) -> tuple[Array, ...]:
    normed, inverse, gain = cache
    dnormed = dout * gain
    through_mean = dnormed.sum(axis=-1, keepdims=True) / size
    through_variance = normed * (dnormed * normed).sum(axis=-1, keepdims=True) / size
    return inverse * (dnormed - through_mean - through_variance), (dout * normed).sum(axis=(0, 1))


def _row_norm_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    return _row_norm_by(dout, cache, dout.shape[-1])


def _row_norm_by_first_axis(dout: Array, cache: Cache) -> tuple[Array, ...]:
    return _row_norm_by(dout, cache, dout.shape[0])  # right: shape[-1]


def _rms_forward(x: Array, gain: Array) -> tuple[Array, Cache]:
    inverse = 1 / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPSILON)  # (m, 1)
    return x * inverse * gain, (x, inverse, gain)


def _rms_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, inverse, gain = cache
    dnormed, normed = dout * gain, x * inverse
    along = normed * (dnormed * normed).mean(axis=1, keepdims=True)
    return inverse * (dnormed - along), (dout * normed).sum(axis=0)


def _rms_gain_forgotten(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, inverse, gain = cache
    _, dgain = _rms_backward(dout, cache)
    dx, _ = _rms_backward(dout, (x, inverse, np.ones_like(gain)))  # right: gain
    return dx, dgain


def _rms_constant(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, inverse, gain = cache
    _, dgain = _rms_backward(dout, cache)
    return inverse * dout * gain, dgain  # right: - along


def _rms_gain_not_summed(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, inverse, _ = cache
    dx, _ = _rms_backward(dout, cache)
    return dx, (dout * x * inverse)[-1]  # right: .sum(axis=0), over all rows


def _group_forward(x: Array) -> tuple[Array, Cache]:
    inverse = 1 / np.sqrt((x * x).mean(axis=2, keepdims=True) + EPSILON)  # x (m, g, g)
    return x * inverse, (x, inverse)


def _group_along(dout: Array, cache: Cache, axis: int) -> Array:
    x, inverse = cache
    normed = x * inverse
    dx: Array = inverse * (dout - normed * (dout * normed).mean(axis=axis, keepdims=True))
    return dx


def _group_backward(dout: Array, cache: Cache) -> Array:
    return _group_along(dout, cache, 2)


def _group_over_wrong_axis(dout: Array, cache: Cache) -> Array:
    return _group_along(dout, cache, 1)  # right: axis 2, the features of a group


def _direction_forward(v: Array, size: Array) -> tuple[Array, Cache]:
    length = np.sqrt(np.sum(v * v, axis=0))  # (n,), of each column
    return size * v / length, (v, size, length)  # weight normalisation


def _direction_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    v, size, length = cache
    unit = v / length
    dsize = np.sum(dout * unit, axis=0)
    return size / length * (dout - dsize * unit), dsize


def _direction_without_projection(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, size, length = cache
    _, dsize = _direction_backward(dout, cache)
    return size / length * dout, dsize  # right: without the part along v


def _unit_forward(x: Array) -> tuple[Array, Cache]:
    square = np.sum(x * x, axis=1)  # (m,)
    return square, x


def _unit_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = 2 * dout[:, None] * cache
    return dx


def _unit_through_norm(dout: Array, cache: Cache) -> Array:
    length = np.sqrt(np.sum(cache * cache, axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):  # 0 / 0 is the fault
        dx: Array = 2 * dout[:, None] * length * (cache / length)  # right: 2 x
        return dx


def _with_a_zero_row(rng: np.random.Generator) -> Params:
    x = rng.standard_normal((4, 3))
    x[1] = 0
    return {"x": x}


_BATCH = _scaled(M, N), _batch_forward, _batch_backward
_SQUARE_BATCH = _scaled(SQUARE, SQUARE), _batch_forward, _batch_backward


def _gained(rng: np.random.Generator) -> Params:
    return {"x": rng.standard_normal((M, N)), "gain": rng.uniform(0.5, 2.0, N)}


_RMS = _gained, _rms_forward, _rms_backward

BATCH_NORM_FAULTS = (
    Fault(
        "batch-norm-variance-constant",
        "facebookresearch/CrypTen#143",
        "missing-term",
        ("x",),
        "The variance of the batch is held constant.",
        layer_build(*_BATCH, _batch_variance_constant),
    ),
    Fault(
        "batch-norm-mean-constant",
        "facebookresearch/CrypTen#143",
        "missing-term",
        ("x",),
        "The mean of the batch is held constant.",
        layer_build(*_BATCH, _batch_mean_constant),
    ),
    Fault(
        "batch-norm-mean-counted-twice",
        "apache/mxnet#1053",
        "extra-term",
        ("x",),
        "The term that comes through the mean is added twice.",
        layer_build(*_BATCH, _batch_mean_twice),
        also=("missing-term",),
    ),
    Fault(
        "batch-norm-gain-of-raw-input",
        "no thread; x for its normalised form, kept under one name",
        "other",
        ("gain",),
        "The gain's gradient is formed with the input before it was normalised.",
        layer_build(*_BATCH, _batch_gain_of_input),
    ),
    Fault(
        "batch-norm-gain-over-wrong-axis",
        "no thread; the axis slip of tensorflow/tfjs-core#1267 on a gain",
        "wrong-axis",
        ("gain",),
        "The gain's gradient is summed over the features instead of over the rows.",
        layer_build(*_SQUARE_BATCH, _batch_gain_over_wrong_axis),
    ),
    Fault(
        "batch-norm-by-m-less-one",
        "no thread; the unbiased variance in the backward only",
        "other",
        ("x",),
        "The means of the backward divide by m - 1, those of the forward by m.",
        layer_build(*_BATCH, _batch_by_m_less_one),
    ),
    Fault(
        "layer-norm-size-of-first-axis",
        "FlagGems#5392",
        "other",
        ("x",),
        "The number of features is read from the first axis, which is that of the batch.",
        layer_build(_sequence, _row_norm_forward, _row_norm_backward, _row_norm_by_first_axis),
    ),
    Fault(
        "rms-norm-gain-forgotten",
        "karpathy/llm.c#763",
        "other",
        ("x",),
        "The input's gradient is formed from dout instead of from gain * dout.",
        layer_build(*_RMS, _rms_gain_forgotten),
    ),
    Fault(
        "rms-norm-root-constant",
        "facebookresearch/CrypTen#143, for the root mean square",
        "missing-term",
        ("x",),
        "The root mean square of the row is held constant.",
        layer_build(*_RMS, _rms_constant),
    ),
    Fault(
        "rms-norm-gain-of-last-row",
        "no thread; the += over the rows written as =",
        "other",
        ("gain",),
        "The gain's gradient is that of the last row instead of the sum.",
        layer_build(*_RMS, _rms_gain_not_summed),
    ),
    Fault(
        "group-norm-over-wrong-axis",
        "no thread; groups and features of a group mixed up",
        "wrong-axis",
        ("x",),
        "The mean is over the groups instead of over the features of a group.",
        layer_build(
            normal(x=(2, SQUARE, SQUARE)), _group_forward, _group_backward, _group_over_wrong_axis
        ),
        also=("other",),
    ),
    Fault(
        "weight-norm-without-projection",
        "no thread; Salimans & Kingma (2016), arXiv:1602.07868, without the second term",
        "missing-term",
        ("v",),
        "The length of the direction is held constant, so that a part along it remains.",
        layer_build(
            normal(v=(N, 3), size=(3,)),
            _direction_forward,
            _direction_backward,
            _direction_without_projection,
        ),
        also=("extra-term",),
    ),
    Fault(
        "square-through-the-norm-at-zero",
        "pytorch/pytorch#2421, HIPS/autograd#151",
        "nonfinite",
        ("x",),
        "The square is differentiated through the norm, which is 0 / 0 in a row of zeros.",
        layer_build(_with_a_zero_row, _unit_forward, _unit_backward, _unit_through_norm),
    ),
)
"""Faults of normalisation over batches, groups and lengths."""
