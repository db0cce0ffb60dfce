"""Planted faults of order and layout: slices, shifts, sorts, reshapes, sums over some axes.

Owns: LAYOUT_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: m = rows, n = columns.
"""

import numpy as np

from ..arrays import Array, Cache
from .case import Fault, layer_build, normal, spread

N = 4
SHIFT = 1
ORDER = (1, 2, 0)  # of axes; not its own inverse


def _cumsum_forward(x: Array) -> tuple[Array, Cache]:
    return np.cumsum(x, axis=1), None  # (m, n)


def _cumsum_backward(dout: Array, cache: Cache) -> Array:
    del cache
    dx: Array = np.cumsum(dout[:, ::-1], axis=1)[:, ::-1].copy()
    return dx


def _cumsum_forwards(dout: Array, cache: Cache) -> Array:
    del cache
    dx: Array = np.cumsum(dout, axis=1)  # right: from the end
    return dx


def _cumsum_exclusive(dout: Array, cache: Cache) -> Array:
    dx: Array = _cumsum_backward(dout, cache) - dout  # right: dout itself is in the sum
    return dx


def _cumprod_forward(x: Array) -> tuple[Array, Cache]:
    out = np.cumprod(x, axis=1)  # (m, n)
    return out, (x, out)


def _cumprod_backward(dout: Array, cache: Cache) -> Array:
    x, _ = cache
    dx = np.empty_like(dout)
    for j in range(x.shape[1]):
        others = x.copy()
        others[:, j] = 1
        dx[:, j] = np.sum((dout * np.cumprod(others, axis=1))[:, j:], axis=1)
    return dx


def _cumprod_by_division(dout: Array, cache: Cache) -> Array:
    x, out = cache
    with np.errstate(invalid="ignore"):  # 0 / 0 is the fault
        dx: Array = np.cumsum((dout * out)[:, ::-1], axis=1)[:, ::-1] / x
        return dx


def _roll_forward(x: Array) -> tuple[Array, Cache]:
    return np.sin(np.roll(x, SHIFT, axis=1)), np.cos(np.roll(x, SHIFT, axis=1))


def _roll_backward(dout: Array, cache: Cache) -> Array:
    return np.roll(dout * cache, -SHIFT, axis=1)


def _roll_onwards(dout: Array, cache: Cache) -> Array:
    return np.roll(dout * cache, SHIFT, axis=1)  # right: -SHIFT


def _sort_forward(x: Array) -> tuple[Array, Cache]:
    order = np.argsort(x.real)
    return x[order], order  # (n,)


def _sort_backward(dout: Array, cache: Cache) -> Array:
    dx = np.empty_like(dout)
    dx[cache] = dout  # forward: x[order]
    return dx


def _sort_again(dout: Array, cache: Cache) -> Array:
    dx: Array = dout[cache]  # right: dx[order] = dout, the inverse permutation
    return dx


def _slice_forward(x: Array) -> tuple[Array, Cache]:
    return x[1:-1] ** 2, x  # (n - 2,)


def _slice_backward(dout: Array, cache: Cache) -> Array:
    dx = np.zeros(len(cache))
    dx[1:-1] = 2 * dout * cache[1:-1]
    return dx


def _slice_early(dout: Array, cache: Cache) -> Array:
    dx = np.zeros(len(cache))
    dx[:-2] = 2 * dout * cache[1:-1]  # right: dx[1:-1]
    return dx


def _steps_forward(x: Array) -> tuple[Array, Cache]:
    return x[1:] - x[:-1], None  # (n - 1,)


def _steps_backward(dout: Array, cache: Cache) -> Array:
    del cache
    return -np.diff(dout, prepend=0.0, append=0.0)


def _steps_without_ends(dout: Array, cache: Cache) -> Array:
    del cache
    dx = np.zeros(len(dout) + 1)
    dx[1:-1] = -np.diff(dout)  # right: the ends have one neighbour each
    return dx


def _join_forward(a: Array, b: Array) -> tuple[Array, Cache]:
    return np.concatenate([a, b], axis=-1), (a, b)  # (n, 2 n)


def _join_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    del cache
    return dout[:, :N].copy(), dout[:, N:].copy()


def _join_swapped(dout: Array, cache: Cache) -> tuple[Array, ...]:
    del cache
    return dout[:, N:].copy(), dout[:, :N].copy()  # right: a comes first


