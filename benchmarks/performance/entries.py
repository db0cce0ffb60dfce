"""Every entry of a point, one by one: what is beside f, and how that grows with N."""

from __future__ import annotations

from collections.abc import Sequence

from .checkers import CALLED, ENTRIES, NETWORK, SINGLE, Checker
from .floors import Uncounted, every_entry
from .sections import Effort, Section, Target
from .timing import take_turns

LIMITS = {10: 3.0, 1000: 1.3, 10**4: 1.2}  # times the floor
MOST_BESIDE = 0.4  # microseconds an evaluation
NETWORK_LIMIT = 1.1
ALONE = 1000  # entries, of what is measured at one size only
HEAD = ("every entry", "N", "evaluations", "ms", "floor ms", "x floor", "us beside f")
TEXT = (
    "f is x . x, the claim is right, and every entry is looked at: `Plan.every()` beside the "
    "checkers that look at each. *Floor* is a loop written by hand, in the same library, that "
    "changes x in place and takes no copy, scaled to the same number of evaluations. The last "
    "column is what an evaluation costs beyond that. The network has 325 parameters in four arrays."
)


def measure(effort: Effort) -> Section:
    """Measure all sizes, and what is measured at one."""
    rows, targets = [], []
    for n in effort.entries:
        for row in compared([c for c in ENTRIES if n <= c.largest], n, effort):
            rows.append(row)
            if row[0] == CALLED.name:
                targets += _targets(row)
    alone = min(ALONE, max(effort.entries))
    for checker in (SINGLE, NETWORK):
        rows += compared([checker], alone, effort)
    what = f"every entry, {SINGLE.name.split(', ')[1]}, N = {alone}, x floor"
    targets.append(Target(what, LIMITS.get(alone, max(LIMITS.values())), rows[-2][5]))
    targets.append(Target("every entry, network, x floor", NETWORK_LIMIT, rows[-1][5]))
    return Section("Every entry", TEXT, HEAD, rows, targets)


def compared(checkers: Sequence[Checker], n: int, effort: Effort) -> list[tuple]:
    """Time each checker in turn with the floor of its own library."""
    return [
        _row(checker, n, effort)
        if checker.is_installed
        else (checker.name, n, "not installed", *["-"] * 4)
        for checker in checkers
    ]


def _row(checker: Checker, n: int, effort: Effort) -> tuple:
    made = checker.calls(n).f
    work = checker.prepare(n, Uncounted())
    size = sum(array.size for array in work.arrays)
    calls = {"check": work.check, "floor": lambda: every_entry(work.f, work.x, work.arrays)}
    times = take_turns(calls, effort.patience)
    share = made / (2 * size)
    seconds, floor = times.median("check"), share * times.median("floor")
    ratio = times.ratio("check", "floor") / share
    return (
        checker.name,
        size,
        made,
        1e3 * seconds,
        1e3 * floor,
        ratio,
        1e6 * (seconds - floor) / made,
    )


def _targets(row: tuple) -> list[Target]:
    n, ratio, beside = row[1], row[5], row[6]
    if n not in LIMITS:
        return []
    found = [Target(f"every entry, N = {n}, x floor", LIMITS[n], ratio)]
    if n >= ALONE:
        found.append(Target(f"every entry, N = {n}, us beside f", MOST_BESIDE, beside))
    return found
