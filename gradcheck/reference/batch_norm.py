"""Batch normalisation: each channel by its mean and variance over the batch, or by running ones.

Owns: batch norm in training and in evaluation, and the running statistics. Does not own the
normalising itself (see `normalisation`). Place: above `normalisation`.
Letters: m = samples, C = channels; x is (m, C) or (m, C, ...), as images (m, C, H, W).
"""

from typing import NamedTuple

import numpy as np

from .arrays import Array, Cache
from .normalisation import normalise_backward, normalise_forward, per_channel, require_channels


class Statistics(NamedTuple):
    """Mean and variance of each channel, (C,), gathered over the batches of the training."""

    mean: Array
    variance: Array


def batch_norm_forward(
    x: Array, gain: Array, bias: Array, epsilon: float = 1e-5
) -> tuple[Array, Cache]:
    """Normalise each channel over the batch, then scale and shift it: the form of training.

    Mean and variance depend on x, so that every sample has a part in the gradient of all.
    Source: Ioffe & Szegedy (2015), arXiv:1502.03167, algorithm 1.

    Parameters
    ----------
    x : Array
        Shape (m, C, ...).
    gain, bias : Array
        Shape (C,), or ValueError.

    Returns
    -------
    out : Array
        Shape (m, C, ...).
    cache : tuple
        (cache of `normalise_forward`, gain).

    Examples
    --------
    >>> x = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> out, cache = batch_norm_forward(x, np.ones(2), np.array([0.0, 7.0]), epsilon=1e-12)
    >>> out.round(6)
    array([[-1.,  7.],
           [ 1.,  7.]])
    """
    require_channels(x, gain=gain, bias=bias)
    _require_batch(x)
    normed, cache = normalise_forward(x, _others(x), epsilon)  # (m, C, ...)
    out = normed * per_channel(gain, x) + per_channel(bias, x)  # (m, C, ...)
    return out, (cache, gain)


def batch_norm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute dx (m, C, ...), dgain (C,) and dbias (C,) from dout (m, C, ...)."""
    normalise_cache, gain = cache
    normed, _, others = normalise_cache
    dbias = dout.sum(axis=others)  # (C,); forward: + bias, broadcast over all but the channels
    dgain = (dout * normed).sum(axis=others)  # (C,); forward: normed * gain, broadcast likewise
    dnormed = dout * per_channel(gain, dout)  # (m, C, ...); forward: normed * gain
    dx = normalise_backward(dnormed, normalise_cache)  # (m, C, ...); forward: normalise(x)
    return dx, dgain, dbias


def batch_norm_evaluate_forward(
    x: Array, gain: Array, bias: Array, running: Statistics, epsilon: float = 1e-5
) -> tuple[Array, Cache]:
    """Normalise each channel by the running statistics: the form of evaluation.

    They are constants, so that the samples do not depend on each other. Shapes as in
    `batch_norm_forward`; the cache is (normed, inverse_std, gain).

    Examples
    --------
    >>> running = Statistics(np.array([1.0]), np.array([4.0]))
    >>> x = np.array([[5.0]])
    >>> out, cache = batch_norm_evaluate_forward(x, np.ones(1), np.zeros(1), running, 0.0)
    >>> out
    array([[2.]])
    """
    require_channels(x, gain=gain, bias=bias, mean=running.mean, variance=running.variance)
    if not np.all(running.variance + epsilon > 0):
        raise ValueError(
            f"variance={running.variance} with epsilon={epsilon}, but their sum must be positive "
            "in every channel; a variance is at least 0, so use epsilon=1e-5"
        )
    inverse_std = per_channel(1 / np.sqrt(running.variance + epsilon), x)  # (C, 1, ...)
    normed = (x - per_channel(running.mean, x)) * inverse_std  # (m, C, ...)
    out = normed * per_channel(gain, x) + per_channel(bias, x)  # (m, C, ...)
    return out, (normed, inverse_std, gain)


def batch_norm_evaluate_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute dx (m, C, ...), dgain (C,) and dbias (C,); the running statistics get none."""
    normed, inverse_std, gain = cache
    others = _others(dout)
    dbias = dout.sum(axis=others)  # (C,); forward: + bias, broadcast over all but the channels
    dgain = (dout * normed).sum(axis=others)  # (C,); forward: normed * gain, broadcast likewise
    dnormed = dout * per_channel(gain, dout)  # (m, C, ...); forward: normed * gain
    dx = dnormed * inverse_std  # (m, C, ...); forward: (x - mean) * inverse_std, both constants
    return dx, dgain, dbias


def update_statistics(running: Statistics, x: Array, momentum: float = 0.1) -> Statistics:
    """Return the running statistics after one more batch: (1 - momentum) old + momentum new.

    The variance that is gathered is divided by one less than the count, as in the paper (algorithm
    2, line 10) and in PyTorch, while that of `batch_norm_forward` is not.

    Examples
    --------
    >>> start = Statistics(np.zeros(1), np.ones(1))
    >>> update_statistics(start, np.array([[1.0], [3.0]]), momentum=0.5)
    Statistics(mean=array([1.]), variance=array([1.5]))
    """
    if not 0 <= momentum <= 1:
        raise ValueError(
            f"momentum={momentum}, but it is the share of the new batch and must lie in [0, 1]; "
            "use momentum=0.1"
        )
    require_channels(x, mean=running.mean, variance=running.variance)
    _require_batch(x)
    others = _others(x)
    mean = (1 - momentum) * running.mean + momentum * x.mean(axis=others)  # (C,)
    variance = x.var(axis=others, ddof=1)  # (C,)
    return Statistics(mean, (1 - momentum) * running.variance + momentum * variance)


def _require_batch(x: Array) -> None:
    if x.size <= x.shape[1]:
        raise ValueError(
            f"x has shape {x.shape}, one value for each channel, which has no variance; "
            "use a batch of two rows or more, or batch_norm_evaluate_forward"
        )


def _others(x: Array) -> tuple[int, ...]:
    """Return all axes but that of the channels."""
    return (0, *range(2, x.ndim))
