"""Calling `f` and the claim more than once: exceptions, mutation, the same answer every time.

Part of `contract`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..execution import BudgetSpent, Evaluator, Origin, Output
from ..records import Cause, Finding, Kind, PyTree, UsageError, Verdict
from ..space import (
    Array,
    Space,
    Tangent,
    draw_weights,
    leaves_by_path,
    norm,
    same_bits,
    working_dtype,
)
from .breach import Breach, Broken
from .cotangent import examine_cotangent
from .guard import guarded, mutation
from .reading import (
    draw_cotangent,
    dtype_remarks,
    index_text,
    read_claim,
    read_pushed,
    require_finite,
)

SMALL_SPREAD = 1e-8  # of f: run-to-run noise below this leaves verdicts working (measured)


@dataclass(frozen=True, eq=False)
class Contract:
    """What the first calls showed.

    Attributes
    ----------
    origin : Origin or None
        f(x) and the claim there; None if differences would mean nothing.
    breach : Breach or None
        What was broken, where there is no origin.
    remarks : tuple of Finding
        What is worth knowing and breaks nothing.
    constant : bool
        Whether the claim is the same, bit for bit, at another point: right for a linear function,
        a stale cache for any other. Only differences at that point can tell.
    """

    origin: Origin | None
    breach: Breach | None = None
    remarks: tuple[Finding, ...] = ()
    constant: bool = False


def examine(
    evaluator: Evaluator, space: Space, nearby: Space, rng: np.random.Generator
) -> Contract:
    """Call `f` and the claim twice each at x, the claim also nearby; report what they break.

    Costs 2 evaluations of `f` and 3 of the claim, 4 of a vector-Jacobian product.
    """
    try:
        origin = visit(evaluator, space, rng)
        steady, remarks = _call_f_again(origin)
        origin = replace(origin, steady=steady)
        constant = False
        if evaluator.claim_is_callable and origin.claimed:
            constant = _call_claim_again(origin, nearby)
            origin = replace(origin, forward_first=constant)
        if evaluator.problem.kind is Kind.VJP:
            examine_cotangent(origin)
        return Contract(origin, None, remarks + dtype_remarks(origin), constant)
    except Broken as broken:
        return Contract(None, broken.breach)
    except BudgetSpent:
        finding = Finding(Cause.BUDGET, "the budget was spent before anything could be checked.")
        return Contract(None, Breach(finding, Verdict.INCONCLUSIVE))


def visit(
    evaluator: Evaluator,
    space: Space,
    rng: np.random.Generator,
    cotangent: dict[str, Array] | None = None,
) -> Origin:
    """Evaluate `f` and the claim once at a point, and read them; draw a cotangent if none is given.

    Raises
    ------
    Broken
        With the breach that was found.
    """
    output = guarded("f", space, lambda: evaluator.f(space.point()))
    require_finite(output)
    if all(array.size == 0 for array in output.arrays.values()):
        message = "f returned only empty arrays: nothing was tested."
        raise Broken(Cause.OTHER, message, Verdict.INCONCLUSIVE)
    if cotangent is None or not _fits(cotangent, output):
        cotangent = draw_cotangent(evaluator.problem.kind, output, rng)
    origin = Origin(space, evaluator, output, cotangent, {})
    if evaluator.referring:
        guarded("f", space, lambda: evaluator.forward(space.point()))
    if evaluator.problem.kind is Kind.JVP:
        _require_jvp(origin, rng)
        return origin
    return replace(origin, claimed=_claim_once(origin))


def visit_unclaimed(evaluator: Evaluator, space: Space) -> Origin:
    """Evaluate `f` alone at a point.

    Raises
    ------
    UsageError
        If `f` raises, changes its input or is not finite there.
    """
    try:
        output = guarded("f", space, lambda: evaluator.f(space.point()))
        require_finite(output)
    except Broken as broken:
        raise UsageError(broken.breach.finding.message) from broken.__cause__
    one = np.ones((), dtype=working_dtype(output.arrays["x"].dtype))
    return Origin(space, evaluator, output, {"x": one}, {})


def revisit(origin: Origin, space: Space, rng: np.random.Generator) -> Origin | None:
    """Visit another point with the same cotangent; None if anything is broken there."""
    try:
        there = visit(origin.evaluator, space, rng, origin.cotangent)
    except Broken:
        return None
    return replace(there, steady=origin.steady, forward_first=origin.forward_first)


def _fits(cotangent: dict[str, Array], output: Output) -> bool:
    """Whether a cotangent of one point suits the output at another."""
    return {path: u.shape for path, u in cotangent.items()} == {
        path: array.shape for path, array in output.arrays.items()
    }


def claim_at(origin: Origin, space: Space) -> Origin | None:
    """Move the claim, and not `f`, to another point; None if it is broken there."""
    there = replace(origin, space=space)
    if origin.evaluator.problem.kind is Kind.JVP:
        return there
    if origin.forward_first:
        origin.evaluator.forward(space.point())
    try:
        return replace(there, claimed=read_claim(space, call_claim(there, space)))
    except Broken:
        return None


def changed_inputs(space: Space) -> Breach | None:
    """Look for arrays that calls changed since the last look, and restore them."""
    changed = space.restore_handed() + space.restore_given()
    return mutation("f or the derivative", changed[0]).breach if changed else None


# --- calls ----------------------------------------------------------------------------------


def _claim_once(origin: Origin) -> dict[int, Array]:
    return read_claim(origin.space, call_claim(origin, origin.space))


def call_claim(origin: Origin, space: Space) -> PyTree:
    """Call the claim at the point of a space, with the origin's cotangent."""
    is_vjp = origin.evaluator.problem.kind is Kind.VJP
    extra = (origin.output.rebuild(origin.cotangent),) if is_vjp else ()
    return guarded("the derivative", space, lambda: origin.evaluator.claim(space.point(), *extra))


