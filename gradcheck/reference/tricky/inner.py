"""Right gradients of functions with numerics inside: quadrature, iterations, integrators, series.

Owns: INNER. Place: beside `case`, gathered by `__init__`. The gradient is that of what f is meant
to compute, or of what it does compute; the two agree to eight digits or better.
"""

import itertools
import math

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky

TOLERANCE = 1e-10  # of a step of the adaptive integrator; the claim then agrees to 8 digits


def _quadrature(rng: np.random.Generator) -> Posed:
    t = np.linspace(0, 1, 81)
    simpson = np.array([1, *[4, 2] * 39, 4, 1]) / 240

    def right(x: Array) -> Array:
        """Return the derivative of the integral itself, sqrt(pi) erf(sqrt(x)) / (2 sqrt(x))."""
        a = float(x)
        whole = math.sqrt(math.pi / a) / 2 * math.erf(math.sqrt(a))
        return np.array(math.exp(-a) / (2 * a) - whole / (2 * a))

    return Posed(lambda x: simpson @ np.exp(-x * t**2), right, np.array(rng.uniform(1, 2)))


def _conjugate_gradients(a: Array, b: Array) -> Array:
    """Solve a y = b to a residual of 1e-10."""
    y = np.zeros_like(b)
    residual = b.copy()
    direction, size = residual.copy(), residual @ residual
    for _ in range(100):
        if np.sqrt(size) <= 1e-10:
            break
        pushed = a @ direction
        length = size / (direction @ pushed)
        y, residual = y + length * direction, residual - length * pushed
        size, before = residual @ residual, size
        direction = residual + size / before * direction
    return y


def _solve_by_iteration(rng: np.random.Generator) -> Posed:
    basis, w = rng.standard_normal((6, 6)), rng.standard_normal(6)
    a = basis @ basis.T + 6 * np.eye(6)
    return Posed(
        lambda b: w @ _conjugate_gradients(a, b),
        lambda b: np.linalg.solve(a, w),
        rng.standard_normal(6),
    )


def _fixed_point(x: Tree) -> Tree:
    y = np.array(0.5)
    for _ in range(200):
        y, before = np.cos(x * y), y
        if abs(y - before) < 1e-11:
            break
    return y


def _fixed_point_iteration(rng: np.random.Generator) -> Posed:
    def right(x: Array) -> Array:
        y = _fixed_point(x)
        slope = -np.sin(x * y)
        return np.asarray(slope * y / (1 - slope * x))

    return Posed(_fixed_point, right, np.array(rng.uniform(0.6, 0.9)))


def _kepler(rng: np.random.Generator) -> Posed:
    def anomaly(x: Tree) -> Tree:
        e = x["mean"]
        for _ in range(50):
            step = (e - x["eccentricity"] * np.sin(e) - x["mean"]) / (
                1 - x["eccentricity"] * np.cos(e)
            )
            e = e - step
            if abs(step) < 1e-12:
                break
        return e

    def right(x: Tree) -> Tree:
        e = anomaly(x)
        inverse = 1 / (1 - x["eccentricity"] * np.cos(e))
        return {"mean": inverse, "eccentricity": np.sin(e) * inverse}

    x = {"mean": np.array(rng.uniform(0.5, 2)), "eccentricity": np.array(rng.uniform(0.2, 0.7))}
    return Posed(anomaly, right, x)


def _midpoints(start: float, rate: float) -> float:
    """Integrate y' = rate y (1 - y) to t = 1, halving the step where two estimates differ."""
    y, t, step = start, 0.0, 0.05
    while t < 1:
        step = min(step, 1 - t)
        slope = rate * y * (1 - y)
        half = y + step / 2 * slope
        middle = rate * half * (1 - half)
        full = y + step * (2 * middle - slope)
        end = rate * full * (1 - full)
        better = y + step / 6 * (slope + 4 * middle + end)  # Kutta's third order
        error = abs(better - (y + step * middle))
        if error <= TOLERANCE:
            y, t = better, t + step
        step *= min(2.0, 0.9 * (TOLERANCE / max(error, 1e-14)) ** (1 / 3))
    return y


def _adaptive_integrator(rng: np.random.Generator) -> Posed:
    x = {"start": np.array(rng.uniform(0.1, 0.3)), "rate": np.array(rng.uniform(1, 2))}

    def right(x: Tree) -> Tree:
        growth = np.exp(x["rate"])
        bottom = (1 + x["start"] * (growth - 1)) ** 2
        return {
            "start": growth / bottom,
            "rate": x["start"] * (1 - x["start"]) * growth / bottom,
        }

    return Posed(lambda x: _midpoints(float(x["start"]), float(x["rate"])), right, x)


