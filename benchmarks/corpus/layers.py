"""Layers with kinks, and one without: pooling, grids of ReLU and |.| units, a convolution.

Owns functions of arrays whose kinks lie where data put them, also exactly at x and several at
once. Their one-sided derivatives come from following the direction through each kink.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..case import Case, along, over, spread

WINDOW = 4  # entries that are pooled


def max_pool(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Pool by the maximum: distinct entries, and entries that are exactly equal."""
    for _ in range(n):
        w, x, v = rng.normal(size=6), rng.normal(size=(6, WINDOW)), rng.normal(size=(6, WINDOW))
        yield _pooled("max-pool", "distinct", w, x, v)
        yield _pooled("max-pool-tie", "after-relu", w, np.maximum(x, 0.0), v)


def _pooled(family: str, name: str, w: np.ndarray, x: np.ndarray, v: np.ndarray) -> Case:
    """Build f(x) = sum w tanh(max over each row of x); x, v (6, 4), w (6,)."""

    def f(z):
        return np.sum(w * np.tanh(z.max(axis=1)))

    def grad(z):
        rows, first = np.arange(len(z)), z.argmax(axis=1)
        dz = np.zeros_like(z)
        dz[rows, first] = w / np.cosh(z[rows, first]) ** 2
        return dz

    def side(direction):
        wide, top = x.astype(np.longdouble), x == x.max(axis=1, keepdims=True)
        rise = np.where(top, direction, -np.inf).max(axis=1)  # the tied entry that wins
        return float(np.sum(w * rise / np.cosh(wide.max(axis=1)) ** 2))

    left, right = -side(-v), side(v)
    return _sided(spread(family, name, f, grad, x, v, math.nan), left, right)


def _sided(case: Case, left: float, right: float) -> Case:
    """Return the case with its one-sided derivatives, or with the one that both are."""
    if math.isclose(left, right, rel_tol=1e-14, abs_tol=1e-15):
        return Case(**{**vars(case), "truth": right})
    return Case(**{**vars(case), "left": left, "right": right})


@dataclass(frozen=True, eq=False)
class Hinges:
    """mean (fn(X W + b) w - y)^2 / 2, fn = relu or |.|; X (m, n), W (n, k), b (k,), w (k,)."""

    inputs: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    fn: str

    def loss(self, p):
        """Evaluate the loss."""
        return np.mean(self._residual(self._units(p)) ** 2) / 2

    def grad(self, p):
        """Evaluate its gradient, with relu'(0) = 0 and |.|'(0) = 0."""
        z = self._units(p)
        slope = np.sign(z) if self.fn == "abs" else (z > 0).astype(z.dtype)
        dz = np.outer(self._residual(z), self.weights) / len(self.targets) * slope  # (m, k)
        return {"W": self.inputs.T @ dz, "b": dz.sum(axis=0)}

    def side(self, p, v) -> float:
        """Return the one-sided derivative at p towards v, in extended precision."""
        p, v = (over(lambda a: a.astype(np.longdouble), tree) for tree in (p, v))
        z, dz = self._units(p), self._units(v)
        at_zero = np.abs(dz) if self.fn == "abs" else np.maximum(dz, 0)
        beyond = np.sign(z) * dz if self.fn == "abs" else np.where(z > 0, dz, 0)
        rise = np.where(z == 0, at_zero, beyond) @ self.weights
        return float(np.mean(self._residual(z) * rise))

    def _units(self, p):
        return self.inputs @ p["W"] + p["b"]

    def _residual(self, z):
        hidden = np.abs(z) if self.fn == "abs" else np.maximum(z, 0)
        return hidden @ self.weights - self.targets


def grid_networks(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Take data and weights from a coarse grid, so that several units are exactly 0 at x."""
    for fn in ("relu", "abs"):
        for _ in range(n):
            net = Hinges(
                rng.integers(-2, 3, size=(8, 3)) / 2.0, rng.normal(size=8), rng.normal(size=4), fn
            )
            p = {"W": rng.integers(-4, 5, size=(3, 4)) / 4.0, "b": rng.integers(-4, 5, 4) / 4.0}
            v = over(lambda a: rng.normal(size=a.shape), p)
            case = spread("on-kink-net", fn, net.loss, net.grad, p, v, math.nan)
            yield _sided(case, -net.side(p, over(np.negative, v)), net.side(p, v))


def convolution(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Convolve a signal with a kernel, add a bias, take tanh and a weighted sum."""
    for _ in range(n):
        # signal (20,) as windows (16, 5), kernel (5,), weights (16,)
        windows = np.lib.stride_tricks.sliding_window_view(rng.normal(size=20), 5)
        f, grad = _convolved(windows, rng.normal(size=16))
        p = {"kernel": rng.normal(size=5), "bias": rng.normal(size=1)}
        v = over(lambda a: rng.normal(size=a.shape), p)
        truth = along(grad(over(lambda a: a.astype(np.longdouble), p)), v)
        yield spread("convolution", "1d", f, grad, p, v, truth)


def _convolved(windows: np.ndarray, w: np.ndarray) -> tuple[Callable, Callable]:
    def f(p):
        return np.sum(w * np.tanh(windows @ p["kernel"] + p["bias"]))

    def grad(p):
        dz = w / np.cosh(windows @ p["kernel"] + p["bias"]) ** 2  # (16,)
        return {"kernel": windows.T @ dz, "bias": dz.sum(keepdims=True)}

    return f, grad
