"""What is said of zero, constant and random weights.

Part of `lessons`. The laws behind it are those of `gradcheck.laws.symmetry`, which are exact.
"""

from __future__ import annotations

import numpy as np

from .campaign import Results
from .recipes import WIDTH
from .runs import Run
from .statement import Numbers, Statement

EQUAL = "Zero weights, or any constant"
RANDOM = "Random W, zero b"

ALIKE = 1e-9  # units that differ by rounding only, in sums of different order
FAITHFUL = 1e-6  # relative: what rounding may have grown to between the net and its string
VISIBLE = 1e-6  # between gradients: beyond all rounding
APART = 1e-3  # between weights: beyond all rounding
STAYS = 0.01  # of the cost: less than any learning would take off
GUESS = 0.05  # of the accuracy: no better than a guess
CLOSE = 0.05  # of the accuracy: as good as each other
LEARNT = 0.8  # of the test rows: a network that has learnt
MORE = 0.2  # of the accuracy: plainly better
MOVED = 1e-3  # norm of weights that were zero

IDENTICAL = ("zeros, relu", "zeros, tanh", "zeros, sigmoid", "constant, tanh")


def _guess(run: Run) -> float:
    return 1 / run.task.classes


def _gain(run: Run) -> float:
    """Return what a network tells right beyond guessing."""
    return run.last.test_accuracy - _guess(run)


def _spread(results: Results) -> Numbers:
    equal = [
        spread
        for recipe in IDENTICAL
        for spread in results.all_of(recipe, lambda run: max(run.last.spread))
    ]
    apart = results.all_of("He, relu", lambda run: min(run.last.spread))
    return {"equal": float(np.max(equal)), "random": float(np.min(apart))}


def _string(results: Results) -> Numbers:
    gaps = []
    for task in ("circles", "iris"):
        wide, thin = (results.runs[task, name] for name in ("constant, tanh", "its thin string"))
        for one, other in zip(wide, thin, strict=True):
            a, b = np.array(one.cost), np.array(other.cost)
            gaps.append(float(np.max(np.abs(a - b) / a)))
    return {
        "gap": float(np.max(gaps)),
        "circles": results.accuracy("circles", "its thin string"),
        "iris": results.accuracy("iris", "its thin string"),
        "random": results.accuracy("circles", "Xavier, tanh"),
    }


def _dead(results: Results) -> Numbers:
    def largest(run: Run) -> float:
        hidden = [look.unit_gradients[:-1] + look.weight_gradients for look in run.looks]
        return float(np.max(hidden))

    def wandering(run: Run) -> float:
        return float(np.max(np.abs(np.array(run.cost) - np.log(run.task.classes))))

    return {
        "gradient": float(np.max(results.all_of("zeros, relu", largest))),
        "wandering": float(np.max(results.all_of("zeros, relu", wandering))),
    }


def _nothing(results: Results) -> Numbers:
    names = ("zeros, relu", "zeros, tanh", "zeros, sigmoid")
    weights = {name: results.all_of(name, lambda run: run.last.weights) for name in names}
    gains = [gain for name in names for gain in results.all_of(name, _gain)]
    return {
        "gain": float(np.max(gains)),
        "relu": float(np.max(weights["zeros, relu"])),
        "sigmoid": float(np.min(weights["zeros, sigmoid"])),
    }


def _breaking(results: Results) -> Numbers:
    def smallest(run: Run) -> float:
        return min(run.first.gradient_spread)

    constant = results.all_of("constant, tanh", lambda run: max(run.first.gradient_spread))
    return {
        "he": float(np.min(results.all_of("He, relu", smallest))),
        "constant": float(np.max(constant)),
        "small": float(np.min(results.all_of("small, relu", smallest))),
        "small_gain": float(np.max(results.all_of("small, relu", _gain))),
    }


def _zero_b(results: Results) -> Numbers:
    return {
        f"{short}_{task}": results.accuracy(task, name)
        for short, name in (("zero", "He, relu"), ("drawn", "He, random b"))
        for task in ("circles", "iris")
    }


def _as_good(n: Numbers) -> bool:
    return all(
        n[f"zero_{task}"] >= LEARNT and abs(n[f"zero_{task}"] - n[f"drawn_{task}"]) <= CLOSE
        for task in ("circles", "iris")
    )


