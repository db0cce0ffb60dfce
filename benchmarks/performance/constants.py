"""The few numbers with which one reckons what a check will cost, taken from the other tables."""

from __future__ import annotations

from collections.abc import Sequence

from .checkers import DIRECTION_CALLED, DIRECTION_GIVEN, GIVEN
from .sections import Section

HEAD = ("constant", "value", "unit")
TEXT = "On the machine of this page, for claims that are given, out of the tables below."


def constants(sections: Sequence[Section]) -> Section | None:
    """Take the constants from what was measured; None where nothing of it was."""
    rows: list[tuple[object, ...]] = []
    for section in sections:
        if section.title == "Every entry":
            own = [row for row in section.rows if row[0] == GIVEN.name]
            rows.append(("a check of few entries, once", own[0][3] - own[0][4], "ms"))
            rows.append(("every entry, beside each evaluation", own[-1][6], "us"))
        if section.title == "One direction":
            for checker in (DIRECTION_GIVEN, DIRECTION_CALLED):
                last = [row for row in section.rows if row[0] == checker.name][-1]
                what = f"a direction, for each number, {checker.name.split(', ')[1]}"
                rows.append((what, 1e6 * last[4] / last[1], "ns, f included"))
                rows.append((f"memory, {checker.name.split(', ')[1]}", last[7], "x"))
        if section.title == "Import":
            rows.append(("import, beyond what it needs", section.rows[1][2], "ms"))
    return Section("Constants", TEXT, HEAD, rows) if rows else None
