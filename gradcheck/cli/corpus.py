"""`gradcheck corpus`: measure the checker, and its peers, where the truth is known.

Part of `cli`.
"""

from __future__ import annotations

import difflib
import secrets
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..records import UsageError, Verdict
from ..render import terminal, text
from .run import EXIT_CODES, EXIT_INTERRUPT, Run, require_writable, stop, write

if TYPE_CHECKING:
    from ..corpus import Campaign, CorpusCase


@click.command("corpus", epilog="Example: gradcheck corpus --case sign-flipped --seed 1729")
@click.option("--seeds", type=click.IntRange(min=1), help="How many; 3, or 1 with --case.")
@click.option("--seed", type=click.IntRange(min=0), help="The first of them; fresh by default.")
@click.option("--peers/--no-peers", default=None, help="Ask peers too; by default unless --case.")
@click.option("--case", "names", multiple=True, metavar="NAME", help="This one, with its report.")
@click.option(
    "--markdown",
    "document",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the comparison to this file.",
)
def measure(
    seeds: int | None,
    seed: int | None,
    peers: bool | None,
    names: tuple[str, ...],
    document: Path | None,
) -> None:
    """Measure the checker, and its peers, on gradients of which the truth is known.

    Planted faults, the right twin of each, and right gradients that look wrong; drawn anew from
    each seed. Peers are torch, jax, autograd, scipy, numdifftools and derivcheck, as far as they
    are installed.

    Exit code: 0 all is well, 1 a wrong gradient passed, a right one failed or the checker raised,
    2 wrong usage.
    """
    from .. import corpus  # only this command needs it, and it is not cheap to import

    _require_known(names, corpus.names())
    first = secrets.randbits(32) if seed is None else seed
    drawn = range(first, first + (seeds or (1 if names else 3)))
    cases = [case for one in drawn for case in corpus.draw(one, names or None)]
    asked = corpus.PEERS if peers or (peers is None and not names) else ()
    try:
        if document is not None:
            require_writable("--markdown", document)
        campaign = corpus.run(cases, asked, _counted)
    except UsageError as error:
        stop(str(error))
    except KeyboardInterrupt:
        click.echo("gradcheck: interrupted.", err=True)
        sys.exit(EXIT_INTERRUPT)
    options = [f"--seeds {len(drawn)} --seed {first}", *(f"--case {name}" for name in names)]
    replay = " ".join(["gradcheck corpus", *options, "--peers" if asked else "--no-peers"])
    if document is not None:
        write(document, corpus.markdown(campaign.outcomes, replay))
    run = Run(terminal.make_console(), brief=False, traceback=False)
    if names:
        run.show(lambda: _show_cases(run.console, campaign))
    run.show(lambda: _show_scores(campaign, replay))
    sys.exit(EXIT_CODES[Verdict.PASS if campaign.ok else Verdict.FAIL])


def _require_known(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known) or known[:3]
            stop(f"--case {name}: there is no such case; there are {', '.join(near)}.")


def _counted(name: str, cases: Sequence[CorpusCase]) -> Iterator[CorpusCase]:
    """Go through the cases under a progress bar."""
    bar = terminal.make_progress(terminal.make_console(stderr=True))
    task = bar.add_task(name, total=len(cases), rate="")
    with bar:
        for case in cases:
            yield case
            bar.advance(task)


def _show_cases(console: terminal.ReportConsole, campaign: Campaign) -> None:
    """Print what each case is, and the report of our checker."""
    for case, report in zip(campaign.cases, campaign.reports, strict=True):
        for sentence in case.describe():
            click.echo(text.paragraph(sentence, indent=""))
        click.echo()
        if report is not None:
            terminal.show_report(console, report)


def _show_scores(campaign: Campaign, replay: str) -> None:
    """Print a row a tool, what our checker names, and what it did not do as it should."""
    from .. import corpus

    scores = [corpus.score(some) for some in campaign.outcomes.values()]
    click.echo(text.table(corpus.HEADINGS, [corpus.row(score) for score in scores]))
    sections = [
        [corpus.LEGEND],
        corpus.sentences(scores[0]),
        corpus.troubles(campaign.outcomes[corpus.OURS]),
        [f"Not installed, so not asked: {', '.join(campaign.absent)}."] if campaign.absent else [],
        [f"{text.duration(scores[0].seconds)} for gradcheck; {replay}"],
    ]
    for section in filter(None, sections):
        click.echo()
        for sentence in section:
            click.echo(text.paragraph(sentence))
