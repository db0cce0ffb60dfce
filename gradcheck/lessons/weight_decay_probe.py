"""What an L2 term does to cost, gradient and single steps, measured without any training.

Part of `lessons`. Letters: m = rows; g = a gradient; W = all weights of the network in one array.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..reference import (
    Adam,
    AdamW,
    Array,
    GradientDescent,
    Network,
    Optimiser,
    Params,
    cost,
    cost_and_gradient,
    weight_names,
)
from .data import Task
from .recipes import Recipe

DECAY = 0.5  # lambda; any would do
RATE = 0.01
STEPS = 10  # under Adam: it remembers the gradients of the steps before


def probe_weight_decay(task: Task, rng: np.random.Generator) -> Mapping[str, float]:
    """Compare one network with and without an L2 term.

    Returns
    -------
    dict
        `l2_cost_gap`, `l2_gradient_gap`: what the term adds, less lambda/(2m) sum W^2 and
        (lambda/m) W, relative to these. `l2_bias_gap`: what it adds to any bias.
        `l2_shrink_gap`: what it does to W in one step of gradient descent, less
        -alpha lambda/m W, relative to that. `l2_along_*`: the cosine between what it changes in a
        few steps of an optimiser and -W: 1 is weight decay.

    Examples
    --------
    >>> from gradcheck.lessons import TASKS
    >>> rng = np.random.default_rng(0)
    >>> seen = probe_weight_decay(TASKS["iris"](rng), rng)
    >>> seen["l2_bias_gap"], seen["l2_along_descent"] > 0.99
    (0.0, True)
    """
    plain = Recipe("He, relu").network(task)
    params = Recipe("He, relu").start(plain, rng)
    in_cost, rows, m = replace(plain, weight_decay=DECAY), task.train, len(task.train.inputs)
    descent, adam = GradientDescent(RATE), Adam(RATE)
    W = _weights(plain, params)
    added_cost = float(cost(in_cost, params, rows) - cost(plain, params, rows))
    without, with_term = (cost_and_gradient(net, params, rows)[1] for net in (plain, in_cost))
    term = DECAY / (2 * m) * float(W @ W)
    added = _weights(plain, with_term) - _weights(plain, without)
    steps = [_after(descent, net, params, task, 1) for net in (plain, in_cost)]
    moved = _weights(plain, steps[1]) - _weights(plain, steps[0])
    return {
        "l2_cost_gap": abs(added_cost - term) / term,
        "l2_gradient_gap": _distance(added, DECAY / m * W),
        "l2_bias_gap": max(
            float(np.max(np.abs(with_term[name] - without[name])))
            for name in params
            if name.startswith("b")
        ),
        "l2_shrink_gap": _distance(moved, -RATE * DECAY / m * W),
        "l2_along_descent": _along(in_cost, (descent, descent), params, task),
        "l2_along_adam": _along(in_cost, (adam, adam), params, task),
        "l2_along_adamw": _along(
            plain,
            (AdamW(RATE, weight_decay=0.0), AdamW(RATE, weight_decay=DECAY / m)),
            params,
            task,
        ),
    }


def _along(
    decaying: Network, optimisers: tuple[Optimiser, Optimiser], params: Params, task: Task
) -> float:
    """Return the cosine between -W and what decay changes in a few steps.

    The first optimiser trains the network without an L2 term, the second one the decaying network.
    """
    plain = replace(decaying, weight_decay=0.0)
    ends = [
        _after(optimiser, network, params, task, STEPS)
        for optimiser, network in zip(optimisers, (plain, decaying), strict=True)
    ]
    moved, W = _weights(plain, ends[1]) - _weights(plain, ends[0]), _weights(plain, params)
    return float(-moved @ W / (np.linalg.norm(moved) * np.linalg.norm(W)))


def _after(
    optimiser: Optimiser, network: Network, params: Params, task: Task, steps: int
) -> Params:
    """Take some steps on all rows."""
    state = optimiser.init(params)
    for _ in range(steps):
        _, gradient = cost_and_gradient(network, params, task.train)
        params, state = optimiser.step(params, gradient, state)
    return params


def _weights(network: Network, params: Params) -> Array:
    return np.concatenate([params[name].ravel() for name in weight_names(network)])


def _distance(measured: Array, expected: Array) -> float:
    return float(np.linalg.norm(measured - expected) / np.linalg.norm(expected))
