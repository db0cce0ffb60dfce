"""The measurements as plain-text tables.

Owns presentation only: one table of bars, one of verdicts, one of targets, one of peers, and the
list of offenders with what replays each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from gradcheck import Verdict

from .measure import Campaign, Judged, Numeric
from .targets import TARGETS, UNCOUNTED, check, derivatives, mean, quantile, share


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Align columns: the first to the left, the others to the right."""
    cells = [list(head), *([show(cell) for cell in row] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "-" * sum(w + 2 for w in widths), *lines[1:]])


def show(cell: object) -> str:
    """Write a number with as many digits as are read."""
    if not isinstance(cell, float):
        return str(cell)
    if math.isnan(cell):
        return "-"
    return f"{cell:.0e}" if 0 < abs(cell) < 0.01 else f"{cell:.4g}"


def bars(campaign: Campaign) -> str:
    """Tabulate the error bars by family; families without a derivative are left out."""
    head = (
        "family", "n", "covered %", "error med", "p99", "bar med", "p99", "bar/error",
        "certified %", "ev. med", "mean", "max",
    )  # fmt: skip
    found = [m for m in campaign.numerics if m.differentiable]
    rows = [_bar_row(family, group) for family, group in _grouped(found)]
    return table(head, [*rows, _bar_row("all counted", derivatives(campaign))])


def _bar_row(family: str, group: Sequence[Numeric]) -> tuple[object, ...]:
    ratios = [m.bar / m.error for m in group if m.error > 0]
    costs = [m.evaluations for m in group]
    return (
        family,
        len(group),
        share(m.covered for m in group),
        *(quantile((m.relative_error for m in group), q) for q in (0.5, 0.99)),
        *(quantile((m.relative_bar for m in group), q) for q in (0.5, 0.99)),
        quantile(ratios, 0.5),
        share(m.certified for m in group),
        quantile(costs, 0.5),
        mean(costs),
        max(costs, default=0),
    )


def verdicts(campaign: Campaign) -> str:
    """Tabulate the verdicts by family."""
    head = (
        "family", "right: PASS", "FAIL", "INC.", "ev.", "wrong: PASS", "FAIL", "INC.", "ev.",
    )  # fmt: skip
    rows = [_verdict_row(family, group) for family, group in _grouped(campaign.verdicts)]
    counted = [j for j in campaign.verdicts if j.family not in UNCOUNTED]
    return table(head, [*rows, _verdict_row("all counted", counted)])


def _verdict_row(family: str, group: Sequence[Judged]) -> tuple[object, ...]:
    cells: list[object] = [family]
    for is_right in (True, False):
        some = [j for j in group if j.is_right is is_right]
        for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE):
            cells.append(sum(j.verdict is verdict for j in some))
        cells.append(mean(j.evaluations for j in some))
    return tuple(cells)


def targets(campaign: Campaign) -> str:
    """Tabulate the targets and whether each is met."""
    outcomes = [check(target, campaign) for target in TARGETS]
    rows = [(o.name, o.target, o.measured, "yes" if o.met else "NO") for o in outcomes]
    return table(("target", "limit", "measured", "met"), rows)


def offenders(campaign: Campaign, most: int = 400) -> str:
    """List each false bar and false verdict, with what replays it."""
    lines = [
        f"{m.name} seed={m.seed}: {_why(m)}"
        for m in campaign.numerics
        if m.family not in UNCOUNTED and _why(m)
    ]
    lines += [
        f"{j.name} seed={j.seed}: claim x {j.factor:g} called {j.verdict or 'nothing'}: {j.reason}"
        for j in campaign.verdicts
        if j.family not in UNCOUNTED and j.offends
    ]
    if not lines:
        return "no offenders"
    rest = [f"and {len(lines) - most} more"] if len(lines) > most else []
    head = f"{len(lines)} offenders (replay: --seeds SEED --case NAME)"
    return "\n".join([head, _counts(campaign), "", *lines[:most], *rest])


def _counts(campaign: Campaign) -> str:
    """Count the offenders by family and kind."""
    kinds = ("bar", "right FAIL", "wrong PASS")
    pairs = [(m.family, "bar") for m in campaign.numerics if _why(m)]
    pairs += [(j.family, kinds[1 if j.is_right else 2]) for j in campaign.verdicts if j.offends]
    families = [family for family in dict.fromkeys(f for f, _ in pairs) if family not in UNCOUNTED]
    rows = [(family, *(pairs.count((family, kind)) for kind in kinds)) for family in families]
    return table(("family", *kinds), rows) + "\n"


def _why(m: Numeric) -> str:
    """Say what is false about a measurement; nothing where nothing is."""
    if m.trouble:
        return f"raised {m.trouble}"
    if m.differentiable and not m.covered:
        return f"{m.value:.10g} ± {m.bar:.1e}, truth {m.truth:.10g}, {m.overshoot:.3g} bars off"
    if m.nonsense:
        return f"{m.value:.10g} ± {m.bar:.1e} where there is no derivative"
    if m.sides_hold is False:
        return "the one-sided derivatives do not hold"
    return ""


def _grouped(records: Sequence) -> list[tuple[str, list]]:
    """Group by family, in the order of the corpus."""
    groups: dict[str, list] = {}
    for record in records:
        groups.setdefault(record.family, []).append(record)
    return list(groups.items())
