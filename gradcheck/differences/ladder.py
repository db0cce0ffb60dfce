"""Which windows to take, which of them to believe, and what the line looks like.

Starts at a small step, where kinks, jumps and edges of the domain are farthest from looking smooth,
and moves: down while something is rough or not yet extrapolated away, up while rounding is what
makes the bar. Where windows contradict each other the smaller step wins.
Part of `differences`; every decision is a small function of the windows measured so far.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..records import Derivative, Evidence
from .edge import from_inside
from .evidence import classified, derivative_along, one_sided
from .line import FINE_ARITHMETIC, Line
from .window import RATIOS, ROUGH, SPAN, Window, measure

MOST_WINDOWS = 5
MOST_COARSE_WINDOWS = 3  # in few digits there is little room between rounding and truncation
STRIDE = 4096.0  # the most by which one window is larger than the last
HOPELESS = 2.0**40  # times too imprecise: no use in going up step by step
SMALLEST = 2.0**-46  # below, x + h v has no digits left
FINE = 64.0  # how far to go down when a kink, noise or an edge is in the window
DEEP = 2.0**9  # unit roundoffs: the smallest steps at which a window is looked at
CALMER = 1 / 8  # of the spread: what calms down this much at the smallest steps is no noise
MOST_DEEPENINGS = 3  # windows between the smallest steps and the first ones
MOST_STEPS, WHOLE = 1e5, 1e-6  # steps that a rise may have, and how near a whole number of them
SAME = 0.9  # windows closer than this many doublings are the same window

TARGET = 1e-6  # relative bar at which the search for a better window stops


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


def first_step(roundoff: float) -> float:
    """Return u^(1/3), where truncation and rounding of a central difference balance."""
    return float(2.0 ** round(math.log2(roundoff) / 3))


Enough = Callable[[Choice], bool]
"""Whether the choice so far needs no better window."""


def precise(choice: Choice) -> bool:
    """Whether the bar is at most TARGET times the value."""
    return choice.bar <= TARGET * abs(choice.value)


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
        After 8 to 40 evaluations beside f(x).
    """
    ladder = _search(line, enough)
    side = _finite_side(line, ladder)
    if side != 0:
        inside = from_inside(line, side, first_step(line.roundoff), SMALLEST)
        return replace(ladder, derivative=inside, side=side)
    if ladder.derivative.evidence in (Evidence.NOISE, Evidence.JUMP):
        return _deepened(ladder, enough)
    return ladder


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
            h = _below_edge(h, tried)
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
    derivative = found or _smooth_or_rough(line, windows, choice, enough)
    return Ladder(line, windows, tried, edge, derivative, choice.believed, rescued)


# --- the edge of the domain, and the smallest steps ------------------------------------------


def deepest(line: Line) -> float:
    """Return the smallest step that still has some digits in x + h v."""
    return max(DEEP * line.roundoff, SMALLEST)


def _at_edge(line: Line, h: float) -> bool:
    """Whether one side is finite as far as looked at, and the other not even beside x."""
    right, left = (all(math.isfinite(line(s * h * r).rise) for r in RATIOS) for s in (1.0, -1.0))
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


def _deepened(ladder: Ladder, enough: Enough) -> Ladder:
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
        quantised = replace(ladder.derivative, evidence=Evidence.QUANTISED)
        return (
            ladder
            if ladder.derivative.evidence is Evidence.JUMP
            else replace(ladder, derivative=quantised)
        )
    windows = (deep, *ladder.windows)
    for _ in range(MOST_DEEPENINGS):
        choice = choose(windows)
        if enough(choice):
            break
        low, high = windows[0], next(w for w in windows if w.excess > ROUGH or w is windows[-1])
        h = float(2.0 ** round(math.log2(math.sqrt(low.h * high.h))))
        window = None if _was_tried(h, tuple(w.h for w in windows)) else measure(line, h)
        if window is None:
            break
        windows = tuple(sorted((*windows, window), key=lambda w: w.h))
    choice = choose(windows)
    derivative = _smooth_or_rough(line, windows, choice, enough)
    return replace(ladder, windows=windows, derivative=derivative, believed=choice.believed)


# --- which windows to believe ---------------------------------------------------------------


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
    if staircase:  # zero on each step, something on the whole: no derivative that means anything
        extra = max(extra, abs(best.value))
    return Choice(best, believed, best.value, extra, staircase)


