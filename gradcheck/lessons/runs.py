"""One recipe on one task: trained, and looked at on the way.

Owns what is measured of a run, and the running. Draws from the seed it is given, and nothing else.
Part of `lessons`. Letters: m = rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from ..reference import (
    ACTIVATIONS,
    LOSSES,
    Array,
    Batch,
    Network,
    Optimiser,
    Params,
    TrainingSettings,
    accuracy,
    cost_and_gradient,
    forward,
    train,
    weight_names,
)
from .data import TASKS, Task
from .recipes import Recipe, Settings

FLAT = 0.02  # of an activation's steepest slope: what passes less of a gradient is saturated

PerLayer: TypeAlias = tuple[float, ...]


@dataclass(frozen=True)
class Look:
    """What is measured of a network at one moment, on all training rows and without dropout.

    Attributes
    ----------
    step : int
        Of training; 0 is before the first.
    cost, test_accuracy : float
        What is minimised, and the share of the test rows that are told right.
    weight_gradients, unit_gradients : tuple of float
        The norm of dW, layer by layer; the root mean square of db, which is the gradient of the
        units before their activation.
    gradient_spread, spread : tuple of float
        By hidden layer, the largest difference between two of its units: in the gradients, and in
        the values, of all weights that lead to them and of their bias.
    signals : tuple of float
        The root mean square of the activations, by hidden layer.
    saturated : float
        Share of the activations of sigmoid and tanh with less than FLAT of the steepest slope; for
        relu the share of the units that are off for every row.
    weights : float
        The norm of all weights together.
    """

    step: int
    cost: float
    test_accuracy: float
    weight_gradients: PerLayer
    unit_gradients: PerLayer
    gradient_spread: PerLayer
    spread: PerLayer
    signals: PerLayer
    saturated: float
    weights: float


@dataclass(frozen=True, eq=False)
class Run:
    """A recipe that was trained on a task.

    Attributes
    ----------
    recipe, task : Recipe, Task
        What was trained, and on what.
    seed : int
        Of data, start, order of the rows and masks.
    cost, accuracy : tuple of float
        On the training rows after each epoch, without dropout; of the cost, L2 term included.
    looks : tuple of Look
        From before the first step to after the last.
    naive_cost : float
        The cross-entropy at the start as the formula has it, logarithms of probabilities.
    stable_cost : float
        The same from the logits, by the reference.
    start, end : dict
        The parameters.
    """

    recipe: Recipe
    task: Task
    seed: int
    cost: tuple[float, ...]
    accuracy: tuple[float, ...]
    looks: tuple[Look, ...]
    naive_cost: float
    stable_cost: float
    start: Params = field(repr=False)
    end: Params = field(repr=False)

    @property
    def first(self) -> Look:
        """Before the first step."""
        return self.looks[0]

    @property
    def last(self) -> Look:
        """After the last step."""
        return self.looks[-1]

    @property
    def network(self) -> Network:
        """The settings of the network."""
        return self.recipe.network(self.task)


def run(recipe: Recipe, task: str, settings: Settings, seed: int) -> Run:
    """Train a recipe on a task, and look at it on the way.

    Parameters
    ----------
    recipe : Recipe
        What to train.
    task : str
        A key of TASKS.
    settings : Settings
        How long.
    seed : int
        Decides everything that is drawn: two runs of one seed are equal, and two recipes of one
        seed see the same data in the same order.

    Examples
    --------
    >>> from gradcheck.lessons import Recipe, Settings
    >>> done = run(Recipe("He, relu"), "iris", Settings(epochs=20), seed=1)
    >>> done.last.test_accuracy > 0.8
    True
    """
    learnt = TASKS[task](np.random.default_rng([seed, 0]))
    network = recipe.network(learnt)
    start = recipe.start(network, np.random.default_rng([seed, 1]))
    watched = _Watched(recipe.optimiser)
    training = TrainingSettings(watched, settings.epochs * recipe.rounds, settings.batch_size, seed)
    with np.errstate(all="ignore"):  # what diverges is to be seen in the table, not in warnings
        end, history = train(network, start, learnt.train, training)
        steps = np.linspace(0, len(watched.trail), settings.looks + 1).round().astype(int)
        trail = [start, *watched.trail]
        looks = tuple(_look(network, learnt, trail[i], int(i)) for i in np.unique(steps))
        naive, stable = _costs(network, learnt.train, start)
    return Run(
        recipe, learnt, seed, history.cost, history.accuracy, looks, naive, stable, start, end
    )


class _Watched:
    """An optimiser that notes where each step led: `train` returns only the end."""

    def __init__(self, optimiser: Optimiser) -> None:
        self.optimiser = optimiser
        self.trail: list[Params] = []

    def init(self, params: Params) -> object:
        return self.optimiser.init(params)

    def step(self, params: Params, gradient: Params, state: object) -> tuple[Params, object]:
        params, state = self.optimiser.step(params, gradient, state)
        self.trail.append(params)
        return params, state


def _look(network: Network, task: Task, params: Params, step: int) -> Look:
    value, gradient = cost_and_gradient(network, params, task.train)
    names = weight_names(network)
    hidden = hidden_activations(network, params, task.train.inputs)
    return Look(
        step,
        float(value),
        accuracy(network, params, task.test),
        tuple(float(np.linalg.norm(gradient[name])) for name in names),
        tuple(_root_mean_square(gradient[name.replace("W", "b")]) for name in names),
        unit_spread(network, gradient),
        unit_spread(network, params),
        tuple(_root_mean_square(a) for a in hidden),
        _saturated(network, params, task.train.inputs),
        float(np.sqrt(sum(np.sum(params[name] ** 2) for name in names))),
    )


def hidden_activations(network: Network, params: Params, inputs: Array) -> list[Array]:
    """Return what each hidden layer puts out, (m, units) each, without dropout."""
    _, caches = forward(network, params, inputs)
    return [cache.dense[0] for cache in caches[1:]]  # what goes into the layer behind it


def unit_spread(network: Network, params: Params) -> PerLayer:
    """Return by hidden layer the largest difference between two units; params or a gradient."""
    rows = (
        np.vstack([params[f"W{layer}"], params[f"b{layer}"]])  # (n_in + 1, units)
        for layer in range(1, len(network.sizes) - 1)
    )
    return tuple(float(np.ptp(units, axis=1).max()) for units in rows)


def _saturated(network: Network, params: Params, inputs: Array) -> float:
    activation = ACTIVATIONS[network.activation]
    if network.activation == "relu":
        hidden = hidden_activations(network, params, inputs)
        return float(np.mean(np.concatenate([~np.any(a > 0, axis=0) for a in hidden])))
    _, at_zero = activation.forward(np.zeros(1))
    steepest = float(activation.backward(np.ones(1), at_zero)[0])
    _, caches = forward(network, params, inputs)
    slopes = [
        activation.backward(np.ones_like(cache.dense[0]), behind.activation)
        for behind, cache in pairwise(caches)
    ]
    return float(np.mean([np.mean(slope < FLAT * steepest) for slope in slopes]))


def _costs(network: Network, rows: Batch, params: Params) -> tuple[float, float]:
    """Compute the cross-entropy by the formula, and by the reference from the logits."""
    logits, _ = forward(network, params, rows.inputs)
    stable, _ = LOSSES[network.loss].forward(logits, rows.targets)
    if network.loss == "bce_with_logits":
        naive, _ = LOSSES["bce_from_probabilities"].forward(1 / (1 + np.exp(-logits)), rows.targets)
    else:
        exponentials = np.exp(logits)  # the largest logit is not subtracted: that is the point
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        naive = -np.log(p[np.arange(len(p)), rows.targets]).mean()
    return float(naive), float(stable)


def _root_mean_square(a: Array) -> float:
    return float(np.sqrt(np.mean(np.square(a))))