def _runge_kutta(rng: np.random.Generator) -> Posed:
    def f(x: Array) -> Tree:
        """Swing a pendulum for 40 steps; the value is its last angle."""
        state, step = np.array([x, 0.0 * x]), 0.05

        def slope(s: Array) -> Array:
            return np.array([s[1], -np.sin(s[0])])

        for _ in range(40):
            one = slope(state)
            two = slope(state + step / 2 * one)
            three = slope(state + step / 2 * two)
            four = slope(state + step * three)
            state = state + step / 6 * (one + 2 * two + 2 * three + four)
        return state[0]

    def right(x: Array) -> Array:
        """Integrate the state together with its derivative for x, ten times finer."""
        state, step = np.array([float(x), 0.0, 1.0, 0.0]), 0.005

        def slope(s: Array) -> Array:
            return np.array([s[1], -np.sin(s[0]), s[3], -np.cos(s[0]) * s[2]])

        for _ in range(400):
            one = slope(state)
            two = slope(state + step / 2 * one)
            three = slope(state + step / 2 * two)
            four = slope(state + step * three)
            state = state + step / 6 * (one + 2 * two + 2 * three + four)
        return np.asarray(state[2])

    return Posed(f, right, np.array(rng.uniform(0.5, 1.0)))


def _bessel_series(x: Array, order: int) -> Array:
    """Sum ten terms of the Bessel function J of order 0 or 1."""
    terms = (
        (-1) ** k / (math.factorial(k) * math.factorial(k + order)) * (x / 2) ** (2 * k + order)
        for k in range(10)
    )
    total: Array = np.sum(list(terms), axis=0)
    return total


def _truncated_series(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.sum(_bessel_series(x, 0)),
        lambda x: -_bessel_series(x, 1),
        rng.uniform(0.5, 2, 3),
    )


def _power_iteration(rng: np.random.Generator) -> Posed:
    basis, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    a = basis @ np.diag([3.0, 1.0, -0.5, 0.2]) @ basis.T

    def dominant(a: Array) -> Array:
        a, v = (a + a.T) / 2, np.ones(4) / 2
        for _ in range(100):
            v, before = a @ v, v
            v = v / np.sqrt(v @ v)
            if np.max(np.abs(v - before)) < 1e-12:
                break
        return v

    def f(a: Array) -> Tree:
        v = dominant(a)
        return v @ a @ v

    return Posed(f, lambda a: np.outer(dominant(a), dominant(a)), a)


def _inner_minimum(rng: np.random.Generator) -> Posed:
    def inner(x: Array) -> Array:
        """Minimise cosh(y) - x y over y by Newton's method, to a step of 1e-6 only."""
        y = np.zeros_like(x)
        for _ in range(50):
            step = (np.sinh(y) - x) / np.cosh(y)
            y = y - step
            if np.max(np.abs(step)) < 1e-6:
                break
        return y

    def f(x: Array) -> Tree:
        y = inner(x)
        return np.sum(np.cosh(y) - x * y)

    return Posed(f, lambda x: -np.arcsinh(x), rng.uniform(0.5, 2, 3))


def _common_random_numbers(rng: np.random.Generator) -> Posed:
    draws = rng.standard_normal(2000)
    x = {"mean": np.array(0.3), "width": np.array(rng.uniform(0.5, 1))}

    def right(x: Tree) -> Tree:
        slope = np.exp(x["mean"] + x["width"] * draws)
        return {"mean": np.mean(slope), "width": np.mean(slope * draws)}

    return Posed(lambda x: np.mean(np.exp(x["mean"] + x["width"] * draws)), right, x)


def _transport(rng: np.random.Generator) -> Posed:
    target = np.full(4, 0.25)

    def plan(cost: Array) -> Array:
        kernel = np.exp(-cost)
        left = np.ones(4)
        for _ in range(300):
            left, before = target / (kernel @ (target / (kernel.T @ left))), left
            if np.max(np.abs(left - before)) < 1e-13:
                break
        return left[:, None] * kernel * (target / (kernel.T @ left))

    def f(cost: Array) -> Tree:
        p = plan(cost)
        return np.sum(p * cost) + np.sum(p * (np.log(p) - 1))

    return Posed(f, plan, rng.uniform(0, 2, (4, 4)))


