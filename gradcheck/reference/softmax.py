"""Softmax and log-softmax of each row.

Owns: the two functions with their backward passes. Does not own the cross-entropy (see `losses`).
Place: a leaf under `losses`. Letters: m = rows of the batch, k = classes.
"""

import numpy as np

from .arrays import Array, Cache


def log_softmax_forward(z: Array) -> tuple[Array, Cache]:
    """Compute z - log(sum_k exp z_k) of each row without overflow; the cache is the result.

    z has shape (m, k), and so has the result. Subtracting the largest entry of the row first
    changes nothing in exact arithmetic and keeps exp at or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> log_p, cache = log_softmax_forward(np.array([[1000.0, 1000.0]]))
    >>> log_p.round(4)
    array([[-0.6931, -0.6931]])
    """
    shifted = z - z.max(axis=1, keepdims=True)  # (m, k)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (m, 1)
    log_p = shifted - log_sum  # (m, k); log_sum is broadcast over k
    return log_p, log_p


def log_softmax_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz (m, k) from dout (m, k)."""
    log_p = cache
    dlog_sum = -dout.sum(axis=1, keepdims=True)  # (m, 1); forward: - log_sum, broadcast over k
    # forward: log_sum = log(sum_k exp z_k), whose derivative for z_k is the softmax
    dz: Array = dout + np.exp(log_p) * dlog_sum  # (m, k); forward: log_p = z - log_sum
    return dz


def softmax_forward(z: Array) -> tuple[Array, Cache]:
    """Compute exp(z) / sum_k exp(z_k) of each row without overflow; the cache is the result."""
    log_p, _ = log_softmax_forward(z)
    p = np.exp(log_p)  # (m, k)
    return p, p


def softmax_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz (m, k) from dout (m, k): p (dout - sum_k dout_k p_k)."""
    p = cache
    mean = (dout * p).sum(axis=1, keepdims=True)  # (m, 1): of dout, under the probabilities p
    dz: Array = p * (dout - mean)  # (m, k); forward: p = exp(z) / sum_k exp(z_k)
    return dz
