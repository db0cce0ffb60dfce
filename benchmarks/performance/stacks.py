"""Functions that take many points at once, beside the loop that hands them over by hand."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from gradcheck import Options, Plan, check_grad
from gradcheck.check import PointOptions

from .checkers import passed
from .floors import STEP
from .sections import Effort, Section, Target
from .timing import FEWEST, Patience, take_turns

MOST = 1.3  # times the floor
SIZES = (4, 16, 64, 256, 1024)  # points that the floor hands over at once: the best of these
HEAD = ("stacks of points", "N", "points", "ms", "floor ms", "x floor")
TEXT = (
    "f takes a stack of points and returns a value for each. *Floor* is a loop written by hand "
    f"that hands over so many points at a time, {SIZES[0]} to {SIZES[-1]}, as is best, scaled to "
    "the same number of points."
)
KEYWORD = "batched"


def measure(effort: Effort) -> Section:
    """Measure all sizes at which a stack of points is no burden; skipped where there is no way."""
    what = "stacks of points, x floor, the most"
    if KEYWORD not in {*Options.__annotations__, *PointOptions.__annotations__}:
        missing = Target(what, MOST, math.nan, f"{KEYWORD}= is not in this version")
        rows = [("gradcheck", "-", f"{KEYWORD}= is not in this version", "-", "-", "-")]
        return Section("Stacks of points", TEXT, HEAD, rows, [missing])
    rows = [_row(n, effort) for n in effort.entries]
    largest = max((row[5] for row in rows if row[1] >= 1000), default=rows[-1][5])
    return Section("Stacks of points", TEXT, HEAD, rows, [Target(what, MOST, largest)])


def _row(n: int, effort: Effort) -> tuple:
    x = np.random.default_rng(0).standard_normal(n)
    points: list[int] = []

    def counted(stack):
        points.append(len(stack))
        return f(stack)

    def check(function):
        return passed(check_grad(function, 2 * x, x, plan=Plan.every(), batched=True))

    check(counted)
    tried = {str(size): partial(floor, x, size) for size in SIZES if size <= 2 * n}
    by_hand = take_turns(tried, Patience(FEWEST, 0.0))
    best = tried[min(tried, key=by_hand.median)]
    times = take_turns({"ours": lambda: check(f), "floor": best}, effort.patience)
    share = sum(points) / (2 * n)
    ratio = times.ratio("ours", "floor") / share
    return (
        "gradcheck", n, sum(points), 1e3 * times.median("ours"),
        1e3 * share * times.median("floor"), ratio,
    )  # fmt: skip


def f(stack: np.ndarray) -> np.ndarray:
    """Return x . x of each point of a stack."""
    return np.einsum("ij,ij->i", stack, stack)


def floor(x: np.ndarray, size: int) -> list[np.ndarray]:
    """Take a central difference at every entry, by stacks that are changed in place."""
    n, slopes = len(x), []
    stack = np.tile(x, (size, 1))
    rows = np.arange(len(stack) // 2)
    for start in range(0, n, len(rows)):
        some = rows[: min(len(rows), n - start)]
        stack[2 * some, start + some] += STEP
        stack[2 * some + 1, start + some] -= STEP
        values = f(stack[: 2 * len(some)])
        slopes.append((values[::2] - values[1::2]) / (2 * STEP))
        stack[2 * some, start + some] = stack[2 * some + 1, start + some] = x[start + some]
    return slopes
