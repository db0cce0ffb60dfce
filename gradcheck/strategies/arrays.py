"""Well-scaled arrays, away from the kinks of f; their shapes and dtypes.

Owns what an entry looks like: three decimals, so that a failure is read at a glance, and enough of
them that sums and products of entries rarely meet a kink inside of f.
Part of `strategies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as extra

Array = npt.NDArray[Any]
Shape = int | tuple[int, ...] | st.SearchStrategy[tuple[int, ...]] | None
DType = npt.DTypeLike | st.SearchStrategy[np.dtype[Any]]

DISTANCE = 0.05
"""How far entries stay from kinks, and their sizes from one another: ties are kinks too."""
MOST_DRAWN = 100
"""Numbers in an array that Hypothesis draws and shrinks one by one; more would take it too long."""
THOUSANDTHS = 1000  # an entry is a whole number of these
STRIDE = 100  # of these, from one place of an entry to the next
WIDTH = 49  # of these, that an entry may lie above its place: what is left of a stride is DISTANCE
FEWEST_PLACES = 10
LARGEST = 2.0  # of the entries that are not drawn one by one


def shapes(*, min_dims: int = 0, max_dims: int = 3, max_side: int = 4) -> st.SearchStrategy[Any]:
    """Draw a small shape; shrinks to the fewest dimensions, of size 1.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (1, 1)
    """
    return extra.array_shapes(min_dims=min_dims, max_dims=max_dims, max_side=max_side)


def dtypes() -> st.SearchStrategy[np.dtype[Any]]:
    """Draw a dtype that can be differentiated: real or complex; shrinks to float64.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(dtypes(), lambda dtype: dtype.itemsize < 8)
    dtype('float32')
    """
    names = ("float64", "float32", "float16", "longdouble", "complex128", "complex64")
    return st.sampled_from([np.dtype(name) for name in names])


@st.composite
def arrays(
    draw: st.DrawFn,
    shape: Shape = None,
    dtype: DType = np.float64,
    *,
    kinks: Sequence[float] = (0.0,),
) -> Array:
    """Draw an array of moderate numbers, away from kinks and from ties.

    Parameters
    ----------
    shape : int, tuple of int or strategy, optional
        A small one is drawn by default.
    dtype : dtype or strategy
        Real or complex.
    kinks : sequence of float
        Where f may have kinks, such as `(-1, 1)` for a function that clips. 0 by default.

    Returns
    -------
    strategy of array
        Every entry, and of a complex one its real and imaginary part, is at least `DISTANCE` from
        every kink, but for the rounding of the dtype. In an array of up to `MOST_DRAWN` numbers
        their sizes are so far from one another as well. Shrinks to 0.1, 0.2, ...

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays(3), lambda x: True)
    array([0.1, 0.2, 0.3])
    """
    found: np.dtype[Any] = np.dtype(_drawn(draw, dtype))
    sides = _drawn(draw, shapes() if shape is None else shape)
    sides = (sides,) if isinstance(sides, int) else tuple(sides)
    count = int(np.prod(sides)) * (2 if found.kind == "c" else 1)
    if count <= MOST_DRAWN:
        numbers = np.array(draw(_apart(count, tuple(kinks))))
    else:
        numbers = _scattered(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), count, kinks)
    if found.kind == "c":
        numbers = numbers[::2] + 1j * numbers[1::2]
    return numbers.astype(found).reshape(sides)


def broadcastable_pairs(
    dtype: npt.DTypeLike = np.float64, *, max_dims: int = 3, max_side: int = 4
) -> st.SearchStrategy[tuple[Array, Array]]:
    """Draw two arrays that broadcast against each other, such as (2, 3) and (3,).

    A backward pass that forgets to sum over a broadcast axis is wrong for some of them.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(broadcastable_pairs(), lambda pair: True)
    (array(0.1), array(0.1))
    """
    pairs = extra.mutually_broadcastable_shapes(num_shapes=2, max_dims=max_dims, max_side=max_side)
    return pairs.flatmap(
        lambda both: st.tuples(*(arrays(shape, dtype) for shape in both.input_shapes))
    )


def _drawn(draw: st.DrawFn, value: Any) -> Any:  # noqa: ANN401 - a strategy or what it draws
    return draw(value) if isinstance(value, st.SearchStrategy) else value


def decimals(places: int, kinks: tuple[float, ...]) -> st.SearchStrategy[float]:
    """Draw one number: a place on either side of 0, and a little more."""
    place = st.integers(-places, places).filter(bool)
    return st.builds(_decimal, place, st.integers(0, WIDTH)).filter(
        lambda x: all(abs(x - kink) >= DISTANCE for kink in kinks)
    )


def _decimal(place: int, more: int) -> float:
    size = (STRIDE * abs(place) + more) / THOUSANDTHS
    return size if place > 0 else -size


def _place(x: float) -> int:
    """Return the place of a number, which no other number of the array may have."""
    return round(abs(x) * THOUSANDTHS) // STRIDE


def _apart(count: int, kinks: tuple[float, ...]) -> st.SearchStrategy[list[float]]:
    """Draw numbers whose sizes differ; twice as many places as numbers are there to be had."""
    places = max(FEWEST_PLACES, 2 * count) + len(kinks)
    return st.lists(decimals(places, kinks), min_size=count, max_size=count, unique_by=_place)


def _scattered(rng: np.random.Generator, count: int, kinks: Sequence[float]) -> Array:
    """Draw many numbers by one seed; those near a kink are drawn again."""
    numbers = np.zeros(count)
    near = np.ones(count, dtype=bool)
    while near.any():
        sizes = rng.uniform(STRIDE / THOUSANDTHS, LARGEST, count).round(3)
        numbers = np.where(near, sizes * rng.choice((-1, 1), count), numbers)
        near = np.any([np.abs(numbers - kink) < DISTANCE for kink in kinks], axis=0) & near
    return numbers
