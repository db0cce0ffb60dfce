"""What `f` returned, read into floating arrays, and what is said of anything else.

Part of `execution`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from ..records import PyTree, UsageError, shown_error
from ..space import (
    Array,
    flatten,
    is_array,
    is_floating,
    is_foreign,
    is_masked,
    is_sparse,
    read,
    wrap,
)


@dataclass(frozen=True, eq=False)
class Output:
    """What `f` returned.

    Attributes
    ----------
    arrays : dict of str to array
        Its floating arrays by path; a scalar is one 0-d array at path `x`.
    given : dict of str to object
        All its leaves as they were returned.
    treespec : optree.PyTreeSpec
        Its structure.
    """

    arrays: dict[str, Array]
    given: dict[str, Any]
    treespec: optree.PyTreeSpec

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return sum(array.size for array in self.arrays.values())

    def rebuild(self, arrays: dict[str, Array]) -> PyTree:
        """Build a pytree like the output, such as a cotangent; None where it holds no numbers."""
        values = [
            wrap(arrays[path].astype(self.arrays[path].dtype), given) if path in arrays else None
            for path, given in self.given.items()
        ]
        return optree.tree_unflatten(self.treespec, values)


SCALAR: optree.PyTreeSpec = optree.treespec_leaf()


def read_scalar(value: object) -> Output:
    """Read the value of a function that has a gradient: one real number."""
    array = _as_numbers(value)
    if array is None or array.dtype.kind == "c" or array.size != 1:
        pair = isinstance(value, tuple) and len(value) == 2
        mend = (
            "give True as the gradient if f returns (value, gradient), or return the value alone"
            if pair
            else "reduce it in f (a sum, a mean, abs()**2), or use check_vjp or check_jvp for "
            "array outputs"
        )
        raise UsageError(
            f"f returned {describe(value)}, but a gradient needs one real number; {mend}."
        )
    return Output({"x": array.reshape(())}, {"x": value}, SCALAR)


def read_output(value: PyTree) -> Output:
    """Read the output of a function for a VJP or JVP: a pytree with floating arrays.

    Integers beside them, such as indices, are no part of what is differentiated.
    """
    whole = read_numbers(value)
    floating = {
        path: array
        for path, array in whole.arrays.items()
        if is_floating(copied(whole.given[path]).dtype)
    }
    return Output(floating, whole.given, whole.treespec) if floating else whole


def read_numbers(value: PyTree) -> Output:
    """Read a pytree of numbers, integers among them, such as what a JVP returns."""
    given, treespec = flatten(value)
    numbers = {path: _as_numbers(leaf) for path, leaf in given.items()}
    arrays = {path: array for path, array in numbers.items() if array is not None}
    if not arrays:
        raise UsageError(
            f"f returned {describe(value)}, which holds no floating array to differentiate."
        )
    return Output(arrays, given, treespec)


def _as_numbers(value: object) -> Array | None:
    """Copy the value into a floating array, for `f` may reuse its buffer; None if no numbers."""
    if value is None or isinstance(value, (str, bytes)):
        return None
    if is_sparse(value):  # carried along, it would pass unseen
        raise UsageError(
            f"f or the derivative returned a {type(value).__name__}, and sparse matrices are read "
            f"as leaves of x and as gradients only; return its toarray(), or its data."
        )
    array = copied(value)
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    return array if is_floating(array.dtype) else None


def copied(value: Any) -> Array:  # noqa: ANN401 - whatever came back
    """Copy a value into an array of its own; of objects, where it cannot be one of numbers.

    A masked entry is no number, so it becomes NaN.
    """
    if is_masked(value) and value.dtype.kind in "iufc":
        dtype = value.dtype if value.dtype.kind in "fc" else np.dtype(np.float64)
        array = np.array(value.data, dtype)
        array[np.ma.getmaskarray(value)] = np.nan
        return array
    try:
        return read(value) if is_foreign(value) and not is_sparse(value) else np.array(value)
    except Exception:  # ragged lists; and __array__ is foreign code, which may raise anything
        return np.array(None)


def describe(value: Any) -> str:  # noqa: ANN401 - whatever came back
    """Name a value for a message: its type and shape, and the value itself where it is small."""
    if is_sparse(value):
        return f"a {type(value).__name__} of shape {value.shape} and dtype {value.dtype}"
    if is_array(value):
        return f"an array of shape {tuple(value.shape)} and dtype {value.dtype}"
    if value is None or isinstance(value, (bool, int, float, complex)):
        return repr(value)
    return f"a {type(value).__name__}{_why_unreadable(value)}"


def _why_unreadable(value: object) -> str:
    """Quote what a foreign array says to NumPy, such as a tensor that requires grad."""
    if not hasattr(value, "__array__"):
        return ""
    try:
        np.array(value)
    except Exception as error:  # foreign code
        return f" that NumPy cannot read ({shown_error(error)})"
    return ""
