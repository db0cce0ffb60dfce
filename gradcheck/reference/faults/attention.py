"""Planted faults of attention.

Owns: ATTENTION_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: t = places of a sequence, d = width of a head, h = heads.
"""

import numpy as np

from ..arrays import Array, Cache
from ..softmax import softmax_backward, softmax_forward
from .case import Backward, Build, Fault, layer_build, normal

T = 4  # equal to D, so that a forgotten transpose hides from the shape
D = 4
HEADS = 2  # of queries, which share one head of keys and values
FAR = 3  # the furthest two places of a causal sequence can be apart
BLOCKED = -1e9  # added to the score of a later place
CAUSAL = np.where(np.tril(np.ones((T, T))) > 0, 0.0, BLOCKED)
HIDDEN = np.arange(T)[:, None] == 2  # one row, as of padding
ANGLES = np.arange(T)[:, None] * np.array([1.0, 0.3])  # (t, d / 2), of the rotary embedding


def _forward(q: Array, k: Array, v: Array) -> tuple[Array, Cache]:
    p, _ = softmax_forward(q @ k.T / np.sqrt(D) + CAUSAL)  # (t, t)
    return p @ v, (q, k, v, p)  # (t, d)


def _backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    q, k, v, p = cache
    ds = softmax_backward(dout @ v.T, p) / np.sqrt(D)  # (t, t)
    return ds @ k, ds.T @ q, p.T @ dout


def _without_scale(dout: Array, cache: Cache) -> tuple[Array, ...]:
    q, k, v, p = cache
    ds = softmax_backward(dout @ v.T, p)  # right: / sqrt(d)
    return ds @ k, ds.T @ q, p.T @ dout


def _without_mask(dout: Array, cache: Cache) -> tuple[Array, ...]:
    q, k, v, _ = cache
    p, _ = softmax_forward(q @ k.T / np.sqrt(D))  # right: + CAUSAL, as in the forward
    return _backward(dout, (q, k, v, p))


