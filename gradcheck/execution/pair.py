"""A claim, or `f`, that returns `(value, gradient)`, told from what returns one of them.

Part of `execution`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..records import PyTree, UsageError
from ..space import Array, is_numeric, leaves_by_path
from .outputs import describe


def split_pair(value: object) -> tuple[Any, Any]:
    """Split what `f` returns where the claim is True.

    Raises
    ------
    UsageError
        If it is no pair.
    """
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value[0], value[1]
    raise UsageError(
        f"the derivative is True, so f must return (value, gradient), "
        f"but it returned {describe(value)}."
    )


def split_value(result: PyTree, point: PyTree) -> tuple[PyTree, Array | None]:
    """Return the gradient that a claim returned, and the value beside it, None if there is none.

    A pair is a plain tuple of one real number and of what has the point's paths; it is none if it
    would do as the gradient itself, because the point is a tuple of two as well.
    """
    if type(result) is not tuple or len(result) != 2:
        return result, None
    value, gradient = result
    number = _real_number(value)
    if number is None or _suits(result, point) or not _suits(gradient, point):
        return result, None
    return gradient, number


def _real_number(value: object) -> Array | None:
    """Read one real number, of whatever package, in its own precision; None if it is none."""
    if value is None or isinstance(value, (bool, str, bytes, dict, list, tuple)):
        return None
    try:
        array = np.array(value)
    except (ValueError, TypeError, RuntimeError):  # such as a tensor that is not on the CPU
        return None
    return array.reshape(()) if array.size == 1 and _is_real(array) else None


def _is_real(array: Array) -> bool:
    return is_numeric(array.dtype) and array.dtype.kind != "c"


def _suits(gradient: PyTree, point: PyTree) -> bool:
    """Whether a tree has paths of the point only, and an array where the point is an array."""
    paths, expected = leaves_by_path(gradient).keys(), leaves_by_path(point)
    scalar = np.ndim(gradient) == 0 if paths == {"x"} else False
    return bool(paths) and paths <= expected.keys() and not (scalar and np.ndim(expected["x"]) > 0)
