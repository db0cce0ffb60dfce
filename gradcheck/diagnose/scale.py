"""A uniform factor: the claim is c times the derivative, in every entry.

Needs no entry: the ratio is the same along every line.
Part of `diagnose`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..records import Cause
from .numbers import Named, name_number
from .suspect import DIGITS, FITS, Explanation, Suspect, digits_between

COARSE = 1e-2  # a ratio known no better than this is none to speak of
FEW_BARS = 10.0  # that it must differ from 1
NEAR_ONE = 3e-3  # a factor nearer to 1 is nobody's 1/m: a constant was cut off
CUT = {  # constants that are often written with too few digits
    "pi": (math.pi, ("3", "3.1", "3.14", "3.142", "3.1415", "3.1416", "3.14159", "22/7")),
    "e": (math.e, ("2.7", "2.71", "2.718", "2.7183", "2.71828")),
    "ln 2": (math.log(2), ("0.69", "0.693", "0.6931", "0.69315")),
    "sqrt(2)": (math.sqrt(2), ("1.4", "1.41", "1.414", "1.4142")),
    "sqrt(2 pi)": (math.sqrt(2 * math.pi), ("2.5", "2.51", "2.507", "2.5066")),
    "sqrt(2/pi)": (math.sqrt(2 / math.pi), ("0.8", "0.79", "0.798", "0.7979", "0.79788")),
    "g": (9.80665, ("10", "9.8", "9.81", "9.807")),
}


def scaled(suspect: Suspect) -> Iterator[Explanation]:
    """Propose the factor that all readings have in common."""
    factor = common_factor(suspect)
    if factor is None or factor[0] == 0:
        return
    ratio = 1 / factor[0]
    bar = factor[1] * abs(ratio) * abs(ratio)
    if (
        not (math.isfinite(ratio) and math.isfinite(bar))
        or bar > COARSE * abs(ratio)
        or abs(ratio - 1) <= FEW_BARS * bar
    ):
        return
    gradient = suspect.claim * factor[0] if suspect.has_claim else None
    digits = max(1, math.floor(-math.log10(max(bar / abs(ratio), 1e-12))))
    named = name_number(abs(ratio), bar, suspect.surroundings)
    evidence = {"ratio": ratio, "ratio_bar": bar, "digits": digits}
    cause, seen, usual = _worded(ratio, bar, named)
    if suspect.values.size == 1:  # there is always a factor, and it tells if it is known
        told = named is not None or cause is Cause.SIGN
        yield Explanation(cause, seen, usual, gradient, 0, evidence, certain=told)
        return
    yield Explanation(cause, f"{seen}, to {digits} digits", usual, gradient, 1, evidence)


def common_factor(suspect: Suspect) -> tuple[float, float] | None:
    """Return a with numeric = a · analytic along every line, and its bar; None if there is none."""
    readings = [r for r in suspect.readings if r.analytic != 0]
    if len(readings) < 2 or len(readings) < len(suspect.readings):
        return None
    sharpest = min(readings, key=lambda r: _relative_bar(r.bar, r.analytic))
    factor = sharpest.numeric / sharpest.analytic
    digits = 0.0
    for reading in readings:
        if reading is sharpest:
            continue
        carried = sharpest.bar * abs(reading.analytic / sharpest.analytic)
        allowed = FITS * (reading.bar + carried)
        if not abs(reading.numeric - factor * reading.analytic) <= allowed:
            return None
        digits += digits_between(max(reading.scale, abs(reading.numeric)), allowed)
    if digits < DIGITS:
        return None
    return factor, FITS * sharpest.bar / abs(sharpest.analytic)


def _relative_bar(bar: float, size: float) -> float:
    return bar / abs(size)


def _worded(ratio: float, bar: float, named: Named | None) -> tuple[Cause, str, str]:
    if abs(ratio + 1) <= bar + 1e-9:
        return (
            Cause.SIGN,
            "is minus the derivative of f",
            "as where a difference is taken the other way round, or f is minimised and its "
            "gradient that of a maximum",
        )
    if abs(ratio - 1) < NEAR_ONE:
        return _few_digits(ratio, bar)
    shown = named.full if named is not None else f"{abs(ratio):.6g}"
    times = {"2": "twice", "1/2": "half"}.get(shown, f"{shown} times")
    sign = "minus " if ratio < 0 else ""
    return Cause.SCALE, f"is {sign}{times} the derivative of f", _usual(abs(ratio), named)


def _usual(ratio: float, named: Named | None) -> str:
    if np.isclose(ratio, 2, rtol=1e-9):
        return "as where the 1/2 of a square is forgotten, or the same term is added twice"
    if np.isclose(ratio, 0.5, rtol=1e-9):
        return "as where the 2 from a square is lost, or two terms are averaged instead of added"
    if named is None:
        return "look for a constant factor that is in f and not in the derivative, or reversed"
    if ratio < 1:
        return "look for a factor that f has and the derivative lacks, or a mean for a sum"
    return "look for a factor that the derivative has and f lacks, or a sum for a mean"


def _few_digits(ratio: float, bar: float) -> tuple[Cause, str, str]:
    for name, (value, writings) in CUT.items():
        for text in writings:
            top, _, bottom = text.partition("/")
            short = float(top) / float(bottom or 1)
            for power in (1, 2, -1, -2, 0.5, -0.5):
                if abs((short / value) ** power - ratio) <= bar + 1e-9:
                    return (
                        Cause.PRECISION,
                        f"is {ratio:.7g} times the derivative of f",
                        f"as where {name} is written {text} in the derivative and not in f",
                    )
    return (
        Cause.PRECISION,
        f"is {ratio:.7g} times the derivative of f",
        "look for a constant that is written with too few digits, in f or in the derivative",
    )
