"""Stacks of points along a leading axis: how they are built, and what comes back is read.

Leaves that are differentiated are stacked; what is carried along, such as labels, is handed on as
it is. Calls nothing.
Part of `execution`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import optree

from ..records import PyTree, UsageError
from ..space import NAMESPACE, Array, Space, flatten, is_array, is_floating, is_foreign, wrap
from .outputs import SCALAR, Output, copied, describe, read_output

MOST_BYTES = 2**26  # of one stack of points: 64 MiB
SAME = 2.0**10  # roundings of f: sums over arrays that lie in memory otherwise
OWN = 2.0  # roundings that a value is allowed anyway
NEAR_BYTES = 2**18  # of one that stays in the cache of a core, where its gain is largest


Dtypes = tuple[np.dtype[Any], ...]


@dataclass(eq=False)
class Stacking:
    """What is known of how `f` takes stacks; shared by all evaluators of a check.

    Attributes
    ----------
    usable : bool
        Whether it was tried, and the value of a point is the same in any stack.
    unrest : float
        How many times more than by its own rounding a value moves with its place in a stack.
    a_call : float
        Seconds that a call with one point takes.
    doubt : str
        Why it is not usable any more, where that showed later.
    known : dict of dtypes to tuples of (Space, Output)
        Points near x, and what `f` returned at each by itself: by the dtypes of their leaves, for
        `f` is another in other digits.
    long : int
        How many long stacks there were.
    """

    usable: bool = False
    unrest: float = 1.0
    a_call: float = np.inf
    doubt: str = ""
    known: dict[Dtypes, tuple[tuple[Space, Output], ...]] = field(default_factory=dict)
    long: int = 0

    def allows(self, off: float, rounding: float) -> bool:
        """Whether a value that is so far off in a stack is off by rounding, which is noted."""
        if not off <= SAME * rounding:
            return False
        if off > 0:
            self.unrest = max(self.unrest, off / (OWN * rounding))
        return True


@dataclass(frozen=True, eq=False)
class Stack:
    """Copies of one point, whose rows are then changed.

    Attributes
    ----------
    space : Space
        The point.
    arrays : dict of int to array
        By the number of a leaf that is differentiated, its copies, (B, ...).
    """

    space: Space
    arrays: dict[int, Array]

    @classmethod
    def of(cls, space: Space, count: int) -> Stack:
        """Copy a point so many times."""
        leaves = {i: space.leaves[i].array for i in space.moving}
        return cls(space, {i: np.repeat(a[np.newaxis], count, axis=0) for i, a in leaves.items()})

    def set_row(self, n: int, space: Space) -> None:
        """Replace one copy by another point."""
        for i, array in self.arrays.items():
            array[n, ...] = space.leaves[i].array

    def point(self, count: int) -> PyTree:
        """Build what `f` is called with, of the first copies."""
        values = []
        for i, leaf in enumerate(self.space.leaves):
            if i not in self.arrays:
                values.append(leaf.handed if leaf.is_handed_as_is else leaf.wrapped)
                continue
            stacked = self.arrays[i][:count]
            values.append(wrap(stacked, leaf.given) if is_foreign(leaf.given) else stacked)
        return optree.tree_unflatten(self.space.treespec, values)

    @property
    def is_intact(self) -> bool:
        """Whether all copies are still the point, bit for bit."""
        return all(_is_repeated(a, self.space.leaves[i].array) for i, a in self.arrays.items())


def _is_repeated(stacked: Array, one: Array) -> bool:
    """Whether all rows are the same bytes."""
    if stacked.size == 0:
        return True
    word = np.uint64 if one.nbytes % 8 == 0 else np.uint8
    rows = stacked.reshape(len(stacked), -1).view(word)
    return bool((rows == np.ascontiguousarray(one).reshape(1, -1).view(word)).all())


def dtypes_of(space: Space) -> Dtypes:
    """Return the dtypes of the leaves that are stacked."""
    return tuple(space.leaves[i].array.dtype for i in space.moving)


def bytes_of(space: Space) -> int:
    """Return the size of one point in a stack."""
    return max(1, sum(space.leaves[i].array.nbytes for i in space.moving))


def stack_of_one(point: PyTree) -> PyTree:
    """Give the leaves of a point a leading axis of length 1, as views where they are arrays.

    Examples
    --------
    >>> import numpy as np
    >>> stack = stack_of_one({"w": np.zeros(3), "b": 1.5, "n": 2})
    >>> stack["w"].shape, stack["b"].shape, stack["n"]
    ((1, 3), (1,), 2)
    """
    if type(point) is np.ndarray:
        return point[np.newaxis]
    return optree.tree_map(_as_stack, point, namespace=NAMESPACE)


def _as_stack(leaf: Any) -> Any:  # noqa: ANN401 - whatever a point holds
    if is_array(leaf):
        kind = str(leaf.dtype)
        return leaf[None, ...] if "float" in kind or "complex" in kind else leaf
    if isinstance(leaf, (float, complex, np.inexact)) and not isinstance(leaf, Enum):
        return np.asarray(leaf)[np.newaxis]
    return leaf


def only_row(value: PyTree) -> PyTree:
    """Take off the leading axis again of what came back for a stack of one.

    Raises
    ------
    UsageError
        If an array of it has none, or it cannot be read.
    """
    if type(value) is np.ndarray and value.shape[:1] == (1,):
        return value[0]
    by_path, treespec = flatten(value)
    return optree.tree_unflatten(treespec, [_first(leaf, value) for leaf in by_path.values()])


def _first(leaf: Any, value: PyTree) -> Any:  # noqa: ANN401 - whatever came back
    if is_array(leaf) and tuple(leaf.shape[:1]) == (1,):
        return leaf[0, ...]
    if is_array(leaf) or isinstance(leaf, (float, complex, np.generic)):
        raise misfit(value, 1)
    return leaf


def read_scalars(value: object, count: int) -> Array:
    """Read one real number for each point of a stack, (count,).

    Raises
    ------
    UsageError
        If that is not what came back.
    """
    array = copied(value)
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    real = is_floating(array.dtype) and array.dtype.kind != "c"
    if not real or array.size != count or array.shape[:1] != (count,):
        raise misfit(value, count)
    return array.reshape(count)


def scalar_rows(values: Array) -> list[Output]:
    """Return the outputs of a real function, one for each point."""
    return [Output({"x": values[n, ...]}, {}, SCALAR) for n in range(len(values))]


def read_rows(value: PyTree, count: int) -> list[Output]:
    """Read one output for each point of a stack.

    Raises
    ------
    UsageError
        If an array that came back has no leading axis of that length.
    """
    whole = read_output(value)
    if any(array.shape[:1] != (count,) for array in whole.arrays.values()):
        raise misfit(value, count)
    return [
        Output({path: array[n, ...] for path, array in whole.arrays.items()}, {}, whole.treespec)
        for n in range(count)
    ]


def misfit(value: object, count: int) -> UsageError:
    """Say what should have come back for a stack."""
    return UsageError(
        f"f was given a stack of {count} point{'s' if count > 1 else ''} along a leading axis and "
        f"returned {describe(value)}, but with batched it must return one value for each point, "
        f"along a leading axis of length {count}; reduce over all axes but the first, or leave out "
        f"batched."
    )
