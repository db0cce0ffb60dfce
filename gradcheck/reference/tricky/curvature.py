"""Right gradients of functions that bend sharply: steep, fast, stiff or nearly singular.

Owns: CURVATURE. Place: beside `case`, gathered by `__init__`. A step that suits most functions is
too long for these.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _steep_exponential(rng: np.random.Generator) -> Posed:
    x = rng.uniform(0.8, 1.2, 3)
    return Posed(lambda x: np.sum(np.exp(30 * x)), lambda x: 30 * np.exp(30 * x), x)


def _fast_sine(rng: np.random.Generator) -> Posed:
    x = rng.uniform(-0.3, 0.3, 3) / 1e4
    return Posed(lambda x: np.sum(np.sin(1e4 * x)), lambda x: 1e4 * np.cos(1e4 * x), x)


def _fast_sine_at_one(rng: np.random.Generator) -> Posed:
    x = 2 * np.pi / 1e4 * (np.array([1591.0, 795.0, 2387.0]) + rng.uniform(-0.1, 0.1, 3))
    return Posed(lambda x: np.sum(np.sin(1e4 * x)), lambda x: 1e4 * np.cos(1e4 * x), x)


def _rosenbrock(rng: np.random.Generator) -> Posed:
    def right(x: Array) -> Array:
        dx = np.zeros_like(x)
        dx[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
        dx[1:] += 200 * (x[1:] - x[:-1] ** 2)
        return dx

    return Posed(
        lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
        right,
        rng.uniform(30, 40, 4),
    )


def _stiff_decay(rng: np.random.Generator) -> Posed:
    rates = np.array([1.0, 1e2, 1e4])
    x = rng.uniform(0.5, 1.5, 3) / rates
    return Posed(lambda x: np.sum(np.exp(-rates * x)), lambda x: -rates * np.exp(-rates * x), x)


def _narrow_resonance(rng: np.random.Generator) -> Posed:
    width = 1e-5
    x = np.array(0.3 + width * rng.uniform(0.4, 0.8))
    return Posed(
        lambda x: 1 / (1 + ((x - 0.3) / width) ** 2),
        lambda x: -2 * (x - 0.3) / width**2 / (1 + ((x - 0.3) / width) ** 2) ** 2,
        x,
    )


def _hilbert(n: int) -> Array:
    rows = np.arange(n)
    return 1.0 / (rows[:, None] + rows + 1)


def _nearly_singular_solve(rng: np.random.Generator) -> Posed:
    a, b, w = _hilbert(5), rng.standard_normal(5), rng.standard_normal(5)

    def right(x: Tree) -> Tree:
        db = np.linalg.solve(x["A"].T, w)
        return {"A": -np.outer(db, np.linalg.solve(x["A"], x["b"])), "b": db}

    return Posed(lambda x: np.sum(w * np.linalg.solve(x["A"], x["b"])), right, {"A": a, "b": b})


def _ill_conditioned_log_det(rng: np.random.Generator) -> Posed:
    q, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    a = q @ np.diag([1.0, 1e-2, 1e-4, 1e-6]) @ q.T
    return Posed(lambda a: np.log(np.linalg.det(a)), lambda a: np.linalg.inv(a).T, a)


def _high_power(rng: np.random.Generator) -> Posed:
    x = rng.uniform(0.95, 1.05, 4)
    return Posed(lambda x: np.sum(x**200), lambda x: 200 * x**199, x)


def _rastrigin(rng: np.random.Generator) -> Posed:
    return Posed(
        lambda x: np.sum(x**2 - 10 * np.cos(2 * np.pi * x) + 10),
        lambda x: 2 * x + 20 * np.pi * np.sin(2 * np.pi * x),
        rng.uniform(-5, 5, 5),
    )


def _tangent_beside_its_pole(rng: np.random.Generator) -> Posed:
    x = np.pi / 2 - 1e-5 * rng.uniform(1, 2, 3)
    return Posed(lambda x: np.sum(np.tan(x)), lambda x: 1 / np.cos(x) ** 2, x)


def _chaotic_map(rng: np.random.Generator) -> Posed:
    def orbit(x: Array) -> list[Array]:
        points = [x]
        for _ in range(12):
            points.append(3.9 * points[-1] * (1 - points[-1]))
        return points

    def right(x: Array) -> Array:
        dx: Array = np.prod([3.9 * (1 - 2 * y) for y in orbit(x)[:-1]], axis=0)
        return dx

    return Posed(lambda x: np.sum(orbit(x)[-1]), right, rng.uniform(0.2, 0.4, 3))


def _steep_sigmoid(rng: np.random.Generator) -> Posed:
    x = np.array(0.5 + 1e-6 * rng.uniform(-1, 1))

    def right(x: Array) -> Array:
        s = 1 / (1 + np.exp(-1e6 * (x - 0.5)))
        dx: Array = 1e6 * s * (1 - s)
        return dx

    return Posed(lambda x: 1 / (1 + np.exp(-1e6 * (x - 0.5))), right, x)


CURVATURE: tuple[Tricky, ...] = (
    Tricky(
        "exponential-of-30x",
        "SauersML/gam#2461",
        "exp(30 x) bends so much that the truncation of a usual step shows.",
        _steep_exponential,
    ),
    Tricky(
        "sine-of-1e4-x",
        "no thread, usual with Fourier features",
        "A sine of 1e4 x near 0 turns over within 1e-4.",
        _fast_sine,
    ),
    Tricky(
        "sine-of-1e4-x-far-from-zero",
        "no thread, usual with Fourier features",
        "A sine of 1e4 x at x = 1 swings a thousand times within the size of x.",
        _fast_sine_at_one,
    ),
    Tricky(
        "rosenbrock-far-out",
        "Rosenbrock (1960), The Computer Journal 3",
        "Far from its valley the function is of 1e8 and its terms of very different sizes.",
        _rosenbrock,
    ),
    Tricky(
        "stiff-decay",
        "Hairer & Wanner, Solving Ordinary Differential Equations II",
        "Entries decay at rates of 1, 100 and 10000, so that no step suits them all.",
        _stiff_decay,
    ),
    Tricky(
        "narrow-resonance",
        "no thread, usual in spectroscopy",
        "The peak is 1e-5 wide and x is 0.3.",
        _narrow_resonance,
    ),
    Tricky(
        "nearly-singular-solve",
        "Higham, Accuracy and Stability of Numerical Algorithms, section 28.1",
        "The matrix is a Hilbert matrix with a condition number of 5e5.",
        _nearly_singular_solve,
    ),
    Tricky(
        "ill-conditioned-log-det",
        "no thread, usual with covariances of correlated features",
        "Eigenvalues run from 1 to 1e-6, and a step beyond the smallest leaves the domain.",
        _ill_conditioned_log_det,
    ),
    Tricky(
        "power-of-200",
        "no thread, usual with products of many factors",
        "x to the 200 changes by half within a step of 0.002.",
        _high_power,
    ),
    Tricky(
        "rastrigin",
        "Rastrigin (1974), Systems of Extremal Control",
        "A parabola is covered with waves that a long step averages away.",
        _rastrigin,
    ),
    Tricky(
        "tangent-beside-its-pole",
        "no thread, usual in the geometry of cameras",
        "x is 1e-5 from the pole of a tangent.",
        _tangent_beside_its_pole,
    ),
    Tricky(
        "chaotic-map",
        "May (1976), Nature 261",
        "Twelve turns of the logistic map magnify every step some thousand times.",
        _chaotic_map,
    ),
    Tricky(
        "steep-sigmoid",
        "no thread, usual where a step function was made smooth",
        "A sigmoid rises from 0 to 1 within 1e-5 at x = 0.5.",
        _steep_sigmoid,
    ),
)
