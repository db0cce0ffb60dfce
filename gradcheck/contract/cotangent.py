"""What a backward pass may do with its cotangent: read it, leave it alone, and be linear in it.

Part of `contract`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..execution import Origin
from ..records import Cause, Kind, PyTree, Verdict
from ..space import (
    Array,
    Tangent,
    is_array,
    is_floating,
    keep,
    least_rounding,
    leaves_by_path,
    norm,
    rms,
    size_of,
    unchanged,
)
from .breach import Broken
from .calls import call_forward
from .guard import guarded
from .reading import draw_cotangent, read_claim

# Of either sign, and their sum is not 1: a term that does not depend on the cotangent shows too.
FACTORS = (-2.0, 1.5)
# Beyond what most clipping leaves alone; powers of two are exact, and float16 holds the result.
STRETCH, STRETCH_OF_FEW_DIGITS = 2.0**10, 2.0**4
FEW_DIGITS = 2.0**-12  # unit roundoffs above this are those of float16 and bfloat16
# A claim may cancel, or be the result of an iteration: what is left of it is then not linear to the
# last digits, and small beside the rest. A backward pass that is wrong in its cotangent is so
# grossly. Hence these, and no bound in roundoffs, which failed right claims.
GROSS = 1e-2  # of the leaf's own claim
LEAST = 1e-3  # of the largest leaf's claim, and of the output, over one scale of the leaf
HALF_OF_THE_DIGITS = 2.0  # times the root of the unit roundoff: both bounds where digits are few
ROUNDED = 32.0  # halves of the smallest number of its dtype: a few for each claim and its factor
# By which a cotangent is nudged, to see whether the claim is rounding; so often, as the rounding of
# few numbers may be the same twice.
LAST_DIGITS, NUDGES = 2.0**-20, 4


def examine_cotangent(origin: Origin, rng: np.random.Generator) -> None:
    """Look whether the claim changes its cotangent, and whether it is linear in it.

    Costs 3 calls of the claim, each with one of `f` where the claim needs that; more where the
    claim is not linear.

    Raises
    ------
    Broken
        If it does, or is not.
    """
    suspect = _nonlinear(origin, rng)
    if suspect is None:
        return
    other = replace(origin, cotangent=suspect.other, claimed=suspect.answers.w)
    again = _nonlinear(other, rng)
    confirmed = {i: far for i, far in again.far.items() if i in suspect.far} if again else {}
    if confirmed:
        noisy = _rounded_anew(origin)
        confirmed = {i: far for i, far in confirmed.items() if i not in noisy}
    if confirmed:
        raise _not_linear(origin, suspect, confirmed, exchanged=_is_linear_exchanged(origin, rng))


@dataclass(frozen=True, eq=False)
class _Answers:
    """The claims for two cotangents u and w, for FACTORS of both, for u stretched, and for zero."""

    u: Tangent
    w: Tangent
    mixed: Tangent
    stretched: Tangent
    zero: Tangent | None = None

    def linear_part(self) -> _Answers:
        """Take away what is there without a cotangent."""
        if self.zero is None:
            return self
        zero = self.zero
        parts = (self.u, self.w, self.mixed, self.stretched)
        return _Answers(*({i: v - zero[i] for i, v in part.items()} for part in parts))


@dataclass(frozen=True, eq=False)
class _Suspect:
    """Leaves where combining cotangents is not combining claims.

    Attributes
    ----------
    far : dict of int to float
        By how much, relative to the leaf's own claim, of those leaves alone.
    other : dict of str to array
        The second cotangent that was drawn.
    answers : _Answers
        What was compared.
    """

    far: dict[int, float]
    other: dict[str, Array]
    answers: _Answers


def _nonlinear(origin: Origin, rng: np.random.Generator) -> _Suspect | None:
    """Compare the claim for combined cotangents with the combined claims.

    A term that does not depend on the cotangent at all, such as weight decay that `f` has not, is
    left to the differences, which name it better, unless it is all that there is.
    """
    u, w = origin.cotangent, draw_cotangent(Kind.VJP, origin.output, rng)
    a, b = FACTORS
    k = _stretch(origin)
    for_w = _pull(origin, w)
    try:
        mixed = _pull(origin, {path: a * u[path] + b * w[path] for path in u})
        stretched = _pull(origin, {path: k * u[path] for path in u})
    except Broken as broken:
        if broken.breach.finding.cause is Cause.RAISED:
            return None  # numbers of that size may be outside of what it takes
        raise
    answers = _Answers(origin.claimed, for_w, mixed, stretched)
    far = _distances(origin, answers)
    if not far:
        return None
    answers = replace(answers, zero=_pull_nothing(origin))
    still = _distances(origin, answers.linear_part())
    far = {i: away for i, away in far.items() if i in still or _ignores(answers, i)}
    return _Suspect(far, w, answers) if far else None


def _rounded_anew(origin: Origin) -> frozenset[int]:
    """Find leaves whose claim is nothing but rounding: another one for almost the same cotangent.

    Where everything cancels, as in the gradient of a sum of what is normalised to have none.
    """
    factors = (1 + k * LAST_DIGITS for k in range(1, NUDGES + 1))
    try:
        nudged = [_pull(origin, {p: k * u for p, u in origin.cotangent.items()}) for k in factors]
    except Broken:
        return frozenset()
    return frozenset(
        i
        for i, claim in origin.claimed.items()
        if any(norm(there[i] - claim) > GROSS * norm(claim) for there in nudged)
    )


def _is_linear_exchanged(origin: Origin, rng: np.random.Generator) -> bool:
    """Whether the claim takes its arguments the other way round: the cotangent first."""
    vjp, problem = origin.evaluator.problem.claim, origin.evaluator.problem

    def exchanged(x: PyTree, cotangent: PyTree) -> PyTree:
        return vjp(cotangent, x)  # type: ignore[operator]  # of a VJP it is callable

    evaluator = replace(origin.evaluator, problem=replace(problem, claim=exchanged))
    there = replace(origin, evaluator=evaluator)
    try:
        there = replace(there, claimed=_pull(there, origin.cotangent))
        linear = _nonlinear(there, rng) is None
    except Broken:
        return False
    return linear and any(np.any(v != 0) for v in there.claimed.values())


def _pull_nothing(origin: Origin) -> Tangent | None:
    try:
        zero = _pull(origin, {path: 0.0 * u for path, u in origin.cotangent.items()})
    except Broken:
        return None
    return zero if all(np.isfinite(v).all() for v in zero.values()) else None


def _ignores(answers: _Answers, i: int) -> bool:
    """Whether a leaf's claim is the same for every cotangent."""
    first, least = answers.u[i], GROSS * norm(answers.u[i])
    return all(norm(other[i] - first) <= least for other in (answers.w, answers.stretched))