def _join_by_rows(dout: Array, cache: Cache) -> tuple[Array, ...]:
    del cache
    parts = dout.reshape(2 * N, N)  # as if the join had been along the first axis
    return parts[:N].copy(), parts[N:].copy()  # right: dout[:, :N] and dout[:, N:]


def _turn_forward(x: Array) -> tuple[Array, Cache]:
    return np.transpose(x, ORDER) ** 2, x


def _turn_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = 2 * cache * np.transpose(dout, np.argsort(ORDER))
    return dx


def _turn_again(dout: Array, cache: Cache) -> Array:
    dx: Array = 2 * cache * np.transpose(dout, ORDER)  # right: the inverse order of axes
    return dx


def _flatten_forward(x: Array) -> tuple[Array, Cache]:
    return x.ravel(), x.shape  # (m n,)


def _flatten_backward(dout: Array, cache: Cache) -> Array:
    return dout.reshape(cache).copy()


def _flatten_by_columns(dout: Array, cache: Cache) -> Array:
    return dout.reshape(cache, order="F").copy()  # right: order="C", as in the forward


def _heads_forward(x: Array) -> tuple[Array, Cache]:
    h, t, d = x.shape
    return np.transpose(x, (1, 0, 2)).reshape(t, h * d), x.shape  # (t, h d), heads side by side


def _heads_backward(dout: Array, cache: Cache) -> Array:
    h, t, d = cache
    return np.transpose(dout.reshape(t, h, d), (1, 0, 2)).copy()


def _heads_reshaped(dout: Array, cache: Cache) -> Array:
    return dout.reshape(cache).copy()  # right: reshape to (t, h, d) and transpose


def _total_forward(x: Array) -> tuple[Array, Cache]:
    return np.sum(x * x, axis=(1, 2)), x  # (n,), x (n, n, n)


def _total_backward(dout: Array, cache: Cache) -> Array:
    dx: Array = 2 * cache * dout[:, None, None]
    return dx


def _total_expanded_once(dout: Array, cache: Cache) -> Array:
    dx: Array = 2 * cache * dout[:, None]  # right: [:, None, None]
    return dx


def _sequence_forward(x: Array, b: Array) -> tuple[Array, Cache]:
    return x + b, None  # (m, t, n), b (n,)


def _sequence_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    del cache
    return dout.copy(), dout.sum(axis=(0, 1))


def _sequence_first_axis_only(dout: Array, cache: Cache) -> tuple[Array, ...]:
    del cache
    return dout.copy(), dout.sum(axis=0)  # right: axis=(0, 1)


def _unbroadcast_forward(x: Array, b: Array) -> tuple[Array, Cache]:
    return x * b, (x, b)  # (2, n, n), b (n, 1)


def _unbroadcast_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, b = cache
    return dout * b, (dout * x).sum(axis=0).sum(axis=1, keepdims=True)


