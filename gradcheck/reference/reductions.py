"""Sums and products along an axis that need care: log-sum-exp, cumulative product.

Owns: the two, right where the plain formula overflows or divides by zero. Does not own the softmax
(see `softmax`). Place: a leaf. Letters: n = length of the axis; x has any shape.
"""

import numpy as np

from .arrays import Array, Cache


def logsumexp_forward(x: Array, axis: int = -1) -> tuple[Array, Cache]:
    """Compute log(sum exp x) along an axis, without overflow.

    Source: Blanchard, Higham & Higham (2021), IMA J. Numer. Anal. 41(4), equation 3.

    Parameters
    ----------
    x : Array
        Any shape. Entries of -inf are the logarithm of 0 and add nothing; only such along the axis
        give -inf.
    axis : int
        Must exist and not be empty, or ValueError.

    Returns
    -------
    out : Array
        The shape of x without the axis.
    cache : tuple
        (share of each entry in the sum, axis).

    Examples
    --------
    >>> out, cache = logsumexp_forward(np.array([1000.0, 1000.0]))
    >>> round(float(out), 4)
    1000.6931
    """
    _require_axis(x, axis)
    if x.shape[axis] == 0:
        raise ValueError(f"x has shape {x.shape}, so that axis={axis} is empty; its sum is log(0)")
    largest = x.max(axis=axis, keepdims=True)  # length 1 along the axis
    largest = np.where(largest == -np.inf, 0, largest)  # -inf - -inf would be NaN
    weights = np.exp(x - largest)  # at most 1
    total = weights.sum(axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):  # log(0) where all are -inf
        out = np.squeeze(np.log(total) + largest, axis=axis)
    return out, (weights / np.where(total == 0, 1, total), axis)


def logsumexp_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx from dout: to each entry its share, which is the softmax."""
    share, axis = cache
    dx: Array = np.expand_dims(dout, axis) * share  # forward: log(sum exp x)
    return dx


def cumprod_forward(x: Array, axis: int = -1) -> tuple[Array, Cache]:
    """Compute the product of each entry and all before it, along an axis.

    The result has the shape of x; the cache is (x, out, axis). ValueError where there is no such
    axis.

    Examples
    --------
    >>> out, cache = cumprod_forward(np.array([2.0, 0.0, 5.0]))
    >>> out
    array([2., 0., 0.])
    """
    _require_axis(x, axis)
    out = np.cumprod(x, axis=axis)
    return out, (x, out, axis)


def cumprod_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx from dout, both of the shape of x, without a division: right where x has zeros.

    The usual formula, the reversed sum of dout * out divided by x, is 0 / 0 there.

    Examples
    --------
    >>> out, cache = cumprod_forward(np.array([2.0, 0.0, 5.0]))
    >>> cumprod_backward(np.ones(3), cache)
    array([ 1., 12.,  0.])
    """
    x, out, axis = cache
    x, out, dout = (np.moveaxis(array, axis, 0) for array in (x, out, dout))  # (n, ...)
    dx = np.empty_like(dout)
    dproduct = np.zeros_like(dout[:1]).sum(axis=0)  # (...): of the product up to here
    for i in reversed(range(len(x))):
        dproduct = dproduct + dout[i]  # forward: out[i] is that product
        before = out[i - 1] if i > 0 else np.ones_like(out[0])
        dx[i] = dproduct * before  # forward: product = before * x[i]
        dproduct = dproduct * x[i]  # forward: the same, for `before`
    return np.moveaxis(dx, 0, axis)


def _require_axis(x: Array, axis: int) -> None:
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis={axis}, but x has shape {x.shape} and the axes 0..{x.ndim - 1}")
