"""A report as plain text of at most 80 columns: a table and one sentence per finding.

Owns the wording of the summary lines and the cells of the tables, which `terminal` shows in colour.
Part of `render`.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from ..records import LawReport, LeafReport, Report, Verdict

WIDTH = 80
LONGEST_NAME = 20  # a longer path is cut in the middle, so that the table stays within WIDTH
SHORTEST_NAME = 9  # what is left of a path beside the widest of all other cells
LONGEST_SHAPE = 16
LEAF_HEADINGS = ("leaf", "shape", "verdict", "error ± bar", "certified to")
LITTLE = 0.1  # of a leaf's gradient: that one entry is off by more says little about the leaf
NOT_APPLICABLE = "not applicable"


def render_report(report: Report) -> str:
    """Show a report: heading, tables, findings, and how to replay it."""
    parts = [heading(report)]
    if report.leaves:
        rows = [leaf_row(leaf) for leaf in report.leaves.values()]
        parts.append(table(LEAF_HEADINGS, fitted(LEAF_HEADINGS, rows)))
    if report.laws:
        parts.append("\n".join(law_line(row) for row in law_rows(report)))
    sentences = [paragraph(finding.message) for finding in report.findings]
    closing = closing_line(report)
    if closing:
        sentences.append(paragraph(closing))
    if sentences:
        parts.append("\n".join(sentences))
    return "\n\n".join(parts)


def heading(report: Report) -> str:
    """Say in one line what was checked, the verdict, and what it cost."""
    name = f"{report.name}: " if report.name else ""
    return f"{name}{shown(report.verdict)} ({cost(report)})"


def cost(report: Report) -> str:
    """Count leaves, laws, evaluations and time."""
    counts = []
    if report.leaves:
        counts.append(plural(len(report.leaves), "leaf", "leaves"))
        counts.append(plural(report.evaluations, "evaluation", "evaluations"))
    if report.laws:
        counts.append(plural(len(report.laws), "law", "laws"))
    return ", ".join([*counts, duration(report.seconds)])


def plural(count: int, one: str, many: str) -> str:
    """Count in words: `1 leaf`, `2 leaves`."""
    return f"{count} {one if count == 1 else many}"


def duration(seconds: float) -> str:
    """Write a time as a person would."""
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def shown(verdict: Verdict | None) -> str:
    """Write a verdict so that what is not a pass stands out."""
    if verdict is None:
        return NOT_APPLICABLE
    return str(verdict) if verdict is Verdict.PASS else verdict.upper()


def leaf_row(leaf: LeafReport) -> tuple[str, ...]:
    """Fill the cells of one leaf."""
    return (
        shortened(leaf.path),
        shortened(str(leaf.shape), LONGEST_SHAPE),
        shown(leaf.verdict),
        error_and_bar(leaf),
        "-" if math.isnan(leaf.certified) else f"{leaf.certified:.1e}",
    )


def error_and_bar(leaf: LeafReport) -> str:
    """Write the error with its bar, relative to the claim; `abs` where the claim is zero."""
    if leaf.probes == 0:
        return "not tested"
    absolute = "" if leaf.scale > 0 else " abs"
    return f"{leaf.error:.1e} ± {leaf.bar:.0e}{absolute}"


def shortened(path: str, longest: int = LONGEST_NAME) -> str:
    """Cut a long path in the middle."""
    if len(path) <= longest:
        return path
    half = (longest - 3) // 2
    return f"{path[:half]}...{path[-half:]}"


def fitted(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Cut the paths, which come first, further where the other columns leave less room."""
    others = [max(map(len, column)) for column in zip(headings, *rows, strict=True)][1:]
    room = WIDTH - sum(len("  ") + width for width in (*others, 0))
    return [(shortened(row[0], max(room, SHORTEST_NAME)), *row[1:]) for row in rows]


def law_rows(report: Report) -> list[tuple[Verdict | None, str]]:
    """List the laws: the verdict, and what was seen; those that do not apply, in one row.

    A subject with one method offers nothing to most laws, which would hide the few that matter.
    """
    absent = [law for law in report.laws.values() if law.verdict is None]
    if len(absent) < 2:
        return [(law.verdict, _seen(law)) for law in report.laws.values()]
    rows = [(law.verdict, _seen(law)) for law in report.laws.values() if law.verdict is not None]
    folded = (
        f"{len(absent)} laws, which ask for what the subject does not offer; report.laws says of "
        f"each what is missing."
    )
    return [*rows, (None, folded)]


def _seen(law: LawReport) -> str:
    return f"{law.name}: {law.message}"


def law_line(row: tuple[Verdict | None, str]) -> str:
    """Show one row of laws, what was seen indented under itself."""
    verdict, seen = row
    hanging = " " * (len(NOT_APPLICABLE) + 4)
    return textwrap.fill(
        seen,
        WIDTH,
        initial_indent=f"  {shown(verdict):<{len(NOT_APPLICABLE)}}  ",
        subsequent_indent=hanging,
        break_on_hyphens=False,
    )


def closing_line(report: Report) -> str:
    """Say what a pass certifies, or how to see the same failure again."""
    tested = [leaf for leaf in report.leaves.values() if leaf.probes]
    if not tested:
        return ""
    if not report.ok:
        return f"replay: seed={report.plan.seed}"
    error = max(leaf.certified for leaf in tested)
    miss = max(leaf.miss for leaf in tested)
    odds = "" if miss == 0 else f" (missed with probability {miss:.0e} at most)"
    canary = f"{_canary_sentence(tested)} " if report.plan.canary else ""
    seen = (
        f"n error of one entry above {error:.0e} of its leaf's gradient would have been seen{odds}"
    )
    whole = max((leaf.whole for leaf in tested if not math.isnan(leaf.whole)), default=0.0)
    if error > LITTLE and whole > 0:  # in few digits: what can be said, and what cannot
        rest = f"a{seen}" if error <= 1 else "of a single entry nothing is promised"
        seen = f" leaf that is off by {percent(whole)} as a whole would have been seen; {rest}"
    return f"A{seen}. {canary}seed={report.plan.seed}"


def percent(share: float) -> str:
    """Write a share with one digit, rounded up: 0.0234 as 3 %."""
    unit = 10.0 ** math.floor(math.log10(share))
    return f"{math.ceil(share / unit) * unit * 100:.3g} %"


def _canary_sentence(tested: Sequence[LeafReport]) -> str:
    """Say in how many leaves of a pass the planted error was found."""
    found = sum(leaf.canary is True for leaf in tested)
    if found == len(tested) == 1:
        return "An error of at most twice that size, planted in a copy of the claim, was found."
    leaves = f"all {found} leaves" if found == len(tested) else f"{found} of {len(tested)} leaves"
    rest = "" if found == len(tested) else ", and could not be tried in the others"
    return (
        f"Errors of at most twice that size, planted in copies of the claim, were found in "
        f"{leaves}{rest}."
    )


def summarise(report: Report) -> str:
    """Put the verdict and the first finding into one line."""
    first = report.findings[0].message if report.findings else ""
    broken = [law.name for law in report.laws.values() if law.verdict is Verdict.FAIL]
    if not first and broken:
        first = f"broken: {', '.join(broken)}"
    return f"{heading(report)}{': ' + first if first and not report.ok else ''}"


def paragraph(text: str, indent: str = "  ") -> str:
    """Wrap a sentence to the width."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align cells in columns."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    )
    return "\n".join(f"  {line}" for line in lines)
