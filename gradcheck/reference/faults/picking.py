"""Planted faults of picking: tables of rows, segments, ties, and one long vector of everything.

Owns: PICKING_FAULTS, with the small right layers that they imitate. The plain gather stands in
`faults/indexing`. Place: beside `faults/case`, gathered by `faults/__init__`.
Letters: v = rows of a table, d = columns, t = rows picked.
"""

import numpy as np

from ..arrays import Array, Cache, Params
from .case import Backward, Build, Fault, layer_build, normal

WORDS = np.array([3, 1, 0, 3, 5, 0, 2])  # (t,), 3 twice; 0 is the padding, twice too
PADDING = 0
ROWS = 6  # of the small table
LARGE = (500, 4)  # of the large one
DRAWN = np.concatenate([np.arange(LARGE[0]), [7, 7, 123, 499]])  # each row once, some again
SEGMENTS = np.array([0, 0, 1, 0, 2, 2, 1, 0])  # (t,), of unequal size
SEGMENT_SIZES = np.array([4, 2, 2])
TIES = np.array([[0, 0, 1, 4], [2, 3, 2, 5]])  # in each group, one entry stands twice
CLOSE = 1e-2  # what counts as equal to the maximum, in the wrong backward
NETWORK = (30, 30)  # (n_in, n_out)
PICTURES = np.array([[12, 200, 7, 90], [40, 3, 250, 91]], dtype=np.uint8)


def _padded_forward(table: Array) -> tuple[Array, Cache]:
    shown = (WORDS != PADDING)[:, None]
    return np.sin(table[WORDS]) * shown, (np.cos(table[WORDS]), shown)  # (t, d)


def _padded_backward(dout: Array, cache: Cache) -> Array:
    slope, shown = cache
    dtable = np.zeros((ROWS, dout.shape[1]))
    np.add.at(dtable, WORDS, dout * slope * shown)
    return dtable


def _padding_trained(dout: Array, cache: Cache) -> Array:
    slope, _ = cache
    dtable = np.zeros((ROWS, dout.shape[1]))
    np.add.at(dtable, WORDS, dout * slope)  # right: * shown
    return dtable


def _large_forward(table: Array) -> tuple[Array, Cache]:
    return np.tanh(table[DRAWN]), np.tanh(table[DRAWN])  # (t, d)


def _large_backward(dout: Array, cache: Cache) -> Array:
    dtable = np.zeros(LARGE)
    np.add.at(dtable, DRAWN, dout * (1 - cache * cache))
    return dtable


def _large_last_row_lost(dout: Array, cache: Cache) -> Array:
    dtable = _large_backward(dout, cache)
    dtable[-1] = 0  # as from a loop over range(v - 1)
    return dtable


def _large_assigned(dout: Array, cache: Cache) -> Array:
    dtable = np.zeros(LARGE)
    dtable[DRAWN] = dout * (1 - cache * cache)  # right: np.add.at
    return dtable


def _bag_forward(table: Array) -> tuple[Array, Cache]:
    out = np.zeros((len(SEGMENT_SIZES), table.shape[1]), table.dtype)
    np.add.at(out, SEGMENTS, table)
    return out / SEGMENT_SIZES[:, None], table.shape  # (3, d), the mean of each segment


def _bag_backward(dout: Array, cache: Cache) -> Array:
    del cache
    dtable: Array = (dout / SEGMENT_SIZES[:, None])[SEGMENTS]
    return dtable


def _bag_by_other_count(dout: Array, cache: Cache) -> Array:
    del cache
    sizes = np.roll(SEGMENT_SIZES, 1)  # right: the size of the segment itself
    dtable: Array = (dout / sizes[:, None])[SEGMENTS]
    return dtable


def _bag_by_all(dout: Array, cache: Cache) -> Array:
    rows, _ = cache
    dtable: Array = dout[SEGMENTS] / rows  # right: / SEGMENT_SIZES
    return dtable


