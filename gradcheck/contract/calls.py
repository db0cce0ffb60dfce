"""Calling `f` and the claim at a point, and reading what comes back.

Part of `contract`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..execution import Evaluator, Origin, Output
from ..records import Cause, Kind, PyTree, UsageError, Verdict
from ..space import (
    Array,
    Space,
    Tangent,
    draw_weights,
    is_array,
    keep,
    leaves_by_path,
    norm,
    rms,
    same_bits,
    size_of,
    unchanged,
    working_dtype,
)
from .breach import Breach, Broken
from .guard import guarded, mutation
from .reading import draw_cotangent, read_claim, read_pushed, require_finite, size_over_x
from .steadiness import SMALL_SPREAD


def visit(
    evaluator: Evaluator,
    space: Space,
    rng: np.random.Generator,
    cotangent: dict[str, Array] | None = None,
    short: Origin | None = None,
) -> Origin:
    """Evaluate `f` and the claim once at a point, and read them; draw a cotangent if none is given.

    `short` is where the claim has its dtypes from, if not from the point; see `Origin`.

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
    if cotangent is None or not fits(cotangent, output):
        cotangent = draw_cotangent(evaluator.problem.kind, output, rng)
    origin = Origin(space, evaluator, output, cotangent, {}, short=short)
    if evaluator.referring:
        guarded("f", space, lambda: evaluator.forward(space.point()))
    if evaluator.problem.kind is Kind.JVP:
        return replace(origin, whole=require_jvp(origin, rng))
    raw = call_claim(origin, space)
    return replace(origin, claimed=read_claim(space, raw), whole=size_over_x(space, raw))


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
        there = visit(origin.evaluator, space, rng, origin.cotangent, origin.short)
    except (Broken, UsageError):  # a point of our own choice is no fault of the call
        return None
    return replace(there, steady=origin.steady, forward_first=origin.forward_first)


def fits(cotangent: dict[str, Array], output: Output) -> bool:
    """Whether a cotangent of one point suits the output at another: shapes, real or complex."""
    there = {path: (array.shape, np.iscomplexobj(array)) for path, array in output.arrays.items()}
    return there == {path: (u.shape, np.iscomplexobj(u)) for path, u in cotangent.items()}


def claim_at(origin: Origin, space: Space) -> Origin | None:
    """Move the claim, and not `f`, to another point; None if it is broken there."""
    there = origin if space is origin.space else replace(origin, space=space)
    if origin.evaluator.problem.kind is Kind.JVP:
        return there
    try:
        return replace(there, claimed=read_claim(space, call_claim(there, space)))
    except (Broken, UsageError):
        return None


def changed_inputs(space: Space) -> Breach | None:
    """Look for arrays that calls changed since the last look, and restore them."""
    changed = space.restore_handed() + space.restore_given()
    return mutation("f or the derivative", changed[0]).breach if changed else None


# --- calls ----------------------------------------------------------------------------------


def call_claim(origin: Origin, space: Space) -> PyTree:
    """Call the claim at the point of a space, with the origin's cotangent."""
    return call_claim_with_value(origin, space)[0]


def call_claim_with_value(origin: Origin, space: Space) -> tuple[PyTree, Array | None]:
    """Call the claim, after `f` where it needs that; with the value that it returned, if any."""
    evaluator = origin.evaluator
    there = origin.as_claimed(space)
    space, extra = there.space, cotangent_argument(there)
    if origin.forward_first:
        call_forward(origin, space)
    pair: tuple[PyTree, Array | None] = guarded(
        "the derivative", space, lambda: evaluator.claim_with_value(space.point(), *extra)
    )
    return pair


def cotangent_argument(origin: Origin) -> tuple[PyTree, ...]:
    """Return what a claim is called with beside the point: a new cotangent for a VJP."""
    is_vjp = origin.evaluator.problem.kind is Kind.VJP
    return (origin.output.rebuild(origin.cotangent),) if is_vjp else ()


def call_forward(origin: Origin, space: Space) -> None:
    """Call `f` for what a layer keeps of it."""
    guarded("f", space, lambda: origin.evaluator.forward(space.point()))


def require_jvp(origin: Origin, rng: np.random.Generator) -> float:
    """Push one tangent through twice: structure and shapes of the output, the same both times.

    Returns the size of what came back for a tangent of the size of x, where x has a domain.
    """
    space = origin.space
    tangent = space.project(
        {
            i: draw_weights(rng, space.leaves[i].array.shape, space.leaves[i].array.dtype)
            for i in space.moving
        }
    )
    first = read_pushed(origin.output, _push(origin, tangent))
    try:
        second = read_pushed(origin.output, _push(origin, tangent))
    except Broken as broken:
        if broken.breach.finding.cause is not Cause.RAISED:
            raise
        call_forward(origin, space)  # it may use up what f kept, and a line calls f before it
        second = read_pushed(origin.output, _push(origin, tangent))
    for path, pushed in first.items():
        # what is not finite is for the lines to judge, which see whether f is smooth there
        if same_bits(second[path], pushed) or not np.isfinite(pushed).all():
            continue
        if not norm(second[path] - pushed) <= SMALL_SPREAD * norm(pushed):
            message = f"the derivative of output {path} differs between two calls at the same x."
            raise Broken(Cause.NONDETERMINISTIC, message, Verdict.FAIL, leaf=path)
    if space.domain is None:
        return 0.0
    largest = max(rms(space.leaves[i].array) for i in space.moving)
    return largest * size_of([u * first[path] for path, u in origin.cotangent.items()])


def _push(origin: Origin, tangent: Tangent) -> PyTree:
    """Call a JVP once; a tangent that it changed is a breach."""
    space, pushing = origin.space, origin.tangent_tree(tangent)
    handed = {k: v for k, v in leaves_by_path(pushing).items() if is_array(v)}
    before = {path: keep(array) for path, array in handed.items()}
    raw = guarded("the derivative", space, lambda: origin.evaluator.claim(space.point(), pushing))
    for path, array in handed.items():
        if not unchanged(array, before[path]):
            raise Broken(
                Cause.MUTATED_INPUT,
                f"the derivative changed leaf {path} of its tangent in place; work on a copy.",
                Verdict.FAIL,
                leaf=path,
            )
    return raw
