"""Which of the windows to believe, and what they say together.

Where windows contradict each other the smaller step wins; values that move in steps have no
derivative that means anything, and roughness seen farther out is not forgotten.
Part of `differences`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..records import Derivative, Evidence
from .evidence import derivative_along
from .line import Line
from .window import ROUGH, Window, in_steps

TARGET = 1e-6  # relative bar at which the search for a better window stops


@dataclass(frozen=True, eq=False)
class Choice:
    """The window chosen among several, with what the others add to its bar."""

    window: Window
    believed: tuple[Window, ...]
    value: float
    extra: float
    staircase: bool

    @property
    def bar(self) -> float:
        """The bar of the chosen window and what the others add to it."""
        return self.window.bar + self.extra

    @property
    def rough(self) -> bool:
        """Whether the chosen window shows more than rounding."""
        return self.window.excess > ROUGH


Enough = Callable[[Choice], bool]
"""Whether the choice so far needs no better window."""


def precise(choice: Choice) -> bool:
    """Whether the bar is at most TARGET times the value."""
    return choice.bar <= TARGET * abs(choice.value)


def choose(windows: tuple[Window, ...]) -> Choice:
    """Choose the window of least bar among those that no smaller one contradicts.

    That the smaller step wins cures aliasing, staircases and far kinks: a large window can look
    perfectly smooth and be wrong, a small one is at worst imprecise and says so.
    """
    staircase = _is_staircase(windows)
    considered = tuple(w for w in windows if not (staircase and w.flat))
    believed: tuple[Window, ...] = ()
    for window in considered:
        if all(window.agrees_with(smaller) for smaller in believed):
            believed += (window,)
    best = min(believed, key=lambda w: w.bar)
    extra = _inherited(best, windows)
    if staircase:  # zero on each step, something on the whole: the bar holds both
        best = considered[-1]
        extra = abs(best.value)
    return Choice(best, believed, best.value, extra, staircase)


def _is_staircase(windows: tuple[Window, ...]) -> bool:
    """Whether the smallest window is flat, and f moves farther out: on a slope, or in steps."""
    if not windows[0].flat:
        return False
    flat = [w for w in windows if w.flat][-1]
    moving = [w for w in windows if not w.flat]
    rises = [side for w in moving for side in (w.right, w.left)]
    contradicted = any(not w.agrees_with(flat) for w in moving)
    return contradicted or bool(moving and in_steps(np.concatenate(rises)))


def _inherited(best: Window, windows: tuple[Window, ...]) -> float:
    """Bar for roughness seen in a larger window that this one's own noise floor may hide.

    Growth slower than h^2 is that of kinks, not of truncation; their effect shrinks like sqrt(h)
    at worst.
    """
    hidden = [
        2 * abs(w.value - best.value) * math.sqrt(best.h / w.h)
        for w in windows
        if w.h > 4 * best.h and w.excess > ROUGH and w.spread < (w.h / best.h) ** 2 * best.spread
    ]
    return max(hidden, default=0.0)


def as_chosen(
    line: Line, windows: tuple[Window, ...], choice: Choice, enough: Enough
) -> Derivative:
    """Make the record of the chosen window, and say what the line looks like."""
    if enough(choice) and not choice.window.wild:
        evidence = Evidence.SMOOTH
    elif choice.staircase:
        evidence = Evidence.QUANTISED
    elif choice.window.flat:
        evidence = Evidence.FLAT
    elif any(w.excess > ROUGH for w in windows):
        evidence = Evidence.NOISE
    else:
        evidence = Evidence.PRECISION
    window = choice.window
    parts = (
        window.truncation + abs(window.kink) + choice.extra,
        window.rounding,
        window.noise - window.rounding,
    )
    return derivative_along(line, choice.value, parts, tuple(w.h for w in windows), evidence)
