"""A box that a point never leaves: bounds as callers write them, and the point that knows them.

Part of `space`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..records import PyTree, UsageError
from .arrays import Array
from .foreign import is_array, read
from .leaf import Leaf
from .point import Space, leaves_by_path

Box = Mapping[str, tuple[Array, Array]]
"""Lower and upper bounds of leaves by path, shaped like them; infinite where there is none."""


def read_bounds(space: Space, given: Any) -> Box:  # noqa: ANN401 - as callers write them
    """Read bounds of a point.

    Raises
    ------
    UsageError
        If they do not suit it, or the point is outside.
    """
    if given is None:
        return {}
    if hasattr(given, "lb") and hasattr(given, "ub"):  # scipy.optimize.Bounds
        given = (given.lb, given.ub)
    bare = len(space.leaves) == 1 and space.leaves[0].path == "x"
    try:
        pairs = [given] if bare else space.treespec.flatten_up_to(given)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"bounds must be structured like x, with (lower, upper) or None for a leaf: {error}"
        ) from error
    box = {
        leaf.path: _read_pair(leaf, pair)
        for leaf, pair in zip(space.leaves, pairs, strict=True)
        if pair is not None and leaf.base is not None
    }
    _require_inside(space, box)
    return box


def within(space: Space, box: Box) -> Space:
    """Return the point with its leaves knowing their bounds."""
    leaves = (
        replace(leaf, bounds=box[leaf.path]) if leaf.path in box else leaf for leaf in space.leaves
    )
    return replace(space, leaves=tuple(leaves)) if box else space


def holds(box: Box, point: PyTree) -> bool:
    """Whether a point is in the box."""
    by_path = leaves_by_path(point) if box else {}
    for path, (lower, upper) in box.items():
        value = by_path[path]
        array = np.real(read(value) if is_array(value) else np.asarray(value))
        if not np.all((array >= lower) & (array <= upper)):
            return False
    return True


def _read_pair(leaf: Leaf, pair: Any) -> tuple[Array, Array]:  # noqa: ANN401 - as above
    if leaf.array.dtype.kind == "c":
        raise UsageError(f"leaf {leaf.path} is complex: bounds are for real leaves only.")
    try:
        if _is_listed(pair):  # one (lower, upper) an entry, as scipy.optimize.minimize has them
            pair = [low for low, _ in pair], [high for _, high in pair]
        lower, upper = pair
        low = np.broadcast_to(_filled(lower, -np.inf), leaf.array.shape)
        high = np.broadcast_to(_filled(upper, np.inf), leaf.array.shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise UsageError(
            f"the bounds of leaf {leaf.path} must be (lower, upper), each a number, None or an "
            f"array of shape {leaf.array.shape}, or a list of such pairs, one an entry: {error}"
        ) from error
    return low, high


def _is_listed(pair: Any) -> bool:  # noqa: ANN401 - as above
    several = isinstance(pair, (list, tuple)) and len(pair) > 0
    return several and all(isinstance(each, (tuple, list)) for each in pair)


def _filled(end: Any, fill: float) -> Array:  # noqa: ANN401 - as above
    ends = [fill if each is None else each for each in end] if isinstance(end, list) else end
    return np.asarray(fill if ends is None else ends, dtype=np.float64)


def _require_inside(space: Space, box: Box) -> None:
    for leaf in space.leaves:
        if leaf.path not in box:
            continue
        lower, upper = box[leaf.path]
        empty = np.argwhere(~(lower <= upper))  # also where one is no number
        if len(empty):
            at = tuple(int(k) for k in empty[0])
            raise UsageError(
                f"the bounds of leaf {leaf.path} are {lower[at]:g} to {upper[at]:g}"
                f"{f' at {list(at)}' if at else ''}, where nothing lies between; give (lower, "
                f"upper), with the smaller number first."
            )
        outside = np.argwhere(~((leaf.array >= lower) & (leaf.array <= upper)))
        if len(outside):
            at = tuple(int(k) for k in outside[0])
            raise UsageError(
                f"leaf {leaf.path} is {leaf.array[at]}{f' at {list(at)}' if at else ''}, outside "
                f"of its bounds {lower[at]:g} to {upper[at]:g}; move x inside."
            )
