"""`gradcheck verify`: check gradients, and try the laws.

Part of `cli`.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from ..check import check
from ..records import Plan, Problem, Progress, Report, UsageError, shown_error
from ..render import serial, terminal
from ..targets import TargetError, load_subjects, load_targets
from .report import write_html
from .run import Refusal, Run, require_html, require_writable, stop, write


class PlanParameter(click.ParamType):  # type: ignore[type-arg]  # generic in new versions only
    """A plan as text: auto, every, directions:3, sample:30."""

    name = "plan"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Plan:
        """Read the text."""
        if isinstance(value, Plan):
            return value
        try:
            return Plan.from_text(str(value))
        except UsageError as error:
            raise click.BadParameter(str(error), ctx, param) from None


@click.command(
    epilog="Example: gradcheck verify examples/wrong_dropout.py:problem --seed 1729",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--laws", "subjects", multiple=True, metavar="SUBJECT", help="Try the laws on it.")
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
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the reports to this page, which needs nothing else.",
)
@click.option("--brief", is_flag=True, help="Print the tables only of what did not pass.")
@click.option("--traceback", is_flag=True, help="Show where your own code raised.")
def verify(
    targets: tuple[str, ...],
    subjects: tuple[str, ...],
    seed: int | None,
    plan: Plan,
    rtol: float | None,
    json_file: Path | None,
    html_file: Path | None,
    brief: bool,
    traceback: bool,
) -> None:
    """Check gradients and say which are right.

    TARGET is file.py:name or package.module:name, where name is a gradcheck.Problem, a list of
    them, or a function that returns either. Without a target the reference network is checked: a
    small net per activation and loss, at initialisation and trained on iris, and the laws.
    SUBJECT is a target that names an implementation: see gradcheck.laws.

    Where a claim passes, a copy of it with a small planted error is checked too; if that passes
    unseen, the answer is inconclusive.

    Exit code: 0 all pass, 1 something fails, 2 wrong usage, 3 something is inconclusive.
    """
    seed = secrets.randbits(32) if seed is None else seed
    run = Run(terminal.make_console(), brief=brief, traceback=traceback)
    try:
        rtol = plan.rtol if rtol is None else rtol
        settings = replace(plan, rtol=rtol, seed=seed, canary=True)
        _require_files(json_file, html_file)
        run.add_all(_run(targets, subjects, settings))
    except TargetError as error:
        if traceback and error.traceback:
            click.echo(error.traceback, err=True)
        stop(str(error))
    except (UsageError, ImportError, OSError) as error:
        stop(str(error))
    _write_files(run.reports, json_file, html_file)
    if run.reports:
        run.show(lambda: terminal.show_summary(run.console, run.reports, seed))
    sys.exit(run.exit_code)


def _require_files(json_file: Path | None, html_file: Path | None) -> None:
    """Find out before the run what cannot be written after it."""
    if json_file is not None:
        require_writable("--json", json_file)
    if html_file is not None:
        require_html(html_file)


def _write_files(reports: Sequence[Report], json_file: Path | None, html_file: Path | None) -> None:
    if json_file is not None:
        write(json_file, serial.run_to_json(reports))
    if html_file is not None:
        write_html(html_file, reports)


def _run(
    targets: tuple[str, ...], subjects: tuple[str, ...], plan: Plan
) -> Iterator[Report | Refusal]:
    """Check everything asked for, one report at a time."""
    from .. import laws  # only here

    if targets or subjects:
        for target, (folder, problems) in zip(targets, load_targets(targets), strict=True):
            many = len(problems) > 1
            names = [
                p.name or (f"{target}[{i}]" if many else target) for i, p in enumerate(problems)
            ]
            with folder.opened():
                yield from _checked(zip(names, problems, strict=True), len(problems), plan)
        for target, (folder, subject) in zip(subjects, load_subjects(subjects), strict=True):
            with folder.opened():
                yield laws.check(subject, seed=plan.seed, name=f"laws on {target}")
        return
    # the reference network is needed only here, and is not cheap to import
    from .. import embedded

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
