"""A term too few or too many: what the claim lacks is proportional to something known.

Part of `diagnose`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ..records import Cause
from ..space import Array, inner, norm
from .numbers import name_number
from .suspect import Explanation, Suspect, coefficients

FEWEST_SIGNS = 4  # entries: signs of fewer fit too much
LARGEST = 10**5  # entries: beyond, pairs of terms are not tried
SAME = 1e-7  # relative: two fitted numbers
PARALLEL = 1 - 1e-9  # of the cosine: a term along the claim itself is a factor, not a term


def weight_decay(suspect: Suspect) -> Iterator[Explanation]:
    """Propose lambda times the leaf, missing or too much."""
    fitted = _fit(suspect, suspect.values)
    if fitted is not None:
        yield _lacking(suspect, fitted, suspect.values, "the leaf itself", "weight decay")


def absolute_penalty(suspect: Suspect) -> Iterator[Explanation]:
    """Propose lambda times the sign of the leaf, missing or too much."""
    sign = np.sign(suspect.values)
    if suspect.values.size < FEWEST_SIGNS or abs(sign.sum()) == sign.size:
        return
    fitted = _fit(suspect, sign)
    if fitted is not None:
        yield _lacking(suspect, fitted, sign, "the sign of the leaf", "an L1 penalty")


def _lacking(
    suspect: Suspect, fitted: tuple[float, str], term: Array, what: str, kind: str
) -> Explanation:
    coefficient, shown = fitted
    if coefficient > 0:
        cause = Cause.MISSING_WEIGHT_DECAY if kind == "weight decay" else Cause.MISSING_TERM
        seen = f"lacks {shown} times {what}"
        usual = f"as where {kind} is in f and not, or not all of it, in the derivative"
    else:
        cause, seen = Cause.EXTRA_TERM, f"has {shown} times {what} too much"
        usual = f"as where {kind} is in the derivative and not, or less of it, in f"
    gradient = suspect.claim + coefficient * term
    return Explanation(cause, seen, usual, gradient, 1, {"coefficient": coefficient})


def proportional(suspect: Suspect) -> Iterator[Explanation]:
    """Propose the same number everywhere, or a multiple of another leaf, gradient or array.

    Whether a gradient that is too much was added, or its opposite is missing, no number tells:
    what makes the claim longer is called missing.
    """
    claim = suspect.claim
    usual = "look for a term of f that is missing, counted twice, or booked to the wrong leaf"
    for term, what, is_gradient in _terms(suspect):
        fitted = _fit(suspect, term)
        if fitted is None:
            continue
        coefficient, shown = fitted
        gradient = claim + coefficient * term
        lacks = norm(gradient) > norm(claim) or not is_gradient
        sign = "-" if lacks and coefficient < 0 else ""
        amount = f"{sign}{shown} times {what}" if what else f"{sign}{shown} in every entry"
        if what and shown == "1":
            amount = f"minus {what}" if sign else what
        yield Explanation(
            Cause.MISSING_TERM if lacks else Cause.EXTRA_TERM,
            f"lacks {amount}" if lacks else f"has {amount} too much",
            usual,
            gradient,
            1,
            {"coefficient": coefficient},
        )


def _terms(suspect: Suspect) -> Iterator[tuple[Array, str, bool]]:
    """List what may be missing: the array, its name, and whether it may as well be too much."""
    claim = suspect.claim
    if claim.size > 1:
        yield np.ones_like(claim), "", True
    for path, (_, gradient) in suspect.others.items():
        yield gradient, f"the gradient of {path}", True
    for name, array in suspect.known.items():
        yield array, f"the values of {name}", False


def mistaken_term(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that a term of the claim is made of the wrong thing, as L2 for L1."""
    claim, values = suspect.claim, suspect.values
    terms = {
        "the leaf": values,
        "its sign": np.sign(values),
        "one number in every entry": np.ones_like(claim),
        **{f"the values of {name}": array for name, array in suspect.known.items()},
    }
    if not FEWEST_SIGNS <= claim.size <= LARGEST:
        return
    for (has, a), (should, b) in itertools.combinations(terms.items(), 2):
        found = coefficients(suspect, claim, [a, b])
        if found is None or not abs(found[0] + found[1]) <= SAME * abs(found[0]):
            continue
        named = (has, should) if found[0] < 0 else (should, has)
        size = abs(float(found[0]))
        shown = name_number(size, SAME * size, suspect.surroundings)
        yield Explanation(
            Cause.OTHER,
            f"has {shown.full if shown else f'{size:.6g}'} times {named[0]} where it should have "
            f"as much of {named[1]}",
            "look at what the gradient of a penalty or of a difference is made of",
            claim + found[0] * a + found[1] * b,
            2,
            {"coefficient": size},
        )


def decay_beside_factor(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that the part along the leaf is right and the rest off by a factor; or both off."""
    claim, values = suspect.claim, suspect.values
    if _are_parallel(claim, values):
        return
    found = coefficients(suspect, np.zeros_like(claim), [claim, values])
    if found is None or found[0] == 0:
        return
    ratio = 1 / float(found[0])
    named = name_number(abs(ratio), 1e-7 * abs(ratio), suspect.surroundings)
    yield Explanation(
        Cause.SCALE,
        f"is {named.full if named else f'{ratio:.6g}'} times the derivative of f, but for a part "
        f"proportional to the leaf",
        "look for a factor that the data term lacks and its weight decay does not, or the reverse",
        found[0] * claim + found[1] * values,
        2,
        {"ratio": ratio, "coefficient": float(found[1])},
    )


def _fit(suspect: Suspect, term: Array) -> tuple[float, str] | None:
    """Fit the multiple of a term that the claim lacks; with how to write its size."""
    claim = suspect.claim
    if not term.any() or _are_parallel(claim, term):
        return None
    found = coefficients(suspect, claim, [term])
    if found is None or not math.isfinite(found[0]) or found[0] == 0:
        return None
    value = float(found[0])
    bar = max(r.bar for r in suspect.readings) / max(norm(term), np.finfo(float).tiny)
    named = name_number(abs(value), max(bar, 1e-7 * abs(value)), suspect.surroundings)
    return value, named.full if named is not None and named.meaning else f"{abs(value):.6g}"


def _are_parallel(a: Array, b: Array) -> bool:
    sizes = norm(a) * norm(b)
    return sizes == 0 or abs(inner(a, b)) > PARALLEL * sizes
