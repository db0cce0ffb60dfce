"""Right gradients of functions that lose digits on the way to their value.

Owns: ROUNDED. Place: beside `case`, gathered by `__init__`. An intermediate value such as
1 + exp(x) has few digits left of what varies, so that f moves in small steps; between two of them
it may be flat, or slope where its formula does not. The gradient is that of the formula.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _log_of_one_plus(rng: np.random.Generator) -> Posed:
    x = rng.uniform(1e-7, 2e-7, 3)
    return Posed(
        lambda x: np.sum(np.log(1 + x) / x), lambda x: -1 / 2 + 2 * x / 3 - 3 * x**2 / 4, x
    )


def _tiny_log_of_one_plus(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.sum(np.log(1 + x)), lambda x: 1 / (1 + x), rng.uniform(1e-12, 2e-12, 3)
    )


def _exponential_minus_one(rng: np.random.Generator) -> Posed:
    x = rng.uniform(1e-6, 2e-6, 3)
    return Posed(
        lambda x: np.sum((np.exp(x) - 1) / x), lambda x: 1 / 2 + x / 3 + x**2 / 8 + x**3 / 30, x
    )


def _difference_of_roots(rng: np.random.Generator) -> Posed:
    def right(x: Array) -> Tree:
        high, low = np.sqrt(x + 1), np.sqrt(x)
        return -0.5 / (high * low * (high + low))

    return Posed(lambda x: np.sum(np.sqrt(x + 1) - np.sqrt(x)), right, rng.uniform(1e10, 2e10, 3))


def _softplus(x: Array) -> Tree:
    return np.sum(np.log(1 + np.exp(x)))


def _dead_softplus(rng: np.random.Generator) -> Posed:
    return Posed(_softplus, lambda x: 1 / (1 + np.exp(-x)), rng.uniform(-31, -28, 3))


def _one_dead_softplus(rng: np.random.Generator) -> Posed:
    x = np.array([-40.0, -30.0, 1.0, 2.0]) + 0.1 * rng.standard_normal(4)
    return Posed(_softplus, lambda x: 1 / (1 + np.exp(-x)), x)


def _log_of_a_certain_share(rng: np.random.Generator) -> Posed:
    def right(z: Array) -> Array:
        dz: Array = np.exp(z) / np.exp(z).sum()
        dz[0] = -dz[1:].sum()  # p - 1 without cancellation
        return dz

    z = np.array([30.0, 0.0, 1.0]) + rng.uniform(0, 1, 3)
    return Posed(lambda z: -np.log(np.exp(z[0]) / np.exp(z).sum()), right, z)


def _one_minus_tanh_squared(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.sum(1 - np.tanh(x) ** 2),
        lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2,
        rng.uniform(12, 14, 3),
    )


def _small_root(rng: np.random.Generator) -> Posed:
    def f(x: Tree) -> Tree:
        return (x["b"] - np.sqrt(x["b"] ** 2 - 4 * x["c"])) / 2

    def right(x: Tree) -> Tree:
        spread = np.sqrt(x["b"] ** 2 - 4 * x["c"])
        return {"b": -2 * x["c"] / ((x["b"] + spread) * spread), "c": 1 / spread}

    return Posed(
        f, right, {"b": np.array(1e5 * rng.uniform(1, 2)), "c": np.array(rng.uniform(1, 2))}
    )


def _variance_from_squares(rng: np.random.Generator) -> Posed:
    x = 1e3 + rng.standard_normal(10)
    return Posed(
        lambda x: np.mean(x**2) - np.mean(x) ** 2, lambda x: 2 * (x - x.mean()) / x.size, x
    )


def _first_difference(rng: np.random.Generator) -> Posed:
    h = 1e-5
    return Posed(
        lambda x: np.sum(((np.sin(x + h) - np.sin(x - h)) / (2 * h)) ** 2),
        lambda x: -np.sin(2 * x),
        rng.uniform(0.5, 1, 3),
    )


def _second_difference(rng: np.random.Generator) -> Posed:
    h = 1e-4
    return Posed(
        lambda x: np.sum((np.sin(x + h) - 2 * np.sin(x) + np.sin(x - h)) / h**2),
        lambda x: -np.cos(x),
        rng.uniform(0.5, 1, 3),
    )


def _short_arc(rng: np.random.Generator) -> Posed:
    x = np.array(0.5 + 1e-4 * rng.uniform(1, 2))
    return Posed(
        lambda x: np.arccos(np.sin(x) * np.sin(0.5) + np.cos(x) * np.cos(0.5)),
        lambda x: np.sign(x - 0.5),
        x,
    )


def _six_decimals(rng: np.random.Generator) -> Posed:
    return Posed(lambda x: round(float(np.sum(np.sin(x))), 6), np.cos, rng.uniform(0, 1, 4))


def _eight_digits(rng: np.random.Generator) -> Posed:
    return Posed(lambda x: float(f"{np.sum(np.sin(x)):.8g}"), np.cos, rng.uniform(0.5, 1, 3))


def _coarse_clock(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda t: np.sum(np.sin(200 * np.pi * (t - 1.7e9))),
        lambda t: 200 * np.pi * np.cos(200 * np.pi * (t - 1.7e9)),
        1.7e9 + rng.uniform(0, 1, 2),
    )


def _quantised_input(rng: np.random.Generator) -> Posed:
    return Posed(lambda x: np.sum(np.sin(np.round(x * 1e6) / 1e6)), np.cos, rng.uniform(0.5, 1, 3))


ROUNDED: tuple[Tricky, ...] = (
    Tricky(
        "log-of-one-plus-x",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 1.14.1",
        "log(1 + x) / x at 1e-7 has nine digits, and between its steps it slopes like 1 / x.",
        _log_of_one_plus,
        answer="inconclusive",
    ),
    Tricky(
        "tiny-log-of-one-plus-x",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 1.14.1",
        "1 + x at 1e-12 has four digits of x, and the slope is 1 to the last bit all around.",
        _tiny_log_of_one_plus,
    ),
    Tricky(
        "exponential-minus-one",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 1.14.1",
        "(exp(x) - 1) / x at 1e-6 has ten digits, and between its steps it slopes like 1 / x.",
        _exponential_minus_one,
    ),
    Tricky(
        "difference-of-roots",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 1.7",
        "Two roots of 1e5 differ in digit eleven.",
        _difference_of_roots,
    ),
    Tricky(
        "softplus-far-below-zero",
        "pytorch/pytorch#61568",
        "1 + exp(-30) has three digits of the exponential, so that f is a staircase.",
        _dead_softplus,
    ),
    Tricky(
        "softplus-of-mixed-entries",
        "NVlabs/tiny-cuda-nn#130",
        "Two entries are so far below zero that they do not change f at all.",
        _one_dead_softplus,
    ),
    Tricky(
        "log-of-a-certain-share",
        "keras-team/keras#9664",
        "The loss is the logarithm of a probability that is 1 to thirteen digits.",
        _log_of_a_certain_share,
    ),
    Tricky(
        "one-minus-tanh-squared",
        "no thread, usual where the slope of tanh is itself an output",
        "tanh is 1 to ten digits, and f is what is missing.",
        _one_minus_tanh_squared,
    ),
    Tricky(
        "small-root-of-a-quadratic",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 1.8",
        "The small root is the difference of two numbers that agree to ten digits.",
        _small_root,
    ),
    Tricky(
        "variance-from-squares",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 1.9",
        "The variance is the difference of two numbers of 1e6.",
        _variance_from_squares,
    ),
    Tricky(
        "difference-inside-f",
        "no thread, usual in physics-informed losses",
        "f contains a first difference with a step of 1e-5, which leaves eleven digits.",
        _first_difference,
    ),
    Tricky(
        "second-difference-inside-f",
        "no thread, usual in physics-informed losses",
        "f contains a second difference with a step of 1e-4, which leaves eight digits.",
        _second_difference,
    ),
    Tricky(
        "short-arc",
        "no thread, usual with distances on the globe",
        "The arc is 1e-4, by an arccosine beside 1 that has eight digits of it.",
        _short_arc,
    ),
    Tricky(
        "value-of-six-decimals",
        "no thread, usual with losses that are rounded for a log",
        "f is rounded to six decimals, so that short differences are zero or too large.",
        _six_decimals,
        answer="inconclusive",
    ),
    Tricky(
        "value-of-eight-digits",
        "no thread, usual with programs whose output is read back",
        "f is written with eight digits and read again.",
        _eight_digits,
    ),
    Tricky(
        "coarse-clock",
        "no thread, usual with times in seconds since 1970",
        "Neighbouring numbers x are 2e-7 apart, in which f changes by 1e-4.",
        _coarse_clock,
    ),
    Tricky(
        "input-of-six-decimals",
        "no thread, usual with quantised inputs",
        "x is rounded to six decimals inside f, so that f is a staircase.",
        _quantised_input,
    ),
)
