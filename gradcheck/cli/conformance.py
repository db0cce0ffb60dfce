"""`gradcheck conformance`: the laws on networks that we did not write.

Part of `cli`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..records import UsageError
from ..render import text
from .run import require_writable, stop, write

if TYPE_CHECKING:
    from ..conformance import Column


@click.command(
    "conformance", epilog="Example: gradcheck conformance --markdown docs/conformance.md"
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--markdown",
    "document",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the table to this file.",
)
def compare(seed: int, document: Path | None) -> None:
    """Try all laws on all implementations that are installed.

    These are the reference network, scikit-learn's MLP, torch.nn, and Equinox with Optax, as far as
    they are installed. `gradcheck verify --laws gradcheck.subjects.torch_nn:relu` shows one of them
    with its numbers.

    Exit code: 0 all laws were tried, whatever they show; 2 wrong usage.
    """
    from .. import conformance  # only this command needs it, and it is not cheap to import

    try:
        if document is not None:
            require_writable("--markdown", document)
        columns = []
        for implementation in conformance.IMPLEMENTATIONS:
            if implementation.versions:
                column = conformance.judge(implementation, seed)
                columns.append(column)
                _show(column)
            else:
                click.echo(f"{implementation.name}: not installed, so not tried")
    except UsageError as error:
        stop(str(error))
    if document is not None:
        write(document, conformance.markdown(columns, seed))


def _show(column: Column) -> None:
    """Print how many laws there are of each mark, and what each of the broken ones shows."""
    from ..conformance import Mark

    marks = [entry.mark for entry in column.entries.values()]
    words = {
        Mark.HOLDS: "hold",
        Mark.BROKEN: "broken",
        Mark.UNDECIDED: "undecided",
        Mark.NOT_OFFERED: "not offered",
    }
    counts = ", ".join(f"{marks.count(mark)} {word}" for mark, word in words.items())
    versions = ", ".join(f"{k} {v}" for k, v in column.implementation.versions.items())
    click.echo(f"{column.implementation.name} ({versions}): {counts}")
    for law, entry in column.entries.items():
        if entry.mark in (Mark.BROKEN, Mark.UNDECIDED):
            click.echo(text.paragraph(f"{entry.mark}: {law}: {entry.sentence}."))
