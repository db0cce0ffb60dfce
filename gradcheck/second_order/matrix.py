"""A claimed matrix of derivatives: read in blocks, and applied as a vector-Jacobian product.

A block belongs to one array of the output and one leaf of the point, and has the shape of the one
and then that of the other. Sparse blocks are known by their methods; SciPy is not imported.
Part of `second_order`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optree

from ..records import Cause, Finding, PyTree
from ..space import Array, Leaf, Space, is_floating, is_numeric, leaves_by_path

ROOT = "x"  # the path of a bare array


class Misfit(Exception):
    """The claim is no such matrix; kept so that the report can say it in the caller's words."""

    def __init__(self, cause: Cause, message: str, leaf: str) -> None:
        super().__init__(message)
        self.finding = Finding(cause, message, leaf)


class Elsewhere(Exception):
    """A matrix that was given as numbers is known at x only."""


def joined(output: str, leaf: str) -> str:
    """Name the block of an output and a leaf as a pytree of pytrees does."""
    return (output.removeprefix(ROOT) + leaf.removeprefix(ROOT)) or ROOT


def is_sparse(block: object) -> bool:
    """Whether it is a sparse matrix of SciPy, or of whatever answers as these do."""
    return hasattr(block, "tocsr") and hasattr(block, "shape")


def plain(block: Any) -> Any:  # noqa: ANN401 - a sparse matrix, or what NumPy can read
    """Turn a sparse matrix that is small enough to look at into an array."""
    return np.asarray(block.toarray()) if is_sparse(block) else np.asarray(block)


