"""One wrong entry among many: how many evaluations its name costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradcheck import Plan, Report, Verdict, check_grad

from .sections import Effort, Section, Target
from .timing import middle
from .workloads import Workload, parabola, waves

CONFIRMED = 4  # evaluations: the certified difference of one entry
LOUD = 1000.0  # bars
DECODED = 8.0  # evaluations, where the weights of the lines tell the place
SIGN = 0.0  # of the errors: the entry has the wrong sign
ERRORS = (SIGN, 1e-2, 1e-3)  # else: of the root mean square of the gradient
FUNCTIONS: dict[str, Callable[[int, int], Workload]] = {"parabola": parabola, "waves": waves}
HEAD = ("one wrong entry", "error", "N", "failed", "named", "bars", "calls", "most", "2 log2 N + 6")
TEXT = (
    "One entry of the claim is wrong: it has the wrong sign, or is off by a share of the root mean "
    "square of the gradient. *Failed* are the checks that saw it at all, of all; *named* those "
    "that named this entry and no other. *Bars* is the size of what showed, *calls* the median of "
    "the evaluations of f beyond those of the plain verdict, *most* the largest number: the "
    f"search, and a certified difference of the entry that is found, which takes {CONFIRMED}. "
    "No other checker names entries without looking at each of them, at N evaluations or more."
)


@dataclass(frozen=True)
class Search:
    """What became of one wrong entry."""

    named: bool
    bars: float
    calls: int


def measure(effort: Effort) -> Section:
    """Search for all errors at all sizes."""
    rows, found = [], []
    for name, make in FUNCTIONS.items():
        for n in effort.searches:
            for error in ERRORS:
                some = [searched(make(n, seed), seed, error) for seed in range(effort.seeds)]
                seen = [search for search in some if search is not None]
                rows.append(_row(name, error, n, seen, effort.seeds))
                found += [(n, error, search) for search in seen]
    return Section("One wrong entry", TEXT, HEAD, rows, _targets(found))


def searched(work: Workload, seed: int, error: float) -> Search | None:
    """Check with one wrong entry, with and without naming; None where the error is too small."""
    right = work.gradient(work.x)
    k = int(np.random.default_rng([seed, 7]).integers(right.size))
    claim = right.copy()
    claim[k] = -right[k] if error == SIGN else right[k] + error * np.sqrt(np.mean(right**2))
    plain = _checked(work, claim, Plan.auto(seed=seed, naming=0))
    if plain.verdict is not Verdict.FAIL:
        return None
    report = _checked(work, claim, Plan.auto(seed=seed))
    leaf = report.leaves["x"]
    named = leaf.wrong is not None and np.flatnonzero(leaf.wrong).tolist() == [k]
    bars = abs(leaf.analytic - leaf.numeric) / leaf.error_bar if leaf.error_bar else math.inf
    return Search(bool(named), bars, report.evaluations - plain.evaluations)


def _checked(work: Workload, claim: np.ndarray, plan: Plan) -> Report:
    return check_grad(work.f, claim, work.x, plan=plan)


def _row(name: str, error: float, n: int, seen: list[Search], tried: int) -> tuple:
    how = "sign" if error == SIGN else f"{error:.0e}"
    allowed = 2 * math.log2(n) + 6
    calls = [float(search.calls) for search in seen]
    return (
        name, how, n, f"{len(seen)}/{tried}", sum(search.named for search in seen),
        middle([search.bars for search in seen]), middle(calls), max(calls, default=math.nan),
        allowed,
    )  # fmt: skip


def _targets(found: list[tuple[int, float, Search]]) -> list[Target]:
    """Compare each search with what is promised of its kind, in shares of that."""
    loud = [(n, s) for n, _, s in found if s.bars > LOUD]
    faint = [(n, s) for n, _, s in found if s.bars <= LOUD]
    signs = [s.calls - CONFIRMED for _, error, s in found if error == SIGN]
    above = max(((s.calls - CONFIRMED) / (2 * math.log2(n) + 6) for n, s in loud), default=math.nan)
    below = max(((s.calls - CONFIRMED) / (6.5 * math.log2(n)) for n, s in faint), default=math.nan)
    named = sum(s.named for _, _, s in found) / max(len(found), 1)
    return [
        Target("wrong entries named, of those that failed", 1.0, named, at_least=True),
        Target("calls over 2 log2 N + 6, errors above 1000 bars, the most", 1.0, above),
        Target("calls, wrong sign, which is decoded: median", DECODED, middle(signs)),
        Target("calls over 6.5 log2 N, errors below 1000 bars, the most", 1.0, below,
               "no such error failed"),
    ]  # fmt: skip
