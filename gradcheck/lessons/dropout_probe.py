"""What dropout does in training, in evaluation and backwards, measured without any training.

Part of `lessons`. Letters: m = rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..numeric import derivative
from ..reference import Array, Batch, Network, Params, cost, cost_and_gradient, forward
from .data import Task
from .recipes import Recipe
from .runs import hidden_activations

KEEP_PROB = 0.7
DRAWS = 200  # of masks: the mean over all units and rows is then known to about 0.2 %


def probe_dropout(task: Task, rng: np.random.Generator) -> Mapping[str, float]:
    """Look at the masks, and at what becomes of activations and gradients.

    Returns
    -------
    dict
        `dropout_repeats`: draws of a mask that had been drawn before. `dropout_differ`: share of
        the units that two masks in turn treat differently. `dropout_in_evaluation`: the largest
        change of a prediction by dropout in evaluation; `dropout_in_training` in training.
        `dropout_leak`: the largest gradient of a weight that leads into a dropped unit.
        `dropout_same_mask`, `dropout_other_mask`: the derivative along a random line, by the
        backward pass with the mask of the forward one, or with another, less that by
        differences, relative to it. `dropout_mean`: the mean of the first hidden layer over
        masks, relative to evaluation; `dropout_mean_behind`: that of the second layer, behind
        which no mask was drawn.

    Examples
    --------
    >>> from gradcheck.lessons import TASKS
    >>> rng = np.random.default_rng(0)
    >>> seen = probe_dropout(TASKS["iris"](rng), rng)
    >>> seen["dropout_repeats"], seen["dropout_in_evaluation"], seen["dropout_leak"]
    (0.0, 0.0, 0.0)
    """
    recipe = Recipe("He, dropout", bias=0.5, keep_prob=KEEP_PROB)
    network = recipe.network(task)
    params = recipe.start(network, rng)
    inputs = task.train.inputs
    masks = [_first_mask(network, params, inputs, rng) for _ in range(DRAWS)]
    still = forward(replace(network, keep_prob=1.0), params, inputs)[0]
    return {
        "dropout_repeats": float(len(masks) - len({mask.tobytes() for mask in masks})),
        "dropout_differ": float(np.mean(masks[0] != masks[1])),
        "dropout_in_evaluation": _largest(forward(network, params, inputs)[0] - still),
        "dropout_in_training": _largest(forward(network, params, inputs, rng)[0] - still),
        "dropout_leak": _leak(network, params, task, int(rng.integers(2**32))),
        **_backward_gaps(network, params, task, rng),
        **_means(network, params, inputs, rng),
    }


def _first_mask(network: Network, params: Params, inputs: Array, rng: np.random.Generator) -> Array:
    """Draw the mask of the first hidden layer, as a forward pass in training does."""
    mask = forward(network, params, inputs, rng)[1][0].dropout  # (m, units)
    assert mask is not None, "keep_prob is below 1"
    return mask


def _leak(network: Network, params: Params, task: Task, seed: int) -> float:
    """Find the units that the mask of one row drops; return the largest gradient behind them."""
    row = Batch(task.train.inputs[:1], task.train.targets[:1])
    mask = _first_mask(network, params, row.inputs, np.random.default_rng(seed))
    _, gradient = cost_and_gradient(network, params, row, np.random.default_rng(seed))
    dropped = mask[0] == 0  # (units,)
    return _largest(gradient["W1"][:, dropped]) if dropped.any() else float("nan")


def _backward_gaps(
    network: Network, params: Params, task: Task, rng: np.random.Generator
) -> Mapping[str, float]:
    """Compare the backward pass with certified differences of the cost under one mask."""
    mask, other = (int(seed) for seed in rng.integers(2**32, size=2))
    line = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    numeric = derivative(
        lambda p: float(cost(network, p, task.train, np.random.default_rng(mask))), params, line
    ).value
    gaps = []
    for seed in (mask, other):
        _, gradient = cost_and_gradient(network, params, task.train, np.random.default_rng(seed))
        analytic = sum(float(np.sum(gradient[name] * line[name])) for name in params)
        gaps.append(abs(analytic - numeric) / abs(numeric))
    return {"dropout_same_mask": gaps[0], "dropout_other_mask": gaps[1]}


def _means(
    network: Network, params: Params, inputs: Array, rng: np.random.Generator
) -> Mapping[str, float]:
    """Average the hidden layers over masks, the second one before its own mask."""
    first, second = 0.0, 0.0
    for _ in range(DRAWS):
        _, caches = forward(network, params, inputs, rng)
        first += float(caches[1].dense[0].mean())
        second += float(np.maximum(caches[1].activation, 0).mean())  # the cache of relu is z
    still = [float(a.mean()) for a in hidden_activations(network, params, inputs)]
    return {
        "dropout_mean": first / DRAWS / still[0],
        "dropout_mean_behind": second / DRAWS / still[1],
    }


def _largest(a: Array) -> float:
    return float(np.max(np.abs(a)))
