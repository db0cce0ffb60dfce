"""Right gradients where f has a derivative and little more, or where kinks meet.

Owns: ROUGH. Place: beside `case`, gathered by `__init__`. The curvature is infinite, the waves have
no end, a jump is close, or so many kinks meet at x that no step is free of them.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _nonzero(x: Array) -> Array:
    """Put 1 where x is 0, so that the branch that is not taken is finite."""
    return np.where(x == 0, 1.0, x)


def _power_and_a_half(rng: np.random.Generator) -> Posed:
    x = np.array([0.0, 1.0, -2.0]) * rng.uniform(1, 2)
    return Posed(
        lambda x: np.sum(np.abs(x) ** 1.5), lambda x: 1.5 * np.sign(x) * np.sqrt(np.abs(x)), x
    )


def _signed_square(rng: np.random.Generator) -> Posed:
    x = np.array([0.0, 1.0, -2.0]) * rng.uniform(1, 2)
    return Posed(lambda x: np.sum(x * np.abs(x)), lambda x: 2 * np.abs(x), x)


def _waves_without_end(rng: np.random.Generator) -> Posed:
    def f(x: Array) -> Tree:
        return np.sum(np.where(x == 0, 0, x**2 * np.sin(1 / _nonzero(x))) + 3 * x)

    def right(x: Array) -> Array:
        wave = 2 * x * np.sin(1 / _nonzero(x)) - np.cos(1 / _nonzero(x))
        return 3 + np.where(x == 0, 0, wave)

    return Posed(f, right, np.zeros(2))


def _flat_to_all_orders(rng: np.random.Generator) -> Posed:
    def bump(x: Array) -> Array:
        return np.where(x == 0, 0, np.exp(-1 / _nonzero(x) ** 2))

    return Posed(
        lambda x: np.sum(bump(x)),
        lambda x: 2 / _nonzero(x) ** 3 * bump(x),
        np.array([0.0, 0.1, 0.5]),
    )


def _rounded_corner(rng: np.random.Generator) -> Posed:
    x = np.array([0.0, 1e-8, -2.0])
    return Posed(lambda x: np.sum(np.sqrt(x**2 + 1e-16)), lambda x: x / np.sqrt(x**2 + 1e-16), x)


def _weierstrass(rng: np.random.Generator) -> Posed:
    scales = [(0.5**k, 3.0**k) for k in range(14)]
    return Posed(
        lambda x: sum(np.sum(a * np.cos(b * x)) for a, b in scales),
        lambda x: -np.sum([a * b * np.sin(b * x) for a, b in scales], axis=0),
        rng.uniform(0.3, 0.6, 3),
    )


def _jump_beside(rng: np.random.Generator) -> Posed:
    x = np.array([0.5 + 1e-6, 0.5 - 1e-7, 0.2])
    return Posed(lambda x: np.sum(np.where(x > 0.5, x**2 + 1, x**2)), lambda x: 2 * x, x)


def _remainder(rng: np.random.Generator) -> Posed:
    x = np.array([1e-6, 0.5, 1 - 1e-6]) + rng.integers(-3, 3, 3)
    return Posed(lambda x: np.sum(np.mod(x, 1) ** 2), lambda x: 2 * np.mod(x, 1), x)


def _not_analytic(rng: np.random.Generator) -> Posed:
    x = rng.uniform(1, 2, 4)
    return Posed(lambda x: 1e12 + np.vdot(x, x).real + np.sum(np.abs(x)), lambda x: 2 * x + 1, x)


def _network(weights: Tree, data: Array, target: Array) -> Posed:
    """Pose a ReLU network of one hidden layer with a squared loss."""

    def f(x: Tree) -> Tree:
        hidden = np.maximum(data @ x["W1"] + x["b1"], 0)
        return np.sum((hidden @ x["W2"] + x["b2"] - target) ** 2)

    def right(x: Tree) -> Tree:
        z = data @ x["W1"] + x["b1"]
        hidden = np.maximum(z, 0)
        dout = 2 * (hidden @ x["W2"] + x["b2"] - target)
        dz = dout @ x["W2"].T * (z > 0)
        return {
            "W1": data.T @ dz,
            "b1": dz.sum(axis=0),
            "W2": hidden.T @ dout,
            "b2": dout.sum(axis=0),
        }

    return Posed(f, right, weights)


def _all_weights_zero(rng: np.random.Generator) -> Posed:
    x = {"W1": np.zeros((3, 4)), "b1": np.zeros(4), "W2": np.zeros((4, 1)), "b2": np.zeros(1)}
    return _network(x, rng.standard_normal((6, 3)), rng.standard_normal((6, 1)))


def _first_layer_zero(rng: np.random.Generator) -> Posed:
    x = {
        "W1": np.zeros((3, 4)),
        "b1": np.zeros(4),
        "W2": rng.standard_normal((4, 1)),
        "b2": np.zeros(1),
    }
    return _network(x, rng.standard_normal((6, 3)), rng.standard_normal((6, 1)))


def _many_units(rng: np.random.Generator) -> Posed:
    x = {
        "W1": rng.standard_normal((20, 60)) / 5,
        "b1": np.zeros(60),
        "W2": rng.standard_normal((60, 1)) / 8,
        "b2": np.zeros(1),
    }
    return _network(x, rng.standard_normal((100, 20)), rng.standard_normal((100, 1)))


def _fifty_at_zero(rng: np.random.Generator) -> Posed:
    w = np.sin(np.arange(1, 51))
    return Posed(lambda x: np.sum(w * np.maximum(x, 0)), lambda x: w * (x > 0), np.zeros(50))


def _half_at_zero(rng: np.random.Generator) -> Posed:
    x = np.array([0.0, 1.0, 2.0, -1.0, 0.0])
    return Posed(lambda x: np.sum(np.maximum(x, 0)), lambda x: np.heaviside(x, 0.5), x)


def _array_at_zero(rng: np.random.Generator) -> Posed:
    x = np.array([0.0, 1.0, 2.0, -1.0])
    return Posed(lambda x: np.sum(np.maximum(x, 0)), np.array([0.0, 1.0, 1.0, 0.0]), x)


def _length_at_zero(rng: np.random.Generator) -> Posed:
    def right(x: Array) -> Array:
        length = np.sqrt(np.sum(x**2))
        return x / length if length > 0 else np.zeros_like(x)

    return Posed(lambda x: np.sqrt(np.sum(x**2)), right, np.zeros(3))


def _group_of_zeros(rng: np.random.Generator) -> Posed:
    x = rng.standard_normal((3, 2))
    x[1] = 0.0

    def lengths(x: Array) -> Tree:
        return np.sqrt(np.sum(x**2, axis=1, keepdims=True))

    return Posed(lambda x: np.sum(lengths(x)), lambda x: x / np.maximum(lengths(x), 1e-300), x)


ROUGH: tuple[Tricky, ...] = (
    Tricky(
        "power-of-three-halves-at-zero",
        "pytorch/pytorch#27134",
        "|x| to the 1.5 has a slope of 0 at 0 and an infinite curvature.",
        _power_and_a_half,
    ),
    Tricky(
        "signed-square-at-zero",
        "no thread, usual with drag forces",
        "x |x| has a slope of 0 at 0 and a curvature that jumps.",
        _signed_square,
    ),
    Tricky(
        "waves-without-end",
        "Gelbaum & Olmsted, Counterexamples in Analysis, chapter 3",
        "x^2 sin(1/x) has a derivative at 0 which is not continuous there.",
        _waves_without_end,
    ),
    Tricky(
        "flat-to-all-orders",
        "Gelbaum & Olmsted, Counterexamples in Analysis, chapter 2",
        "exp(-1/x^2) has all its derivatives zero at 0 and no series there.",
        _flat_to_all_orders,
    ),
    Tricky(
        "corner-rounded-at-1e-8",
        "no thread, usual where an epsilon is put under a root",
        "sqrt(x^2 + 1e-16) is smooth, but only for steps below 1e-8.",
        _rounded_corner,
    ),
    Tricky(
        "weierstrass-sum",
        "Hardy (1916), Transactions of the American Mathematical Society 17",
        "Fourteen waves, each three times as fast as the last, dominate the slope by the fastest.",
        _weierstrass,
    ),
    Tricky(
        "jump-beside-the-point",
        "no thread, usual with tables that have a step",
        "f jumps by 1 at distances of 1e-6 and 1e-7 from x.",
        _jump_beside,
    ),
    Tricky(
        "remainder-beside-its-jump",
        "no thread, usual with phases and periodic boxes",
        "A remainder jumps 1e-6 below one entry and 1e-6 above another.",
        _remainder,
    ),
    Tricky(
        "not-analytic-with-a-large-constant",
        "no thread, usual where a complex step is tried as a referee",
        "f conjugates and takes absolute values, so that a complex step is wrong, and it is noisy.",
        _not_analytic,
    ),
    Tricky(
        "all-weights-zero",
        "deeplearning4j/deeplearning4j#1280",
        "Every hidden unit of every sample is at the kink of its ReLU.",
        _all_weights_zero,
    ),
    Tricky(
        "first-layer-zero",
        "deeplearning4j/deeplearning4j#1280",
        "Every hidden unit is at its kink, and the layer above would pass a gradient on.",
        _first_layer_zero,
    ),
    Tricky(
        "thousands-of-kinks-nearby",
        "CS231n notes, Gradient checks",
        "6000 ReLUs are somewhere near 0, so that a usual step crosses some of them.",
        _many_units,
    ),
    Tricky(
        "fifty-relus-at-zero",
        "BVLC/caffe#1334",
        "All entries are at the kink, where the convention lies outside of most intervals.",
        _fifty_at_zero,
    ),
    Tricky(
        "relu-with-half-at-zero",
        "BVLC/caffe#1334",
        "The slope at 0 is taken to be 1/2, the middle of both sides.",
        _half_at_zero,
    ),
    Tricky(
        "relu-at-zero-given-as-an-array",
        "BVLC/caffe#1334",
        "One entry is at a kink and the claim cannot be asked at another point.",
        _array_at_zero,
    ),
    Tricky(
        "length-at-zero",
        "pytorch/pytorch#2421",
        "The length of a vector has a kink at 0 along every direction, and 0 is its middle.",
        _length_at_zero,
    ),
    Tricky(
        "group-lasso-with-a-zero-group",
        "Yuan & Lin (2006), Journal of the Royal Statistical Society B 68",
        "One group is exactly zero, where its length has a kink.",
        _group_of_zeros,
    ),
)
