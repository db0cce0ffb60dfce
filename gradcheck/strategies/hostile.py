"""Arrays at which gradients go wrong: ties, zeros, extreme scales, denormals, repeated indices.

Part of `strategies`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as extra

from .arrays import FEWEST_PLACES, Array, DType, Shape, decimals, shapes

DECADES = 8  # of float64, up and down; where a dtype reaches less far, half of what it reaches
FEW = 3  # values that ties are drawn from, on either side of 0
DENORMALS = 9  # the largest multiple of the smallest number


class Hostility(StrEnum):
    """What is hostile about an array.

    TIES: few whole numbers, so that entries are equal and zero. ZEROS: zeros of either sign among
    moderate numbers. SCALES: every entry has a power of ten of its own. DENORMAL: every entry is
    a small multiple of the smallest number that the dtype has.
    """

    TIES = "ties"
    ZEROS = "zeros"
    SCALES = "scales"
    DENORMAL = "denormal"


@st.composite
def hostile_arrays(
    draw: st.DrawFn,
    shape: Shape = None,
    dtype: DType = np.float64,
    *,
    kinds: Iterable[str] = tuple(Hostility),
) -> Array:
    """Draw an array that a careless backward pass does not survive.

    Many are kinks of f, or so small that no difference sees their derivative: use them with
    `given_points(..., inconclusive="discard")`.

    Parameters
    ----------
    shape, dtype
        As for `arrays`.
    kinds : iterable of Hostility or str
        From which one is drawn for each array; all by default.

    Returns
    -------
    strategy of array
        Shrinks to zeros.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(hostile_arrays(3, kinds=["ties"]), lambda x: True)
    array([0., 0., 0.])
    """
    found = np.dtype(draw(dtype) if isinstance(dtype, st.SearchStrategy) else dtype)
    kind = draw(st.sampled_from([Hostility(kind) for kind in kinds]))
    numbers = NUMBERS[kind](found)
    if found.kind == "c":
        numbers = st.tuples(numbers, numbers).map(lambda pair: found.type(pair[0] + 1j * pair[1]))
    drawn: Array = draw(extra.arrays(found, shapes() if shape is None else shape, elements=numbers))
    return drawn


def _ties(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    return st.integers(-FEW, FEW).map(_real(dtype))


def _zeros(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    return (st.sampled_from((0.0, -0.0)) | decimals(FEWEST_PLACES, (0.0,))).map(_real(dtype))


def _scales(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    decades = min(DECADES, int(np.log10(np.finfo(dtype).max)) // 2)
    powers = st.integers(0, 2 * decades).map(lambda k: (k + 1) // 2 * (-1) ** k)  # 0, -1, 1, -2 ...
    made = st.builds(lambda x, power: x * 10.0**power, decimals(FEWEST_PLACES, (0.0,)), powers)
    return made.map(_real(dtype))


def _denormal(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    real, smallest = _real(dtype), np.finfo(dtype).smallest_subnormal
    return st.integers(-DENORMALS, DENORMALS).map(lambda k: real(k) * smallest)


def _real(dtype: np.dtype[Any]) -> Callable[[float], Any]:
    """Return what makes a number of the dtype, or of the parts of a complex one.

    Not the type itself: `extra.arrays` leaves out a map to the type of its dtype, and then refuses,
    under NumPy 1.26, a float64 that it would have to round.
    """
    real = np.finfo(dtype).dtype.type
    return lambda number: real(number)


NUMBERS: dict[Hostility, Callable[[np.dtype[Any]], st.SearchStrategy[Any]]] = {
    Hostility.TIES: _ties,
    Hostility.ZEROS: _zeros,
    Hostility.SCALES: _scales,
    Hostility.DENORMAL: _denormal,
}


def indices(size: int, count: int) -> st.SearchStrategy[Array]:
    """Draw `count` different indices into an axis of `size` entries.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(indices(5, 3), lambda rows: rows[0] == 2)
    array([2, 0, 1])
    """
    places = st.lists(st.integers(0, size - 1), min_size=count, max_size=count, unique=True)
    return places.map(lambda drawn: np.array(drawn, dtype=np.intp))


@st.composite
def repeated_indices(draw: st.DrawFn, size: int, count: int) -> Array:
    """Draw `count` indices, at least two, of which one occurs twice or more.

    `dx[rows] += dout` adds only once for an index that occurs twice; `np.add.at` adds twice.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(repeated_indices(5, 3), lambda rows: rows.max() == 4)
    array([0, 0, 4])
    """
    drawn = draw(st.lists(st.integers(0, size - 1), min_size=count - 1, max_size=count - 1))
    twice = draw(st.sampled_from(range(count - 1)))
    return np.array([drawn[twice], *drawn], dtype=np.intp)
