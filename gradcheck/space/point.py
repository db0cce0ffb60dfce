"""A point as a vector space: its leaves, their paths and scales, and x + t v.

Part of `space`.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
import optree

from ..records import PyTree, UsageError
from .arrays import BRAIN, Array, finer_dtype, is_floating, require_finite
from .displacement import Tangent, displace_all
from .foreign import duplicate, is_array, is_far, is_foreign, read, write
from .given import copied, handed_over, wrap, written
from .on_device import OnDevice
from .restoring import differs, lock_as_before, overwrite_unless_locked, write_back

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
    lodged: Any = None

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
        return self.given if self.handed is None else wrap(self.handed, self.given)

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
        return copied(self.kept, self.given) if self.lodged is None else duplicate(self.lodged)

    @property
    def kept_there(self) -> Any:  # noqa: ANN401 - an array of any library
        """The same where it need not travel."""
        return self.kept if self.lodged is None else self.lodged


ALONE = Leaf("", None, None, np.zeros(()))._references  # where only the leaf refers to its array


@dataclass(frozen=True, eq=False)
class Space:
    """A point as a vector space: the product of its differentiable leaves over the reals.

    A complex leaf counts as pairs of reals: <a, b> = Re sum conj(a) b, so a gradient g of a real
    function means df = <g, dx>, as in PyTorch (JAX returns the conjugate).
    """

    leaves: tuple[Leaf, ...]
    treespec: optree.PyTreeSpec

    @classmethod
    def of(cls, x: PyTree) -> Space:
        """Read a point.

        Raises
        ------
        UsageError
            If a leaf can be neither differentiated nor carried, or nothing can be differentiated.
        """
        by_path, treespec = flatten(x)
        leaves = tuple(_read(path, value) for path, value in by_path.items())
        if all(leaf.base is None for leaf in leaves):
            kinds = ", ".join(sorted({leaf.kind for leaf in leaves})) or "nothing"
            raise UsageError(
                f"the point holds {kinds}: there is no floating or complex leaf to differentiate; "
                f"give it as floating numbers, such as np.asarray(x, float)."
            )
        return cls(leaves, treespec)

    @cached_property
    def moving(self) -> tuple[int, ...]:
        """The numbers of the leaves that are differentiated."""
        return tuple(i for i, leaf in enumerate(self.leaves) if leaf.base is not None)

    def point(self) -> PyTree:
        """Build the point itself."""
        return self.rebuild({})

    def rebuild(self, changed: Tangent) -> PyTree:
        """Build the point with some leaves' values replaced."""
        # as little as can be for each leaf: every leaf has lines of its own, and points on them
        values = [leaf.handed if leaf.is_handed_as_is else leaf.wrapped for leaf in self.leaves]
        for i, array in changed.items():
            values[i] = wrap(array, self.leaves[i].given)
        return optree.tree_unflatten(self.treespec, values)

    def around(self, i: int) -> Callable[[Array], PyTree]:
        """Return what builds the point with another array in the place of one leaf."""
        if self.treespec is LEAF:
            return _itself
        values = [leaf.handed if leaf.is_handed_as_is else leaf.wrapped for leaf in self.leaves]

        def build(array: Array) -> PyTree:
            values[i] = array
            return optree.tree_unflatten(self.treespec, values)

        return build

    def rebuild_complex(self, changed: Tangent) -> PyTree:
        """Build the point with some real leaves' values replaced by complex ones."""
        values = [
            leaf.given
            if leaf.handed is None
            else written(changed[i], leaf.given)
            if i in changed
            else wrap(leaf.handed, leaf.given)
            for i, leaf in enumerate(self.leaves)
        ]
        return optree.tree_unflatten(self.treespec, values)

    def displaced(self, tangent: Tangent, t: float) -> tuple[PyTree, float]:
        """Build x + t v in arrays of its own, and return it with the step really taken."""
        if self._is_foreign and (there := self._on_device.displaced(tangent, t)) is not None:
            return self.rebuild(there[0]), there[1]
        bases = {i: self.leaves[i].array for i in tangent}
        moved = {i: np.array(base, order="K") for i, base in bases.items()}
        step = displace_all(bases, tangent, t, moved)
        if self._is_foreign:
            moved = {i: handed_over(array, self.leaves[i].given) for i, array in moved.items()}
        return self.rebuild(moved), step

    @cached_property
    def _is_foreign(self) -> bool:
        return any(is_foreign(self.leaves[i].given) for i in self.moving)

    @cached_property
    def _on_device(self) -> OnDevice:
        far = (i for i in self.moving if self.leaves[i].lodged is not None)
        return OnDevice({i: (self.leaves[i].array, self.leaves[i].lodged) for i in far})

    def moved_to(self, changed: Tangent) -> Space:
        """Return the space at another point: some leaves' values replaced.

        The caller's own arrays are no part of it, so that nothing is ever restored to that point.
        """
        return replace(
            self,
            leaves=tuple(
                leaf if leaf.base is None else _own_leaf(leaf, changed.get(i, leaf.base))
                for i, leaf in enumerate(self.leaves)
            ),
        )

    def promoted(self) -> Space:
        """Return the same point with every leaf in more digits: float64, or longdouble beyond."""
        finer = (leaf if leaf.base is None else _promoted(leaf, leaf.base) for leaf in self.leaves)
        return replace(self, leaves=tuple(finer))

    @contextmanager
    def overwritten(self, other: Space) -> Iterator[None]:
        """Give the arrays that calls are handed another point's values, as an optimiser does.

        In place: they are the same objects as before, and are put right afterwards.
        """
        try:
            for i in self.moving:
                overwrite_unless_locked(self.leaves[i].handed, other.leaves[i].kept_there)
            yield
        finally:
            for i in self.moving:
                overwrite_unless_locked(self.leaves[i].handed, self.leaves[i].kept_there)
            self.restore_handed()

    def restore_handed(self) -> tuple[str, ...]:
        """Replace the arrays that a call was handed and changed; return their paths."""
        changed = [leaf for leaf in self.leaves if differs(leaf.handed, leaf.kept_there)]
        for leaf in changed:  # a new copy, for the old one may be reshaped or locked
            object.__setattr__(leaf, "handed", leaf.fresh())
        return tuple(leaf.path for leaf in changed)

    def restore_given(self) -> tuple[str, ...]:
        """Undo what calls did to the caller's own arrays; return the paths of those changed."""
        arrays = [leaf for leaf in self.leaves if is_array(leaf.given)]
        changed = [leaf for leaf in arrays if differs(leaf.given, leaf.kept_there)]
        for leaf in changed:
            write_back(leaf.given, leaf.kept)
        for leaf in arrays:
            lock_as_before(leaf.given, leaf.writeable)
        return tuple(leaf.path for leaf in changed)


