"""Units of a layer: random weights tell them apart, their order means nothing, dead ones stay so.

Part of `laws`. Sources: Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4;
Hecht-Nielsen (1990), On the algebraic structure of feedforward network weight spaces, for the
permutations; Ng's course "Improving Deep Neural Networks", week 1.
"""

from __future__ import annotations

import itertools

import numpy as np

from .protocol import (
    Law,
    Outcome,
    Setting,
    broken,
    constant_params,
    descended,
    draw_params,
    draw_targets,
    holds,
    layer_sizes,
    undecided,
)
from .subject import Array, Params, Subject

SOURCE = "Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4"
COURSE = "Ng, Improving Deep Neural Networks, week 1: initialisation"
HECHT = "Hecht-Nielsen (1990), On the algebraic structure of feedforward network weight spaces"

ROUNDING = 1e-10  # relative to a layer's gradient: sums in another order, through a few layers
ALIKE = 1e-9  # relative: gradients nearer than this are equal; chance makes them so once in 1e8
DEAD = -1e4  # a bias that no row of ordinary data can lift above 0


def random_weights_break_symmetry(subject: Subject, setting: Setting) -> Outcome:
    """Compare the gradients of the units of each hidden layer, at random W and b = 0.

    Units that saturate or are dead have a gradient of 0 and are left out.
    """
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    params = draw_params(layer_sizes(setting), rng)
    params |= {name: np.zeros_like(b) for name, b in params.items() if name.startswith("b")}
    _, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
    compared = 0
    for layer in range(1, len(setting.hidden) + 1):
        units = np.vstack([gradient[f"W{layer}"], gradient[f"W{layer + 1}"].T])
        size = np.linalg.norm(units, axis=0)
        alive = np.flatnonzero(size > 0)
        for i, j in itertools.pairwise(alive):
            compared += 1
            apart = float(np.linalg.norm(units[:, i] - units[:, j]))
            if not apart > ALIKE * float(max(size[i], size[j])):
                return broken(
                    f"units {i} and {j} of hidden layer {layer} have random weights of their own, "
                    f"and the same gradient but for {apart:.3g} of {size[i]:.3g}",
                    layer=layer,
                    apart=apart,
                )
    if not compared:
        return undecided("no hidden layer has two units that are alive")
    return holds(f"the gradients of all {compared} pairs of neighbouring units differ at b = 0")


def permuting_units_permutes_gradients(subject: Subject, setting: Setting) -> Outcome:
    """Put the units of every hidden layer into another order."""
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    sizes = layer_sizes(setting)
    params = draw_params(sizes, rng)
    orders = [np.arange(sizes[0]), *map(rng.permutation, setting.hidden), np.arange(sizes[-1])]
    cost, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
    moved_cost, seen = subject.cost_and_gradient(
        _permuted(params, orders), setting.inputs, targets, 0.0
    )
    if not abs(cost - moved_cost) <= ROUNDING * max(1.0, abs(cost)):
        return broken(
            f"the cost is {cost:.12g}, and {moved_cost:.12g} with the hidden units in another order"
        )
    for name, expected in _permuted(gradient, orders).items():
        distance = np.abs(seen[name] - expected)
        if not distance.max() <= ROUNDING * _size(gradient, name):
            where = np.unravel_index(int(distance.argmax()), expected.shape)
            return broken(
                f"with the hidden units in another order d{name}{[int(k) for k in where]} is "
                f"{seen[name][where]:.9g}, but the same weight had {expected[where]:.9g} before",
                parameter=name,
            )
    return holds(f"gradients move with the units in layers of {setting.hidden}")


def _permuted(params: Params, orders: list[Array]) -> Params:
    """Reorder columns of W_l and b_l by the layer's order, rows of W_l by that of the one below."""
    moved: Params = {}
    for layer in range(1, len(orders)):
        moved[f"W{layer}"] = params[f"W{layer}"][orders[layer - 1]][:, orders[layer]]
        moved[f"b{layer}"] = params[f"b{layer}"][orders[layer]]
    return moved


