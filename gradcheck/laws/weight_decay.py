"""L2 regularisation: a term in the cost, a term in the gradient, smaller weights.

The term is weight_decay/(2m) sum W^2 over all weights; biases are free.
Part of `laws`. Sources: Krogh and Hertz (1992), NIPS 4; Loshchilov and Hutter (2019), ICLR
(arXiv 1711.05101) for Adam.
"""

from __future__ import annotations

import numpy as np

from .protocol import (
    Law,
    Outcome,
    Setting,
    broken,
    descended,
    draw_params,
    draw_targets,
    holds,
    layer_sizes,
    undecided,
)
from .subject import Array, Params, Subject

KROGH = "Krogh and Hertz (1992), A simple weight decay can improve generalization, NIPS 4"
LOSHCHILOV = "Loshchilov and Hutter (2019), Decoupled weight decay regularization, ICLR"

ROUNDING = 1e-11  # of the numbers that are added and subtracted: thousands of float64 roundings
MOST_STEPS = 5_000  # of descent to a minimum
DECAYS = (1.0, 4.0, 16.0)  # far enough apart for the norms at the minima to differ visibly
NEAR = 1e-5  # distance to the minimum at which descent may stop


def _drawn(subject: Subject, setting: Setting) -> tuple[Params, Array]:
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    return draw_params(layer_sizes(setting), rng), targets


def cost_term(subject: Subject, setting: Setting) -> Outcome:
    """Compare the cost with and without decay."""
    params, targets = _drawn(subject, setting)
    with_decay, _ = subject.cost_and_gradient(params, setting.inputs, targets, setting.weight_decay)
    without, _ = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
    squares = sum(float(np.sum(W**2)) for name, W in params.items() if name.startswith("W"))
    expected = setting.weight_decay / (2 * setting.m) * squares
    seen = float(with_decay - without)
    if not abs(seen - expected) <= ROUNDING * (abs(with_decay) + abs(without)):
        return broken(
            f"weight decay adds {seen:.12g} to the cost, but lambda/(2m) sum W^2 is "
            f"{expected:.12g} (ratio {seen / expected:.6g})",
            seen=seen,
            expected=expected,
        )
    return holds(f"adds {expected:.6g} = lambda/(2m) sum W^2")


def gradient_term(subject: Subject, setting: Setting) -> Outcome:
    """Compare the gradient with and without decay."""
    params, targets = _drawn(subject, setting)
    _, with_decay = subject.cost_and_gradient(params, setting.inputs, targets, setting.weight_decay)
    _, without = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
    share = setting.weight_decay / setting.m
    for name, value in params.items():
        seen = with_decay[name] - without[name]
        expected = share * value if name.startswith("W") else np.zeros_like(value)
        size = float(np.max(np.abs(with_decay[name])) + np.max(np.abs(without[name])))
        worst = np.unravel_index(int(np.argmax(np.abs(seen - expected))), value.shape)
        if not abs(seen[worst] - expected[worst]) <= ROUNDING * max(size, share):
            rule = "(lambda/m) W is" if name.startswith("W") else "a bias has no decay, so it is"
            return broken(
                f"weight decay adds {seen[worst]:.12g} to d{name}{_index(worst)}, but {rule} "
                f"{expected[worst]:.12g}",
                parameter=name,
                seen=float(seen[worst]),
                expected=float(expected[worst]),
            )
    return holds("adds (lambda/m) W to each dW and nothing to any db")


def one_step(subject: Subject, setting: Setting) -> Outcome:
    """Take one step of the subject's own gradient descent with and without decay."""
    params, targets = _drawn(subject, setting)
    alpha, share = setting.learning_rate, setting.weight_decay / setting.m
    after = {}
    for decay in (setting.weight_decay, 0.0):
        _, gradient = subject.cost_and_gradient(params, setting.inputs, targets, decay)
        after[decay] = subject.step(params, gradient, alpha)
    for name, value in params.items():
        if not name.startswith("W"):
            continue
        seen = after[setting.weight_decay][name] - after[0.0][name]
        expected = -alpha * share * value
        distance = float(np.max(np.abs(seen - expected)))
        if not distance <= ROUNDING * max(1.0, float(np.max(np.abs(value)))):
            shrink = _slope(seen, value)
            return broken(
                f"decay changes one step of {name} by {shrink:.9g} W, but a step with decay "
                f"shrinks W by 1 - alpha lambda/m, which is a change of {-alpha * share:.9g} W",
                parameter=name,
                seen=shrink,
                expected=-alpha * share,
            )
    return holds(f"one step shrinks W by 1 - alpha lambda/m = {1 - alpha * share:.6g}")


