"""Planted faults of penalties: L1, norms, distances to another leaf, decay of the wrong leaf.

Owns: PENALTY_FAULTS, with the small right layers that they imitate. The L2 term of the reference
network stands in `faults/regularisation`. Place: beside `faults/case`, gathered by
`faults/__init__`. The data term is dout * tanh(W), one cost per entry, so that the gradient is
never that of the penalty alone.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..arrays import Params, Scalar
from .case import Build, Case, Fault, Gradient, away_from_zero, dense_cotangent

SHAPE = (4, 3)
LAMBDA = 0.3
ROWS = 8  # of the batch that the mean is over

Penalty: TypeAlias = Callable[[Params], Scalar]
"""Takes the leaves, returns a number."""


def _penalised(names: tuple[str, ...], penalty: Penalty, right: Gradient, wrong: Gradient) -> Build:
    """Build sum(dout * tanh(leaf)) over the leaves + penalty, from the gradients of the penalty."""

    def build(rng: np.random.Generator) -> Case:
        x = {name: away_from_zero(rng, SHAPE) for name in names}
        dout = {name: dense_cotangent(rng, SHAPE) for name in names}

        def f(x: Params) -> Scalar:
            data = sum(np.sum(dout[name] * np.tanh(x[name])) for name in names)
            total: Scalar = data + penalty(x)
            return total

        def with_data(gradient: Gradient) -> Gradient:
            def claim(x: Params) -> Params:
                own = gradient(x)
                return {n: dout[n] * (1 - np.tanh(x[n]) ** 2) + own[n] for n in names}

            return claim

        return Case(f, with_data(right), with_data(wrong), x)

    return build


def _one(penalty: Penalty, right: Gradient, wrong: Gradient) -> Build:
    return _penalised(("W",), penalty, right, wrong)


def _l1(x: Params) -> Scalar:
    W = x["W"]
    cost: Scalar = LAMBDA * np.sum(np.where(W.real > 0, W, -W))
    return cost


def _l1_gradient(x: Params) -> Params:
    return {"W": LAMBDA * np.sign(x["W"])}


def _norm(x: Params) -> Scalar:
    cost: Scalar = LAMBDA * np.sqrt(np.sum(x["W"] ** 2))
    return cost


def _norm_gradient(x: Params) -> Params:
    return {"W": LAMBDA * x["W"] / np.sqrt(np.sum(x["W"] ** 2))}


def _group(x: Params) -> Scalar:
    cost: Scalar = LAMBDA * np.sum(np.sqrt(np.sum(x["W"] ** 2, axis=1)))  # one norm for each row
    return cost


def _group_gradient(x: Params) -> Params:
    return {"W": LAMBDA * x["W"] / np.sqrt(np.sum(x["W"] ** 2, axis=1, keepdims=True))}


def _decay(x: Params) -> Scalar:
    cost: Scalar = LAMBDA / 2 * (np.sum(x["W"] ** 2) + np.sum(x["V"] ** 2))
    return cost


def _decay_gradient(x: Params) -> Params:
    return {"W": LAMBDA * x["W"], "V": LAMBDA * x["V"]}


def _tether(x: Params) -> Scalar:
    cost: Scalar = LAMBDA / 2 * np.sum((x["W"] - x["anchor"]) ** 2)
    return cost


def _tether_gradient(x: Params) -> Params:
    pull = LAMBDA * (x["W"] - x["anchor"])
    return {"W": pull, "anchor": -pull}


def _orthogonal(x: Params) -> Scalar:
    W = x["W"]
    cost: Scalar = LAMBDA * np.sum((W.T @ W - np.eye(SHAPE[1])) ** 2)
    return cost


def _orthogonal_gradient(x: Params) -> Params:
    W = x["W"]
    return {"W": 4 * LAMBDA * W @ (W.T @ W - np.eye(SHAPE[1]))}


def _smooth(x: Params) -> Scalar:
    cost: Scalar = LAMBDA / 2 * np.sum(np.diff(x["W"], axis=0) ** 2)
    return cost


def _smooth_gradient(x: Params) -> Params:
    steps = LAMBDA * np.diff(x["W"], axis=0)
    zero = np.zeros((1, SHAPE[1]))
    return {"W": np.concatenate([zero, steps]) - np.concatenate([steps, zero])}


def _nothing(x: Params) -> Params:
    return {name: np.zeros_like(leaf) for name, leaf in x.items()}


PENALTY_FAULTS = (
    Fault(
        "l1-without-sign",
        "no thread; the derivative of |w| taken as 1",
        "other",
        ("W",),
        "The L1 gradient is lambda instead of lambda times the sign.",
        _one(_l1, _l1_gradient, lambda x: {"W": np.full(SHAPE, LAMBDA)}),
        also=("extra-term",),
    ),
    Fault(
        "l1-as-l2",
        "no thread; one penalty in the cost and the other in its gradient",
        "other",
        ("W",),
        "The cost has lambda |W|, but the gradient lambda W.",
        _one(_l1, _l1_gradient, lambda x: {"W": LAMBDA * x["W"]}),
    ),
    Fault(
        "l1-missing",
        "opennn#241",
        "missing-term",
        ("W",),
        "The L1 term is in the cost, but its gradient never arrives.",
        _one(_l1, _l1_gradient, _nothing),
        also=("other",),
    ),
    Fault(
        "l1-subtracted",
        "chainer/chainer#261",
        "missing-term",
        ("W",),
        "The L1 gradient is subtracted instead of added.",
        _one(_l1, _l1_gradient, lambda x: {"W": -LAMBDA * np.sign(x["W"])}),
        also=("other",),
    ),
    Fault(
        "norm-as-its-square",
        "no thread; the norm in the cost and the gradient of its square",
        "extra-term",
        ("W",),
        "The cost has the norm of W, but the gradient is that of its square.",
        _one(_norm, _norm_gradient, lambda x: {"W": LAMBDA * x["W"]}),
        also=("missing-weight-decay",),
    ),
    Fault(
        "group-norms-as-one-norm",
        "no thread; one norm for all rows instead of one for each",
        "other",
        ("W",),
        "Each row has its own norm in the cost, but all share one in the gradient.",
        _one(_group, _group_gradient, _norm_gradient),
    ),
    Fault(
        "decay-of-one-leaf-missing",
        "opennn#241 in a loop that ends one layer early",
        "missing-weight-decay",
        ("V",),
        "Only the first of two leaves gets the gradient of its decay.",
        _penalised(
            ("W", "V"),
            _decay,
            _decay_gradient,
            lambda x: {"W": LAMBDA * x["W"], "V": np.zeros(SHAPE)},
        ),
    ),
    Fault(
        "decay-of-wrong-leaf",
        "community.deeplearning.ai t/402919",
        "other",
        ("V",),
        "The second leaf is decayed by the first, whose name stands in its line.",
        _penalised(
            ("W", "V"),
            _decay,
            _decay_gradient,
            lambda x: {"W": LAMBDA * x["W"], "V": LAMBDA * x["W"]},
        ),
        also=("missing-weight-decay", "extra-term"),
    ),
    Fault(
        "decay-divided-by-rows",
        "no thread; lambda / m in the gradient only",
        "missing-weight-decay",
        ("W", "V"),
        "The decay is divided by the number of rows in the gradient only.",
        _penalised(
            ("W", "V"),
            _decay,
            _decay_gradient,
            lambda x: {name: LAMBDA / ROWS * leaf for name, leaf in x.items()},
        ),
    ),
    Fault(
        "tether-without-anchor",
        "no thread; a proximal term taken for weight decay",
        "missing-term",
        ("W",),
        "W is tied to an anchor, but its gradient lacks the anchor and pulls to zero.",
        _penalised(
            ("W", "anchor"),
            _tether,
            _tether_gradient,
            lambda x: _tether_gradient(x) | {"W": LAMBDA * x["W"]},
        ),
    ),
    Fault(
        "tether-anchor-detached",
        "no thread; an anchor that is learnt, taken for a constant",
        "missing-term",
        ("anchor",),
        "The anchor gets no gradient from what is tied to it.",
        _penalised(
            ("W", "anchor"),
            _tether,
            _tether_gradient,
            lambda x: _tether_gradient(x) | {"anchor": np.zeros(SHAPE)},
        ),
        also=("other",),
    ),
    Fault(
        "orthogonality-half",
        "CS231n-Spring-2017#3",
        "other",
        ("W",),
        "The penalty on W^T W - I has a gradient of 4 W (W^T W - I), of which half is missing.",
        _one(
            _orthogonal,
            _orthogonal_gradient,
            lambda x: {"W": _orthogonal_gradient(x)["W"] / 2},
        ),
    ),
    Fault(
        "smoothness-of-one-neighbour",
        "no thread; one of the two += of a difference",
        "missing-term",
        ("W",),
        "A row is tied to both of its neighbours, but only one of them pulls.",
        _one(
            _smooth,
            _smooth_gradient,
            lambda x: {"W": LAMBDA * np.diff(x["W"], axis=0, prepend=x["W"][:1])},
        ),
        also=("other",),
    ),
)
"""Faults of penalties."""
