"""What hides in the rest of a set-up: batch, random sources, tolerance.

Part of `circumstances`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..execution import BudgetSpent, CallFailed, Origin
from ..records import Kind, Report
from .look import Remark, listed

WIDEST_TOLERANCE = 1e-2  # an error of one percent is a wrong formula, not a rounded one


def convention(origin: Origin) -> Iterator[Remark]:
    """Name the convention by which complex gradients and cotangents are read: there are two."""
    kind, space = origin.evaluator.problem.kind, origin.space
    leaves = [space.leaves[i].path for i in space.moving if space.leaves[i].array.dtype.kind == "c"]
    outputs = any(array.dtype.kind == "c" for array in origin.output.arrays.values())
    if kind is Kind.JVP or not (leaves or outputs):
        return
    read = []
    if leaves:
        verb = "is" if len(leaves) == 1 else "are"
        read.append(
            f"{listed(leaves)} {verb} complex, and the gradient g is that of df = Re sum conj(g) dx"
        )
    if outputs:
        read.append("the output is complex, and a cotangent u stands for Re sum conj(u) f(x)")
    message = f"{'; '.join(read)}: the convention of PyTorch; in JAX neither is conjugated."
    yield message[0].upper() + message[1:] if not leaves else message, (), {"convention": "PyTorch"}


def held_by_tangent(origin: Origin) -> Iterator[Remark]:
    """Remark on what tangent= does not admit: what is claimed for it is not looked at."""
    for i in origin.space.moving:
        leaf = origin.space.leaves[i]
        held = 0 if leaf.free is None else int((~leaf.free).sum())
        if held:
            some = f"{held} of {leaf.array.size} entries of {leaf.path} "
            some += "is" if held == 1 else "are"
            which = some if held < leaf.array.size else f"all of {leaf.path} is"
            message = f"{which} held still by tangent=: what is claimed there is not tested."
            yield message, (leaf.path,), {"held": held}
        if origin.space.is_projected(i):
            rank = origin.space.rank(i)
            many = "" if rank is None else f"; {rank} of these are independent"
            message = (
                f"{leaf.path} is compared along the directions that tangent= admits{many}: an "
                f"error is seen as far as it lies along these, and what is claimed across them is "
                f"not tested."
            )
            yield message, (leaf.path,), {} if rank is None else {"rank": rank}


def held_by_bounds(origin: Origin) -> Iterator[Remark]:
    """Remark on entries that bounds leave no room: what is claimed for them is not looked at."""
    for leaf in (origin.space.leaves[i] for i in origin.space.moving):
        held = 0 if leaf.bounds is None else int((leaf.bounds[0] == leaf.bounds[1]).sum())
        if held:
            message = (
                f"{held} of {leaf.array.size} entries of {leaf.path} have equal bounds: they are "
                f"held, and what is claimed for them is not tested."
            )
            yield message, (leaf.path,), {"held": held}


def batch_of_one(origin: Origin) -> Iterator[Remark]:
    """Look for a first axis of length one: of outputs, or of a point that is one batch.

    A parameter may be so by nature, such as a gain of shape (1, C) or a single filter, and so may
    a mean that keeps its axis; what is not certain is left alone.
    """
    leaves = [origin.space.leaves[i] for i in origin.space.moving]
    outputs = [array for array in origin.output.arrays.values() if array.ndim >= 2]
    if outputs:
        given = any(leaf.array.ndim >= 2 and leaf.array.shape[0] == 1 for leaf in leaves)
        if given and all(array.shape[0] == 1 for array in outputs):
            yield _of_one("the output", outputs[0].shape), (), {"shape": list(outputs[0].shape)}
    elif origin.evaluator.problem.kind is Kind.GRAD and len(leaves) == 1:
        path, shape = leaves[0].path, leaves[0].array.shape
        if len(shape) >= 3 and shape[0] == 1 and max(shape) > 1:
            yield _of_one(path, shape), (path,), {"shape": list(shape)}


def _of_one(what: str, shape: tuple[int, ...]) -> str:
    return (
        f"{what} has shape {shape}: if its first axis is the batch, a sum or a mean over it, or "
        f"a factor 1/m, may be missing and cannot show; check with a batch of two or more."
    )


def undrawn(origin: Origin) -> Iterator[Remark]:
    """Look for sources of `random=` from which f draws nothing; costs one evaluation of `f`."""
    evaluator = origin.evaluator
    sources = evaluator.problem.random
    if not sources:
        return
    try:
        evaluator.forward(origin.space.point())
    except (BudgetSpent, CallFailed):
        return
    unused = [k for k, untouched in enumerate(evaluator.held.untouched()) if untouched]
    if unused:
        named = "random=" if len(sources) == 1 else listed([f"random[{k}]" for k in unused])
        message = (
            f"f draws nothing from {named}: dropout is off, or f has another source, so that "
            f"nothing random was checked; check in training mode."
        )
        yield message, (), {"sources": unused}


def wide_tolerance(report: Report) -> Iterator[Remark]:
    """Look at the plan's tolerance."""
    rtol = report.plan.rtol
    if rtol > WIDEST_TOLERANCE:
        message = (
            f"with rtol={rtol:g} a gradient that is {rtol:.0%} off passes; the error bar allows "
            f"for rounding and noise already, so leave rtol out."
        )
        yield message, (), {"rtol": rtol}
