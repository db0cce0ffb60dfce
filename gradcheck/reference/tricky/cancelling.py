"""Right gradients that cancel: to nothing, or to what rounding leaves.

Owns: CANCELLING. Place: beside `case`, gathered by `__init__`. A relative error is meaningless
where the gradient is zero, and a difference shows the rounding of f alone.
Letters: m = rows of the batch, k = classes or units.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky

SATURATED = 40.0  # 1 - tanh(40) and 1 - sigmoid(40) are below the roundoff of float64


def _normalised(z: Array) -> tuple[Array, Array]:
    """Standardise each column of z (m, k); returns that and one over the width (k,)."""
    centred = z - z.mean(axis=0)
    inverse = 1 / np.sqrt((centred**2).mean(axis=0) + 1e-5)
    return centred * inverse, inverse


def _softmax(z: Array) -> Tree:
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p


def _bias_before_batch_norm(rng: np.random.Generator) -> Posed:
    data, dout = rng.standard_normal((8, 3)), rng.standard_normal((8, 4))
    x = {"W": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}

    def right(x: Tree) -> Tree:
        normed, inverse = _normalised(data @ x["W"] + x["b"])
        dz = inverse * (dout - dout.mean(axis=0) - normed * (dout * normed).mean(axis=0))
        return {"W": data.T @ dz, "b": dz.sum(axis=0)}  # the second is zero to rounding

    return Posed(lambda x: np.sum(dout * _normalised(data @ x["W"] + x["b"])[0]), right, x)


def _sum_of_batch_norm(rng: np.random.Generator) -> Posed:
    x = rng.standard_normal((8, 4))
    return Posed(lambda x: np.sum(_normalised(x)[0]), np.zeros_like, x)


def _log_sum(z: Array) -> Array:
    top = z.max(axis=-1)
    total: Array = np.log(np.exp(z - top[..., None]).sum(axis=-1)) + top
    return total


def _shift_of_logits(rng: np.random.Generator) -> Posed:
    z, label = rng.standard_normal((6, 3)), rng.integers(0, 3, 6)
    rows = np.arange(6)

    def f(x: Tree) -> Tree:
        logits = x["z"] + x["shift"][:, None]
        return np.mean(_log_sum(logits) - logits[rows, label])

    def right(x: Tree) -> Tree:
        dz = _softmax(x["z"] + x["shift"][:, None])
        dz[rows, label] -= 1
        dz /= 6
        return {"z": dz, "shift": np.zeros(6)}  # each row of dz sums to 0

    return Posed(f, right, {"z": z, "shift": rng.standard_normal(6)})


def _sum_of_softmax(rng: np.random.Generator) -> Posed:
    return Posed(lambda z: np.sum(_softmax(z)), np.zeros_like, rng.standard_normal((3, 5)))


def _key_bias(rng: np.random.Generator) -> Posed:
    query, key = rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
    value, dout = rng.standard_normal((5, 2)), rng.standard_normal((4, 2))

    def right(b: Array) -> Array:
        p = _softmax(query @ (key + b).T)  # (4, 5)
        dp = dout @ value.T
        dscores = p * (dp - (dp * p).sum(axis=1, keepdims=True))
        db: Array = (dscores.T @ query).sum(axis=0)  # zero to rounding: rows of dscores sum to 0
        return db

    return Posed(
        lambda b: np.sum(dout * (_softmax(query @ (key + b).T) @ value)),
        right,
        rng.standard_normal(3),
    )


def _least_squares_at_minimum(rng: np.random.Generator) -> Posed:
    data, target = rng.standard_normal((10, 3)), rng.standard_normal(10)
    w, *_ = np.linalg.lstsq(data, target, rcond=None)
    return Posed(
        lambda w: 0.5 * np.sum((data @ w - target) ** 2), lambda w: data.T @ (data @ w - target), w
    )


def _logistic_optimum(rng: np.random.Generator) -> Posed:
    data, label = rng.standard_normal((50, 3)), (rng.uniform(size=50) < 0.5) * 1.0
    w = np.zeros(3)

    def share(w: Array) -> Tree:
        return 1 / (1 + np.exp(-data @ w))

    for _ in range(20):  # Newton's method, to the last bit
        p = share(w)
        w = w - np.linalg.solve(data.T @ (data * (p * (1 - p))[:, None]), data.T @ (p - label))
    return Posed(
        lambda w: np.sum(np.log1p(np.exp(data @ w)) - label * (data @ w)),
        lambda w: data.T @ (share(w) - label),
        w,
    )


def _rayleigh_quotient(rng: np.random.Generator) -> Posed:
    a = rng.standard_normal((5, 5))
    a += a.T
    _, vectors = np.linalg.eigh(a)
    return Posed(
        lambda v: v @ a @ v / (v @ v),
        lambda v: 2 * (a @ v - v * (v @ a @ v) / (v @ v)) / (v @ v),
        vectors[:, 2].copy(),
    )


def _divergence_from_itself(rng: np.random.Generator) -> Posed:
    z = rng.standard_normal(5)
    p = _softmax(z)
    return Posed(
        lambda z: np.sum(p * (np.log(p) - np.log(_softmax(z)))), lambda z: _softmax(z) - p, z
    )


def _perfect_fit(rng: np.random.Generator) -> Posed:
    data, w = rng.standard_normal((10, 3)), rng.standard_normal(3)
    target = data @ w
    return Posed(
        lambda w: 0.5 * np.sum((data @ w - target) ** 2), lambda w: data.T @ (data @ w - target), w
    )


def _saddle(rng: np.random.Generator) -> Posed:
    x = {"a": np.zeros(3), "b": np.zeros(3)}
    return Posed(lambda x: np.sum(x["a"] * x["b"]), lambda x: {"a": x["b"], "b": x["a"]}, x)


def _saturated_sigmoid(rng: np.random.Generator) -> Posed:
    x = SATURATED + rng.uniform(0, 5, 3)

    def right(x: Array) -> Tree:
        e = np.exp(-x)
        return e / (1 + e) ** 2

    return Posed(lambda x: np.sum(1 / (1 + np.exp(-x))), right, x)


def _saturated_tanh(rng: np.random.Generator) -> Posed:
    w, x = rng.uniform(1, 2, 4), np.array([0.3, -SATURATED, SATURATED, 1.2])
    return Posed(lambda x: np.sum(w * np.tanh(x)), lambda x: w / np.cosh(x) ** 2, x)


def _certain_softmax(rng: np.random.Generator) -> Posed:
    z = np.array([[60.0, 0.0, -5.0], [0.2, 0.1, -0.3]]) + 0.1 * rng.standard_normal((2, 3))

    def right(z: Array) -> Tree:
        dz = _softmax(z)
        dz[:, 0] = -dz[:, 1] - dz[:, 2]  # p - 1 without cancellation
        return dz

    return Posed(lambda z: np.sum(_log_sum(z) - z[:, 0]), right, z)


def _paired_comparison(rng: np.random.Generator) -> Posed:
    winner, loser = np.array([0, 1, 2, 0, 3]), np.array([1, 2, 0, 3, 1])

    def right(s: Array) -> Array:
        share = 1 / (1 + np.exp(s[winner] - s[loser]))
        ds = np.zeros_like(s)
        np.add.at(ds, winner, -share)
        np.add.at(ds, loser, share)
        return ds

    return Posed(
        lambda s: np.sum(np.log1p(np.exp(s[loser] - s[winner]))),
        right,
        1e3 + rng.standard_normal(4),
    )


def _scale_of_direction(rng: np.random.Generator) -> Posed:
    target, x = rng.standard_normal(4), rng.standard_normal(4)

    def right(x: Tree) -> Tree:
        w = np.exp(x["log_scale"]) * x["W"]
        length = np.sqrt(np.sum(w**2))
        dw = target / length - w * (target @ w) / length**3
        return {"log_scale": np.zeros(()), "W": np.exp(x["log_scale"]) * dw}

    return Posed(
        lambda x: (
            target
            @ x["W"]
            * np.exp(x["log_scale"])
            / np.sqrt(np.sum((np.exp(x["log_scale"]) * x["W"]) ** 2))
        ),
        right,
        {"log_scale": np.array(0.3), "W": x},
    )


def _variance_far_from_zero(rng: np.random.Generator) -> Posed:
    x = 1e6 + rng.standard_normal(20)
    return Posed(lambda x: np.var(x), lambda x: 2 * (x - x.mean()) / x.size, x)


def _one_minus_cosine(rng: np.random.Generator) -> Posed:
    x = 1e-3 * rng.uniform(1, 2, 3)
    return Posed(lambda x: np.sum((1 - np.cos(x)) / x**2), _slope_of_one_minus_cosine, x)


def _slope_of_one_minus_cosine(x: Array) -> Array:
    """Return the series of the derivative, for the closed form cancels more than f does."""
    dx: Array = -x / 12 + x**3 / 180 - x**5 / 6720
    return dx


def _uniform_field(rng: np.random.Generator) -> Posed:
    def right(u: Array) -> Array:
        du = np.zeros_like(u)
        du[1:] += u[1:] - u[:-1]
        du[:-1] -= u[1:] - u[:-1]
        return du

    return Posed(
        lambda u: 0.5 * np.sum((u[1:] - u[:-1]) ** 2), right, np.full(8, rng.uniform(1, 2))
    )


CANCELLING: tuple[Tricky, ...] = (
    Tricky(
        "bias-before-batch-norm",
        "HomericIntelligence/Odyssey#3666",
        "A bias before a batch normalisation is subtracted again, so that its gradient is zero.",
        _bias_before_batch_norm,
    ),
    Tricky(
        "sum-of-batch-norm",
        "HomericIntelligence/Odyssey#3816",
        "The sum of a normalised batch is always 0, and so is its gradient.",
        _sum_of_batch_norm,
        answer="inconclusive",
    ),
    Tricky(
        "shift-of-logits",
        "no thread, usual with softmax layers",
        "A shift of all logits changes nothing: rows of the softmax gradient sum to zero.",
        _shift_of_logits,
    ),
    Tricky(
        "sum-of-softmax",
        "no thread, usual in first tests of a softmax layer",
        "The sum of a softmax is always 1, and its differences are rounding.",
        _sum_of_softmax,
    ),
    Tricky(
        "key-bias-of-attention",
        "no thread, usual in attention layers with biases",
        "A bias of all keys shifts every row of scores, so that its gradient is rounding alone.",
        _key_bias,
    ),
    Tricky(
        "least-squares-at-its-minimum",
        "OpenMDAO/OpenMDAO#1303",
        "At the minimum the gradient is rounding while the value is not small.",
        _least_squares_at_minimum,
    ),
    Tricky(
        "logistic-regression-at-its-minimum",
        "OpenMDAO/OpenMDAO#1303",
        "After training the gradient is rounding while the loss is of 30.",
        _logistic_optimum,
    ),
    Tricky(
        "rayleigh-quotient-at-an-eigenvector",
        "Golub & Van Loan, Matrix Computations, section 8.2",
        "An eigenvector is a stationary point, and the gradient there is rounding.",
        _rayleigh_quotient,
    ),
    Tricky(
        "divergence-from-itself",
        "no thread, usual at the start of distillation",
        "Both distributions are equal, so that the divergence and its gradient are zero.",
        _divergence_from_itself,
    ),
    Tricky(
        "perfect-fit",
        "OpenMDAO/OpenMDAO#1303",
        "At a perfect fit the value and the gradient are both exactly zero.",
        _perfect_fit,
    ),
    Tricky(
        "saddle-at-zero",
        "no thread, usual with two layers that both start at zero",
        "At the origin of a product everything is zero, along every axis and at every step.",
        _saddle,
    ),
    Tricky(
        "saturated-sigmoid",
        "keras-team/keras#9664",
        "A sigmoid at 40 equals 1 to the last bit while its slope is 4e-18.",
        _saturated_sigmoid,
    ),
    Tricky(
        "saturated-tanh",
        "no thread, usual with weights that start too large",
        "Two units are saturated, with slopes of 1e-34, beside two that are not.",
        _saturated_tanh,
    ),
    Tricky(
        "certain-softmax",
        "no thread, usual at the end of training",
        "One row is certain to 26 digits, and the gradient of its entries is below 1e-26.",
        _certain_softmax,
    ),
    Tricky(
        "paired-comparison",
        "Bradley & Terry (1952), Biometrika 39",
        "Only differences of scores count, and all scores are near 1000.",
        _paired_comparison,
    ),
    Tricky(
        "scale-of-a-direction",
        "no thread, usual with weight normalisation",
        "The scale of normalised weights has no effect, and the weights' gradient is orthogonal.",
        _scale_of_direction,
    ),
    Tricky(
        "variance-far-from-zero",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 1.9",
        "The variance is of 1 and the data are at 1e6.",
        _variance_far_from_zero,
    ),
    Tricky(
        "one-minus-cosine",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 1.7",
        "f cancels to half its digits near 0, and its slope, by whatever means, to three.",
        _one_minus_cosine,
        answer="inconclusive",
    ),
    Tricky(
        "uniform-field",
        "no thread, usual at the start of a diffusion solver",
        "All differences of neighbours are exactly zero, and so is the gradient of their energy.",
        _uniform_field,
    ),
)
