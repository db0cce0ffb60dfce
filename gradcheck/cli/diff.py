"""`gradcheck diff`: what got worse between two runs.

Part of `cli`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..comparison import compare, sentences
from ..render import text
from .report import FILE, read

EXIT_WORSE = 1


@click.command(epilog="Example: gradcheck diff main.json branch.json")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
def diff(old: Path, new: Path) -> None:
    """Say what got worse, better, new or missing between two runs.

    OLD and NEW are what `gradcheck verify --json` or `report.to_json()` wrote. Reports, leaves and
    laws are compared by name. New and not passing is worse; missing is said, and is not.

    Exit code: 0 nothing is worse, 1 something is, 2 a file is no report or cannot be read.
    """
    comparison = compare(read(old), read(new))
    for sentence in sentences(comparison):
        click.echo(text.paragraph(sentence, indent=""))
    sys.exit(0 if comparison.ok else EXIT_WORSE)
