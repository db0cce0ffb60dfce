"""Reading what `f` and the claim return: finite values, structure, shapes and dtypes.

Calls nothing: it looks at what came back, and says what is wrong with it.
Part of `contract`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..execution import Origin, Output, copied, describe, read_numbers
from ..records import Cause, Finding, Kind, PyTree, UsageError, Verdict
from ..space import (
    Array,
    Leaf,
    Space,
    Tangent,
    count_beyond,
    draw_weights,
    is_floating,
    is_numeric,
    is_sparse,
    leaves_by_path,
    norm_of_products,
    on_places,
    same_bits,
    working_dtype,
)
from .breach import Broken

NOTHING: Tangent = {}


def require_finite(output: Output) -> None:
    """Require that f(x) is finite; elsewhere it has no derivative."""
    for path, array in output.arrays.items():
        finite = np.isfinite(array)
        if not finite.all():
            where = tuple(int(i) for i in np.argwhere(~finite)[0])
            at = f" at {path}{index_text(where)}" if array.ndim else ""
            raise Broken(
                Cause.NONFINITE,
                f"f(x) is {array[where]}{at}, so it has no derivative there; move x to where f is "
                f"finite.",
                Verdict.INCONCLUSIVE,
            )


def draw_cotangent(kind: Kind, output: Output, rng: np.random.Generator) -> dict[str, Array]:
    """Draw what the output is paired with: 1 for a scalar, else random and dense."""
    if kind is Kind.GRAD:
        return {"x": np.ones((), dtype=working_dtype(output.arrays["x"].dtype))}
    return {
        path: draw_weights(rng, array.shape, array.dtype) for path, array in output.arrays.items()
    }


def read_claim(space: Space, raw: PyTree, known: Tangent = NOTHING) -> dict[int, Array]:
    """Match the claim with the leaves of the point by path; copy it, because buffers are reused.

    What is, bit for bit, that of an earlier call is not copied again: `known` is returned for it.
    """
    if raw is None:
        raise Broken(
            Cause.STRUCTURE,
            "the derivative returned None, as a function without a return does; it must return "
            "what has the same structure as the point.",
            Verdict.FAIL,
        )
    by_path = leaves_by_path(raw)
    _require_structure(space, by_path)
    return {
        i: _admitted(space, i, _read_claim_leaf(leaf, by_path[leaf.path], known.get(i)))
        for i, leaf in ((i, space.leaves[i]) for i in space.moving)
    }


def _admitted(space: Space, i: int, claim: Array) -> Array:
    """Leave out what admissible directions do not see: it may be anything, NaN included."""
    free = space.leaves[i].free
    if free is not None:
        claim = np.where(free, claim, np.zeros((), claim.dtype))
    return claim if space.domain is None else space.domain.adjoint(i, claim)


def size_over_x(space: Space, raw: PyTree) -> float:
    """Return by how much `f` changes over x, as claimed, of leaves that are rounded beside x."""
    rounded = [i for i in space.moving if space.is_curved or space.is_projected(i)]
    by_path, sizes = leaves_by_path(raw) if rounded else {}, []
    for leaf in (space.leaves[i] for i in rounded):
        claim = leaf.held(_read_claim_leaf(leaf, by_path[leaf.path]))
        sizes.append(norm_of_products(claim, leaf.array))
    return sum(size for size in sizes if np.isfinite(size))


def untested(space: Space, raw: PyTree) -> tuple[Finding, ...]:
    """List carried numbers for which there is a derivative all the same, which nothing tests.

    A claim that hands a carried leaf back as it is, or zero for it, says nothing of it.
    """
    by_path = leaves_by_path(raw)
    return tuple(
        Finding(
            Cause.DTYPE,
            f"{leaf.path} holds whole numbers ({_kind_of(leaf)}), is carried along and was not "
            f"tested, though a derivative is claimed for it; give it as floating numbers.",
            leaf.path,
        )
        for leaf in space.leaves
        if leaf.base is None and _says_something(leaf, by_path.get(leaf.path))
    )


def _kind_of(leaf: Leaf) -> str:
    return leaf.kind if leaf.labels is None else str(leaf.labels.dtype)


def _says_something(leaf: Leaf, claim: object) -> bool:
    kept = leaf.given if leaf.labels is None else leaf.labels
    if isinstance(kept, (bool, str, bytes)) or claim is None:
        return False
    numbers, kept = copied(claim), copied(kept)
    if not is_numeric(numbers.dtype) or kept.dtype.kind not in "iu":
        return False
    return bool(np.any(numbers != 0)) and not np.array_equal(numbers, kept)


def _require_structure(space: Space, by_path: dict[str, Any]) -> None:
    expected = {leaf.path for leaf in space.leaves if leaf.base is not None}
    carried = {leaf.path for leaf in space.leaves if leaf.base is None}
    missing, extra = expected - by_path.keys(), by_path.keys() - expected - carried
    if missing or extra:
        lack = f"has no {', '.join(sorted(missing))}" if missing else ""
        surplus = f"has {', '.join(sorted(extra))}, which the point has not" if extra else ""
        both = " and ".join(part for part in (lack, surplus) if part)
        raise Broken(
            Cause.STRUCTURE,
            f"the derivative {both}; it must have the same structure as the point.",
            Verdict.FAIL,
            leaf=min(missing, default=None),
        )


def _read_claim_leaf(leaf: Leaf, raw: object, known: Array | None = None) -> Array:
    if known is not None and type(raw) is np.ndarray and same_bits(raw, known):
        return known
    array, base = copied(_as_stored(leaf, raw)), leaf.array
    if not is_numeric(array.dtype):
        raise Broken(
            Cause.DTYPE,
            f"the derivative of leaf {leaf.path} is {describe(raw)}, but it must be numbers.",
            Verdict.FAIL,
            leaf=leaf.path,
        )
    if array.shape != base.shape:
        raise _wrong_shape(leaf, array)
    if array.dtype.kind == "c" and base.dtype.kind != "c":
        if np.any(array.imag != 0):
            raise Broken(
                Cause.DTYPE,
                f"the derivative of the real leaf {leaf.path} is complex.",
                Verdict.FAIL,
                leaf=leaf.path,
            )
        array = array.real
    return array


def _as_stored(leaf: Leaf, raw: object) -> object:
    """Read a claim at the places of a sparse leaf, and a sparse claim of any other as an array."""
    if leaf.pattern is None:
        return raw.toarray() if is_sparse(raw) else raw  # type: ignore[attr-defined]
    array = on_places(raw, leaf.pattern)
    if array is not None:
        return array
    shape = leaf.pattern.shape
    raise Broken(
        Cause.SHAPE,
        f"the derivative of the sparse leaf {leaf.path} is {describe(raw)}; it must be a "
        f"matrix of shape {shape}, sparse or dense, or shaped like its data, {leaf.array.shape}.",
        Verdict.FAIL,
        leaf=leaf.path,
    )


def constant_on_a_manifold(space: Space, constant: frozenset[int]) -> tuple[Finding, ...]:
    """Remark on a claim that is the same elsewhere, where differences cannot tell why."""
    return tuple(
        Finding(
            Cause.SETUP,
            f"the derivative of leaf {space.leaves[i].path} is the same, bit for bit, at another "
            f"point: right if f is linear, and a stale cache if not; on a manifold it is compared "
            f"at x alone, so that this was not tested.",
            space.leaves[i].path,
        )
        for i in sorted(constant if space.is_curved else ())
    )


def beyond_places(space: Space, raw: PyTree) -> tuple[Finding, ...]:
    """Remark on what is claimed where a sparse leaf stores nothing, which no direction moves."""
    by_path, remarks = leaves_by_path(raw), []
    for leaf in (space.leaves[i] for i in space.moving):
        count = 0
        if leaf.pattern is not None:
            count = count_beyond(by_path[leaf.path], leaf.pattern)
        if count:
            what = "1 entry that is not 0" if count == 1 else f"{count} entries that are not 0"
            message = (
                f"the derivative of the sparse leaf {leaf.path} has {what} where the leaf stores "
                f"nothing: only stored values are moved, so that these were not tested."
            )
            remarks.append(Finding(Cause.SETUP, message, leaf.path, {"beyond": count}))
    return tuple(remarks)


def _wrong_shape(leaf: Leaf, array: Array) -> Broken:
    shape = leaf.array.shape
    message = f"the derivative of leaf {leaf.path} has shape {array.shape}, the leaf has {shape}"
    lost = array.ndim - len(shape)
    if lost > 0 and array.shape[lost:] == shape:
        axes = ", ".join(str(axis) for axis in range(lost))
        message += f"; the sum over the broadcast axis {axes} is missing"
        return Broken(Cause.MISSING_REDUCTION, message + ".", Verdict.FAIL, leaf=leaf.path)
    if array.shape == shape[::-1]:
        message += "; it is transposed"
    return Broken(Cause.SHAPE, message + ".", Verdict.FAIL, leaf=leaf.path)


def read_pushed(output: Output, raw: PyTree) -> dict[str, Array]:
    """Match what a JVP returned with the output of `f` by path."""
    try:
        pushed = read_numbers(raw).arrays
    except UsageError:
        raise Broken(
            Cause.STRUCTURE,
            f"the derivative returned {describe(raw)}, which holds no floating array; it must have "
            f"the same structure as f(x).",
            Verdict.FAIL,
        ) from None
    for path, array in output.arrays.items():
        if path not in pushed:
            message = f"the derivative has no {path}; it must have the same structure as f(x)."
            raise Broken(Cause.STRUCTURE, message, Verdict.FAIL, leaf=path)
        _require_like(path, pushed[path], array)
    return {path: pushed[path] for path in output.arrays}


def _require_like(path: str, pushed: Array, array: Array) -> None:
    if pushed.shape != array.shape:
        message = f"the derivative of output {path} has shape {pushed.shape}, f(x) {array.shape}."
        raise Broken(Cause.SHAPE, message, Verdict.FAIL, leaf=path)
    if array.dtype.kind != "c" and pushed.dtype.kind == "c" and np.any(pushed.imag != 0):
        message = f"the derivative of the real output {path} is complex."
        raise Broken(Cause.DTYPE, message, Verdict.FAIL, leaf=path)


def dtype_remarks(origin: Origin) -> tuple[Finding, ...]:
    """Remark on claims kept in a coarser dtype than their leaf."""
    remarks = []
    for i, claim in origin.claimed.items():
        leaf = origin.space.leaves[i]
        if claim.dtype.kind in "iu" and claim.ndim > 0:
            remarks.append(
                Finding(
                    Cause.DTYPE,
                    f"the derivative of leaf {leaf.path} has the integer dtype {claim.dtype}: "
                    f"fractions written into it are cut off.",
                    leaf.path,
                )
            )
        elif claim.dtype.itemsize < leaf.array.dtype.itemsize and is_floating(claim.dtype):
            remarks.append(
                Finding(
                    Cause.DTYPE,
                    f"the derivative of the {leaf.array.dtype} leaf {leaf.path} is only "
                    f"{claim.dtype}.",
                    leaf.path,
                )
            )
    return tuple(remarks)


def index_text(where: tuple[Any, ...]) -> str:
    """Write an index as Python would: [3, 1]."""
    return "[" + ", ".join(str(int(i)) for i in where) + "]"
