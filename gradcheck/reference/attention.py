"""Attention: each place of a sequence takes a mean of values, weighted by how well keys suit it.

Owns: scaled dot-product attention, its form with many heads, the causal mask. Does not own the
softmax of a plain row (see `softmax`): this one leaves out what is masked. Place: a leaf.
Letters: t = places that ask, s = places that are asked, d = width of queries and keys, e = of
values, h = heads, w = width of a place in the form with heads (w = h d).
"""

import math
from typing import NamedTuple

import numpy as np

from .arrays import Array, Cache


class HeadWeights(NamedTuple):
    """The four matrices of attention with heads, (w, w) each; a place is a row, x @ query."""

    query: Array
    key: Array
    value: Array
    output: Array


def causal_mask(t: int) -> Array:
    """Return what may be looked at where nobody sees the future: (t, t), True on and below i = j.

    Examples
    --------
    >>> causal_mask(2)
    array([[ True, False],
           [ True,  True]])
    """
    return np.tri(t, dtype=bool)


def attention_forward(
    q: Array, k: Array, v: Array, mask: Array | None = None
) -> tuple[Array, Cache]:
    """Compute softmax(q k^T / sqrt(d)) v, over the places that the mask allows.

    Source: Vaswani et al. (2017), arXiv:1706.03762, equation 1.

    Parameters
    ----------
    q, k, v : Array
        Shapes (..., t, d), (..., s, d) and (..., s, e) with equal axes in front, or ValueError.
    mask : Array of bool, optional
        True where place t may look at place s: (t, s), or more axes in front. A place that may look
        at nothing gets zeros, and gives no gradient.

    Returns
    -------
    out : Array
        Shape (..., t, e).
    cache : tuple
        (q, k, v, p), with the weights p (..., t, s).

    Examples
    --------
    >>> q, v = np.zeros((2, 1)), np.array([[1.0], [3.0]])
    >>> out, cache = attention_forward(q, q, v, causal_mask(2))
    >>> out
    array([[1.],
           [2.]])
    """
    _require_fit(q, k, v)
    scores = q @ _transposed(k) / math.sqrt(q.shape[-1])  # (..., t, s)
    p = _masked_softmax(scores, _mask_like(scores, mask))  # (..., t, s)
    return p @ v, (q, k, v, p)  # (..., t, e)


