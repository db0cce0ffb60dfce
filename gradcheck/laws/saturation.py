"""Saturation: bounded units pass no gradient, and the cost must not overflow for it.

A cost is asked for its logits by a network without hidden layers: W = 1, b = 0, logits as inputs.
Part of `laws`. Sources: Goodfellow, Bengio, Courville (2016), Deep Learning, sections 4.1 and
6.2.2; Glorot and Bengio (2010), AISTATS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .protocol import (
    Law,
    Outcome,
    Setting,
    broken,
    draw_params,
    draw_row_targets,
    holds,
    layer_sizes,
)
from .subject import Array, Params, Subject

GOODFELLOW = "Goodfellow, Bengio, Courville (2016), Deep Learning, sections 4.1 and 6.2.2"
GLOROT = "Glorot and Bengio (2010), Understanding the difficulty of training deep networks"

ROUNDING = 1e-12  # relative
ORDINARY = 3.0  # logits at which exp and log lose nothing
EXTREME = 800.0  # beyond log of the largest float64, 709.8
GROWTHS = (1.0, 10.0, 100.0)  # of the weights: from ordinary to saturated


def cost_is_cross_entropy(subject: Subject, setting: Setting) -> Outcome:
    """Compare cost and gradient at ordinary logits with the formula as books print it."""
    logits, targets = _logits(subject, setting, ORDINARY)
    cost, gradient = _cost_of(subject, logits, targets)
    naive = _naive(subject.loss, logits, targets)
    if not abs(cost - naive) <= ROUNDING * max(1.0, naive):
        return broken(
            f"at logits up to {ORDINARY:g} the cost is {cost:.12g}, but the cross-entropy is "
            f"{naive:.12g} (ratio {cost / naive:.6g})",
            seen=cost,
            expected=naive,
        )
    return _same_gradient(subject.loss, logits, targets, gradient) or holds(
        f"the cost is the cross-entropy, {naive:.6g}, at ordinary logits"
    )


def cost_stays_finite(subject: Subject, setting: Setting) -> Outcome:
    """Take logits at which probabilities round to 0 and 1, so that the naive cost is infinite."""
    logits, targets = _logits(subject, setting, EXTREME)
    with np.errstate(all="ignore"):
        naive = _naive(subject.loss, logits, targets)
        cost, gradient = _cost_of(subject, logits, targets)
    stable = _stable(subject.loss, logits, targets)
    if not abs(cost - stable) <= ROUNDING * stable:
        return broken(
            f"at logits up to {EXTREME:g} the cost is {cost:.9g}, but the cross-entropy is "
            f"{stable:.9g}: compute it from the logits, not from probabilities that have rounded "
            f"to 0 or 1",
            seen=cost,
            expected=stable,
        )
    return _same_gradient(subject.loss, logits, targets, gradient) or holds(
        f"the cost is {stable:.6g} at logits up to {EXTREME:g}, where the naive one is {naive:.3g}"
    )


def _logits(subject: Subject, setting: Setting, size: float) -> tuple[Array, Array]:
    """Draw logits up to a size, and targets of which the first is as wrong as can be."""
    rng = setting.rng()
    logits = rng.uniform(-size, size, (setting.m, setting.classes))
    logits[0] = -size
    logits[0, 0] = size
    targets = draw_row_targets(subject, setting.m, setting.classes, rng)
    targets[0] = 1 if subject.loss == "softmax" else (logits[0] < 0)
    return logits, targets


def _cost_of(subject: Subject, logits: Array, targets: Array) -> tuple[float, Array]:
    """Ask for the cost of logits and its gradient db, the sum of dlogits over the rows."""
    k = logits.shape[1]
    cost, gradient = subject.cost_and_gradient(
        {"W1": np.eye(k), "b1": np.zeros(k)}, logits, targets, 0.0
    )
    return float(cost), np.asarray(gradient["b1"])


def _naive_bce(z: Array, y: Array) -> float:
    p = 1 / (1 + np.exp(-z))
    return float(-np.mean(np.sum(y * np.log(p) + (1 - y) * np.log(1 - p), axis=1)))


def _naive_softmax(z: Array, labels: Array) -> float:
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(p[np.arange(len(z)), labels])))


def _stable_bce(z: Array, y: Array) -> float:
    return float(np.mean(np.sum(np.logaddexp(0, z) - y * z, axis=1)))


def _stable_softmax(z: Array, labels: Array) -> float:
    return float(np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), labels]))


Cost = Callable[[Array, Array], float]
NAIVE: Mapping[str, Cost] = {"bce": _naive_bce, "softmax": _naive_softmax}
STABLE: Mapping[str, Cost] = {"bce": _stable_bce, "softmax": _stable_softmax}


def _naive(loss: str, z: Array, targets: Array) -> float:
    return NAIVE[loss](z, targets)


def _stable(loss: str, z: Array, targets: Array) -> float:
    return STABLE[loss](z, targets)


def _same_gradient(loss: str, z: Array, targets: Array, seen: Array) -> Outcome | None:
    """Compare db with the sum over rows of (p - y)/m; nothing to say if they agree."""
    if loss == "bce":
        p, y = np.exp(-np.logaddexp(0, -z)), targets
    else:
        p = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
        y = np.eye(z.shape[1])[targets]
    expected = (p - y).mean(axis=0)
    worst = int(np.argmax(np.abs(seen - expected)))
    if not abs(seen[worst] - expected[worst]) <= ROUNDING:
        return broken(
            f"at logits up to {np.max(np.abs(z)):.3g} the gradient of output {worst} is "
            f"{seen[worst]:.9g}, but the mean of p - y is {expected[worst]:.9g}",
            seen=float(seen[worst]),
            expected=float(expected[worst]),
        )
    return None


def _with_classes(subject: Subject) -> str:
    return "" if subject.loss in STABLE else f"{subject.loss} takes no logits"


def saturated_units_pass_no_gradient(subject: Subject, setting: Setting) -> Outcome:
    """Grow the weights and compare what reaches each hidden unit with what it lets through.

    For a single row db_l = dL/dz_l, so db_l must be slope(a_l) times W_{l+1} db_{l+1}: 1 - a^2 for
    tanh, a (1 - a) for the sigmoid, which is nothing for a saturated unit.
    """
    rng = setting.rng()
    row = setting.inputs[:1]
    targets = draw_row_targets(subject, 1, setting.classes, rng)
    start = draw_params(layer_sizes(setting), rng)
    first: list[float] = []
    for growth in GROWTHS:
        params = {k: growth * v if k.startswith("W") else v for k, v in start.items()}
        outputs = [np.asarray(a)[0] for a in subject.activations(params, row)]
        _, gradient = subject.cost_and_gradient(params, row, targets, 0.0)
        for layer, a in enumerate(outputs, start=1):
            outcome = _lets_through(SLOPES[subject.activation](a), params, gradient, layer)
            if outcome is not None:
                return outcome
        first.append(float(np.linalg.norm(gradient["W1"])))
    shown = ", ".join(f"{d:.2g} at {c:g} W" for d, c in zip(first, GROWTHS, strict=True))
    return holds(f"each unit lets its slope's share through; |dW1| is {shown}", first=first)


def _lets_through(slope: Array, params: Params, gradient: Params, layer: int) -> Outcome | None:
    W, above = params[f"W{layer + 1}"], gradient[f"b{layer + 1}"]
    expected, seen = slope * (W @ above), gradient[f"b{layer}"]
    allowed = 1e-11 * (np.abs(W) @ np.abs(above))
    worst = int(np.argmax(np.abs(seen - expected) - allowed))
    if not abs(seen[worst] - expected[worst]) <= allowed[worst]:
        return broken(
            f"unit {worst} of hidden layer {layer} has the slope {slope[worst]:.3g} and gets "
            f"{(W @ above)[worst]:.6g} from above, but passes {seen[worst]:.6g} on, not "
            f"{expected[worst]:.6g}",
            layer=layer,
            unit=worst,
            slope=float(slope[worst]),
        )
    return None


SLOPES: Mapping[str, Callable[[Array], Array]] = {
    "tanh": lambda a: (1 - a) * (1 + a),
    "sigmoid": lambda a: a * (1 - a),
}


def _bounded(subject: Subject) -> str:
    return "" if subject.activation in SLOPES else f"{subject.activation} does not saturate"


LAWS = (
    Law(
        "cost-is-cross-entropy",
        "At ordinary logits the cost equals the naive cross-entropy, and its gradient is p - y.",
        GOODFELLOW,
        ("cost_and_gradient", "loss"),
        cost_is_cross_entropy,
        _with_classes,
    ),
    Law(
        "cost-stays-finite",
        "Where the naive cross-entropy overflows, the cost stays finite and exact.",
        GOODFELLOW,
        ("cost_and_gradient", "loss"),
        cost_stays_finite,
        _with_classes,
    ),
    Law(
        "saturated-units-pass-no-gradient",
        "A saturated tanh or sigmoid passes on its slope's share of the gradient: almost none.",
        GLOROT,
        ("activations", "cost_and_gradient", "activation", "loss"),
        saturated_units_pass_no_gradient,
        _bounded,
    ),
)
