"""Checks with a journal that are killed at random moments, and must say what one alone says.

python -m benchmarks.kills --reports 1000 --seed 1

Each check runs in a process of its own, which is ended by SIGKILL and started again on the same
journal, one to four times; then it may come to its end, and the next begins with a new journal.
Every report is compared with that of a check that nobody disturbed: all of it but the seconds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gradcheck
from gradcheck import Plan, Report

MOST_KILLS = 4  # of one check
SLOW = (
    0.002  # seconds that a call of f takes: most kills hit the check, and not the start of Python
)


@dataclass(frozen=True)
class Scenario:
    """A check by its name: what it asks, and how hard it looks."""

    name: str
    check: Callable[[str | None], Report]


def scenarios() -> tuple[Scenario, ...]:
    """Return a right and a wrong gradient under three plans."""
    return tuple(
        Scenario(f"{plan_name}, {claim}", _check(plan, wrong=claim == "wrong"))
        for plan_name, plan in (
            ("every entry", Plan.every(seed=5)),
            ("directions", Plan.directions(3, seed=6)),
            ("samples", Plan.sample(per_leaf=5, seed=7)),
        )
        for claim in ("right", "wrong")
    )


def _check(plan: Plan, *, wrong: bool) -> Callable[[str | None], Report]:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(8, 3))
    x = {"W": rng.normal(size=(3, 4)), "b": rng.normal(size=4), "v": rng.normal(size=4)}

    def hidden(x: dict[str, np.ndarray]) -> np.ndarray:
        return np.tanh(inputs @ x["W"] + x["b"])

    def f(x: dict[str, np.ndarray]) -> float:
        time.sleep(SLOW)
        return float(np.sum(hidden(x) @ x["v"]))

    def grad(x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        a = hidden(x)
        before = (1 - a**2) * x["v"]
        db = before.sum(axis=0)
        if wrong:
            db[2] *= 1.01
        return {"W": inputs.T @ before, "b": db, "v": a.sum(axis=0)}

    def check(journal: str | None) -> Report:
        return gradcheck.check_grad(f, grad, x, plan=plan, journal=journal)

    return check


@dataclass(frozen=True)
class Outcome:
    """How many kills a check went through, and whether its report is that of one alone."""

    scenario: str
    kills: int
    same: bool


@dataclass(frozen=True)
class Alone:
    """What a check says that nobody disturbs, and how long it takes."""

    said: dict[str, object]
    seconds: float

    @classmethod
    def of(cls, scenario: Scenario) -> Alone:
        """Run it."""
        report = scenario.check(None)
        return cls(said(report.to_json()), report.seconds)


def said(text: str) -> dict[str, object]:
    """Return all that a report says but how long it took."""
    told: dict[str, object] = json.loads(text)
    del told["seconds"]
    return told


def disturbed(scenario: Scenario, alone: Alone, moments: random.Random, folder: Path) -> Outcome:
    """Run a check, kill it now and then, and compare."""
    journal, answer = folder / "run.sqlite", folder / "report.json"
    kills, allowed = 0, moments.randint(1, MOST_KILLS)
    while not answer.exists():
        process = multiprocessing.get_context("fork").Process(
            target=_write_report, args=(scenario, journal, answer)
        )
        process.start()
        if kills < allowed:
            process.join(moments.uniform(0, alone.seconds))
            process.kill()  # no effect on one that has come to its end
        process.join()
        kills += process.exitcode == -9
        if process.exitcode not in (0, -9):
            raise RuntimeError(f"{scenario.name}: the process ended with {process.exitcode}")
    return Outcome(scenario.name, kills, said(answer.read_text()) == alone.said)


def _write_report(scenario: Scenario, journal: Path, answer: Path) -> None:
    told = scenario.check(str(journal)).to_json()
    whole = answer.with_suffix(".part")
    whole.write_text(told)
    whole.rename(answer)  # all of it or nothing


def run(reports: int, seed: int) -> list[Outcome]:
    """Disturb checks in turn, until there are reports of so many that were killed."""
    moments, outcomes = random.Random(seed), []
    posed = [(scenario, Alone.of(scenario)) for scenario in scenarios()]
    while sum(outcome.kills > 0 for outcome in outcomes) < reports:
        with tempfile.TemporaryDirectory() as folder:
            scenario, alone = posed[len(outcomes) % len(posed)]
            outcomes.append(disturbed(scenario, alone, moments, Path(folder)))
    return outcomes


def summary(outcomes: list[Outcome]) -> str:
    """Say how many of each were the same."""
    lines = []
    for name in dict.fromkeys(outcome.scenario for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.scenario == name]
        same, kills = sum(o.same for o in own), sum(o.kills for o in own)
        lines.append(f"{name}: {kills} kills, {same} of {len(own)} reports the same")
    kills, same = sum(o.kills for o in outcomes), sum(o.same for o in outcomes)
    lines.append(f"in all: {kills} kills, {same} of {len(outcomes)} reports the same")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill checks with a journal, and compare.")
    parser.add_argument("--reports", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.stdout.write(summary(run(given.reports, given.seed)) + "\n")
