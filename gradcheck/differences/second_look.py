"""Second looks: another window before a claim is called wrong, closer windows at a kink.

Part of `differences`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

from ..records import Derivative
from .edge import from_inside
from .evidence import of_window
from .ladder import Ladder
from .levels import SPAN
from .line import Line
from .steps import FINE, SMALLEST, first_step
from .treads import slope_across_treads
from .window import ROUGH, Window, measure


def second_window(
    ladder: Ladder, disputes: Callable[[Derivative], bool], mismatch: float
) -> Derivative | None:
    """Look for another window of a different h that confirms a mismatch.

    Parameters
    ----------
    ladder : Ladder
        With the mismatch.
    disputes : callable
        Whether a derivative contradicts the claim by itself.
    mismatch : float
        How far the claim is from the ladder's derivative.

    Returns
    -------
    Derivative or None
        A second derivative that disputes the claim and agrees with the first; None otherwise.
    """
    if ladder.side != 0:
        return _second_from_inside(ladder, disputes)
    telling = [w for w in ladder.believed if _says_something(ladder.line, w)]
    singles = [of_window(ladder.line, w) for w in telling]
    disputing = [d for d in singles if disputes(d)]
    if len(disputing) >= 2:
        return disputing[1]
    for h in _confirming_steps(ladder, mismatch):
        window = measure(ladder.line, h)
        if window is not None and _says_something(ladder.line, window):
            second = of_window(ladder.line, window)
            distance = abs(second.value - ladder.derivative.value)
            agrees = distance <= second.error_bar + ladder.derivative.error_bar
            return second if agrees and disputes(second) else None
    return None


def _says_something(line: Line, window: Window) -> bool:
    """Whether a window may confirm a mismatch.

    Where f varies as fast as the steps, what a window says may be of waves that it cannot see. Of
    points that a retraction rounds, no window is ever flat: there one is that shows rounding alone.
    """
    still = line.origin.space.is_curved and window.excess <= 1.0
    return window.flat or not window.wild or still


def _second_from_inside(
    ladder: Ladder, disputes: Callable[[Derivative], bool]
) -> Derivative | None:
    """Measure once more on the side where `f` is finite, from smaller steps."""
    h = first_step(ladder.line.roundoff) / 2
    second = from_inside(ladder.line, ladder.side, h, SMALLEST)
    distance = abs(second.value - ladder.derivative.value)
    agrees = distance <= second.error_bar + ladder.derivative.error_bar
    return second if agrees and disputes(second) else None


def _confirming_steps(ladder: Ladder, mismatch: float) -> tuple[float, float]:
    """Well below the best window if its noise (which grows like 1/h) allows, else well above."""
    best = min(ladder.believed, key=lambda w: w.bar)
    below, above = best.h / 32, min(best.h * 16, ladder.line.farthest / SPAN)
    return (below if best.noise * 32 < 0.3 * mismatch else above), best.h / 8


PROPORTIONAL = 8.0  # the slack with which roughness counts as growing like h


def kinks_may_meet(ladder: Ladder) -> bool:
    """Whether the roughness around x shrinks in proportion to h, as that of kinks at x does.

    Where several kinks meet their jumps may cancel, so that no window shows a kink: relu(t) -
    relu(-t) = t. What they leave behind shrinks like h until rounding hides it. Noise does not
    shrink; truncation, and kinks beside x, vanish faster.
    """
    if ladder.rescued:  # the kinks on the other side may reach x
        return True
    pairs = itertools.pairwise(ladder.windows)
    return any(high.excess > ROUGH and _like_h(ladder.line, low, high) for low, high in pairs)


def _like_h(line: Line, low: Window, high: Window) -> bool:
    """Whether the roughness of two windows is in the ratio of their steps.

    Where it has sunk into rounding in the lower one, a window half-way tells it from truncation.
    """
    if low.excess <= ROUGH:
        middle = measure(line, float(2.0 ** round((math.log2(low.h) + math.log2(high.h)) / 2)))
        if middle is None or middle.excess <= ROUGH:
            return False
        low = middle
    expected = high.spread * low.h / high.h
    return expected / PROPORTIONAL <= low.spread <= expected * PROPORTIONAL


def closer(ladder: Ladder) -> Ladder | None:
    """Go down to see whether a kink is at x or only close to it.

    Returns the ladder that ends in the smooth piece that x lies in, or None if the kink persists
    down to where rounding hides it.
    """
    h = ladder.windows[0].h
    jump = abs((ladder.derivative.right or 0.0) - (ladder.derivative.left or 0.0)) / 2
    for _ in range(4):
        h /= FINE
        window = measure(ladder.line, h) if h >= SMALLEST else None
        if window is None or window.noise > 0.3 * jump:
            return None
        if window.excess <= ROUGH:  # a kink inside may hide, but not that something is inside
            single = of_window(ladder.line, window)
            return replace(ladder, derivative=single, windows=(window,), believed=(window,))
    return None


GROSS = 0.5  # of the larger of both: a mismatch that only another function explains
ALIKE = 0.15  # of the claim: differences over large steps are truncated
FARTHER = 4.0  # from one step to the next
ENOUGH, MOST = 2, 10  # steps in a row that must agree, and steps that are tried


def seen_from_afar(ladder: Ladder, claim: float) -> float | None:
    """Return the slope over large steps, if it is like a claim that small steps contradict."""
    slope = _flatly_contradicted(ladder, claim)
    return slope_across_treads(ladder, claim) if slope is None else slope


def _flatly_contradicted(ladder: Ladder, claim: float) -> float | None:
    """Return that slope where small steps flatly contradict the claim.

    Where f loses its digits inside, as 1 - cos(x) does for small x, its rounded values are a
    staircase, whose treads may even slope: small steps see one tread, large ones the function.
    Nothing is asked where all windows agree on a slope.
    """
    value, line = ladder.derivative.value, ladder.line
    settled = len(ladder.believed) == len(ladder.windows)
    settled = settled and abs(value) > ladder.derivative.error_bar
    gross = abs(claim - value) >= GROSS * max(abs(claim), abs(value))
    if settled or not gross or claim == 0 or not ladder.believed:
        return None
    in_a_row = 0
    for k in range(1, MOST):
        h = line.farthest / FARTHER**k
        if h <= ladder.believed[0].h:
            return None
        slope = line.slope(0.0, h)
        in_a_row = in_a_row + 1 if abs(slope - claim) <= ALIKE * abs(claim) else 0
        if in_a_row >= ENOUGH:
            return slope
    return None
