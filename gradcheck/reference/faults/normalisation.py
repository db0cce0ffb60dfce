"""Planted faults of layer normalisation, and the right layer they imitate.

Owns: NORMALISATION_FAULTS, layer_norm_forward, layer_norm_backward. The layer of the
reference is written out here once more, each way of x by itself, for the twins leave one out.
Place: beside `faults/case`, gathered by `faults/__init__`. Letters: m = rows, n = features.
"""

import numpy as np

from ..arrays import Array, Cache
from .case import (
    Backward,
    Build,
    Case,
    Fault,
    dense_cotangent,
    layer_case,
)

EPSILON = 1e-5  # the default of Ba, Kiros & Hinton's layer in the usual libraries


def layer_norm_forward(x: Array, gain: Array, bias: Array) -> tuple[Array, Cache]:
    """Normalise each row of x (m, n), then scale by gain (n,) and shift by bias (n,).

    Source: Ba, Kiros & Hinton (2016), arXiv:1607.06450. The cache is (normed, inverse, gain).
    """
    centred = x - x.mean(axis=1, keepdims=True)  # (m, n)
    variance = (centred * centred).mean(axis=1, keepdims=True)  # (m, 1)
    inverse = 1 / np.sqrt(variance + EPSILON)  # (m, 1)
    normed = centred * inverse  # (m, n)
    out = normed * gain + bias  # (m, n); gain and bias are broadcast over the rows
    return out, (normed, inverse, gain)


def layer_norm_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    """Compute dx (m, n), dgain (n,) and dbias (n,) from dout (m, n)."""
    normed, inverse, gain = cache
    dbias = dout.sum(axis=0)  # (n,); forward: + bias
    dgain = (dout * normed).sum(axis=0)  # (n,); forward: normed * gain
    dnormed = dout * gain  # (m, n); forward: normed * gain
    # forward: normed = (x - mean) / deviation; x enters directly, by the mean and the variance
    through_mean = dnormed.mean(axis=1, keepdims=True)  # (m, 1)
    through_variance = normed * (dnormed * normed).mean(axis=1, keepdims=True)  # (m, n)
    dx = inverse * (dnormed - through_mean - through_variance)
    return dx, dgain, dbias


def _layer_norm(wrong: Backward) -> Build:
    def build(rng: np.random.Generator) -> Case:
        m, n = 4, 6
        x = {
            "x": rng.standard_normal((m, n)),
            "gain": rng.uniform(0.5, 2.0, n),  # not 1, where a forgotten gain does not show
            "bias": rng.standard_normal(n),
        }
        dout = dense_cotangent(rng, (m, n))
        return layer_case(layer_norm_forward, layer_norm_backward, wrong, x, dout)

    return build


def _statistics_as_constants(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, inverse, gain = cache
    _, dgain, dbias = layer_norm_backward(dout, cache)
    return inverse * (dout * gain), dgain, dbias  # right: - through_mean - through_variance


def _gain_forgotten(dout: Array, cache: Cache) -> tuple[Array, ...]:
    normed, inverse, gain = cache
    _, dgain, dbias = layer_norm_backward(dout, cache)
    dx, _, _ = layer_norm_backward(dout, (normed, inverse, np.ones_like(gain)))  # right: gain
    return dx, dgain, dbias


def _mean_subtracted_twice(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, inverse, gain = cache
    dx, dgain, dbias = layer_norm_backward(dout, cache)
    through_mean = (dout * gain).mean(axis=1, keepdims=True)  # (m, 1)
    return dx - inverse * through_mean, dgain, dbias  # right: dx


NORMALISATION_FAULTS = (
    Fault(
        "layer-norm-statistics-as-constants",
        "facebookresearch/CrypTen#143",
        "missing-term",
        ("x",),
        "The gradient treats mean and variance of the row as constants.",
        _layer_norm(_statistics_as_constants),
    ),
    Fault(
        "layer-norm-gain-forgotten",
        "Knet.jl#288",
        "other",
        ("x",),
        "The input gradient is formed from dout instead of from gain * dout.",
        _layer_norm(_gain_forgotten),
    ),
    Fault(
        "layer-norm-mean-subtracted-twice",
        "tenstorrent/tt-metal#53215",
        "extra-term",
        ("x",),
        "The term that comes through the mean is subtracted twice.",
        _layer_norm(_mean_subtracted_twice),
        also=("missing-term",),
    ),
)
"""Faults of layer normalisation."""
