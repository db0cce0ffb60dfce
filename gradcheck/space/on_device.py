"""x + t v of arrays that are far from the host, made on the device where these lie.

The point and the direction travel once, instead of every x + t v. What is made there has the bits
that NumPy would give it; where that is not sure, nothing is made here: the host makes it, and it
travels. On a CPU the host does it all, which is faster there: block by block, in its cache.
Part of `space`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import array_api_compat
import numpy as np

from ..records import UsageError
from .arrays import Array, in_blocks, inner, is_brain
from .displacement import SAFE, OneEntry, Tangent, moved_entry, place
from .foreign import duplicate, write

# Sums of numbers that are so far above the least normal one are zero or normal themselves: some
# libraries take subnormal numbers for zeros, and would not even see that they do.
MARGIN = 2.0**54
ROOM = 4.0  # below the largest number, for sums

Moved = tuple[dict[int, Any], float]
"""Arrays on the device by leaf, and the step really taken."""


class Way(Protocol):
    """A direction through a point of which all that is needed lies on the device."""

    def at(self, t: float) -> Moved | None:
        """Make x + t v; None where the host has to."""
        ...


@dataclass(frozen=True, eq=False)
class OnDevice:
    """The leaves of a point that lie on a device of their own.

    Attributes
    ----------
    leaves : mapping of int to (array, array)
        The values at the point, on the host; and the same in the library of the leaf, never handed
        out.
    latest : list
        The direction that has travelled last, and what came of it: points along one are made one
        after another.
    """

    leaves: Mapping[int, tuple[Array, Any]]
    latest: list[tuple[Tangent, Way | None]] = field(default_factory=list)

    def displaced(self, tangent: Tangent, t: float) -> Moved | None:
        """Make x + t v of the leaves that move; None where the host has to."""
        for known, way in self.latest:
            if known is tangent:
                return None if way is None else way.at(t)
        self.latest[:] = ()  # before the next one takes room
        way = self._way(tangent)
        self.latest[:] = ((tangent, way),)
        return None if way is None else way.at(t)

    def _way(self, tangent: Tangent) -> Way | None:
        leaves = {i: self.leaves[i] for i in tangent if i in self.leaves}
        if len(leaves) < len(tangent):
            return None
        if isinstance(tangent, OneEntry):
            return _EntryWay(tangent, *leaves[tangent.leaf])
        squares = sum(inner(v, v) for v in tangent.values())
        if not 1 / SAFE < squares < SAFE:
            return None
        legs = {i: _leg(*leaves[i], v) for i, v in tangent.items()}
        found = {i: leg for i, leg in legs.items() if leg is not None}
        return _StraightWay(found, squares) if len(found) == len(legs) else None


# --- one entry ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _EntryWay:
    """The line along one entry: nothing but that entry travels."""

    tangent: OneEntry
    array: Array
    lodged: Any

    def at(self, t: float) -> Moved | None:
        index = place(self.tangent)
        value, step = moved_entry(self.array[index], self.tangent, t)
        number = complex(value)  # exact: no dtype of a device is wider
        least, most = _normal(self.array.dtype)
        if not all(p == 0 or least <= abs(p) <= most for p in (number.real, number.imag)):
            return None
        own = number if self.array.dtype.kind == "c" else number.real
        try:
            return {self.tangent.leaf: _with_entry(self.lodged, tuple(map(int, index)), own)}, step
        except Exception:  # foreign code, which may raise anything: the host can do it too
            return None


def _with_entry(array: Any, index: tuple[int, ...], value: Any) -> Any:  # noqa: ANN401 - foreign
    """Copy an array on its device, with another value in one place."""
    if array_api_compat.is_jax_array(array):
        return array.at[index].set(value)
    moved = duplicate(array)
    moved[index] = value
    return moved


# --- all entries ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _StraightWay:
    legs: Mapping[int, _Leg]
    squares: float

    def at(self, t: float) -> Moved | None:
        if not all(leg.holds(t) for leg in self.legs.values()):
            return None
        moved, beyond = {}, 0.0
        try:
            for i, leg in self.legs.items():
                moved[i], off = leg.at(t)
                beyond += off
        except Exception:  # foreign code, such as no room on the device: the host has its own
            return None
        return moved, t + beyond / self.squares


@dataclass(frozen=True, eq=False)
class _Leg:
    """One leaf of a direction on its device.

    Attributes
    ----------
    x, v : array
        The point in its own dtype, the direction in float64 or complex128.
    steps : (float, float)
        The least and the largest |t| at which no number is too small or too large.
    """

    x: Any
    v: Any
    steps: tuple[float, float]

    def holds(self, t: float) -> bool:
        """Whether the arithmetic of the device is NumPy's at this t."""
        return self.steps[0] <= abs(t) <= self.steps[1]

    def at(self, t: float) -> tuple[Any, float]:
        """Make x + t v; returns it, and <d - t v, v> of the d really added, 0.0 if d = t v.

        Each operation by itself, as on the host: what a compiler fuses is rounded less often.
        """
        namespace, wide = array_api_compat.array_namespace(self.x), self.v.dtype
        x, shift = namespace.astype(self.x, wide), t * self.v
        moved = namespace.astype(x + shift, self.x.dtype)
        off = namespace.astype(moved, wide) - x - shift
        if not bool(namespace.any(off != 0)):
            return moved, 0.0
        return moved, _inner(namespace, off, self.v)


def _inner(namespace: Any, a: Any, b: Any) -> float:  # noqa: ANN401 - of the library
    """Return Re sum conj(a) b, summed on the device in float64.

    The order of the sum is not the host's. That is of no account here: it is a share of what is
    added to t, at most t itself, and wrong by some roundings of float64.
    """
    if namespace.isdtype(a.dtype, "complex floating"):
        parts = (namespace.real, namespace.imag)
        return sum(float(namespace.sum(part(a) * part(b))) for part in parts)
    return float(namespace.sum(a * b))


def _leg(array: Array, lodged: Any, v: Array) -> _Leg | None:  # noqa: ANN401 - as above
    """Bring a direction to the device of a leaf; None if that has no float64, or the range ends."""
    low, high = _normal(array.dtype)
    low, high = low * MARGIN, high / ROOM
    least, largest = _extent(array)
    if least < low or largest > high:
        return None
    least, largest = _extent(v)
    laid = np.empty_like(array, dtype=v.dtype)  # in memory as x is, and so is the sum
    laid[...] = v
    try:
        there = write(laid, lodged)
    except UsageError:
        return None
    if str(v.dtype) not in str(there.dtype):  # JAX makes float32 of it, unless told otherwise
        return None
    return _Leg(lodged, there, (low / least, high / largest if largest > 0 else np.inf))


def _normal(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the least and the largest normal number of a dtype."""
    info = np.finfo(np.float32 if is_brain(dtype) else dtype)  # exponents of the same length
    return float(info.tiny), float(info.max)


def _extent(a: Array) -> tuple[float, float]:
    """Return the least modulus that is not 0, and the largest, of real and imaginary parts."""
    least, largest = np.inf, 0.0
    for (block,) in in_blocks(a):
        for part in (block.real, block.imag) if a.dtype.kind == "c" else (block,):
            sizes = np.abs(part).astype(np.float64, copy=False)
            least = float(np.min(sizes, where=sizes > 0, initial=least))
            largest = float(np.max(sizes, initial=largest))
    return least, largest