def _call_f_again(origin: Origin) -> tuple[bool, tuple[Finding, ...]]:
    """Call `f` once more at x; returns whether it gave the same bits, and a remark if not."""
    output = guarded("f", origin.space, lambda: origin.evaluator.f(origin.space.point()))
    first, second = origin.output.arrays, output.arrays
    if first.keys() != second.keys():
        raise _restructured(first, second)
    if all(same_bits(second[path], array) for path, array in first.items()):
        return True, ()
    spread = abs(origin.rise(output))
    # `not <=` so that a NaN or a changed shape counts as a difference
    if not spread <= SMALL_SPREAD * origin.size:
        raise _unsteady_f(origin, output)
    return False, (_slightly_unsteady(spread, origin),)


def _call_claim_again(origin: Origin, nearby: Space) -> bool:
    """Call the claim at x again and nearby; returns whether it was the same there.

    What the second call returned must be like the first, and must not change when a third is made.
    """
    raw = call_claim(origin, origin.space)
    second = read_claim(origin.space, raw)
    _compare_claims(origin, second)
    try:
        there = read_claim(origin.space, call_claim(origin, nearby))
    except Broken:
        return False  # nearby may be outside of the domain; x is what was asked about
    for i, kept in read_claim(origin.space, raw).items():
        if not same_bits(kept, second[i]):
            raise _aliased(origin.space.leaves[i].path)
    return all(same_bits(there[i], second[i]) for i in there) and any(
        np.any(claim != 0) for claim in second.values()
    )


def _aliased(path: str) -> Broken:
    return Broken(
        Cause.ALIASING,
        f"the derivative of leaf {path} that was returned at x changed when the derivative was "
        f"evaluated at another point: both calls return the same buffer; return a new array.",
        Verdict.FAIL,
        leaf=path,
    )


def _restructured(first: dict[str, Array], second: dict[str, Array]) -> Broken:
    return Broken(
        Cause.STRUCTURE,
        f"f returned {', '.join(first)} and then {', '.join(second)} at the same x; it must return "
        f"the same structure at every call.",
        Verdict.INCONCLUSIVE,
    )


