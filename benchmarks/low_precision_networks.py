"""Small networks with hand-written backward passes, computed wholly in one precision.

Every step is rounded to the dtype of the parameters, a product of matrices at its end, as hardware
with a wider accumulator does. Given float64 parameters, the same code is the reference.

T: rows of data, C: channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

Array = Any
Leaves = dict[str, Array]

T, C = 6, 4


@dataclass(frozen=True)
class Network:
    """A network at a point, in float64; `forward` and `backward` compute as long as they are given.

    Attributes
    ----------
    name : str
        Of its kind.
    point : dict of str to array
        The parameters.
    forward : callable
        `forward(p)` returns an array, or a number where `loss`.
    backward : callable
        `backward(p, dout)` returns the gradients; dout is 1 where `loss`.
    loss : bool
        Whether the output is one number.
    """

    name: str
    point: Leaves
    forward: Callable[[Leaves], Array]
    backward: Callable[[Leaves, Array], Leaves]
    loss: bool


def data(rng: np.random.Generator, *shape: int) -> Array:
    """Draw data of 8 digits, which are the same numbers in every format."""
    return rng.standard_normal(shape).astype(ml_dtypes.bfloat16).astype(np.float64)


def as_of(a: Array, like: Array) -> Array:
    """Round to the dtype of another array."""
    return np.asarray(a).astype(like.dtype)


def product(a: Array, b: Array) -> Array:
    """Multiply matrices, rounded once, at the end."""
    return as_of(np.matmul(_wide(a), _wide(b)), a)


def total(a: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """Sum, rounded once, at the end."""
    return as_of(np.sum(_wide(a), axis=axis, keepdims=keepdims), a)


def _wide(a: Array) -> Array:
    """Give a matrix product its accumulator: float32 for anything shorter."""
    return a.astype(np.float32) if a.dtype.itemsize < 4 else a


def one(p: Leaves) -> Array:
    """Return 1 in the precision of the parameters, which Python's own numbers do not change."""
    return as_of(1.0, next(iter(p.values())))


# --- dense layers -------------------------------------------------------------------------------


def _dense(rng: np.random.Generator, name: str, act: str, *, loss: bool) -> Network:
    """Build two layers, of a mean squared error where `loss`."""
    x, target = data(rng, T, 3), data(rng, T, 2)
    slope = {"tanh": tanh_backward, "relu": relu_backward, "gelu": gelu_backward}[act]
    bend = {"tanh": np.tanh, "relu": relu_forward, "gelu": gelu_forward}[act]

    def layers(p: Leaves) -> tuple[Array, Array, Array]:
        z = product(as_of(x, p["W1"]), p["W1"]) + p["b1"]  # (T, C)
        h = bend(z)
        return z, h, product(h, p["W2"])  # (T, 2)

    def forward(p: Leaves) -> Array:
        _, _, y = layers(p)
        e = y - as_of(target, y)
        return as_of(total(e * e) / as_of(e.size, e), e) if loss else y

    def backward(p: Leaves, dout: Array) -> Leaves:
        z, h, y = layers(p)
        dy = (y - as_of(target, y)) * as_of(2 / y.size, y) * dout if loss else dout
        dh = product(dy, p["W2"].T)  # forward: y = h @ W2
        dz = slope(z, dh)
        return {
            "W1": product(as_of(x, z).T, dz),  # forward: z = x @ W1 + b1
            "b1": total(dz, 0),
            "W2": product(h.T, dy),
        }

    point = {
        "W1": rng.standard_normal((3, C)) / math.sqrt(3),
        "b1": rng.standard_normal(C) / 4,
        "W2": rng.standard_normal((C, 2)) / 2,
    }
    return Network(name, point, forward, backward, loss)


def tanh_backward(z: Array, dout: Array) -> Array:
    """Differentiate tanh(z)."""
    h = np.tanh(z)
    return dout * (as_of(1, z) - h * h)


def relu_forward(z: Array) -> Array:
    """Cut off what is negative."""
    return np.maximum(z, as_of(0, z))


def relu_backward(z: Array, dout: Array) -> Array:
    """Differentiate max(z, 0)."""
    return np.where(z > as_of(0, z), dout, as_of(0, z))


ROOT, CUBE = math.sqrt(2 / math.pi), 0.044715


def gelu_forward(z: Array) -> Array:
    """Compute gelu, by its tanh."""
    half, c, k = as_of(0.5, z), as_of(ROOT, z), as_of(CUBE, z)
    return half * z * (as_of(1, z) + np.tanh(c * (z + k * z * z * z)))


def gelu_backward(z: Array, dout: Array) -> Array:
    """Differentiate z (1 + tanh u)/2 with u = c (z + k z^3)."""
    half, c, k, unit = as_of(0.5, z), as_of(ROOT, z), as_of(CUBE, z), as_of(1, z)
    t = np.tanh(c * (z + k * z * z * z))
    du = c * (unit + as_of(3, z) * k * z * z)
    return dout * (half * (unit + t) + half * z * (unit - t * t) * du)


# --- softmax with cross-entropy -----------------------------------------------------------------


