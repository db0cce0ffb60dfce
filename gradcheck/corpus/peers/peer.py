"""What a peer is, and the form in which it is given a case.

Owns Peer, and the translation of a case into a function of float64 arrays that returns a number.
Part of `corpus.peers`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...records import Kind, PyTree
from ...space import Array, Space, leaves_by_path
from ..cases import CorpusCase, cotangent_of
from ..outcome import Answer

MOST_EVALUATIONS = 20_000  # a hundred leaves of a hundred entries; none of ours is near it


class CannotRun(Exception):
    """The peer cannot take such a case; the message says why."""


@dataclass(frozen=True)
class Peer:
    """Another checker.

    Attributes
    ----------
    name : str
        In the tables.
    package : str
        Its package, as it is imported and as it is called on PyPI.
    usage : str
        What is called and how its answer is read, in one sentence.
    judge : callable
        Takes a `Scalar`, returns an Answer; may raise anything.
    """

    name: str
    package: str
    usage: str
    judge: Callable[[Scalar], Answer]

    @property
    def available(self) -> bool:
        """Whether it is installed."""
        return importlib.util.find_spec(self.package) is not None

    @property
    def version(self) -> str:
        """Of its package."""
        return importlib.metadata.version(self.package)


@dataclass(eq=False)
class Scalar:
    """A case as peers take it: leaves in, a number or one gradient a leaf out.

    Attributes
    ----------
    value, claim : callable
        Of the point, as the author of the case wrote them.
    space : Space
        The point; labels and the like are carried along.
    cotangent : pytree or None
        What outputs are weighed by, where `value` returns arrays.
    seed : int
        For peers that draw from a global source.
    evaluations : int
        Of `f` so far.
    """

    value: Callable[[Any], Any]
    claim: Callable[[Any], Any]
    space: Space
    cotangent: PyTree
    seed: int
    evaluations: int = field(default=0)

    @property
    def leaves(self) -> tuple[Array, ...]:
        """The point, in arrays of one's own."""
        return tuple(self.space.leaves[i].array.copy() for i in self.space.moving)

    def f(self, *leaves: Array) -> np.float64:
        """Evaluate; <cotangent, f> where f returns arrays."""
        self.evaluations += 1
        if self.evaluations > MOST_EVALUATIONS:
            raise CannotRun(f"it needs more than {MOST_EVALUATIONS} evaluations of f")
        out = self.value(self._rebuilt(leaves))
        if self.cotangent is None:
            return np.float64(out)
        weights, arrays = (leaves_by_path(tree).values() for tree in (self.cotangent, out))
        return np.float64(sum(np.sum(w * a) for w, a in zip(weights, arrays, strict=True)))

    def gradient(self, *leaves: Array) -> tuple[Array, ...]:
        """Ask for the claim, one array a leaf."""
        claimed = leaves_by_path(self.claim(self._rebuilt(leaves)))
        return tuple(np.asarray(claimed[self.space.leaves[i].path]) for i in self.space.moving)

    @property
    def vector(self) -> Array:
        """The point as one vector."""
        return _joined(self.leaves)

    def f_of_vector(self, vector: Array) -> np.float64:
        """Evaluate at a point given as one vector."""
        return self.f(*self._split(vector))

    def gradient_of_vector(self, vector: Array) -> Array:
        """Ask for the claim as one vector."""
        return _joined(self.gradient(*self._split(vector)))

    def _split(self, vector: Array) -> list[Array]:
        leaves = self.leaves
        ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
        parts = np.split(np.asarray(vector), ends)
        return [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]

    def _rebuilt(self, leaves: tuple[Array, ...]) -> PyTree:
        arrays = (np.asarray(leaf) for leaf in leaves)
        return self.space.rebuild(dict(zip(self.space.moving, arrays, strict=True)))


def _joined(arrays: tuple[Array, ...]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])


def scalar_of(case: CorpusCase) -> Scalar:
    """Translate a case.

    Raises
    ------
    CannotRun
        If its leaves are no float64 arrays, or it is about forward derivatives.
    """
    problem = case.pose()
    space = Space.of(problem.x)
    if problem.kind is Kind.JVP:
        raise CannotRun("it takes gradients only")
    if any(space.leaves[i].array.dtype != np.float64 for i in space.moving):
        raise CannotRun("it takes float64 arrays only")
    f: Callable[[Any], Any] = problem.f
    claim: Any = problem.claim
    if problem.kind is Kind.VJP:
        name = case.name.partition(":")[0]  # a twin has the cotangent of its fault
        cotangent = cotangent_of(f(space.point()), name, case.seed)
        return Scalar(f, lambda x: claim(x, cotangent), space, cotangent, case.seed)
    if claim is True:
        return Scalar(lambda x: f(x)[0], lambda x: f(x)[1], space, None, case.seed)
    return Scalar(f, claim if callable(claim) else lambda _: claim, space, None, case.seed)
