"""Training: epochs of mini-batches, deterministic given the seed.

Owns: TrainingSettings, History, train. Does not own the step (see `optimisers`), nor any progress
bar: the caller passes one in. Place: the top of the package. Letters: m = rows of the data.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from .arrays import Params
from .network import Batch, Network, accuracy, cost, cost_and_gradient
from .optimisers import Optimiser

Progress: TypeAlias = Callable[[Iterable[int]], Iterable[int]]
"""Wraps an iterable and yields its items, as `rich.progress.track` and `tqdm.tqdm` do."""


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; ValueError where epochs or batch_size is below 1.

    seed decides the order of the rows and the dropout masks, so that two runs with the same seed
    are equal to the last bit. A batch_size above the number of rows means full batches.
    """

    optimiser: Optimiser
    epochs: int = 100
    batch_size: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        for argument, value in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if value < 1:
                raise ValueError(f"{argument}={value}, but training needs at least {argument}=1")


@dataclass(frozen=True)
class History:
    """Cost and accuracy on all the data after each epoch, without dropout.

    accuracy is empty for loss="mse", which has none.
    """

    cost: tuple[float, ...]
    accuracy: tuple[float, ...]


def train(
    network: Network,
    params: Params,
    data: Batch,
    settings: TrainingSettings,
    progress: Progress | None = None,
) -> tuple[Params, History]:
    """Train, and return the new parameters with what happened; `params` is left as it was.

    Parameters
    ----------
    data : Batch
        inputs (m, n_in) and targets, both indexed by rows, reshuffled in every epoch; the last
        mini-batch may be smaller. ValueError where they do not fit the network.
    progress : callable, optional
        Wraps the range of epochs, for example `rich.progress.track`.

    Examples
    --------
    >>> from gradcheck.reference.optimisers import Adam
    >>> data = Batch(np.array([[0.0], [1.0]]), np.array([0, 1]))
    >>> network = Network((1, 2))
    >>> start = {"W1": np.zeros((1, 2)), "b1": np.zeros(2)}
    >>> settings = TrainingSettings(Adam(learning_rate=0.1), epochs=50)
    >>> params, history = train(network, start, data, settings)
    >>> history.accuracy[-1]
    1.0
    """
    rng = np.random.default_rng(settings.seed)
    dropout_rng = rng if network.keep_prob < 1 else None
    state = settings.optimiser.init(params)
    costs, accuracies = [], []
    for _ in (progress or iter)(range(settings.epochs)):
        for batch in _shuffled(data, settings.batch_size, rng):
            _, gradient = cost_and_gradient(network, params, batch, dropout_rng)
            params, state = settings.optimiser.step(params, gradient, state)
        costs.append(float(cost(network, params, data)))
        if network.loss != "mse":
            accuracies.append(accuracy(network, params, data))
    return params, History(tuple(costs), tuple(accuracies))


def _shuffled(data: Batch, batch_size: int, rng: np.random.Generator) -> Iterator[Batch]:
    order = rng.permutation(len(data.inputs))  # (m,)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        yield Batch(data.inputs[rows], data.targets[rows])
