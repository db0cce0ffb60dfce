"""What is said of L2 and of dropout.

Part of `lessons`. The laws behind it are those of `gradcheck.laws.weight_decay` and `dropout`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .campaign import Results
from .dropout_probe import KEEP_PROB
from .recipes import DECAYS
from .runs import Run
from .statement import Numbers, Statement

L2 = "L2"
DROPOUT = "Dropout"

EXACT = 1e-9  # relative, of what is exact but for rounding
STEPPED = 1e-6  # relative: a step changes W by little, so its difference has fewer digits
PARALLEL = 0.99  # cosine
OBLIQUE = 0.9  # cosine: plainly not parallel
BETTER = 0.03  # of the accuracy: six of the 200 test points
LESS = 0.03  # of the accuracy, by which a network does worse on the test than on what it learnt
UNBIASED = 0.02  # ten times what is left to chance
DIFFERENT = 0.1  # share of the units, or a relative distance
NONE, WEAK, GOOD, STRONG = "none", *(f"L2, {decay:g}" for decay in DECAYS)


def _overfit(run: Run) -> float:
    return run.accuracy[-1] - run.last.test_accuracy


def _probed(**names: str) -> Callable[[Results], Numbers]:
    """Measure what the probes of these names say, the worst of the tasks: the largest."""

    def measure(results: Results) -> Numbers:
        return {name: float(np.max(results.probed(probe))) for name, probe in names.items()}

    return measure


def _decays(results: Results) -> Numbers:
    return {
        "descent": float(np.min(results.probed("l2_along_descent"))),
        "adam": float(np.max(results.probed("l2_along_adam"))),
        "adamw": float(np.min(results.probed("l2_along_adamw"))),
    }


def _norms(results: Results) -> Numbers:
    names = (NONE, WEAK, GOOD, STRONG)
    norms = np.array([results.all_of(name, lambda run: run.last.weights) for name in names])
    numbers = {"ratio": float(np.max(norms[1:] / norms[:-1]))}
    return {**numbers, **dict(zip(("none", "weak", "good", "strong"), norms[:, 0], strict=True))}


def _helps(recipe: str) -> Callable[[Results], Numbers]:
    """Measure what a remedy does on both tasks, beside no remedy."""

    def measure(results: Results) -> Numbers:
        numbers = {}
        for task in ("circles", "iris"):
            for short, name in (("none", NONE), ("with", recipe), ("strong", STRONG)):
                numbers[f"{short}_{task}"] = results.accuracy(f"noisy {task}", name)
                numbers[f"{short}_{task}_gap"] = results.median(f"noisy {task}", name, _overfit)
        return {**numbers, "smallest": min(_gains(numbers))}

    return measure


def _gains(n: Numbers) -> list[float]:
    return [n[f"with_{task}"] - n[f"none_{task}"] for task in ("circles", "iris")]


def _helped(n: Numbers) -> bool:
    closed = all(
        n[f"with_{task}_gap"] <= n[f"none_{task}_gap"] - LESS for task in ("circles", "iris")
    )
    return closed and max(_gains(n)) >= BETTER


_HELPS = (
    "Without it the accuracy falls from training to test by {none_circles_gap:.0%} on circles and "
    "{none_iris_gap:.0%} on iris, with it by {with_circles_gap:.0%} and {with_iris_gap:.0%}; test "
    "accuracy is {none_circles:.0%} and {none_iris:.0%} without, {with_circles:.0%} and "
    "{with_iris:.0%} with it."
)

_L2_STATEMENTS = (
    Statement(
        "l2-cost-term",
        L2,
        "L2 is a term in the cost.",
        "the cost with lambda less the cost without, beside lambda/(2m) sum W^2",
        _probed(gap="l2_cost_gap"),
        lambda n: n["gap"] <= EXACT,
        "What lambda adds to the cost is the term within {gap:.0e} of it.",
    ),
    Statement(
        "l2-gradient-term",
        L2,
        "L2 is a term in the gradient: (lambda/m) W, and none for biases.",
        "the gradient with lambda less the gradient without",
        _probed(weights="l2_gradient_gap", biases="l2_bias_gap"),
        lambda n: n["weights"] <= EXACT and n["biases"] == 0,
        "What lambda adds to dW is (lambda/m) W within {weights:.0e} of it, and to db "
        "{biases:g}.",
    ),
    Statement(
        "l2-smaller-weights",
        L2,
        "L2 makes smaller weights: the norm falls with lambda.",
        "the norm of all weights after training",
        _norms,
        lambda n: n["ratio"] < 1,
        "On circles the norm is {none:.3g} without, "
        + ", ".join(
            f"{{{name}:.3g}} at lambda = {decay:g}"
            for name, decay in zip(("weak", "good", "strong"), DECAYS, strict=True)
        )
        + "; each step up leaves {ratio:.0%} of it at most, on iris too.",
    ),
    Statement(
        "l2-one-step-shrinks",
        L2,
        "A step of gradient descent shrinks W by 1 - alpha lambda/m.",
        "W after one step with lambda less W after one without, beside -alpha lambda/m W",
        _probed(gap="l2_shrink_gap"),
        lambda n: n["gap"] <= STEPPED,
        "What lambda does to W in one step is that within {gap:.0e} of it.",
    ),
    Statement(
        "l2-is-weight-decay",
        L2,
        "L2 is weight decay.",
        "the cosine between what it changes in ten steps and -W: 1 is decay",
        _decays,
        lambda n: n["descent"] >= PARALLEL,
        "Under gradient descent the cosine is at least {descent:.3f}.",
        lambda n: n["adam"] <= OBLIQUE,
        "But under Adam at most {adam:.2f}, since each weight's step is scaled on its own; AdamW, "
        "which decays W beside the step, has at least {adamw:.2f}.",
    ),
    Statement(
        "l2-against-overfitting",
        L2,
        "L2 helps against overfitting.",
        f"training and test accuracy with few, mislabelled points, lambda = {DECAYS[1]:g}",
        _helps(GOOD),
        _helped,
        _HELPS,
        lambda n: min(n["strong_circles"] - n["none_circles"],
                      n["strong_iris"] - n["none_iris"]) < 0,
        f"But not too much of it: at lambda = {DECAYS[2]:g} test accuracy is "
        "{strong_circles:.0%} and {strong_iris:.0%}.",
    ),
)  # fmt: skip

_DROPOUT_STATEMENTS = (
    Statement(
        "dropout-new-network-each-step",
        DROPOUT,
        "Dropout trains a new sub-network at each step.",
        "masks of the first hidden layer, one draw after the other",
        _probed(repeats="dropout_repeats", differ="dropout_differ"),
        lambda n: n["repeats"] == 0 and n["differ"] >= DIFFERENT,
        "Two masks in turn differ in {differ:.0%} of their entries, and {repeats:.0f} of 200 were "
        "drawn before.",
    ),
    Statement(
        "dropout-in-training-only",
        DROPOUT,
        "Dropout is for training only.",
        "how far predictions are from those of the same net without dropout",
        _probed(evaluation="dropout_in_evaluation", training="dropout_in_training"),
        lambda n: n["evaluation"] == 0 and n["training"] >= DIFFERENT,
        "In evaluation logits differ by {evaluation:g}, in training by up to {training:.2g}.",
    ),
    Statement(
        "dropout-forward-and-backward-alike",
        DROPOUT,
        "The same mask goes forward and backward.",
        "gradients behind dropped units, and the backward pass beside certified differences",
        _probed(leak="dropout_leak", same="dropout_same_mask", other="dropout_other_mask"),
        lambda n: n["leak"] == 0 and n["same"] <= STEPPED and n["other"] >= DIFFERENT,
        "Behind dropped units gradients are at most {leak:g}; backward agrees with differences to "
        "{same:.0e} under the mask of the forward pass, and is off by {other:.0%} with another.",
    ),
    Statement(
        "dropout-divide-by-keep-prob",
        DROPOUT,
        "Divide by keep_prob, and the mean stays that of evaluation.",
        f"the mean of hidden layers over 200 masks, keep_prob = {KEEP_PROB:g}",
        _probed(mean="dropout_mean", behind="dropout_mean_behind"),
        lambda n: abs(n["mean"] - 1) <= UNBIASED,
        f"The mean of the first layer is {{mean:.3f}} of that in evaluation, where without the "
        f"division it would be {KEEP_PROB:g} of it.",
        lambda n: abs(n["behind"] - 1) > UNBIASED,
        "But behind the next relu, before any mask there, it is {behind:.2f} of it: only what is "
        "linear keeps a mean.",
    ),
    Statement(
        "dropout-against-overfitting",
        DROPOUT,
        "Dropout helps against overfitting.",
        "training and test accuracy with few, mislabelled points",
        _helps("dropout"),
        _helped,
        _HELPS,
        lambda n: min(_gains(n)) < BETTER,
        "But test accuracy gains only {smallest:.0%} on one of the two.",
    ),
)

STATEMENTS = (*_L2_STATEMENTS, *_DROPOUT_STATEMENTS)
