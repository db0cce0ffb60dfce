"""Planted faults of layers of images: average pooling, groups of channels, resizing.

Owns: IMAGE_FAULTS, wrong twins of the layers of the reference itself. Convolution without groups
and pooling of a row stand in `faults/convolution` and `faults/pooling`. Place: beside
`faults/case`, gathered by `faults/__init__`. Letters: B = images, C = channels, F = channels out,
G = groups, H, W = rows and columns.
"""

import numpy as np

from ..arrays import Array, Cache
from ..convolution import conv2d_backward, conv2d_forward
from ..interpolation import bilinear_resize_backward, bilinear_resize_forward
from ..pooling import (
    average_pool2d_backward,
    average_pool2d_forward,
    average_pool2d_inside_backward,
    average_pool2d_inside_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from ..windows import Windows
from .case import Backward, Build, Fault, layer_build, normal, spread

SHAPE = (2, 2, 5, 4)  # (B, C, H, W)
TILES = Windows((2, 2), stride=(2, 2))
OVERLAPPING = Windows((3, 2), stride=(1, 1))
PADDED = Windows((3, 3), stride=(2, 1), padding=(1, 1))
KERNEL = Windows((2, 2), padding=(1, 0))
GROUPS = 2
LARGER = (7, 9)  # (H, W) after resizing
SMALLER = (2, 3)


def _average(wrong: Backward, windows: Windows) -> Build:
    def forward(x: Array) -> tuple[Array, Cache]:
        return average_pool2d_forward(x, windows)

    return layer_build(normal(x=SHAPE), forward, average_pool2d_backward, wrong)


def _average_not_divided(dout: Array, cache: Cache) -> Array:
    divisor, windows, shape = cache
    return average_pool2d_backward(dout, (np.ones_like(divisor), windows, shape))  # right: divisor


def _average_overlap_assigned(dout: Array, cache: Cache) -> Array:
    divisor, windows, shape = cache
    dx = np.zeros(shape)
    (kh, kw), (sh, sw) = windows.size, windows.stride
    for i, j in np.ndindex(dout.shape[2:]):
        rows, columns = slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)
        dx[:, :, rows, columns] = dout[:, :, i, j, None, None] / divisor  # right: +=
    return dx


def _inside_by_size(dout: Array, cache: Cache) -> Array:
    divisor, windows, shape = cache
    whole = np.full_like(divisor, np.prod(windows.size))  # right: what lies in the image
    return average_pool2d_inside_backward(dout, (whole, windows, shape))


def _inside_forward(x: Array) -> tuple[Array, Cache]:
    return average_pool2d_inside_forward(x, PADDED)


def _max_forward(x: Array) -> tuple[Array, Cache]:
    return max_pool2d_forward(x, OVERLAPPING)


def _max_by_columns(dout: Array, cache: Cache) -> Array:
    winner, windows, shape = cache
    kh, kw = windows.size
    by_columns = winner % kh * kw + winner // kh  # right: winner, which counts row by row
    return max_pool2d_backward(dout, (by_columns, windows, shape))


def _max_without_padding(dout: Array, cache: Cache) -> Array:
    winner, windows, (b, c, rows, columns) = cache
    ph, pw = windows.padding
    framed = (
        winner,
        Windows(windows.size, windows.stride),
        (b, c, rows + 2 * ph, columns + 2 * pw),
    )
    return max_pool2d_backward(dout, framed)[:, :, :rows, :columns].copy()  # right: [ph:, pw:]


def _max_padded_forward(x: Array) -> tuple[Array, Cache]:
    return max_pool2d_forward(x, PADDED)


def _grouped_forward(x: Array, kernel: Array, bias: Array) -> tuple[Array, Cache]:
    return conv2d_forward(x, kernel, bias, KERNEL, GROUPS)


def _grouped(wrong: Backward) -> Build:
    draw = normal(x=(2, 4, 4, 4), kernel=(4, 2, 2, 2), bias=(4,))
    return layer_build(draw, _grouped_forward, conv2d_backward, wrong)


