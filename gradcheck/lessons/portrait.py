"""What a picture of a run shows: where it draws the line, and what its layers put out.

Owns these arrays; draws nothing.
Part of `lessons`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..reference import Array, forward
from .runs import Run, hidden_activations

REACH = 2.2  # of the grid, in deviations of the data: beyond the outer circle on every side
GRID = 64  # points a side: the line is drawn between them


@dataclass(frozen=True, eq=False)
class Portrait:
    """A run as arrays.

    Attributes
    ----------
    boundary : Array, optional
        For two inputs, the probability of class 1 on a grid over ±REACH, (GRID, GRID): rows along
        the second input, columns along the first. None for more inputs.
    before, after : list of Array
        The activations of each hidden layer on the training rows, at the start and at the end.
    """

    boundary: Array | None
    before: list[Array]
    after: list[Array]


def portrait(run: Run) -> Portrait:
    """Work out what a picture of a run shows.

    Examples
    --------
    >>> from gradcheck.lessons import Recipe, Settings, run
    >>> seen = portrait(run(Recipe("He, relu"), "circles", Settings(epochs=1), seed=1))
    >>> seen.boundary.shape, [a.shape for a in seen.after]
    ((64, 64), [(200, 16), (200, 16)])
    """
    inputs = run.task.train.inputs
    with np.errstate(all="ignore"):  # a run that diverged is drawn as such
        return Portrait(
            _boundary(run) if inputs.shape[1] == 2 else None,
            hidden_activations(run.network, run.start, inputs),
            hidden_activations(run.network, run.end, inputs),
        )


def _boundary(run: Run) -> Array:
    side = np.linspace(-REACH, REACH, GRID)
    across, up = np.meshgrid(side, side)  # (GRID, GRID) each
    logits, _ = forward(run.network, run.end, np.stack([across.ravel(), up.ravel()], axis=1))
    probability: Array = 1 / (1 + np.exp(-logits[:, 0]))  # (GRID * GRID,)
    return probability.reshape(GRID, GRID)
