"""Sparse matrices of SciPy: their stored values as an array, at places that stay what they are.

A leaf's entries are the stored values, in the order of `data`; what `f` is handed has the class,
the dtype and the places of the caller's own. SciPy is not imported: it is known by its names.
Part of `space`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..records import UsageError
from .arrays import Array

FORMATS = ("csr", "csc", "coo", "bsr")  # those whose stored values are entries of the matrix
ORDERED = ("csr", "csc", "bsr")  # and those of which SciPy may sort the indices in place

MOST_PLACES = 2**63 - 1  # which `keys_of` can number


def is_sparse(value: object) -> bool:
    """Whether a value is a sparse array or matrix of SciPy, of whatever format."""
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocoo")


def require_entries(path: str, value: Any) -> None:  # noqa: ANN401 - of SciPy, not imported
    """Require a format whose stored values are entries, each of them once.

    Raises
    ------
    UsageError
        If it is another, with what to do.
    """
    if value.format not in FORMATS:
        raise UsageError(
            f"leaf {path} is sparse in the format {value.format}, whose stored values are not its "
            f"entries one by one; give it as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, such as "
            f"leaf.tocsr()."
        )
    if value.dtype.kind not in "fc":
        raise UsageError(
            f"leaf {path} is sparse of dtype {value.dtype}, which has no slopes; convert it, such "
            f"as leaf.astype(float), or close over it."
        )
    if value.format in ORDERED and not value.has_sorted_indices:
        raise UsageError(
            f"leaf {path} stores its indices in no order, so that SciPy may sort them in place; "
            f"call leaf.sort_indices() before."
        )
    if math.prod(value.shape) > MOST_PLACES:
        raise UsageError(
            f"leaf {path} is sparse of shape {value.shape}, and 64 bits do not number so many "
            f"places; make its data the leaf, and build the matrix in f."
        )
    places = keys_of(value)
    if len(np.unique(places)) != len(places):
        raise UsageError(
            f"leaf {path} stores {len(places) - len(np.unique(places))} of its {len(places)} "
            f"entries more than once, and f may sum them or not; call leaf.sum_duplicates() before."
        )


def values_of(value: Any) -> Array:  # noqa: ANN401 - as above
    """Return the stored values themselves, not a copy."""
    data: Array = value.data
    return data


def places_of(value: Any) -> tuple[Array, ...]:  # noqa: ANN401 - as above
    """Return the index of each stored value, in the order of `data`."""
    coo = value.tocoo(copy=False)
    where = coo.coords if hasattr(coo, "coords") else (coo.row, coo.col)
    return tuple(np.asarray(axis, dtype=np.int64) for axis in where)


def keys_of(value: Any) -> Array:  # noqa: ANN401 - as above
    """Return the flat index of each stored value in the whole matrix."""
    where = places_of(value)
    return np.ravel_multi_index(where, value.shape) if where[0].size else where[0]


def with_values(values: Array, like: Any) -> Any:  # noqa: ANN401 - as above
    """Make a matrix of the class and the places of another one, with values of its own."""
    made = like.copy()
    made.data = np.array(values).reshape(like.data.shape)
    return made


def is_in_place(value: Any, like: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a matrix stores its values at the places of another one, in the same order."""
    same = value.shape == like.shape and value.format == like.format
    return same and all(map(np.array_equal, _pattern(value), _pattern(like)))


def put_back(value: Any, like: Any) -> None:  # noqa: ANN401 - as above
    """Give a matrix all that another one holds, in its own arrays where these fit.

    By its attributes, and not by methods: these ask for arrays that suit each other.
    """
    own = vars(value)
    own.update({name: _put(own.get(name), right) for name, right in vars(like.copy()).items()})
    if like.format in ORDERED:  # as was required of it, whatever was found in between
        value.has_canonical_format = True


def _put(now: Any, right: Any) -> Any:  # noqa: ANN401 - an attribute of a matrix
    """Write an array into the one that is there, if that has its shape and dtype."""
    if isinstance(right, tuple) and isinstance(now, tuple) and len(now) == len(right):
        return tuple(map(_put, now, right))
    if not (isinstance(now, np.ndarray) and isinstance(right, np.ndarray)):
        return right
    if now.shape != right.shape or now.dtype != right.dtype or not now.flags.writeable:
        return right
    np.copyto(now, right)
    return now


def _pattern(value: Any) -> tuple[Array, ...]:  # noqa: ANN401 - as above
    """Return the arrays that say where the values lie."""
    if value.format == "coo":
        return places_of(value)
    return value.indices, value.indptr


def on_places(claim: Any, like: Any) -> Array | None:  # noqa: ANN401 - a matrix, or an array
    """Read a gradient at the places of a sparse leaf; None where it has another shape.

    It may be sparse, its places the same or others, where it is 0; a dense matrix, read at these
    places; or an array like `data`.
    """
    if is_sparse(claim):
        return _of_sparse(claim, like) if claim.shape == like.shape else None
    array = np.asarray(claim)
    if array.shape == like.shape:
        return array[places_of(like)].reshape(like.data.shape)
    return array if array.shape == like.data.shape else None


def _of_sparse(claim: Any, like: Any) -> Array:  # noqa: ANN401 - as above
    values = np.asarray(claim.tocoo(copy=False).data)
    wanted, given = keys_of(like), keys_of(claim)
    order = np.argsort(wanted)
    found = np.searchsorted(wanted, given, sorter=order)
    found = np.minimum(found, max(len(wanted) - 1, 0))
    inside = wanted[order[found]] == given if len(wanted) else np.zeros(len(given), bool)
    read = np.zeros(len(wanted), dtype=values.dtype)
    np.add.at(read, order[found[inside]], values[inside])  # what is stored twice is summed
    return read.reshape(like.data.shape)


def count_beyond(claim: Any, like: Any) -> int:  # noqa: ANN401 - as above
    """Count the entries, other than 0, that a gradient has beside the places of a leaf."""
    if is_sparse(claim) and claim.shape == like.shape:
        values = np.asarray(claim.tocoo(copy=False).data)
        given = keys_of(claim)[values != 0]
        return len(np.setdiff1d(given, keys_of(like)))
    array = np.asarray(claim)
    if array.shape != like.shape or array.dtype.kind not in "iufc":
        return 0
    return int(np.count_nonzero(array)) - int(np.count_nonzero(array[places_of(like)]))
