"""Optimisers: one step from parameters and gradient to better parameters.

Owns: gradient descent, momentum, Adam, AdamW. Does not own the gradient, nor the loop.
Place: a leaf under `training`. An optimiser is a frozen record of settings; its state is a value
that is passed in and returned. Nothing is modified in place, and float32 stays float32: settings
are Python floats, which leave the dtype of an array alone.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from .arrays import Params

State: TypeAlias = Any
"""What an optimiser keeps between steps; only the optimiser that made it reads it."""


class Optimiser(Protocol):
    """What `training.train` needs of an optimiser."""

    def init(self, params: Params) -> State:
        """Return the state before the first step."""
        ...

    def step(self, params: Params, gradient: Params, state: State) -> tuple[Params, State]:
        """Return new parameters and a new state; the arguments are left as they are."""
        ...


@dataclass(frozen=True)
class GradientDescent:
    """W <- W - learning_rate * dW; it has no state.

    Examples
    --------
    >>> optimiser = GradientDescent(learning_rate=0.5)
    >>> params, gradient = {"W1": np.array([[1.0]])}, {"W1": np.array([[4.0]])}
    >>> optimiser.step(params, gradient, optimiser.init(params))
    ({'W1': array([[-1.]])}, ())
    """

    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        _require_positive("learning_rate", self.learning_rate)

    def init(self, params: Params) -> tuple[()]:
        """Return the empty state."""
        del params  # the same signature as the optimisers that have a state
        return ()

    def step(self, params: Params, gradient: Params, state: tuple[()]) -> tuple[Params, tuple[()]]:
        """Take one step."""
        return {name: params[name] - self.learning_rate * gradient[name] for name in params}, state


@dataclass(frozen=True)
class Momentum:
    """V <- momentum * V + dW, then W <- W - learning_rate * V; the state is V.

    Source: Polyak (1964), USSR Comput. Math. Math. Phys. 4(5), the heavy ball. The course's form
    with (1 - momentum) * dW is this one with the learning rate divided by 1 - momentum.
    """

    learning_rate: float = 0.01
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _require_positive("learning_rate", self.learning_rate)
        _require_fraction("momentum", self.momentum)

    def init(self, params: Params) -> Params:
        """Return the velocity zero."""
        return _zeros_like(params)

    def step(self, params: Params, gradient: Params, state: Params) -> tuple[Params, Params]:
        """Take one step."""
        velocity = {name: self.momentum * state[name] + gradient[name] for name in params}
        return {
            name: params[name] - self.learning_rate * velocity[name] for name in params
        }, velocity


class AdamState(NamedTuple):
    """Steps taken so far, and the running means of the gradient and of its square."""

    steps: int
    mean: Params
    square: Params


@dataclass(frozen=True)
class Adam:
    """Steps of the size of the learning rate, whatever the scale of the gradient.

    M <- beta1 M + (1 - beta1) dW, V <- beta2 V + (1 - beta2) dW^2; both start at 0 and are
    corrected for that by 1 - beta^t; W <- W - learning_rate * M / (sqrt(V) + epsilon).
    Source: Kingma & Ba (2015), ICLR, arXiv:1412.6980, Algorithm 1.
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _require_positive("learning_rate", self.learning_rate)
        _require_fraction("beta1", self.beta1)
        _require_fraction("beta2", self.beta2)
        _require_positive("epsilon", self.epsilon)

    def init(self, params: Params) -> AdamState:
        """Return the state before the first step: both means are zero."""
        return AdamState(0, _zeros_like(params), _zeros_like(params))

    def step(self, params: Params, gradient: Params, state: AdamState) -> tuple[Params, AdamState]:
        """Take one step."""
        steps = state.steps + 1
        mean, square, stepped = {}, {}, {}
        for name, W in params.items():
            dW = gradient[name]
            mean[name] = self.beta1 * state.mean[name] + (1 - self.beta1) * dW
            square[name] = self.beta2 * state.square[name] + (1 - self.beta2) * (dW * dW)
            corrected_mean = mean[name] / (1 - self.beta1**steps)
            corrected_square = square[name] / (1 - self.beta2**steps)
            direction = corrected_mean / (np.sqrt(corrected_square) + self.epsilon)
            stepped[name] = W - self.learning_rate * direction
        return stepped, AdamState(steps, mean, square)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, and besides W <- W - learning_rate * weight_decay * W with the old W.

    The decay bypasses the division by sqrt(V), so that it is the same for every weight; an L2
    term in the cost would be divided like any gradient. Leaves whose name starts with W decay and
    biases do not: a bias multiplies no input, so that a large one makes the network no more
    sensitive, and shrinking it would only shift the units. Source: Loshchilov & Hutter (2019),
    ICLR, arXiv:1711.05101, Algorithm 2, with the decay multiplied by the learning rate.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.weight_decay >= 0:
            raise ValueError(
                f"weight_decay={self.weight_decay}, but it must be at least 0; "
                "use Adam, or weight_decay=0.0, for no decay"
            )

    def step(self, params: Params, gradient: Params, state: AdamState) -> tuple[Params, AdamState]:
        """Take one step."""
        stepped, state = super().step(params, gradient, state)
        shrink = self.learning_rate * self.weight_decay
        for name in params:
            if name.startswith("W"):
                stepped[name] = stepped[name] - shrink * params[name]
        return stepped, state


def _zeros_like(params: Params) -> Params:
    return {name: np.zeros_like(leaf) for name, leaf in params.items()}


def _require_positive(argument: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise ValueError(
            f"{argument}={value}, but it must be positive and finite; try {argument}=0.001"
        )


def _require_fraction(argument: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{argument}={value}, but it must lie in [0, 1); try {argument}=0.9")
