"""Batches: a mean of rows, in whatever order.

Part of `laws`. Source: Bottou, Curtis, Nocedal (2018), SIAM Review 60: the empirical risk is a mean
over samples, and so is its gradient. It does not hold for batch normalisation, which couples rows.
"""

from __future__ import annotations

import numpy as np

from .protocol import (
    Law,
    Outcome,
    Setting,
    broken,
    draw_params,
    draw_targets,
    holds,
    layer_sizes,
)
from .subject import Params, Subject

SOURCE = "Bottou, Curtis, Nocedal (2018), Optimization methods for large-scale machine learning"

ROUNDING = 1e-11  # of the largest entry: a few dozen numbers summed in another order


def batch_is_mean_of_rows(subject: Subject, setting: Setting) -> Outcome:
    """Compare the batch's cost and gradient with the means over its rows, one by one."""
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    params = draw_params(layer_sizes(setting), rng)
    cost, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
    rows = [
        subject.cost_and_gradient(params, setting.inputs[i : i + 1], targets[i : i + 1], 0.0)
        for i in range(setting.m)
    ]
    mean = float(np.mean([row_cost for row_cost, _ in rows]))
    if not abs(cost - mean) <= ROUNDING * max(1.0, abs(mean)):
        return broken(
            f"the batch of {setting.m} rows costs {cost:.9g}, but the mean over its rows is "
            f"{mean:.9g} (ratio {cost / mean:.6g})",
            seen=float(cost),
            expected=mean,
        )
    means = {name: np.mean([d[name] for _, d in rows], axis=0) for name in gradient}
    return _equal(gradient, means, "the mean over the rows") or holds(
        f"cost and gradient of {setting.m} rows are the means over them"
    )


def order_means_nothing(subject: Subject, setting: Setting) -> Outcome:
    """Reorder the rows of inputs and targets alike."""
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    params = draw_params(layer_sizes(setting), rng)
    order = np.roll(rng.permutation(setting.m), 1)
    cost, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
    moved_cost, moved = subject.cost_and_gradient(
        params, setting.inputs[order], targets[order], 0.0
    )
    if not abs(cost - moved_cost) <= ROUNDING * max(1.0, abs(cost)):
        return broken(
            f"the batch costs {cost:.12g}, and {moved_cost:.12g} with its rows in another order"
        )
    return _equal(moved, gradient, "with the rows in their first order it") or holds(
        f"the order of {setting.m} rows changes neither cost nor gradient"
    )


def _equal(seen: Params, expected: Params, what: str) -> Outcome | None:
    """Say where two gradients differ; nothing if they do not."""
    largest = max(float(np.max(np.abs(d))) for d in expected.values())
    for name, right in expected.items():
        distance = np.abs(seen[name] - right)
        if not distance.max() <= ROUNDING * max(largest, 1e-3):
            where = np.unravel_index(int(distance.argmax()), right.shape)
            index = [int(k) for k in where]
            return broken(
                f"d{name}{index} is {seen[name][where]:.9g}, but {what} is {right[where]:.9g}",
                parameter=name,
                seen=float(seen[name][where]),
                expected=float(right[where]),
            )
    return None


LAWS = (
    Law(
        "batch-is-mean-of-rows",
        "Cost and gradient of a batch are the means over its rows.",
        SOURCE,
        ("cost_and_gradient", "loss"),
        batch_is_mean_of_rows,
    ),
    Law(
        "batch-order-means-nothing",
        "Reordering the rows of a batch changes neither its cost nor its gradient.",
        SOURCE,
        ("cost_and_gradient", "loss"),
        order_means_nothing,
    ),
)
