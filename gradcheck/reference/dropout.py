"""Inverted dropout: entries are dropped in training, and the kept ones scaled up at once.

Owns: dropout_forward, dropout_backward, dropout_evaluate. Does not own the random source: the
caller passes a Generator. Place: a leaf under `network`. Every array has the shape of x.
"""

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


def require_keep_prob(keep_prob: float) -> None:
    """Raise ValueError unless 0 < keep_prob <= 1; NaN is refused too."""
    if not 0 < keep_prob <= 1:
        raise ValueError(
            f"keep_prob={keep_prob}, but it is the probability to keep an entry and must lie in "
            "(0, 1]; to drop 20 % of the entries, write keep_prob=0.8"
        )
