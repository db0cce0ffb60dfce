"""Planted faults of layers along a sequence: GRU, attention with heads, running products, lines.

Owns: SEQUENCE_FAULTS, wrong twins of the layers of the reference itself. Single heads and the LSTM
stand in `faults/attention` and `faults/recurrent`. Place: beside `faults/case`, gathered by
`faults/__init__`. Letters: t = steps or places, m = rows, n = units, w = width of a place.
"""

import numpy as np

from ..arrays import Array, Cache, Params
from ..attention import (
    HeadWeights,
    multi_head_attention_backward,
    multi_head_attention_forward,
)
from ..interpolation import linear_interpolate_backward, linear_interpolate_forward
from ..recurrent import gru_backward, gru_forward
from ..reductions import (
    cumprod_backward,
    cumprod_forward,
    logsumexp_backward,
    logsumexp_forward,
)
from .case import Backward, Build, Fault, layer_build, normal

T, M, N = 4, 2, 3
WIDTH, HEADS = 4, 2
KNOTS = np.array([-1.5, -0.2, 0.3, 1.0, 2.5])
BETWEEN = (-1.0, 0.1, 0.5, 0.8, 1.7, 2.0)  # queries, none at a knot


def _gru(wrong: Backward) -> Build:
    draw = normal(x=(T, M, N), h=(M, N), W=(N, 3 * N), U=(N, 3 * N), b=(3 * N,), b_state=(3 * N,))
    return layer_build(draw, gru_forward, gru_backward, wrong)


def _state_bias_as_bias(dout: Array, cache: Cache) -> tuple[Array, ...]:
    *others, db, _ = gru_backward(dout, cache)
    return *others, db, db.copy()  # right: the new gate's part of b_state stands behind the reset


