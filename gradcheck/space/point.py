"""A point as a vector space: its leaves, their paths and scales, and x + t v.

Part of `space`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
import optree

from ..records import PyTree, UsageError
from .arrays import BRAIN, Array, finer_dtype, inner, is_floating, same_bits
from .foreign import is_array, is_foreign, overwrite, read, write

Tangent = Mapping[int, Array]
"""One array a moved leaf, by the leaf's number, in the leaf's working precision."""

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
    """

    path: str
    given: Any
    base: Array | None
    handed: Any
    labels: Array | None = None
    writeable: bool = True
    bounds: tuple[Array, Array] | None = None

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

    @property
    def kept(self) -> Array | None:
        """What the caller's array was, whether it is differentiated or carried."""
        return self.labels if self.base is None else self.base


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
        values = [
            leaf.given if leaf.handed is None else wrap(changed.get(i, leaf.handed), leaf.given)
            for i, leaf in enumerate(self.leaves)
        ]
        return optree.tree_unflatten(self.treespec, values)

    def rebuild_complex(self, changed: Tangent) -> PyTree:
        """Build the point with some real leaves' values replaced by complex ones."""
        values = [
            leaf.given
            if leaf.handed is None
            else _written(changed[i], leaf.given)
            if i in changed
            else wrap(leaf.handed, leaf.given)
            for i, leaf in enumerate(self.leaves)
        ]
        return optree.tree_unflatten(self.treespec, values)

    def displaced(self, tangent: Tangent, t: float) -> tuple[PyTree, float]:
        """Build x + t v, and return it with the step really taken.

        Rounding x + t v to the leaf's dtype changes the displacement; what is left of it along v
        is <d, v>/<v, v> with d = fl(x + t v) - x, which is exact for a single entry. The tangents
        of `directions` are drawn on a grid so coarse that d = t v.
        """
        moved: dict[int, Array] = {}
        taken: dict[int, Array] = {}
        exact = True
        for i, v in tangent.items():
            base = self.leaves[i].array
            shift = t * v
            moved[i] = np.asanyarray(base + shift).astype(base.dtype, copy=False)
            taken[i] = moved[i].astype(v.dtype, copy=False) - base
            exact = exact and bool((taken[i] == shift).all())
        return self.rebuild(moved), t if exact else _share(taken, tangent)

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
                _overwrite(self.leaves[i].handed, other.leaves[i].array)
            yield
        finally:
            for i in self.moving:
                _overwrite(self.leaves[i].handed, self.leaves[i].array)
            self.restore_handed()

    def restore_handed(self) -> tuple[str, ...]:
        """Replace the arrays that a call was handed and changed; return their paths."""
        changed = [leaf for leaf in self.leaves if _differs(leaf.handed, leaf.kept)]
        for leaf in changed:  # a new copy, for the old one may be reshaped or locked
            object.__setattr__(leaf, "handed", _copied(leaf.kept, leaf.given))
        return tuple(leaf.path for leaf in changed)

    def restore_given(self) -> tuple[str, ...]:
        """Undo what calls did to the caller's own arrays; return the paths of those changed."""
        arrays = [leaf for leaf in self.leaves if is_array(leaf.given)]
        changed = [leaf for leaf in arrays if _differs(leaf.given, leaf.kept)]
        for leaf in changed:
            _write_back(leaf.given, leaf.kept)
        for leaf in arrays:
            _lock_as_before(leaf.given, leaf.writeable)
        return tuple(leaf.path for leaf in changed)


def _share(taken: Tangent, v: Tangent) -> float:
    """Return <taken, v>/<v, v>, each in units of its largest entry: squares over- and underflow."""
    unit = max(float(np.abs(u).max(initial=0.0)) for u in v.values())
    size = max(float(np.abs(d).max(initial=0.0)) for d in taken.values())
    if unit == 0 or size == 0:
        return 0.0
    along = sum(inner(u / unit, taken[i] / size) for i, u in v.items())
    return along / sum(inner(u / unit, u / unit) for u in v.values()) * (size / unit)


