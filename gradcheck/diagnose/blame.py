"""From the lines on which a leaf failed to the finding about it.

Owns what is handed from `probing` to the search: the point where it failed, the line, the entries
that the plan has looked at already.
Part of `diagnose`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..differences import glance
from ..directions import count_free
from ..execution import BudgetSpent, CallFailed, Origin
from ..localise import Entry, Located, Oracle, Reading, SearchSpent
from ..probing import Measured, line_through
from ..records import DEFAULT_RTOL, BoolArray, Cause, Finding, Plan, Verdict
from ..space import Leaf, places_of
from ..verdict import GLANCE_AGREEMENT
from .culprit import Culprit, exact_cause, find_culprit
from .sentence import describe
from .where import MOST_LISTED, index_text

SLACK = 4.0  # times the truncation seen on one line: other lines may have more
MOST_TRUNCATION = 1e-4  # beyond, two evaluations say nothing


@dataclass(frozen=True, eq=False)
class Blame:
    """What a failing leaf is blamed for.

    Attributes
    ----------
    finding : Finding
        The sentence.
    wrong : boolean array or None
        The entries known to be wrong.
    complete : bool
        Whether these are all.
    located : Located or None
        The entries that were looked at by themselves.
    """

    finding: Finding
    wrong: BoolArray | None = None
    complete: bool = False
    located: Located | None = None


def blame(
    results: Sequence[Measured], worst: Measured, plan: Plan, rng: np.random.Generator
) -> Blame:
    """Find out what is wrong with a leaf, and say it.

    Parameters
    ----------
    results : sequence of Measured
        Its lines.
    worst : Measured
        The one that decided.
    plan : Plan
        How much this may cost.
    rng : numpy.random.Generator
        Draws lines and samples.
    """
    origin = worst.origin
    assert origin is not None, "a line that failed was measured somewhere"
    given = looked_at(results, worst)
    if worst.judgement.cause is Cause.NONFINITE or plan.naming == 0:
        return _unexplored(worst, given)
    oracle = _oracle(origin, worst, plan)
    failed = _reading(worst) if worst.probe.entry is None else None
    return _worded(worst, find_culprit(oracle, failed, rng, given))


def _unexplored(worst: Measured, given: Located | None) -> Blame:
    """Say what was seen, and no more."""
    leaf, cause = _leaf(worst), worst.judgement.cause or Cause.OTHER
    seen = f" is wrong{_along(worst, leaf.array.shape)}."
    if cause is Cause.NONFINITE:
        seen = f" {_not_finite(worst, leaf.array.shape)}"
    finding = Finding(cause, f"{leaf.path}{seen}", leaf.path, numbers_of(worst))
    return Blame(finding, _mask(given), given is not None and given.complete, given)


def blame_exactly(worst: Measured, plan: Plan, rng: np.random.Generator) -> Blame | None:
    """Look for a cause that explains a discrepancy below the tolerance exactly.

    Not below a tolerance that the caller has widened: that is meant.
    """
    if worst.origin is None or worst.probe.entry is not None:
        return None
    if plan.naming == 0 or plan.rtol > DEFAULT_RTOL:
        return None
    oracle = _oracle(worst.origin, worst, plan)
    try:
        culprit = exact_cause(oracle, _reading(worst), rng)
    except (SearchSpent, BudgetSpent, CallFailed):
        return None
    return None if culprit is None else _worded(worst, culprit)


def _worded(worst: Measured, culprit: Culprit) -> Blame:
    leaf = _leaf(worst)
    along = _along(worst, leaf.array.shape)
    cause, message, evidence = describe(leaf.path, culprit, along, worst.output)
    if leaf.pattern is not None:
        message += _stored(leaf, culprit.located.wrong)
    finding = Finding(cause, message, leaf.path, {**numbers_of(worst), **evidence})
    return Blame(finding, culprit.wrong, culprit.complete, culprit.located)


def _stored(leaf: Leaf, wrong: Sequence[int]) -> str:
    """Say where in a sparse leaf its wrong values are, which are named by their places in data."""
    where, said = places_of(leaf.pattern), []
    for k in wrong[:MOST_LISTED]:
        stored = index_text(np.unravel_index(k, leaf.array.shape))
        said.append(f"{stored} is entry {index_text([axis[k] for axis in where])}")
    return f" Of the values stored in {leaf.path}, {', '.join(said)} of it." if said else ""


def _leaf(worst: Measured) -> Leaf:
    assert worst.origin is not None, "a line that failed was measured somewhere"
    return worst.origin.space.leaves[worst.probe.leaf]


def _oracle(origin: Origin, worst: Measured, plan: Plan) -> Oracle:
    """Look how good a difference of two evaluations was on the line that failed."""
    truncation = GLANCE_AGREEMENT
    look = None
    if worst.derivative is not None:
        with suppress(BudgetSpent):  # where a point nearby decided, it has to be measured
            look = glance(line_through(origin, worst.probe))
    scale = max(worst.analytic.scale, abs(worst.numeric))
    if look is not None and math.isfinite(worst.numeric) and scale > 0 and not worst.refereed:
        off = abs(look.value - worst.numeric) - look.rounding - worst.bar
        truncation = max(truncation, min(SLACK * off / scale, MOST_TRUNCATION))
    return Oracle(origin, worst.probe.leaf, plan.rtol, plan.naming, truncation)


def _reading(m: Measured) -> Reading:
    tangent = m.probe.tangent[m.probe.leaf]
    scale = max(m.analytic.scale, abs(m.numeric))
    return Reading(tangent, m.analytic.value, m.numeric, m.bar, scale)


def looked_at(results: Sequence[Measured], worst: Measured) -> Located | None:
    """Gather the entries that the plan looked at by themselves; None if it drew directions."""
    if worst.output or worst.probe.entry is None:
        return None
    shape = worst.probe.tangent[worst.probe.leaf].shape
    lines = [m for m in results if m.probe.entry is not None and not m.output]
    lines.sort(key=lambda m: m.probe.entry or 0)
    entries: dict[int, Entry] = {}
    for m in lines:
        k, unit = m.probe.entry or 0, m.probe.weakest
        part = 1j if _is_imaginary(m) else 1
        wrong = m.judgement.verdict is Verdict.FAIL
        before = entries.get(k, Entry(0, 0, 0.0, wrong=False))
        entries[k] = Entry(
            before.analytic + part * m.analytic.value / unit,
            before.numeric + part * m.numeric / unit,
            math.hypot(before.bar, m.bar / unit),
            before.wrong or wrong,
        )
    sure = all(m.judgement.verdict is not Verdict.INCONCLUSIVE for m in lines)
    return Located(shape, entries, (), sure and len(entries) == count_free(_leaf(worst)))


def _is_imaginary(m: Measured) -> bool:
    v = m.probe.tangent[m.probe.leaf]
    return v.dtype.kind == "c" and bool(v.imag.any())


def _mask(located: Located | None) -> BoolArray | None:
    return None if located is None or not located.complete else located.mask


def _along(worst: Measured, shape: tuple[int, ...]) -> str:
    """Say what was seen on the line that failed."""
    unit = 1.0 if worst.probe.entry is None else worst.probe.weakest
    admissible = worst.origin is not None and worst.origin.space.is_projected(worst.probe.leaf)
    random = " along a random admissible direction" if admissible else " along a random direction"
    place = random if worst.probe.entry is None else _at(worst, shape)
    for_output = f" for {worst.output}" if worst.output else ""
    ratio = f" (ratio {worst.analytic.value / worst.numeric:.6g})" if worst.numeric != 0 else ""
    return (
        f"{place}{for_output}: analytic {worst.analytic.value / unit:.6g}, numeric "
        f"{worst.numeric / unit:.6g} ± {worst.bar / unit:.0e}{ratio}"
    )


def _at(worst: Measured, shape: tuple[int, ...]) -> str:
    if worst.probe.entry is None or not shape:
        return ""
    return f" at {index_text(np.unravel_index(worst.probe.entry, shape))}"


def _not_finite(worst: Measured, shape: tuple[int, ...]) -> str:
    unit = 1.0 if worst.probe.entry is None else worst.probe.weakest
    return (
        f"is not finite{_at(worst, shape)}, where f is smooth: numeric "
        f"{worst.numeric / unit:.6g} ± {worst.bar / unit:.0e}."
    )


def numbers_of(m: Measured) -> dict[str, float | str]:
    """Return the numbers behind a sentence about a line."""
    about = {"output": m.output} if m.output else {}
    return {
        **about,
        "analytic": m.analytic.value,
        "numeric": m.numeric,
        "error_bar": m.bar,
        "scale": m.judgement.scale,
    }
