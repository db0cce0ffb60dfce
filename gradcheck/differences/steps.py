"""Which window to take next: down while something is rough, up while rounding makes the bar.

Part of `differences`; every decision is a small function of the windows measured so far.
"""

from __future__ import annotations

import math
import sys

from .choice import Choice
from .levels import SPAN
from .line import FINE_ARITHMETIC, Line
from .window import ROUGH, Window

STRIDE = 4096.0  # the most by which one window is larger than the last
HOPELESS = 2.0**40  # times too imprecise: no use in going up step by step
SMALLEST = 2.0**-46  # below, x + h v has no digits left
FINE = 64.0  # how far to go down when a kink, noise or an edge is in the window
SAME = 0.9  # windows closer than this many doublings are the same window


def first_step(roundoff: float) -> float:
    """Return u^(1/3), where truncation and rounding of a central difference balance."""
    return float(2.0 ** round(math.log2(roundoff) / 3))


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
        if not was_tried(h, tried):
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


def was_tried(h: float, tried: tuple[float, ...]) -> bool:
    """Whether a window of about this step was taken already."""
    return any(abs(math.log2(h / other)) < SAME for other in tried)


def below_edge(h: float, tried: tuple[float, ...]) -> float | None:
    """Step far down from a window that was not finite; None where no digits are left."""
    h /= FINE
    while was_tried(h, tried):
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
        h = math.sqrt(top.h) * math.sqrt(limit)
    return h


def _rougher(window: Window, than: Window) -> bool:
    return window.excess > ROUGH >= than.excess
