"""The two-dimensional convolution: a weighted sum of each window of an image.

Owns: conv2d_forward and conv2d_backward. Does not own the windows (see `windows`).
Place: above `windows`. Letters: B = images, C = channels in, F = channels out, G = groups,
H, W = rows and columns, Ho, Wo = those of the result, Kh, Kw = those of the kernel.
"""

import numpy as np

from .arrays import Array, Cache
from .windows import Windows, require_images


def conv2d_forward(
    x: Array, kernel: Array, bias: Array, windows: Windows, groups: int = 1
) -> tuple[Array, Cache]:
    """Compute the sum over each window of entry times kernel, plus a bias for each channel out.

    It is a cross-correlation, as in all neural networks: the kernel is not flipped.
    Source: Dumoulin & Visin (2016), arXiv:1603.07285, chapters 2 and 5.

    Parameters
    ----------
    x : Array
        Shape (B, C, H, W).
    kernel, bias : Array
        Shapes (F, C / G, Kh, Kw) and (F,), of the dtype of x.
    windows : Windows
        Of the size (Kh, Kw); stride, padding with zeros, and dilation.
    groups : int
        G: the channels in and out are split into G parts, and each part sees its own only. Must
        divide C and F; C is the convolution of each channel alone ("depthwise").

    Returns
    -------
    out : Array
        Shape (B, F, Ho, Wo).
    cache : tuple
        (cut, weights, windows, shape of x): what `conv2d_backward` needs.

    Raises
    ------
    ValueError
        Where shapes, groups or the size of the window do not fit together.

    Examples
    --------
    >>> x, kernel = np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2))
    >>> out, cache = conv2d_forward(x, kernel, np.zeros(1), Windows((2, 2)))
    >>> out[0, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    _require_fit(x, kernel, bias, windows, groups)
    b, c, rows, columns = x.shape
    ho, wo = windows.count(rows, columns)
    kh, kw = windows.size
    cut = windows.cut(windows.pad(x))  # (B, C, Ho, Wo, Kh, Kw)
    cut = cut.reshape(b, groups, c // groups, ho, wo, kh, kw)  # (B, G, C / G, Ho, Wo, Kh, Kw)
    weights = kernel.reshape(groups, -1, c // groups, kh, kw)  # (G, F / G, C / G, Kh, Kw)
    out = np.einsum("bgchwij,gfcij->bgfhw", cut, weights, optimize=True)  # (B, G, F / G, Ho, Wo)
    out = out.reshape(b, -1, ho, wo) + bias[:, None, None]  # (B, F, Ho, Wo); bias over B, Ho, Wo
    return out, (cut, weights, windows, x.shape)


def conv2d_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute dx, dkernel and dbias, each of the shape of its own, from dout (B, F, Ho, Wo)."""
    cut, weights, windows, (b, c, rows, columns) = cache
    groups, f, c_of_group, kh, kw = weights.shape
    ho, wo = dout.shape[2:]
    dbias = dout.sum(axis=(0, 2, 3))  # (F,); forward: + bias, broadcast over B, Ho and Wo
    dout = dout.reshape(b, groups, f, ho, wo)  # (B, G, F / G, Ho, Wo)
    # forward: out = einsum("bgchwij,gfcij->bgfhw", cut, weights)
    dweights = np.einsum("bgfhw,bgchwij->gfcij", dout, cut, optimize=True)
    dcut = np.einsum("bgfhw,gfcij->bgchwij", dout, weights, optimize=True)
    dkernel = dweights.reshape(groups * f, c_of_group, kh, kw)  # forward: weights = kernel.reshape
    dcut = dcut.reshape(b, c, ho, wo, kh, kw)  # forward: cut.reshape(b, groups, ...)
    dx = windows.put_back(dcut, rows, columns)  # forward: cut = windows.cut(windows.pad(x))
    return dx, dkernel, dbias


def _require_fit(x: Array, kernel: Array, bias: Array, windows: Windows, groups: int) -> None:
    require_images(x)
    if np.ndim(kernel) != 4 or kernel.shape[2:] != windows.size:
        raise ValueError(
            f"kernel has shape {np.shape(kernel)}, but windows.size={windows.size} needs "
            f"(F, C / groups, {windows.size[0]}, {windows.size[1]})"
        )
    f, c = len(kernel), x.shape[1]
    if groups < 1 or c % groups or f % groups:
        raise ValueError(
            f"groups={groups}, but it must divide the {c} channels in and the {f} channels out; "
            "use groups=1 for a plain convolution"
        )
    if kernel.shape[1] != c // groups:
        raise ValueError(
            f"kernel has shape {kernel.shape}, but x has {c} channels in {groups} groups, so that "
            f"its second axis must have {c // groups} entries"
        )
    if np.shape(bias) != (f,):
        raise ValueError(
            f"bias has shape {np.shape(bias)}, but the kernel has {f} channels out; "
            f"use np.zeros({f}) for none"
        )