def _own_leaf(leaf: Leaf, values: Array) -> Leaf:
    if leaf.bounds is not None:  # a point nearby is drawn without looking at them
        values = np.clip(values, *leaf.bounds).astype(values.dtype)
    given = write(values, leaf.given) if is_array(leaf.given) else leaf.given
    return _leaf_of_ours(leaf, given, values)


def _promoted(leaf: Leaf, base: Array) -> Leaf:
    """Keep arrays arrays and scalars scalars, those of NumPy where Python has none so long."""
    values = base.astype(finer_dtype(base.dtype))
    given = written(values, leaf.given)
    return _leaf_of_ours(leaf, given, values)


def _leaf_of_ours(leaf: Leaf, given: Any, values: Array) -> Leaf:  # noqa: ANN401 - as below
    # what is given is no array of the caller's, and is handed to nobody
    lodged = given if is_foreign(given) and is_far(given) else None
    handed = copied(values, given) if lodged is None else duplicate(lodged)
    return Leaf(leaf.path, given, values, handed, bounds=leaf.bounds, lodged=lodged)


def _itself(array: Array) -> PyTree:
    return array


LEAF: optree.PyTreeSpec = optree.treespec_leaf(namespace=NAMESPACE)


def flatten(tree: PyTree) -> tuple[dict[str, Any], optree.PyTreeSpec]:
    """Read a pytree: leaves by path (`x` is the root, `['W1']`, `.layers[0].bias`), structure.

    One array and a list of arrays, which are read most often, need not be asked for their paths.
    """
    if type(tree) is np.ndarray:
        return {"x": tree}, LEAF
    if type(tree) in (list, tuple) and all(type(value) is np.ndarray for value in tree):
        spec = optree.tree_structure(tree, namespace=NAMESPACE)
        return {f"[{k}]": value for k, value in enumerate(tree)}, spec
    try:
        accessors, values, spec = optree.tree_flatten_with_accessor(tree, namespace=NAMESPACE)
    except RecursionError:
        message = f"a {type(tree).__name__} contains itself, or is nested too deeply to read."
        raise UsageError(message) from None
    paths = (accessor.codify("") or "x" for accessor in accessors)
    return dict(zip(paths, values, strict=True)), spec


def leaves_by_path(tree: PyTree) -> dict[str, Any]:
    """Read the leaves alone."""
    return flatten(tree)[0]


def _read(path: str, value: object) -> Leaf:
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
        leaf = Leaf(path, value, array, write(array, value))
    else:
        leaf = Leaf(path, value, None, write(array, value), array)
    return replace(leaf, lodged=duplicate(leaf.handed)) if is_far(value) else leaf


def _read_numpy(path: str, value: Array | np.generic) -> Leaf:
    if isinstance(value, (np.matrix, np.ma.MaskedArray)):
        mend = "np.asarray(leaf)" if isinstance(value, np.matrix) else "leaf.filled(0)"
        raise UsageError(
            f"leaf {path} is a {type(value).__name__}, whose arithmetic is not that of an array; "
            f"pass {mend} (and close over a mask)."
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