def _ties_forward(x: Array) -> tuple[Array, Cache]:
    groups = x[TIES]  # (2, 4), in which one entry of x stands twice: a tie that is no kink
    winners = np.argmax(groups.real, axis=1)
    return groups[np.arange(2), winners], (groups.real, winners)


def _ties_backward(dout: Array, cache: Cache) -> Array:
    groups, winners = cache
    chosen = np.zeros_like(groups)
    chosen[np.arange(2), winners] = dout
    return _scattered(chosen)


def _ties_to_all(dout: Array, cache: Cache) -> Array:
    groups, _ = cache
    # right: one winner for each group
    return _scattered(dout[:, None] * (groups == groups.max(axis=1, keepdims=True)))


def _close_to_all(dout: Array, cache: Cache) -> Array:
    groups, _ = cache
    # right: the winner alone
    return _scattered(dout[:, None] * (groups >= groups.max(axis=1, keepdims=True) - CLOSE))


def _scattered(weights: Array) -> Array:
    dx = np.zeros(TIES.max() + 1)
    np.add.at(dx, TIES, weights)
    return dx


def _winner_twice(rng: np.random.Generator) -> Params:
    x = 0.3 * rng.standard_normal(6)
    x[[0, 2]] = 2 + rng.uniform(0, 1, 2)  # the entries that stand twice
    return {"x": x}


def _rivals_close(rng: np.random.Generator) -> Params:
    x = 0.3 * rng.standard_normal(6)
    x[[1, 3]] = 2 + rng.uniform(0, 1, 2)  # these stand once
    x[[0, 2]] = x[[1, 3]] - 0.7 * CLOSE  # and these are close to them, but less
    return {"x": x}


def _unrolled_forward(theta: Array) -> tuple[Array, Cache]:
    size = NETWORK[0] * NETWORK[1]
    W, b = theta[:size].reshape(NETWORK), theta[size:]
    x = np.linspace(-1, 1, NETWORK[0])
    a = np.tanh(x @ W / 5 + b)
    return a, (x, a)  # (n_out,)


def _unrolled_backward(dout: Array, cache: Cache) -> Array:
    x, a = cache
    db = dout * (1 - a * a)
    return np.concatenate([np.outer(x, db).ravel() / 5, db])


def _unrolled_slice_early(dout: Array, cache: Cache) -> Array:
    dtheta = _unrolled_backward(dout, cache)
    start = NETWORK[0] * NETWORK[1]
    dtheta[start - 1 : -1] = dtheta[start:].copy()  # right: [start:]
    return dtheta


def _unrolled_one_entry(dout: Array, cache: Cache) -> Array:
    dtheta = _unrolled_backward(dout, cache)
    dtheta[0] += dtheta[-1]  # as from an index -1 + 1, where the last should have been added
    return dtheta


def _symmetric_forward(x: Array) -> tuple[Array, Cache]:
    S = np.zeros((4, 4), x.dtype)
    S[np.tril_indices(4)] = x
    S = S + S.T - np.diag(np.diag(S))  # every entry off the diagonal stands twice
    return S @ S, S


def _symmetric_backward(dout: Array, cache: Cache) -> Array:
    dS = dout @ cache.T + cache.T @ dout
    both: Array = dS + dS.T - np.diag(np.diag(dS))
    return both[np.tril_indices(4)]


def _symmetric_once(dout: Array, cache: Cache) -> Array:
    dS: Array = dout @ cache.T + cache.T @ dout
    return dS[np.tril_indices(4)]  # right: and those above the diagonal


def _pictures_forward(w: Array) -> tuple[Array, Cache]:
    first, second = PICTURES
    return w * (first.astype(float) - second), None  # (n,)


def _pictures_backward(dout: Array, cache: Cache) -> Array:
    del cache
    first, second = PICTURES
    dw: Array = dout * (first.astype(float) - second)
    return dw


def _pictures_unsigned(dout: Array, cache: Cache) -> Array:
    del cache
    first, second = PICTURES
    dw: Array = dout * (first - second)  # right: in float64; uint8 wraps round at 256
    return dw


