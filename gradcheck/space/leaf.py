"""One array of a point: what the caller gave, our copy of it, and the copy that calls are handed.

Owns what counts as a leaf that is differentiated, and what is carried or refused.
Part of `space`.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from ..records import BoolArray, UsageError
from .arrays import BRAIN, Array, is_floating, is_masked, require_finite
from .foreign import duplicate, is_far, is_foreign, is_laid_out, read, write
from .given import copied, wrap
from .restoring import differs, write_back
from .sparse import is_in_place, is_sparse, put_back, require_entries

NAMESPACE = "gradcheck"  # classes registered with optree here or globally are nodes
CARRIED = (bool, int, str, bytes, Enum, FunctionType, BuiltinFunctionType, np.ufunc, type)


@dataclass(frozen=True, eq=False)
class Leaf:
    """One array of the point.

    Attributes
    ----------
    path : str
        Such as `['W1']`; `x` where the point is the array itself.
    given : object
        The caller's own object; never handed to `f`.
    base : array or None
        Our copy of it, never handed out either, so that it stays what it was. None for a leaf
        that is carried and not differentiated.
    handed : array or None
        The copy that `f` and the claim are called with, of the caller's own library; None for what
        is carried and no array.
    labels : array or None
        Our copy of an array that is carried, such as integer labels.
    writeable : bool
        Whether the caller's array could be written to.
    bounds : pair of arrays or None
        What its values must not leave, lower and upper.
    free : array of bool or None
        Which entries may be moved, where not all may.
    pattern : sparse matrix or None
        Our copy of a sparse leaf, with the places of its values; never handed out.
    lodged : array or None
        Our copy of it on the device of a large array that is far from the host: what calls are
        handed is copied from it and compared with it there, and need not travel.
    """

    path: str
    given: Any
    base: Array | None
    handed: Any
    labels: Array | None = None
    writeable: bool = True
    bounds: tuple[Array, Array] | None = None
    free: BoolArray | None = None
    pattern: Any = None
    lodged: Any = None

    @property
    def like(self) -> Any:  # noqa: ANN401 - the caller's own type
        """What arrays that are handed out are made like."""
        return self.given if self.pattern is None else self.pattern

    def is_changed(self, now: Any) -> bool:  # noqa: ANN401 - as above
        """Whether an array of the leaf, the caller's own or a copy, is not what it was."""
        moved = self.pattern is not None and not is_in_place(now, self.pattern)
        return moved or differs(now, self.kept_there)

    def restore_given(self) -> None:
        """Put the caller's own array right in place."""
        if self.pattern is None:
            write_back(self.given, self.kept)
        else:
            put_back(self.given, self.pattern)

    @property
    def array(self) -> Array:
        """The values at the point, of a leaf that is known to be differentiated."""
        assert self.base is not None, f"{self.path} is carried, not differentiated"
        return self.base

    @property
    def kind(self) -> str:
        """Its type, and the dtype of an array."""
        dtype = f" of dtype {self.labels.dtype}" if self.labels is not None else ""
        return f"{type(self.given).__name__}{dtype}"

    @cached_property
    def is_handed_as_is(self) -> bool:
        """Whether calls are handed the array itself, rather than a number made of it."""
        return isinstance(self.given, np.ndarray) or is_foreign(self.handed)

    @property
    def wrapped(self) -> Any:  # noqa: ANN401 - the caller's own type
        """What calls are handed where that is no array."""
        return self.given if self.handed is None else wrap(self.handed, self.like)

    def held(self, v: Array) -> Array:
        """Return a tangent of the leaf without what may not be moved."""
        return v if self.free is None else np.where(self.free, v, 0)

    @property
    def can_be_lent(self) -> bool:
        """Whether our array may be changed for a call, and be put right afterwards."""
        ours = isinstance(self.handed, np.ndarray) and self.handed.flags.writeable
        return ours and not self.is_kept

    @property
    def is_kept(self) -> bool:
        """Whether a call has kept the array that it was handed, or a view of it."""
        return self._references > ALONE

    def put_right(self) -> None:
        """Write x into the array that calls are handed; make a new one where a call has kept it."""
        handed = self.handed
        lock = not handed.flags.writeable or handed.shape != self.array.shape
        del handed  # or it would look kept
        if lock or self.is_kept:
            object.__setattr__(self, "handed", self.fresh())
        else:
            np.copyto(self.handed, self.array)

    @property
    def _references(self) -> int:
        return sys.getrefcount(self.handed) + weakref.getweakrefcount(self.handed)

    @property
    def kept(self) -> Array | None:
        """What the caller's array was, whether it is differentiated or carried."""
        return self.labels if self.base is None else self.base

    def fresh(self) -> Any:  # noqa: ANN401 - an array of the caller's library
        """Copy the values into a new array."""
        return copied(self.kept, self.like) if self.lodged is None else duplicate(self.lodged)

    @property
    def kept_there(self) -> Any:  # noqa: ANN401 - an array of any library
        """The same where it need not travel."""
        return self.kept if self.lodged is None else self.lodged


