"""Derivatives as linear maps: laws that need no differences at all.

Part of `laws`. Sources: Griewank and Walther (2008), Evaluating Derivatives, chapter 3 (adjoints);
Du, Hu, Lee (2018), NeurIPS 31, theorem 2.1 (homogeneous layers are balanced).
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

GRIEWANK = "Griewank and Walther (2008), Evaluating Derivatives, chapter 3"
DU = "Du, Hu, Lee (2018), Algorithmic regularization in deep homogeneous models, NeurIPS 31"
GOODFELLOW = "Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.3"

ROUNDING = 1e-11  # of the sum of absolute terms: thousands of float64 roundings
HOMOGENEOUS = ("relu", "leaky_relu", "identity")


def adjoint_identity(subject: Subject, setting: Setting) -> Outcome:
    """Compare <u, Jv> with <J'u, v>: one number, computed forward and backward."""
    rng = setting.rng()
    params = draw_params(layer_sizes(setting), rng)
    v = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    u = rng.standard_normal((setting.m, setting.classes))
    forward = np.asarray(subject.jvp(params, setting.inputs, v)) * u
    pulled = subject.vjp(params, setting.inputs, u)
    backward = {name: np.asarray(pulled[name]) * v[name] for name in v}
    ahead, back = float(forward.sum()), sum(float(part.sum()) for part in backward.values())
    size = float(np.abs(forward).sum() + sum(np.abs(part).sum() for part in backward.values()))
    if not abs(ahead - back) <= ROUNDING * max(size, 1e-3):
        return broken(
            f"<u, Jv> is {ahead:.12g} but <J'u, v> is {back:.12g}: forward and reverse mode "
            f"disagree",
            forward=ahead,
            backward=back,
        )
    return holds(f"<u, Jv> = <J'u, v> = {ahead:.6g}")


def vjp_is_linear(subject: Subject, setting: Setting) -> Outcome:
    """Pull back u, w and a u + b w, large and small."""
    rng = setting.rng()
    params = draw_params(layer_sizes(setting), rng)
    u, w = rng.standard_normal((2, setting.m, setting.classes))
    a, b = rng.uniform(1, 2) * 10.0 ** rng.uniform(-3, 3), -rng.uniform(1, 2)
    pull = [subject.vjp(params, setting.inputs, dout) for dout in (u, w, a * u + b * w)]
    for name in params:
        first, second, together = (np.asarray(part[name]) for part in pull)
        separately = a * first + b * second
        size = float(np.max(np.abs(a * first)) + np.max(np.abs(b * second)))
        distance = np.abs(together - separately)
        if not distance.max() <= ROUNDING * max(size, 1e-12):
            where = np.unravel_index(int(distance.argmax()), distance.shape)
            return broken(
                f"at d{name}{[int(k) for k in where]} the VJP of {a:.4g} u + {b:.4g} w is "
                f"{together[where]:.9g}, but {a:.4g} times that of u and {b:.4g} times that of w "
                f"make {separately[where]:.9g}",
                parameter=name,
                seen=float(together[where]),
                expected=float(separately[where]),
            )
    return holds(f"the VJP of a u + b w is a VJP(u) + b VJP(w) for a = {a:.3g}")


def euler_identity(subject: Subject, setting: Setting) -> Outcome:
    """Compare <W, dW> of each layer with <W, dW> + <b, db> of the one below.

    Scaling W and b of one layer by c scales its outputs by c, as scaling the next W does. With
    biases of zero all <W_l, dL/dW_l> are equal.
    """
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    params = draw_params(layer_sizes(setting), rng)
    _, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
    terms = {name: value * gradient[name] for name, value in params.items()}
    for layer in range(1, len(setting.hidden) + 1):
        below = [terms[f"W{layer}"], terms[f"b{layer}"]]
        above = terms[f"W{layer + 1}"]
        size = float(sum(np.abs(part).sum() for part in (*below, above)))
        lower, upper = float(sum(part.sum() for part in below)), float(above.sum())
        if not abs(lower - upper) <= ROUNDING * max(size, 1e-3):
            return broken(
                f"<W, dW> + <b, db> of layer {layer} is {lower:.9g}, but <W, dW> of layer "
                f"{layer + 1} is {upper:.9g}",
                layer=layer,
                lower=lower,
                upper=upper,
            )
    return holds(f"<W, dW> + <b, db> of each layer is <W, dW> of the next ({upper:.4g} at the top)")


def _homogeneous(subject: Subject) -> str:
    if subject.activation in HOMOGENEOUS:
        return ""
    return f"{subject.activation} is not positively homogeneous"


def softmax_loss_sums_to_zero(subject: Subject, setting: Setting) -> Outcome:
    """Sum the last layer's gradients over the classes: adding to all logits changes nothing."""
    rng = setting.rng()
    targets = draw_targets(subject, setting, rng)
    params = draw_params(layer_sizes(setting), rng)
    _, gradient = subject.cost_and_gradient(params, setting.inputs, targets, 0.0)
    last: Params = {name: gradient[name] for name in list(params)[-2:]}
    for name, d in last.items():
        sums = np.atleast_1d(d.sum(axis=-1))
        size = float(np.max(np.abs(d)))
        worst = int(np.argmax(np.abs(sums)))
        if not abs(sums[worst]) <= ROUNDING * max(size, 1e-3):
            return broken(
                f"row {worst} of d{name} sums to {sums[worst]:.6g} over the classes, not to 0",
                parameter=name,
                sum=float(sums[worst]),
            )
    return holds(f"rows of {' and '.join(f'd{name}' for name in last)} sum to 0")


def _with_softmax(subject: Subject) -> str:
    return "" if subject.loss == "softmax" else f"it is about softmax, not {subject.loss}"


LAWS = (
    Law(
        "adjoint-identity",
        "Forward and reverse mode are adjoint: <u, Jv> = <J'u, v>.",
        GRIEWANK,
        ("jvp", "vjp"),
        adjoint_identity,
    ),
    Law(
        "vjp-is-linear",
        "A VJP is linear in its cotangent.",
        GRIEWANK,
        ("vjp",),
        vjp_is_linear,
    ),
    Law(
        "euler-identity",
        "In a positively homogeneous network <W, dL/dW> is the same for all layers, biases aside.",
        DU,
        ("cost_and_gradient", "activation", "loss"),
        euler_identity,
        _homogeneous,
    ),
    Law(
        "softmax-loss-gradient-sums-to-zero",
        "The gradient of a softmax loss sums to 0 over the classes.",
        GOODFELLOW,
        ("cost_and_gradient", "loss"),
        softmax_loss_sums_to_zero,
        _with_softmax,
    ),
)
