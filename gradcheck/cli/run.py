"""One run of a command: what is shown as it comes, what is written, and with which code it ends.

Part of `cli`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import click

from ..records import Report, UsageError, Verdict
from ..render import terminal

EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}
EXIT_USAGE = 2
EXIT_INTERRUPT = 130  # 128 + SIGINT, as shells have it


@dataclass
class Run:
    """What was checked so far, shown as it comes.

    Attributes
    ----------
    console : terminal.ReportConsole
        Where reports are printed.
    brief, traceback : bool
        The options of these names.
    reports : list of Report
        The problems that could be checked.
    refused : int
        How many could not.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    console: terminal.ReportConsole
    brief: bool
    traceback: bool
    reports: list[Report] = field(default_factory=list)
    refused: int = 0
    interrupted: bool = False

    def add_all(self, reports: Iterable[Report | Refusal]) -> None:
        """Note reports and show each; after Ctrl-C keep those that there are."""
        try:
            for report in reports:
                self.add(report)
        except KeyboardInterrupt:
            click.echo("gradcheck: interrupted.", err=True)
            self.interrupted = True

    def add(self, report: Report | Refusal) -> None:
        """Note a report and show it."""
        if isinstance(report, Refusal):
            self.refused += 1
            click.echo(f"gradcheck: {report.name}: {report.message}", err=True)
            return
        self.reports.append(report)
        if not (self.brief and report.ok):
            self.show(lambda: terminal.show_report(self.console, report))
        if self.traceback:
            show_tracebacks(report)

    def show(self, show: Callable[[], None]) -> None:
        """Print something; once nobody reads any more, go on in silence for the exit code."""
        try:
            show()
        except BrokenPipeError:
            self.console.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    @property
    def exit_code(self) -> int:
        """The worst that happened; what could not be checked is worse than any verdict."""
        if self.interrupted:
            return EXIT_INTERRUPT
        if self.refused:
            return EXIT_USAGE
        verdicts = {report.verdict for report in self.reports}
        for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
            if verdict in verdicts:
                return EXIT_CODES[verdict]
        return EXIT_CODES[Verdict.PASS]


@dataclass(frozen=True)
class Refusal:
    """A problem that cannot be checked: its name, and why."""

    name: str
    message: str


def show_tracebacks(report: Report) -> None:
    """Print where the caller's own code raised."""
    for finding in report.findings:
        if "traceback" in finding.evidence:
            click.echo(finding.evidence["traceback"], err=True)


def require_writable(option: str, file: Path) -> None:
    """Find out before the run, not after it."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"{option} {file}: there is no folder {folder}.")
    if not os.access(file if file.exists() else folder, os.W_OK):
        raise UsageError(f"{option} {file}: the file cannot be written.")


def require_html(file: Path) -> None:
    """Find out before the run whether a page can be written, not after it."""
    require_writable("--html", file)
    from ..render import html  # jinja2 and matplotlib are an extra

    html.require_extra()


def write(file: Path, content: str) -> None:
    """Write a file, or end the command with the reason why not."""
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        stop(str(error))


def stop(message: str) -> NoReturn:
    """End the command with one sentence on stderr."""
    click.echo(f"gradcheck: {message}", err=True)
    sys.exit(EXIT_USAGE)
