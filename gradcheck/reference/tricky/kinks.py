"""Right gradients at a kink of f, or beside one.

Owns: KINKS. Place: beside `case`, gathered by `__init__`. At a kink the gradient is one of the
sides or their middle, as frameworks return it; beside one it is the gradient, and only a
difference that reaches across the kink is wrong.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky

BESIDE = 1e-7  # nearer than the usual steps of 1e-6 to 1e-4


def _weights(rng: np.random.Generator, n: int) -> Array:
    """Draw weights that are neither small nor equal, so that no term hides or cancels."""
    return rng.choice([-1.0, 1.0], n) * rng.uniform(0.5, 1.5, n)


def _relu_at_zero(rng: np.random.Generator) -> Posed:
    x, w = rng.standard_normal(6), _weights(rng, 6)
    x[2] = 0.0
    return Posed(lambda x: np.sum(w * np.maximum(x, 0)), lambda x: w * (x > 0), x)


def _padded_sample(rng: np.random.Generator) -> Posed:
    data = rng.standard_normal((5, 3))
    data[3:] = 0.0  # padding
    x = {"W": rng.standard_normal((3, 4)), "b": np.zeros(4)}
    dout = _weights(rng, 20).reshape(5, 4)

    def right(x: Tree) -> Tree:
        dz = dout * (data @ x["W"] + x["b"] > 0)  # (5, 4)
        return {"W": data.T @ dz, "b": dz.sum(axis=0)}

    return Posed(lambda x: np.sum(dout * np.maximum(data @ x["W"] + x["b"], 0)), right, x)


def _absolute_at_zero(rng: np.random.Generator) -> Posed:
    x, w = rng.standard_normal(5), _weights(rng, 5)
    x[1] = 0.0
    return Posed(lambda x: np.sum(w * np.abs(x)), lambda x: w * np.sign(x), x)


def _leaky_at_zero(rng: np.random.Generator) -> Posed:
    x, w = rng.standard_normal(5), _weights(rng, 5)
    x[4] = 0.0
    return Posed(
        lambda x: np.sum(w * np.where(x > 0, x, 0.01 * x)),
        lambda x: w * np.where(x > 0, 1.0, 0.01),
        x,
    )


def _hinge_on_the_margin(rng: np.random.Generator) -> Posed:
    y = np.array([1.0, -1.0, 1.0, -1.0])
    scores = y * np.array([1.0, 0.25, 2.5, -0.5])  # the first is on the margin to the last bit
    return Posed(
        lambda s: np.sum(np.maximum(0, 1 - y * s)), lambda s: np.where(y * s < 1, -y, 0.0), scores
    )


def _penalty_with_zeros(rng: np.random.Generator) -> Posed:
    data, target = rng.standard_normal((8, 5)), rng.standard_normal(8)
    w = rng.standard_normal(5)
    w[[1, 3]] = 0.0
    return Posed(
        lambda w: 0.5 * np.sum((data @ w - target) ** 2) + 0.3 * np.sum(np.abs(w)),
        lambda w: data.T @ (data @ w - target) + 0.3 * np.sign(w),
        w,
    )


def _beside_zero(rng: np.random.Generator) -> Posed:
    x, w = rng.standard_normal(6), _weights(rng, 6)
    x[:3] = BESIDE * rng.choice([-1.0, 1.0], 3) * rng.uniform(0.5, 2.0, 3)
    return Posed(lambda x: np.sum(w * np.abs(x) + x**2), lambda x: w * np.sign(x) + 2 * x, x)


def _largest_with_a_runner_up(rng: np.random.Generator) -> Posed:
    x = rng.standard_normal(6)
    x[4] = x.max() + 1.0
    x[0] = x[4] - BESIDE
    return Posed(lambda x: np.max(x) ** 2, lambda x: 2 * x.max() * (x == x.max()), x)


def _pool_with_near_ties(rng: np.random.Generator) -> Posed:
    x = np.repeat(rng.standard_normal((4, 1)), 3, axis=1)
    x += BESIDE * rng.permuted(np.array([[0.0, 1.0, 2.0]] * 4), axis=1)
    w = _weights(rng, 4)
    return Posed(
        lambda x: np.sum(w * x.max(axis=1)),
        lambda x: w[:, None] * (x == x.max(axis=1, keepdims=True)),
        x,
    )


def _clip_beside_its_bounds(rng: np.random.Generator) -> Posed:
    x = np.array([-1 + BESIDE, -1 - BESIDE, 0.3, 1 - BESIDE, 1 + BESIDE, 2.0])
    w = _weights(rng, 6)
    return Posed(lambda x: np.sum(w * np.clip(x, -1, 1)), lambda x: w * (np.abs(x) < 1), x)


def _sorted_neighbours(rng: np.random.Generator) -> Posed:
    x = rng.permutation(np.array([0.0, 1e-6, 1.0, 1.0 + 1e-6, 2.0, 3.0]))
    w = np.arange(1.0, 7.0)

    def right(x: Array) -> Array:
        dx = np.empty_like(x)
        dx[np.argsort(x)] = w
        return dx

    return Posed(lambda x: np.sum(w * np.sort(x)), right, x)


def _sorting_network(rng: np.random.Generator) -> Posed:
    pairs = ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2))
    x, w = rng.standard_normal(4), np.array([1.0, -2.0, 3.0, 0.5])

    def f(x: Array) -> Tree:
        y = list(x)
        for i, j in pairs:
            y[i], y[j] = np.minimum(y[i], y[j]), np.maximum(y[i], y[j])
        return sum(weight * entry for weight, entry in zip(w, y, strict=True))

    def right(x: Array) -> Array:
        wires = list(np.argsort(x))
        return np.array([w[wires.index(i)] for i in range(4)])

    return Posed(f, right, x)


def _median(rng: np.random.Generator) -> Posed:
    x = rng.permutation(np.array([-2.0, -1e-6, 0.0, 2e-6, 1.5]))
    return Posed(lambda x: np.sort(x)[2] + 0.1 * np.sum(x), lambda x: (x == np.sort(x)[2]) + 0.1, x)


def _huber_at_the_joint(rng: np.random.Generator) -> Posed:
    d = np.array([1.0, -1.0, 0.2, -3.0, 1.0])  # joined at 1, where the second derivative jumps
    w = _weights(rng, 5)
    return Posed(
        lambda d: np.sum(w * np.where(np.abs(d) <= 1, 0.5 * d**2, np.abs(d) - 0.5)),
        lambda d: w * np.clip(d, -1, 1),
        d,
    )


def _squared_relu_at_zero(rng: np.random.Generator) -> Posed:
    x, w = rng.standard_normal(5), _weights(rng, 5)
    x[[0, 2]] = 0.0
    return Posed(lambda x: np.sum(w * np.maximum(x, 0) ** 2), lambda x: 2 * w * np.maximum(x, 0), x)


def _elu_at_zero(rng: np.random.Generator) -> Posed:
    x, w = rng.standard_normal(5), _weights(rng, 5)
    x[3] = 0.0
    return Posed(
        lambda x: np.sum(w * np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
        lambda x: w * np.exp(np.minimum(x, 0)),
        x,
    )


def _quantile_loss(rng: np.random.Generator) -> Posed:
    y = np.array([0.5, 1.0, 2.0, 4.0, 7.0])
    x = np.array(2.0 + BESIDE)  # the fitted quantile lies beside a datum, as at every optimum
    return Posed(
        lambda q: np.sum(np.maximum(0.7 * (y - q), -0.3 * (y - q))),
        lambda q: np.sum(np.where(y > q, -0.7, 0.3)),
        x,
    )


KINKS: tuple[Tricky, ...] = (
    Tricky(
        "relu-at-zero",
        "deeplearning4j/deeplearning4j#1280",
        "One entry of a ReLU is exactly 0, where its slope is taken to be 0.",
        _relu_at_zero,
    ),
    Tricky(
        "relu-of-a-padded-sample",
        "no thread, usual with padded batches and biases that start at zero",
        "All hidden units of two padded samples are exactly 0, each at the kink of its ReLU.",
        _padded_sample,
    ),
    Tricky(
        "absolute-value-at-zero",
        "BVLC/caffe#1334",
        "One entry of an absolute value is 0, where sign(0) = 0 is the middle of the sides.",
        _absolute_at_zero,
    ),
    Tricky(
        "leaky-relu-at-zero",
        "BVLC/caffe#1334",
        "A leaky ReLU at exactly 0 has the slope of its left side.",
        _leaky_at_zero,
    ),
    Tricky(
        "hinge-on-the-margin",
        "no thread, usual at a trained support vector machine",
        "One sample lies exactly on the margin, where the hinge has a kink.",
        _hinge_on_the_margin,
    ),
    Tricky(
        "l1-penalty-with-zero-weights",
        "no thread, usual with the lasso, whose solutions are sparse",
        "Two weights are exactly 0, where the L1 penalty has a kink and sign(0) = 0 its middle.",
        _penalty_with_zeros,
    ),
    Tricky(
        "kink-beside-the-point",
        "PaddlePaddle/Paddle#4120",
        "Three entries lie 1e-7 beside the kink of |x|, and any longer step crosses it.",
        _beside_zero,
    ),
    Tricky(
        "largest-with-a-runner-up",
        "chainer/chainer#8519",
        "The largest entry wins by 1e-7, and a longer step makes another entry win.",
        _largest_with_a_runner_up,
    ),
    Tricky(
        "max-pool-with-near-ties",
        "chainer/chainer#8519",
        "All entries of each pooling window agree to 1e-7, so that a step changes the winner.",
        _pool_with_near_ties,
    ),
    Tricky(
        "clip-beside-its-bounds",
        "pytorch/pytorch#7002",
        "Entries lie 1e-7 inside and outside of both bounds of a clip.",
        _clip_beside_its_bounds,
    ),
    Tricky(
        "sorted-neighbours",
        "pytorch/pytorch#57166",
        "Two pairs of entries differ by 1e-6 only, and a longer step sorts them the other way.",
        _sorted_neighbours,
    ),
    Tricky(
        "sorting-network",
        "Knuth, The Art of Computer Programming 3, section 5.3.4",
        "A sort made of minima and maxima is smooth until two entries meet.",
        _sorting_network,
    ),
    Tricky(
        "median-of-five",
        "no thread, usual in robust statistics",
        "The median depends on one entry only, and its neighbours are 1e-6 away.",
        _median,
    ),
    Tricky(
        "huber-at-the-joint",
        "chainer/chainer#1178",
        "Residuals lie exactly where the parabola of the Huber loss joins its line.",
        _huber_at_the_joint,
    ),
    Tricky(
        "squared-relu-at-zero",
        "no thread, usual in squared hinge losses",
        "The slope is continuous at 0 and only the second derivative jumps.",
        _squared_relu_at_zero,
    ),
    Tricky(
        "elu-at-zero",
        "no thread, usual with the ELU activation",
        "The two branches of an ELU meet at 0 with equal slopes and different curvatures.",
        _elu_at_zero,
    ),
    Tricky(
        "quantile-loss-beside-a-datum",
        "Koenker, Quantile Regression (2005)",
        "The fitted quantile is 1e-7 away from a datum, where the pinball loss has its kink.",
        _quantile_loss,
    ),
)
