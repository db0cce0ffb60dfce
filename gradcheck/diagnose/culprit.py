"""From a leaf that failed to the sentence about it: which entries, and why.

Owns the order of the questions: a cause that explains the whole leaf needs no entry by name; else
the wrong entries are looked for, and then what they have in common.
Part of `diagnose`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from ..execution import BudgetSpent, CallFailed
from ..localise import (
    Entry,
    Located,
    Oracle,
    Reading,
    SearchSpent,
    is_wrong,
    locate,
    scaled_weights,
)
from ..records import BoolArray, Cause
from .normalisation import normalised, softmaxed
from .pattern import PATTERNS
from .rearranged import (
    conjugated,
    detached,
    mistaken,
    permuted,
    product_transposed,
    shifted,
    transposed,
)
from .residual import (
    absolute_penalty,
    decay_beside_factor,
    mistaken_term,
    proportional,
    weight_decay,
)
from .sample import Sample
from .scale import scaled
from .slopes import other_slope, power_of_leaf
from .structure import cumulative, one_sided, symmetric
from .suspect import Explanation, Suspect, fits
from .weighed import exchanged, weighed

READINGS = 3  # further lines through the whole leaf: two numbers may be fitted and one more tell

WHOLE: tuple[Callable[[Suspect], Iterator[Explanation]], ...] = (
    detached,
    mistaken,
    scaled,
    conjugated,
    transposed,
    product_transposed,
    shifted,
    weight_decay,
    absolute_penalty,
    proportional,
    permuted,
    symmetric,
    cumulative,
    softmaxed,
    normalised,
    power_of_leaf,
    other_slope,
    weighed,
    exchanged,
    one_sided,
    mistaken_term,
    decay_beside_factor,
)
"""Causes that explain a leaf as a whole, in the order in which they are tried."""


@dataclass(frozen=True, eq=False)
class Culprit:
    """What is known of a leaf that failed.

    Attributes
    ----------
    wrong : boolean array or None
        The entries known to be wrong.
    complete : bool
        Whether these are all.
    located : Located
        The entries looked at.
    explanation : Explanation or None
        Why; None where nothing fits.
    """

    wrong: BoolArray | None
    complete: bool
    located: Located
    explanation: Explanation | None


def find_culprit(
    oracle: Oracle, failed: Reading | None, rng: np.random.Generator, given: Located | None = None
) -> Culprit:
    """Ask why a leaf failed, and where.

    Parameters
    ----------
    oracle : Oracle
        Reads lines of the leaf.
    failed : Reading or None
        The line on which it failed, if every entry moved on it.
    rng : numpy.random.Generator
        Draws further lines.
    given : Located, optional
        The entries, where a plan has looked at them already.
    """
    readings = [failed] if failed is not None else []
    with suppress(SearchSpent, BudgetSpent, CallFailed):
        readings += further_readings(oracle, rng)
    suspect = Suspect(oracle.origin, oracle.leaf, tuple(readings), given)
    causes = WHOLE if suspect.has_claim else (scaled,)
    whole = _first(suspect, itertools.chain.from_iterable(f(suspect) for f in causes))
    if whole is not None and whole.gradient is not None:
        return _explained(oracle, suspect, whole)
    if whole is not None and not suspect.has_claim:
        return Culprit(None, complete=False, located=Located(oracle.array.shape), explanation=whole)
    located = given or _located(oracle, readings, rng)
    suspect = replace(suspect, located=located)
    found = whole
    if found is None and located.wrong and suspect.has_claim:
        seen = Sample.of(located)
        found = _first(suspect, itertools.chain.from_iterable(f(suspect, seen) for f in PATTERNS))
    if found is not None and found.gradient is not None:
        return _explained(oracle, suspect, found)
    mask = located.mask if located.wrong else None
    return Culprit(mask, located.complete and mask is not None, located, found)


EXACT = (scaled, weight_decay, absolute_penalty, proportional)
"""Causes that are errors however small: no quadrature and no rounding looks like them."""

CERTAIN = 30.0  # bars that such a discrepancy must measure: a bar may be wrong by a factor of 3
LEAST = 1e-6  # of the gradient: below, a sum inside f or the claim may well be off by so much


def exact_cause(oracle: Oracle, failed: Reading, rng: np.random.Generator) -> Culprit | None:
    """Look for a cause that explains a discrepancy below the tolerance exactly.

    Raises
    ------
    SearchSpent, BudgetSpent, CallFailed
        If no further line can be read.
    """
    least = max(LEAST * failed.scale, CERTAIN * failed.bar)
    if abs(failed.residual) < least or oracle.claim is None:
        return None
    readings = (failed, *further_readings(oracle, rng))
    suspect = Suspect(oracle.origin, oracle.leaf, readings)
    found = _first(suspect, itertools.chain.from_iterable(f(suspect) for f in EXACT))
    return None if found is None else _explained(oracle, suspect, found)


def further_readings(oracle: Oracle, rng: np.random.Generator) -> list[Reading]:
    """Read a few more lines through the whole leaf."""
    lines = (oracle.read(scaled_weights(oracle, rng)) for _ in range(READINGS))
    return [reading for reading in lines if reading is not None]


def _located(oracle: Oracle, readings: list[Reading], rng: np.random.Generator) -> Located:
    named = oracle.fine and oracle.names_entries
    return locate(oracle, readings, rng) if named else Located(oracle.array.shape)


def _first(suspect: Suspect, candidates: Iterator[Explanation]) -> Explanation | None:
    with np.errstate(all="ignore"):
        return next((e for e in candidates if fits(suspect, e)), None)


def _explained(oracle: Oracle, suspect: Suspect, explanation: Explanation) -> Culprit:
    """Read the wrong entries off the gradient that explains everything; confirm the worst."""
    claim, gradient = suspect.claim, explanation.gradient
    assert gradient is not None, "only such explanations get here"
    if not oracle.names_entries:
        nothing = Located(oracle.array.shape)
        return Culprit(None, complete=False, located=nothing, explanation=explanation)
    wrong = np.asarray(is_wrong(claim, gradient, oracle.tolerance(claim, gradient)))
    if not wrong.any():  # an exact cause below the tolerance
        wrong = np.asarray(claim != gradient)
    wrong &= oracle.movable
    located = suspect.located or Located(wrong.shape)
    worst = int(np.argmax(np.where(np.isfinite(claim), np.abs(claim - gradient), np.inf)))
    if worst not in located.entries:
        entry = _confirmed(oracle, worst)
        entries = {**located.entries, **({worst: entry} if entry is not None else {})}
        located = Located(wrong.shape, entries, located.dense, complete=True)
    located = replace(located, complete=True)
    return Culprit(wrong, complete=True, located=located, explanation=explanation)


def _confirmed(oracle: Oracle, k: int) -> Entry | None:
    try:
        return oracle.entry(k)
    except (SearchSpent, BudgetSpent, CallFailed):
        return None


def cause_of(culprit: Culprit) -> Cause:
    """Return the cause, `other` where nothing fits."""
    return culprit.explanation.cause if culprit.explanation is not None else Cause.OTHER