def _classes(rng: np.random.Generator) -> Network:
    x, labels = data(rng, T, 3), rng.integers(0, C, T)
    rows = np.arange(T)

    def probabilities(p: Leaves) -> Array:
        z = product(as_of(x, p["W"]), p["W"]) + p["b"]  # (T, C)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / total(e, 1, keepdims=True)

    def forward(p: Leaves) -> Array:
        q = probabilities(p)
        return -total(np.log(q[rows, labels])) / as_of(T, q)

    def backward(p: Leaves, dout: Array) -> Leaves:
        dz = probabilities(p)
        dz[rows, labels] = dz[rows, labels] - one(p)
        dz = dz / as_of(T, dz) * dout
        return {"W": product(as_of(x, dz).T, dz), "b": total(dz, 0)}

    point = {"W": rng.standard_normal((3, C)) / 2, "b": rng.standard_normal(C) / 4}
    return Network("cross-entropy", point, forward, backward, loss=True)


# --- layer norm, convolution, attention ---------------------------------------------------------


def _layer_norm(rng: np.random.Generator) -> Network:
    def normed(p: Leaves) -> tuple[Array, Array]:
        x = p["x"]
        n = as_of(x.shape[1], x)
        centred = x - total(x, 1, keepdims=True) / n  # (T, 2C)
        variance = total(centred * centred, 1, keepdims=True) / n
        inverse = one(p) / np.sqrt(variance + as_of(1e-2, x))
        return centred * inverse, inverse

    def forward(p: Leaves) -> Array:
        return normed(p)[0] * p["gain"] + p["bias"]

    def backward(p: Leaves, dout: Array) -> Leaves:
        out, inverse = normed(p)
        n = as_of(out.shape[1], out)
        dnormed = dout * p["gain"]  # forward: normed * gain + bias
        mean = total(dnormed, 1, keepdims=True) / n
        along = total(dnormed * out, 1, keepdims=True) / n
        return {
            "x": inverse * (dnormed - mean - out * along),
            "gain": total(dout * out, 0),
            "bias": total(dout, 0),
        }

    point = {
        "x": rng.standard_normal((T, 2 * C)),
        "gain": rng.uniform(0.5, 1.5, 2 * C),
        "bias": rng.standard_normal(2 * C) / 2,
    }
    return Network("layer-norm", point, forward, backward, loss=False)


WIDTH = 3


def _convolution(rng: np.random.Generator) -> Network:
    """Build a convolution of one axis: y[t] = tanh(sum_k x[t + k] w[k] + b)."""
    windows = np.arange(2 * T - WIDTH + 1)[:, None] + np.arange(WIDTH)  # (L, WIDTH)

    def forward(p: Leaves) -> Array:
        return np.tanh(product(p["x"][windows], p["w"]) + p["b"])  # (L, C)

    def backward(p: Leaves, dout: Array) -> Leaves:
        dz = tanh_backward(product(p["x"][windows], p["w"]) + p["b"], dout)
        spread = _wide(product(dz, p["w"].T))  # (L, WIDTH)
        dx = np.zeros(p["x"].shape, spread.dtype)
        np.add.at(dx, windows, spread)  # forward: x[windows]
        return {
            "x": as_of(dx, p["x"]),
            "w": product(p["x"][windows].T, dz),
            "b": total(dz, 0),
        }

    point = {
        "x": rng.standard_normal(2 * T),
        "w": rng.standard_normal((WIDTH, C)) / 2,
        "b": rng.standard_normal(C) / 4,
    }
    return Network("convolution", point, forward, backward, loss=False)


def _attention(rng: np.random.Generator) -> Network:
    """Build one head: softmax(q k' / sqrt(C)) v."""

    def weights(p: Leaves) -> Array:
        z = product(p["q"], p["k"].T) / as_of(math.sqrt(C), p["q"])  # (T, T)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / total(e, 1, keepdims=True)

    def forward(p: Leaves) -> Array:
        return product(weights(p), p["v"])  # (T, C)

    def backward(p: Leaves, dout: Array) -> Leaves:
        a = weights(p)
        da = product(dout, p["v"].T)  # forward: a @ v
        dz = a * (da - total(da * a, 1, keepdims=True)) / as_of(math.sqrt(C), a)
        return {
            "q": product(dz, p["k"]),  # forward: q @ k'
            "k": product(dz.T, p["q"]),
            "v": product(a.T, dout),
        }

    point = {name: rng.standard_normal((T, C)) for name in ("q", "k", "v")}
    return Network("attention", point, forward, backward, loss=False)


# --- all of them --------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[np.random.Generator], Network]] = {
    "mlp-tanh": lambda rng: _dense(rng, "mlp-tanh", "tanh", loss=True),
    "mlp-relu": lambda rng: _dense(rng, "mlp-relu", "relu", loss=False),
    "mlp-gelu": lambda rng: _dense(rng, "mlp-gelu", "gelu", loss=False),
    "cross-entropy": _classes,
    "layer-norm": _layer_norm,
    "convolution": _convolution,
    "attention": _attention,
}


def networks(seed: int) -> tuple[Network, ...]:
    """Draw one network of each kind."""
    return tuple(make(np.random.default_rng([seed, k])) for k, make in enumerate(MAKERS.values()))
