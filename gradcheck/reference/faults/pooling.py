"""Planted faults of pooling, padding and resizing.

Owns: POOLING_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: B = rows, n = places of a row, K = width of a window.
All is along one axis: a second one changes nothing about the faults.
"""

import numpy as np

from ..arrays import Array, Cache
from .case import Backward, Build, Fault, layer_build, normal, spread

K = 3
SHAPE = (4, 9)  # (B, n)
FRAME = 2  # places that are mirrored at either end


def _starts(stride: int) -> Array:
    return np.arange(0, SHAPE[1] - K + 1, stride)


def _max_forward(x: Array, stride: int) -> tuple[Array, Cache]:
    windows = _starts(stride)[:, None] + np.arange(K)  # (n_out, K), indexes of places
    winners = np.argmax(x[:, windows].real, axis=2) + _starts(stride)  # (B, n_out)
    return np.take_along_axis(x, winners, axis=1), (x.shape, winners)


def _max_backward(dout: Array, cache: Cache) -> Array:
    shape, winners = cache
    dx = np.zeros(shape)
    np.add.at(dx, (np.arange(shape[0])[:, None], winners), dout)  # windows overlap
    return dx


def _max_assigned(dout: Array, cache: Cache) -> Array:
    shape, winners = cache
    dx = np.zeros(shape)
    np.put_along_axis(dx, winners, dout, axis=1)  # right: np.add.at
    return dx


def _max_first_window(dout: Array, cache: Cache) -> Array:
    shape, winners = cache
    dx = np.zeros(shape)
    for k in range(dout.shape[1]):
        np.add.at(dx, (np.arange(shape[0]), winners[:, k]), dout[:, k])
        return dx  # right: after the loop
    return dx


def _max_as_mean(dout: Array, cache: Cache) -> Array:
    shape, _ = cache
    dx = np.zeros(shape)
    for k in range(dout.shape[1]):  # right: all of it to the winner
        dx[:, K * k : K * k + K] += dout[:, k : k + 1] / K
    return dx


def _max_of_local_index(dout: Array, cache: Cache) -> Array:
    shape, winners = cache
    dx = np.zeros(shape)
    local = winners - _starts(K)  # right: winners, which count from the start of the row
    np.add.at(dx, (np.arange(shape[0])[:, None], local), dout)
    return dx


def _max_pooling(wrong: Backward, stride: int) -> Build:
    def forward(x: Array) -> tuple[Array, Cache]:
        return _max_forward(x, stride)

    return layer_build(spread(x=SHAPE), forward, _max_backward, wrong)


def _mean_forward(x: Array) -> tuple[Array, Cache]:
    sums = _overlap(x.shape[1])
    return x @ (sums / sums.sum(axis=0)), x.shape  # (B, n), by the number of places inside


def _mean_backward(dout: Array, cache: Cache) -> Array:
    sums = _overlap(cache[1])
    dx: Array = dout @ (sums / sums.sum(axis=0)).T
    return dx


def _mean_by_width(dout: Array, cache: Cache) -> Array:
    dx: Array = dout @ _overlap(cache[1]).T / K  # right: at the ends, by the places inside
    return dx


def _overlap(n: int) -> Array:
    """Return (n, n), 1 where a place lies in the window of width K around another."""
    places = np.arange(n)
    near: Array = np.abs(places[:, None] - places[None, :]) <= K // 2
    return near.astype(float)


def _mirror_forward(x: Array) -> tuple[Array, Cache]:
    places = np.pad(np.arange(x.shape[1]), FRAME, mode="reflect")
    return x[:, places], (x.shape, places)  # (B, n + 2 FRAME)


def _mirror_backward(dout: Array, cache: Cache) -> Array:
    shape, places = cache
    dx = np.zeros(shape)
    np.add.at(dx.T, places, dout.T)  # the places in the frame are those of entries inside
    return dx


def _mirror_cropped(dout: Array, cache: Cache) -> Array:
    return dout[:, FRAME:-FRAME].copy()  # right: and what stands in the frame


def _upsample_forward(x: Array) -> tuple[Array, Cache]:
    return np.repeat(x, 2, axis=1), x.shape  # (B, 2 n)


def _upsample_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = dout.reshape(*cache, 2).sum(axis=2)
    return dx


def _upsample_first_copy(dout: Array, cache: Cache) -> Array:
    return dout[:, ::2].copy()  # right: the sum of both copies


def _upsample_as_tile(dout: Array, cache: Cache) -> Array:
    b, n = cache
    dx: Array = dout.reshape(b, 2, n).sum(axis=1)  # right: (b, n, 2), the copies are neighbours
    return dx


_MIRROR = normal(x=(4, 6)), _mirror_forward, _mirror_backward
_UPSAMPLE = normal(x=(4, 6)), _upsample_forward, _upsample_backward

POOLING_FAULTS = (
    Fault(
        "max-pool-overlap-assigned",
        "NNlib.jl#205, ocannl#512",
        "duplicate-index",
        ("x",),
        "A place that wins two overlapping windows gets the gradient of the last, not the sum.",
        _max_pooling(_max_assigned, 1),
        also=("other",),
    ),
    Fault(
        "max-pool-first-window-only",
        "CNN-from-scratch#1",
        "detached",
        ("x",),
        "The return stands inside the loop, so that only the first window gets its gradient.",
        _max_pooling(_max_first_window, K),
    ),
    Fault(
        "max-pool-as-mean-pool",
        "no thread; the backward of one pooling under the forward of the other",
        "other",
        ("x",),
        "The gradient of each maximum is spread over its whole window.",
        _max_pooling(_max_as_mean, K),
    ),
    Fault(
        "max-pool-index-within-window",
        "chainer/chainer#2062, where the offset is added twice",
        "other",
        ("x",),
        "The winner's index counts from the start of its window, not of the row.",
        _max_pooling(_max_of_local_index, K),
        also=("permuted",),
    ),
    Fault(
        "mean-pool-divisor-at-the-ends",
        "tracel-ai/burn#5604, pytorch/pytorch#198119",
        "other",
        ("x",),
        "The forward divides by the places inside the row, the backward by the window's width.",
        layer_build(normal(x=SHAPE), _mean_forward, _mean_backward, _mean_by_width),
    ),
    Fault(
        "mirrored-frame-cropped",
        "no thread; the gradient of a mirrored frame cut off with it",
        "other",
        ("x",),
        "What stands in the mirrored frame gives no gradient back.",
        layer_build(*_MIRROR, _mirror_cropped),
    ),
    Fault(
        "upsampled-first-copy-only",
        "no thread; the adjoint of a copy is a sum",
        "other",
        ("x",),
        "Each entry was copied twice, but only the first copy gives its gradient back.",
        layer_build(*_UPSAMPLE, _upsample_first_copy),
    ),
    Fault(
        "repeat-summed-as-tile",
        "no thread; repeat and tile order their copies differently",
        "wrong-axis",
        ("x",),
        "The entries were repeated one by one, but are summed as if the row had been tiled.",
        layer_build(*_UPSAMPLE, _upsample_as_tile),
        also=("other",),
    ),
)
"""Faults of pooling."""