def _unbroadcast_stale_axis(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, b = cache
    db = (dout * x).sum(axis=0)  # (n, n), so that what was axis 1 is axis 0 now
    return dout * b, db.sum(axis=0)[:, None]  # right: axis=1


_CUMSUM = normal(x=(3, 6)), _cumsum_forward, _cumsum_backward
_JOIN = normal(a=(N, N), b=(N, N)), _join_forward, _join_backward


def _with_a_zero(rng: np.random.Generator) -> dict[str, Array]:
    x = rng.standard_normal((3, 5))
    x[1, 2] = 0
    return {"x": x}


LAYOUT_FAULTS = (
    Fault(
        "cumsum-not-reversed",
        "no thread; the adjoint of a cumulative sum runs from the end",
        "other",
        ("x",),
        "The gradient of a cumulative sum is summed from the start.",
        layer_build(*_CUMSUM, _cumsum_forwards),
    ),
    Fault(
        "cumsum-without-its-own-entry",
        "no thread; the exclusive sum in place of the inclusive one",
        "off-by-one",
        ("x",),
        "The reversed cumulative sum starts one entry too late.",
        layer_build(*_CUMSUM, _cumsum_exclusive),
        also=("missing-term",),
    ),
    Fault(
        "cumprod-by-division",
        "pymc-devs/pytensor#1911, tensorflow/tensorflow#3862",
        "nonfinite",
        ("x",),
        "The gradient of a cumulative product is divided by x, which is 0 / 0 at a zero.",
        layer_build(_with_a_zero, _cumprod_forward, _cumprod_backward, _cumprod_by_division),
    ),
    Fault(
        "roll-not-undone",
        "no thread; the same shift in forward and backward",
        "permuted",
        ("x",),
        "The gradient is rolled onwards instead of back.",
        layer_build(normal(x=(3, 5)), _roll_forward, _roll_backward, _roll_onwards),
        also=("off-by-one",),
    ),
    Fault(
        "sort-permuted-again",
        "no thread; a permutation in place of its inverse",
        "permuted",
        ("x",),
        "The gradient is sorted once more instead of put back in the order of x.",
        layer_build(spread(x=(12,)), _sort_forward, _sort_backward, _sort_again),
    ),
    Fault(
        "slice-gradient-one-early",
        "no thread; [:-2] for [1:-1]",
        "off-by-one",
        ("x",),
        "The gradient of a slice is written one place too early.",
        layer_build(normal(x=(9,)), _slice_forward, _slice_backward, _slice_early),
        also=("permuted",),
    ),
    Fault(
        "differences-without-ends",
        "no thread; the border of a stencil forgotten",
        "detached",
        ("x",),
        "The first and the last entry of a row of differences get no gradient.",
        layer_build(normal(x=(8,)), _steps_forward, _steps_backward, _steps_without_ends),
    ),
    Fault(
        "joined-parts-swapped",
        "no thread; the slices of a concatenation in the wrong order",
        "other",
        ("a", "b"),
        "The two parts of a concatenation get each other's gradient.",
        layer_build(*_JOIN, _join_swapped),
        also=("permuted",),
    ),
    Fault(
        "joined-along-wrong-axis",
        "tensorflow/tfjs-core#1267, swift#23649",
        "wrong-axis",
        ("a", "b"),
        "The gradient of a concatenation is cut along the other axis.",
        layer_build(*_JOIN, _join_by_rows),
        also=("other",),
    ),
    Fault(
        "axes-not-turned-back",
        "no thread; a cyclic order of axes is not its own inverse",
        "wrong-axis",
        ("x",),
        "The upstream gradient is transposed by the same order of axes once more.",
        layer_build(normal(x=(3, 3, 3)), _turn_forward, _turn_backward, _turn_again),
        also=("other",),
    ),
    Fault(
        "flattened-by-columns",
        "no thread; Fortran's order for C's",
        "permuted",
        ("x",),
        "The gradient is put back into the matrix column by column.",
        layer_build(normal(x=(3, 5)), _flatten_forward, _flatten_backward, _flatten_by_columns),
    ),
    Fault(
        "heads-reshaped-without-transpose",
        "no thread; the merged heads of attention",
        "permuted",
        ("x",),
        "The gradient of the merged heads is reshaped, but the axes are not put back.",
        layer_build(normal(x=(2, 4, 3)), _heads_forward, _heads_backward, _heads_reshaped),
    ),
    Fault(
        "sum-expanded-over-one-axis",
        "harvard-edge/cs249r_book#1867",
        "broadcast",
        ("x",),
        "A sum over two axes is expanded over one of them, and broadcasts along the wrong axis.",
        layer_build(normal(x=(3, 3, 3)), _total_forward, _total_backward, _total_expanded_once),
        also=("wrong-axis",),
    ),
    Fault(
        "bias-of-a-sequence-summed-once",
        "AiDotNet.Tensors#234",
        "missing-reduction",
        ("b",),
        "The bias is summed over the batch, but not over the places of the sequence.",
        layer_build(
            normal(x=(2, 3, 4), b=(4,)),
            _sequence_forward,
            _sequence_backward,
            _sequence_first_axis_only,
        ),
    ),
    Fault(
        "unbroadcast-by-stale-axis",
        "HomericIntelligence/Odyssey#2080",
        "wrong-axis",
        ("b",),
        "Once the leading axis is summed away, the next sum still uses the old index of its axis.",
        layer_build(
            normal(x=(2, N, N), b=(N, 1)),
            _unbroadcast_forward,
            _unbroadcast_backward,
            _unbroadcast_stale_axis,
        ),
    ),
)
"""Faults of order and layout."""
