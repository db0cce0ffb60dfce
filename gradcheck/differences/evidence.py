"""What the line looks like: a side that is clean, a kink, a jump, a singularity.

Owns the reading of windows together; which windows to take is the ladder's business.
Part of `differences`.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from ..records import Derivative, Evidence
from .line import Line
from .window import Side, Window, in_steps


def derivative_along(
    line: Line,
    value: float,
    parts: tuple[float, float, float],
    steps: tuple[float, ...],
    evidence: Evidence,
) -> Derivative:
    """Make the record; `parts` are truncation, rounding and noise."""
    truncation, rounding, noise = map(float, parts)
    return Derivative(
        value=float(value),
        error_bar=truncation + rounding + noise,
        truncation=truncation,
        rounding=rounding,
        noise=noise,
        evaluations=len(line.samples) + 1,
        steps=steps,
        evidence=evidence,
    )


def of_window(line: Line, window: Window) -> Derivative:
    """Make the record of a single window."""
    parts = (
        window.truncation + window.widening,
        window.rounding,
        window.noise - window.rounding,
    )
    return derivative_along(line, window.value, parts, (window.h,), Evidence.SMOOTH)


def one_sided(line: Line, windows: tuple[Window, ...], target: float) -> Derivative | None:
    """Rescue the derivative when one side is a polynomial in two windows and the other is not.

    Then a kink, jump or edge lies beside x, not at x, and the clean side gives the derivative.
    """
    if len(windows) < 2:
        return None
    low, high = windows[:2]
    for sides in ("left_side", "right_side"), ("right_side", "left_side"):
        clean, other = (getattr(low, sides[0]), getattr(low, sides[1]))
        clean_high, other_high = (getattr(high, sides[0]), getattr(high, sides[1]))
        nearest = low.right[0] if sides[0] == "left_side" else low.left[0]
        if _flat_beside_steps(windows[:2], sides[0]):
            return None  # values that are rounded, near the edge of a step: no clean side
        if (
            _both_clean(clean, clean_high)
            and _trouble(other, low, other_high, high)
            and _trouble_is_beside(clean, other, float(nearest), low)
        ):
            best = min(clean, clean_high, key=lambda side: side.bar)
            evidence = Evidence.SMOOTH if best.bar <= target else Evidence.PRECISION
            parts = (best.bar - best.rounding, best.rounding, 0.0)
            return derivative_along(line, best.slope, parts, tuple(w.h for w in windows), evidence)
    return None


def _flat_beside_steps(windows: tuple[Window, ...], side: str) -> bool:
    """Whether one side never moves, and the other only by whole steps."""
    names = ("left", "right") if side == "left_side" else ("right", "left")
    clean, other = (np.concatenate([getattr(w, name) for w in windows]) for name in names)
    return not clean.any() and in_steps(other)


def _both_clean(low: Side, high: Side) -> bool:
    return low.clean and high.clean and abs(low.slope - high.slope) <= low.bar + high.bar


def _trouble(low: Side, low_window: Window, high: Side, high_window: Window) -> bool:
    """Whether the other side is clearly no polynomial."""
    seen_low = low.contrast > 30 * low_window.floor or abs(low.gap) > 120 * low_window.floor
    return not high.clean and high.contrast > 100 * high_window.floor and seen_low


def _trouble_is_beside(clean: Side, other: Side, nearest: float, window: Window) -> bool:
    """Whether the trouble starts at a distance from x: x is in the smooth part.

    Either the clean side's polynomial still meets the other side's first point, or a kink at some
    distance within the first step explains the gap of the other side; a jump would not.
    """
    if abs(clean.reach - nearest) <= clean.reach_bar:
        return True
    distance = abs(other.gap) / max(abs(other.own_slope - clean.slope), sys.float_info.min)
    return distance <= window.h


# Powers p of |g(h) + g(-h) - 2 g(0)| ~ h^p over the two lowest windows.
JUMP_BELOW, SINGULAR_BELOW, KINK_BELOW = 0.15, 0.85, 1.25
STRAIGHT = 0.15  # rms about the line in log-log beyond which there is no power
CONSTANT = 0.03  # the same for a jump: noise in g(0) alone also looks like h^0, but scatters more
VISIBLE = 40.0  # floors that the bend must exceed to be read at all


def power_of_bend(windows: tuple[Window, ...]) -> float | None:
    """Fit p in |g(h) + g(-h) - 2 g(0)| ~ h^p; None where it has no clear power."""
    if len(windows) < 2:
        return None
    low, high = windows[:2]
    bends = np.concatenate([low.right + low.left, high.right + high.left])
    steps = np.concatenate([low.steps, high.steps])
    if np.any(bends == 0) or np.any(np.sign(bends) != np.sign(bends[0])):
        return None
    x, y = np.log(steps), np.log(np.abs(bends))
    power, offset = np.polyfit(x, y, 1)
    rms = float(np.sqrt(np.mean((y - power * x - offset) ** 2)))
    visible = abs(bends[0]) > VISIBLE * low.floor
    straight = rms < (CONSTANT if power < JUMP_BELOW else STRAIGHT)
    return float(power) if straight and visible else None


def classified(line: Line, windows: tuple[Window, ...], value: float) -> Derivative | None:
    """Recognise a jump, a singularity or a kink at x; None for anything smooth."""
    power = power_of_bend(windows)
    if power is None or power >= KINK_BELOW:
        return None
    steps = tuple(w.h for w in windows)
    if power >= SINGULAR_BELOW:
        return _at_kink(line, windows, steps)
    evidence = Evidence.SINGULAR if power >= JUMP_BELOW else Evidence.JUMP
    return derivative_along(line, value, (np.inf, 0.0, 0.0), steps, evidence)


def _at_kink(line: Line, windows: tuple[Window, ...], steps: tuple[float, ...]) -> Derivative:
    fit = min((w.as_kink for w in windows[:2]), key=lambda kink: kink.bar)
    parts = (abs(fit.half) + fit.bar, 0.0, 0.0)
    return replace(
        derivative_along(line, fit.middle, parts, steps, Evidence.KINK),
        left=fit.middle - fit.half,
        right=fit.middle + fit.half,
        side_bar=fit.bar,
    )
