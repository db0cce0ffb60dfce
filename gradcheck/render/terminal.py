"""Reports on a terminal, in colour where the terminal has any.

Owns what `gradcheck verify` and `gradcheck lessons` print, and the progress bar; words and cells
are those of `text` and `lesson_text`.
Part of `render`; the one file that imports rich.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ..records import Report, Verdict
from . import text

STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.INCONCLUSIVE: "bold yellow"}
INDENT = (0, 0, 0, 2)


class ReportConsole(Console):
    """A console that leaves it to the caller what to do when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Raise what rich caught; by itself it would exit with code 1, which means a wrong one."""
        raise BrokenPipeError


def make_console(*, stderr: bool = False) -> ReportConsole:
    """Make a console; rich looks at the terminal, at NO_COLOR and at pipes."""
    return ReportConsole(stderr=stderr, highlight=False, soft_wrap=False)


def make_progress(console: Console) -> Progress:
    """Make a progress bar that vanishes when it is done, and is silent in a pipe."""
    console.quiet = not console.is_terminal  # `disable` alone leaves an empty line in old versions
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def show_report(console: Console, report: Report) -> None:
    """Print one report: heading, tables, findings."""
    for part in _parts(report):
        _print(console, part)
    console.print()


def renderable(report: Report) -> Group:
    """Return a report as something that rich prints."""
    return Group(*_parts(report))


def _parts(report: Report) -> Iterator[RenderableType]:
    yield _heading(report)
    if report.leaves:
        rows: list[tuple[str, ...]] = [text.leaf_row(leaf) for leaf in report.leaves.values()]
        verdicts = [leaf.verdict for leaf in report.leaves.values()]
        yield Padding(_table(text.LEAF_HEADINGS, rows, verdicts), INDENT)
    if report.laws:
        laws = text.law_rows(report)
        rows = [(text.shown(verdict), seen) for verdict, seen in laws]
        table = _table(("verdict", "law"), rows, [verdict for verdict, _ in laws])
        yield Padding(table, INDENT)
    sentences = [finding.message for finding in report.findings]
    closing = text.closing_line(report)
    for sentence in [*sentences, closing] if closing else sentences:
        yield Padding(Text(sentence), INDENT)


def _print(console: Console, thing: RenderableType) -> None:
    """Print; in a pipe or a file without the blanks that rich fills lines up with."""
    if console.is_terminal:
        console.print(thing)
        return
    with console.capture() as capture:
        console.print(thing)
    lines = capture.get().splitlines()
    plain = "\n".join(line.rstrip() for line in lines)
    console.print(Text(plain), soft_wrap=True)


def show_summary(console: Console, reports: Sequence[Report], seed: int | None = None) -> None:
    """Print the last line: how many passed, and how to run the same again."""
    counts = {verdict: sum(r.verdict is verdict for r in reports) for verdict in Verdict}
    line = Text()
    for verdict, style in STYLES.items():
        if counts[verdict] or verdict is Verdict.PASS:
            line.append(f"{counts[verdict]} {text.shown(verdict)}, ", style=style)
    evaluations = sum(report.evaluations for report in reports)
    seconds = sum(report.seconds for report in reports)
    called = text.plural(evaluations, "evaluation", "evaluations")
    again = "" if seed is None else f", --seed {seed}"
    line.append(f"{called} of f, {text.duration(seconds)}{again}")
    console.print(line)


def show_table(
    console: Console, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Print a table under its title."""
    _print(console, Text(title, style="bold"))
    table = Table(*headings, box=None, padding=(0, 2, 0, 0), header_style="dim")
    for row in rows:
        table.add_row(*(Text(cell, no_wrap=True) for cell in row))
    _print(console, Padding(table, INDENT))
    console.print()


def show_marked(
    console: Console, title: str, marked: Sequence[tuple[str, str, str]], styles: Mapping[str, str]
) -> None:
    """Print statements under a title: a mark, what is said, and a sentence below it."""
    _print(console, Text(title, style="bold"))
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    for mark, words, sentence in marked:
        table.add_row(Text(mark, style=styles[mark]), Text(words, style="bold"))
        table.add_row("", Text(sentence))
    _print(console, Padding(table, INDENT))
    console.print()


def show_sentence(console: Console, sentence: str) -> None:
    """Print a sentence, wrapped to the width."""
    _print(console, Text(sentence))


def _heading(report: Report) -> Text:
    line = Text(f"{report.name}: " if report.name else "")
    line.append(text.shown(report.verdict), style=STYLES[report.verdict])
    line.append(f" ({text.cost(report)})")
    return line


def _table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], verdicts: Sequence[Verdict | None]
) -> Table:
    """Make a table without frames; the last column takes what room is left."""
    table = Table(*headings, box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in table.columns[:-1]:
        column.no_wrap = True
    for row, verdict in zip(rows, verdicts, strict=True):
        style = STYLES[verdict] if verdict is not None else "dim"
        cells = [Text(cell) for cell in row]
        cells[headings.index("verdict")].stylize(style)
        table.add_row(*cells)
    return table
