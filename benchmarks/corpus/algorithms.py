"""Functions that are programs: iterations, long sums, complex parameters.

Owns solvers that stop after a fixed number of steps (their derivative is that of the last iterate,
by the same recursion in extended precision), log-likelihoods with 1e5 terms, and complex leaves
with the gradient of df = Re sum conj(g) dx.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..case import Case, along, over, scalar, spread
from .exact import uniform

TERMS = 100_000  # of a log-likelihood


def iterative(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Run Newton's root, Jacobi's iteration and Sinkhorn's scaling for a fixed number of steps."""
    for _ in range(n):
        yield _iterated("newton-root", _newton_root(int(rng.integers(2, 8))), uniform(rng))
        matrix, b, w = rng.uniform(-1, 1, size=(5, 5)), rng.normal(size=5), rng.normal(size=5)
        jacobi = _jacobi(matrix, b, w, int(rng.integers(3, 30)))
        yield _iterated("jacobi", jacobi, uniform(rng, 0.3, 1.5))
        sinkhorn = _sinkhorn(rng.uniform(0, 1, size=(4, 4)), int(rng.integers(3, 30)))
        yield _iterated("sinkhorn", sinkhorn, uniform(rng, 1.0, 8.0))


def _iterated(name: str, run: Callable[..., tuple], x: float) -> Case:
    """Build a case from a recursion that carries its derivative along."""
    truth = float(run(np.longdouble(x))[1])
    return scalar(
        "iterative", name, lambda z: float(run(z)[0]), lambda z: float(run(z)[1]), x, truth
    )


def _newton_root(steps: int) -> Callable[..., tuple]:
    def run(z):
        y, dy = z, 1.0
        for _ in range(steps):
            # derivative of y = (y + z / y) / 2
            y, dy = (y + z / y) / 2, (dy + 1 / y - z * dy / y**2) / 2
        return y, dy

    return run


def _jacobi(matrix: np.ndarray, b: np.ndarray, w: np.ndarray, steps: int) -> Callable[..., tuple]:
    """Return w . y for the iterate y of (5 + z R) y = b, R without its diagonal."""
    rest = matrix - np.diag(np.diag(matrix))

    def run(z):
        y = dy = np.zeros(5, dtype=np.result_type(z, np.float64))
        for _ in range(steps):
            y, dy = (b - z * (rest @ y)) / 5, -(rest @ y + z * (rest @ dy)) / 5
        return w @ y, w @ dy

    return run


def _sinkhorn(cost: np.ndarray, steps: int) -> Callable[..., tuple]:
    """Return <P, cost> for the plan P of exp(-z cost) after some scalings to uniform sums."""
    share = 1 / len(cost)

    def run(z):
        kernel = np.exp(-z * cost)
        dkernel = -cost * kernel
        u = v = np.ones(len(cost), dtype=kernel.dtype)
        du = dv = np.zeros_like(v)
        for _ in range(steps):
            s, ds = kernel @ v, dkernel @ v + kernel @ dv
            u, du = share / s, -share * ds / s**2
            s, ds = kernel.T @ u, dkernel.T @ u + kernel.T @ du
            v, dv = share / s, -share * ds / s**2
        plan = np.outer(u, v) * kernel
        dplan = (np.outer(du, v) + np.outer(u, dv)) * kernel + np.outer(u, v) * dkernel
        return np.sum(plan * cost), np.sum(dplan * cost)

    return run


def log_likelihood(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Sum 1e5 terms: a normal sample, and a logistic regression on one feature."""
    for _ in range(max(n // 5, 1)):
        sample = rng.normal(size=TERMS) * uniform(rng) + float(rng.normal())
        yield _likelihood(rng, "normal", *_normal(sample))
        feature = rng.normal(size=TERMS)
        yield _likelihood(rng, "logistic", *_logistic(feature, rng.integers(0, 2, TERMS)))


def _likelihood(rng: np.random.Generator, name: str, f: Callable, grad: Callable) -> Case:
    x, v = rng.normal(size=2) * 0.5, rng.normal(size=2)
    truth = along(grad(x.astype(np.longdouble)), v)
    return spread("log-likelihood", name, f, grad, x, v, truth)


def _normal(sample: np.ndarray) -> tuple[Callable, Callable]:
    """Return sum ((y - mu) / s)^2 / 2 + log s with x = (mu, log s), and its gradient."""

    def f(x):
        return np.sum(((sample - x[0]) * np.exp(-x[1])) ** 2 / 2 + x[1])

    def grad(x):
        residual = (sample - x[0]) * np.exp(-x[1])
        return np.stack([-np.sum(residual) * np.exp(-x[1]), np.sum(1 - residual**2)])

    return f, grad


def _logistic(feature: np.ndarray, labels: np.ndarray) -> tuple[Callable, Callable]:
    """Return sum log(1 + e^z) - label z with z = x0 + x1 feature, and its gradient."""

    def f(x):
        z = x[0] + x[1] * feature
        return np.sum(np.logaddexp(0, z) - labels * z)

    def grad(x):
        dz = 1 / (1 + np.exp(-(x[0] + x[1] * feature))) - labels
        return np.stack([np.sum(dz), np.sum(dz * feature)])

    return f, grad


def complex_leaves(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Take real functions of complex arrays."""
    for _ in range(n):
        c, w = _complex(rng), rng.uniform(0.5, 2, size=4)
        for name, f, grad in (
            ("power", lambda z, w=w: np.sum(w * np.abs(z) ** 2), lambda z, w=w: 2 * w * z),
            (
                "holomorphic",  # df = Re sum c exp(z) dz
                lambda z, c=c: np.sum(c * np.exp(z)).real,
                lambda z, c=c: np.conj(c * np.exp(z)),
            ),
            (
                "modulus",  # with s = sum c z: d|s| = Re conj(s) ds / |s|
                lambda z, c=c: np.abs(np.sum(c * z)),
                lambda z, c=c: np.conj(c) * np.sum(c * z) / np.abs(np.sum(c * z)),
            ),
        ):
            x, v = _complex(rng), _complex(rng)
            truth = along(grad(over(lambda a: a.astype(np.clongdouble), x)), v)
            yield spread("complex", name, f, grad, x, v, truth)


def _complex(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=4) + 1j * rng.normal(size=4)