def _size(gradient: Params, name: str) -> float:
    """Size of the numbers that a gradient was summed from: not below 1e-6 of all of them."""
    largest = max(float(np.max(np.abs(d))) for d in gradient.values())
    return max(float(np.max(np.abs(gradient[name]))), 1e-6 * largest, 1e-12)


def cost_stays_at_chance(subject: Subject, setting: Setting) -> Outcome:
    """Start from zero with balanced labels and take a few steps.

    All units of a layer are alike for all rows, so that no weight sees which row has which label.
    """
    if setting.m % 2:
        return undecided(f"m = {setting.m} is odd, so the labels cannot be balanced")
    labels = np.arange(setting.m) % 2
    softmax = subject.loss == "softmax"
    targets = labels if softmax else labels[:, None].astype(float)
    outputs = 2 if softmax else 1
    params = constant_params((setting.inputs.shape[1], *setting.hidden, outputs), 0.0)
    for step in range(setting.steps + 1):
        cost, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
        if not abs(cost - np.log(2)) <= 1e-12:
            return broken(
                f"two classes of {setting.m // 2} rows each cost {cost:.12g} after {step} steps "
                f"from zero, not log 2 = {np.log(2):.12g}",
                cost=float(cost),
                step=step,
            )
        params = descended(params, gradient, dict.fromkeys(params, setting.learning_rate))
    return holds(f"the cost is log 2 through {setting.steps} steps from zero")


def _with_classes(subject: Subject) -> str:
    return "" if subject.loss in ("bce", "softmax") else f"{subject.loss} has no classes"


def dead_unit_learns_nothing(subject: Subject, setting: Setting) -> Outcome:
    """Push one unit of each hidden layer below 0 for every row: nothing flows through it."""
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    params = draw_params(layer_sizes(setting), rng)
    for layer, width in enumerate(setting.hidden, start=1):
        unit = int(rng.integers(width))
        pushed = params | {f"b{layer}": params[f"b{layer}"].copy()}
        pushed[f"b{layer}"][unit] = DEAD
        _, gradient = subject.cost_and_gradient(pushed, setting.inputs, targets, 0.0)
        flows = {
            f"dW{layer}": gradient[f"W{layer}"][:, unit],
            f"db{layer}": gradient[f"b{layer}"][unit],
            f"dW{layer + 1}": gradient[f"W{layer + 1}"][unit],
        }
        for name, d in flows.items():
            if np.any(d != 0):
                return broken(
                    f"unit {unit} of hidden layer {layer} is below 0 for every row, and its part "
                    f"of {name} is {np.max(np.abs(d)):.3g}, not 0",
                    parameter=name,
                    unit=unit,
                )
    return holds(f"one dead unit in each of the layers {setting.hidden} has gradients of exactly 0")


def _relu(subject: Subject) -> str:
    return "" if subject.activation == "relu" else f"it is about relu, not {subject.activation}"


LAWS = (
    Law(
        "symmetry-cost-stays-log-2",
        "From zero weights and with balanced labels, every network's cost stays log 2.",
        COURSE,
        ("cost_and_gradient", "loss"),
        cost_stays_at_chance,
        _with_classes,
    ),
    Law(
        "symmetry-random-weights-break-it",
        "Random weights tell units apart at the first step; biases of zero are fine.",
        SOURCE,
        ("cost_and_gradient", "loss"),
        random_weights_break_symmetry,
    ),
    Law(
        "symmetry-permuted-units",
        "Permuting hidden units changes no cost and permutes the gradients.",
        HECHT,
        ("cost_and_gradient", "loss"),
        permuting_units_permutes_gradients,
    ),
    Law(
        "relu-dead-unit-learns-nothing",
        "A ReLU unit that is below 0 for every row has gradients of exactly 0.",
        SOURCE,
        ("cost_and_gradient", "activation", "loss"),
        dead_unit_learns_nothing,
        _relu,
    ),
)
