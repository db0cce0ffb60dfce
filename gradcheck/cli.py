"""The command line: `gradcheck verify [TARGET ...]`.

Owns arguments, exit codes and the sentences for what can go wrong before a check begins. Computes
nothing itself.
At the edge; the one file that imports click.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from . import __version__
from .check import check
from .flow import Progress
from .records import Plan, Problem, Report, UsageError, Verdict, shown_error
from .render import serial, terminal
from .targets import TargetError, load_targets

EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}
EXIT_USAGE = 2
EXIT_INTERRUPT = 130  # 128 + SIGINT, as shells have it


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gradcheck")
def main() -> None:
    """Check hand-written gradients: is it right, where is it wrong, and why."""


class PlanParameter(click.ParamType):  # type: ignore[type-arg]  # generic in new versions only
    """A plan as text: auto, every, directions:3, sample:30."""

    name = "plan"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Plan:
        """Read the text."""
        if isinstance(value, Plan):
            return value
        word, _, number = str(value).partition(":")
        builders: dict[str, Callable[[int], Plan]] = {
            "directions": Plan.directions,
            "sample": Plan.sample,
        }
        if word in builders and number.removeprefix("-").isdecimal():
            try:
                return builders[word](int(number))
            except UsageError as error:
                raise click.BadParameter(str(error), ctx, param) from None
        if value == "auto":
            return Plan.auto()
        if value == "every":
            return Plan.every()
        message = f"{value!r} is none of auto, every, directions:3, sample:30"
        raise click.BadParameter(message, ctx, param)


@main.command(
    epilog="Example: gradcheck verify examples/wrong_dropout.py:problem --seed 1729",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--seed", type=click.IntRange(min=0), help="Replay a run; fresh by default.")
@click.option(
    "--plan",
    type=PlanParameter(),
    default="auto",
    show_default=True,
    metavar="PLAN",
    help="How hard to look: auto, every, directions:3, sample:30.",
)
@click.option("--rtol", type=float, help="What counts as equal beyond the error bar.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the reports to this file.",
)
@click.option("--brief", is_flag=True, help="Print the tables only of what did not pass.")
@click.option("--traceback", is_flag=True, help="Show where your own code raised.")
def verify(
    targets: tuple[str, ...],
    seed: int | None,
    plan: Plan,
    rtol: float | None,
    json_file: Path | None,
    brief: bool,
    traceback: bool,
) -> None:
    """Check gradients and say which are right.

    TARGET is file.py:name or package.module:name, where name is a gradcheck.Problem, a list of
    them, or a function that returns either. Without a target the reference network is checked: a
    small net per activation and loss, at initialisation and trained on iris, and the laws.

    Exit code: 0 all pass, 1 something fails, 2 wrong usage, 3 something is inconclusive.
    """
    seed = secrets.randbits(32) if seed is None else seed
    run = Run(terminal.make_console(), brief=brief, traceback=traceback)
    try:
        settings = Plan(plan.mode, plan.count, plan.rtol if rtol is None else rtol, seed)
        if json_file is not None:
            _require_writable(json_file)
        run.add_all(_run(targets, settings))
    except TargetError as error:
        if traceback and error.traceback:
            click.echo(error.traceback, err=True)
        _stop(str(error))
    except (UsageError, OSError) as error:
        _stop(str(error))
    if json_file is not None:
        _write(json_file, run.reports)
    if run.reports:
        run.show(lambda: terminal.show_summary(run.console, run.reports, seed))
    sys.exit(run.exit_code)


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
            _show_tracebacks(report)

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


def _require_writable(json_file: Path) -> None:
    """Find out before the run, not after it."""
    folder = json_file.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"--json {json_file}: there is no folder {folder}.")
    if not os.access(json_file if json_file.exists() else folder, os.W_OK):
        raise UsageError(f"--json {json_file}: the file cannot be written.")


def _write(json_file: Path, reports: Sequence[Report]) -> None:
    try:
        json_file.write_text(serial.run_to_json(reports), encoding="utf-8")
    except OSError as error:
        _stop(str(error))


def _stop(message: str) -> None:
    click.echo(f"gradcheck: {message}", err=True)
    sys.exit(EXIT_USAGE)


def _show_tracebacks(report: Report) -> None:
    for finding in report.findings:
        if "traceback" in finding.evidence:
            click.echo(finding.evidence["traceback"], err=True)


def _run(targets: tuple[str, ...], plan: Plan) -> Iterator[Report | Refusal]:
    """Check everything asked for, one report at a time."""
    if targets:
        for target, (folder, problems) in zip(targets, load_targets(targets), strict=True):
            many = len(problems) > 1
            names = [
                p.name or (f"{target}[{i}]" if many else target) for i, p in enumerate(problems)
            ]
            with folder.opened():
                yield from _checked(zip(names, problems, strict=True), len(problems), plan)
        return
    # the reference network is needed only here, and is not cheap to import
    from . import embedded, laws

    assert plan.seed is not None, "the command chooses the seed"
    posed = ((problem.name, problem) for problem in embedded.problems(plan.seed))
    yield from _checked(posed, embedded.count_problems(), plan)
    for subject in embedded.subjects():
        name = f"laws on the reference network ({subject.activation}, {subject.loss})"
        yield laws.check(subject, seed=plan.seed, name=name)


def _checked(
    named: Iterable[tuple[str, Problem]], total: int, plan: Plan
) -> Iterator[Report | Refusal]:
    """Check problems under a progress bar, which makes room while a report is printed."""
    bar = terminal.make_progress(terminal.make_console(stderr=True))
    task = bar.add_task("checking", total=total, rate="")
    spent = 0

    def show(progress: Progress) -> None:
        elapsed = bar.tasks[0].elapsed or 0.0
        rate = (spent + progress.evaluations) / elapsed if elapsed > 0 else 0.0
        bar.update(task, rate=f"{rate:.0f} evaluations/s")

    for name, problem in named:
        bar.update(task, description=name)
        with bar:
            report = _checked_one(name, problem, plan, show)
        spent += report.evaluations if isinstance(report, Report) else 0
        bar.advance(task)
        yield report


def _checked_one(
    name: str, problem: Problem, plan: Plan, show: Callable[[Progress], None]
) -> Report | Refusal:
    try:
        return check(problem, plan, show)
    except UsageError as error:
        return Refusal(name, str(error))
    except SystemExit as error:
        return Refusal(name, f"it raised {shown_error(error)}, so nothing could be checked.")
