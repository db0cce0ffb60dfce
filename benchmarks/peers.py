"""Other methods of numerical differentiation on the same slices, with their own error bars.

Owns one function a method, `Slice -> Estimate`, and their comparison. Each differentiates g(u) at
u = 0 with its own defaults, and is told the unit roundoff of the dtypes it would see. What raises
or returns NaN does not cover.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .case import Case, Slice
from .measure import CERTIFIED
from .tables import table
from .targets import SMOOTH, UNCOUNTED, mean, quantile, share


@dataclass(frozen=True)
class Estimate:
    """A derivative with the bar that its method claims; NaN where it claims none."""

    value: float
    bar: float = math.nan
    evaluations: int = 0


def central(g: Slice) -> tuple[float, float]:
    """Take one central difference at u^(1/3); no bar."""
    h = g.roundoff ** (1 / 3)
    return (g(h) - g(-h)) / (2 * h), math.nan


def scipy_half(g: Slice) -> tuple[float, float]:
    """Run `scipy.differentiate.derivative` from its default step, 0.5."""
    return _scipy(g, 0.5)


def scipy_small(g: Slice) -> tuple[float, float]:
    """Run it from a step of 0.01."""
    return _scipy(g, 1e-2)


def _scipy(g: Slice, initial_step: float) -> tuple[float, float]:
    from scipy.differentiate import derivative

    result = derivative(_over_arrays(g), 0.0, initial_step=initial_step)
    return float(result.df), float(result.error)


def numdifftools(g: Slice) -> tuple[float, float]:
    """Run `numdifftools.Derivative`."""
    from numdifftools import Derivative

    outcome = Derivative(_over_arrays(g), full_output=True)(0.0)
    return float(np.ravel(outcome.estimate)[0]), float(np.ravel(outcome.error_estimate)[0])


def jacobi(g: Slice) -> tuple[float, float]:
    """Run `jacobi.jacobi`."""
    from jacobi import jacobi as run

    value, error = run(lambda u: g(float(u)), 0.0)
    return float(value), float(error)


def _over_arrays(g: Slice) -> Callable[[np.ndarray], np.ndarray]:
    return lambda u: np.array([g(t) for t in np.ravel(u)]).reshape(np.shape(u))


CONTRACTION, ROUNDS = 1.4, 10  # Ridders (1982), as in Numerical Recipes, section 5.7
SAFE = 2.0  # stops when the error has grown by this


def ridders(g: Slice) -> tuple[float, float]:
    """Extrapolate central differences from h = 0.1; the bar is the least difference seen."""
    h, value, error = 0.1, math.nan, math.inf
    previous: list[float] = []
    for _ in range(ROUNDS):
        row, factor = [(g(h) - g(-h)) / (2 * h)], CONTRACTION**2
        for k, older in enumerate(previous):
            row.append((row[k] * factor - older) / (factor - 1))
            factor *= CONTRACTION**2
            distance = max(abs(row[-1] - row[k]), abs(row[-1] - older))
            if distance <= error:
                value, error = row[-1], distance
        if previous and abs(row[-1] - previous[-1]) >= SAFE * error:
            break
        previous, h = row, h / CONTRACTION
    return value, error


CONDITION = 10.0  # FiniteDifferences.jl, DEFAULT_CONDITION
MOST_GROWTH = 1000.0  # of its step over the default one


def five_points(g: Slice) -> tuple[float, float]:
    """Run the scheme of FiniteDifferences.jl, `central_fdm(5, 1)` with one adaptation.

    A 7-point rule estimates the fifth derivative, from which step and accuracy of the 5-point rule
    follow.
    """
    eps, wide, grid = 2.0**-52, np.arange(-3.0, 4.0), np.arange(-2.0, 3.0)
    h, _ = _step(wide, 5, CONDITION, eps)
    f = np.array([g(h * k) for k in wide])
    bound = max(abs(f @ _weights(wide + shift, 5)) for shift in (-1, 0, 1)) / h**5
    largest = np.abs(f).max()
    default, accuracy = _step(grid, 1, CONDITION, eps)
    step = default
    if math.isfinite(bound) and bound > 0 and largest > 0:
        step, accuracy = _step(grid, 1, bound, float(np.spacing(largest)))
    if step > MOST_GROWTH * default:
        step, accuracy = MOST_GROWTH * default, math.nan
    weights = _weights(grid, 1)
    return sum(w * g(step * k) for w, k in zip(weights, grid, strict=True) if w) / step, accuracy


def _weights(grid: np.ndarray, order: int) -> np.ndarray:
    """Return the weights on a grid of unit step that give the derivative of an order."""
    target = np.zeros(len(grid))
    target[order] = math.factorial(order)
    return np.linalg.solve(np.vander(grid, increasing=True).T, target)


def _step(grid: np.ndarray, order: int, bound: float, error: float) -> tuple[float, float]:
    """Balance rounding and truncation; return the step and the accuracy there."""
    p, weights = len(grid), _weights(grid, order)
    rounding = error * np.abs(weights).sum()
    truncation = bound * np.abs(weights * grid**p).sum() / math.factorial(p)
    h = float((order / (p - order) * rounding / truncation) ** (1 / p))
    return h, float(rounding * h**-order + truncation * h ** (p - order))


POINTS = 8  # of the difference table of ECnoise
LEVELS_AGREE = 4.0  # three noise levels within this factor are one
RETRIES = 4


def estimate_noise(g: Slice) -> float | None:
    """Estimate the noise level from a difference table, Moré and Wild (2011), ECnoise."""
    h = 1e-8 if g.roundoff < 1e-10 else g.roundoff**0.5
    for _ in range(RETRIES):
        f = np.array([g(h * (k - POINTS // 2)) for k in range(POINTS)])
        spread, largest = np.ptp(f), np.abs(f).max()
        if not np.isfinite(f).all() or spread > 0.1 * largest:
            h /= 100
        elif np.sum(np.diff(f) == 0) >= POINTS / 2:
            h *= 100
        elif (level := _level(f)) is not None:
            return level
        else:
            h /= 100
    return None


def _level(f: np.ndarray) -> float | None:
    levels, changes, gamma = [], [], 1.0
    for j in range(1, POINTS):
        f = np.diff(f)
        gamma *= 0.5 * j / (2 * j - 1)
        levels.append(math.sqrt(gamma * float(np.mean(f**2))))
        changes.append(f.min() < 0 < f.max())
    for k in range(POINTS - 3):
        if changes[k] and max(levels[k : k + 3]) <= LEVELS_AGREE * min(levels[k : k + 3]):
            return levels[k]
    return None


def more_wild(g: Slice) -> tuple[float, float]:
    """Balance the noise of ECnoise against a third difference, Moré and Wild (2012)."""
    level, here = estimate_noise(g), abs(g(0.0))
    noise = max(level if level is not None else g.roundoff * here, 1e-300)
    h = min(max(noise / max(here, 1e-300), g.roundoff) ** 0.2, 0.1)
    third = abs(g(2 * h) - 2 * g(h) + 2 * g(-h) - g(-2 * h)) / (2 * h**3)
    third = max(third, 1e-300)
    h = min((3 * noise / third) ** (1 / 3), 10 * h)
    return (g(h) - g(-h)) / (2 * h), third * h * h / 6 + noise / h


RATIO = (1.5, 6.0)  # the range of r(h) that Shi et al. (2022) accept
TRIALS = 12


def shi(g: Slice) -> tuple[float, float]:
    """Bisect for the step where truncation is a few times the noise, Shi et al. (2022)."""
    noise = 2 * g.roundoff * max(abs(g(0.0)), 1e-300)
    h, low, high = (3 * noise) ** (1 / 3), 0.0, math.inf
    for _ in range(TRIALS):
        f = [g(k * h) for k in (3, 1, -1, -3)]
        ratio = abs(f[0] - 3 * f[1] + 3 * f[2] - f[3]) / (8 * noise)
        value, bar = (f[1] - f[2]) / (2 * h), (ratio / 6 + 1) * noise / h
        if RATIO[0] <= ratio <= RATIO[1]:
            break
        low, high = (h, high) if ratio < RATIO[0] else (low, h)
        if math.isinf(high):
            h *= 3
        else:
            h = h / 3 if low == 0 else math.sqrt(low * high)
    return value, bar if math.isfinite(ratio) else math.inf


PEERS: dict[str, Callable[[Slice], tuple[float, float]]] = {
    "central, u^(1/3)": central,
    "Ridders": ridders,
    "FiniteDifferences.jl, p = 5": five_points,
    "Moré-Wild": more_wild,
    "Shi et al.": shi,
    "scipy, step 0.5": scipy_half,
    "scipy, step 0.01": scipy_small,
    "numdifftools": numdifftools,
    "jacobi": jacobi,
}


def estimate(method: Callable[[Slice], tuple[float, float]], case: Case) -> Estimate:
    """Run one method on one case, whatever it raises."""
    g = case.slice()
    try:
        with np.errstate(all="ignore"):
            value, bar = method(g)
    except Exception:  # a peer that raises covers nothing
        return Estimate(math.nan, math.nan, g.evaluations)
    return Estimate(float(value), float(bar), g.evaluations)


def compare(cases: Sequence[Case]) -> str:
    """Tabulate every peer on the cases that have a derivative."""
    counted = [case for case in cases if case.differentiable and case.family not in UNCOUNTED]
    head = (
        "method", "covered %", "on smooth %", "error med", "on smooth", "bar/error",
        "certified %", "ev. med", "mean",
    )  # fmt: skip
    return table(head, [_peer_row(name, method, counted) for name, method in PEERS.items()])


def _peer_row(name: str, method: Callable, cases: Sequence[Case]) -> tuple[object, ...]:
    results = [(case, estimate(method, case)) for case in cases]
    errors = [abs(e.value - case.truth * case.length) for case, e in results]
    sizes = [abs(case.truth * case.length) or 1.0 for case in cases]
    relative = [e / size for e, size in zip(errors, sizes, strict=True)]
    covered = [error <= e.bar for error, (_, e) in zip(errors, results, strict=True)]
    smooth = [case.family in SMOOTH for case in cases]
    ratios = [e.bar / error for error, (_, e) in zip(errors, results, strict=True) if error > 0]
    has_bar = any(not math.isnan(e.bar) for _, e in results)
    costs = [e.evaluations for _, e in results]
    return (
        name,
        share(covered) if has_bar else math.nan,
        share(c for c, s in zip(covered, smooth, strict=True) if s) if has_bar else math.nan,
        quantile(relative, 0.5),
        quantile((r for r, s in zip(relative, smooth, strict=True) if s), 0.5),
        quantile(ratios, 0.5),
        share(e.bar <= CERTIFIED * abs(e.value) for _, e in results) if has_bar else math.nan,
        quantile(costs, 0.5),
        mean(costs),
    )