def _slope(y: Array, x: Array) -> float:
    """Fit y = slope x."""
    return float(np.vdot(x, y) / np.vdot(x, x))


def norm_at_minimum(subject: Subject, setting: Setting) -> Outcome:
    """Minimise a network without hidden layers, which is convex, for growing decay.

    Strong convexity bounds the distance to the minimum: the norm of W is known to
    |gradient| m / lambda, plus what the unregularised bias leaves open, which is why the bias is
    held at zero.
    """
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    norms, bars = [], []
    for decay in DECAYS:
        W, bar = _minimise(subject, setting, targets, decay)
        if bar == np.inf:
            return broken(
                f"the gradient grows along its own descent at lambda = {decay:g}, so the cost with "
                f"decay is not convex where that without is"
            )
        norms.append(float(np.linalg.norm(W)))
        bars.append(bar)
    shown = ", ".join(f"{n:.4g} at lambda {d:g}" for n, d in zip(norms, DECAYS, strict=True))
    numbers = {"norms": norms, "bars": bars}
    for k in range(len(DECAYS) - 1):
        fall, bar = norms[k] - norms[k + 1], bars[k] + bars[k + 1]
        if fall < -bar:
            return broken(f"the norm of W at the minimum grows with lambda: {shown}", **numbers)
        if fall <= bar:
            return undecided(f"the minima are too close to tell: {shown}", **numbers)
    return holds(f"falls with lambda: {shown}", **numbers)


def _minimise(
    subject: Subject, setting: Setting, targets: Array, decay: float
) -> tuple[Array, float]:
    """Descend in W at b = 0 with the rate 1/L; also bound the distance to the minimum.

    The Hessian of all three losses in W is at most 2 |X|^2/m. On a convex cost the gradient cannot
    grow along this descent; if it does, the bound is infinite.
    """
    n_in, classes = setting.inputs.shape[1], setting.classes
    params = {"W1": np.zeros((n_in, classes)), "b1": np.zeros(classes)}
    steepest = 2 * float(np.linalg.norm(setting.inputs, 2)) ** 2 / setting.m + decay / setting.m
    size = np.inf
    for _ in range(MOST_STEPS):
        _, gradient = subject.cost_and_gradient(params, setting.inputs, targets, decay)
        before, size = size, float(np.linalg.norm(gradient["W1"]))
        if not size <= before * (1 + ROUNDING) + ROUNDING:
            return params["W1"], np.inf
        if size * setting.m / decay < NEAR:
            break
        params = descended(params, gradient, {"W1": 1 / steepest, "b1": 0.0})
    return params["W1"], size * setting.m / decay


def decay_of_the_optimiser(subject: Subject, setting: Setting) -> Outcome:
    """Take one step of gradient descent with a weight decay of its own, and one without."""
    rng = setting.rng()
    params = draw_params(layer_sizes(setting), rng)
    gradient = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    alpha, decay = setting.learning_rate, 0.1 * setting.weight_decay
    with_decay = subject.sgd_step(params, gradient, alpha, decay)
    without = subject.sgd_step(params, gradient, alpha, 0.0)
    for name, value in params.items():
        seen = with_decay[name] - without[name]
        share = -alpha * decay if name.startswith("W") else 0.0
        off = float(np.max(np.abs(seen - share * value)))
        if not off <= ROUNDING * max(1.0, float(np.max(np.abs(value)))):
            rule = (
                f"a step shrinks W by 1 - alpha lambda, which is a change of {share:.9g} W"
                if name.startswith("W")
                else "a bias has no decay"
            )
            return broken(
                f"weight decay changes one step of {name} by {_slope(seen, value):.9g} {name}, "
                f"but {rule}",
                parameter=name,
                seen=_slope(seen, value),
                expected=share,
            )
    return holds(f"one step shrinks W by 1 - alpha lambda = {1 - alpha * decay:.6g}, biases not")


