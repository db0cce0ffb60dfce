"""`gradcheck report`: show reports that were written earlier, in the terminal or as a page.

Part of `cli`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from ..records import Report, UsageError
from ..render import reading, serial, terminal
from .run import Run, require_html, stop

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog="Example: gradcheck report run.json --html run.html")
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE]...")
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one page that needs nothing else, instead of text.",
)
@click.option("--brief", is_flag=True, help="Print the tables only of what did not pass.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of such files, and stop.")
def report(files: tuple[Path, ...], html_file: Path | None, brief: bool, schema: bool) -> None:
    """Show reports that were written earlier.

    FILE is what `gradcheck verify --json` or `report.to_json()` wrote; the reports of several
    files are shown together, on a page with an index.

    Exit code: 0 shown, whatever the verdicts are, 2 a file is no report or cannot be read.
    """
    if schema:
        click.echo(json.dumps(serial.report_schema(), indent=2))
        return
    if not files:
        stop("name a file of reports, as gradcheck verify --json FILE writes it.")
    reports = [report for file in files for report in read(file)]
    if html_file is not None:
        write_html(html_file, reports)
        return
    run = Run(terminal.make_console(), brief=brief, traceback=False)
    run.add_all(reports)
    run.show(lambda: terminal.show_summary(run.console, run.reports))


def read(file: Path) -> tuple[Report, ...]:
    """Read the reports of a file, or end the command with the reason why not."""
    try:
        return reading.reports_from_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, UsageError) as error:
        stop(f"{file}: {error}")


def write_html(file: Path, reports: Sequence[Report]) -> None:
    """Write a page, or end the command with the reason why not."""
    try:
        require_html(file)
        from ..render import html

        html.write_page(reports, file)
    except (UsageError, ImportError, OSError) as error:
        stop(str(error))
