"""Planted faults of convolution.

Owns: CONVOLUTION_FAULTS, with the small right layers that they imitate. Pooling stands in
`faults/pooling`. Place: beside `faults/case`, gathered by `faults/__init__`.
Letters: B = images, C = channels in, F = channels out, H, W = rows and columns, K = kernel size.
"""

from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Cache
from .case import Backward, Build, Draw, Fault, layer_build, normal

K = 3


@dataclass(frozen=True)
class Grid:
    """Where the windows of a convolution lie."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def windows(self, padded: Array, i: int, j: int) -> Array:
        """Return a view of what kernel entry (i, j) meets: (B, C, H_out, W_out)."""
        reach = self.dilation * (K - 1)
        rows, columns = padded.shape[2] - reach, padded.shape[3] - reach
        top, left = self.dilation * i, self.dilation * j
        return padded[:, :, top : top + rows : self.stride, left : left + columns : self.stride]

    def pad(self, x: Array) -> Array:
        """Return x in a frame of zeros."""
        p = self.padding
        return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))

    def crop(self, padded: Array) -> Array:
        """Return what is inside of the frame."""
        rows, columns = padded.shape[2] - self.padding, padded.shape[3] - self.padding
        return padded[:, :, self.padding : rows, self.padding : columns]


def _forward(x: Array, kernel: Array, bias: Array, grid: Grid) -> tuple[Array, Cache]:
    padded = grid.pad(x)
    out = bias[:, None, None] + sum(
        np.einsum("bchw,fc->bfhw", grid.windows(padded, i, j), kernel[:, :, i, j])
        for i in range(K)
        for j in range(K)
    )
    return out, (padded, kernel, grid)  # (B, F, H_out, W_out)


def _backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    padded, kernel, grid = cache
    dpadded, dkernel = np.zeros_like(padded), np.zeros_like(kernel)
    for i in range(K):
        for j in range(K):  # forward: out += windows(i, j) * kernel[i, j]
            window = grid.windows(padded, i, j)
            dkernel[:, :, i, j] = np.einsum("bfhw,bchw->fc", dout, window)
            grid.windows(dpadded, i, j)[...] += np.einsum("bfhw,fc->bchw", dout, kernel[:, :, i, j])
    return grid.crop(dpadded).copy(), dkernel, dout.sum(axis=(0, 2, 3))


def _convolution(wrong: Backward, grid: Grid, draw: Draw) -> Build:
    def forward(x: Array, kernel: Array, bias: Array) -> tuple[Array, Cache]:
        return _forward(x, kernel, bias, grid)

    return layer_build(draw, forward, _backward, wrong)


GENERAL = normal(x=(2, 2, 5, 5), kernel=(2, 2, K, K), bias=(2,))
ROUND = normal(x=(2, 2, 5, 4), kernel=(2, 2, K, K), bias=(2,))  # W_out = F = 2
PLAIN, PADDED, STRIDED, DILATED = Grid(), Grid(padding=1), Grid(stride=2), Grid(dilation=2)
WIDE = Grid(stride=2, padding=1)


def _input_without_stride(dout: Array, cache: Cache) -> tuple[Array, ...]:
    padded, kernel, grid = cache
    _, dkernel, dbias = _backward(dout, cache)
    dx = np.zeros_like(padded)
    rows, columns = dout.shape[2:]
    for i in range(K):
        for j in range(K):  # right: [i : i + ... : stride]
            part = np.einsum("bfhw,fc->bchw", dout, kernel[:, :, i, j])
            dx[:, :, i : i + rows, j : j + columns] += part
    return grid.crop(dx).copy(), dkernel, dbias


def _kernel_without_stride(dout: Array, cache: Cache) -> tuple[Array, ...]:
    padded, _, _ = cache
    dx, dkernel, dbias = _backward(dout, cache)
    rows, columns = dout.shape[2:]
    for i in range(K):
        for j in range(K):  # right: [i : i + ... : stride]
            window = padded[:, :, i : i + rows, j : j + columns]
            dkernel[:, :, i, j] = np.einsum("bfhw,bchw->fc", dout, window)
    return dx, dkernel, dbias


def _kernel_flipped(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dkernel, dbias = _backward(dout, cache)
    return dx, dkernel[:, :, ::-1, ::-1].copy(), dbias  # right: dkernel


def _input_by_unflipped_kernel(dout: Array, cache: Cache) -> tuple[Array, ...]:
    padded, kernel, grid = cache
    _, dkernel, dbias = _backward(dout, cache)
    # right: kernel; a correlation with the kernel as it stands instead of a full convolution
    dx, _, _ = _backward(dout, (padded, kernel[:, :, ::-1, ::-1], grid))
    return dx, dkernel, dbias


def _crop_off_by_one(dout: Array, cache: Cache) -> tuple[Array, ...]:
    padded, kernel, grid = cache
    _, dkernel, dbias = _backward(dout, cache)
    framed, _, _ = _backward(dout, (padded, kernel, PLAIN))
    p = grid.padding - 1  # right: grid.padding
    rows, columns = padded.shape[2] - 2, padded.shape[3] - 2
    return framed[:, :, p : p + rows, p : p + columns].copy(), dkernel, dbias


def _kernel_averaged(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dkernel, dbias = _backward(dout, cache)
    b, _, rows, columns = dout.shape
    return dx, dkernel / (b * rows * columns), dbias  # right: dkernel


def _kernel_dilation_ignored(dout: Array, cache: Cache) -> tuple[Array, ...]:
    padded, _, _ = cache
    dx, dkernel, dbias = _backward(dout, cache)
    rows, columns = dout.shape[2:]
    for i in range(K):
        for j in range(K):  # right: 2 * i and 2 * j
            window = padded[:, :, i : i + rows, j : j + columns]
            dkernel[:, :, i, j] = np.einsum("bfhw,bchw->fc", dout, window)
    return dx, dkernel, dbias


def _bias_over_wrong_axes(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dkernel, _ = _backward(dout, cache)
    return dx, dkernel, dout.sum(axis=(0, 1, 2))  # right: axis=(0, 2, 3)


def _bias_not_over_batch(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dkernel, _ = _backward(dout, cache)
    return dx, dkernel, dout.sum(axis=(2, 3))  # right: axis=(0, 2, 3)


def _channels_swapped(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dkernel, dbias = _backward(dout, cache)
    return dx, np.swapaxes(dkernel, 0, 1).copy(), dbias  # right: (F, C), not (C, F)


def _circular_forward(x: Array, kernel: Array) -> tuple[Array, Cache]:
    n = len(x)
    shifts = (np.arange(n)[:, None] - np.arange(n)[None, :]) % n  # (n, n)
    return kernel[shifts] @ x, (x, kernel, shifts)


def _circular_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, kernel, shifts = cache
    return kernel[shifts].T @ dout, x[shifts].T @ dout  # the same shifts: the product commutes


def _circular_without_conjugate(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, kernel, _ = cache
    _, dkernel = _circular_backward(dout, cache)
    dx = np.fft.ifft(np.fft.fft(dout) * np.fft.fft(kernel)).real  # right: its conjugate
    return dx, dkernel


CONVOLUTION_FAULTS = (
    Fault(
        "convolution-input-without-stride",
        "Kulbear/deep-learning-coursera#34",
        "other",
        ("x",),
        "The stride is ignored where the gradient is spread over the input.",
        _convolution(_input_without_stride, STRIDED, GENERAL),
    ),
    Fault(
        "convolution-kernel-without-stride",
        "enggen#7",
        "other",
        ("kernel",),
        "The stride is ignored where the windows of the kernel's gradient are cut out.",
        _convolution(_kernel_without_stride, WIDE, GENERAL),
    ),
    Fault(
        "convolution-kernel-flipped",
        "no thread; convolution and correlation mixed up",
        "permuted",
        ("kernel",),
        "The kernel's gradient is flipped, as for a true convolution.",
        _convolution(_kernel_flipped, PLAIN, GENERAL),
    ),
    Fault(
        "convolution-input-by-unflipped-kernel",
        "no thread; convolution and correlation mixed up",
        "other",
        ("x",),
        "The upstream gradient is correlated with the kernel instead of convolved.",
        _convolution(_input_by_unflipped_kernel, PLAIN, GENERAL),
    ),
    Fault(
        "convolution-crop-off-by-one",
        "no thread; the frame of zeros cut off one place too early",
        "off-by-one",
        ("x",),
        "The input's gradient is cut out of its frame one row and one column too early.",
        _convolution(_crop_off_by_one, PADDED, GENERAL),
        also=("permuted",),
    ),
    Fault(
        "convolution-kernel-averaged",
        "sebgao/cTensor#3",
        "scale",
        ("kernel",),
        "The kernel's gradient is divided by the number of windows.",
        _convolution(_kernel_averaged, PLAIN, GENERAL),
    ),
    Fault(
        "convolution-dilation-ignored",
        "no thread; the stride of Kulbear/deep-learning-coursera#34, for a dilated kernel",
        "other",
        ("kernel",),
        "The kernel is dilated in the forward, but not in its gradient.",
        _convolution(
            _kernel_dilation_ignored,
            DILATED,
            normal(x=(2, 2, 6, 6), kernel=(2, 2, K, K), bias=(2,)),
        ),
    ),
    Fault(
        "convolution-bias-over-wrong-axes",
        "AiDotNet.Tensors#234",
        "wrong-axis",
        ("bias",),
        "The bias gradient is summed over the channels and left over the columns.",
        _convolution(_bias_over_wrong_axes, PLAIN, ROUND),
    ),
    Fault(
        "convolution-bias-not-over-batch",
        "AiDotNet.Tensors#234",
        "missing-reduction",
        ("bias",),
        "The bias gradient is summed over the image, but not over the batch.",
        _convolution(_bias_not_over_batch, PLAIN, GENERAL),
    ),
    Fault(
        "convolution-channels-swapped",
        "no thread; (F, C) and (C, F) are equal in shape for as many channels out as in",
        "transpose",
        ("kernel",),
        "The kernel's gradient has its channels in and out in the wrong order.",
        _convolution(_channels_swapped, PLAIN, GENERAL),
    ),
    Fault(
        "circular-convolution-without-conjugate",
        "no thread; the adjoint of a product of Fourier transforms",
        "other",
        ("x",),
        "The transform of the kernel is not conjugated in the gradient.",
        layer_build(
            normal(x=(7,), kernel=(7,)),
            _circular_forward,
            _circular_backward,
            _circular_without_conjugate,
        ),
    ),
)
"""Faults of convolution."""
