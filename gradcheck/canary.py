"""The canary: a small error planted in a copy of the claim, to see that it would have been seen.

Owns where the error is planted, how large it is, and what counts as seen. The copy goes through
the very lines, referees and rules of the claim itself, so that a checker gone blind in any of them
lets it pass, and says so.
Sixth layer: uses `probing`; `examine` asks for it once a leaf has passed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .execution import BudgetSpent, CallFailed, Origin
from .probing import MOST_EVALUATIONS, Measured, Place, measure
from .records import Cause, Finding, LeafReport, Plan, Verdict
from .space import Array, OneEntry, Tangent, inner, norm, working_dtype

STREAM = 4  # of the plan's seed, beside the three that `flow` spawns: lines stay what they were
# Times the limit: the copy is measured anew, by a ladder where a glance was enough for the claim,
# or at other random points, and what it finds has another bar.
BEYOND = 2.0
LEAST_WEIGHT = 1e-3  # of the largest: less is what a projection leaves by accident


@dataclass(frozen=True, eq=False)
class Canary:
    """What became of the planted error.

    Attributes
    ----------
    seen : bool or None
        Whether the copy of the claim did not pass plainly; None if that could not be tried.
    finding : Finding or None
        The sentence for an error that passed unseen.
    closer : tuple of Measured
        The leaf's lines, with the bars of the ladder where a glance had been enough, if an error
        passed unseen because these are wider: then it is not the checker that is blind, but the
        limit that was too low.
    """

    seen: bool | None
    finding: Finding | None = None
    closer: tuple[Measured, ...] = ()


UNTRIED = Canary(None)


def release(
    place: Place, i: int, plan: Plan, results: Sequence[Measured], report: LeafReport
) -> Canary:
    """Plant an error in a copy of a claim that passed, measure again, and ask whether it is seen.

    First as small an error as one line alone must show, which in several directions is far below
    the certified limit, where errors of other entries may cancel it. Only if that is not seen, one
    at the limit, along all lines: this one is promised.

    Costs a window of the ladder where a glance had been enough, and what a referee costs where one
    was asked; values of `f` along the lines are there already. Draws nothing from the streams of
    the check itself.

    Parameters
    ----------
    place : Place
        Where the leaf was probed.
    i : int
        The number of the leaf.
    plan : Plan
        How it was looked at.
    results : sequence of Measured
        What was measured.
    report : LeafReport
        What came of it.
    """
    results = [m for m in results if not m.output]
    size = norm(place.origin.claimed[i]) if i in place.origin.claimed else 0.0
    most = BEYOND * report.certified * (size if size > 0 else 1.0)  # see directions.relative_to
    if report.verdict is not Verdict.PASS or not 0 < most < np.inf:
        return UNTRIED
    rng = np.random.default_rng([plan.seed or 0, STREAM, i])
    draw = _draw_admissible if place.origin.space.is_projected(i) else _draw_entry
    unit = draw(results, rng)
    along = sorted((m for m in results if _shift(m, unit) > 0), key=lambda m: _alone(m, unit))
    if not along:
        return UNTRIED
    least = min(BEYOND * _alone(along[0], unit), most)
    known = {id(m): m for m in results}
    try:
        for error, lines in ((least, along[:1]), (most, along)):
            there = _planted(place, {i: error * unit}, rng)
            for before in lines:
                after = measure(there, before.probe, plan)
                if _is_unfinished(after, there.origin):
                    return UNTRIED
                if _is_seen(before, after):
                    return Canary(seen=True)
                known[id(before)] = _closer(before, after)
    except (BudgetSpent, CallFailed):
        return UNTRIED
    closer = tuple(known[id(m)] for m in results)
    wider = any(now is not m for now, m in zip(closer, results, strict=True))
    finding = _slipped(report, most * unit, len(along))
    return Canary(seen=False, finding=finding, closer=closer if wider else ())


def _closer(before: Measured, after: Measured) -> Measured:
    """Return what the ladder says of the claim itself, where a glance had been enough."""
    if before.derivative is not None or after.derivative is None:
        return before
    return replace(before, numeric=after.numeric, bar=after.bar, derivative=after.derivative)


def _draw_entry(results: Sequence[Measured], rng: np.random.Generator) -> Array:
    """Draw an entry among those that were probed, and a sign; real or imaginary."""
    return _draw_moved(results, rng, 0.0)


def _draw_admissible(results: Sequence[Measured], rng: np.random.Generator) -> Array:
    """Draw one that a projection leaves some weight: an error in others hardly shows."""
    return _draw_moved(results, rng, LEAST_WEIGHT)


def _draw_moved(results: Sequence[Measured], rng: np.random.Generator, share: float) -> Array:
    probe = results[int(rng.integers(len(results)))].probe
    v = probe.tangent[probe.leaf]
    unit = np.zeros(v.shape, dtype=working_dtype(v.dtype))
    # all but what is held still, or hardly admissible
    moved = np.flatnonzero(np.abs(v) > share * np.abs(v).max())
    drawn = int(moved[rng.integers(len(moved))]) if probe.entry is None else probe.entry
    k = np.unravel_index(drawn, v.shape)
    parts = [part for part in (1.0, 1j) if inner(np.asarray(part), v[k]) != 0]
    unit[k] = rng.choice([-1.0, 1.0]) * parts[int(rng.integers(len(parts)))]
    return unit


def _shift(measured: Measured, unit: Array) -> float:
    """Return how much an error of one in that entry moves the claim along a line."""
    tangent = measured.probe.tangent
    if isinstance(tangent, OneEntry):
        return abs(complex(np.conj(unit.reshape(-1)[tangent.entry]) * tangent.size).real)
    return abs(inner(unit, tangent[measured.probe.leaf]))


def _alone(measured: Measured, unit: Array) -> float:
    """Return the largest error of that entry which a line lets pass, if it is the only one."""
    return measured.passes / _shift(measured, unit)


def _planted(place: Place, planted: Tangent, rng: np.random.Generator) -> Place:
    """Return the place with the error in the claim, at every point that is reached from there."""

    def plant(origin: Origin) -> Origin:
        return replace(origin, planted=planted)

    count = itertools.count()

    def visit(_: float) -> Origin | None:  # the points nearby are those of the check itself
        origin = place.nearby(next(count))
        return None if origin is None else plant(origin)

    def make_finer() -> Place | None:
        finer = place.finer()
        return None if finer is None else _planted(finer, planted, rng)

    given = None if place.given is None else plant(place.given)
    return Place(plant(place.origin), visit, make_finer, rng, given=given)


def _is_seen(before: Measured, after: Measured) -> bool:
    """Whether the copy was told from the claim: no pass, or a remark that is new or moved.

    A claim that agrees to a few digits only is remarked on anyway; its error must have moved by
    more than the bar.
    """
    if after.judgement.verdict is not Verdict.PASS:
        return True
    if after.judgement.cause is not Cause.PRECISION or after.tolerated > 0:
        return False
    if before.judgement.cause is not Cause.PRECISION:
        return True
    moved = (after.analytic.value - after.numeric) - (before.analytic.value - before.numeric)
    return abs(moved) > max(before.bar, after.bar)


def _is_unfinished(measured: Measured, origin: Origin) -> bool:
    """Whether there is no answer, and a referee may have lacked the evaluations to give one."""
    short = origin.evaluator.left < MOST_EVALUATIONS or origin.evaluator.is_late
    return measured.judgement.verdict is Verdict.INCONCLUSIVE and short


def _slipped(report: LeafReport, planted: Array, lines: int) -> Finding:
    """Write the sentence for an error that passed unseen."""
    k = int(np.flatnonzero(planted)[0])
    index = [int(n) for n in np.unravel_index(k, planted.shape)]
    size = float(np.abs(planted.ravel()[k]))
    along = "the line" if lines == 1 else f"all {lines} lines"
    message = (
        f"{report.path}: an error of {size:.1e} planted in a copy of the claim"
        f"{f' at {index}' if index else ''} passed unseen along {along} through it, so nothing is "
        f"certified to {report.certified:.0e} of the leaf's gradient; look with Plan.directions(8) "
        f"or give f in more digits as reference=."
    )
    evidence = {"planted": size, "entry": index, "certified": report.certified, "lines": lines}
    return Finding(Cause.CANARY, message, report.path, evidence)