def _own_leaf(leaf: Leaf, values: Array) -> Leaf:
    if leaf.bounds is not None:  # a point nearby is drawn without looking at them
        values = np.clip(values, *leaf.bounds).astype(values.dtype)
    given = write(values, leaf.given) if is_array(leaf.given) else leaf.given
    return Leaf(leaf.path, given, values, _copied(values, leaf.given), bounds=leaf.bounds)


def _promoted(leaf: Leaf, base: Array) -> Leaf:
    """Keep arrays arrays and scalars scalars, those of NumPy where Python has none so long."""
    values = base.astype(finer_dtype(base.dtype))
    given = _written(values, leaf.given)
    return Leaf(leaf.path, given, values, _copied(values, leaf.given), bounds=leaf.bounds)


def _written(values: Array, given: Any) -> Any:  # noqa: ANN401 - the caller's own type
    """Return an array of the caller's library, or a NumPy scalar for a number."""
    return write(values, given) if is_array(given) else values[()]


def _copied(values: Any, given: Any) -> Any:  # noqa: ANN401 - as above
    """Copy values, into an array of the caller's library where the caller used one."""
    return write(values, given) if is_foreign(given) else np.array(values, order="K")


def wrap(values: Any, given: Any) -> Any:  # noqa: ANN401 - the caller's own type
    """Wrap values in the type that the caller used: array, NumPy scalar or Python number."""
    if isinstance(given, np.ndarray) or is_foreign(values):
        return values
    if is_foreign(given):
        return write(values, given)
    if isinstance(given, (float, complex)) and not isinstance(given, np.generic):
        return type(given)(values[()])
    return values[()]  # NumPy's own, also for what is none of these, such as integer outputs


def _overwrite(handed: Any, values: Array) -> None:  # noqa: ANN401 - of any library
    """Write values into an array of ours, unless a call has locked or reshaped it."""
    locked = isinstance(handed, np.ndarray) and not handed.flags.writeable
    if handed is not None and not locked and handed.shape == values.shape:
        overwrite(handed, values)


def _differs(now: Any, before: Array | None) -> bool:  # noqa: ANN401 - as above
    if now is None or before is None:
        return False
    return not same_bits(read(now) if is_foreign(now) else now, before)


def _write_back(given: Any, before: Any) -> None:  # noqa: ANN401 - arrays, never None
    """Put the caller's array right in place, also where it was reshaped, resized or locked."""
    if is_foreign(given):
        overwrite(given, before)
        return
    try:
        given.flags.writeable = True
        if given.shape != before.shape:
            given.resize(before.shape, refcheck=False)
        given[...] = before
    except (ValueError, TypeError):
        pass  # memory that nobody may write to; the finding is made all the same


def _lock_as_before(given: Any, writeable: bool) -> None:  # noqa: ANN401, FBT001 - NumPy's flag
    if isinstance(given, np.ndarray) and given.flags.writeable is not writeable:
        with suppress(ValueError):  # memory that nobody may write to
            given.flags.writeable = writeable


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
        _require_finite(path, np.array(value))
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
        _require_finite(path, array)
        return Leaf(path, value, array, write(array, value))
    return Leaf(path, value, None, write(array, value), array)


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
        _require_finite(path, array)
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


def _require_finite(path: str, array: Array) -> None:
    """Require numbers that float64 can hold, in which the lengths of lines are kept."""
    finest = np.dtype(np.complex128 if array.dtype.kind == "c" else np.float64)
    with np.errstate(over="ignore"):
        held = array.astype(finest) if array.dtype.itemsize > finest.itemsize else array
    finite = np.isfinite(held)
    if not finite.all():
        where = [int(k) for k in np.argwhere(~finite)[0]]
        value = array[tuple(where)]
        rule = (
            "beyond the range of float64, where no line can be measured; scale it"
            if np.isfinite(value)
            else "but a point must be finite; close over arrays that are not differentiated, such "
            "as masks"
        )
        raise UsageError(f"leaf {path} is {value!s}{f' at {where}' if where else ''}, {rule}.")
