"""Which of the windows to believe, and what they say together.

Where windows contradict each other the smaller step wins; values that move in steps have no
derivative that means anything, and roughness seen farther out is not forgotten.
Part of `differences`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..records import Derivative, Evidence
from .evidence import derivative_along
from .levels import SPAN
from .line import FINE_ARITHMETIC, Line
from .window import ROUGH, Window, in_steps

# The chosen bar is widened in the end and not before: wider bars would also agree with windows that
# are too large. Each factor is from the benchmark, of 49,000 derivatives a run.
MARGIN = 1.1  # half of the errors beyond the bar, 13 of 49,000, were within a tenth of it
# In a rough window few values tell the noise, and the differences that tell the truncation may
# agree by chance: of 98,000 derivatives two were off by 3.1 and 3.9 bars, and three are allowed.
ROUGHER, ROUGHER_TRUNCATION = 1.5, 2.0
# In few digits truncation and kinks hide in what looks like a little more than rounding: of 2,300
# derivatives of float32 networks one was 5.2 bars off, and two more than three. The more of it
# shows, the more may hide: where the margin was the same for all, one of 49,000 was 3.4 bars off.
# So was one of a window that reached two scales from x, where truncation is largest.
ROUGHER_IN_FEW_DIGITS, RESTLESS, FAR = 2.0, 1.5, 1.0
COARSEST = 2.0**40  # roundings of float64: that of float16, and of what is summed of it
NEXT = 4.0  # times the step: windows so near share most of what they see
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
    """Whether the smallest window is flat, and f moves farther out: on a slope, or in steps.

    In steps, where what it moves by are whole ones, noise of one size at every step, or digits of
    rounded values: then the flat window is one tread.
    """
    if not windows[0].flat:
        return False
    flat = [w for w in windows if w.flat][-1]
    moving = [w for w in windows if not w.flat]
    if not moving:
        return False
    contradicted = any(not w.agrees_with(flat) for w in moving)
    # farther out the steps are many, and what is made of them need not be whole any more
    whole = in_steps(np.concatenate([moving[0].right, moving[0].left]))
    rounded = any(w.rounded for w in moving)
    # larger ones are jumps farther out, of which a flat window knows nothing
    noisy = 0 < noise_of_larger(windows) <= COARSEST * windows[0].floor
    return contradicted or whole or rounded or noisy


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
    noise = window.noise * max(_margin(line, choice), _luck(window, windows))
    coarse = line.roundoff > FINE_ARITHMETIC
    truncation = window.truncation * (ROUGHER_TRUNCATION if choice.rough and not coarse else 1.0)
    parts = (
        MARGIN * (truncation + window.widening + choice.extra),
        MARGIN * window.rounding,
        MARGIN * (noise - window.rounding),
    )
    return derivative_along(line, choice.value, parts, tuple(w.h for w in windows), evidence)


def _margin(line: Line, choice: Choice) -> float:
    """Return by what the noise of the chosen window is multiplied in its bar."""
    if line.roundoff > FINE_ARITHMETIC:
        window = choice.window
        restless = window.excess > RESTLESS or window.h * SPAN >= FAR
        return ROUGHER_IN_FEW_DIGITS * window.excess if restless else 1.0
    return ROUGHER if choice.rough else 1.0


def _luck(window: Window, windows: tuple[Window, ...]) -> float:
    """Return how much less noise the chosen window shows than every smaller one, or all larger.

    Noise does not depend on the step, so that its few residuals are small by chance. One bar in
    1,000 functions of rounded inputs was 25 times too small for this reason. Windows far larger
    say nothing: f may vary faster than their steps.
    """
    smaller = [w.spread for w in windows if w.h < window.h and not w.flat]
    larger = [w for w in windows if w.h > window.h]
    beyond = noise_of_larger(larger) if larger and larger[0].h < NEXT * window.h else 0.0
    return max(1.0, max(min(smaller, default=0.0), beyond) / window.spread)


def noise_of_larger(larger: Sequence[Window]) -> float:
    """Return the least spread of larger windows that is noise, 0 where there is none.

    Noise does not grow with the step; truncation and kinks farther out do, in proportion at least.
    """
    rough = [w for w in larger if w.excess > ROUGH]
    still = [
        low.spread
        for low, high in itertools.pairwise(rough)
        if high.spread < low.spread * math.sqrt(high.h / low.h)
    ]
    return min(still, default=0.0)
