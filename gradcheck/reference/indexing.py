"""Picking entries by index, and adding to them: embedding, gather, scatter.

Owns: the three, each right where an index is repeated: what was copied twice gets the sum of two
gradients. Does not own maxima, whose index depends on the values (see `pooling`).
Place: a leaf. Letters: v = rows of a table, d = columns; indices may have any shape (...).
"""

import numpy as np

from .arrays import Array, Cache


def embedding_forward(
    table: Array, indices: Array, padding: int | None = None
) -> tuple[Array, Cache]:
    """Compute table[indices], with rows of zeros where the index is `padding`.

    PyTorch's padding_idx returns the row of the table itself and withholds its gradient, which is
    then no derivative of what was returned. Where that row is zero, as it is at first, both agree.

    Parameters
    ----------
    table : Array
        Shape (v, d).
    indices : Array
        Integers in 0..v-1, shape (...); ValueError where they are not.
    padding : int, optional
        The index that stands for no word.

    Returns
    -------
    out : Array
        Shape (..., d).
    cache : tuple
        (indices, shown, v): shown (..., 1) is False for padding.

    Examples
    --------
    >>> table = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> out, cache = embedding_forward(table, np.array([1, 0, 1]), padding=0)
    >>> out
    array([[3., 4.],
           [0., 0.],
           [3., 4.]])
    """
    if np.ndim(table) != 2:
        raise ValueError(f"table has shape {np.shape(table)}, but it must be (v, d), a row a word")
    v = len(table)
    indices = _indices_below(indices, v)
    if padding is not None and not 0 <= padding < v:
        raise ValueError(f"padding={padding}, but the table has rows 0..{v - 1}; use one of them")
    shown = np.ones(indices.shape, dtype=bool) if padding is None else indices != padding
    shown = shown[..., None]  # (..., 1)
    out = np.where(shown, table[indices], 0)  # (..., d)
    return out, (indices, shown, v)


def embedding_backward(dout: Array, cache: Cache) -> Array:
    """Compute dtable (v, d) from dout (..., d): zero in rows that were not picked."""
    indices, shown, v = cache
    dtable = np.zeros((v, dout.shape[-1]), dtype=dout.dtype)  # (v, d)
    # forward: where(shown, table[indices], 0); repeats add up
    np.add.at(dtable, indices, np.where(shown, dout, 0))
    return dtable


def gather_forward(x: Array, index: Array, axis: int) -> tuple[Array, Cache]:
    """Compute the entries of x that the index names along an axis.

    In two dimensions, along axis 0: out[i, j] = x[index[i, j], j].

    Parameters
    ----------
    x : Array
        Any shape.
    index : Array
        Integers from 0 to one less than the length of that axis; the shape of x but along the
        axis, where it may have any length. ValueError where it does not fit.

    Returns
    -------
    out : Array
        The shape of the index.
    cache : tuple
        (index, axis, shape of x).

    Examples
    --------
    >>> out, cache = gather_forward(np.array([10.0, 20.0]), np.array([1, 1, 0]), axis=0)
    >>> out
    array([20., 20., 10.])
    """
    index = _index_along(index, axis, x.shape)
    return np.take_along_axis(x, index, axis), (index, axis, x.shape)


def gather_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx from dout, of the shape of the index: zero for entries that were not picked."""
    index, axis, shape = cache
    dx = np.zeros(shape, dtype=dout.dtype)
    np.add.at(dx, _places(index, axis), dout)  # forward: take_along_axis; repeats add up
    return dx


def scatter_add_forward(x: Array, index: Array, source: Array, axis: int) -> tuple[Array, Cache]:
    """Add each entry of the source to the entry of x that the index names along an axis.

    In two dimensions, along axis 0: out[index[i, j], j] += source[i, j]. The source has the shape
    of the index, which fits x as in `gather_forward`; the cache is (index, axis).

    Examples
    --------
    >>> index, source = np.array([1, 1]), np.array([1.0, 2.0])
    >>> out, cache = scatter_add_forward(np.zeros(3), index, source, axis=0)
    >>> out
    array([0., 3., 0.])
    """
    index = _index_along(index, axis, x.shape)
    if np.shape(source) != index.shape:
        raise ValueError(
            f"source has shape {np.shape(source)} but the index has {index.shape}; they must be "
            "equal: one place for each entry"
        )
    out = x.copy()
    np.add.at(out, _places(index, axis), source)  # not out[...] += source, which keeps the last
    return out, (index, axis)


def scatter_add_backward(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """Compute dx and dsource from dout, of the shape of x; dsource has that of the index."""
    index, axis = cache
    dsource = np.take_along_axis(dout, index, axis)  # forward: out[index] += source
    dx = dout.copy()  # forward: out = x + ...
    return dx, dsource


def _places(index: Array, axis: int) -> tuple[Array, ...]:
    """Return one index array per axis, as `x[...]` wants them: the given one along its axis."""
    places = list(np.ogrid[tuple(slice(length) for length in index.shape)])
    places[axis] = index
    return tuple(places)


def _index_along(index: Array, axis: int, shape: tuple[int, ...]) -> Array:
    """Return the index as an array that fits a shape along an axis."""
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"axis={axis}, but x has the axes 0..{len(shape) - 1}")
    index = _indices_below(index, shape[axis])
    expected = list(shape)
    expected[axis] = index.shape[axis] if index.ndim == len(shape) else -1
    if index.shape != tuple(expected):
        raise ValueError(
            f"index has shape {index.shape}, but x has {shape}; they must be equal on all axes but "
            f"axis={axis}"
        )
    return index


def _indices_below(indices: Array, length: int) -> Array:
    """Return integers in 0..length-1; a negative one would count from the end."""
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise ValueError(
            f"indices have dtype {indices.dtype}, but they must be integers; "
            "convert them with indices.astype(int)"
        )
    if indices.size and (indices.min() < 0 or indices.max() >= length):
        raise ValueError(
            f"indices go from {indices.min()} to {indices.max()}, but there are {length} places, "
            f"numbered 0..{length - 1}"
        )
    return indices
