"""Planted faults of wiring: what is right layer by layer and wrong in the network.

Owns: NETWORK_FAULTS. Does not own the network, which is `gradcheck.reference.network`.
Place: beside `faults/case`, gathered by `faults/__init__`. Letters: m = rows, n = units.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..activations import tanh_backward, tanh_forward
from ..arrays import Array, Cache, Params, Scalar
from ..dense import dense_backward
from ..losses import LOSSES
from ..network import Batch, LayerCache, Network, backward, cost, forward
from .case import Backward, Build, Case, Fault, Forward, layer_case
from .case import dense_cotangent as draw_cotangent

ROWS = 5
WIDTH = 4
LEARNING_RATE = 0.5
NETWORK = Network((3, WIDTH, WIDTH, 2), activation="tanh")  # hidden layers of equal width

Caches: TypeAlias = list[LayerCache]


def _network(wrong: Callable[[Params, Array, Caches], Params]) -> Build:
    def build(rng: np.random.Generator) -> Case:
        x: Params = {}
        for layer, (n_in, n_out) in enumerate(((3, WIDTH), (WIDTH, WIDTH), (WIDTH, 2)), start=1):
            x[f"W{layer}"] = rng.standard_normal((n_in, n_out))
            x[f"b{layer}"] = rng.standard_normal(n_out)
        batch = Batch(rng.standard_normal((ROWS, 3)), rng.integers(0, 2, ROWS))
        loss = LOSSES[NETWORK.loss]

        def f(x: Params) -> Scalar:
            return cost(NETWORK, x, batch)

        def until_loss(x: Params) -> tuple[Array, Caches]:
            prediction, caches = forward(NETWORK, x, batch.inputs)
            _, loss_cache = loss.forward(prediction, batch.targets)
            return loss.backward(1.0, loss_cache), caches

        def right(x: Params) -> Params:
            return backward(NETWORK, *until_loss(x))

        return Case(f, right, lambda x: wrong(x, *until_loss(x)), x)

    return build


def _weights_updated_first(x: Params, dprediction: Array, caches: Caches) -> Params:
    a, W3 = caches[2].dense
    _, dW3, _ = dense_backward(dprediction, caches[2].dense)
    updated = caches[2]._replace(dense=(a, W3 - LEARNING_RATE * dW3))  # right: W3 as in forward
    return backward(NETWORK, dprediction, [*caches[:2], updated])


def _weights_for_their_gradient(x: Params, dprediction: Array, caches: Caches) -> Params:
    return backward(NETWORK, dprediction, caches) | {"W2": x["W2"].copy()}  # right: dW2


def _slope_of_another_layer(x: Params, dprediction: Array, caches: Caches) -> Params:
    mixed = caches[0]._replace(activation=caches[1].activation)  # right: caches[0].activation
    return backward(NETWORK, dprediction, [mixed, *caches[1:]])


def _slope_missing(x: Params, dprediction: Array, caches: Caches) -> Params:
    flat = caches[0]._replace(activation=np.zeros((ROWS, WIDTH)))  # tanh' where tanh is 0: 1
    return backward(NETWORK, dprediction, [flat, *caches[1:]])


def _bias_of_another_layer(x: Params, dprediction: Array, caches: Caches) -> Params:
    gradient = backward(NETWORK, dprediction, caches)
    return gradient | {"b1": gradient["b2"].copy()}  # right: db1


def _square_layer(shape: Forward, right: Backward, wrong: Backward) -> Build:
    def build(rng: np.random.Generator) -> Case:
        x = {
            "x": rng.standard_normal((ROWS, WIDTH)),
            "W": 0.5 * rng.standard_normal((WIDTH, WIDTH)),
        }
        return layer_case(shape, right, wrong, x, draw_cotangent(rng, (ROWS, WIDTH)))

    return build


def _tied_forward(x: Array, W: Array) -> tuple[Array, Cache]:
    h, h_cache = tanh_forward(x @ W)  # (m, n)
    out, out_cache = tanh_forward(h @ W)  # (m, n); the same W again
    return out, (x, W, h, h_cache, out_cache)


def _tied_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W, h, h_cache, out_cache = cache
    dz = tanh_backward(dout, out_cache)  # (m, n); forward: out = tanh(h W)
    dW = h.T @ dz
    dz = tanh_backward(dz @ W.T, h_cache)  # (m, n); forward: h = tanh(x W)
    return dz @ W.T, dW + x.T @ dz


def _tied_overwritten(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W, _, h_cache, out_cache = cache
    dz = tanh_backward(tanh_backward(dout, out_cache) @ W.T, h_cache)  # (m, n)
    return dz @ W.T, x.T @ dz  # right: += on the gradient of the second use


def _residual_forward(x: Array, W: Array) -> tuple[Array, Cache]:
    h, h_cache = tanh_forward(x @ W)  # (m, n)
    return x + h, (x, W, h_cache)


def _residual_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW = _residual_without_skip(dout, cache)
    return dout + dx, dW  # forward: x + h, x is used twice


def _residual_without_skip(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W, h_cache = cache
    dz = tanh_backward(dout, h_cache)  # (m, n); forward: h = tanh(x W)
    return dz @ W.T, x.T @ dz


NETWORK_FAULTS = (
    Fault(
        "weights-updated-before-backward",
        "zero_to_gpt#12",
        "other",
        ("W1", "b1", "W2", "b2"),
        "The last weights are updated before the gradient is passed back through them.",
        _network(_weights_updated_first),
    ),
    Fault(
        "weights-for-their-gradient",
        "community.deeplearning.ai t/402919",
        "other",
        ("W2",),
        "W2 is returned in place of dW2.",
        _network(_weights_for_their_gradient),
    ),
    Fault(
        "activation-slope-of-another-layer",
        "no thread; an index that is one layer too high",
        "slope",
        ("W1", "b1"),
        "The slope of the first activation is taken where the second one was evaluated.",
        _network(_slope_of_another_layer),
        also=("other",),
    ),
    Fault(
        "activation-slope-missing",
        "RNN-LSTM-in-numpy#1",
        "slope",
        ("W1", "b1"),
        "The gradient is passed through the first activation without its derivative.",
        _network(_slope_missing),
        also=("other",),
    ),
    Fault(
        "bias-gradient-of-another-layer",
        "learn_dl#53",
        "other",
        ("b1",),
        "The first bias receives the gradient of the second.",
        _network(_bias_of_another_layer),
    ),
    Fault(
        "tied-weights-overwritten",
        "karpathy/micrograd#2",
        "other",
        ("W",),
        "W is used twice, but its second gradient overwrites the first instead of adding to it.",
        _square_layer(_tied_forward, _tied_backward, _tied_overwritten),
        also=("missing-term",),
    ),
    Fault(
        "skip-path-gradient-missing",
        "entrenar#313",
        "missing-term",
        ("x",),
        "In x + h(x) the gradient of the path around h is missing.",
        _square_layer(_residual_forward, _residual_backward, _residual_without_skip),
        also=("other",),
    ),
)
"""Faults of wiring."""