def _random_b(results: Results) -> Numbers:
    name = "zeros, random b"
    return {
        "spread": float(np.min(results.all_of(name, lambda run: min(run.first.spread)))),
        "gain": float(np.max(results.all_of(name, _gain))),
        "weights": float(np.min(results.all_of("He, relu", _gain))),
    }


STATEMENTS = (
    Statement(
        "units-stay-identical",
        EQUAL,
        "All units of a layer stay identical.",
        "the largest difference between two units of a hidden layer after training",
        _spread,
        lambda n: n["equal"] <= ALIKE and n["random"] >= APART,
        "Two units of a layer differ by {equal:.1g} at most after training from zeros or a "
        "constant, by {random:.2g} at least from He weights.",
    ),
    Statement(
        "thin-string",
        EQUAL,
        "The net is a thin string of single units.",
        "the cost beside that of a net with one unit a layer, and what either tells right",
        _string,
        lambda n: n["gap"] <= FAITHFUL and n["circles"] <= n["random"] - MORE,
        f"One unit a layer follows the cost of {WIDTH} equal ones within {{gap:.0e}} of it, and "
        "tells {circles:.0%} of the circles right, where random weights tell {random:.0%}.",
        lambda n: n["iris"] >= LEARNT,
        "But for iris a string is enough: {iris:.0%}.",
    ),
    Statement(
        "zeros-relu-dead",
        EQUAL,
        "ReLU: hidden gradients are exactly 0 and the cost stays log 2 (log 3 on iris).",
        "all gradients but that of the output's b, and the cost after each epoch",
        _dead,
        lambda n: n["gradient"] == 0 and n["wandering"] <= STAYS,
        "The largest of these gradients is {gradient:g}, and the cost leaves log 2 or log 3 by "
        "{wandering:.1g} at most.",
        lambda n: n["wandering"] > ALIKE,
        "But not exactly log 2: a mini-batch is not balanced, so the output's b moves.",
    ),
    Statement(
        "zeros-learn-nothing",
        EQUAL,
        "A network of zeros learns nothing.",
        "test accuracy beyond guessing, and the norm of the weights after training",
        _nothing,
        lambda n: n["gain"] <= GUESS,
        "After training the net tells {gain:.0%} more right than a guess.",
        lambda n: n["sigmoid"] >= MOVED and n["relu"] < MOVED,
        "But dead it is only with relu and tanh, where weights stay at {relu:.0g}: sigmoid(0) is "
        "1/2, so with sigmoid they move, to a norm of {sigmoid:.1g}, all alike.",
    ),
    Statement(
        "random-weights-break-symmetry",
        RANDOM,
        "Random W breaks the symmetry.",
        "the difference of the first gradients between two units of a layer, with b = 0",
        _breaking,
        lambda n: n["he"] >= VISIBLE and n["constant"] <= ALIKE,
        "The first gradients of a layer's units differ by {he:.1g} at least with He weights, by "
        "{constant:.0g} at most with constant ones.",
        lambda n: n["small_gain"] <= GUESS,
        "But random is not enough: 0.01 randn breaks it by {small:.0e} only, and after all epochs "
        "the net tells {small_gain:.0%} more right than a guess.",
    ),
    Statement(
        "zero-b-is-fine",
        RANDOM,
        "Zero b is fine.",
        "test accuracy of He weights with zero and with random b",
        _zero_b,
        _as_good,
        "Test accuracy with zero b is {zero_circles:.0%} on circles and {zero_iris:.0%} on iris, "
        "with random b {drawn_circles:.0%} and {drawn_iris:.0%}.",
    ),
    Statement(
        "random-b-is-no-substitute",
        RANDOM,
        "It is W that must be random: random b does not replace it.",
        "test accuracy beyond guessing, of zero W with random hidden b and of random W",
        _random_b,
        lambda n: n["spread"] >= APART and n["gain"] <= GUESS and n["weights"] >= MORE,
        "With W = 0 and random b, units differ by {spread:.1g} and the net tells {gain:.0%} more "
        "right than a guess; with He weights {weights:.0%}.",
    ),
)