def _group_of_neighbour(dout: Array, cache: Cache) -> tuple[Array, ...]:
    cut, weights, windows, shape = cache
    _, dkernel, dbias = conv2d_backward(dout, cache)
    dx, _, _ = conv2d_backward(dout, (cut, weights[::-1], windows, shape))  # right: weights
    return dx, dkernel, dbias


def _group_zero_only(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dkernel, dbias = conv2d_backward(dout, cache)
    first = len(dkernel) // GROUPS
    dkernel[first:] = 0  # as where the return stands inside the loop over groups
    return dx, dkernel, dbias


def _resize(wrong: Backward, shape: tuple[int, int]) -> Build:
    def forward(x: Array) -> tuple[Array, Cache]:
        return bilinear_resize_forward(x, shape)

    return layer_build(normal(x=SHAPE), forward, bilinear_resize_backward, wrong)


def _resize_to_nearest(dout: Array, cache: Cache) -> Array:
    nearest = tuple(
        (weights == weights.max(axis=1, keepdims=True)).astype(float) for weights in cache
    )
    return bilinear_resize_backward(dout, nearest)  # right: cache, the weights themselves


def _resize_between_corners(dout: Array, cache: Cache) -> Array:
    aligned = []
    for weights in cache:
        new, old = weights.shape
        places = np.linspace(0, old - 1, new)  # right: (i + 1/2) old / new - 1/2
        aligned.append(np.maximum(0, 1 - np.abs(places[:, None] - np.arange(old))))
    return bilinear_resize_backward(dout, tuple(aligned))


IMAGE_FAULTS = (
    Fault(
        "average-pool-not-divided",
        "no thread; the divisor in the forward only",
        "scale",
        ("x",),
        "The mean of a window hands its whole gradient to each of its entries.",
        _average(_average_not_divided, TILES),
    ),
    Fault(
        "average-pool-overlap-assigned",
        "no thread; = for += where windows overlap",
        "other",
        ("x",),
        "An entry in several windows gets the gradient of the last, not the sum.",
        _average(_average_overlap_assigned, OVERLAPPING),
        also=("duplicate-index",),
    ),
    Fault(
        "average-pool-inside-by-size",
        "no thread; count_include_pad taken for its opposite",
        "other",
        ("x",),
        "The forward counts what lies in the image, the backward divides by the whole window.",
        layer_build(
            normal(x=SHAPE), _inside_forward, average_pool2d_inside_backward, _inside_by_size
        ),
    ),
    Fault(
        "max-pool-winner-by-columns",
        "no thread; the place of the winner read in the other order",
        "other",
        ("x",),
        "The winner's place in its window is counted row by row and read column by column.",
        layer_build(spread(x=SHAPE), _max_forward, max_pool2d_backward, _max_by_columns),
        also=("permuted",),
    ),
    Fault(
        "max-pool-frame-not-cropped",
        "no thread; the padded gradient cut at its far end only",
        "off-by-one",
        ("x",),
        "The gradient of the padded image is cut to size at its end, so that all of it is shifted.",
        layer_build(
            spread(x=SHAPE), _max_padded_forward, max_pool2d_backward, _max_without_padding
        ),
        also=("other",),
    ),
    Fault(
        "convolution-group-of-neighbour",
        "no thread; the groups walked in another order",
        "other",
        ("x",),
        "Each group of channels gets its gradient through the kernel of the other group.",
        _grouped(_group_of_neighbour),
        also=("permuted",),
    ),
    Fault(
        "convolution-first-group-only",
        "no thread; the return stands inside the loop over groups",
        "detached",
        ("kernel",),
        "Only the first group of the kernel gets a gradient.",
        _grouped(_group_zero_only),
    ),
    Fault(
        "resize-to-nearest",
        "no thread; the backward of one resizing under the forward of the other",
        "other",
        ("x",),
        "Each new pixel hands all of its gradient to the nearest old one, not to four by weight.",
        _resize(_resize_to_nearest, LARGER),
    ),
    Fault(
        "resize-between-corners",
        "no thread; align_corners in the backward only",
        "other",
        ("x",),
        "The forward takes pixels for squares, the backward lays the corner centres on each other.",
        _resize(_resize_between_corners, SMALLER),
    ),
)
"""Faults of layers of images."""
