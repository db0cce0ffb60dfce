"""Conformance: all laws on all implementations that are installed, as a table.

    from gradcheck import conformance
    installed = [one for one in conformance.IMPLEMENTATIONS if one.versions]
    columns = [conformance.judge(one, seed=1) for one in installed]
    print(conformance.markdown(columns, seed=1))

At the edge: uses `laws`, and loads `subjects` and `embedded` by name. `gradcheck conformance` is
its command, docs/conformance.md what it writes.
"""

from .document import Reading, markdown, read
from .implementations import IMPLEMENTATIONS, Implementation, Use
from .marks import Column, Entry, Mark, judge

__all__ = [
    "IMPLEMENTATIONS",
    "Column",
    "Entry",
    "Implementation",
    "Mark",
    "Reading",
    "Use",
    "judge",
    "markdown",
    "read",
]
