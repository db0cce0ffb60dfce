"""What a leaf that passes is certified of: which errors would have been seen, and which not.

Seventh layer: reads what `probing` has measured; `examine` puts the numbers into the report.
"""

from __future__ import annotations

import math

from .directions import certified, count_free, relative_to
from .execution import Origin
from .probing import Measured, Seen
from .records import Plan, Verdict
from .space import grid_of
from .verdict import allowance, is_vague, least_factor, sees_a_factor


def is_blind(results: Seen, plan: Plan) -> bool:
    """Whether no direction fails, but none would have shown a leaf that is off by one percent.

    One that stays open is as good as one that passes only where others may settle it: where many
    claims of few digits were asked. So is one that passes in few digits because their middle could
    not tell: else a wrong claim would be asked along fewer directions than the right one.
    """
    return len(results.settled) == 0 and all(
        (m.judgement.verdict is Verdict.PASS or m.open)
        and m.probe.entry is None
        and not m.judgement.zero
        and m.analytic.scale > 0
        and not _sees_a_factor(m, plan)
        for m in results.measured
    )


def _sees_a_factor(m: Measured, plan: Plan) -> bool:
    short = m.origin is not None and m.origin.short is not None
    if short and not m.refereed and is_vague(m.analytic, plan.rtol):
        return False
    return sees_a_factor(m.size, m.judgement.scale, m.bar, _allowed(m, plan))


def smallest_seen(origin: Origin, i: int, results: Seen) -> tuple[float, float]:
    """Return the smallest error of an entry that was excluded, relative to the leaf's gradient."""
    claim, array = origin.claimed.get(i), origin.space.leaves[i].array
    lines = [m for m in results.measured if not m.output]
    if len(results.settled) == 0 and lines[0].probe.entry is None:
        taus, weights = [m.passes for m in lines], [m.probe.weakest for m in lines]
        error, miss = certified(taus, weights, grid_of(array.dtype))
    else:
        free = count_free(origin.space.leaves[i])
        error, miss = results.largest_passing, 1 - len(results.tested) / free
    return relative_to(claim, error), miss


def least_whole(results: Seen, plan: Plan) -> float:
    """Return the smallest relative error of the leaf as a whole that one of the lines shows."""
    least = results.least_factor_at_a_glance(plan.rtol)
    for m in results.measured:
        # of the middle of many, the numbers of another claim would be others
        distance = abs(m.analytic.value - m.numeric) + (2 * m.bar if m.refereed else 0.0)
        if not m.output and m.analytic.scale > 0:
            least = min(least, least_factor(m.size, distance, m.bar, _allowed(m, plan)))
    return least if math.isfinite(least) else math.nan


def _allowed(m: Measured, plan: Plan) -> float:
    """Return by how much a claim may be off along a line beyond its bar, remarked on or not."""
    return m.tolerated or float(allowance(m.analytic, plan.rtol, m.judgement.scale))