@dataclass(eq=False)
class Matrix:
    """The claim.

    Attributes
    ----------
    claim : callable or matrix
        `claim(x)`, or what it would return at x.
    space : Space
        The point x.
    noun : str
        What the messages call it: Jacobian, Hessian.
    change : callable or None
        What is tried in its place, block by block, such as its transpose.
    here : dict of (str, str) to block
        The blocks as they were at the first call, which is at x.
    misfit : Misfit or None
        Why the claim cannot be applied, where it cannot.
    """

    claim: Any
    space: Space
    noun: str = "Jacobian"
    change: Callable[[Any], Any] | None = None
    here: dict[tuple[str, str], Any] = field(default_factory=dict)
    misfit: Misfit | None = None

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The leaves that are differentiated."""
        return tuple(self.space.leaves[i] for i in self.space.moving)

    def pull(self, point: PyTree, cotangent: PyTree) -> PyTree:
        """Apply the transpose to a cotangent: what `check_vjp` takes."""
        weights = {
            path: np.asarray(u) for path, u in leaves_by_path(cotangent).items() if u is not None
        }
        raw = self.claim(point) if callable(self.claim) else self._given(point)
        try:
            blocks = dict(self._blocks(leaves_by_path(raw), weights))
        except Misfit as misfit:
            self.misfit = misfit
            raise
        if not self.here:
            self.here = {key: block.copy() for key, block in blocks.items()}
        return self._applied(blocks, weights)

    def entry(self, output: str, row: tuple[int, ...], leaf: str, column: tuple[int, ...]) -> str:
        """Name one entry: as an index, or as a derivative where there are several blocks."""
        if output == leaf == ROOT:
            return str([*row, *column])
        first = f"{output}{list(row) if row else ''}"
        second = f"{leaf}{list(column) if column else ''}"
        if self.noun == "Hessian":
            return f"d2 f / d {first} d {second}"
        return f"d f{first.removeprefix(ROOT)} / d {second}"

    def _given(self, point: PyTree) -> Any:  # noqa: ANN401 - as claim
        """Answer at x only: whether numbers hold anywhere else is not known."""
        by_path = leaves_by_path(point)
        if all(np.array_equal(by_path[leaf.path], leaf.array) for leaf in self.leaves):
            return self.claim
        raise Elsewhere("the matrix was given as numbers, which hold at x alone")

    def _blocks(
        self, by_path: dict[str, Any], weights: dict[str, Array]
    ) -> Iterator[tuple[tuple[str, str], Any]]:
        wanted = {joined(p, leaf.path) for p in weights for leaf in self.leaves}
        known = {joined(p, leaf.path) for p in weights for leaf in self.space.leaves}
        extra = sorted(by_path.keys() - known)
        for path, u in weights.items():
            for leaf in self.leaves:
                name = joined(path, leaf.path)
                if name not in by_path:
                    raise self._without(name, leaf, wanted, extra)
                yield (path, leaf.path), self._block(name, by_path[name], u.shape, leaf)
        if extra:
            lack = f"the {self.noun} has {', '.join(extra)}, which neither f(x) nor the point has."
            raise Misfit(Cause.STRUCTURE, lack, self.leaves[0].path)

    def _without(self, name: str, leaf: Leaf, wanted: set[str], extra: list[str]) -> Misfit:
        what = f"has no {name}" if name != ROOT else "is no array, and no sparse matrix"
        mend = "return one" if name == ROOT else f"it must hold {', '.join(sorted(wanted))}"
        if extra == [ROOT]:
            mend += "; or make the point one array, np.asarray(x, float), if it is a list"
        return Misfit(Cause.STRUCTURE, f"the {self.noun} {what}; {mend}.", leaf.path)

    def _block(self, name: str, raw: Any, out: tuple[int, ...], leaf: Leaf) -> Any:  # noqa: ANN401
        shape = leaf.array.shape
        block = raw.tocsr() if is_sparse(raw) else np.asarray(raw)
        if not (is_numeric(block.dtype) or block.dtype.kind == "b"):
            message = f"the {self._named(name)} has dtype {block.dtype}, but it must be numbers."
            raise Misfit(Cause.DTYPE, message, leaf.path)
        if tuple(block.shape) != out + shape:
            raise self._misshapen(name, tuple(block.shape), out, leaf)
        return block if self.change is None else self.change(block)

    def _misshapen(
        self, name: str, has: tuple[int, ...], out: tuple[int, ...], leaf: Leaf
    ) -> Misfit:
        shape, cause, hint = leaf.array.shape, Cause.SHAPE, ""
        if has == shape + out:
            cause, hint = Cause.TRANSPOSE, "; it is transposed"
        elif has == out == shape:
            hint = "; if that is its diagonal, return np.diag of it"
        need = f"f(x) has {out} and the leaf {leaf.path} {shape}, so it must have {out + shape}"
        message = f"the {self._named(name)} has shape {has}, but {need}{hint}."
        return Misfit(cause, message, leaf.path)

    def _named(self, name: str) -> str:
        return self.noun if name == ROOT else f"block {name} of the {self.noun}"

    def _applied(self, blocks: dict[tuple[str, str], Any], weights: dict[str, Array]) -> PyTree:
        sums: dict[str, Any] = {}
        for (path, leaf), block in blocks.items():
            part = _transposed_product(block, weights[path])
            sums[leaf] = sums[leaf] + part if leaf in sums else part
        values = [sums.get(leaf.path) for leaf in self.space.leaves]
        return optree.tree_unflatten(self.space.treespec, values)


def _transposed_product(block: Any, u: Array) -> Array:  # noqa: ANN401 - dense or sparse
    """Sum in float64 at least, and hand on in the block's own digits, as the claim is judged."""
    wide = np.result_type(block.dtype, u.dtype, np.float64)
    own = block.dtype if is_floating(block.dtype) else np.dtype(np.float64)
    own = np.result_type(own, np.complex64) if wide.kind == "c" else own
    if is_sparse(block):
        product = block.astype(wide).T.conj() @ u.astype(wide)
        return np.asarray(product).reshape(-1).astype(own)
    product = np.tensordot(u.astype(wide), block.astype(wide).conj(), axes=u.ndim)
    return np.asarray(product).astype(own)
