"""Which lines are probed, and how large an error must be not to slip through.

Owns the tangents of a plan, leaf by leaf, and the probability of a miss. Measures nothing.
Fourth layer: uses `records`, `space`, and a record of `execution`.

Directions are random sign times U(0.5, 1.5), not Gaussian (an entry drawn near 0 hides its error)
and not plain signs (two errors that cancel are missed half the time).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np

from .execution import Ahead
from .records import BoolArray, Mode, Plan, UsageError
from .space import (
    OFF_GRID,
    Array,
    Leaf,
    OneEntry,
    Space,
    Tangent,
    draw_weights,
    grid_of,
    in_blocks,
    norm,
    rms,
    working_dtype,
)

NEAR = 2.0**-4  # of a step of t = 1: nearer to a bound, a direction is turned inside
MISS = 1e-6  # the probability of a miss that "would have been seen" stands for
SPREAD = 100.0  # rms over median: 1.5 for normal entries, 6 with nine tenths of them a tenth
LEAST_SIZE = 1e-300  # below, numbers have lost digits, and a point counts as zero
FLATTEST = 0.01  # claims below this share of the rms are not weighted up any further
BY_ENTRY = (Mode.EVERY, Mode.SAMPLE)
DEFAULT_DIRECTIONS = 2  # one plain, one equalised: no miss in 1,976 planted faults (measured)


@dataclass(frozen=True, eq=False)
class Probe:
    """A line through the point, along one leaf.

    Attributes
    ----------
    leaf : int
        The number of the leaf that moves.
    tangent : mapping of int to array
        v; t = 1 moves the leaf by about its own rms.
    weakest : float
        The least weight of any entry, |v_i| = weight times U(0.5, 1.5); the entry's weight where
        it is the only one that moves.
    entry : int or None
        The flat index of that entry; None for a direction.
    outputs : dict
        What `f` returned along the line, by the identity of the space it goes through (which is
        kept with it); other cotangents reuse it.
    ahead : Ahead or None
        What was evaluated along it already, on another processor.
    """

    leaf: int
    tangent: Tangent
    weakest: float
    entry: int | None = None
    outputs: dict[int, tuple[Space, dict[float, Any]]] = field(default_factory=dict)
    ahead: Ahead | None = None

    def forget(self) -> None:
        """Let go of what `f` returned along the line."""
        for _, outputs in self.outputs.values():
            outputs.clear()


def probes(
    space: Space, i: int, claim: Array | None, plan: Plan, rng: np.random.Generator
) -> Sequence[Probe]:
    """Draw the lines along which leaf `i` is probed.

    Parameters
    ----------
    space : Space
        The point.
    i : int
        The number of the leaf.
    claim : array or None
        Its claimed gradient, for the equalised directions; None if it is not known entry by entry.
    plan : Plan
        How hard to look.
    rng : numpy.random.Generator
        Made from the plan's seed, after the claim was fixed.
    """
    leaf = space.leaves[i]
    fixed = is_fixed(leaf)
    if leaf.array.size == 0 or (fixed is not None and fixed.all()):
        return ()
    if space.is_projected(i):
        return _admissible(space, i, claim, plan, rng)
    entries = leaf.array.size * (2 if leaf.array.dtype.kind == "c" else 1)
    every = plan.mode is Mode.EVERY or (plan.mode is Mode.AUTO and entries <= DEFAULT_DIRECTIONS)
    scale = scale_of_leaf(leaf)
    free: Sequence[int] = range(entries)
    if fixed is not None:
        each = entries // leaf.array.size
        free = np.flatnonzero(np.repeat(~fixed.ravel(), each)).tolist()
    if every:
        return Coordinates(leaf, i, scale, free)
    if plan.mode is Mode.SAMPLE:
        chosen = np.sort(rng.choice(len(free), size=min(plan.count or 1, len(free)), replace=False))
        return Coordinates(leaf, i, scale, [free[k] for k in chosen.tolist()])
    return tuple(
        _direction(space, i, scale, claim if k % 2 == 1 else None, rng)
        for k in range(plan.count or DEFAULT_DIRECTIONS)
    )


def _admissible(
    space: Space, i: int, claim: Array | None, plan: Plan, rng: np.random.Generator
) -> tuple[Probe, ...]:
    """Draw directions of a leaf that a projection admits: for each entry's line, one of these.

    As many as are independent span all of them, but for one time in infinitely many.
    """
    count, scale = plan.count or DEFAULT_DIRECTIONS, scale_of_leaf(space.leaves[i])
    if plan.mode in BY_ENTRY:
        rank = space.rank(i)
        assert rank is not None, "it was asked for before"
        count = rank if plan.mode is Mode.EVERY else min(plan.count or 1, rank)
    drawn = [claim if k % 2 == 1 else None for k in range(count)]
    return tuple(_direction(space, i, scale, equalised, rng) for equalised in drawn)


def require_few(space: Space, plan: Plan) -> None:
    """Require that a plan of entries knows how many directions a projection leaves."""
    for i in space.moving:
        leaf = space.leaves[i]
        if plan.mode in BY_ENTRY and space.is_projected(i) and space.rank(i) is None:
            raise UsageError(
                f"the plan looks at entries one by one, which tangent= does not admit for leaf "
                f"{leaf.path}, and with {leaf.array.size} entries that is too large for as many "
                f"directions as it admits; use Plan.directions(8)."
            )


@dataclass(frozen=True, eq=False)
class Coordinates(Sequence[Probe]):
    """Lines along single entries of a leaf, each made when it is asked for.

    `scale` is that of the leaf, see `scale_of_leaf`; `chosen` are the numbers of `coordinate`.
    """

    leaf: Leaf
    i: int
    scale: Array
    chosen: Sequence[int]

    def __len__(self) -> int:
        return len(self.chosen)

    @overload
    def __getitem__(self, k: int) -> Probe: ...
    @overload
    def __getitem__(self, k: slice) -> Coordinates: ...
    def __getitem__(self, k: int | slice) -> Probe | Coordinates:
        if isinstance(k, slice):
            return replace(self, chosen=self.chosen[k])
        return coordinate(self.leaf, self.i, self.chosen[k], self.scale)


def scale_of_leaf(leaf: Leaf) -> Array:
    """Return by how much t = 1 moves each entry: the power of two nearest the rms of the leaf.

    One number for all entries, 1 where they are all zero; but each by its own size where they
    spread over orders of magnitude, because then one step is too large for some and lost on others.
    """
    array = leaf.array
    typical = rms(array)
    if LEAST_SIZE < typical < np.inf and _is_even(array, typical / SPREAD):
        return np.asarray(_power_of_two(typical))
    sizes = np.abs(array).astype(np.float64)
    usable = (sizes > LEAST_SIZE) & np.isfinite(sizes)  # a modulus may overflow
    if not typical > LEAST_SIZE or not usable.any():
        return np.asarray(1.0)
    sizes = np.where(usable, sizes, _median(sizes[usable]))
    return np.asarray(2.0 ** np.round(np.log2(sizes)))


def _median(sizes: Array) -> float:
    """Return what `np.median` returns, in a tenth of its time where there are few numbers."""
    ordered, middle = np.sort(sizes, axis=None), sizes.size // 2
    if sizes.size % 2:
        return float(ordered[middle])
    return float(ordered[middle - 1] / 2 + ordered[middle] / 2)


def _is_even(array: Array, least: float) -> bool:
    """Whether the median of the entries that are not 0 is at least so large; sorts nothing."""
    large = nonzero = 0
    for (block,) in in_blocks(array):
        sizes = np.abs(block).astype(np.float64, copy=False)
        large += int(np.count_nonzero(sizes >= least))
        nonzero += int(np.count_nonzero(sizes))
    return 2 * large >= nonzero


def _power_of_two(size: float) -> float:
    return float(2.0 ** np.round(np.log2(size))) if size > 0 and np.isfinite(size) else 1.0


def another(space: Space, i: int, rng: np.random.Generator) -> Probe:
    """Draw one more plain direction of a leaf."""
    return _direction(space, i, scale_of_leaf(space.leaves[i]), None, rng)


def coordinate(leaf: Leaf, i: int, k: int, scale: Array) -> Probe:
    """Return the line along one entry; those of a complex leaf count twice, real then imaginary.

    `scale` is that of the leaf, see `scale_of_leaf`.
    """
    entry = k // 2 if leaf.array.dtype.kind == "c" else k
    own = float(scale if scale.ndim == 0 else scale.reshape(-1)[entry])
    return along_entry(leaf, i, k, float(_size(np.abs(leaf.array.reshape(-1)[entry]), own)))


def along_entry(leaf: Leaf, i: int, k: int, size: float) -> Probe:
    """Return the line of `coordinate` that t = 1 moves by `size`."""
    array = leaf.array
    entry, imaginary = (k // 2, k % 2 == 1) if array.dtype.kind == "c" else (k, False)
    v = size * (1j if imaginary else _side(leaf, entry, size))
    return Probe(i, OneEntry(i, array.shape, working_dtype(array.dtype), entry, v), size, entry)


def sizes_of_entries(leaf: Leaf, scale: Array) -> Array:
    """Return by how much t = 1 moves each entry along its own line; shaped like the leaf."""
    return _size(np.abs(leaf.array), scale)


def _size(entries: Array, scale: Array | float) -> Array:
    # Off every grid, or exact arithmetic would look like rounded values; one step needs no grid,
    # because the step really taken is known exactly.
    sizes = np.asarray(entries, dtype=np.float64)
    usable = (sizes > 0) & np.isfinite(sizes)
    exponents = np.rint(np.log2(np.where(usable, sizes, 1.0))).astype(np.int32)
    powers = np.ldexp(1.0, exponents)  # a tenth of the time of 2.0**exponents
    return np.asarray(OFF_GRID * np.maximum(powers, scale) / 2)


def inside(leaf: Leaf, v: Array) -> Array:
    """Turn what moves towards a bound nearby to the other side, so that one side of x is free.

    What must not be moved is not.
    """
    if leaf.bounds is None:
        return leaf.held(v)
    (lower, upper), reach = leaf.bounds, NEAR * np.abs(v)
    low, high = leaf.array - lower < reach, upper - leaf.array < reach
    turned = np.where(low, np.abs(v), np.where(high, -np.abs(v), v))
    return leaf.held(np.where(lower == upper, 0.0, turned))


def _side(leaf: Leaf, entry: int, size: float) -> int:
    """Return the sign that leads an entry away from a bound nearby."""
    if leaf.bounds is None:
        return 1
    x, lower, upper = (a.reshape(-1)[entry] for a in (leaf.array, *leaf.bounds))
    return -1 if upper - x < NEAR * size <= x - lower else 1


def is_fixed(leaf: Leaf) -> BoolArray | None:
    """Mark the entries that may not be moved, or whose bounds leave them no room; None: all may."""
    held = None if leaf.free is None else ~leaf.free
    if leaf.bounds is None:
        return held
    without_room = np.asarray(leaf.bounds[0] == leaf.bounds[1])
    return without_room if held is None else without_room | held


def count_free(leaf: Leaf) -> int:
    """Return how many entries of a leaf may be moved."""
    fixed = is_fixed(leaf)
    return leaf.array.size if fixed is None else leaf.array.size - int(fixed.sum())


def _direction(
    space: Space, i: int, scale: Array, claim: Array | None, rng: np.random.Generator
) -> Probe:
    """Draw a line along which every entry moves: alike, or so that a claim counts alike."""
    leaf, array = space.leaves[i], space.leaves[i].array
    drawn = draw_weights(rng, array.shape, array.dtype)
    # where a bound takes the sign away, what is left to chance is half of it
    luck = 1.0 if leaf.bounds is None else 0.5
    weights = None if claim is None else _equalising(scale * claim, is_fixed(leaf))
    if weights is None:
        drawn *= scale
        return Probe(i, space.project({i: inside(leaf, drawn)}), luck * float(scale.min()))
    grid = grid_of(array.dtype)
    v = scale * grid * _round(drawn * weights / grid)
    least = float((scale * weights).min()) if weights.min() > grid else 0.0
    return Probe(i, space.project({i: inside(leaf, v)}), luck * least)


def _equalising(claim: Array, fixed: BoolArray | None) -> Array | None:
    """Weights that make every entry's contribution to <claim, v> about equal, of rms 1.

    So that 1 % of a small entry shows as well as 1 % of a large one. None where nothing differs.
    What is fixed counts for nothing.
    """
    size = np.abs(claim).astype(np.float64)
    typical = rms(size if fixed is None else size[~fixed])
    if not (typical > 0 and np.isfinite(typical)):
        return None
    if fixed is not None:
        size = np.where(fixed, typical, size)
    weights = typical / np.maximum(size, FLATTEST * typical)
    return np.asarray(weights / rms(weights))


def _round(v: Array) -> Array:
    return np.asarray(np.rint(v.real) + 1j * np.rint(v.imag) if v.dtype.kind == "c" else np.rint(v))


def certified(taus: Sequence[float], weakest: Sequence[float], grid: float) -> tuple[float, float]:
    """Return the smallest error of one entry that is seen, and the probability that it is not.

    A direction misses an error a of one entry only if sign · U(0.5, 1.5) · weight · a falls into an
    interval of half-width tau around minus the rest, and the density of sign · U is at most 1/2:
    the probability is at most tau / (weight · a), plus that of one grid point. Directions are
    independent, so the probabilities multiply.

    Parameters
    ----------
    taus : sequence of float
        The largest discrepancy that each direction lets pass.
    weakest : sequence of float
        The least weight of an entry in each.
    grid : float
        Spacing of the grid on which they were drawn.

    Examples
    --------
    >>> error, miss = certified([1e-9, 1e-9], [1.0, 1.0], 2.0**-24)
    >>> print(f"{error:.1e} {miss:.0e}")
    1.0e-06 1e-06
    """
    radii = np.sort([tau / w if w > 0 else np.inf for tau, w in zip(taus, weakest, strict=True)])
    miss = max(MISS, 4 * (grid / 2) ** len(radii))
    best = np.inf
    for k in range(1, len(radii) + 1):
        # the k best directions alone: error^k = product of the radii / miss
        error = float(np.exp((np.sum(np.log(np.maximum(radii[:k], 1e-300))) - np.log(miss)) / k))
        if error >= radii[k - 1]:
            best = min(best, error)
    return best, miss


def relative_to(claim: Array | None, error: float) -> float:
    """Express an error of one entry relative to the norm of the leaf's gradient."""
    size = norm(claim) if claim is not None else 0.0
    return error / size if size > 0 else error