def not_decay_under_adam(subject: Subject, setting: Setting) -> Outcome:
    """Take Adam's first step with no gradient but the L2 term.

    Adam divides the term by its own size: every weight moves by alpha, large or small, so the
    relative shrinkage differs from weight to weight.
    """
    weights = _weights_of_many_sizes(setting)
    gradient = {"W1": np.zeros_like(weights)}
    alpha = 1e-3 * setting.learning_rate
    after = subject.adam_step({"W1": weights}, gradient, alpha, setting.weight_decay)
    moved = np.abs(after["W1"] - weights)
    if not np.allclose(moved, alpha, rtol=1e-3):
        return broken(
            f"Adam's first step on the L2 term alone moves weights by {moved.min():.6g} to "
            f"{moved.max():.6g}, but it moves each by alpha = {alpha:.6g}",
            least=float(moved.min()),
            most=float(moved.max()),
            expected=alpha,
        )
    return holds(f"moves each weight by alpha = {alpha:.4g}, whatever its size")


def decoupled_under_adamw(subject: Subject, setting: Setting) -> Outcome:
    """Take AdamW's first step with and without decay."""
    weights = _weights_of_many_sizes(setting)
    gradient = {"W1": setting.rng().standard_normal(weights.shape)}
    alpha, decay = setting.learning_rate, 0.1 * setting.weight_decay
    with_decay = subject.adamw_step({"W1": weights}, gradient, alpha, decay)["W1"]
    without = subject.adamw_step({"W1": weights}, gradient, alpha, 0.0)["W1"]
    seen, expected = with_decay - without, -alpha * decay * weights
    if not np.max(np.abs(seen - expected)) <= ROUNDING * max(1.0, float(np.max(np.abs(weights)))):
        shrink = _slope(seen, weights)
        return broken(
            f"decay changes AdamW's step by {shrink:.9g} W, but decoupled decay is "
            f"-alpha lambda W = {-alpha * decay:.9g} W",
            seen=shrink,
            expected=-alpha * decay,
        )
    return holds(f"shrinks W by alpha lambda = {alpha * decay:.4g} beside Adam's own step")


def _weights_of_many_sizes(setting: Setting) -> Array:
    rng = setting.rng()
    return np.asarray(
        rng.choice([-1.0, 1.0], size=(4, 5)) * 10.0 ** rng.uniform(-1, 1, size=(4, 5))
    )


def _index(where: tuple[np.intp, ...]) -> str:
    return f"[{', '.join(str(int(k)) for k in where)}]"


LAWS = (
    Law(
        "l2-cost-term",
        "Weight decay adds lambda/(2m) sum W^2 to the cost, exactly.",
        KROGH,
        ("cost_and_gradient", "loss"),
        cost_term,
    ),
    Law(
        "l2-gradient-term",
        "Weight decay adds (lambda/m) W to the gradient of each weight and nothing to any bias.",
        KROGH,
        ("cost_and_gradient", "loss"),
        gradient_term,
    ),
    Law(
        "l2-one-step-shrinks",
        "One step of gradient descent with decay shrinks W by 1 - alpha lambda/m.",
        KROGH,
        ("cost_and_gradient", "step", "loss"),
        one_step,
    ),
    Law(
        "l2-norm-at-minimum-falls",
        "At the minimum the norm of the weights falls as lambda grows.",
        KROGH,
        ("cost_and_gradient", "loss"),
        norm_at_minimum,
    ),
    Law(
        "sgd-decay-shrinks-weights",
        "Gradient descent with a weight decay shrinks W by 1 - alpha lambda and leaves biases be.",
        KROGH,
        ("sgd_step",),
        decay_of_the_optimiser,
    ),
    Law(
        "l2-is-not-decay-under-adam",
        "Under Adam an L2 term moves every weight alike: it is not weight decay.",
        LOSHCHILOV,
        ("adam_step",),
        not_decay_under_adam,
    ),
    Law(
        "adamw-decay-is-decoupled",
        "AdamW shrinks W by alpha lambda, whatever the gradient.",
        LOSHCHILOV,
        ("adamw_step",),
        decoupled_under_adamw,
    ),
)
