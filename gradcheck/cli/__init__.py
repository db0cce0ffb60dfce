"""The command line: `gradcheck verify`, `report`, `diff`, `corpus`, `lessons`, `conformance`.

Each command is a file. They own arguments, exit codes and the sentences for what can go wrong
before a check begins, and compute nothing themselves.
At the edge; the one place that imports click.
"""

from __future__ import annotations

import click

from .. import __version__
from .conformance import compare
from .corpus import measure
from .diff import diff
from .lessons import teach
from .report import report
from .verify import verify

__all__ = ["main"]


COMPLETION = (
    'Shell completion, in bash: eval "$(_GRADCHECK_COMPLETE=bash_source gradcheck)"; likewise for '
    "zsh_source and fish_source."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=COMPLETION)
@click.version_option(__version__, prog_name="gradcheck")
def main() -> None:
    """Check hand-written gradients: is it right, where is it wrong, and why."""


for command in (verify, report, diff, measure, teach, compare):
    main.add_command(command)
