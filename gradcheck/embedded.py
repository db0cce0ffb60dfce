"""What `gradcheck verify` checks when it is given no target: the reference network on iris.

Owns the problems (a small net per activation and loss, with L2 and dropout on, at initialisation
and after training) and the reference network as a subject of the laws.
At the edge: here and in `corpus` the checker meets `reference`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .laws import NotOffered, Subject
from .laws.subject import Array, Backward, Params
from .records import Problem
from .reference import (
    ACTIVATIONS,
    INITIALISERS,
    LOSSES,
    Adam,
    AdamW,
    Batch,
    GradientDescent,
    HeadWeights,
    Network,
    Statistics,
    TrainingSettings,
    accuracy,
    backward,
    batch_norm_backward,
    batch_norm_evaluate_forward,
    batch_norm_forward,
    cost,
    cost_and_gradient,
    dense_backward,
    dense_forward,
    dropout_backward,
    dropout_evaluate,
    dropout_forward,
    embedding_backward,
    embedding_forward,
    forward,
    initialise,
    load_iris,
    multi_head_attention_backward,
    multi_head_attention_forward,
    standardise,
    train,
    update_statistics,
)
from .reference.softmax import softmax_backward, softmax_forward

HIDDEN = (8, 6)
WEIGHT_DECAY = 1.0
KEEP_PROB = 0.8
HEADS = 2
STEP = 1e-100  # of a complex step: its square vanishes beside 1
TRAINING = TrainingSettings(Adam(learning_rate=0.02), epochs=40, batch_size=30)
NOT_COMPLEX = ("gelu",)  # math.erf
LOSS_OF = {"bce": "bce_with_logits", "softmax": "softmax_cross_entropy", "mse": "mse"}


def iris_batch(loss: str) -> Batch:
    """Return all of iris, standardised, with targets that suit the loss."""
    iris = load_iris()
    inputs = standardise(iris.inputs)
    if loss == "softmax_cross_entropy":
        return Batch(inputs, iris.labels)
    return Batch(inputs, np.eye(len(iris.class_names))[iris.labels])


def problems(seed: int) -> Iterator[Problem]:
    """Pose a problem per activation, loss and stage, one after another.

    Parameters
    ----------
    seed : int
        Of initial parameters, dropout masks and mini-batches.
    """
    for activation in ACTIVATIONS:
        for loss in LOSSES:
            network = Network((4, *HIDDEN, 3), activation, loss, WEIGHT_DECAY, KEEP_PROB)
            yield from _problems_of(network, iris_batch(loss), seed)


def count_problems() -> int:
    """Count what `problems` yields."""
    return 2 * len(ACTIVATIONS) * len(LOSSES)


def _problems_of(network: Network, batch: Batch, seed: int) -> Iterator[Problem]:
    rng = np.random.default_rng([seed, *f"{network.activation} {network.loss}".encode()])
    # not He for ReLU: its larger outputs saturate the naive loss, which is noisy there by nature
    start = initialise(network, "xavier", rng)
    title = f"{network.activation}, {network.loss}"
    yield _posed(network, start, batch, rng, f"{title}, at initialisation")
    settings = replace(TRAINING, seed=int(rng.integers(2**32)))
    trained, history = train(network, start, batch, settings)
    outcome = (
        f"cost {history.cost[0]:.2f} to {history.cost[-1]:.2f}"
        if network.loss == "mse"
        else f"accuracy {accuracy(network, trained, batch):.0%}"
    )
    yield _posed(network, trained, batch, rng, f"{title}, trained on iris ({outcome})")


def _posed(
    network: Network, params: Params, batch: Batch, rng: np.random.Generator, name: str
) -> Problem:
    """Pose the gradient in training mode, its dropout masks held still."""
    masks = np.random.default_rng(rng.integers(2**32))
    return Problem(
        f=lambda p: cost(network, p, batch, masks),
        claim=lambda p: cost_and_gradient(network, p, batch, masks)[1],
        x=params,
        name=name,
        random=(masks,),
    )


@dataclass(frozen=True)
class ReferenceSubject(Subject):
    """The reference network and its dropout, as the laws ask for them.

    Attributes
    ----------
    activation : str
        A name in `reference.ACTIVATIONS`.
    loss : str
        `bce`, `softmax` or `mse`.
    """

    activation: str = "relu"
    loss: str = "bce"

    def cost_and_gradient(
        self, params: Params, inputs: Array, targets: Array, weight_decay: float
    ) -> tuple[float, Params]:
        """Cost and gradient in evaluation mode."""
        network = self._network(params, weight_decay)
        value, gradient = cost_and_gradient(network, params, Batch(inputs, targets))
        return float(value), gradient

    def _network(self, params: Params, weight_decay: float = 0.0) -> Network:
        """Make a network of the sizes of some parameters."""
        layers = [params[f"W{k}"] for k in range(1, len(params) // 2 + 1)]
        sizes = (layers[0].shape[0], *(W.shape[1] for W in layers))
        return Network(sizes, self.activation, LOSS_OF[self.loss], weight_decay)

    def activations(self, params: Params, inputs: Array) -> list[Array]:
        """Return the outputs of the hidden layers: what the layers above them took in."""
        _, caches = forward(self._network(params), params, inputs)
        return [cache.dense[0] for cache in caches[1:]]

    def vjp(self, params: Params, inputs: Array, dout: Array) -> Params:
        """Pull a cotangent of the prediction back to the parameters."""
        network = self._network(params)
        _, caches = forward(network, params, inputs)
        return backward(network, dout, caches)

    def jvp(self, params: Params, inputs: Array, tangent: Params) -> Array:
        """Push a tangent forward by a complex step, which has no difference to cancel."""
        if self.activation in NOT_COMPLEX:
            raise NotOffered(f"{self.activation} is computed by a function of real numbers only")
        network = self._network(params)
        stepped = {name: value + 1j * STEP * tangent[name] for name, value in params.items()}
        prediction, _ = forward(network, stepped, inputs)
        return np.asarray(prediction.imag / STEP)

    def initial_weights(
        self, scheme: str, n_in: int, n_out: int, rng: np.random.Generator
    ) -> Array:
        """Draw the weights of one layer by a scheme of `reference.INITIALISERS`."""
        if scheme not in INITIALISERS:
            raise NotOffered(f"the reference has no scheme {scheme!r}")
        return INITIALISERS[scheme](rng, n_in, n_out, np.float64)

    def step(self, params: Params, gradient: Params, learning_rate: float) -> Params:
        """One step of gradient descent."""
        optimiser = GradientDescent(learning_rate)
        return optimiser.step(params, gradient, optimiser.init(params))[0]

    def adam_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """First step of Adam, the decay an L2 term of the gradient."""
        optimiser = Adam(learning_rate)
        regularised = {name: gradient[name] + weight_decay * W for name, W in params.items()}
        return optimiser.step(params, regularised, optimiser.init(params))[0]

    def adamw_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """First step of AdamW."""
        optimiser = AdamW(learning_rate, weight_decay=weight_decay)
        return optimiser.step(params, gradient, optimiser.init(params))[0]

    def dropout(
        self, x: Array, keep_prob: float, rng: np.random.Generator
    ) -> tuple[Array, Backward]:
        """Dropout in training and its backward pass."""
        out, cache = dropout_forward(x, keep_prob, rng)
        return out, lambda dout: dropout_backward(dout, cache)

    def dropout_evaluate(self, x: Array, keep_prob: float) -> Array:
        """Dropout in evaluation."""
        return dropout_evaluate(x, keep_prob)

    def softmax(self, z: Array) -> tuple[Array, Backward]:
        """Apply softmax to each row; also return its backward pass."""
        p, cache = softmax_forward(z)
        return p, lambda dout: softmax_backward(dout, cache)

    def dropout_masked(self, x: Array, mask: npt.NDArray[np.bool_], keep_prob: float) -> Array:
        """Dropout with a given mask: a generator that draws it is made up for the occasion."""
        return dropout_forward(x, keep_prob, _Scripted(mask, keep_prob))[0]

    def normalised_dense(self, W: Array, x: Array) -> tuple[Array, Backward]:
        """Apply batch normalisation after a dense layer; also return dout -> dW."""
        units = W.shape[1]
        z, dense_cache = dense_forward(x, W, np.zeros(units))
        out, cache = batch_norm_forward(z, np.ones(units), np.zeros(units))
        return out, lambda dout: dense_backward(batch_norm_backward(dout, cache)[0], dense_cache)[1]

    def batch_norm(self, features: int) -> ReferenceBatchNorm:
        """Make a layer that notes its statistics."""
        return ReferenceBatchNorm(features)

    def attention(self, x: Array, mask: npt.NDArray[np.bool_]) -> tuple[Array, Backward]:
        """Attend in two heads, with weights that are the same at every call."""
        width = x.shape[-1]
        drawn = np.random.default_rng(0).standard_normal((4, width, width)) / np.sqrt(width)
        out, cache = multi_head_attention_forward(x, x, HeadWeights(*drawn), HEADS, mask)

        def backward(dout: Array) -> Array:
            dx, dcontext, _ = multi_head_attention_backward(dout, cache)
            return dx + dcontext

        return out, backward

    def embedding(
        self, table: Array, indices: npt.NDArray[np.int64], padding_index: int
    ) -> tuple[Array, Backward]:
        """Look rows up."""
        out, cache = embedding_forward(table, indices, padding_index)
        return out, lambda dout: embedding_backward(dout, cache)


class ReferenceBatchNorm:
    """Batch normalisation of the reference, with gain 1, bias 0 and its statistics beside it."""

    def __init__(self, features: int) -> None:
        self._gain, self._bias = np.ones(features), np.zeros(features)
        self._running = Statistics(np.zeros(features), np.ones(features))

    def train(self, x: Array) -> Array:
        """Normalise by the batch and note its statistics."""
        self._running = update_statistics(self._running, x)
        return batch_norm_forward(x, self._gain, self._bias)[0]

    def evaluate(self, x: Array) -> Array:
        """Normalise by what was noted."""
        return batch_norm_evaluate_forward(x, self._gain, self._bias, self._running)[0]


class _Scripted(np.random.Generator):
    """A generator whose next uniform numbers fall on the side of keep_prob that a mask asks for."""

    def __init__(self, mask: npt.NDArray[np.bool_], keep_prob: float) -> None:
        super().__init__(np.random.PCG64(0))
        self._uniform = np.where(mask, 0.0, (1.0 + keep_prob) / 2)

    def random(self, *_: object, **__: object) -> npt.NDArray[np.float64]:  # type: ignore[override]
        """Return the scripted numbers, whatever is asked for."""
        return self._uniform


def subjects() -> tuple[ReferenceSubject, ...]:
    """Return the reference networks on which `gradcheck verify` tries the laws."""
    return (ReferenceSubject("relu", "bce"), ReferenceSubject("tanh", "softmax"))