def _values_without_transpose(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, _, _, p = cache
    dq, dk, _ = _backward(dout, cache)
    return dq, dk, p @ dout  # right: p.T


def _keys_without_transpose(dout: Array, cache: Cache) -> tuple[Array, ...]:
    q, k, v, p = cache
    ds = softmax_backward(dout @ v.T, p) / np.sqrt(D)
    return ds @ k, ds @ q, p.T @ dout  # right: ds.T


def _without_row_sum(dout: Array, cache: Cache) -> tuple[Array, ...]:
    q, k, v, p = cache
    ds = p * (dout @ v.T) / np.sqrt(D)  # right: p * (dout v^T - its mean under p)
    return ds @ k, ds.T @ q, p.T @ dout


def _wrong_row_sum(dout: Array, cache: Cache) -> tuple[Array, ...]:
    q, k, v, p = cache
    total = np.sum(dout * v, axis=1, keepdims=True)  # right: dout * out
    ds = p * (dout @ v.T - total) / np.sqrt(D)
    return ds @ k, ds.T @ q, p.T @ dout


def _values_detached(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dq, dk, dv = _backward(dout, cache)
    return dq, dk, np.zeros_like(dv)  # right: dv


def _attention(wrong: Backward) -> Build:
    return layer_build(normal(q=(T, D), k=(T, D), v=(T, D)), _forward, _backward, wrong)


def _shared_forward(q: Array, k: Array, v: Array) -> tuple[Array, Cache]:
    heads = [_forward(one, k, v) for one in q]  # q (h, t, d), one k and v for all heads
    return np.stack([out for out, _ in heads]), [cache for _, cache in heads]


def _shared_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dq, dk, dv = zip(*(_backward(d, one) for d, one in zip(dout, cache, strict=True)), strict=True)
    return np.stack(dq), np.sum(dk, axis=0), np.sum(dv, axis=0)


def _shared_last_head(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dq, _, _ = _shared_backward(dout, cache)
    _, dk, dv = _backward(dout[-1], cache[-1])
    return dq, dk, dv  # right: the sums over all heads


def _rotary_forward(x: Array) -> tuple[Array, Cache]:
    even, odd = x[:, ::2], x[:, 1::2]  # (t, d / 2)
    out = np.empty_like(x)
    out[:, ::2] = even * np.cos(ANGLES) - odd * np.sin(ANGLES)
    out[:, 1::2] = even * np.sin(ANGLES) + odd * np.cos(ANGLES)
    return out, None


def _rotary_backward(dout: Array, cache: Cache) -> Array:
    del cache
    even, odd = dout[:, ::2], dout[:, 1::2]
    dx = np.empty_like(dout)
    dx[:, ::2] = even * np.cos(ANGLES) + odd * np.sin(ANGLES)
    dx[:, 1::2] = -even * np.sin(ANGLES) + odd * np.cos(ANGLES)
    return dx


def _rotary_onwards(dout: Array, cache: Cache) -> Array:
    del cache
    dx, _ = _rotary_forward(dout)  # right: turned back, by minus the angle
    return dx


def _hidden_forward(scores: Array) -> tuple[Array, Cache]:
    p, _ = softmax_forward(scores)
    return np.where(HIDDEN, 0, p), scores  # a row that may look at nothing gives nothing


def _hidden_backward(dout: Array, cache: Cache) -> Array:
    p, _ = softmax_forward(cache)
    return np.where(HIDDEN, 0, softmax_backward(dout, p))


def _hidden_by_infinity(dout: Array, cache: Cache) -> Array:
    scores = np.where(HIDDEN, -np.inf, cache)
    with np.errstate(invalid="ignore"):  # -inf - -inf is the fault
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        return softmax_backward(dout, p / p.sum(axis=1, keepdims=True))


def _distances() -> Array:
    places = np.arange(T)
    apart: Array = places[:, None] - places[None, :]
    return np.clip(apart, 0, FAR)  # (t, t)


def _relative_forward(scores: Array, table: Array) -> tuple[Array, Cache]:
    p, _ = softmax_forward(scores + table[_distances()] + CAUSAL)  # (t, t)
    return p, p


def _relative_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    ds = softmax_backward(dout, cache)
    dtable = np.zeros(FAR + 1)
    np.add.at(dtable, _distances(), ds)
    return ds, dtable


def _relative_assigned(dout: Array, cache: Cache) -> tuple[Array, ...]:
    ds = softmax_backward(dout, cache)
    dtable = np.zeros(FAR + 1)
    for place, other in np.ndindex(T, T):
        if other <= place:
            dtable[place - other] = ds[place, other]  # right: +=
    return ds, dtable


def _sharp_forward(x: Array, log_sharpness: Array) -> tuple[Array, Cache]:
    scores = x * np.exp(log_sharpness)[:, None]  # (t, t), one sharpness for each row
    p, _ = softmax_forward(scores)
    return p, (scores, p, np.exp(log_sharpness))


def _sharp_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    scores, p, sharpness = cache
    ds = softmax_backward(dout, p)
    return ds * sharpness[:, None], np.sum(ds * scores, axis=1)


def _sharpness_detached(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dlog_sharpness = _sharp_backward(dout, cache)
    return dx, np.zeros_like(dlog_sharpness)  # right: it is learnt like the rest


def _sharpness_of_factor(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, _, sharpness = cache
    dx, dlog_sharpness = _sharp_backward(dout, cache)
    return dx, dlog_sharpness / sharpness  # right: the leaf is the logarithm


_SHARP = normal(x=(T, T), log_sharpness=(T,)), _sharp_forward, _sharp_backward

ATTENTION_FAULTS = (
    Fault(
        "attention-scale-missing",
        "no thread; 1 / sqrt(d) in the forward only",
        "scale",
        ("q", "k"),
        "The scores are divided by sqrt(d), their gradient is not.",
        _attention(_without_scale),
    ),
    Fault(
        "attention-causal-mask-forgotten",
        "no thread; probabilities computed again without their mask",
        "other",
        ("q", "k", "v"),
        "The backward computes the probabilities again, without the causal mask.",
        _attention(_without_mask),
    ),
    Fault(
        "attention-values-without-transpose",
        "NVIDIA/warp#147",
        "transpose",
        ("v",),
        "The values get p dout instead of p^T dout.",
        _attention(_values_without_transpose),
        also=("other",),
    ),
    Fault(
        "attention-keys-without-transpose",
        "NVIDIA/warp#147",
        "transpose",
        ("k",),
        "The keys get ds q instead of ds^T q.",
        _attention(_keys_without_transpose),
        also=("other",),
    ),
    Fault(
        "attention-without-row-sum",
        "HomericIntelligence/Odyssey#2134",
        "other",
        ("q", "k"),
        "The gradient of the softmax lacks the row sum that keeps probabilities at one.",
        _attention(_without_row_sum),
    ),
    Fault(
        "attention-row-sum-of-wrong-product",
        "huggingface/picotron#37",
        "other",
        ("q", "k"),
        "The row sum of the softmax is of dout * v instead of dout * out.",
        _attention(_wrong_row_sum),
    ),
    Fault(
        "attention-values-detached",
        "no thread; the weights trained and what they weigh forgotten",
        "detached",
        ("v",),
        "The gradient flows through the weights only, and the values get none.",
        _attention(_values_detached),
    ),
    Fault(
        "shared-keys-of-last-head",
        "flashlight#760 on grouped heads",
        "other",
        ("k", "v"),
        "Two heads share their keys and values, which get the gradient of the last head only.",
        layer_build(
            normal(q=(HEADS, T, D), k=(T, D), v=(T, D)),
            _shared_forward,
            _shared_backward,
            _shared_last_head,
        ),
    ),
    Fault(
        "rotary-turned-onwards",
        "no thread; the sign of the sine in the adjoint of a rotation",
        "other",
        ("x",),
        "The gradient of a rotary embedding is turned onwards instead of back.",
        layer_build(normal(x=(T, D)), _rotary_forward, _rotary_backward, _rotary_onwards),
    ),
    Fault(
        "relative-bias-assigned",
        "pytorch/pytorch#1631",
        "duplicate-index",
        ("table",),
        "One bias serves all pairs at its distance, but gets the gradient of one pair.",
        layer_build(
            normal(scores=(T, T), table=(FAR + 1,)),
            _relative_forward,
            _relative_backward,
            _relative_assigned,
        ),
        also=("other",),
    ),
    Fault(
        "sharpness-detached",
        "no thread; a learnt temperature taken for a constant",
        "detached",
        ("log_sharpness",),
        "The learnt sharpness of the softmax gets no gradient.",
        layer_build(*_SHARP, _sharpness_detached),
    ),
    Fault(
        "sharpness-of-its-factor",
        "no thread; the chain rule through the exponential forgotten",
        "slope",
        ("log_sharpness",),
        "The gradient is that of the factor, not of its logarithm.",
        layer_build(*_SHARP, _sharpness_of_factor),
        also=("other",),
    ),
    Fault(
        "attention-row-of-minus-infinity",
        "pytorch/pytorch#31829, jax-ml/jax#6811",
        "nonfinite",
        ("scores",),
        "A row in which all is masked is -inf - -inf in the backward.",
        layer_build(normal(scores=(T, T)), _hidden_forward, _hidden_backward, _hidden_by_infinity),
    ),
)
"""Faults of attention."""
