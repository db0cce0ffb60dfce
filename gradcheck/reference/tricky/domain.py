"""Right gradients beside the edge of the domain of f, or on it.

Owns: DOMAIN. Place: beside `case`, gathered by `__init__`. A usual step leaves the domain, where f
is NaN, infinite, or refuses to answer.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _log_beside_zero(rng: np.random.Generator) -> Posed:
    x = 1e-10 * rng.uniform(1, 2, 4)
    return Posed(lambda x: np.sum(np.log(x)), lambda x: 1 / x, x)


def _root_beside_zero(rng: np.random.Generator) -> Posed:
    x = np.array([1e-12, 3e-12, 0.5]) * rng.uniform(1, 2, 3)
    return Posed(lambda x: np.sum(np.sqrt(x)), lambda x: 0.5 / np.sqrt(x), x)


def _arccosine_beside_one(rng: np.random.Generator) -> Posed:
    x = 1 - 1e-8 * rng.uniform(1, 2, 3)
    return Posed(lambda x: np.sum(np.arccos(x)), lambda x: -1 / np.sqrt((1 - x) * (1 + x)), x)


def _power_beside_zero(rng: np.random.Generator) -> Posed:
    x = 1e-9 * rng.uniform(1, 2, 3)
    return Posed(lambda x: np.sum(x**0.3), lambda x: 0.3 * x**-0.7, x)


def _entropy(rng: np.random.Generator) -> Posed:
    p = np.array([0.6, 0.4 - 3e-9, 1e-9, 2e-9])
    return Posed(lambda p: -np.sum(p * np.log(p)), lambda p: -np.log(p) - 1, p)


def _barrier(rng: np.random.Generator) -> Posed:
    a = rng.uniform(0.5, 1.5, (4, 3))
    x = rng.uniform(0.5, 1.5, 3)
    bound = a @ x + np.array([1e-6, 1.0, 2.0, 1e-6])

    def f(x: Array) -> Tree:
        slack = bound - a @ x
        if not np.all(slack > 0):
            return np.inf
        return np.sum(x) - 1e-3 * np.sum(np.log(slack))

    return Posed(f, lambda x: 1 + 1e-3 * a.T @ (1 / (bound - a @ x)), x)


def _arctanh_beside_one(rng: np.random.Generator) -> Posed:
    x = 1 - 1e-7 * rng.uniform(1, 2, 3)
    return Posed(lambda x: np.sum(np.arctanh(x)), lambda x: 1 / ((1 - x) * (1 + x)), x)


def _circle_beside_its_end(rng: np.random.Generator) -> Posed:
    x = 1 - 1e-6 * rng.uniform(1, 2, 2)
    return Posed(lambda x: np.sum(np.sqrt(1 - x**2)), lambda x: -x / np.sqrt((1 - x) * (1 + x)), x)


def _root_of_positive_part(rng: np.random.Generator) -> Posed:
    x = rng.uniform(0.5, 2, 6) * np.array([1, -1, 1, -1, 1, -1])

    def safe(x: Array) -> Array:
        return np.where(x > 0, x, 1.0)

    return Posed(
        lambda x: np.sum(np.where(x > 0, np.sqrt(safe(x)), 0)),
        lambda x: np.where(x > 0, 0.5 / np.sqrt(safe(x)), 0),
        x,
    )


def _log1p_beside_minus_one(rng: np.random.Generator) -> Posed:
    x = -1 + 1e-7 * rng.uniform(1, 2, 3)
    return Posed(lambda x: np.sum(np.log1p(x)), lambda x: 1 / (1 + x), x)


def _beta_density(rng: np.random.Generator) -> Posed:
    x = np.array([1e-9, 1 - 1e-9, 0.4])
    return Posed(
        lambda x: np.sum(-0.5 * np.log(x) + 2.0 * np.log(1 - x)),
        lambda x: -0.5 / x - 2.0 / (1 - x),
        x,
    )


def _short_vector(rng: np.random.Generator) -> Posed:
    x = 1e-8 * rng.standard_normal(3)
    return Posed(lambda x: np.sqrt(np.sum(x**2)), lambda x: x / np.sqrt(np.sum(x**2)), x)


def _power_at_the_edge(rng: np.random.Generator) -> Posed:
    x = np.array([0.0, 1.0, 2.0])
    w = rng.uniform(1, 2, 3)
    return Posed(lambda x: np.sum(w * x**1.5), lambda x: 1.5 * w * np.sqrt(x), x)


def _refusing_beyond_the_edge(rng: np.random.Generator) -> Posed:
    p = np.array([0.7, 0.3 - 1e-7, 1e-7])

    def f(p: Array) -> Tree:
        if np.any(p < 0):
            raise ValueError("a probability is negative")
        return np.sum(np.sin(p) * np.arange(1.0, 4.0))

    return Posed(f, lambda p: np.cos(p) * np.arange(1.0, 4.0), p)


def _corner_of_the_simplex(rng: np.random.Generator) -> Posed:
    p, w = np.array([1.0, 0.0, 0.0]), rng.uniform(1, 2, 3)

    def f(p: Array) -> Tree:
        if np.any(p < 0):
            return np.nan
        return np.sum(w * p) + 0.5 * np.sum(p**2)

    return Posed(f, lambda p: w + p, p)


def _determinant_beside_singular(rng: np.random.Generator) -> Posed:
    a = np.array([[1.0, 0.5], [0.5, 0.25 + 1e-6]])

    def f(a: Array) -> Tree:
        determinant = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
        return np.log(determinant)

    def right(a: Array) -> Tree:
        determinant = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
        return np.array([[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]]) / determinant

    return Posed(f, right, a)


DOMAIN: tuple[Tricky, ...] = (
    Tricky(
        "log-beside-zero",
        "JuliaDiff/FiniteDifferences.jl#124",
        "x is of 1e-10, and a usual step takes the logarithm of a negative number.",
        _log_beside_zero,
    ),
    Tricky(
        "root-beside-zero",
        "JuliaDiff/FiniteDifferences.jl#129",
        "Two entries are of 1e-12, whose slopes are a million times that of the third.",
        _root_beside_zero,
    ),
    Tricky(
        "arccosine-beside-one",
        "no thread, usual with angles from dot products",
        "x is 1e-8 below 1, where the slope of the arccosine grows without limit.",
        _arccosine_beside_one,
    ),
    Tricky(
        "power-beside-zero",
        "pytorch/pytorch#27134",
        "x to the 0.3 at 1e-9 has a slope of a million and no value below 0.",
        _power_beside_zero,
    ),
    Tricky(
        "entropy-beside-the-boundary",
        "no thread, usual with probabilities",
        "Two probabilities are of 1e-9, where p log p has a steep slope and an edge.",
        _entropy,
    ),
    Tricky(
        "barrier-beside-its-wall",
        "Nocedal & Wright, Numerical Optimization, chapter 19",
        "Two constraints are 1e-6 away, and beyond them the barrier is infinite.",
        _barrier,
    ),
    Tricky(
        "arctanh-beside-one",
        "no thread, usual with squashed policies",
        "x is 1e-7 below 1, beyond which arctanh is NaN.",
        _arctanh_beside_one,
    ),
    Tricky(
        "circle-beside-its-end",
        "no thread, usual with unit vectors in two coordinates",
        "sqrt(1 - x^2) ends 1e-6 beside x.",
        _circle_beside_its_end,
    ),
    Tricky(
        "root-of-the-positive-part",
        "jax-ml/jax#1052",
        "Half of the entries are negative, and the branch not taken is kept free of NaN.",
        _root_of_positive_part,
    ),
    Tricky(
        "log1p-beside-minus-one",
        "no thread, usual with returns near a total loss",
        "x is 1e-7 above -1, where log1p ends.",
        _log1p_beside_minus_one,
    ),
    Tricky(
        "beta-density-beside-both-ends",
        "no thread, usual with proportions",
        "One entry is 1e-9 above 0 and another 1e-9 below 1, the ends of the domain.",
        _beta_density,
    ),
    Tricky(
        "length-of-a-short-vector",
        "jax-ml/jax#21723",
        "The vector is of 1e-8, and at 0 its length has a kink.",
        _short_vector,
    ),
    Tricky(
        "power-at-the-edge",
        "tensorflow/tfjs#346",
        "x to the 1.5 is differentiable at 0 from the right and NaN to the left.",
        _power_at_the_edge,
    ),
    Tricky(
        "refusing-beyond-the-edge",
        "no thread, usual with arguments that are validated",
        "f raises ValueError for negative entries, and one entry is 1e-7.",
        _refusing_beyond_the_edge,
    ),
    Tricky(
        "corner-of-the-simplex",
        "no thread, usual with labels as probabilities",
        "Two entries are exactly 0, and f is NaN where one is negative.",
        _corner_of_the_simplex,
    ),
    Tricky(
        "determinant-beside-singular",
        "no thread, usual with covariances of two features",
        "The determinant is 1e-6 and f its logarithm.",
        _determinant_beside_singular,
    ),
)
