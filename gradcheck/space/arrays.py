"""Single arrays: precisions, inner products and norms, random weights on a grid.

Large arrays are gone through block by block: what is computed of a block stays in the cache, and
nothing as large as the array is made only to be summed up.
Part of `space`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..records import UsageError

Array = npt.NDArray[Any]

# A check asks for a few numbers hundreds of times: what follows from a dtype is worked out once,
# and float64 has a short way through `inner` and `norm`.
DOUBLE = np.dtype(np.float64)

BRAIN = "bfloat16"  # of the package ml_dtypes; NumPy computes with it and calls its kind void
BRAIN_ROUNDOFF = 2.0**-8  # 8 digits, of which the first is not stored
BRAIN_NORMAL = 2.0**-126  # it has the exponents of float32


@cache
def is_floating(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of a dtype are real or complex and not whole: those that have slopes."""
    return dtype.kind in "fc" or is_brain(dtype)


def is_brain(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is bfloat16; the kind is asked first, as making the name takes long."""
    return dtype.kind == "V" and dtype.name == BRAIN


def is_masked(value: object) -> bool:
    """Whether it is a masked array of NumPy's, which nobody has before its module is loaded.

    That takes 20 ms, as long as all of gradcheck.
    """
    masked = sys.modules.get("numpy.ma")
    return masked is not None and isinstance(value, getattr(masked, "MaskedArray", ()))


@cache
def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of a dtype are such or whole."""
    return dtype.kind in "iu" or is_floating(dtype)


BLOCK = 2**15  # entries at a time: 256 kB of float64, of which some fit into a cache


def in_blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Cut arrays of one shape into pieces that belong together, as views; small ones are whole."""
    first = arrays[0]
    if first.size <= BLOCK:
        yield arrays
        return
    flat = _flattened(arrays)
    length = len(flat[0])
    rows = max(1, BLOCK * length // first.size)
    for start in range(0, length, rows):
        yield tuple(array[start : start + rows] for array in flat)


def _flattened(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
    """View arrays as one-dimensional where all lie in memory in one order; else leave them."""
    if all(array.flags.c_contiguous for array in arrays):
        return tuple(array.reshape(-1) for array in arrays)
    if all(array.flags.f_contiguous for array in arrays):
        return tuple(array.T.reshape(-1) for array in arrays)
    return arrays


def flat_in_memory(a: Array, like: Array | None = None) -> Array:
    """View a contiguous array as real numbers in the order in which they lie in memory.

    Real and imaginary parts of complex numbers take turns. With `like`, copy in the order of that
    array instead.
    """
    like = a if like is None else like
    axes = sorted(range(like.ndim), key=lambda axis: -abs(like.strides[axis]))
    flat = a.transpose(axes).reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


@cache
def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the precision in which directions and displacements of a leaf are computed."""
    wide = np.result_type(dtype, np.float64)
    return np.dtype(wide)


@cache
def unit_roundoff(dtype: np.dtype[Any]) -> float:
    """Half the distance from 1 to the next number of the dtype: 2^-53 for float64."""
    if is_brain(dtype):
        return BRAIN_ROUNDOFF
    return float(np.finfo(dtype).eps) / 2


@cache
def least_rounding(dtype: np.dtype[Any]) -> float:
    """Half of the smallest positive number of the dtype: by how much rounding moves zero at most.

    Where numbers are below the smallest normal one, rounding is as large as there: 2^-25 for
    float16, 2^-150 for float32. Below what float64 holds, as for itself, it is 0.
    """
    return unit_roundoff(dtype) * least_normal(dtype)


@cache
def least_normal(dtype: np.dtype[Any]) -> float:
    """Return the smallest number that has all the digits of the dtype: 2^-14 for float16."""
    return BRAIN_NORMAL if dtype.name == BRAIN else float(np.finfo(dtype).tiny)


COARSEST_GRID = 2.0**-4  # float16 has no digits to be exact in; sixteen sizes are the least


@cache
def grid_of(dtype: np.dtype[Any]) -> float:
    """Spacing of the grid on which random directions of a leaf are drawn, relative to its scale.

    Coarse enough that x + t v is exact at the first steps (eighths of 2^(-p/3) for p digits of
    precision) for every |x| up to 2^(3 + p/16) scales, so that no rounding of the point enters the
    difference: it would be odd in t, and look like slope. Fine enough that a function which adds
    such numbers exactly is not mistaken for one whose values are rounded: 2^-26 for float64, 2^-9
    for float32.
    """
    digits = -np.log2(unit_roundoff(dtype))
    exact = 2.0 ** -(np.floor(2 * digits / 3) - 6 - np.floor(digits / 16))
    return float(min(exact, COARSEST_GRID))


OFF_GRID = (1 + 5**0.5) / 2  # all 53 digits in use: a single step that is on no binary grid


def draw_weights(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Draw an array of random sign times U(0.5, 1.5), on the grid of the dtype.

    Never near 0, so that no entry hides; never of one size, so that two wrong entries do not
    cancel, as they do half the time under plain random signs.
    """
    wide, grid = working_dtype(dtype), grid_of(dtype)
    drawn = np.empty(shape, dtype=wide)
    flat = drawn.reshape(-1)
    for part in (flat.real, flat.imag) if wide.kind == "c" else (flat,):
        _draw_real(rng, part, grid)
    return drawn


def _draw_real(rng: np.random.Generator, out: Array, grid: float) -> None:
    steps = round(1 / grid)
    drawn, signed = SHORT if 2 * steps < MOST_SHORT else LONG  # the same numbers, in less time
    sizes: Array
    signs: Array
    for start in range(0, out.size, BLOCK):
        block = out[start : start + BLOCK]
        sizes = rng.integers(steps // 2, steps + steps // 2 + 1, size=block.shape, dtype=drawn)
        signs = rng.integers(0, 2, size=block.shape, dtype=drawn).view(signed)
        sizes = sizes.view(signed)
        signs -= 1  # of two's complement: -1, all bits, turns a number by `^` and `-`; 0 leaves it
        sizes ^= signs
        sizes -= signs
        np.multiply(sizes, grid, out=block)


SHORT, LONG = (np.uint32, np.int32), (np.int64, np.int64)
MOST_SHORT = 2**31


def inner(a: Array, b: Array) -> float:
    """Real inner product, Re sum conj(a) b, accumulated in at least float64."""
    if a.dtype == DOUBLE == b.dtype and (a.size <= BLOCK or a.ndim == 1):
        return float(np.vdot(a, b))
    # one by one: bfloat16 and float16 have no common dtype
    wide = np.result_type(working_dtype(a.dtype), working_dtype(b.dtype))
    total = 0.0
    for left, right in in_blocks(a, b):
        product = np.vdot(
            left.astype(wide, copy=False).ravel(), right.astype(wide, copy=False).ravel()
        )
        total += float(product.real)
    return total


SAFE = 2.0**900  # a sum of squares beyond this, or below its inverse, has lost some of them


def norm(a: Array) -> float:
    """Euclidean norm, safe against overflow and underflow of the squares."""
    if a.size <= BLOCK:
        return _norm(a)
    return _norm(np.array([_norm(block) for (block,) in in_blocks(a)]))


def _norm(a: Array) -> float:
    if a.dtype == DOUBLE:
        squares = float(np.vdot(a, a))
        if 1 / SAFE < squares < SAFE:
            return math.sqrt(squares)
    a = a.astype(np.float32) if is_brain(a.dtype) else a
    largest = float(np.abs(a).max(initial=0.0))
    if largest == 0.0 or not np.isfinite(largest):
        return largest
    parts = np.stack([a.real, a.imag]) if a.dtype.kind == "c" else a  # complex / tiny overflows
    scaled = parts.astype(working_dtype(parts.dtype), copy=False) / largest
    return largest * float(np.sqrt(np.vdot(scaled, scaled)))


def largest(a: Array) -> float:
    """Return the largest modulus of any entry; 0 for an empty array."""
    blocks = (block.astype(np.float32) if is_brain(a.dtype) else block for (block,) in in_blocks(a))
    return max(float(np.abs(block).max(initial=0.0)) for block in blocks)


def norm_of_products(a: Array, b: Array) -> float:
    """Euclidean norm of all a_i b_i, of which no array is made."""
    return _norm(np.array([_norm(left * right) for left, right in in_blocks(a, b)]))


def total(a: Array) -> float:
    """Sum of the moduli of all entries."""
    return sum(float(np.abs(block).sum(dtype=np.float64)) for (block,) in in_blocks(a))


def rms(a: Array) -> float:
    """Root mean square of the entries; 0 for an empty array."""
    return norm(a) / math.sqrt(a.size) if a.size else 0.0


def size_of(arrays: Iterable[Array]) -> float:
    """Euclidean norm of all entries of several arrays together."""
    return norm(np.array([norm(array) for array in arrays]))


def finer_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the next finer precision: float64 for anything coarser, else longdouble."""
    longest = np.clongdouble if dtype.kind == "c" else np.longdouble
    wide = working_dtype(dtype)
    return wide if wide != dtype else np.dtype(longest)


FEW_BYTES = 2**15  # up to here a copy as bytes is cheaper than a comparison of arrays
PADDED = "gG"  # longdouble has padding bytes, which mean nothing
BITS = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays of one dtype are bit-identical: NaN is NaN, -0.0 is not 0.0."""
    if a is b:
        return True
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.nbytes <= FEW_BYTES and a.dtype.char not in PADDED:
        return a.tobytes() == b.tobytes()
    return all(_same_block(one, other) for one, other in in_blocks(a, b))


def _same_block(a: Array, b: Array) -> bool:
    if a.dtype.kind in "SU":
        return bool(np.array_equal(a, b))
    if a.dtype.kind == "c":
        return _same_block(a.real, b.real) and _same_block(a.imag, b.imag)
    if a.dtype.char in PADDED:
        same = (a == b) & (np.signbit(a) == np.signbit(b)) | (np.isnan(a) & np.isnan(b))
        return bool(same.all())
    bits = BITS[a.dtype.itemsize]
    return bool((a.view(bits) == b.view(bits)).all())


def require_finite(path: str, array: Array) -> None:
    """Require numbers that float64 can hold, in which the lengths of lines are kept.

    Raises
    ------
    UsageError
        If one is not, with its place.
    """
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