def _bisection(rng: np.random.Generator) -> Posed:
    def root(x: Array) -> Tree:
        low, high = 0.0, 4.0
        while high - low > 1e-9:
            middle = (low + high) / 2
            low, high = (middle, high) if middle**3 + middle < x else (low, middle)
        return (low + high) / 2

    def right(x: Array) -> Array:
        y = root(x)
        return np.asarray(1 / (3 * y**2 + 1))

    return Posed(root, right, np.array(rng.uniform(2, 10)))


def _continued_fraction(rng: np.random.Generator) -> Posed:
    def f(x: Array) -> Tree:
        """Compute tan(x) by eight levels of Lambert's fraction."""
        bottom = 15.0 + 0 * x
        for odd in range(13, 0, -2):
            bottom = odd - x**2 / bottom
        return np.sum(x / bottom)

    return Posed(f, lambda x: 1 + np.tan(x) ** 2, rng.uniform(0.2, 0.8, 3))


def _series_until_small(rng: np.random.Generator) -> Posed:
    def f(x: Array) -> Tree:
        total = 0.0 * x
        for n in itertools.count(1):
            term = np.exp(-x * n) / n
            total = total + term
            if np.abs(term) < 1e-12:
                return total
        raise AssertionError("unreachable")

    return Posed(f, lambda x: -1 / np.expm1(x), np.array(rng.uniform(0.5, 1.0)))


INNER: tuple[Tricky, ...] = (
    Tricky(
        "quadrature-inside-f",
        "no thread, usual with likelihoods that are integrals",
        "f is a quadrature that is right to 1e-8, and the gradient is that of the integral.",
        _quadrature,
    ),
    Tricky(
        "conjugate-gradients-inside-f",
        "no thread, usual with implicit differentiation",
        "f solves a linear system to 1e-10, and the number of turns may change with x.",
        _solve_by_iteration,
    ),
    Tricky(
        "fixed-point-inside-f",
        "Griewank & Walther, Evaluating Derivatives, chapter 15",
        "f iterates to 1e-11, and the gradient is by the implicit function theorem.",
        _fixed_point_iteration,
    ),
    Tricky(
        "kepler-equation",
        "no thread, usual in astronomy",
        "The eccentric anomaly is found by Newton's method, with a number of turns of its own.",
        _kepler,
    ),
    Tricky(
        "adaptive-integrator-inside-f",
        "Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, section II.4",
        "Steps of an integrator are accepted or not as x moves, so that f has small jumps.",
        _adaptive_integrator,
    ),
    Tricky(
        "pendulum-integrated-finer",
        "no thread, usual where f and the gradient have integrators of their own",
        "The gradient is integrated in finer steps than f, and the two differ in digit seven.",
        _runge_kutta,
    ),
    Tricky(
        "truncated-series",
        "no thread, usual with special functions",
        "A Bessel function is cut off after ten terms.",
        _truncated_series,
    ),
    Tricky(
        "power-iteration-inside-f",
        "Golub & Van Loan, Matrix Computations, section 7.3",
        "f iterates to the largest eigenvalue, and the gradient is by perturbation theory.",
        _power_iteration,
    ),
    Tricky(
        "inner-minimum",
        "Danskin (1967), The Theory of Max-Min",
        "f contains a minimum over y, whose error of 1e-6 enters f only as its square.",
        _inner_minimum,
    ),
    Tricky(
        "common-random-numbers",
        "Glasserman, Monte Carlo Methods in Financial Engineering, section 7.2",
        "f is an average over draws that were made once, and differentiable in its parameters.",
        _common_random_numbers,
    ),
    Tricky(
        "entropic-transport",
        "Cuturi (2013), Sinkhorn Distances",
        "f iterates to the optimal plan, and the gradient of the cost is the plan itself.",
        _transport,
    ),
    Tricky(
        "bisection-inside-f",
        "no thread, usual with inverse distribution functions",
        "f halves an interval down to 1e-9, so that it moves in steps of that size.",
        _bisection,
    ),
    Tricky(
        "continued-fraction",
        "Lambert (1761)",
        "f is a continued fraction that is cut off, and the gradient is that of the tangent.",
        _continued_fraction,
    ),
    Tricky(
        "series-until-small",
        "no thread, usual with special functions",
        "A series is summed until its terms are below 1e-12, a number of terms that depends on x.",
        _series_until_small,
    ),
)