def attention_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute dq (..., t, d), dk (..., s, d) and dv (..., s, e) from dout (..., t, e)."""
    q, k, v, p = cache
    dp = dout @ _transposed(v)  # (..., t, s); forward: p @ v
    dv = _transposed(p) @ dout  # (..., s, e); forward: p @ v
    mean = (dp * p).sum(axis=-1, keepdims=True)  # (..., t, 1): of dp, under the weights p
    # forward: p = softmax(scores); what is masked has p = 0, and so no gradient
    dscores = p * (dp - mean) / math.sqrt(q.shape[-1])  # (..., t, s); forward: / sqrt(d)
    dk = _transposed(dscores) @ q  # (..., s, d); forward: q @ k^T
    dq = dscores @ k  # (..., t, d); forward: q @ k^T
    return dq, dk, dv


def multi_head_attention_forward(
    x: Array, context: Array, weights: HeadWeights, heads: int, mask: Array | None = None
) -> tuple[Array, Cache]:
    """Let each place of x look at the places of a context, in several heads side by side.

    Source: Vaswani et al. (2017), arXiv:1706.03762, section 3.2.2, without biases. Self-attention
    is context = x; its gradient is then the sum of dx and dcontext.

    Parameters
    ----------
    x, context : Array
        Shapes (m, t, w) and (m, s, w).
    weights : HeadWeights
        (w, w) each, or ValueError.
    heads : int
        h, which must divide w: each head works on w / h neighbouring columns.
    mask : Array of bool, optional
        True where place t may look at place s: (t, s), or (m, 1, t, s) for one per row.

    Returns
    -------
    out : Array
        Shape (m, t, w).
    cache : tuple
        What `multi_head_attention_backward` needs.

    Examples
    --------
    >>> eye, x = np.eye(2), np.array([[[1.0, 2.0]]])
    >>> out, cache = multi_head_attention_forward(x, x, HeadWeights(eye, eye, eye, eye), heads=2)
    >>> out
    array([[[1., 2.]]])
    """
    _require_heads(x, context, weights, heads)
    q = _split(x @ weights.query, heads)  # (m, h, t, d)
    k = _split(context @ weights.key, heads)  # (m, h, s, d)
    v = _split(context @ weights.value, heads)  # (m, h, s, d)
    attended, attention_cache = attention_forward(q, k, v, mask)  # (m, h, t, d)
    joined = _join(attended)  # (m, t, w)
    out = joined @ weights.output  # (m, t, w)
    return out, (x, context, weights, heads, attention_cache, joined)


def multi_head_attention_backward(dout: Array, cache: Cache) -> tuple[Array, Array, HeadWeights]:
    """Compute dx (m, t, w), dcontext (m, s, w) and dweights, four (w, w), from dout (m, t, w)."""
    x, context, weights, heads, attention_cache, joined = cache
    doutput = _over_rows(joined, dout)  # (w, w); forward: joined @ output
    djoined = dout @ weights.output.T  # (m, t, w); forward: joined @ output
    dattended = _split(djoined, heads)  # (m, h, t, d); forward: joined = join(attended)
    dq, dk, dv = (_join(d) for d in attention_backward(dattended, attention_cache))  # (m, ., w)
    dvalue = _over_rows(context, dv)  # (w, w); forward: context @ value
    dkey = _over_rows(context, dk)  # (w, w); forward: context @ key
    dquery = _over_rows(x, dq)  # (w, w); forward: x @ query
    dcontext = dk @ weights.key.T + dv @ weights.value.T  # (m, s, w); the context is used twice
    dx = dq @ weights.query.T  # (m, t, w); forward: x @ query
    return dx, dcontext, HeadWeights(dquery, dkey, dvalue, doutput)


def _masked_softmax(scores: Array, mask: Array) -> Array:
    """Return the softmax over the last axis of what is allowed, zeros where nothing is."""
    largest = scores.max(axis=-1, keepdims=True, where=mask, initial=-np.inf)
    shifted = np.subtract(scores, largest, out=np.zeros_like(scores), where=mask)
    weights = np.where(mask, np.exp(shifted), 0)
    total = weights.sum(axis=-1, keepdims=True)
    p: Array = weights / np.where(total == 0, 1, total)
    return p


def _mask_like(scores: Array, mask: Array | None) -> Array:
    """Return the mask in the shape of the scores; all True where there is none."""
    if mask is None:
        return np.ones(scores.shape, dtype=bool)
    if np.asarray(mask).dtype != bool:
        raise ValueError(
            f"mask has dtype {np.asarray(mask).dtype}, but it says True where a place may look; "
            "use mask == 0 of a mask that is added to the scores"
        )
    try:
        return np.broadcast_to(mask, scores.shape)
    except ValueError:
        raise ValueError(
            f"mask has shape {np.shape(mask)}, but the scores have {scores.shape}; "
            f"give one of {scores.shape[-2:]}, places that ask by places that are asked"
        ) from None


def _split(x: Array, heads: int) -> Array:
    """Return (m, t, h d) as (m, h, t, d)."""
    m, t, _ = x.shape
    return x.reshape(m, t, heads, -1).swapaxes(1, 2)


def _join(x: Array) -> Array:
    """Return (m, h, t, d) as (m, t, h d): `_split` undone."""
    m, _, t, _ = x.shape
    return x.swapaxes(1, 2).reshape(m, t, -1)


def _over_rows(x: Array, dy: Array) -> Array:
    """Return dW (w, w) of y = x W, summed over all places of all rows."""
    return x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])


def _transposed(x: Array) -> Array:
    return x.swapaxes(-1, -2)


def _require_fit(q: Array, k: Array, v: Array) -> None:
    same_front = q.shape[:-2] == k.shape[:-2] == v.shape[:-2]
    if min(q.ndim, k.ndim, v.ndim) < 2 or not same_front:
        raise ValueError(
            f"q has shape {q.shape}, k {k.shape} and v {v.shape}; they must be (..., t, d), "
            "(..., s, d) and (..., s, e) with equal axes in front"
        )
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"q has shape {q.shape}, k {k.shape} and v {v.shape}; q and k need the same width, "
            "k and v the same number of places"
        )


def _require_heads(x: Array, context: Array, weights: HeadWeights, heads: int) -> None:
    if x.ndim != 3 or context.ndim != 3 or x.shape[::2] != context.shape[::2]:
        raise ValueError(
            f"x has shape {x.shape} and the context {context.shape}; they must be (m, t, w) and "
            "(m, s, w)"
        )
    w = x.shape[-1]
    if heads < 1 or w % heads:
        raise ValueError(f"heads={heads}, but it must divide the width {w} of a place; use heads=1")
    for name, matrix in weights._asdict().items():
        if np.shape(matrix) != (w, w):
            raise ValueError(
                f"weights.{name} has shape {np.shape(matrix)}, but a place has the width {w}, so "
                f"that it must be ({w}, {w})"
            )
