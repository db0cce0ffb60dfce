"""Normalisation of each sample by itself: layer norm, group norm, RMS norm.

Owns: the three layers, and `normalise_forward` and `normalise_backward`, which they share with
`batch_norm`. Does not own batch norm, where samples meet. Place: a leaf under `batch_norm`.
Letters: m = samples, n = features, C = channels, G = groups, epsilon = what keeps a root from 0.
Variances are divided by the number of entries, not by one less. No |x|^2: analytic for complex x.
"""

import numpy as np

from .arrays import Array, Cache

Axes = tuple[int, ...]


def normalise_forward(x: Array, axes: Axes, epsilon: float) -> tuple[Array, Cache]:
    """Subtract the mean over these axes and divide by the root of variance + epsilon.

    The result has the shape of x; the cache is (normed, inverse_std, axes), where inverse_std has
    length 1 along the axes. Constant entries give 0, and for epsilon = 0 a division by zero.
    """
    _require_epsilon(epsilon)
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = (centred * centred).mean(axis=axes, keepdims=True)
    inverse_std = 1 / np.sqrt(variance + epsilon)
    normed = centred * inverse_std
    return normed, (normed, inverse_std, axes)


def normalise_backward(dout: Array, cache: Cache) -> Array:
    """Compute dx from dout, both of the shape of x.

    What dout has along the constants and along the result itself is taken out: normalising
    removes exactly these two directions.
    """
    normed, inverse_std, axes = cache
    # forward: inverse_std = 1 / sqrt(mean(centred^2) + epsilon), which depends on every entry
    along_normed = (dout * normed).mean(axis=axes, keepdims=True)
    dcentred = inverse_std * (dout - normed * along_normed)  # forward: centred * inverse_std
    dx: Array = dcentred - dcentred.mean(axis=axes, keepdims=True)  # forward: x - mean(x)
    return dx


def layer_norm_forward(
    x: Array, gain: Array, bias: Array, epsilon: float = 1e-5
) -> tuple[Array, Cache]:
    """Normalise each sample over its features, then scale and shift each feature.

    Source: Ba, Kiros & Hinton (2016), arXiv:1607.06450, equation 4.

    Parameters
    ----------
    x : Array
        Shape (..., n).
    gain, bias : Array
        Shape (n,), or ValueError.

    Returns
    -------
    out : Array
        Shape (..., n).
    cache : tuple
        (cache of `normalise_forward`, gain).

    Examples
    --------
    >>> out, cache = layer_norm_forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), 0.0)
    >>> out
    array([[-1.,  1.]])
    """
    _require_features(gain=gain, bias=bias, n=x.shape[-1])
    normed, cache = normalise_forward(x, (-1,), epsilon)  # (..., n)
    out = normed * gain + bias  # (..., n); gain and bias are broadcast over the samples
    return out, (cache, gain)


