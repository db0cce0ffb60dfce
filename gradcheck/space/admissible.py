"""Admissible directions: a projection onto them, and a retraction that leads along them.

Owns the calls of both: with trees like the point that are nobody else's, read into arrays of our
own. Whether they keep their laws is for `admitted`.
Part of `space`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import optree

from ..records import PyTree, UsageError, shown_error
from .arrays import Array, inner, is_floating, is_numeric, norm, working_dtype
from .displacement import Tangent
from .foreign import is_array, read
from .leaf import Leaf
from .point import leaves_by_path

LAW = 1e-9  # relative: what a projection of float64 numbers may be off; errors are looked for above
MOST_RANKED = 512  # real numbers in a leaf: for more, as many calls of a projection are too many


@dataclass(frozen=True, eq=False)
class Admissible:
    """What the caller has said of the domain; see `displacement.Domain`.

    Attributes
    ----------
    leaves : tuple of Leaf
        Of the point: paths, shapes and dtypes count, and what is carried.
    treespec : PyTreeSpec
        Its structure.
    tangent : callable
        The projection, of a tree like the point.
    retraction : callable or None
        Of two such trees, the point and a tangent.
    projected : frozenset of int
        The leaves to which the projection does more than hold entries still.
    is_orthogonal : bool
        Whether the projection is its own adjoint, so that the part of a gradient which it leaves
        is all of it that admissible tangents see.
    """

    leaves: tuple[Leaf, ...]
    treespec: optree.PyTreeSpec
    tangent: Callable[[PyTree], PyTree]
    retraction: Callable[[PyTree, PyTree], PyTree] | None = None
    projected: frozenset[int] = frozenset()
    is_orthogonal: bool = False
    ranks: dict[int, int] = field(default_factory=dict)

    @property
    def is_curved(self) -> bool:
        """Whether a retraction says where tangents lead."""
        return self.retraction is not None

    def project(self, tangent: Tangent) -> Tangent:
        """Return the admissible part of a tangent."""
        if not self.projected & tangent.keys():
            return tangent
        # twice: where most of it lies across, the rounding of that is much of what is left
        admitted = self.admit(self.admit(tangent))
        return {
            i: admitted[i].astype(v.dtype) if i in self.projected else v for i, v in tangent.items()
        }

    def adjoint(self, i: int, claim: Array) -> Array:
        """Return the part of a gradient that admissible tangents see, where that is known."""
        if i not in self.projected or not self.is_orthogonal or not np.isfinite(claim).all():
            return claim
        part = self.admit({i: claim.astype(self._wide[i])})[i]
        if not is_floating(claim.dtype) or claim.dtype.kind != part.dtype.kind:
            return part
        return part.astype(claim.dtype)  # its rounding is that of these digits

    def admit(self, tangent: Tangent) -> dict[int, Array]:
        """Call the projection; a tangent of all leaves comes back."""
        return self.read("tangent", self.call("tangent", self.tangent, self.tree(tangent)))

    def retract(self, bases: Tangent, tangent: Tangent) -> dict[int, Array]:
        """Call the retraction; the values of all leaves come back."""
        assert self.retraction is not None, "only what is curved is retracted"
        point = self.call("retraction", self.retraction, self.tree(bases), self.tree(tangent))
        return self.read("retraction", point)

    def rank(self, i: int) -> int | None:
        """Return how many admissible tangents of a leaf are independent: the projection's trace."""
        array = self.leaves[i].array
        numbers = array.size * (2 if array.dtype.kind == "c" else 1)
        if i not in self.projected or numbers > MOST_RANKED:
            return None
        if i not in self.ranks:
            trace, whole = 0.0, np.zeros(array.shape, self._wide[i])
            parts = whole
            for k, weight in enumerate(np.linspace(0.5, 1.5, numbers)):
                unit = np.zeros(array.shape, self._wide[i])
                unit.reshape(-1).view(np.float64)[k] = 1.0
                admitted = self.admit({i: unit})[i]
                trace += inner(unit, admitted)
                whole, parts = whole + weight * unit, parts + weight * admitted
            self._require_sum(i, whole, parts)
            self.ranks[i] = round(trace)
        return self.ranks[i]

    def _require_sum(self, i: int, whole: Array, parts: Array) -> None:
        """Require that single entries are projected as they are in a direction of all."""
        together = self.admit({i: whole})[i]
        off, size = norm(together - parts), max(norm(whole), norm(together))
        if not off <= LAW * size:
            raise UsageError(
                f"tangent is no projection: for leaf {self.leaves[i].path} it is not linear: what "
                f"it gives for single entries does not add up to what it gives for their sum, off "
                f"by {off:.2g} where it is {size:.2g}."
            )

    @cached_property
    def _wide(self) -> Mapping[int, np.dtype[Any]]:
        """The dtypes in which tangents are handed out."""
        double = np.dtype(np.float64), np.dtype(np.complex128)
        return {
            i: double[working_dtype(leaf.array.dtype).kind == "c"]
            for i, leaf in enumerate(self.leaves)
            if leaf.base is not None
        }

    def tree(self, arrays: Tangent) -> PyTree:
        """Build a tree like the point, of NumPy arrays of its own; 0 for leaves not given."""
        values = []
        for i, leaf in enumerate(self.leaves):
            if leaf.base is None:
                values.append(leaf.given if leaf.labels is None else leaf.labels.copy())
            else:
                given = arrays[i] if i in arrays else np.zeros(leaf.array.shape)
                values.append(np.array(given, dtype=self._wide[i])[()])
        return optree.tree_unflatten(self.treespec, values)

    def call(self, who: str, function: Callable[..., PyTree], *trees: PyTree) -> PyTree:
        """Call one of the two; what it raises is a mistake of the caller's."""
        try:
            return function(*trees)
        except Exception as error:  # foreign code may raise anything
            raise UsageError(
                f"{who} raised {shown_error(error)}, where it was given "
                f"{'a direction' if len(trees) == 1 else 'a point and a direction'} structured "
                f"like x."
            ) from error

    def read(self, who: str, tree: PyTree) -> dict[int, Array]:
        """Read what it returned, leaf by leaf."""
        by_path = leaves_by_path(tree)
        return {
            i: self._read_leaf(who, leaf, by_path.get(leaf.path)).astype(self._wide[i])
            for i, leaf in enumerate(self.leaves)
            if leaf.base is not None
        }

    def _read_leaf(self, who: str, leaf: Leaf, value: Any) -> Array:  # noqa: ANN401 - anything
        array = read(value) if is_array(value) else np.array(value)
        rule = "it must return what is structured and shaped like x"
        if value is None:
            raise UsageError(f"{who} returned nothing for leaf {leaf.path}; {rule}.")
        if not (is_numeric(array.dtype) and array.shape == leaf.array.shape):
            what = (
                f"shape {array.shape} for leaf {leaf.path} of shape {leaf.array.shape}"
                if is_numeric(array.dtype)
                else f"dtype {array.dtype} for leaf {leaf.path}"
            )
            raise UsageError(f"{who} returned {what}; {rule}.")
        if array.dtype.kind == "c" and leaf.array.dtype.kind != "c":
            if np.any(array.imag != 0):
                raise UsageError(
                    f"{who} returned complex numbers for the real leaf {leaf.path}; {rule}."
                )
            array = array.real
        if not np.isfinite(array).all():
            where = [int(k) for k in np.argwhere(~np.isfinite(array))[0]]
            raise UsageError(
                f"{who} returned {array[tuple(where)]!s}{f' at {where}' if where else ''} for leaf "
                f"{leaf.path}, but it must be finite."
            )
        return array
