"""What was measured along one line, and the values around it: material for pictures.

Owns `survey`, which evaluates far more than a derivative needs; a check never calls it.
Tenth layer: uses `numeric` and `differences`; `render.curves` draws what it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .differences import Ladder, Line, Vector, Window, chosen_of
from .numeric import ladder_of, left_as_found
from .records import Derivative, PyTree

SMALLEST_STEP = 2.0**-52  # of the line: below, x + t v is x
DIFFERENCES = 140  # steps at which a plain central difference is taken
VALUES = 161  # along the line, over the steps of the windows
TREND = 5  # as many powers as the noise of a window is measured against
MARGIN = 1.25  # times the outermost step of what is shown


@dataclass(frozen=True, eq=False)
class Survey:
    """One line looked at closely. Lengths are in units of the direction, as is the derivative.

    Attributes
    ----------
    ladder : Ladder
        The windows and the answer, in units of its own line.
    unit : float
        t = 1 on that line is this many times the direction.
    steps, differences : (n,)
        Plain central differences (f(x + h v) - f(x - h v)) / 2h over a wide range of steps.
    places, rises : (m,)
        t and f(x + t v) - f(x), NaN where there is no value, over the chosen window or, where
        none was chosen, the smallest two.
    """

    ladder: Ladder
    unit: float
    steps: Vector
    differences: Vector
    places: Vector
    rises: Vector

    @property
    def derivative(self) -> Derivative:
        """The answer."""
        return self.ladder.derivative.scaled(1 / self.unit)

    @property
    def chosen(self) -> Window | None:
        """The window whose derivative is the answer; None where no single one is."""
        return chosen_of(self.ladder)

    def trend(self, places: Vector) -> Vector:
        """Return the smooth part of the rises at some places: their polynomial of TREND degrees.

        Least squares through all values of the survey, so that what is left shows their noise.
        """
        seen = np.isfinite(self.rises)
        outermost = np.abs(self.places).max()
        fit = np.polyfit(self.places[seen] / outermost, self.rises[seen], TREND)
        return np.asarray(np.polyval(fit, places / outermost))


def survey(
    f: Callable[[PyTree], Any],
    x: PyTree,
    direction: PyTree | None = None,
    *,
    random: Any = (),  # noqa: ANN401 - as in derivative
) -> Survey:
    """Measure a derivative as `derivative` does, and the line around it for a picture.

    Parameters
    ----------
    f, x, direction, random
        As in `gradcheck.derivative`.

    Returns
    -------
    Survey
        After about 450 evaluations more than a derivative costs.

    Examples
    --------
    >>> import math
    >>> from gradcheck.survey import survey
    >>> seen = survey(math.sin, 1.0)
    >>> len(seen.ladder.windows), seen.derivative.error_bar < 1e-9
    (1, True)
    """
    ladder, unit = ladder_of(f, x, direction, random=random)
    origin = ladder.line.origin
    with left_as_found(origin.evaluator, origin.space), np.errstate(all="ignore"):
        steps, differences = _differences(ladder.line)
        places, rises = _values(ladder.line, _outermost(ladder))
    return Survey(ladder, unit, steps * unit, differences / unit, places * unit, rises)


def _differences(line: Line) -> tuple[Vector, Vector]:
    """Take central differences from where steps are lost to where the windows may reach."""
    pairs = [
        (line(float(h)), line(float(-h)))
        for h in np.geomspace(SMALLEST_STEP, line.farthest, DIFFERENCES)
    ]
    kept = [(right, left) for right, left in pairs if right.step > left.step]
    widths = np.array([right.step - left.step for right, left in kept])
    rises = np.array([right.rise - left.rise for right, left in kept])
    return widths / 2, rises / widths


def _outermost(ladder: Ladder) -> float:
    """Return how far out to look, on the line."""
    chosen = chosen_of(ladder)
    windows = ladder.windows[:2] if chosen is None else (chosen,)
    steps = [float(w.steps[-1]) for w in windows] or list(ladder.derivative.steps)
    return min(MARGIN * max(steps, default=ladder.line.farthest), ladder.line.farthest)


def _values(line: Line, outermost: float) -> tuple[Vector, Vector]:
    """Evaluate at equal distances."""
    samples = [line(float(t)) for t in np.linspace(-outermost, outermost, VALUES)]
    return np.array([s.step for s in samples]), np.array([s.rise for s in samples])
