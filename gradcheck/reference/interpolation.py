"""Interpolation: between knots on a line, and between the pixels of an image.

Owns: linear interpolation and bilinear resizing. Does not own windows of images (see `windows`).
Place: above `windows`, for the check of its images. Letters: n = knots, B = images, C = channels,
H, W = rows and columns, Ho, Wo = those of the result.
"""

import numpy as np

from .arrays import Array, Cache
from .windows import Pair, require_images


def linear_interpolate_forward(query: Array, knots: Array, values: Array) -> tuple[Array, Cache]:
    """Compute the broken line through (knots, values) at each query; constant beyond both ends.

    Parameters
    ----------
    query : Array
        Any shape.
    knots, values : Array
        Shape (n,) with n >= 2, the knots rising strictly, or ValueError.

    Returns
    -------
    out : Array
        The shape of the query.
    cache : tuple
        (left, share, width, rise, free, n): the knot on the left, the share of the way to the next,
        how far that one is, how much higher, and where the query lies between the ends.

    Examples
    --------
    >>> knots, values = np.array([0.0, 1.0, 3.0]), np.array([0.0, 10.0, 0.0])
    >>> out, cache = linear_interpolate_forward(np.array([0.5, 2.0, 9.0]), knots, values)
    >>> out
    array([5., 5., 0.])
    """
    n = len(knots)
    if n < 2 or np.shape(knots) != (n,) or np.shape(values) != (n,):
        raise ValueError(
            f"knots have shape {np.shape(knots)} and values {np.shape(values)}; both must be (n,) "
            "with n >= 2"
        )
    if not np.all(np.diff(knots) > 0):
        raise ValueError("knots do not rise strictly; sort them, and the values in the same order")
    # at a knot the line to the right of it, as for a query beyond the ends that of the end
    left = np.clip(np.searchsorted(knots.real, query.real, side="right") - 1, 0, n - 2)
    width = knots[left + 1] - knots[left]
    rise = values[left + 1] - values[left]
    free = (query.real >= knots[0].real) & (query.real <= knots[-1].real)
    above = query.real > knots[-1].real  # the share is 1 beyond the last knot, 0 before the first
    share = np.where(free, (query - knots[left]) / width, above)
    out = values[left] + share * rise
    return out, (left, share, width, rise, free, n)


def linear_interpolate_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute dquery, dknots (n,) and dvalues (n,); at a knot by the line on its right."""
    left, share, width, rise, free, n = cache
    dvalues = np.zeros(n, dtype=dout.dtype)  # (n,)
    np.add.at(dvalues, left, dout * (1 - share))  # forward: values[left] + share * rise
    np.add.at(dvalues, left + 1, dout * share)  # forward: rise = values[left + 1] - values[left]
    # forward: share = (query - knots[left]) / width
    dquery = np.where(free, dout * rise / width, 0)
    dknots = np.zeros(n, dtype=dout.dtype)  # (n,)
    np.add.at(dknots, left, -dquery * (1 - share))  # forward: - knots[left], there and in width
    np.add.at(dknots, left + 1, -dquery * share)  # forward: width = knots[left + 1] - knots[left]
    return dquery, dknots, dvalues


def bilinear_resize_forward(x: Array, shape: Pair) -> tuple[Array, Cache]:
    """Compute images of another size, each pixel a mean of the four nearest of the old ones.

    A pixel is a square: its centre lies at a half, and both images cover the same area
    (align_corners=False in PyTorch). Beyond the outermost centres the border is continued. No
    smoothing before shrinking.

    Parameters
    ----------
    x : Array
        Shape (B, C, H, W).
    shape : pair of int
        (Ho, Wo), each at least 1, or ValueError.

    Returns
    -------
    out : Array
        Shape (B, C, Ho, Wo).
    cache : tuple
        (down (Ho, H), along (Wo, W)): the weights of the old pixels in the new ones.

    Examples
    --------
    >>> out, cache = bilinear_resize_forward(np.array([[[[0.0, 4.0]]]]), (1, 4))
    >>> out
    array([[[[0., 1., 3., 4.]]]])
    """
    require_images(x)
    if len(shape) != 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in shape):
        raise ValueError(f"shape={shape!r}, but it is (rows, columns), whole numbers of at least 1")
    down = _weights(x.shape[2], shape[0]).astype(x.dtype)  # (Ho, H)
    along = _weights(x.shape[3], shape[1]).astype(x.dtype)  # (Wo, W)
    out = down @ x @ along.T  # (B, C, Ho, Wo)
    return out, (down, along)


def bilinear_resize_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx (B, C, H, W) from dout (B, C, Ho, Wo), by the same weights."""
    down, along = cache
    dx: Array = down.T @ dout @ along  # (B, C, H, W); forward: down @ x @ along.T
    return dx


def _weights(old: int, new: int) -> Array:
    """Return the weights of the old pixels of a line in the new ones: (new, old), rows sum to 1."""
    centres = (np.arange(new) + 0.5) * old / new - 0.5  # in steps of the old pixels
    centres = np.clip(centres, 0, old - 1)
    left = np.minimum(centres.astype(int), max(old - 2, 0))
    right = np.minimum(left + 1, old - 1)
    weights = np.zeros((new, old))
    rows = np.arange(new)
    np.add.at(weights, (rows, left), 1 - (centres - left))
    np.add.at(weights, (rows, right), centres - left)  # += where old = 1 and both are one pixel
    return weights
