"""Inverted dropout: entries are dropped in training, and the kept ones scaled up at once.

Owns: dropout of entries, of whole channels, of whole rows, and by noise. Does not own the random
source: the caller passes a Generator. Place: a leaf under `network`. Every array has the shape of
x; masks of channels and rows have length 1 where they are broadcast. In evaluation all of them are
the identity, see `dropout_evaluate`. Letters: m = rows of the batch, C = channels.
"""

import math

import numpy as np

from .arrays import Array, Cache


def dropout_forward(x: Array, keep_prob: float, rng: np.random.Generator) -> tuple[Array, Cache]:
    """Keep each entry with probability keep_prob, and divide the kept ones by keep_prob.

    The mean over masks of the result is x, so evaluation needs no correction.
    Source: Srivastava et al. (2014), JMLR 15, section 10, in its inverted form.

    Parameters
    ----------
    keep_prob : float
        0 < keep_prob <= 1; ValueError where it is not.
    rng : np.random.Generator
        One draw per entry of x, which has any shape.

    Returns
    -------
    out, cache : Array
        Both of the shape and dtype of x. The cache is the mask: 0 for a dropped entry,
        1 / keep_prob for a kept one.

    Examples
    --------
    >>> out, cache = dropout_forward(np.ones(4), 0.5, np.random.default_rng(0))
    >>> sorted(set(out.tolist())) == [0.0, 2.0]
    True
    """
    require_keep_prob(keep_prob)
    kept = rng.random(x.shape) < keep_prob  # random() < 1 always, so keep_prob = 1 keeps all
    mask = kept.astype(x.dtype) / keep_prob
    out = x * mask
    return out, mask


def dropout_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx from dout with the very mask of the forward pass, scale included."""
    mask = cache
    dx: Array = dout * mask  # forward: out = x * mask
    return dx


def dropout_evaluate(x: Array, keep_prob: float) -> Array:
    """Return x itself: outside training inverted dropout is the identity, for every keep_prob."""
    require_keep_prob(keep_prob)
    return x


def dropout_channels_forward(
    x: Array, keep_prob: float, rng: np.random.Generator
) -> tuple[Array, Cache]:
    """Keep or drop each channel of each row as a whole, and divide the kept ones by keep_prob.

    Neighbours in a channel are so alike that dropping single ones changes little.
    Source: Tompson et al. (2015), arXiv:1411.4280, section 3.2 ("spatial dropout").

    Parameters
    ----------
    x : Array
        Shape (m, C, ...), or ValueError.
    keep_prob : float
        0 < keep_prob <= 1; ValueError where it is not.
    rng : np.random.Generator
        One draw per channel of each row.

    Returns
    -------
    out : Array
        Shape (m, C, ...).
    cache : Array
        The mask (m, C, 1, ...): 0 or 1 / keep_prob.

    Examples
    --------
    >>> out, cache = dropout_channels_forward(np.ones((1, 3, 2)), 0.5, np.random.default_rng(0))
    >>> out
    array([[[0., 0.],
            [2., 2.],
            [2., 2.]]])
    """
    if x.ndim < 2:
        raise ValueError(f"x has shape {x.shape}, but channels need (m, C, ...)")
    mask = _mask_of_axes(x, 2, keep_prob, rng)  # (m, C, 1, ...)
    return x * mask, mask  # (m, C, ...)


def dropout_channels_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx from dout with the mask of the forward pass, broadcast likewise."""
    mask = cache
    dx: Array = dout * mask  # forward: out = x * mask
    return dx


def dropout_rows_forward(
    x: Array, keep_prob: float, rng: np.random.Generator
) -> tuple[Array, Cache]:
    """Keep or drop each row as a whole, and divide the kept ones by keep_prob.

    It stands at the end of a branch beside a skip path, which is then the identity for the rows
    that were dropped. Source: Huang et al. (2016), arXiv:1603.09382 ("stochastic depth"), by row.
    x has shape (m, ...), the cache is the mask (m, 1, ...); keep_prob and rng as in
    `dropout_forward`.

    Examples
    --------
    >>> out, cache = dropout_rows_forward(np.ones((3, 2)), 0.5, np.random.default_rng(0))
    >>> out
    array([[0., 0.],
           [2., 2.],
           [2., 2.]])
    """
    if x.ndim < 1:
        raise ValueError("x is a single number, but rows need (m, ...)")
    mask = _mask_of_axes(x, 1, keep_prob, rng)  # (m, 1, ...)
    return x * mask, mask  # (m, ...)


def dropout_rows_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx from dout with the mask of the forward pass, broadcast likewise."""
    mask = cache
    dx: Array = dout * mask  # forward: out = x * mask
    return dx


def gaussian_dropout_forward(
    x: Array, keep_prob: float, rng: np.random.Generator
) -> tuple[Array, Cache]:
    """Multiply each entry by a normal number of mean 1 and the variance of dropout's mask.

    That variance is (1 - keep_prob) / keep_prob. Source: Srivastava et al. (2014), JMLR 15,
    section 10. Arguments and results as in `dropout_forward`; the cache is the noise.

    Examples
    --------
    >>> out, cache = gaussian_dropout_forward(np.ones(3), 1.0, np.random.default_rng(0))
    >>> out
    array([1., 1., 1.])
    """
    require_keep_prob(keep_prob)
    deviation = math.sqrt((1 - keep_prob) / keep_prob)
    noise = (1 + deviation * rng.standard_normal(x.shape)).astype(x.dtype)
    return x * noise, noise


def gaussian_dropout_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx from dout with the very noise of the forward pass."""
    noise = cache
    dx: Array = dout * noise  # forward: out = x * noise
    return dx


def _mask_of_axes(x: Array, axes: int, keep_prob: float, rng: np.random.Generator) -> Array:
    """Return 0 or 1 / keep_prob for each index of the first axes, length 1 along the others."""
    require_keep_prob(keep_prob)
    kept = rng.random(x.shape[:axes] + (1,) * (x.ndim - axes)) < keep_prob
    mask: Array = kept.astype(x.dtype) / keep_prob
    return mask


def require_keep_prob(keep_prob: float) -> None:
    """Raise ValueError unless 0 < keep_prob <= 1; NaN is refused too."""
    if not 0 < keep_prob <= 1:
        raise ValueError(
            f"keep_prob={keep_prob}, but it is the probability to keep an entry and must lie in "
            "(0, 1]; to drop 20 % of the entries, write keep_prob=0.8"
        )
