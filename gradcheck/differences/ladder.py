"""The climb: window after window until one is good enough, and the answer that they give.

Starts at a small step, where kinks, jumps and edges of the domain are farthest from looking smooth.
`steps` says which window comes next, `choice` which of them to believe.
Part of `differences`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..records import Derivative, Evidence
from .choice import TARGET, Enough, as_chosen, choose, precise
from .edge import from_inside
from .evidence import classified, derivative_along, one_sided
from .line import FINE_ARITHMETIC, Line
from .steps import FINE, SMALLEST, below_edge, first_step, next_step, was_tried
from .window import ROUGH, Window, measure, points

MOST_WINDOWS = 5
MOST_COARSE_WINDOWS = 3  # in few digits there is little room between rounding and truncation
DEEP = 2.0**9  # unit roundoffs: the smallest steps at which a window is looked at
CALMER = 1 / 8  # of the spread: what calms down this much at the smallest steps is no noise
MOST_DEEPENINGS = 3  # windows between the smallest steps and the first ones


@dataclass(frozen=True, eq=False)
class Ladder:
    """The windows measured on one line, and the answer they give.

    Attributes
    ----------
    line : Line
        Where they were measured.
    windows : tuple of Window
        By increasing h.
    tried : tuple of float
        Every h, also those without a finite window.
    edge : float
        The smallest h at which `f` was not finite; infinity if there was none.
    derivative : Derivative
        The answer so far.
    believed : tuple of Window
        Those windows that do not contradict a smaller one.
    rescued : bool
        Whether the derivative is that of one clean side, already the same in two windows.
    side : int
        1 or -1 where `f` is finite on the right or left of x only, else 0.
    """

    line: Line
    windows: tuple[Window, ...]
    tried: tuple[float, ...]
    edge: float
    derivative: Derivative
    believed: tuple[Window, ...]
    rescued: bool = False
    side: int = 0


def climb(line: Line, enough: Enough = precise) -> Ladder:
    """Measure windows until one is good enough, or no step promises more.

    Parameters
    ----------
    line : Line
        Where to measure.
    enough : callable
        `enough(choice)`; by default `precise`.

    Returns
    -------
    Ladder
        After 8 to 60 evaluations beside f(x).
    """
    ladder = _search(line, enough)
    side = _finite_side(line, ladder)
    if side != 0:
        inside = from_inside(line, side, first_step(line.roundoff), SMALLEST)
        return replace(ladder, derivative=inside, side=side)
    if ladder.derivative.evidence in (Evidence.NOISE, Evidence.JUMP):
        return deepened(ladder, enough)
    return ladder


def first_points(line: Line, *, glanced_at: bool) -> list[float]:
    """Return where a line is asked for values first: at a glance, or by its first window."""
    h = first_step(line.roundoff)
    at_a_glance = glanced_at and line.roundoff <= FINE_ARITHMETIC
    return [h, -h] if at_a_glance else points(line, h)


def chosen_of(ladder: Ladder) -> Window | None:
    """Return the window whose derivative is the answer; None where no single one is."""
    derivative = ladder.derivative
    many = ladder.rescued or ladder.side != 0 or derivative.evidence is Evidence.KINK
    if many or not ladder.windows or not math.isfinite(derivative.error_bar):
        return None
    return choose(ladder.windows).window


def _search(line: Line, enough: Enough) -> Ladder:
    """Take windows one after another, each where those before promise most."""
    windows: tuple[Window, ...] = ()
    tried: tuple[float, ...] = ()
    edge = math.inf
    found: Derivative | None = None
    rescued = False
    h: float | None = first_step(line.roundoff)
    most = MOST_WINDOWS if line.roundoff <= FINE_ARITHMETIC else MOST_COARSE_WINDOWS
    while h is not None and len(tried) < most and found is None:
        window = measure(line, h)
        tried += (h,)
        if window is None:
            edge = min(edge, h)
            if _at_edge(line, h):
                break
            h = below_edge(h, tried)
            continue
        windows = tuple(sorted((*windows, window), key=lambda w: w.h))
        choice = choose(windows)
        if enough(choice):
            break
        target = TARGET * abs(choice.value)
        found = one_sided(line, windows, target)
        rescued = found is not None
        found = found or classified(line, windows, choice.value)
        h = next_step(line, windows, choice, target, edge, tried)
    if not windows:
        nothing = derivative_along(line, math.nan, (math.inf, 0.0, 0.0), tried, Evidence.NONFINITE)
        return Ladder(line, windows, tried, edge, nothing, ())
    choice = choose(windows)
    derivative = found or as_chosen(line, windows, choice, enough)
    return Ladder(line, windows, tried, edge, derivative, choice.believed, rescued)


# --- the edge of the domain, and the smallest steps ------------------------------------------


def deepest(line: Line) -> float:
    """Return the smallest step that still has some digits in x + h v."""
    return max(DEEP * line.roundoff, SMALLEST)


def _at_edge(line: Line, h: float) -> bool:
    """Whether one side is finite as far as looked at, and the other not even beside x."""
    right, left = (
        all(math.isfinite(line(t).rise) for t in line.outputs if math.copysign(1, t) == side)
        for side in (1.0, -1.0)
    )
    if right == left:
        return False
    return not math.isfinite(line(-deepest(line) if right else deepest(line)).rise)


def _finite_side(line: Line, ladder: Ladder) -> int:
    """Return 1 or -1 where `f` is finite on the right or on the left only, else 0."""
    if ladder.windows or not ladder.tried:
        return 0
    near = deepest(line)
    right, left = math.isfinite(line(near).rise), math.isfinite(line(-near).rise)
    return int(right) - int(left)


def deepened(ladder: Ladder, enough: Enough) -> Ladder:
    """Look at the smallest steps before what is seen is called noise, or a jump at x.

    Noise and a jump look the same at any step. What calms down is a function that varies faster
    than the steps taken so far (then the true derivative is there, between), or one that is
    constant over such steps because its input or output is rounded.
    """
    line, lowest = ladder.line, ladder.windows[0]
    if line.roundoff > FINE_ARITHMETIC or lowest.h / FINE < deepest(line):
        return ladder
    deep = measure(line, deepest(line))
    if deep is None or deep.spread > CALMER * lowest.spread:
        return ladder
    if deep.flat:
        return ladder if ladder.derivative.evidence is Evidence.JUMP else _in_steps(ladder)
    windows = (deep, *ladder.windows)
    for _ in range(MOST_DEEPENINGS):
        choice = choose(windows)
        if enough(choice):
            break
        low, high = windows[0], next(w for w in windows if w.excess > ROUGH or w is windows[-1])
        h = float(2.0 ** round((math.log2(low.h) + math.log2(high.h)) / 2))
        window = None if was_tried(h, tuple(w.h for w in windows)) else measure(line, h)
        if window is None:
            break
        windows = tuple(sorted((*windows, window), key=lambda w: w.h))
    choice = choose(windows)
    derivative = as_chosen(line, windows, choice, enough)
    return replace(ladder, windows=windows, derivative=derivative, believed=choice.believed)


def _in_steps(ladder: Ladder) -> Ladder:
    """Say that the values move in steps; on a broad one, the bar holds its slope of 0 too.

    Broad: f has just two values over two windows about x, as beside an edge of `floor`. Inputs
    that are rounded inside, to float32 say, give many, and mean the slope across their steps.
    """
    found = replace(ladder.derivative, evidence=Evidence.QUANTISED)
    near = ladder.windows[:2]
    rises = np.concatenate([[0.0], *(part for w in near for part in (w.right, w.left))])
    if len(np.unique(rises)) == 2:
        wider = max(found.truncation, abs(found.value) - found.rounding - found.noise)
        found = replace(found, error_bar=wider + found.rounding + found.noise, truncation=wider)
    return replace(ladder, derivative=found)