def layer_norm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute dx (..., n), dgain (n,) and dbias (n,) from dout (..., n)."""
    normalise_cache, gain = cache
    normed, _, _ = normalise_cache
    samples = tuple(range(dout.ndim - 1))
    dbias = dout.sum(axis=samples)  # (n,); forward: + bias, broadcast over the samples
    dgain = (dout * normed).sum(axis=samples)  # (n,); forward: normed * gain, broadcast likewise
    dx = normalise_backward(dout * gain, normalise_cache)  # (..., n); forward: normalise(x)
    return dx, dgain, dbias


def rms_norm_forward(x: Array, gain: Array, epsilon: float = 1e-5) -> tuple[Array, Cache]:
    """Divide each sample by the root of its mean square, then scale each feature; no mean, no bias.

    x has shape (..., n), gain (n,), or ValueError; the cache is (normed, inverse_root, gain).
    Source: Zhang & Sennrich (2019), arXiv:1910.07467, equation 4.

    Examples
    --------
    >>> out, cache = rms_norm_forward(np.array([[3.0, 3.0]]), np.array([1.0, 2.0]), 0.0)
    >>> out
    array([[1., 2.]])
    """
    _require_epsilon(epsilon)
    _require_features(gain=gain, n=x.shape[-1])
    inverse_root = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon)  # (..., 1)
    normed = x * inverse_root  # (..., n)
    return normed * gain, (normed, inverse_root, gain)


def rms_norm_backward(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """Compute dx (..., n) and dgain (n,) from dout (..., n)."""
    normed, inverse_root, gain = cache
    dgain = (dout * normed).sum(axis=tuple(range(dout.ndim - 1)))  # (n,); forward: normed * gain
    dnormed = dout * gain  # (..., n); forward: normed * gain
    # forward: inverse_root = 1 / sqrt(mean(x^2) + epsilon), which depends on every entry
    along_normed = (dnormed * normed).mean(axis=-1, keepdims=True)  # (..., 1)
    dx = inverse_root * (dnormed - normed * along_normed)  # (..., n); forward: x * inverse_root
    return dx, dgain


def group_norm_forward(
    x: Array, gain: Array, bias: Array, groups: int, epsilon: float = 1e-5
) -> tuple[Array, Cache]:
    """Normalise each group of channels of each sample, then scale and shift each channel.

    One group is layer norm over all of the sample, as many as channels is instance norm.
    Source: Wu & He (2018), arXiv:1803.08494, equation 7.

    Parameters
    ----------
    x : Array
        Shape (m, C, ...), for example images (m, C, H, W).
    gain, bias : Array
        Shape (C,).
    groups : int
        G, which must divide C; neighbouring channels are a group.

    Returns
    -------
    out : Array
        Shape (m, C, ...).
    cache : tuple
        (cache of `normalise_forward`, normed (m, C, ...), gain).

    Examples
    --------
    >>> x = np.array([[1.0, 3.0, 10.0, 30.0]])
    >>> out, cache = group_norm_forward(x, np.ones(4), np.zeros(4), groups=2, epsilon=0.0)
    >>> out
    array([[-1.,  1., -1.,  1.]])
    """
    require_channels(x, gain=gain, bias=bias)
    c = x.shape[1]
    if groups < 1 or c % groups:
        raise ValueError(f"groups={groups}, but it must divide the {c} channels; use groups=1")
    grouped, cache = normalise_forward(x.reshape(len(x), groups, -1), (-1,), epsilon)  # (m, G, -1)
    normed = grouped.reshape(x.shape)  # (m, C, ...)
    out = normed * per_channel(gain, x) + per_channel(bias, x)  # (m, C, ...)
    return out, (cache, normed, gain)


def group_norm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute dx (m, C, ...), dgain (C,) and dbias (C,) from dout (m, C, ...)."""
    normalise_cache, normed, gain = cache
    grouped, _, _ = normalise_cache
    others = (0, *range(2, dout.ndim))  # all axes but that of the channels
    dbias = dout.sum(axis=others)  # (C,); forward: + bias, broadcast over the others
    dgain = (dout * normed).sum(axis=others)  # (C,); forward: normed * gain, broadcast likewise
    dnormed = dout * per_channel(gain, dout)  # (m, C, ...); forward: normed * gain
    dgrouped = dnormed.reshape(grouped.shape)  # (m, G, -1); forward: grouped.reshape(x.shape)
    dx = normalise_backward(dgrouped, normalise_cache).reshape(dout.shape)  # forward: normalise(x)
    return dx, dgain, dbias


def per_channel(values: Array, x: Array) -> Array:
    """Return values (C,) as (C, 1, ...), to be broadcast over x (m, C, ...)."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def require_channels(x: Array, **values: Array) -> None:
    """Raise ValueError unless x is (m, C, ...) and each of the values (C,)."""
    if np.ndim(x) < 2:
        raise ValueError(f"x has shape {np.shape(x)}, but it must be (m, C, ...)")
    _require_features(n=x.shape[1], **values)


def _require_epsilon(epsilon: float) -> None:
    if not epsilon >= 0:
        raise ValueError(f"epsilon={epsilon}, but it must be at least 0; use epsilon=1e-5")


def _require_features(n: int, **values: Array) -> None:
    for name, value in values.items():
        if np.shape(value) != (n,):
            raise ValueError(
                f"{name} has shape {np.shape(value)}, but x has {n} features or channels, so that "
                f"it must be ({n},)"
            )
