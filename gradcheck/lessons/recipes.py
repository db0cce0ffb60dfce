"""What is compared: networks, how they start, and how they are trained.

Owns the recipes and the settings of a campaign. Runs nothing.
Part of `lessons`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..reference import (
    INITIALISERS,
    Adam,
    Array,
    GradientDescent,
    Initialiser,
    Network,
    Optimiser,
    Params,
    constant,
    initialise,
    scaled_normal,
    weight_names,
)
from .data import Task

WIDTH = 16  # units of each of two hidden layers: enough for circles, few enough to look at
WIDE = 64  # where a network is to learn its points by heart
DEEP = (WIDTH,) * 8  # hidden layers through which a gradient may vanish or explode
DEVIATION = 1 / np.sqrt(12)  # of a uniform of width 1, so that the normal beside it has the same
DESCENT = GradientDescent(0.1)  # from He weights it learns circles within the epochs
ADAM_RATE = 0.01
BIAS = 0.5  # standard deviation of biases, where they are drawn at all
STRING = 0.25  # the constant of constant weights: with 0.5, the second layer of 16 units saturates
DECAYS = (0.1, 0.3, 1.0)  # lambda of L2, as the course has it; the last is too much of it
KEEP_PROB = 0.5


@dataclass(frozen=True)
class Settings:
    """How much is trained.

    Attributes
    ----------
    seeds : int
        Runs of each recipe on each task; medians over them are compared.
    epochs : int
        Of each run.
    looks : int
        Times at which gradients are measured, from the first step to the last.
    batch_size : int
        Rows of a mini-batch.
    """

    seeds: int = 5
    epochs: int = 60
    looks: int = 12
    batch_size: int = 32

    def __post_init__(self) -> None:
        for name in ("seeds", "epochs", "looks", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}, but it must be at least 1")


QUICK = Settings(seeds=3, epochs=30)


@dataclass(frozen=True)
class Recipe:
    """A network, its start and its optimiser, for any task.

    Attributes
    ----------
    name : str
        What the tables call it.
    scheme : str
        A key of SCHEMES: how weights are drawn.
    activation : str
        Of the hidden layers.
    hidden : tuple of int
        Their units.
    optimiser : Optimiser
        Of `gradcheck.reference`, or one with the same two methods.
    bias : float
        Standard deviation of the biases at the start.
    weight_decay, keep_prob : float
        The lambda of L2, and the probability with which dropout keeps a unit.
    rounds : int
        Times the epochs of the settings: few points make few steps an epoch.
    """

    name: str
    scheme: str = "he"
    activation: str = "relu"
    hidden: tuple[int, ...] = (WIDTH, WIDTH)
    optimiser: Optimiser = DESCENT
    bias: float = 0.0
    weight_decay: float = 0.0
    keep_prob: float = 1.0
    rounds: int = 1

    def network(self, task: Task) -> Network:
        """Fit the network to the inputs and outputs of a task."""
        sizes = (task.train.inputs.shape[1], *self.hidden, task.outputs)
        return Network(sizes, self.activation, task.loss, self.weight_decay, self.keep_prob)

    def start(self, network: Network, rng: np.random.Generator) -> Params:
        """Draw the parameters before the first step."""
        params = initialise(network, SCHEMES[self.scheme], rng)
        if self.bias:
            for name in weight_names(network)[:-1]:  # hidden biases only
                bias = name.replace("W", "b")
                params[bias] = self.bias * rng.standard_normal(params[bias].shape)
        return params


@dataclass(frozen=True)
class Collapsed:
    """Gradient descent for one unit that stands for all of its layer, in a network of that width.

    With n units in each hidden layer, all alike, one unit with n times the outgoing weight follows
    the same path if W moves by n_before / n_after of the gradient, and b by 1 / n_after; inputs
    and outputs do not collapse and count as 1. `gradcheck.laws` derives it.
    """

    learning_rate: float
    widths: tuple[int, ...]

    def init(self, params: Params) -> tuple[()]:
        """Return the empty state."""
        del params  # the same signature as the optimisers that have a state
        return ()

    def step(self, params: Params, gradient: Params, state: tuple[()]) -> tuple[Params, tuple[()]]:
        """Take one step."""
        widths = (1, *self.widths, 1)
        stepped = {}
        for name in params:
            layer = int(name[1:])
            before = widths[layer - 1] if name.startswith("W") else 1
            rate = self.learning_rate * before / widths[layer]
            stepped[name] = params[name] - rate * gradient[name]
        return stepped, state


def _string(rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike) -> Array:
    """Give the one unit of a layer the outgoing weight of all the units it stands for."""
    stands_for = WIDTH if n_in == 1 else 1  # inputs are two or more, and stand for themselves
    return constant(STRING * stands_for)(rng, n_in, n_out, dtype)


SCHEMES: Mapping[str, Initialiser] = {
    **INITIALISERS,
    "constant": constant(STRING),
    "string": _string,
    "randn": scaled_normal(DEVIATION),
}

INITIALISATION = (
    Recipe("zeros, relu", "zeros"),
    Recipe("zeros, tanh", "zeros", "tanh"),
    Recipe("zeros, sigmoid", "zeros", "sigmoid"),
    Recipe("zeros, random b", "zeros", "tanh", bias=BIAS),
    Recipe("constant, tanh", "constant", "tanh"),
    Recipe(
        "its thin string",
        "string",
        "tanh",
        (1, 1),
        Collapsed(DESCENT.learning_rate, (WIDTH, WIDTH)),
    ),
    Recipe("small, relu", "small_normal"),
    Recipe("He, relu"),
    Recipe("He, random b", bias=BIAS),
    Recipe("large, relu", "large_normal"),
    Recipe("Xavier, tanh", "xavier", "tanh"),
    Recipe("Xavier, sigmoid", "xavier", "sigmoid"),
    Recipe("large, sigmoid", "large_normal", "sigmoid"),
    Recipe("rand, tanh", "uniform01", "tanh"),
    Recipe("randn, tanh", "randn", "tanh"),
    Recipe("rand - 1/2", "uniform_zero_mean", "tanh"),
)
DEPTH = (
    Recipe("deep small, relu", "small_normal", hidden=DEEP),
    Recipe("deep Xavier relu", "xavier", hidden=DEEP),
    Recipe("deep He, relu", hidden=DEEP),
    Recipe("deep large, relu", "large_normal", hidden=DEEP),
    Recipe("deep Xavier tanh", "xavier", "tanh", DEEP),
    Recipe("deep Xavier sigm", "xavier", "sigmoid", DEEP),
)
_LEARNER = Recipe("none", hidden=(WIDE, WIDE), optimiser=Adam(ADAM_RATE), rounds=3)
REGULARISATION = (
    _LEARNER,
    *(replace(_LEARNER, name=f"L2, {decay:g}", weight_decay=decay) for decay in DECAYS),
    replace(_LEARNER, name="dropout", keep_prob=KEEP_PROB),
)


@dataclass(frozen=True)
class Experiment:
    """Recipes that are compared with each other, on the same tasks.

    Attributes
    ----------
    title : str
        What is compared, as a heading.
    tasks : tuple of str
        Keys of TASKS.
    recipes : tuple of Recipe
        One row each of the tables.
    """

    title: str
    tasks: tuple[str, ...]
    recipes: tuple[Recipe, ...]


EXPERIMENTS = (
    Experiment("how weights start", ("circles", "iris"), INITIALISATION),
    Experiment("eight hidden layers", ("circles", "iris"), DEPTH),
    Experiment("few points, some mislabelled", ("noisy circles", "noisy iris"), REGULARISATION),
)
