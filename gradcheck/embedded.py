"""What `gradcheck verify` checks when it is given no target: the reference network on iris.

Owns the problems (a small net per activation and loss, with L2 and dropout on, at initialisation
and after training) and the reference network as a subject of the laws.
At the edge: the one place where the checker meets `reference`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .laws import Subject
from .laws.protocol import Array, Params
from .records import Problem
from .reference import (
    ACTIVATIONS,
    LOSSES,
    Adam,
    AdamW,
    Batch,
    GradientDescent,
    Network,
    TrainingSettings,
    accuracy,
    cost,
    cost_and_gradient,
    dropout_backward,
    dropout_evaluate,
    dropout_forward,
    initialise,
    load_iris,
    standardise,
    train,
)

HIDDEN = (8, 6)
WEIGHT_DECAY = 1.0
KEEP_PROB = 0.8
TRAINING = TrainingSettings(Adam(learning_rate=0.02), epochs=40, batch_size=30)
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
        layers = [params[f"W{k}"] for k in range(1, len(params) // 2 + 1)]
        sizes = (layers[0].shape[0], *(W.shape[1] for W in layers))
        network = Network(sizes, self.activation, LOSS_OF[self.loss], weight_decay)
        value, gradient = cost_and_gradient(network, params, Batch(inputs, targets))
        return float(value), gradient

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
    ) -> tuple[Array, Callable[[Array], Array]]:
        """Dropout in training and its backward pass."""
        out, cache = dropout_forward(x, keep_prob, rng)
        return out, lambda dout: dropout_backward(dout, cache)

    def dropout_evaluate(self, x: Array, keep_prob: float) -> Array:
        """Dropout in evaluation."""
        return dropout_evaluate(x, keep_prob)

    def dropout_masked(self, x: Array, mask: npt.NDArray[np.bool_], keep_prob: float) -> Array:
        """Dropout with a given mask: a generator that draws it is made up for the occasion."""
        return dropout_forward(x, keep_prob, _Scripted(mask, keep_prob))[0]


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
