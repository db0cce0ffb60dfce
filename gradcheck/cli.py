"""The command line: `gradcheck verify [TARGET ...]`.

Owns arguments, exit codes and the sentences for what can go wrong before a check begins. Computes
nothing itself.
At the edge; the one file that imports click.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from . import __version__
from .check import check
from .flow import Progress
from .records import Plan, Problem, Report, UsageError, Verdict
from .render import serial, terminal
from .targets import TargetError, load_targets

EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}
EXIT_USAGE = 2


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
        try:
            if word in builders and number:
                return builders[word](int(number))
        except ValueError as error:
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
    console = terminal.make_console()
    try:
        settings = Plan(plan.mode, plan.count, plan.rtol if rtol is None else rtol, seed)
        reports = []
        for report in _run(targets, settings):
            reports.append(report)
            if not (brief and report.ok):
                terminal.show_report(console, report)
            if traceback:
                _show_tracebacks(report)
        if json_file is not None:
            json_file.write_text(serial.run_to_json(reports), encoding="utf-8")
    except TargetError as error:
        if traceback and error.traceback:
            click.echo(error.traceback, err=True)
        _stop(str(error))
    except (UsageError, OSError) as error:
        _stop(str(error))
    terminal.show_summary(console, reports, seed)
    sys.exit(_exit_code(reports))


def _exit_code(reports: Iterable[Report]) -> int:
    verdicts = {report.verdict for report in reports}
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if verdict in verdicts:
            return EXIT_CODES[verdict]
    return EXIT_CODES[Verdict.PASS]


def _stop(message: str) -> None:
    click.echo(f"gradcheck: {message}", err=True)
    sys.exit(EXIT_USAGE)


def _show_tracebacks(report: Report) -> None:
    for finding in report.findings:
        if "traceback" in finding.evidence:
            click.echo(finding.evidence["traceback"], err=True)


def _run(targets: tuple[str, ...], plan: Plan) -> Iterator[Report]:
    """Check everything asked for, one report at a time."""
    if targets:
        loaded = load_targets(targets)
        for folder, problems in loaded:
            with folder.opened():
                yield from _checked(problems, len(problems), plan)
        return
    # the reference network is needed only here, and is not cheap to import
    from . import embedded, laws

    assert plan.seed is not None, "the command chooses the seed"
    yield from _checked(embedded.problems(plan.seed), embedded.count_problems(), plan)
    for subject in embedded.subjects():
        name = f"laws on the reference network ({subject.activation}, {subject.loss})"
        yield laws.check(subject, seed=plan.seed, name=name)


def _checked(problems: Iterable[Problem], total: int, plan: Plan) -> Iterator[Report]:
    """Check problems under a progress bar."""
    with terminal.make_progress(terminal.make_console(stderr=True)) as bar:
        task = bar.add_task("checking", total=total, rate="")
        spent = 0

        def show(progress: Progress) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = (spent + progress.evaluations) / elapsed if elapsed > 0 else 0.0
            bar.update(task, rate=f"{rate:.0f} evaluations/s")

        for problem in problems:
            bar.update(task, description=problem.name or "checking")
            report = check(problem, plan, show)
            spent += report.evaluations
            bar.advance(task)
            yield report
