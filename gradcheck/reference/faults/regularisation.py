"""Planted faults of the L2 term, each in a whole network.

Owns: REGULARISATION_FAULTS. Does not own the term, which is `gradcheck.reference.regularisation`.
Place: beside `faults/case`, gathered by `faults/__init__`.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..arrays import Array, Params, Scalar
from ..network import Batch, Network, cost, cost_and_gradient
from .case import Build, Case, Fault

ROWS = 5
WEIGHT_DECAY = 2.0
SCALE = WEIGHT_DECAY / ROWS  # the right gradient of the L2 term is SCALE * W
NETWORK = Network((3, 4, 2), activation="tanh", weight_decay=WEIGHT_DECAY)

Error: TypeAlias = Callable[[Array], Array]
"""Takes a leaf, returns what the wrong gradient has too much there."""


def _l2(leaves: tuple[str, ...], error: Error) -> Build:
    def build(rng: np.random.Generator) -> Case:
        x = {
            "W1": rng.standard_normal((3, 4)),
            "b1": rng.standard_normal(4),  # not zero, or decay of the biases would not show
            "W2": rng.standard_normal((4, 2)),
            "b2": rng.standard_normal(2),
        }
        batch = Batch(rng.standard_normal((ROWS, 3)), rng.integers(0, 2, ROWS))

        def f(x: Params) -> Scalar:
            return cost(NETWORK, x, batch)

        def right(x: Params) -> Params:
            return cost_and_gradient(NETWORK, x, batch)[1]

        def wrong(x: Params) -> Params:
            gradient = right(x)
            return gradient | {name: gradient[name] + error(x[name]) for name in leaves}

        return Case(f, right, wrong, x)

    return build


WEIGHTS = ("W1", "W2")
BIASES = ("b1", "b2")

REGULARISATION_FAULTS = (
    Fault(
        "l2-half-of-gradient",
        "CS231n-Spring-2017#3",
        "missing-weight-decay",
        WEIGHTS,
        "The L2 gradient lacks the factor 2 of the square, so that half of it is missing.",
        _l2(WEIGHTS, lambda W: -SCALE / 2 * W),
    ),
    Fault(
        "l2-twice-the-gradient",
        "no thread; the cost has a half that the gradient of the square then lacks",
        "extra-term",
        WEIGHTS,
        "The cost has lambda / (2 m), but the gradient 2 lambda / m.",
        _l2(WEIGHTS, lambda W: SCALE * W),
    ),
    Fault(
        "l2-missing",
        "opennn#241",
        "missing-weight-decay",
        WEIGHTS,
        "The L2 term is in the cost, but its gradient never arrives.",
        _l2(WEIGHTS, lambda W: -SCALE * W),
    ),
    Fault(
        "l2-subtracted",
        "chainer/chainer#261",
        "missing-weight-decay",
        WEIGHTS,
        "The L2 gradient is subtracted instead of added.",
        _l2(WEIGHTS, lambda W: -2 * SCALE * W),
    ),
    Fault(
        "l2-on-biases",
        "no thread; one loop over all parameters instead of over the weights",
        "extra-term",
        BIASES,
        "The gradient decays the biases too, which the cost does not penalise.",
        _l2(BIASES, lambda b: SCALE * b),
    ),
    Fault(
        "l2-not-divided-by-rows",
        "community.deeplearning.ai t/402919",
        "extra-term",
        WEIGHTS,
        "The L2 gradient is lambda W instead of lambda / m W.",
        _l2(WEIGHTS, lambda W: (WEIGHT_DECAY - SCALE) * W),
    ),
)
"""Faults of the L2 term."""
