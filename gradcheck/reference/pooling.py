"""Pooling: one number for each window of an image.

Owns: the maximum, and the average with or without what lies in the padding. Does not own the
windows (see `windows`). Place: above `windows`. Letters: B = images, C = channels, H, W = rows and
columns, Ho, Wo = those of the result, Kh, Kw = those of a window.
"""

import numpy as np

from .arrays import Array, Cache
from .windows import Windows, require_images


def max_pool2d_forward(x: Array, windows: Windows) -> tuple[Array, Cache]:
    """Compute the largest entry of each window; the padding never wins.

    Parameters
    ----------
    x : Array
        Shape (B, C, H, W).
    windows : Windows
        Each must meet the image itself, or ValueError.

    Returns
    -------
    out : Array
        Shape (B, C, Ho, Wo).
    cache : tuple
        (winner, windows, shape of x), with the place of the winner in its window, row by row.

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = max_pool2d_forward(x, Windows((2, 2), stride=(2, 2)))
    >>> out[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    _inside(x, windows)
    cut = windows.cut(windows.pad(x, filling=-np.inf))  # (B, C, Ho, Wo, Kh, Kw)
    flat = cut.reshape(*cut.shape[:4], -1)  # (B, C, Ho, Wo, Kh Kw)
    winner = flat.argmax(axis=-1, keepdims=True)  # (B, C, Ho, Wo, 1); the first of equals
    out = np.take_along_axis(flat, winner, axis=-1)[..., 0]  # (B, C, Ho, Wo)
    return out, (winner, windows, x.shape)


def max_pool2d_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx (B, C, H, W) from dout (B, C, Ho, Wo); the first of equals gets all of it."""
    winner, windows, (_, _, rows, columns) = cache
    kh, kw = windows.size
    dflat = np.zeros((*dout.shape, kh * kw), dtype=dout.dtype)  # (B, C, Ho, Wo, Kh Kw)
    np.put_along_axis(dflat, winner, dout[..., None], axis=-1)  # forward: out = flat[winner]
    dcut = dflat.reshape(*dout.shape, kh, kw)  # forward: flat = cut.reshape
    dx: Array = windows.put_back(dcut, rows, columns)  # forward: cut(pad(x)); overlaps add up
    return dx


def average_pool2d_forward(x: Array, windows: Windows) -> tuple[Array, Cache]:
    """Compute the mean of each window, in which the padding counts as zeros.

    x has shape (B, C, H, W), the result (B, C, Ho, Wo); the cache is (divisor, windows, shape).

    Examples
    --------
    >>> x = np.ones((1, 1, 2, 2))
    >>> out, cache = average_pool2d_forward(x, Windows((2, 2), (2, 2), padding=(1, 1)))
    >>> out[0, 0]
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    require_images(x)
    windows.count(*x.shape[2:])
    kh, kw = windows.size
    return _average(x, windows, np.full((1, 1), kh * kw))


def average_pool2d_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx (B, C, H, W) from dout (B, C, Ho, Wo): an equal share for each entry."""
    divisor, windows, (_, _, rows, columns) = cache
    share = dout / divisor.astype(dout.real.dtype)  # (B, C, Ho, Wo); forward: sum / divisor
    # forward: the sum over Kh and Kw, so the same share for all of a window
    dcut = np.broadcast_to(share[..., None, None], (*dout.shape, *windows.size))
    dx: Array = windows.put_back(dcut, rows, columns)  # forward: cut(pad(x)); overlaps add up
    return dx


def average_pool2d_inside_forward(x: Array, windows: Windows) -> tuple[Array, Cache]:
    """Compute the mean of what each window has inside the image; the padding does not count.

    As `average_pool2d_forward`, but the divisor is smaller at the border. ValueError where a
    window lies outside of the image altogether.

    Examples
    --------
    >>> x = np.ones((1, 1, 2, 2))
    >>> out, cache = average_pool2d_inside_forward(x, Windows((2, 2), (2, 2), padding=(1, 1)))
    >>> out[0, 0]
    array([[1., 1.],
           [1., 1.]])
    """
    return _average(x, windows, _inside(x, windows))


def average_pool2d_inside_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx (B, C, H, W) from dout (B, C, Ho, Wo), by the divisor of each window."""
    return average_pool2d_backward(dout, cache)  # the divisor is in the cache


def _average(x: Array, windows: Windows, divisor: Array) -> tuple[Array, Cache]:
    """Divide the sum of each window by the divisor, (Ho, Wo) or (1, 1)."""
    total = windows.cut(windows.pad(x)).sum(axis=(4, 5))  # (B, C, Ho, Wo)
    out = total / divisor.astype(x.real.dtype)
    return out, (divisor, windows, x.shape)


def _inside(x: Array, windows: Windows) -> Array:
    """Count the entries of each window that lie in the image: (Ho, Wo), all >= 1."""
    require_images(x)
    windows.count(*x.shape[2:])
    image = np.ones((1, 1, *x.shape[2:]), dtype=int)
    counts: Array = windows.cut(windows.pad(image))[0, 0].sum(axis=(2, 3))  # (Ho, Wo)
    if counts.min() == 0:
        raise ValueError(
            f"padding={windows.padding} is so wide that a window of size={windows.size} lies in it "
            "altogether and has nothing to pool; use less padding"
        )
    return counts