def _large_table(wrong: Backward) -> Build:
    return layer_build(normal(table=LARGE), _large_forward, _large_backward, wrong)


def _unrolled(wrong: Backward) -> Build:
    size = NETWORK[0] * NETWORK[1] + NETWORK[1]
    return layer_build(normal(theta=(size,)), _unrolled_forward, _unrolled_backward, wrong)


_BAG = normal(table=(8, 3)), _bag_forward, _bag_backward

PICKING_FAULTS = (
    Fault(
        "padding-row-trained",
        "pytorch/pytorch#26302, pytorch/pytorch#3506",
        "extra-term",
        ("table",),
        "The row of the padding word, which is never shown, gets a gradient.",
        layer_build(normal(table=(ROWS, 3)), _padded_forward, _padded_backward, _padding_trained),
        also=("other",),
    ),
    Fault(
        "last-row-of-large-table-lost",
        "no thread; an index that stops one row early",
        "detached",
        ("table",),
        "The last of 500 rows gets no gradient.",
        _large_table(_large_last_row_lost),
    ),
    Fault(
        "large-table-assigned",
        "pytorch/pytorch#1631",
        "duplicate-index",
        ("table",),
        "Three of 500 rows are picked again, and get the last gradient instead of the sum.",
        _large_table(_large_assigned),
    ),
    Fault(
        "segment-mean-by-other-count",
        "pytorch/pytorch#190063",
        "scale",
        ("table",),
        "Each segment's mean is divided by the size of its neighbour.",
        layer_build(*_BAG, _bag_by_other_count),
        also=("other",),
    ),
    Fault(
        "segment-mean-by-all",
        "no thread; the number of all rows for that of the segment",
        "scale",
        ("table",),
        "The mean of each segment is divided by the number of all rows.",
        layer_build(*_BAG, _bag_by_all),
        also=("other",),
    ),
    Fault(
        "tied-winners-all-paid",
        "apache/mxnet#18563, Theano/Theano#4568",
        "other",
        ("x",),
        "An entry that wins as both of its copies gets the gradient twice.",
        layer_build(_winner_twice, _ties_forward, _ties_backward, _ties_to_all),
        also=("duplicate-index", "scale"),
    ),
    Fault(
        "close-to-winner-paid",
        "mni-ml#22",
        "extra-term",
        ("x",),
        "What is within 0.01 of the maximum gets the gradient as well as the maximum.",
        layer_build(_rivals_close, _ties_forward, _ties_backward, _close_to_all),
        also=("other",),
    ),
    Fault(
        "unrolled-slice-one-early",
        "no thread; parameters unrolled into one vector, as the course does",
        "off-by-one",
        ("theta",),
        "The slice of the bias gradients starts one entry early in the vector of all parameters.",
        _unrolled(_unrolled_slice_early),
        also=("permuted",),
    ),
    Fault(
        "unrolled-one-entry-of-930",
        "no thread; one write to the wrong end of a vector",
        "extra-term",
        ("theta",),
        "One entry of 930 gets what belongs to the last one on top.",
        _unrolled(_unrolled_one_entry),
        also=("other",),
    ),
    Fault(
        "symmetric-fill-counted-once",
        "karpathy/micrograd#2 on a symmetric matrix",
        "other",
        ("x",),
        "An entry off the diagonal stands twice in the matrix, but counts once.",
        layer_build(normal(x=(10,)), _symmetric_forward, _symmetric_backward, _symmetric_once),
        also=("missing-term", "duplicate-index"),
    ),
    Fault(
        "unsigned-difference-wraps",
        "numpy/numpy#15207",
        "other",
        ("w",),
        "The difference of two pictures is taken in uint8, which has no negative numbers.",
        layer_build(normal(w=(4,)), _pictures_forward, _pictures_backward, _pictures_unsigned),
    ),
)
"""Faults of picking."""
