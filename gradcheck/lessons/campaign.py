"""All experiments, several seeds each, and the medians that statements are judged by.

Owns the results and how they are summed up.
Part of `lessons`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .data import TASKS
from .dropout_probe import probe_dropout
from .recipes import EXPERIMENTS, Experiment, Recipe, Settings
from .runs import Run, run
from .weight_decay_probe import probe_weight_decay

Jobs: TypeAlias = Sequence[tuple[str, Recipe, int]]
Progress: TypeAlias = Callable[[Jobs], Iterable[tuple[str, Recipe, int]]]


@dataclass(frozen=True, eq=False)
class Results:
    """What was measured.

    Attributes
    ----------
    settings : Settings
        How much was trained.
    seed : int
        The first of the seeds.
    experiments : tuple of Experiment
        What was compared, in the order of the tables.
    runs : dict
        By (task, recipe), one Run a seed.
    probes : dict
        By task, one record of numbers a seed.
    """

    settings: Settings
    seed: int
    experiments: tuple[Experiment, ...]
    runs: Mapping[tuple[str, str], tuple[Run, ...]]
    probes: Mapping[str, tuple[Mapping[str, float], ...]]

    def median(self, task: str, recipe: str, number: Callable[[Run], float]) -> float:
        """Take the median over the seeds of a number of each run; NaN if any is NaN."""
        return float(np.median([number(run) for run in self.runs[task, recipe]]))

    def all_of(self, recipe: str, number: Callable[[Run], float]) -> tuple[float, ...]:
        """Take that median for every task that the recipe was trained on."""
        return tuple(self.median(task, name, number) for task, name in self.runs if name == recipe)

    def accuracy(self, task: str, recipe: str) -> float:
        """Take the median over the seeds of the share of test rows that are told right."""
        return self.median(task, recipe, lambda run: run.last.test_accuracy)

    def accuracies(self, recipe: str) -> tuple[float, ...]:
        """Take that median for every task that the recipe was trained on."""
        return self.all_of(recipe, lambda run: run.last.test_accuracy)

    def probed(self, name: str) -> tuple[float, ...]:
        """Take the median over the seeds of a number of the probes, for every task."""
        return tuple(
            float(np.median([numbers[name] for numbers in some])) for some in self.probes.values()
        )


def measure(
    seed: int, settings: Settings | None = None, progress: Progress | None = None
) -> Results:
    """Run all experiments.

    Parameters
    ----------
    seed : int
        The first seed; the others are the numbers that follow. Everything drawn depends on them.
    settings : Settings, optional
        How much is trained; by default five seeds, 60 epochs.
    progress : callable, optional
        Wraps the list of (task, recipe, seed) that is gone through.

    Returns
    -------
    Results
        The same for the same seed and settings.
    """
    settings = settings or Settings()
    seeds = range(seed, seed + settings.seeds)
    jobs = [
        (task, recipe, one)
        for experiment in EXPERIMENTS
        for task in experiment.tasks
        for recipe in experiment.recipes
        for one in seeds
    ]
    runs: dict[tuple[str, str], tuple[Run, ...]] = {}
    for task, recipe, one in (progress or iter)(jobs):
        done = run(recipe, task, settings, one)
        runs[task, recipe.name] = (*runs.get((task, recipe.name), ()), done)
    probes = {task: tuple(_probe(task, one) for one in seeds) for task in ("circles", "iris")}
    return Results(settings, seed, EXPERIMENTS, runs, probes)


def _probe(task: str, seed: int) -> Mapping[str, float]:
    """Measure what needs no training; the third stream of the seed, beside those of a run."""
    rng = np.random.default_rng([seed, 2])
    drawn = TASKS[task](np.random.default_rng([seed, 0]))
    return {**probe_weight_decay(drawn, rng), **probe_dropout(drawn, rng)}
