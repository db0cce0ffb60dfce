"""A point as a vector space: its leaves, their paths and scales, and x + t v.

Part of `space`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import optree

from ..records import PyTree, UsageError
from .arrays import Array, finer_dtype
from .displacement import Domain, OneEntry, Tangent, along_curve, displace_all
from .elsewhere import Places
from .foreign import duplicate, is_array, is_far, is_foreign, write
from .given import copied, handed_over, wrap, written
from .leaf import NAMESPACE, Leaf, read_leaf
from .on_device import OnDevice
from .paths import paths_of
from .restoring import lock_as_before, overwrite_unless_locked


@dataclass(frozen=True, eq=False)
class Space:
    """A point as a vector space: the product of its differentiable leaves over the reals.

    A complex leaf counts as pairs of reals: <a, b> = Re sum conj(a) b, so a gradient g of a real
    function means df = <g, dx>, as in PyTorch (JAX returns the conjugate).
    """

    leaves: tuple[Leaf, ...]
    treespec: optree.PyTreeSpec
    domain: Domain | None = None

    @classmethod
    def of(cls, x: PyTree) -> Space:
        """Read a point.

        Raises
        ------
        UsageError
            If a leaf can be neither differentiated nor carried, or nothing can be differentiated.
        """
        by_path, treespec = flatten(x)
        leaves = tuple(read_leaf(path, value) for path, value in by_path.items())
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
            values[i] = wrap(array, self.leaves[i].like)
        if self.treespec is LEAF:
            return values[0]
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
            else written(changed[i], leaf.like)
            if i in changed
            else wrap(leaf.handed, leaf.like)
            for i, leaf in enumerate(self.leaves)
        ]
        return optree.tree_unflatten(self.treespec, values)

    def displaced(
        self, tangent: Tangent, t: float, used: Places | None = None
    ) -> tuple[PyTree, float]:
        """Build x + t v in arrays of its own, and return it with the step really taken.

        They are none of those that were used, and lie elsewhere, if these are given.
        """
        if self.is_curved and self.domain is not None:
            v = {i: t * v for i, v in tangent.items()}
            return self.rebuild(along_curve(self.domain, self.bases, v)), t
        if self._is_foreign and (there := self._on_device.displaced(tangent, t)) is not None:
            return self.rebuild(there[0]), there[1]
        bases = {i: self.leaves[i].array for i in tangent}
        moved = {
            i: np.empty_like(base) if used is None else used.another(base)
            for i, base in bases.items()
        }
        if isinstance(tangent, OneEntry):  # else every number is written anyway
            for i, base in bases.items():
                np.copyto(moved[i], base)
        step = displace_all(bases, tangent, t, moved)
        if self._is_foreign:
            moved = {i: handed_over(array, self.leaves[i].like) for i, array in moved.items()}
        return self.rebuild(moved), step

    @cached_property
    def _is_foreign(self) -> bool:
        return any(is_foreign(self.leaves[i].given) for i in self.moving)

    @cached_property
    def _on_device(self) -> OnDevice:
        far = (i for i in self.moving if self.leaves[i].lodged is not None)
        return OnDevice({i: (self.leaves[i].array, self.leaves[i].lodged) for i in far})

    @property
    def bases(self) -> dict[int, Array]:
        """The values of the leaves that are differentiated."""
        return {i: self.leaves[i].array for i in self.moving}

    @property
    def is_curved(self) -> bool:
        """Whether straight lines through x leave the domain."""
        return self.domain is not None and self.domain.is_curved

    def is_projected(self, i: int) -> bool:
        """Whether the entries of a leaf cannot be moved one by one."""
        return self.domain is not None and i in self.domain.projected

    def rank(self, i: int) -> int | None:
        """Return how many admissible tangents of a projected leaf are independent, if known."""
        return None if self.domain is None else self.domain.rank(i)

    def project(self, tangent: Tangent) -> Tangent:
        """Return the admissible part of a tangent."""
        if any(self.leaves[i].free is not None for i in tangent):
            tangent = {i: self.leaves[i].held(v) for i, v in tangent.items()}
        return tangent if self.domain is None else self.domain.project(tangent)

    def beside(self, changed: Tangent) -> Space:
        """Return the space at another point: near these values, and one of the domain."""
        if self.domain is None:
            return self.moved_to(changed)
        v = self.project({i: array - self.leaves[i].array for i, array in changed.items()})
        if self.is_curved:
            return self.moved_to(along_curve(self.domain, self.bases, v))
        bases = {i: self.leaves[i].array for i in v}
        return self.moved_to({i: (bases[i] + v[i]).astype(bases[i].dtype) for i in v})

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
        changed = [leaf for leaf in self.leaves if leaf.is_changed(leaf.handed)]
        for leaf in changed:  # a new copy, for the old one may be reshaped or locked
            object.__setattr__(leaf, "handed", leaf.fresh())
        return tuple(leaf.path for leaf in changed)

    def restore_given(self) -> tuple[str, ...]:
        """Undo what calls did to the caller's own arrays; return the paths of those changed."""
        arrays = [leaf for leaf in self.leaves if is_array(leaf.given)]
        changed = [leaf for leaf in arrays if leaf.is_changed(leaf.given)]
        for leaf in changed:
            leaf.restore_given()
        for leaf in arrays:
            lock_as_before(leaf.given, leaf.writeable)
        return tuple(leaf.path for leaf in changed)


def _own_leaf(leaf: Leaf, values: Array) -> Leaf:
    if leaf.bounds is not None:  # a point nearby is drawn without looking at them
        values = np.clip(values, *leaf.bounds).astype(values.dtype)
    if leaf.free is not None:
        values = np.where(leaf.free, values, leaf.array)
    given = leaf.given
    if is_array(given):  # what is handed to nobody needs no copy
        given = values if isinstance(given, np.ndarray) else write(values, leaf.like)
    return _leaf_of_ours(leaf, given, values)


def _promoted(leaf: Leaf, base: Array) -> Leaf:
    """Keep arrays arrays and scalars scalars, those of NumPy where Python has none so long."""
    values = base.astype(finer_dtype(base.dtype))
    given = values if isinstance(leaf.given, np.ndarray) else written(values, leaf.like)
    return _leaf_of_ours(leaf, given, values)


def _leaf_of_ours(leaf: Leaf, given: Any, values: Array) -> Leaf:  # noqa: ANN401 - as below
    # what is given is no array of the caller's, and is handed to nobody
    lodged = given if is_foreign(given) and is_far(given) else None
    handed = copied(values, given) if lodged is None else duplicate(lodged)
    return replace(
        leaf,
        given=given,
        base=values,
        handed=handed,
        writeable=True,
        pattern=None if leaf.pattern is None else given,
        lodged=lodged,
    )


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
        values, spec = optree.tree_flatten(tree, namespace=NAMESPACE)
    except RecursionError:
        message = f"a {type(tree).__name__} contains itself, or is nested too deeply to read."
        raise UsageError(message) from None
    return dict(zip(paths_of(spec), values, strict=True)), spec


def leaves_by_path(tree: PyTree) -> dict[str, Any]:
    """Read the leaves alone."""
    return flatten(tree)[0]
