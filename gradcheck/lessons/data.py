"""What the lessons are taught on: two circles and iris, clean, and small with wrong labels.

Owns the data sets and their split. Draws from the generator it is given.
Part of `lessons`. Letters: m = rows, n = features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..reference import Array, Batch, load_iris

INNER = 0.5  # radius of the inner circle; that of the outer one is 1
NOISE = 0.1  # standard deviation of each coordinate: the circles lie five of them apart
POINTS = 200  # to learn from, and as many to be tested on
FEW = 40  # of them where a network is to learn them by heart
FLOWERS = 30  # of each species to learn from; the other 20 test
FEW_FLOWERS = 12
WRONG = 0.15  # share of the labels to learn from that are wrong, where there are wrong ones


@dataclass(frozen=True, eq=False)
class Task:
    """A data set to learn, and rows to be tested on that were not learnt from.

    Attributes
    ----------
    name : str
        A key of TASKS.
    train, test : Batch
        Inputs (m, n) with mean 0 and variance 1 over the training rows. Labels (m, 1) of 0 and 1
        for two classes, (m,) of integers for more: what the loss of that name wants.
    loss : str
        A key of `gradcheck.reference.LOSSES`.
    outputs : int
        Of the network.
    classes : int
        A network that knows nothing guesses one in so many right, at the cost log(classes).
    """

    name: str
    train: Batch
    test: Batch
    loss: str
    outputs: int
    classes: int


def circles(rng: np.random.Generator) -> Task:
    """Draw two concentric circles with noise: no straight line parts them.

    Examples
    --------
    >>> task = circles(np.random.default_rng(0))
    >>> task.train.inputs.shape, task.test.targets.shape
    ((200, 2), (200, 1))
    """
    return _binary("circles", _two_circles(rng, POINTS), _two_circles(rng, POINTS))


def iris(rng: np.random.Generator) -> Task:
    """Split iris at random, with the same number of each species to learn from."""
    return _flowers("iris", rng, FLOWERS)


def noisy_circles(rng: np.random.Generator) -> Task:
    """Draw few points, of which some have the wrong label, and test on right ones."""
    few = _mislabelled(_two_circles(rng, FEW), 2, rng)
    return _binary("noisy circles", few, _two_circles(rng, POINTS))


def noisy_iris(rng: np.random.Generator) -> Task:
    """Learn from few flowers, of which some have the wrong name, and test on right ones."""
    task = _flowers("noisy iris", rng, FEW_FLOWERS)
    train = _mislabelled(task.train, task.classes, rng)
    return Task(task.name, train, task.test, task.loss, task.outputs, task.classes)


TASKS: Mapping[str, Callable[[np.random.Generator], Task]] = {
    "circles": circles,
    "iris": iris,
    "noisy circles": noisy_circles,
    "noisy iris": noisy_iris,
}


def _two_circles(rng: np.random.Generator, m: int) -> Batch:
    """Draw m points, every other one on the inner circle, which is class 1."""
    inner = np.arange(m) % 2  # (m,)
    angle = rng.uniform(0, 2 * np.pi, m)  # (m,)
    radius = np.where(inner, INNER, 1.0)  # (m,)
    on_circle = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (m, 2)
    return Batch(on_circle + NOISE * rng.standard_normal((m, 2)), inner)


def _binary(name: str, train: Batch, test: Batch) -> Task:
    columns = [Batch(part.inputs, part.targets[:, None]) for part in (train, test)]
    return Task(name, *_standardised(*columns), loss="bce_with_logits", outputs=1, classes=2)


def _flowers(name: str, rng: np.random.Generator, each: int) -> Task:
    flowers = load_iris()
    order = rng.permutation(len(flowers.labels))  # (150,)
    labels = flowers.labels[order]
    species = [order[labels == kind] for kind in range(len(flowers.class_names))]
    train, test = (
        Batch(flowers.inputs[rows], flowers.labels[rows])
        for rows in (
            np.concatenate([some[:each] for some in species]),
            np.concatenate([some[FLOWERS:] for some in species]),
        )
    )
    return Task(name, *_standardised(train, test), "softmax_cross_entropy", 3, 3)


def _mislabelled(rows: Batch, classes: int, rng: np.random.Generator) -> Batch:
    """Give a share of the rows the label of another class."""
    labels: Array = rows.targets.copy()
    wrong = rng.permutation(len(labels))[: round(WRONG * len(labels))]
    labels[wrong] = (labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
    return Batch(rows.inputs, labels)


def _standardised(train: Batch, test: Batch) -> tuple[Batch, Batch]:
    """Shift and scale both by mean and deviation of the training rows alone."""
    mean, deviation = train.inputs.mean(axis=0), train.inputs.std(axis=0)  # (n,)
    train, test = (Batch((part.inputs - mean) / deviation, part.targets) for part in (train, test))
    return train, test
