"""Lessons as one HTML page that needs no network: tables, pictures, statements.

Owns what goes where; the words are those of `lesson_text`, the frame is that of every page.
Part of `render`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..lessons import Experiment, Observation, Results, Seen, portrait
from . import lesson_text
from .html import fill
from .lesson_pictures import (
    Picture,
    draw_activations,
    draw_boundary,
    draw_costs,
    draw_gradients,
)
from .pages import read_part

# In the colours of verdicts.
KINDS = {Seen.SEEN: "pass", Seen.SEEN_BUT: "inconclusive", Seen.NOT_SEEN: "fail"}


@dataclass(frozen=True)
class Gallery:
    """Pictures of one kind, a recipe each; what they show; whether they are open at first."""

    title: str
    caption: str
    kind: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Section:
    """What the page says of one experiment on one task."""

    anchor: str
    title: str
    rows: Sequence[Sequence[str]]
    galleries: tuple[Gallery, ...]


def render_page(
    results: Results, observations: Sequence[Observation], seconds: float, replay: str
) -> str:
    """Write the page.

    Parameters
    ----------
    results : Results
        What was measured.
    observations : sequence of Observation
        What was seen of it.
    seconds : float
        How long it took.
    replay : str
        The command that makes the same numbers again.

    Raises
    ------
    ImportError
        Where jinja2 or matplotlib is missing; the message says how to install them.
    """
    return fill(
        "lessons.html",
        lessons_style=read_part("html/lessons.css"),
        kinds=KINDS,
        summary=lesson_text.summary(observations),
        how_much=lesson_text.how_much(results),
        themes=lesson_text.themes(observations),
        headings=lesson_text.HEADINGS,
        legend=lesson_text.LEGEND,
        sections=list(_sections(results)),
        seconds=f"{seconds:.0f} s",
        replay=replay,
    )


def _sections(results: Results) -> Iterable[Section]:
    written = iter(lesson_text.tables(results))
    for experiment in results.experiments:
        for task in experiment.tasks:
            _, title, rows = next(written)
            anchor = re.sub("[^a-z]+", "-", title)
            yield Section(anchor, title, rows, tuple(_galleries(results, experiment, task)))


def _galleries(results: Results, experiment: Experiment, task: str) -> Iterable[Gallery]:
    some = [results.runs[task, recipe.name] for recipe in experiment.recipes]
    portraits = [portrait(runs[0]) for runs in some]
    pairs = list(zip(some, portraits, strict=True))
    if portraits[0].boundary is not None:
        yield Gallery(
            "Decision boundaries",
            "Of the first seed, with the points it learnt from: discs outside, triangles inside. "
            "The stronger the colour, the surer the network.",
            "square",
            tuple(draw_boundary(runs, seen) for runs, seen in pairs),
        )
    yield Gallery(
        "Cost curves",
        "On the training rows, L2 term included: each seed grey, their median blue.",
        "broad",
        tuple(draw_costs(runs) for runs in some),
    )
    yield Gallery(
        "Activations by layer",
        "Of the first seed: grey before training, blue after; heights are square roots. Those of "
        "relu are divided by the largest of their layer, which stands beside.",
        "broad",
        tuple(draw_activations(runs, seen) for runs, seen in pairs),
    )
    yield Gallery(
        "Gradient norms by layer",
        "Medians over the seeds: orange before training, blue after, grey on the way.",
        "broad",
        tuple(draw_gradients(runs) for runs in some),
    )
