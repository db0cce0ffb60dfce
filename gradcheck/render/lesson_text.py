"""Lessons in words: the rows of the tables, the legend, the summary.

Owns headings and cells, which `terminal` and `lesson_page` lay out.
Part of `render`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..lessons import Observation, Results, Run, Seen
from .text import plural

HEADINGS = ("run", "cost", "curve", "train/test", "satur.", "dW first/last")
LEGEND = (
    ("cost", "before and after training, on the training rows, L2 term included"),
    ("curve", "the cost after each epoch, from 0 to its largest; × is not finite"),
    ("train/test", "right answers"),
    (
        "satur.",
        "before and after training, sigmoid and tanh activations with less than 2 % of the "
        "steepest slope, relu units that are off for every row",
    ),
    ("dW", "the norm of the gradient of the first and the last weights before training"),
)
BLOCKS = "▁▂▃▄▅▆▇█"
CURVE = 8  # characters


def tables(results: Results) -> Iterator[tuple[str, str, list[tuple[str, ...]]]]:
    """Yield task, title and rows of each table."""
    for experiment in results.experiments:
        for task in experiment.tasks:
            rows = [row(results.runs[task, recipe.name]) for recipe in experiment.recipes]
            yield task, f"{task}: {experiment.title}", rows


def row(runs: Sequence[Run]) -> tuple[str, ...]:
    """Fill the cells of one recipe, in the order of HEADINGS: medians over its runs."""

    def median(number: Callable[[Run], float]) -> float:
        return float(np.median([number(run) for run in runs]))

    start, end = median(lambda run: run.first.cost), median(lambda run: run.cost[-1])
    train = median(lambda run: run.accuracy[-1])
    test = median(lambda run: run.last.test_accuracy)
    before = median(lambda run: run.first.saturated)
    after = median(lambda run: run.last.saturated)
    first = median(lambda run: run.first.weight_gradients[0])
    last = median(lambda run: run.first.weight_gradients[-1])
    return (
        runs[0].recipe.name,
        f"{_short(start)} → {_short(end)}",
        sparkline(np.median([(run.first.cost, *run.cost) for run in runs], axis=0).tolist()),
        f"{train * 100:.0f}/{test * 100:.0f} %",
        f"{before * 100:.0f}→{after * 100:.0f} %",
        f"{first:.0e}/{last:.0e}",
    )


def _short(value: float) -> str:
    """Write a cost in five characters or fewer."""
    if not math.isfinite(value):
        return f"{value}"
    if value < 100:
        return f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return f"{value:.0e}".replace("e+", "e")


def sparkline(values: Sequence[float], width: int = CURVE) -> str:
    """Draw a curve in a line of blocks, from 0 to the largest value.

    Examples
    --------
    >>> sparkline([0.8, 0.4, 0.2, 0.1, float("nan")], width=5)
    '█▅▃▂×'
    """
    finite = [value for value in values if math.isfinite(value)]
    largest = max(finite, default=0.0) or 1.0
    places = np.linspace(0, len(values) - 1, min(width, len(values))).round().astype(int)
    return "".join(_block(values[i] / largest) for i in places)


def _block(share: float) -> str:
    if not math.isfinite(share):
        return "×"
    return BLOCKS[round(share * (len(BLOCKS) - 1))]


def how_much(results: Results) -> str:
    """Say what was trained."""
    settings = results.settings
    return (
        f"{len(results.runs)} networks on two circles and on iris, "
        f"{plural(settings.seeds, 'seed', 'seeds')} each, {settings.epochs} epochs; "
        f"numbers are medians over the seeds."
    )


def themes(observations: Sequence[Observation]) -> dict[str, list[Observation]]:
    """Group observations by theme, in their order."""
    grouped: dict[str, list[Observation]] = {}
    for observation in observations:
        grouped.setdefault(observation.statement.theme, []).append(observation)
    return grouped


def summary(observations: Sequence[Observation]) -> str:
    """Count the verdicts in words.

    Examples
    --------
    >>> summary([])
    '0 statements: 0 seen, 0 seen, but with a limit, 0 not seen'
    """
    counts = {seen: sum(o.seen is seen for o in observations) for seen in Seen}
    return (
        f"{plural(len(observations), 'statement', 'statements')}: {counts[Seen.SEEN]} seen, "
        f"{counts[Seen.SEEN_BUT]} seen, but with a limit, {counts[Seen.NOT_SEEN]} not seen"
    )