def _stretch(origin: Origin) -> float:
    coarsest = max(origin.roundoff, origin.roundoff_of_x)
    return STRETCH_OF_FEW_DIGITS if coarsest > FEW_DIGITS else STRETCH


def _pull(origin: Origin, cotangent: dict[str, Array]) -> dict[int, Array]:
    """Call the claim with a cotangent of our own; if it writes to that, it is broken."""
    evaluator, space = origin.evaluator.quiet, origin.space
    given = origin.output.rebuild(cotangent)
    handed = {k: v for k, v in leaves_by_path(given).items() if is_array(v)}
    before = {path: keep(array) for path, array in handed.items()}
    if origin.forward_first:
        call_forward(origin, space)
    raw = guarded("the derivative", space, lambda: evaluator.claim(space.point(), given))
    for path, array in handed.items():
        if not unchanged(array, before[path]):
            where = "its cotangent" if path == "x" else f"the cotangent of output {path}"
            raise Broken(
                Cause.MUTATED_INPUT,
                f"the derivative changed {where} in place, which whoever passed it still needs; "
                f"work on a copy.",
                Verdict.FAIL,
            )
    return read_claim(space, raw)


def _distances(origin: Origin, answers: _Answers) -> dict[int, float]:
    """Return how far from linear the claims of leaves are, of those where it is not rounding."""
    (a, b), k = FACTORS, _stretch(origin)
    leaves = origin.space.leaves
    scales = {i: rms(leaves[i].array) or 1.0 for i in answers.u}
    sizes = {
        i: max(norm(v), norm(answers.w[i]), norm(answers.mixed[i]), norm(answers.stretched[i]) / k)
        for i, v in answers.u.items()
    }
    outputs = size_of([u * origin.output.arrays[path] for path, u in origin.cotangent.items()])
    whole = max([outputs, *(sizes[i] * scales[i] for i in sizes if np.isfinite(sizes[i]))])
    digits = HALF_OF_THE_DIGITS * max(origin.roundoff, origin.roundoff_of_x) ** 0.5
    far = {}
    for i, v in answers.u.items():
        of_sum = norm(answers.mixed[i] - a * v - b * answers.w[i])
        of_stretch = norm(answers.stretched[i] / k - v)
        away = max(of_sum, of_stretch)
        allowed = max(max(GROSS, digits) * sizes[i], max(LEAST, digits) * whole / scales[i])
        allowed += ROUNDED * _least(leaves[i].array, v) * v.size**0.5
        # `>` so that what is not finite, and what was cut to integers, is left to others
        if away > allowed and np.isfinite(away) and v.dtype.kind not in "iu":
            far[i] = away / sizes[i]
    return far


def _least(x: Array, claim: Array) -> float:
    """Return half of the smallest number of the claim; of x, if the claim has come longer."""
    return max(least_rounding(a.dtype) for a in (x, claim) if is_floating(a.dtype))


def _not_linear(
    origin: Origin, suspect: _Suspect, confirmed: dict[int, float], *, exchanged: bool
) -> Broken:
    i = max(confirmed, key=confirmed.__getitem__)
    path = origin.space.leaves[i].path
    how, advice = _pattern(suspect, i, _stretch(origin))
    if exchanged:
        advice = "with its arguments exchanged it is: it is called as vjp(x, cotangent)"
    return Broken(
        Cause.NOT_LINEAR_IN_COTANGENT,
        f"the derivative of leaf {path} is not linear in its cotangent: {how}; {advice}.",
        Verdict.FAIL,
        leaf=path,
        distance=confirmed[i],
    )


def _pattern(suspect: _Suspect, i: int, k: float) -> tuple[str, str]:
    """Say how a leaf depends on the cotangent, and where to look."""
    first, stretched = suspect.answers.u[i], suspect.answers.stretched[i]
    size = norm(first)
    if _ignores(suspect.answers, i):
        return "it is the same for every cotangent", "multiply by the cotangent"
    if norm(stretched - k**2 * first) <= GROSS * k**2 * size:
        return (
            f"a cotangent {k:g} times as large gives {k**2:g} times as much",
            "the cotangent is multiplied in twice",
        )
    if norm(stretched - k * first) > GROSS * k * size:
        much = f"{norm(stretched) / size:.4g} times as much" if size else "something instead of 0"
        return (
            f"a cotangent {k:g} times as large gives {much}",
            "look for a cotangent that is clipped, normalised or compared with a threshold",
        )
    return (
        f"for a sum of two it is {suspect.far[i]:.2g} of its size away from the sum of both",
        "look for an absolute value, a sign or a threshold of the cotangent",
    )
