"""At the edge of the domain: `f` is finite on one side of x only, and so is the derivative.

Owns the windows of one side: the slope at 0 of least-squares polynomials through g at 0 and eight
equal steps, their disagreement, and the noise that none of them explains.
Part of `differences`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..records import Derivative, Evidence
from ..space import norm
from .evidence import derivative_along
from .levels import Vector
from .line import Line
from .window import QUANTILE_DOF3, QUANTILE_DOF5, ROUNDOFFS, SAFETY

POINTS: Vector = np.arange(9.0)  # equal steps: the outermost decides how far to go, so all are used
DEGREES = (2, 3, 4, 5)
MOST_WINDOWS = 6
FINER = 64.0  # from one window to the next; at an edge much is not analytic, and smaller is better
# Powers like t^1.5 converge slowly: neighbouring degrees differ by a third of their common error.
SLOW = 4.0
TARGET = 1e-6  # relative bar at which the search for a better window stops, as on the ladder
VAGUE = 1e-2  # of the value: a bar as wide says little


def _slope_weights(degree: int) -> Vector:
    """Weights of the values for the slope at 0 of the fit of a degree, at h = 1."""
    basis = np.vander(POINTS, degree + 1, increasing=True)
    return np.asarray(np.linalg.pinv(basis)[1])


def _residual(degree: int) -> Vector:
    q, _ = np.linalg.qr(np.vander(POINTS, degree + 1, increasing=True))
    return np.asarray(np.eye(len(POINTS)) - q @ q.T)


WEIGHTS = {degree: _slope_weights(degree) for degree in DEGREES}
GAINS = {degree: float(np.linalg.norm(row)) for degree, row in WEIGHTS.items()}
RESIDUALS = {3: (_residual(3), 5, QUANTILE_DOF5), 5: (_residual(5), 3, QUANTILE_DOF3)}


@dataclass(frozen=True)
class EdgeWindow:
    """The slope of one side from one step, with the parts of its error bar."""

    h: float
    value: float
    truncation: float
    rounding: float
    noise: float

    @property
    def bar(self) -> float:
        """The whole of it."""
        return self.truncation + self.rounding + self.noise

    def agrees_with(self, other: EdgeWindow) -> bool:
        """Whether the two intervals meet."""
        return abs(self.value - other.value) <= self.bar + other.bar


def from_inside(line: Line, side: int, h: float, smallest: float) -> Derivative:
    """Differentiate on one side, -1 left or +1 right, from a first step downwards.

    Costs 8 evaluations a window, at most MOST_WINDOWS of them. The smaller step wins where two
    contradict each other, as on the ladder.
    """
    windows: list[EdgeWindow] = []
    while len(windows) < MOST_WINDOWS and h >= smallest:
        window = _measure(line, side * h)
        h /= FINER
        if window is None:
            continue
        windows.append(window)
        if window.bar <= TARGET * abs(window.value) or window.bar > 2 * windows[0].bar:
            break
    if not windows:
        nothing = (np.inf, 0.0, 0.0)
        return derivative_along(line, np.nan, nothing, (), Evidence.NONFINITE)
    believed: tuple[EdgeWindow, ...] = ()
    for window in reversed(windows):
        if all(window.agrees_with(smaller) for smaller in believed):
            believed += (window,)
    best = min(believed, key=lambda w: w.bar)
    parts = (best.truncation, best.rounding, best.noise)
    steps = tuple(abs(w.h) for w in windows)
    stuck = len(windows) > 1 and windows[-1].bar >= windows[0].bar / 2
    if stuck and 0 < VAGUE * abs(best.value) < best.bar:  # 0: f is constant on that side
        # a slope that only grows as the steps shrink, as that of sqrt(t) or t log t
        return derivative_along(line, best.value, (np.inf, 0.0, 0.0), steps, Evidence.SINGULAR)
    return derivative_along(line, best.value, parts, steps, Evidence.EDGE)


def _measure(line: Line, h: float) -> EdgeWindow | None:
    """Evaluate one window; h carries the side as its sign."""
    line.foresee([float(h * point) for point in POINTS[1:]])
    samples = [line(float(h * point)) for point in POINTS[1:]]
    rises = np.array([0.0, *(s.rise for s in samples)])
    step = samples[0].step
    if step == 0 or not np.isfinite(rises).all():  # 0: x has no digits for so short a step
        return None
    floor = ROUNDOFFS * line.roundoff * (line.size + float(np.abs(rises).max()))
    floor = max(floor, float(np.finfo(np.float64).tiny))
    estimates = [q * norm(off @ rises) / np.sqrt(dof) for off, dof, q in RESIDUALS.values()]
    spread = max(SAFETY * floor, min(estimates))
    slopes = {degree: float(row @ rises) / step for degree, row in WEIGHTS.items()}
    truncations = {d: SLOW * abs(slopes[d] - slopes[d - 1]) for d in DEGREES[1:]}
    best = min(truncations, key=lambda d: truncations[d] + spread * GAINS[d] / abs(step))
    error = float(spread) * GAINS[best] / abs(step)
    rounding = SAFETY * floor * GAINS[best] / abs(step)
    return EdgeWindow(h, slopes[best], truncations[best], rounding, error - rounding)
