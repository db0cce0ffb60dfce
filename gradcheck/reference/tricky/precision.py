"""Right gradients in few digits: float32 and float16.

Owns: PRECISION. Place: beside `case`, gathered by `__init__`. Differences of float32 values lose
half of seven digits; `reference` gives f in float64 where its author has that.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky

SINGLE = np.float32


def _single(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(SINGLE)


def _network_in_single(rng: np.random.Generator) -> Posed:
    data = _single(rng, 8, 3)
    x = {"W1": _single(rng, 3, 5), "b1": _single(rng, 5), "W2": _single(rng, 5, 1)}

    def f(x: Tree) -> Tree:
        return np.sum((np.tanh(data @ x["W1"] + x["b1"]) @ x["W2"]) ** 2)

    def right(x: Tree) -> Tree:
        hidden = np.tanh(data @ x["W1"] + x["b1"])
        dout = 2 * (hidden @ x["W2"])
        dz = dout @ x["W2"].T * (1 - hidden**2)
        return {"W1": data.T @ dz, "b1": dz.sum(axis=0), "W2": hidden.T @ dout}

    return Posed(f, right, x)


def _single_with_reference(rng: np.random.Generator) -> Posed:
    w = _single(rng, 50)

    def f(x: Array) -> Tree:
        return np.sum(w.astype(x.dtype) * np.sin(3 * x))

    return Posed(
        lambda x: f(x.astype(SINGLE)),
        lambda x: 3 * w * np.cos(3 * x),
        _single(rng, 50),
        options={"reference": f},
    )


def _relu_in_single(rng: np.random.Generator) -> Posed:
    x = {"W": _single(rng, 4, 6), "b": np.zeros(6, SINGLE)}
    data, dout = _single(rng, 10, 4), _single(rng, 10, 6)

    def f(x: Tree) -> Tree:
        return np.sum(dout * np.maximum(data @ x["W"] + x["b"], 0))

    def right(x: Tree) -> Tree:
        dz = dout * (data @ x["W"] + x["b"] > 0)
        return {"W": data.T @ dz, "b": dz.sum(axis=0)}

    return Posed(f, right, x, options={"reference": f})


def _half_with_reference(rng: np.random.Generator) -> Posed:
    x = rng.uniform(0.5, 1.5, 6).astype(np.float16)
    return Posed(
        lambda x: np.sum(np.exp(x)), np.exp, x, options={"reference": lambda x: np.sum(np.exp(x))}
    )


def _half_alone(rng: np.random.Generator) -> Posed:
    x = rng.uniform(0.5, 1.5, 6).astype(np.float16)
    return Posed(lambda x: np.sum(np.exp(x)), np.exp, x)


def _data_in_half(rng: np.random.Generator) -> Posed:
    stored = rng.standard_normal((20, 4)).astype(np.float16)
    target = rng.standard_normal(20).astype(np.float16)

    def residual(w: Array) -> Array:
        return stored.astype(np.float64) @ w - target.astype(np.float64)

    return Posed(
        lambda w: 0.5 * np.sum(residual(w) ** 2),
        lambda w: stored.astype(np.float64).T @ residual(w),
        rng.standard_normal(4),
    )


def _computed_in_double(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: float(np.sum(np.sin(x.astype(np.float64)))),
        lambda x: np.cos(x.astype(np.float64)).astype(SINGLE),
        _single(rng, 5),
    )


def _long_sum_in_single(rng: np.random.Generator) -> Posed:
    data = rng.uniform(0, 1, (10_000, 2)).astype(SINGLE)

    def f(w: Array) -> Tree:
        return np.mean(np.log1p(np.exp(data.astype(w.dtype) @ w)))

    def right(w: Array) -> Array:
        slope: Array = (data / (1 + np.exp(-data @ w))[:, None]).mean(axis=0)
        return slope

    return Posed(f, right, _single(rng, 2), options={"reference": f})


def _cross_entropy_in_single(rng: np.random.Generator) -> Posed:
    label = rng.integers(0, 4, 8)
    rows = np.arange(8)

    def f(z: Array) -> Tree:
        z = z - z.max(axis=1, keepdims=True)
        return np.mean(np.log(np.exp(z).sum(axis=1)) - z[rows, label])

    def right(z: Array) -> Tree:
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[rows, label] -= 1
        return p / SINGLE(8)

    return Posed(f, right, 3 * _single(rng, 8, 4), options={"reference": f})


def _mixed_leaves(rng: np.random.Generator) -> Posed:
    x = {"W": _single(rng, 4), "scale": np.array(rng.uniform(1, 2))}
    return Posed(
        lambda x: x["scale"] * float(np.sum(x["W"].astype(np.float64) ** 2)),
        lambda x: {
            "W": (2 * x["scale"] * x["W"]).astype(SINGLE),
            "scale": np.sum(x["W"].astype(np.float64) ** 2),
        },
        x,
    )


def _rounded_claim(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.sum(np.exp(x)),
        lambda x: np.exp(x).astype(SINGLE).astype(np.float64),
        rng.standard_normal(6),
    )


def _table_in_single(rng: np.random.Generator) -> Posed:
    table = rng.standard_normal((7, 3)).astype(SINGLE)
    return Posed(
        lambda w: np.sum(np.cos(table.astype(np.float64) @ w)),
        lambda w: -(table.T.astype(np.float64) @ np.sin(table.astype(np.float64) @ w)),
        rng.standard_normal(3),
    )


def _softmax_in_half(rng: np.random.Generator) -> Posed:
    def softmax(z: Array) -> Tree:
        return np.exp(z) / np.exp(z).sum()

    def right(z: Array, dout: Array) -> Tree:
        p = softmax(z)
        return p * (dout - (dout * p).sum())

    return Posed(softmax, right, rng.standard_normal(5).astype(np.float16), "vjp")


def _softplus_in_single(rng: np.random.Generator) -> Posed:
    x = rng.uniform(-15, -13, 4).astype(SINGLE)
    return Posed(lambda x: np.sum(np.log(1 + np.exp(x))), lambda x: 1 / (1 + np.exp(-x)), x)


def _certain_share_in_single(rng: np.random.Generator) -> Posed:
    def right(z: Array) -> Array:
        dz: Array = np.exp(z) / np.exp(z).sum()
        dz[0] = -dz[1:].sum()
        return dz

    z = (np.array([12.0, 0.0, 1.0]) + rng.uniform(0, 1, 3)).astype(SINGLE)
    return Posed(lambda z: -np.log(np.exp(z[0]) / np.exp(z).sum()), right, z)


PRECISION: tuple[Tricky, ...] = (
    Tricky(
        "network-in-float32",
        "HomericIntelligence/Odyssey#2955",
        "Weights, value and gradient are float32, and differences keep three digits.",
        _network_in_single,
    ),
    Tricky(
        "float32-with-a-reference",
        "jax-ml/jax#39821",
        "f rounds to float32, and its author has the same function in float64.",
        _single_with_reference,
    ),
    Tricky(
        "relu-in-float32-with-a-reference",
        "CharlesShang/DCNv2#13",
        "A ReLU layer in float32, whose kinks lie within a float32 step of x.",
        _relu_in_single,
    ),
    Tricky(
        "float16-with-a-reference",
        "jax-ml/jax#7742",
        "The claim is right to the three digits that float16 has.",
        _half_with_reference,
    ),
    Tricky(
        "float16-alone",
        "jax-ml/jax#7742",
        "f rounds to float16, so that its differences have hardly a digit.",
        _half_alone,
    ),
    Tricky(
        "data-stored-in-float16",
        "no thread, usual with data sets kept small",
        "The data were rounded to float16 once, and all arithmetic is float64.",
        _data_in_half,
    ),
    Tricky(
        "float32-leaf-computed-in-float64",
        "no thread, usual with parameters kept small",
        "x is float32 and f computes in float64, so that only the point is coarse.",
        _computed_in_double,
    ),
    Tricky(
        "long-mean-in-float32",
        "chainer/chainer#3046",
        "A mean of 10000 terms is taken in float32.",
        _long_sum_in_single,
    ),
    Tricky(
        "cross-entropy-in-float32",
        "PaddlePaddle/Paddle#4283",
        "Some probabilities are so small that float32 rounds their effect on the loss away.",
        _cross_entropy_in_single,
    ),
    Tricky(
        "leaves-of-two-precisions",
        "no thread, usual in mixed-precision training",
        "One leaf is float32 and the other float64.",
        _mixed_leaves,
    ),
    Tricky(
        "claim-rounded-to-float32",
        "no thread, usual with kernels that exist in float32 only",
        "f is float64 and the claim has passed through float32, so that it has seven digits.",
        _rounded_claim,
    ),
    Tricky(
        "table-stored-in-float32",
        "no thread, usual with features from a file",
        "A float32 table is turned into float64 before anything is computed.",
        _table_in_single,
    ),
    Tricky(
        "softmax-in-float16",
        "jax-ml/jax#39821",
        "A backward pass in float16, without a version of f that has more digits.",
        _softmax_in_half,
    ),
    Tricky(
        "softplus-in-float32",
        "pytorch/pytorch#61568",
        "1 + exp(-14) in float32 has one digit of the exponential, so that f is a staircase.",
        _softplus_in_single,
        answer="inconclusive",
    ),
    Tricky(
        "certain-share-in-float32",
        "keras-team/keras#9664",
        "The loss is 1e-5, of which float32 has three digits left.",
        _certain_share_in_single,
        answer="inconclusive",
    ),
)
