"""One direction through the whole point: seconds, evaluations and memory as N grows."""

from __future__ import annotations

import math

from .checkers import (
    CAN_STREAM,
    DIRECTION_CALLED,
    DIRECTION_GIVEN,
    DIRECTIONS,
    STREAMING,
    TWO_DIRECTIONS,
    Checker,
)
from .floors import Uncounted, one_direction
from .memory import times_of_x
from .sections import Effort, Section, Target
from .timing import take_turns

MOST_TIME = 1.3  # times the floor
MOST_MEMORY, MOST_STREAMING = 2.0, 1.1  # times x
MOST_EVALUATIONS = 2  # of f, for one more direction
HEAD = ("one direction", "N", "f", "claim", "ms", "x floor", "x one f", "memory, x")
TEXT = (
    "f is a . x in float64, and the right claim is compared with the derivative along one random "
    "direction. *Floor* is the same number of calls of f and of the claim, and the drawing of a "
    "direction, by hand. *x one f* is the time in evaluations of f. *Memory* is what the check "
    "takes at its peak beyond the arrays that are there already, in sizes of x, in its own "
    "process, at the largest N; a claim that is called returns one x of it. "
    "A checker that calls the right claim wrong, as some do at many entries, is timed all the same."
)


def measure(effort: Effort) -> Section:
    """Measure all sizes."""
    rows, targets = [], []
    largest = max(effort.directions)
    for n in effort.directions:
        for checker in DIRECTIONS:
            memory = times_of_x(checker, n) if n == largest and checker.is_installed else "-"
            rows.append((*_row(checker, n, effort), memory))
    ours = {row[0]: row for row in rows if row[1] == largest}
    for checker in (DIRECTION_GIVEN, DIRECTION_CALLED):
        row, kind = ours[checker.name], checker.name.split(", ")[1]
        what = f"one direction, N = {largest:,}, {kind}"
        targets.append(Target(f"{what}, x floor", MOST_TIME, row[5]))
        targets.append(Target(f"{what}, memory in x", MOST_MEMORY, row[7]))
    targets.append(_streaming(largest))
    n = min(effort.directions)
    further = TWO_DIRECTIONS.calls(n).f - DIRECTION_GIVEN.calls(n).f
    targets.append(
        Target("evaluations of f for one more direction", MOST_EVALUATIONS, float(further))
    )
    return Section("One direction", TEXT, HEAD, rows, targets)


def _row(checker: Checker, n: int, effort: Effort) -> tuple:
    """Time a checker in turn with its floor and with one evaluation of f."""
    if not checker.is_installed:
        return (checker.name, n, "not installed", *["-"] * 4)
    made = checker.calls(n)
    work = checker.prepare(n, Uncounted())
    calls = {
        "check": work.check,
        "floor": lambda: one_direction(work.f, work.claim, made, work.x),
        "one f": lambda: work.f(work.x),
    }
    times = take_turns(calls, effort.patience)
    ratios = (times.ratio("check", base) for base in ("floor", "one f"))
    return (checker.name, n, made.f, made.claim, 1e3 * times.median("check"), *ratios)


def _streaming(n: int) -> Target:
    """Measure what is promised of a check that may not take much memory, if there is such a one."""
    what = f"one direction, N = {n:,}, streaming, memory in x"
    if not CAN_STREAM:
        return Target(what, MOST_STREAMING, math.nan, "no such mode in this version")
    return Target(what, MOST_STREAMING, times_of_x(STREAMING, n))
