"""The same check in two processes: how much sooner it ends."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from gradcheck import Plan, check_grad

from .checkers import passed
from .sections import Effort, Section, Target
from .timing import Patience, take_turns
from .workloads import Computing, Sleeping, twice

WORKERS = 2
LEAST = 1.9  # times as soon
TURNS = Patience(3, 0.0)
HEAD = ("f", "ms of f", "evaluations", "s alone", "s shared", "times as soon")
TEXT = (
    f"`Plan.every()` alone and with a `ProcessPoolExecutor` of {WORKERS} that is there already, in "
    "time of the clock. A *sleeping* f leaves the processor free; a *computing* one needs one "
    "each, so that two processors must be idle for this to say anything."
)


def measure(effort: Effort) -> Section:
    """Share evaluations of all lengths, sleeping and computing."""
    rows, targets = [], []
    with ProcessPoolExecutor(WORKERS) as pool:
        list(pool.map(abs, range(WORKERS)))  # both are started
        for kind in (Sleeping, Computing):
            for seconds in effort.waits:
                f, name = kind(seconds), kind.__name__.lower()
                row = (name, 1e3 * seconds, *_compared(f, seconds, effort, pool))
                rows.append(row)
                what = f"{WORKERS} processes, {name} {row[1]:g} ms, times as soon"
                targets.append(Target(what, LEAST, row[-1], at_least=True))
    return Section("Two processes", TEXT, HEAD, rows, targets)


def _compared(f, seconds: float, effort: Effort, pool) -> tuple:
    x = np.random.default_rng(0).standard_normal(max(4, int(effort.seconds_shared / seconds / 2)))
    plan = Plan.every(seed=0)
    reports = []
    times = take_turns(
        {
            "alone": lambda: reports.append(passed(check_grad(f, twice, x, plan=plan))),
            "shared": lambda: passed(check_grad(f, twice, x, plan=plan, executor=pool)),
        },
        TURNS,
        time.perf_counter,
    )
    return (
        reports[0].evaluations, times.median("alone"), times.median("shared"),
        times.ratio("alone", "shared"),
    )  # fmt: skip