def _is_staircase(windows: tuple[Window, ...]) -> bool:
    """Whether the smallest window is flat, and f moves farther out: on a slope, or in steps."""
    if not windows[0].flat:
        return False
    flat = [w for w in windows if w.flat][-1]
    moving = [w for w in windows if not w.flat]
    return any(not w.agrees_with(flat) for w in moving) or _in_steps(moving)


def _in_steps(windows: list[Window]) -> bool:
    """Whether all rises are multiples of the smallest one, as those of rounded values are."""
    rises = np.abs(np.concatenate([np.zeros(0), *([*w.right, *w.left] for w in windows)]))
    rises = rises[rises > 0]
    if len(rises) < 2 or rises.max() > MOST_STEPS * rises.min():
        return False
    steps = rises / rises.min()
    return bool(np.all(np.abs(steps - np.round(steps)) < WHOLE))


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


# --- which window to take next --------------------------------------------------------------


def next_step(
    line: Line,
    windows: tuple[Window, ...],
    choice: Choice,
    target: float,
    edge: float,
    tried: tuple[float, ...],
) -> float | None:
    """Return the next h, or None where no step promises more."""
    lowest = windows[0]
    if choice.window.flat:  # to where f moves at all, whatever jumps lie between
        far = line.farthest / SPAN
        steps = [min(windows[-1].h * STRIDE, far) if len(windows) == 1 else far]
    elif _wants_smaller(windows) and lowest.h / 16 > SMALLEST:
        steps = [_smaller(lowest, target)]
    else:
        tops = _tops(line, choice)
        steps = [_larger(line, top, windows, choice, target, edge) for top in tops]
        steps = [h for top, h in zip(tops, steps, strict=True) if h > 1.4 * top.h]
    for step in steps:
        h = float(2.0 ** round(math.log2(step)))
        if not _was_tried(h, tried):
            return h
    return None


def _tops(line: Line, choice: Choice) -> list[Window]:
    """List the windows to step up from: the largest smooth one, then the largest of all.

    In coarse arithmetic a smooth window proves little: its own rounding hides dense kinks, which
    larger windows must be allowed to show.
    """
    largest = choice.believed[-1]
    smooth = [w for w in choice.believed if w.excess <= ROUGH]
    return [smooth[-1], largest] if smooth and line.roundoff <= FINE_ARITHMETIC else [largest]


def _was_tried(h: float, tried: tuple[float, ...]) -> bool:
    return any(abs(math.log2(h / other)) < SAME for other in tried)


def _below_edge(h: float, tried: tuple[float, ...]) -> float | None:
    h /= FINE
    while _was_tried(h, tried):
        h /= 2
    return h if h > SMALLEST else None


def _wants_smaller(windows: tuple[Window, ...]) -> bool:
    """Whether truncation, a kink, or roughness that shrinks with h dominates the lowest window."""
    lowest = windows[0]
    if lowest.flat:
        return False
    kinked = lowest.noise < abs(lowest.kink)
    truncated = lowest.truncation > lowest.noise
    shrinks = len(windows) < 2 or lowest.spread < windows[1].spread / 4
    return kinked or truncated or (lowest.excess > ROUGH and shrinks)


def _smaller(lowest: Window, target: float) -> float:
    """Step down: far where something is rough, else as far as truncation of order h^4 asks."""
    if lowest.kink or lowest.excess > ROUGH:
        return lowest.h / FINE
    wanted = 2 * math.sqrt(math.sqrt(lowest.truncation / max(target, sys.float_info.min)))
    return lowest.h / min(max(wanted, 4.0), 256.0)


def _larger(
    line: Line, top: Window, windows: tuple[Window, ...], choice: Choice, target: float, edge: float
) -> float:
    """Step up from a window, because noise falls like 1/h; half-way to one that is spoilt.

    Spoilt is a larger window that contradicts smaller ones, that is not extrapolated away, or that
    is rougher than `top`.
    """
    wanted = 2 * top.noise / max(target, sys.float_info.min)
    h = top.h * (max(wanted, 4.0) if wanted > HOPELESS else min(max(wanted, 4.0), STRIDE))
    spoilt = [
        w.h
        for w in windows
        if w.h > top.h and (w not in choice.believed or w.truncation > w.noise or _rougher(w, top))
    ]
    limit = min([*spoilt, edge])
    h = min(h, line.farthest / SPAN)
    if h * SPAN >= limit:  # the outermost point counts
        h = math.sqrt(top.h * limit)
    return h


def _rougher(window: Window, than: Window) -> bool:
    return window.excess > ROUGH >= than.excess


def _smooth_or_rough(
    line: Line, windows: tuple[Window, ...], choice: Choice, enough: Enough
) -> Derivative:
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
