"""A problem in coordinates of the admissible directions: of a linear subspace, or of a manifold.

Owns the basis of these directions and the functions of the coordinates; all else is a plain check,
of one leaf `['tangent']` with an entry for each direction.
Ninth layer: uses `space` and `records`; `check` calls it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .records import Kind, Problem, PyTree, UsageError
from .space import Array, Space, is_array, leaves_by_path, read, rms

LEAF = "tangent"
MOST = 16  # directions drawn of a projection: an error in any direction shows along most of them
TWICE = 1e-6  # relative: what a projection may change when it is applied again
STREAM = 7  # of the seed: other numbers than those of the check itself
Move = Callable[[PyTree, PyTree], PyTree]


def in_coordinates(problem: Problem, tangent: Any, retraction: Any, seed: int) -> Problem:  # noqa: ANN401
    """Pose a problem in coordinates of its admissible directions.

    Parameters
    ----------
    problem : Problem
        At the caller's own point.
    tangent : callable, sequence of pytrees or None
        A projection of directions, or a basis of the admissible ones; None for all.
    retraction : callable or None
        `retraction(x, u)`, the point reached by a small tangent; None for x + u.
    seed : int
        For the directions drawn of a projection.

    Raises
    ------
    UsageError
        If they do not suit the point or the claim.
    """
    if problem.bounds is not None:
        raise UsageError("bounds= and tangent= or retraction= do not go together: leave one out.")
    if retraction is not None and not callable(retraction):
        raise UsageError(
            f"retraction is of type {type(retraction).__name__}, but it must be callable: "
            f"retraction(x, u) returns the point reached from x by the small tangent u."
        )
    if retraction is not None and problem.kind is not Kind.GRAD:
        raise UsageError("retraction= is for check_grad: a product would need its derivative too.")
    space = Space.of(problem.x)
    if any(space.leaves[i].array.dtype.kind == "c" for i in space.moving):
        raise UsageError("tangent= and retraction= are for real points; give two real leaves.")
    rng = np.random.default_rng([seed, STREAM])
    basis = _basis(space, tangent, rng)
    # eighths, so that what is subtracted again leaves nothing; not 0, which would look like a point
    # whose zeros hide mistakes
    start = rng.integers(4, 13, (basis.shape[1],)) / 8
    chart = _Chart(space, basis, start, retraction)
    short = np.result_type(*[space.leaves[i].array.dtype for i in space.moving])
    reference = None if problem.reference is None else chart.composed(problem.reference)
    return replace(
        problem,
        f=chart.value_and_claim(problem.f) if problem.claim is True else chart.composed(problem.f),
        claim=chart.claim(problem),
        x={LEAF: start.astype(short)},
        reference=reference,
    )


@dataclass(frozen=True, eq=False)
class _Chart:
    """From coordinates to points, and from gradients at points to those by coordinates."""

    space: Space
    basis: Array
    start: Array
    retraction: Move | None

    def point(self, y: PyTree) -> PyTree:
        """Return the point of some coordinates; x itself, bit for bit, at the start."""
        coordinates = np.asarray(y[LEAF])
        away = coordinates - self.start
        if not np.any(away):
            return self._at_x()
        if self.retraction is not None:
            return self.retraction(self._at_x(), self._direction(away))
        u, moved = self._split(self.basis @ away), {}
        for i, step in u.items():
            base = self.space.leaves[i].array
            longest = np.result_type(base.dtype, coordinates.dtype)
            moved[i] = (base + step).astype(longest)
        return self.space.rebuild(moved)

    def _at_x(self) -> PyTree:
        """Copy the point, which whoever is handed it may change."""
        return self.space.rebuild({i: self.space.leaves[i].array.copy() for i in self.space.moving})

    def _direction(self, away: Array) -> PyTree:
        """Return a direction structured like x."""
        return self.space.rebuild(self._split(self.basis @ away))

    def composed(self, f: Callable[[PyTree], Any]) -> Callable[[PyTree], Any]:
        """Make a function of the coordinates."""
        return lambda y: f(self.point(y))

    def value_and_claim(self, f: Callable[[PyTree], Any]) -> Callable[[PyTree], Any]:
        """Make one that returns the gradient too."""

        def both(y: PyTree) -> Any:  # noqa: ANN401 - whatever f returns
            value, gradient = f(self.point(y))
            return value, self.pulled(gradient)

        return both

    def claim(self, problem: Problem) -> Any:  # noqa: ANN401 - as `Problem.claim`
        """Make the claim by coordinates; where there is a retraction, that at x alone."""
        given = problem.claim
        if self.retraction is not None:
            return self._claim_at_x(problem)
        if given is True:
            return True
        if not callable(given):
            return self.pulled(given)
        if problem.kind is Kind.JVP:
            return lambda y, t: given(self.point(y), self._direction(np.asarray(t[LEAF])))
        if problem.kind is Kind.VJP:
            return lambda y, u: self.pulled(given(self.point(y), u))
        return lambda y: self._pulled_of_pair(given(self.point(y)))

    def _claim_at_x(self, problem: Problem) -> PyTree:
        given, x = problem.claim, self._at_x()
        if given is True:
            raise UsageError("retraction= needs the gradient by itself: give grad(x), not True.")
        return self._pulled_of_pair(given(x) if callable(given) else given)

    def _pulled_of_pair(self, gradient: Any) -> Any:  # noqa: ANN401 - a gradient, or (value, gradient)
        """Pull a gradient back; of a plain pair that is none, its second part."""
        paths = {leaf.path for leaf in self.space.leaves}
        if type(gradient) is tuple and not leaves_by_path(gradient).keys() <= paths:
            return gradient[0], self.pulled(gradient[1])
        return self.pulled(gradient)

    def pulled(self, gradient: PyTree) -> PyTree:
        """Return the derivatives by the coordinates: inner products with the directions."""
        return {LEAF: self.basis.T @ flat(self.space, gradient, "the derivative")}

    def _split(self, vector: Array) -> dict[int, Array]:
        """Cut a vector into the leaves."""
        parts, start = {}, 0
        for i in self.space.moving:
            array = self.space.leaves[i].array
            parts[i] = np.asarray(vector[start : start + array.size]).reshape(array.shape)
            start += array.size
        return parts


def flat(space: Space, tree: PyTree, what: str) -> Array:
    """Read a pytree like the point into one vector.

    Raises
    ------
    UsageError
        If it is not like the point.
    """
    by_path, parts = leaves_by_path(tree), []
    for i in space.moving:
        leaf = space.leaves[i]
        value = by_path.get(leaf.path)
        array = None if value is None else read(value) if is_array(value) else np.asarray(value)
        if array is None or array.shape != leaf.array.shape:
            shape = "nothing" if array is None else f"shape {array.shape}"
            raise UsageError(
                f"{what} has {shape} for leaf {leaf.path} of shape {leaf.array.shape}; it must be "
                f"structured like x."
            )
        parts.append(array.astype(np.float64).ravel())
    return np.concatenate(parts)


def _basis(space: Space, tangent: Any, rng: np.random.Generator) -> Array:  # noqa: ANN401
    """Make the columns along which the point is moved: t = 1 moves an entry by about its size."""
    size = sum(space.leaves[i].array.size for i in space.moving)
    if tangent is not None and not callable(tangent):
        if not isinstance(tangent, (list, tuple)) or not tangent:
            raise UsageError(
                f"tangent is of type {type(tangent).__name__}, but it must be a projection "
                f"tangent(v), or a basis: a list of directions structured like x."
            )
        given = [flat(space, v, "a direction of tangent") for v in tangent]
        return np.stack(given, axis=1)
    project = (lambda v: v) if tangent is None else tangent
    chart = _Chart(space, np.eye(0), np.zeros(0), None)

    def projected(v: Array) -> Array:
        return flat(space, project(space.rebuild(chart._split(v))), "what tangent returns")

    drawn = [projected(rng.standard_normal(size)) for _ in range(min(size, MOST))]
    _require_projection(drawn[0], projected)
    left, strengths, _ = np.linalg.svd(np.stack(drawn, axis=1), full_matrices=False)
    kept = left[:, strengths > TWICE * strengths[0]]
    everything = np.concatenate([space.leaves[i].array.ravel() for i in space.moving])
    return np.asarray(kept * (rms(everything) or 1.0) * np.sqrt(size / kept.shape[1]))


def _require_projection(v: Array, projected: Callable[[Array], Array]) -> None:
    if not np.any(v):
        raise UsageError("tangent leaves no direction: all that it returns is zero.")
    if np.linalg.norm(projected(v) - v) > TWICE * np.linalg.norm(v):
        raise UsageError(
            "tangent is no projection: applied twice it gives something else; an admissible "
            "direction must stay as it is."
        )
