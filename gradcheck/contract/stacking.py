"""Whether the value of a point is the same alone and in any stack: what `batched` promises.

Tried with copies of x and points near it, in two stacks of different length and order. A value that
depends on its neighbours, as batch normalisation makes it, or on its place, as random numbers drawn
for the whole stack do, is no function of the point.
Part of `contract`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..execution import BudgetSpent, CallFailed, Evaluator, Origin, Output, Stack, f_of_stack, put
from ..execution.many import CONTROLLED, know, room_in_a_stack, value_distance
from ..execution.stacks import MOST_BYTES, SAME, dtypes_of
from ..records import Cause, Finding, UsageError, Verdict
from ..space import Space, rms
from .breach import Broken

BOTH, ABOVE, BELOW = (-1, 1), (0, 1), (-1, 0)
# How far the tried points are from x, in sizes of entries, and on which side: where f raises
# on one, as at the edge of its domain, the other may do; copies of x have none but x beside them.
ATTEMPTS = ((2.0**-6, BOTH), (2.0**-13, BOTH), (2.0**-13, ABOVE), (2.0**-13, BELOW))
STREAM = (4,)  # of the seed: nothing else is drawn from it
ORDERS = ((0, 1, 0, 2), (2, 0, 1))  # which point is where in a stack; 0 is x


def settled(evaluator: Evaluator, space: Space) -> Evaluator:
    """Find out whether an `f` of which the caller does not know takes nothing but stacks."""
    sparse = next((leaf.path for leaf in space.leaves if leaf.pattern is not None), None)
    if sparse is not None and evaluator.problem.batched is not False:
        raise UsageError(
            f"leaf {sparse} is sparse, and there are no stacks of sparse matrices; leave out "
            f"batched, or make its data the leaf and build the matrix in f."
        )
    if evaluator.problem.batched != "auto":
        return evaluator
    always = replace(evaluator, problem=replace(evaluator.problem, batched=True))
    for tried in evaluator, always:
        try:
            tried.f_beside(space.point())
        except (CallFailed, UsageError):
            continue
        except BudgetSpent:
            return evaluator
        finally:
            space.restore_handed()
        return tried
    return evaluator


def examine_stacks(origin: Origin, seed: int | None) -> tuple[Finding, ...]:
    """Compare values in stacks with those of single points; costs 9 evaluations.

    `seed` is that of the plan, of which a stream of its own is drawn.

    Returns
    -------
    tuple of Finding
        A remark where points go one by one because stacks do not work, and nobody has said so.

    Raises
    ------
    Broken
        If the caller has said that `f` takes stacks, and it does not.
    """
    evaluator = origin.evaluator
    if evaluator.problem.batched is False or evaluator.memory is not None:
        return ()
    try:
        trouble = _trouble(
            origin, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=STREAM))
        )
    except BudgetSpent:  # one by one, then
        return ()
    finally:
        origin.space.restore_handed()
    if trouble is None:
        evaluator.stacking.usable = True
        return ()
    if evaluator.problem.takes_stacks:
        raise Broken(trouble.cause, f"{trouble.message}; {trouble.mend}.", Verdict.INCONCLUSIVE)
    message = f"Points went to f one by one: {trouble.message}."
    return (Finding(Cause.OTHER, message),)


def doubts(evaluator: Evaluator) -> tuple[Finding, ...]:
    """Remark on stacks that worked at first."""
    doubt = evaluator.stacking.doubt
    message = f"Points went to f one by one in the end: {doubt}."
    return (Finding(Cause.OTHER, message),) if doubt else ()


@dataclass(frozen=True)
class _Trouble:
    cause: Cause
    message: str
    mend: str


def _trouble(origin: Origin, rng: np.random.Generator) -> _Trouble | None:
    evaluator, (spaces, alone) = origin.evaluator, _alone(origin, rng)
    rises = [origin.rise(output) for output in alone]
    for order in ORDERS:
        stack = Stack.of(origin.space, len(order))
        for n, k in enumerate(order):
            put(stack, n, spaces[k].point())
        before = {i: array.copy() for i, array in stack.arrays.items()}
        for _ in order:
            evaluator.count()
        try:
            rows = f_of_stack(evaluator, stack, len(order))
        except CallFailed as failure:
            return _raised(failure, len(order))
        except UsageError as error:
            return _Trouble(Cause.SHAPE, str(error).rstrip("."), "or give each point by itself")
        if any(not np.array_equal(a, before[i]) for i, a in stack.arrays.items()):
            return _mutates(origin, stack, before)
        stacked = [origin.rise(row) for row in rows]
        away = [value_distance(there, rises[k]) for there, k in zip(stacked, order, strict=True)]
        size = origin.own_size + max((abs(r) for r in rises if np.isfinite(r)), default=0.0)
        worst = int(np.argmax(away))
        if not evaluator.stacking.allows(away[worst], origin.roundoff * size):
            return _differs(origin, rows, order, worst, alone[order[worst]])
    _keep(origin, spaces, alone)
    return None


def _keep(origin: Origin, spaces: list[Space], outputs: list[Output]) -> None:
    """Keep the points near x, and their values without the objects that `f` returned."""
    if room_in_a_stack(origin, MOST_BYTES) >= CONTROLLED:
        known = zip(spaces[1:], outputs[1:], strict=True)
        origin.evaluator.stacking.known[dtypes_of(origin.space)] = tuple(
            (space, replace(output, given={})) for space, output in known
        )


def known_in_more_digits(origin: Origin) -> None:
    """Evaluate `f` at the points that were tried where it takes more digits than there."""
    for known in [*origin.evaluator.stacking.known.values()]:
        know(origin, [space for space, _ in known])


def _alone(origin: Origin, rng: np.random.Generator) -> tuple[list[Space], list[Output]]:
    """Evaluate `f` at x and at two points near it, one by one; at copies of x where it fails."""
    evaluator, here = origin.evaluator, (origin.space, origin.output)
    for distance, side in ATTEMPTS:
        spaces = [_moved(origin.space, distance, side, rng) for _ in range(2)]
        outputs = []
        try:
            for space in spaces:
                started = time.perf_counter()
                outputs.append(evaluator.f_beside(space.point()))
                taken = time.perf_counter() - started
                evaluator.stacking.a_call = min(evaluator.stacking.a_call, taken)
        except (CallFailed, UsageError):
            continue
        return [here[0], *spaces], [here[1], *outputs]
    return [here[0]] * 3, [here[1]] * 3


def _moved(space: Space, distance: float, side: tuple[int, int], rng: np.random.Generator) -> Space:
    """Move every entry by up to a share of its size."""
    moved = {}
    for i in space.moving:
        x = space.leaves[i].array
        size = np.maximum(np.abs(x), rms(x) or 1.0)
        moved[i] = (x + distance * size * rng.uniform(*side, x.shape)).astype(x.dtype)
    return space.beside(moved)


def _raised(failure: CallFailed, count: int) -> _Trouble:
    return _Trouble(
        Cause.RAISED,
        f"a stack of {count} points along a leading axis does not work: "
        f"{str(failure).splitlines()[0].rstrip('.')}",
        "let f take stacks of any length, or leave out batched",
    )


def _mutates(origin: Origin, stack: Stack, before: dict[int, np.ndarray]) -> _Trouble:
    i = next(i for i, a in stack.arrays.items() if not np.array_equal(a, before[i]))
    path = origin.space.leaves[i].path
    return _Trouble(
        Cause.MUTATED_INPUT, f"f changed leaf {path} of a stack of points", "work on a copy"
    )


def _differs(
    origin: Origin, rows: Sequence[Output], order: Sequence[int], worst: int, alone: Output
) -> _Trouble:
    """Say how the value of a point changes with the stack in which it is."""
    a, b = _show_both(alone, rows[worst])
    copies = [origin.rise(rows[n]) for n, k in enumerate(order) if k == 0]
    placed = not max(copies) - min(copies) <= SAME * origin.roundoff * origin.own_size
    depends = "its place in" if placed else "the other points of"
    if placed and any(source != () for source in origin.evaluator.problem.random):
        mend = "let f draw one set of random numbers and use it for every point of a stack"
    elif placed:
        mend = "compute each row from that row alone, the same way in every place"
    else:
        mend = "reduce over all axes but the first, and let no statistics run over the stack"
    return _Trouble(
        Cause.TRANSFORMED,
        f"f is {a} for a point by itself and {b} for the same point in a stack of {len(order)}: "
        f"its value depends on {depends} the stack",
        mend,
    )


def _show_both(alone: Output, row: Output) -> tuple[str, str]:
    """Show where two outputs differ most: their shapes, or one entry."""
    for path, array in alone.arrays.items():
        other = row.arrays.get(path)
        if other is None or other.shape != array.shape:
            return f"of shape {array.shape}", f"of shape {None if other is None else other.shape}"
    away = {
        path: np.nan_to_num(np.abs(row.arrays[path] - array), nan=np.inf)
        for path, array in alone.arrays.items()
        if array.size
    }
    path = max(away, key=lambda p: float(np.max(away[p])))
    entry = int(np.argmax(away[path]))
    return tuple(  # type: ignore[return-value]
        f"{output.arrays[path].reshape(-1)[entry]:.12g}" for output in (alone, row)
    )