def _first_state_by_update_only(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, _, steps = cache
    dx, _, *others = gru_backward(dout, cache)
    dh = np.zeros_like(dout[0])
    for dstep, (_, _, (_, update, _), _) in zip(dout[::-1], steps[::-1], strict=True):
        dh = (dstep + dh) * update  # right: + ds @ U.T, for the gates look at the state too
    return dx, dh, *others


def _heads_forward(x: Array, query: Array, key: Array, value: Array, output: Array) -> Cache:
    weights = HeadWeights(query, key, value, output)
    return multi_head_attention_forward(x, x, weights, HEADS)


def _heads_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dcontext, dweights = multi_head_attention_backward(dout, cache)
    return dx + dcontext, *dweights  # x is both


def _heads(wrong: Backward) -> Build:
    square = (WIDTH, WIDTH)
    draw = normal(x=(M, T, WIDTH), query=square, key=square, value=square, output=square)
    return layer_build(draw, _heads_forward, _heads_backward, wrong)


def _context_forgotten(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, _, dweights = multi_head_attention_backward(dout, cache)
    return dx, *dweights  # right: + dcontext, for keys and values are of x as well


def _heads_joined_without_transpose(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dquery, dkey, dvalue, _ = _heads_backward(dout, cache)
    *_, joined = cache
    by_head = joined.reshape(M, T, HEADS, -1).swapaxes(1, 2)  # (m, heads, t, d)
    # right: joined, (m, t, heads d)
    doutput = by_head.reshape(-1, WIDTH).T @ dout.reshape(-1, WIDTH)
    return dx, dquery, dkey, dvalue, doutput


def _line(rng: np.random.Generator) -> Params:
    query = np.array(BETWEEN) + rng.uniform(-0.02, 0.02, len(BETWEEN))
    return {"query": query, "knots": KNOTS.copy(), "values": rng.standard_normal(len(KNOTS))}


def _broken_line(wrong: Backward) -> Build:
    return layer_build(_line, linear_interpolate_forward, linear_interpolate_backward, wrong)


def _shares_swapped(dout: Array, cache: Cache) -> tuple[Array, ...]:
    left, share, *others = cache
    dquery, dknots, _ = linear_interpolate_backward(dout, cache)
    # right: share, the share of the knot on the right
    _, _, dvalues = linear_interpolate_backward(dout, (left, 1 - share, *others))
    return dquery, dknots, dvalues


def _knots_detached(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dquery, dknots, dvalues = linear_interpolate_backward(dout, cache)
    return dquery, np.zeros_like(dknots), dvalues  # right: dknots


def _slope_not_divided(dout: Array, cache: Cache) -> tuple[Array, ...]:
    left, share, width, *others = cache
    _, dknots, dvalues = linear_interpolate_backward(dout, cache)
    # right: width, the distance of two knots
    one = (left, share, np.ones_like(width), *others)
    dquery, _, _ = linear_interpolate_backward(dout, one)
    return dquery, dknots, dvalues


def _sum_forward(x: Array) -> tuple[Array, Cache]:
    return logsumexp_forward(x, axis=1)


def _sum_as_maximum(dout: Array, cache: Cache) -> Array:
    share, axis = cache
    largest = share == share.max(axis=axis, keepdims=True)
    return logsumexp_backward(dout, (largest, axis))  # right: to each entry its share


def _sum_of_other_axis(dout: Array, cache: Cache) -> Array:
    share, axis = cache
    columns = share / share.sum(axis=0)  # right: shares of the row, which sum to 1 already
    return logsumexp_backward(dout, (columns, axis))


def _product_forward(x: Array) -> tuple[Array, Cache]:
    return cumprod_forward(x, axis=1)


def _product_of_its_own_place(dout: Array, cache: Cache) -> Array:
    _, out, _ = cache
    before = np.concatenate([np.ones_like(out[:, :1]), out[:, :-1]], axis=1)
    dx: Array = dout * before  # right: and what the entry does to all later products
    return dx


def _product_axis_forgotten(dout: Array, cache: Cache) -> Array:
    x, _, _ = cache
    _, along_first = cumprod_forward(x, axis=0)
    return cumprod_backward(dout, along_first)  # right: axis=1


_SUM = normal(x=(M, T)), _sum_forward, logsumexp_backward
_PRODUCT = normal(x=(T, T)), _product_forward, cumprod_backward

SEQUENCE_FAULTS = (
    Fault(
        "gru-state-bias-before-reset",
        "no thread; the two forms of the reset gate mixed",
        "other",
        ("b_state",),
        "The bias of the state gets the gradient of the inputs' bias, which no reset gate scales.",
        _gru(_state_bias_as_bias),
    ),
    Fault(
        "gru-first-state-by-update-only",
        "no thread; the state's way through its gates forgotten",
        "missing-term",
        ("h",),
        "The gradient reaches the first state by the update gate only, not through the gates.",
        _gru(_first_state_by_update_only),
        also=("other",),
    ),
    Fault(
        "self-attention-of-queries-only",
        "no thread; x is query, key and value, and gets one gradient of three",
        "missing-term",
        ("x",),
        "The gradient of x comes from the queries alone, not from keys and values as well.",
        _heads(_context_forgotten),
        also=("other",),
    ),
    Fault(
        "heads-joined-without-transpose",
        "no thread; reshape where a transpose comes first",
        "other",
        ("output",),
        "The heads are laid beside each other with places and heads exchanged.",
        _heads(_heads_joined_without_transpose),
        also=("permuted",),
    ),
    Fault(
        "interpolation-shares-swapped",
        "no thread; the nearer knot gets the smaller share",
        "other",
        ("values",),
        "Each of the two knots beside a query gets the share of the other.",
        _broken_line(_shares_swapped),
    ),
    Fault(
        "interpolation-knots-detached",
        "no thread; where the knots lie taken for a constant",
        "detached",
        ("knots",),
        "The places of the knots get no gradient.",
        _broken_line(_knots_detached),
    ),
    Fault(
        "interpolation-slope-not-divided",
        "no thread; a rise taken for a slope",
        "other",
        ("query",),
        "The gradient of a query is the rise to the next knot, not divided by the distance to it.",
        _broken_line(_slope_not_divided),
    ),
    Fault(
        "logsumexp-as-maximum",
        "no thread; the shift by the largest entry differentiated, the rest not",
        "other",
        ("x",),
        "All of the gradient goes to the largest entry, as if the sum were its maximum.",
        layer_build(*_SUM, _sum_as_maximum),
    ),
    Fault(
        "logsumexp-shares-of-columns",
        "no thread; a sum over the wrong axis",
        "wrong-axis",
        ("x",),
        "The shares of the entries are taken along the other axis.",
        layer_build(*_SUM, _sum_of_other_axis),
        also=("other",),
    ),
    Fault(
        "cumprod-of-its-own-place",
        "no thread; only the product that ends at an entry",
        "missing-term",
        ("x",),
        "An entry gets the gradient of the product that ends there, and of no later one.",
        layer_build(*_PRODUCT, _product_of_its_own_place),
        also=("other",),
    ),
    Fault(
        "cumprod-along-first-axis",
        "no thread; the default axis in the backward",
        "wrong-axis",
        ("x",),
        "The products run along the rows, their gradient along the columns.",
        layer_build(*_PRODUCT, _product_axis_forgotten),
        also=("other",),
    ),
)
"""Faults of layers along a sequence."""
