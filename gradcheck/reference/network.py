"""The network: dense layers with an activation between them, a loss on top.

Owns: the settings (Network), initial parameters, forward, backward, cost, gradient, predictions.
Does not own any layer's mathematics, nor training. Place: above all layers, under `training`.
Settings, parameters and caches are three separate things; nothing is kept between calls.
Letters: m = rows of the batch, n_in = sizes[0], n_out = sizes[-1], depth = number of layers.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .activations import ACTIVATIONS, Activation
from .arrays import Array, Cache, Params, Scalar
from .dense import dense_backward, dense_backward_parameters, dense_forward
from .dropout import dropout_backward, dropout_forward, require_keep_prob
from .initialisers import INITIALISERS, Initialiser
from .losses import LOSSES
from .regularisation import l2_backward, l2_forward


class Batch(NamedTuple):
    """Rows with their answers: inputs (m, n_in); targets as the loss wants them."""

    inputs: Array
    targets: Array


class LayerCache(NamedTuple):
    """What the backward of one layer needs; dropout is None where none took place."""

    dense: Cache
    activation: Cache
    dropout: Array | None


@dataclass(frozen=True)
class Network:
    """The settings of a network; the parameters live elsewhere.

    Parameters
    ----------
    sizes : tuple of int
        Units per layer, inputs first: (4, 8, 3) is 4 inputs, 8 hidden units, 3 outputs.
    activation : str
        Of the hidden layers: a key of ACTIVATIONS.
    loss : str
        A key of LOSSES. The last layer is linear, except that "bce_from_probabilities" has a
        sigmoid in front of it.
    weight_decay : float
        The lambda of the L2 term, >= 0.
    keep_prob : float
        Of the dropout after each hidden activation, in (0, 1].

    Raises
    ------
    ValueError
        Where a setting breaks its rule; the message names it, its value and the mend.

    Examples
    --------
    >>> Network((4, 8, 3)).loss
    'softmax_cross_entropy'
    """

    sizes: tuple[int, ...]
    activation: str = "relu"
    loss: str = "softmax_cross_entropy"
    weight_decay: float = 0.0
    keep_prob: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))  # a list would not be hashable
        _require_sizes(self.sizes)
        _require_key("activation", self.activation, tuple(ACTIVATIONS))
        _require_key("loss", self.loss, tuple(LOSSES))
        if self.loss == "softmax_cross_entropy" and self.sizes[-1] < 2:
            raise ValueError(
                f"sizes={self.sizes} ends in one output, where softmax_cross_entropy is always 0; "
                "give it one output per class, or use loss='bce_with_logits'"
            )
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(
                f"weight_decay={self.weight_decay}, but it must be finite and at least 0; "
                "use weight_decay=0.0 for no L2 term"
            )
        require_keep_prob(self.keep_prob)


def weight_names(network: Network) -> tuple[str, ...]:
    """Return ("W1", "W2", ...), from the inputs to the outputs."""
    return tuple(f"W{layer}" for layer in range(1, len(network.sizes)))


def initialise(
    network: Network,
    scheme: str | Initialiser,
    rng: np.random.Generator,
    dtype: npt.DTypeLike = np.float64,
) -> Params:
    """Draw the weights by a scheme and set the biases to zero.

    Parameters
    ----------
    scheme : str or Initialiser
        A key of INITIALISERS, or a function (rng, n_in, n_out, dtype) -> W.
    rng : np.random.Generator
        Used for W1 first, then W2, and so on.
    dtype : dtype
        Floating or complex; of all parameters, and so of every result of the network.

    Raises
    ------
    ValueError
        Where the scheme is unknown or the dtype is not floating.

    Examples
    --------
    >>> params = initialise(Network((4, 8, 3)), "he", np.random.default_rng(0))
    >>> {name: array.shape for name, array in params.items()}
    {'W1': (4, 8), 'b1': (8,), 'W2': (8, 3), 'b2': (3,)}
    """
    if np.dtype(dtype).kind not in "fc":
        raise ValueError(f"dtype={dtype}, but parameters are floating; use np.float64")
    if isinstance(scheme, str):
        _require_key("scheme", scheme, tuple(INITIALISERS))
        scheme = INITIALISERS[scheme]
    params: Params = {}
    for layer, (n_in, n_out) in enumerate(pairwise(network.sizes), start=1):
        params[f"W{layer}"] = scheme(rng, n_in, n_out, dtype)  # (n_in, n_out)
        params[f"b{layer}"] = np.zeros(n_out, dtype=dtype)  # (n_out,)
    return params


def forward(
    network: Network, params: Params, inputs: Array, rng: np.random.Generator | None = None
) -> tuple[Array, list[LayerCache]]:
    """Compute the prediction, and what `backward` needs.

    Parameters
    ----------
    inputs : Array
        Shape (m, n_in), or ValueError; rounded to the dtype of the parameters.
    rng : np.random.Generator, optional
        Given: training, dropout masks are drawn from it. None: evaluation, no dropout.

    Returns
    -------
    prediction : Array
        Shape (m, n_out): logits, probabilities ("bce_from_probabilities") or values ("mse").
    caches : list of LayerCache
        One per layer, from the inputs to the outputs.

    Examples
    --------
    >>> network = Network((2, 3, 2))
    >>> params = initialise(network, "zeros", np.random.default_rng(0))
    >>> prediction, caches = forward(network, params, np.ones((1, 2)))
    >>> prediction
    array([[0., 0.]])
    """
    a = _inputs_like(network, params, inputs)  # (m, n_in)
    caches = []
    for layer in range(1, len(network.sizes)):
        z, dense_cache = dense_forward(a, params[f"W{layer}"], params[f"b{layer}"])
        a, activation_cache = _activation_of(network, layer).forward(z)  # (m, sizes[layer])
        mask = None
        if rng is not None and layer < len(network.sizes) - 1:  # never on the outputs
            a, mask = dropout_forward(a, network.keep_prob, rng)
        caches.append(LayerCache(dense_cache, activation_cache, mask))
    return a, caches


def backward(network: Network, dprediction: Array, caches: list[LayerCache]) -> Params:
    """Compute the gradient of sum(dprediction * prediction) for every parameter.

    dprediction has shape (m, n_out); caches is what `forward` returned. Keys and shapes of the
    result are those of the parameters. The L2 term is no part of it: see `cost_and_gradient`.
    """
    gradient: Params = {}
    da = dprediction
    for layer in reversed(range(1, len(network.sizes))):
        dense_cache, activation_cache, mask = caches[layer - 1]
        if mask is not None:
            da = dropout_backward(da, mask)  # forward: a = dropout(a)
        dz = _activation_of(network, layer).backward(da, activation_cache)  # forward: a(z)
        if layer > 1:
            da, dW, db = dense_backward(dz, dense_cache)  # forward: z = a W + b
        else:  # a is the inputs, whose gradient nobody asks for
            dW, db = dense_backward_parameters(dz, dense_cache)
        gradient = {f"W{layer}": dW, f"b{layer}": db, **gradient}
    return gradient


def cost(
    network: Network, params: Params, batch: Batch, rng: np.random.Generator | None = None
) -> Scalar:
    """Compute the loss of the batch plus the L2 term, a scalar of the parameters' dtype.

    The L2 term is weight_decay / (2 m) times the sum of all squared weights, m = rows of *this*
    batch. rng as in `forward`. Raises ValueError where inputs or targets do not fit.

    Examples
    --------
    >>> network = Network((2, 3, 2))
    >>> params = initialise(network, "zeros", np.random.default_rng(0))
    >>> round(float(cost(network, params, Batch(np.ones((1, 2)), np.array([1])))), 6)
    0.693147
    """
    prediction, _ = forward(network, params, batch.inputs, rng)
    data_cost, _ = LOSSES[network.loss].forward(prediction, batch.targets)
    penalty, _ = l2_forward(_weights(network, params), network.weight_decay, len(prediction))
    total: Scalar = data_cost + penalty
    return total


def cost_and_gradient(
    network: Network, params: Params, batch: Batch, rng: np.random.Generator | None = None
) -> tuple[Scalar, Params]:
    """Compute the cost and its gradient, L2 term included in both.

    Costs one forward and one backward pass. rng as in `forward`; the gradient is that of the
    sub-network that was drawn. Raises ValueError where inputs or targets do not fit.

    Examples
    --------
    >>> network = Network((2, 2), loss="mse")
    >>> params = initialise(network, "zeros", np.random.default_rng(0))
    >>> batch = Batch(np.ones((1, 2)), np.array([[1.0, 2.0]]))
    >>> value, gradient = cost_and_gradient(network, params, batch)
    >>> float(value), gradient["b1"]
    (2.5, array([-1., -2.]))
    """
    loss = LOSSES[network.loss]
    prediction, caches = forward(network, params, batch.inputs, rng)
    data_cost, loss_cache = loss.forward(prediction, batch.targets)
    dtotal = data_cost.dtype.type(1)
    dprediction = loss.backward(dtotal, loss_cache)  # forward: data_cost = loss(prediction)
    gradient = backward(network, dprediction, caches)
    if network.weight_decay == 0:  # no L2 term, and no array of the size of all weights for it
        return data_cost, gradient

    penalty, l2_cache = l2_forward(_weights(network, params), network.weight_decay, len(prediction))
    dweights = l2_backward(dtotal, l2_cache)  # forward: data_cost + penalty
    for name, dW in zip(weight_names(network), dweights, strict=True):
        gradient[name] += dW  # W is used twice: in the layer and in the penalty
    total: Scalar = data_cost + penalty
    return total, gradient


def stacked_cost(network: Network, params: Params, batch: Batch) -> Array:
    """Compute the cost of many parameters at once, without dropout: one number for each, (B,).

    Every array of params has an axis of length B in front of its own. Layers take the stack in one
    product each; the loss, which has few numbers, is computed one after another.

    Examples
    --------
    >>> network = Network((2, 3, 2))
    >>> params = initialise(network, "zeros", np.random.default_rng(0))
    >>> stack = {name: np.stack([array, array]) for name, array in params.items()}
    >>> stacked_cost(network, stack, Batch(np.ones((1, 2)), np.array([1]))).round(6)
    array([0.693147, 0.693147])
    """
    weights = weight_names(network)
    rows = {name: a if name in weights else a[:, np.newaxis] for name, a in params.items()}
    prediction, _ = forward(network, rows, batch.inputs)  # (B, m, n_out)
    costs = []
    for n, one in enumerate(prediction):
        data_cost, _ = LOSSES[network.loss].forward(one, batch.targets)
        penalty, _ = l2_forward([params[W][n] for W in weights], network.weight_decay, len(one))
        costs.append(data_cost + penalty)
    return np.array(costs)


def predict(network: Network, params: Params, inputs: Array) -> Array:
    """Return labels (m,) for softmax, 0 or 1 (m, n_out) for bce, values (m, n_out) for mse."""
    prediction, _ = forward(network, params, inputs)
    if network.loss == "softmax_cross_entropy":
        return np.asarray(prediction.argmax(axis=1))  # (m,)
    if network.loss == "bce_with_logits":
        return (prediction > 0).astype(int)
    if network.loss == "bce_from_probabilities":
        return (prediction > 0.5).astype(int)
    return prediction


def accuracy(network: Network, params: Params, batch: Batch) -> float:
    """Return the share of targets that `predict` meets; ValueError for mse, which has no labels."""
    if network.loss == "mse":
        raise ValueError("loss='mse' predicts values, which have no accuracy; use `cost` instead")
    return float(np.mean(predict(network, params, batch.inputs) == batch.targets))


def _activation_of(network: Network, layer: int) -> Activation:
    if layer < len(network.sizes) - 1:
        return ACTIVATIONS[network.activation]
    return ACTIVATIONS["sigmoid" if network.loss == "bce_from_probabilities" else "identity"]


def _weights(network: Network, params: Params) -> tuple[Array, ...]:
    return tuple(params[name] for name in weight_names(network))


def _inputs_like(network: Network, params: Params, inputs: Array) -> Array:
    """Return the inputs in the dtype of the parameters; same_kind: complex never becomes real."""
    if np.ndim(inputs) != 2 or np.shape(inputs)[1] != network.sizes[0]:
        raise ValueError(
            f"inputs has shape {np.shape(inputs)}, but sizes={network.sizes} needs "
            f"(m, {network.sizes[0]}); give a single row as inputs[None, :]"
        )
    return np.asarray(inputs).astype(params["W1"].dtype, casting="same_kind", copy=False)


def _require_sizes(sizes: tuple[int, ...]) -> None:
    if len(sizes) < 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in sizes):
        raise ValueError(
            f"sizes={sizes}, but a network needs at least two whole numbers >= 1, inputs first "
            "and outputs last; write for example sizes=(4, 8, 3)"
        )


def _require_key(argument: str, value: str, keys: tuple[str, ...]) -> None:
    if value not in keys:
        raise ValueError(f"{argument}={value!r} is unknown; use one of {', '.join(keys)}")
