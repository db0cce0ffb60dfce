"""Zero and constant initialisation: a layer of identical units stays one.

Part of `laws`. Sources: Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Ng's
course "Improving Deep Neural Networks", week 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from .protocol import (
    Law,
    Outcome,
    Setting,
    broken,
    constant_params,
    descended,
    draw_targets,
    holds,
    layer_sizes,
    undecided,
)
from .subject import Array, Params, Subject

SOURCE = "Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4"
COURSE = "Ng, Improving Deep Neural Networks, week 1: initialisation"

# Columns of one matrix product may be summed in different orders: 1e4 roundings of float64.
ROUNDING = 1e-12
NUDGE = (
    1e-12  # relative; far above rounding, so that what it grows to bounds what rounding grows to
)
GROWTH = (
    10.0  # of the growth seen for one nudge: what is allowed for rounding errors of other shapes
)
# Not 0: a dead ReLU layer would leave the next one exactly at its kink, where rounding decides.
BIAS = 0.1
RUNAWAY = 1e3  # a parameter this large: descent diverges, and nothing can be compared any more


def units_stay_identical(subject: Subject, setting: Setting) -> Outcome:
    """Train a constant network a few steps and compare the units of each hidden layer."""
    targets = draw_targets(subject, setting, setting.rng())
    start = constant_params(layer_sizes(setting), setting.constant, BIAS)
    rates = dict.fromkeys(start, setting.learning_rate)
    path = _descent(subject, setting, targets, start, rates)
    shadow = _descent(subject, setting, targets, _nudged(start), rates)
    step = 0
    for step, ((_, params), (_, nudged)) in enumerate(zip(path, shadow, strict=False)):
        for name, units in _hidden_units(params, len(setting.hidden)):
            spread = float(np.max(np.ptp(units, axis=0)))
            if not spread <= _allowed(params[name], nudged[name]):
                return broken(
                    f"after step {step} of gradient descent the hidden units that {name} belongs "
                    f"to differ by {spread:.3g} although all weights started at "
                    f"{setting.constant:.3g}",
                    parameter=name,
                    spread=spread,
                    step=step,
                )
    return _seen("identical", step, setting)


def wide_is_a_thin_string(subject: Subject, setting: Setting) -> Outcome:
    """Train a wide constant network and its collapse to width 1 side by side.

    With n_l units in hidden layer l, all alike, the collapsed weights are w' = n_{l-1} w, and the
    same path is followed with the rates n_{l-1}/n_l for W_l and 1/n_l for b_l (n = 1 for inputs and
    outputs, which do not collapse).
    """
    targets = draw_targets(subject, setting, setting.rng())
    start = constant_params(layer_sizes(setting), setting.constant, BIAS)
    widths = (1, *setting.hidden, 1)
    thin_rates = {}
    for layer in range(1, len(widths)):
        thin_rates[f"W{layer}"] = setting.learning_rate * widths[layer - 1] / widths[layer]
        thin_rates[f"b{layer}"] = setting.learning_rate / widths[layer]
    rates = dict.fromkeys(start, setting.learning_rate)
    wide = _descent(subject, setting, targets, start, rates)
    thin = _descent(subject, setting, targets, _collapsed(start, widths), thin_rates)
    shadow = _descent(subject, setting, targets, _nudged(start), rates)
    step = 0
    for step, ((cost, _), (thin_cost, _), (nudged, _)) in enumerate(
        zip(wide, thin, shadow, strict=False)
    ):
        if not abs(cost - thin_cost) <= _allowed(np.asarray(cost), np.asarray(nudged)):
            return broken(
                f"after {step} steps the wide network costs {cost:.12g} and its collapse to "
                f"width 1 costs {thin_cost:.12g}",
                step=step,
                wide=cost,
                thin=thin_cost,
            )
    return _seen(f"the same cost for widths {setting.hidden}", step, setting)


def _descent(
    subject: Subject, setting: Setting, targets: Array, params: Params, rates: Mapping[str, float]
) -> Iterator[tuple[float, Params]]:
    """Yield cost and parameters at the start and after each step, until descent runs away."""
    for _ in range(setting.steps + 1):
        if not all(float(np.max(np.abs(value))) < RUNAWAY for value in params.values()):
            return
        cost, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
        yield float(cost), params
        params = descended(params, gradient, rates)


def _nudged(params: Params) -> Params:
    """Change all parameters alike, so that symmetry is kept: a path to measure sensitivity by."""
    return {name: value * (1 + NUDGE) for name, value in params.items()}


def _allowed(value: Array, nudged: Array) -> float:
    """Bound what rounding may have grown to, from what the nudge has grown to."""
    growth = float(np.max(np.abs(value - nudged)))
    return ROUNDING * max(1.0, float(np.max(np.abs(value)))) + GROWTH * growth


def _seen(what: str, step: int, setting: Setting) -> Outcome:
    """Say how far the comparison went."""
    if step == 0:
        return undecided("descent diverges at the first step: the learning rate is too large")
    return holds(f"{what} through {step} steps from {setting.constant:.3g}")


def _hidden_units(params: Params, hidden: int) -> list[tuple[str, Array]]:
    """List the parameters as one row a hidden unit: into, of, and out of each hidden layer."""
    rows: list[tuple[str, Array]] = []
    for layer in range(1, hidden + 1):
        rows.append((f"W{layer}", params[f"W{layer}"].T))
        rows.append((f"b{layer}", params[f"b{layer}"][:, None]))
        rows.append((f"W{layer + 1}", params[f"W{layer + 1}"]))
    return rows


def _collapsed(wide: Params, widths: tuple[int, ...]) -> Params:
    """Keep one unit of each hidden layer, with the weight of all of them."""
    layers = len(widths) - 1
    thin: Params = {}
    for layer in range(1, layers + 1):
        W, b = wide[f"W{layer}"], wide[f"b{layer}"]
        rows = slice(None) if layer == 1 else slice(0, 1)
        columns = slice(None) if layer == layers else slice(0, 1)
        thin[f"W{layer}"] = widths[layer - 1] * W[rows, columns]
        thin[f"b{layer}"] = b[columns].copy()
    return thin


def dead_relu(subject: Subject, setting: Setting) -> Outcome:
    """Start a ReLU network from zero: nothing but the output bias has a gradient.

    With balanced labels the output bias has none either, so the cost stays log 2.
    """
    targets = np.zeros((setting.m, 1))
    targets[: setting.m // 2] = 1.0
    if setting.m % 2:
        return undecided(f"m = {setting.m} is odd, so the labels cannot be balanced")
    params = constant_params((setting.inputs.shape[1], *setting.hidden, 1), 0.0)
    output_bias = f"b{len(setting.hidden) + 1}"
    for step in range(setting.steps + 1):
        cost, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
        if not abs(cost - np.log(2)) <= 1e-12:
            return broken(
                f"the cost is {cost:.12g} after {step} steps, not log 2 = {np.log(2):.12g}",
                cost=float(cost),
                step=step,
            )
        alive = [n for n, d in gradient.items() if n != output_bias and np.any(d != 0)]
        if alive:
            return broken(
                f"{alive[0]} has a gradient of size {np.max(np.abs(gradient[alive[0]])):.3g} in a "
                f"network of zeros",
                parameter=alive[0],
            )
        params = descended(params, gradient, dict.fromkeys(params, setting.learning_rate))
    return holds(f"cost log 2 and hidden gradients exactly 0 through {setting.steps} steps")


def _relu_with_bce(subject: Subject) -> str:
    if subject.activation != "relu" or subject.loss != "bce":
        return f"it is about relu with bce, the subject has {subject.activation}, {subject.loss}"
    return ""


LAWS = (
    Law(
        "symmetry-units-stay-identical",
        "With all weights of a layer equal, every gradient step keeps its units identical.",
        SOURCE,
        ("cost_and_gradient", "loss"),
        units_stay_identical,
    ),
    Law(
        "symmetry-wide-is-a-thin-string",
        "A wide network of identical units trains as its collapse to one unit a layer.",
        SOURCE,
        ("cost_and_gradient", "loss"),
        wide_is_a_thin_string,
    ),
    Law(
        "symmetry-dead-relu",
        "A ReLU network of zeros has hidden gradients of exactly 0 and its cost stays log 2.",
        COURSE,
        ("cost_and_gradient", "activation", "loss"),
        dead_relu,
        _relu_with_bce,
    ),
)
