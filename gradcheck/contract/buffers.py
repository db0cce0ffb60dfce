"""The memory of what a claim returned: whom it belongs to as well.

    changes at a later call     FAIL, aliasing: numbers that the caller still holds become others
    shared by two leaves        a remark: right numbers, until one of them is changed in place;
                                legal for tied leaves, and where a sum hands its cotangent on
    shared with the point       a remark: the same; legal where the gradient is x, as for x'x/2
    shared with the cotangent   nothing: most backward passes of an identity hand it on

Part of `contract`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..execution import Origin
from ..records import Cause, Finding, PyTree, Verdict
from ..space import Array, leaves_by_path, same_bits
from .breach import Broken
from .reading import read_claim

MOST_WORK: Any = 10_000  # of NumPy's exact search; overlaps of whole arrays need next to none


def require_unchanged(origin: Origin, raw: PyTree, before: dict[int, Array]) -> None:
    """Require that what an earlier call returned is what it was.

    Raises
    ------
    Broken
        If a later call has written to it.
    """
    for i, kept in read_claim(origin.space, raw, before).items():
        if not same_bits(kept, before[i]):
            path = origin.space.leaves[i].path
            raise Broken(
                Cause.ALIASING,
                f"the derivative of leaf {path} that was returned at x changed when the derivative "
                f"was evaluated at another point: both calls return the same buffer; return a new "
                f"array.",
                Verdict.FAIL,
                leaf=path,
            )


def shared_buffers(origin: Origin, raw: PyTree) -> tuple[Finding, ...]:
    """Remark on memory that the gradients of two leaves share, or a gradient and the point."""
    space, by_path = origin.space, leaves_by_path(raw)
    returned = {space.leaves[i].path: by_path[space.leaves[i].path] for i in space.moving}
    owned = [_Owned(path, "gradient", a) for path, a in returned.items()]
    owned += [
        _Owned(leaf.path, "point", a) for leaf in space.leaves for a in (leaf.handed, leaf.given)
    ]
    pairs = list(_sharing([one for one in owned if isinstance(one.array, np.ndarray)]))
    remarks = []
    twice = [(a.path, b.path) for a, b in pairs if (a.kind, b.kind) == ("gradient", "gradient")]
    if twice:
        p, q = twice[0]
        remarks.append(_remark(f"the derivatives of leaves {p} and {q} share memory", twice))
    of_point = [(a.path, b.path) for a, b in pairs if (a.kind, b.kind) == ("gradient", "point")]
    if of_point:
        p, q = of_point[0]
        whose = "the leaf itself" if p == q else f"leaf {q} of the point"
        remarks.append(_remark(f"the derivative of leaf {p} shares memory with {whose}", of_point))
    return tuple(remarks)


@dataclass(frozen=True, eq=False)
class _Owned:
    """An array, and whether it is part of the gradient or of the point."""

    path: str
    kind: str
    array: Any


def _sharing(owned: list[_Owned]) -> Iterator[tuple[_Owned, _Owned]]:
    """Find the pairs that share memory, a gradient first; by address, so that few are compared."""
    spans = [(*_span(one.array), n) for n, one in enumerate(owned) if one.array.size]
    spans.sort()
    for k, (_, high, n) in enumerate(spans):
        for low, _, m in spans[k + 1 :]:
            if low >= high:
                break
            first, second = sorted((n, m))  # gradients come first in the list
            if owned[first].kind == "gradient" and _share(owned[first].array, owned[second].array):
                yield owned[first], owned[second]


def _span(array: Array) -> tuple[int, int]:
    """Return the first address of an array, and the first behind it."""
    start = int(array.__array_interface__["data"][0])
    reach = [(n - 1) * stride for n, stride in zip(array.shape, array.strides, strict=True)]
    behind = sum(max(r, 0) for r in reach) + array.itemsize
    return start + sum(min(r, 0) for r in reach), start + behind


def _remark(text: str, pairs: list[tuple[str, str]]) -> Finding:
    more = f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
    return Finding(
        Cause.ALIASING,
        f"{text}{more}: no error by itself, but whoever clips or scales one of the two in place "
        f"changes the other; return a copy if that may happen.",
        pairs[0][0],
        {"pairs": len(pairs)},
    )


def _share(a: Array, b: Array) -> bool:
    """Whether two arrays have an element in common; interleaved views that have none do not."""
    try:
        return np.shares_memory(a, b, max_work=MOST_WORK)
    except np.exceptions.TooHardError:
        return False