ALONE = Leaf("", None, None, np.zeros(()))._references  # where only the leaf refers to its array


def read_leaf(path: str, value: object) -> Leaf:
    """Copy a leaf that is differentiated, carry one that is not, refuse what is neither."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _read_numpy(path, value)
    if isinstance(value, (float, complex)) and not isinstance(value, Enum):
        require_finite(path, np.array(value))
        return Leaf(path, value, np.array(value), np.array(value))
    if isinstance(value, CARRIED):
        return Leaf(path, value, None, None)
    if is_foreign(value):
        return _read_foreign(path, value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    raise UsageError(
        f"leaf {path} is of type {kind}, which gradcheck cannot look into; if it is a class that "
        f"holds arrays, register it with optree: "
        f"@optree.dataclasses.dataclass(namespace={NAMESPACE!r})."
    )


def _read_foreign(path: str, value: Any) -> Leaf:  # noqa: ANN401 - an array of another library
    """Copy an array of another library, and hand out copies of its kind."""
    if is_sparse(value):
        require_entries(path, value)
    elif not is_laid_out(value):
        raise UsageError(
            f"leaf {path} is a sparse tensor; make its values the leaf, and build the tensor in f, "
            f"such as torch.sparse_coo_tensor(indices, values, shape)."
        )
    elif type(value).__name__ == "MaskedTensor":
        raise UsageError(
            f"leaf {path} is a MaskedTensor, whose arithmetic is not that of a tensor; pass "
            f"leaf.get_data(), and tangent=leaf.get_mask(), which holds the masked entries still."
        )
    try:
        array = read(value)
    except UsageError as error:
        raise UsageError(f"leaf {path}: {error}") from error
    if "float" in str(value.dtype) and array.dtype.name not in str(value.dtype):
        mend = "pip install ml_dtypes, or " if BRAIN in str(value.dtype) else ""
        raise UsageError(
            f"leaf {path} is of dtype {value.dtype}, which NumPy has not; {mend}give it as float32 "
            f"and let f round it."
        )
    if is_floating(array.dtype):
        require_finite(path, array)
        pattern = value.copy() if is_sparse(value) else None
        leaf = Leaf(path, value, array, write(array, value), pattern=pattern)
    else:
        leaf = Leaf(path, value, None, write(array, value), array)
    return replace(leaf, lodged=duplicate(leaf.handed)) if is_far(value) else leaf


MASKED = ", and tangent=~np.ma.getmaskarray(leaf), which holds the masked entries still"


def _read_numpy(path: str, value: Array | np.generic) -> Leaf:
    if isinstance(value, np.matrix) or is_masked(value):
        plain = isinstance(value, np.matrix)
        mend, mask = ("np.asarray(leaf)", "") if plain else ("leaf.filled(0)", MASKED)
        raise UsageError(
            f"leaf {path} is a {type(value).__name__}, whose arithmetic is not that of an array; "
            f"pass {mend}{mask}."
        )
    array = np.asanyarray(value)
    writeable = bool(array.flags.writeable)
    if is_floating(array.dtype) and array.dtype.isnative:
        require_finite(path, array)
        base, handed = array.copy(order="K"), array.copy(order="K")
        return Leaf(path, value, base, handed, writeable=writeable)
    if array.dtype.kind in "fc":
        raise UsageError(
            f"leaf {path} has dtype {array.dtype.str} of the other byte order; "
            f"convert it with x.astype(x.dtype.newbyteorder('='))."
        )
    if array.dtype.kind in "biuSUmM":
        if isinstance(value, np.generic):  # a scalar cannot be written to
            return Leaf(path, value, None, None)
        handed, labels = array.copy(order="K"), array.copy(order="K")
        return Leaf(path, value, None, handed, labels, writeable)
    raise UsageError(
        f"leaf {path} has dtype {array.dtype}, which can be neither differentiated nor carried; "
        f"convert it to a floating dtype, such as x.astype(float)."
    )
