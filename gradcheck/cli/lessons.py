"""`gradcheck lessons`: try out what a course says of training, and say what was seen.

Part of `cli`.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from ..records import UsageError
from ..render import terminal, text
from .run import EXIT_INTERRUPT, Run, require_html, stop, write

if TYPE_CHECKING:
    from ..lessons import Observation, Recipe, Results

Job = TypeVar("Job", bound="tuple[str, Recipe, int]")
STYLES = {"seen": "green", "seen, but": "bold yellow", "not seen": "bold red"}


@click.command("lessons", epilog="Example: gradcheck lessons --seed 1 --html lessons.html")
@click.option("--seed", type=click.IntRange(min=0), help="Replay a run; fresh by default.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write tables, pictures and statements to this file.",
)
@click.option("--quick", is_flag=True, help="Fewer seeds and epochs.")
def teach(seed: int | None, page: Path | None, quick: bool) -> None:
    """Train small networks, and say which lessons of a course were seen.

    Weights of zeros, too large ones, He's and others, rand beside randn, eight layers, L2 and
    dropout, on two circles and on iris. Of each run cost, accuracy, saturation and gradients are
    measured, and of each statement it is said whether the numbers show it, and where it ends.

    Exit code: 0 the lessons ran, whatever was seen; 2 wrong usage.
    """
    from .. import lessons  # only this command needs it, and it is not cheap to import

    seed = secrets.randbits(32) if seed is None else seed
    replay = f"gradcheck lessons --seed {seed}{' --quick' if quick else ''}"
    began = time.perf_counter()
    try:
        if page is not None:
            require_html(page)
        results = lessons.measure(seed, lessons.QUICK if quick else None, _counted)
        observations = [lessons.observe(one, results) for one in lessons.STATEMENTS]
    except (UsageError, ImportError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        click.echo("gradcheck: interrupted.", err=True)
        sys.exit(EXIT_INTERRUPT)
    if page is not None:
        from ..render.lesson_page import render_page

        write(page, render_page(results, observations, time.perf_counter() - began, replay))
    run = Run(terminal.make_console(), brief=False, traceback=False)
    run.show(lambda: _show_tables(run.console, results))
    closing = f"{text.duration(time.perf_counter() - began)}; {replay}"
    run.show(lambda: _show_statements(run.console, observations, closing))


def _counted(jobs: Sequence[Job]) -> Iterator[Job]:
    """Go through the runs under a progress bar."""
    bar = terminal.make_progress(terminal.make_console(stderr=True))
    task = bar.add_task("training", total=len(jobs), rate="")
    with bar:
        for job in jobs:
            bar.update(task, description=f"{job[0]}, {job[1].name}")
            yield job
            bar.advance(task)


def _show_tables(console: terminal.ReportConsole, results: Results) -> None:
    """Print what was trained, and a table for each task of each experiment."""
    from ..render import lesson_text

    terminal.show_sentence(console, lesson_text.how_much(results))
    console.print()
    for _, title, rows in lesson_text.tables(results):
        terminal.show_table(console, title, lesson_text.HEADINGS, rows)
    legend = "; ".join(f"{term}: {meaning}" for term, meaning in lesson_text.LEGEND)
    terminal.show_sentence(console, f"{legend}.")
    console.print()


def _show_statements(
    console: terminal.ReportConsole, observations: Sequence[Observation], closing: str
) -> None:
    """Print each statement by theme, and how to run the same again."""
    from ..render import lesson_text

    for theme, some in lesson_text.themes(observations).items():
        marked = [(str(one.seen), one.statement.words, one.sentence) for one in some]
        terminal.show_marked(console, theme, marked, STYLES)
    terminal.show_sentence(console, f"{lesson_text.summary(observations)}. {closing}")