def _unsteady_f(origin: Origin, output: Output) -> Broken:
    held = origin.evaluator.problem.random
    first, second = _show_both(origin.output, output)
    advice = (
        "although the sources named by random= were held still; f draws from another one"
        if held
        else "seed the generator inside f, or name it with random=rng so that it is held still"
    )
    return Broken(
        Cause.NONDETERMINISTIC,
        f"f gave {first} and then {second} at the same x: {advice}.",
        Verdict.INCONCLUSIVE,
        first=first,
        second=second,
    )


def _slightly_unsteady(spread: float, origin: Origin) -> Finding:
    return Finding(
        Cause.NONDETERMINISTIC,
        f"f differs by {spread:.1e} between two calls at the same x, as sums in a changing order "
        f"do; the error bars hold that noise.",
        None,
        {"spread": spread, "size": origin.size},
    )


def _show_both(first: Output, second: Output) -> tuple[str, str]:
    """Show where two outputs of the same structure differ: their shapes, or one entry."""
    path = next(p for p, array in first.arrays.items() if not same_bits(array, second.arrays[p]))
    a, b = first.arrays[path], second.arrays[path]
    if a.shape != b.shape:
        return f"shape {a.shape}", f"shape {b.shape}"
    entry = int(np.argmax(a.ravel() != b.ravel()))
    return f"{a.ravel()[entry]:.12g}", f"{b.ravel()[entry]:.12g}"


def _compare_claims(origin: Origin, again: dict[int, Array]) -> None:
    """Compare a second call of the claim with the first, as closely as f itself is steady."""
    for i, first in origin.claimed.items():
        second, path = again[i], origin.space.leaves[i].path
        size, distance = norm(first), norm(second - first)
        if same_bits(first, second) or distance <= SMALL_SPREAD * size:
            continue
        where = np.unravel_index(int(np.argmax(np.abs(second - first))), first.shape)
        numbers = f"{first[where]:.6g} and then {second[where]:.6g} at {index_text(where)}"
        if norm(second - 2 * first) <= SMALL_SPREAD * size:
            raise Broken(
                Cause.ACCUMULATES,
                f"the derivative of leaf {path} is twice as large at the second call at the same "
                f"x: {numbers}; it adds to a buffer that is kept between calls; start from zero.",
                Verdict.FAIL,
                leaf=path,
            )
        raise Broken(
            Cause.NONDETERMINISTIC,
            f"the derivative of leaf {path} differs between two calls at the same x: {numbers}, "
            f"while f stays the same; it draws fresh random numbers, or keeps state.",
            Verdict.FAIL,
            leaf=path,
            distance=distance,
        )


def _require_jvp(origin: Origin, rng: np.random.Generator) -> None:
    """Push one tangent through twice: structure and shapes of the output, the same both times."""
    space = origin.space
    tangent = {
        i: draw_weights(rng, space.leaves[i].array.shape, space.leaves[i].array.dtype)
        for i in space.moving
    }
    first, second = (read_pushed(origin.output, _push(origin, tangent)) for _ in range(2))
    for path, pushed in first.items():
        # what is not finite is for the lines to judge, which see whether f is smooth there
        if same_bits(second[path], pushed) or not np.isfinite(pushed).all():
            continue
        if not norm(second[path] - pushed) <= SMALL_SPREAD * norm(pushed):
            message = f"the derivative of output {path} differs between two calls at the same x."
            raise Broken(Cause.NONDETERMINISTIC, message, Verdict.FAIL, leaf=path)


def _push(origin: Origin, tangent: Tangent) -> PyTree:
    """Call a JVP once; a tangent that it changed is a breach."""
    space, pushing = origin.space, origin.tangent_tree(tangent)
    raw = guarded("the derivative", space, lambda: origin.evaluator.claim(space.point(), pushing))
    now = leaves_by_path(pushing)
    for path, before in leaves_by_path(origin.tangent_tree(tangent)).items():
        if isinstance(before, np.ndarray) and not same_bits(before, now[path]):
            raise Broken(
                Cause.MUTATED_INPUT,
                f"the derivative changed leaf {path} of its tangent in place; work on a copy.",
                Verdict.FAIL,
                leaf=path,
            )
    return raw
