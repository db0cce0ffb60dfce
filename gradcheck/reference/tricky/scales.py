"""Right gradients of functions whose numbers are very large, very small, or both.

Owns: SCALES. Place: beside `case`, gathered by `__init__`. An absolute step or tolerance fits
none of them.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky

DAY = 86400.0  # seconds
PLANCK, BOLTZMANN, LIGHT = 6.62607015e-34, 1.380649e-23, 299792458.0  # SI, exact


def _large_and_small_leaves(rng: np.random.Generator) -> Posed:
    x = {"large": 1e8 * rng.uniform(1, 2, 3), "small": 1e-8 * rng.uniform(1, 2, 3)}

    def right(x: Tree) -> Tree:
        wave = np.cos(x["large"] * x["small"])
        return {"large": x["small"] * wave, "small": x["large"] * wave}

    return Posed(lambda x: np.sum(np.sin(x["large"] * x["small"])), right, x)


def _twelve_orders(rng: np.random.Generator) -> Posed:
    x = 10.0 ** np.linspace(-6, 6, 13) * rng.uniform(1, 2, 13)
    return Posed(lambda x: np.sum(np.log(x) ** 2), lambda x: 2 * np.log(x) / x, x)


def _gradient_over_twelve_orders(rng: np.random.Generator) -> Posed:
    c = 10.0 ** np.linspace(-6, 6, 13)
    return Posed(lambda x: np.sum(c * x**3), lambda x: 3 * c * x**2, rng.uniform(0.5, 1.5, 13))


def _large_constant(rng: np.random.Generator) -> Posed:
    return Posed(lambda x: 1e12 + np.sum(x**3), lambda x: 3 * x**2, rng.uniform(1, 2, 5))


def _tiny_value(rng: np.random.Generator) -> Posed:
    x = rng.uniform(0.5, 1.5, 4)
    return Posed(lambda x: 1e-200 * np.sum(np.sin(x)), lambda x: 1e-200 * np.cos(x), x)


def _huge_value(rng: np.random.Generator) -> Posed:
    x = rng.uniform(455, 460, 4)
    return Posed(lambda x: np.sum(np.exp(x)), np.exp, x)


def _tiny_point(rng: np.random.Generator) -> Posed:
    x = 1e-30 * rng.uniform(0.5, 1.5, 4)
    return Posed(lambda x: np.sum(np.sin(x * 1e30)), lambda x: 1e30 * np.cos(x * 1e30), x)


def _linear_at_a_tiny_point(rng: np.random.Generator) -> Posed:
    x, w = 1e-30 * rng.standard_normal(4), rng.uniform(1, 2, 4)
    return Posed(lambda x: np.sum(w * np.sin(x)), lambda x: w * np.cos(x), x)


def _large_point(rng: np.random.Generator) -> Posed:
    x = 1e8 * rng.uniform(1, 2, 4)
    return Posed(lambda x: np.sum(np.log1p(np.exp(-x / 1e8))), _slope_at_large, x)


def _slope_at_large(x: Array) -> Array:
    dx: Array = -1e-8 / (1 + np.exp(x / 1e8))
    return dx


def _timestamp(rng: np.random.Generator) -> Posed:
    x = np.array(1.7e9 + DAY * rng.uniform(0.1, 0.15))
    return Posed(
        lambda t: np.sin(2 * np.pi * (t - 1.7e9) / DAY),
        lambda t: 2 * np.pi / DAY * np.cos(2 * np.pi * (t - 1.7e9) / DAY),
        x,
    )


def _logistic_loss_of_many(rng: np.random.Generator) -> Posed:
    data = rng.standard_normal((100_000, 3))
    label = (rng.uniform(size=100_000) < 0.5).astype(float)

    def f(w: Array) -> Tree:
        z = data @ w
        return np.sum(np.log1p(np.exp(z)) - label * z)

    return Posed(
        f, lambda w: data.T @ (1 / (1 + np.exp(-data @ w)) - label), rng.standard_normal(3)
    )


def _likelihood_of_many(rng: np.random.Generator) -> Posed:
    data = 5 + 0.1 * rng.standard_normal(100_000)
    x = {"mean": np.array(data.mean() + 1e-6), "log_width": np.array(np.log(data.std()) + 1e-6)}

    def f(x: Tree) -> Tree:
        z = (data - x["mean"]) * np.exp(-x["log_width"])
        return np.sum(-0.5 * z**2 - x["log_width"])

    def right(x: Tree) -> Tree:
        z = (data - x["mean"]) * np.exp(-x["log_width"])
        return {"mean": np.sum(z) * np.exp(-x["log_width"]), "log_width": np.sum(z**2 - 1)}

    return Posed(f, right, x)


def _planck_law(rng: np.random.Generator) -> Posed:
    c1, c2 = 2 * PLANCK / LIGHT**2, PLANCK / BOLTZMANN
    x = {"frequency": np.array(rng.uniform(2e14, 6e14)), "temperature": np.array(5772.0)}

    def right(x: Tree) -> Tree:
        nu, t = x["frequency"], x["temperature"]
        e = np.exp(c2 * nu / t)
        f = c1 * nu**3 / (e - 1)
        rise = f * e / (e - 1) * c2  # -df/d(nu/t)
        return {"frequency": 3 * f / nu - rise / t, "temperature": rise * nu / t**2}

    return Posed(
        lambda x: c1 * x["frequency"] ** 3 / np.expm1(c2 * x["frequency"] / x["temperature"]),
        right,
        x,
    )


def _drowned_data_term(rng: np.random.Generator) -> Posed:
    x = {"W": 1e3 * rng.uniform(1, 2, 4), "b": 1e-3 * rng.uniform(1, 2, 4)}
    return Posed(
        lambda x: 0.5 * np.sum(x["W"] ** 2) + 1e-3 * np.sum(np.tanh(x["b"])),
        lambda x: {"W": x["W"] * 1.0, "b": 1e-3 / np.cosh(x["b"]) ** 2},
        x,
    )


SCALES: tuple[Tricky, ...] = (
    Tricky(
        "leaves-of-1e8-and-1e-8",
        "OpenMDAO/OpenMDAO#3164",
        "One leaf is of size 1e8 and the other of 1e-8, so that one step cannot suit both.",
        _large_and_small_leaves,
    ),
    Tricky(
        "entries-over-twelve-orders",
        "no thread, usual with parameters in their physical units",
        "The entries of one leaf run from 1e-6 to 1e6, each with a curvature of its own.",
        _twelve_orders,
    ),
    Tricky(
        "gradient-over-twelve-orders",
        "scipy/scipy#7766",
        "The entries of the gradient run from 1e-6 to 1e6, and the large ones hide the small.",
        _gradient_over_twelve_orders,
    ),
    Tricky(
        "large-constant-in-f",
        "coin-or/Ipopt#487",
        "A constant of 1e12 leaves four digits of what varies.",
        _large_constant,
    ),
    Tricky(
        "value-of-1e-200",
        "no thread, usual with likelihoods that are not taken in logarithms",
        "The value and its gradient are of 1e-200, below every absolute tolerance.",
        _tiny_value,
    ),
    Tricky(
        "value-of-1e200",
        "no thread, usual with partition functions that are not taken in logarithms",
        "The value and its gradient are of 1e200, whose squares overflow.",
        _huge_value,
    ),
    Tricky(
        "point-of-1e-30",
        "no thread, usual with charges and masses of particles in SI units",
        "f varies on the scale of x, which is 1e-30: an absolute step is a leap.",
        _tiny_point,
    ),
    Tricky(
        "nearly-zero-point",
        "no thread, usual with weights that decay has brought to almost nothing",
        "x is of 1e-30 and f varies on the scale of 1: a step relative to x is lost in rounding.",
        _linear_at_a_tiny_point,
    ),
    Tricky(
        "point-of-1e8",
        "jax-ml/jax#7742",
        "x is of 1e8, where a step of 1e-8 does not change it at all.",
        _large_point,
    ),
    Tricky(
        "timestamp",
        "no thread, usual with times in seconds since 1970",
        "f varies over a day and x is 1.7e9 seconds: a step relative to x is far too long.",
        _timestamp,
    ),
    Tricky(
        "logistic-loss-of-1e5-samples",
        "chainer/chainer#3046",
        "The loss is summed over 1e5 samples, whose rounding adds up.",
        _logistic_loss_of_many,
    ),
    Tricky(
        "likelihood-of-1e5-samples",
        "no thread, usual when a fit is checked at its optimum",
        "A log-likelihood of 1e5 samples is checked where its gradient almost vanishes.",
        _likelihood_of_many,
    ),
    Tricky(
        "planck-law",
        "Planck (1901), Annalen der Physik 309",
        "The constants are of 1e-34, the frequency of 1e14 and the value of 1e-8.",
        _planck_law,
    ),
    Tricky(
        "drowned-leaf",
        "CS231n notes, Gradient checks",
        "The penalty on W is 1e9 times the term that b is in.",
        _drowned_data_term,
    ),
)
