"""What is said of the size of initial weights, over few layers and over many, and of rand.

Part of `lessons`. The laws behind it are those of `gradcheck.laws.initialisation` and `saturation`.
"""

from __future__ import annotations

import math

import numpy as np

from .campaign import Results
from .runs import Look, Run
from .statement import Numbers, Statement

LARGE = "Too large weights"
DEPTH = "Poor initialisation, over depth"
RAND = "randn rather than rand"

MANY, FEW = 0.5, 0.1  # shares of the activations or of the runs
EXACT = 1e-12  # relative, between two formulas of one cost: thousands of roundings
LOSSY = 1e-11  # relative: more than rounding
TINY = 1e-6  # of the gradient from He weights: vanished; its inverse: exploded
SLIGHT = 1e-2  # of the gradient of the last layer, where the first one's has vanished
KEPT = 10.0  # a size that is within this factor over eight layers is kept
LOST = 1e-3  # of the signal: lost on the way
CLOSE = 0.05  # of a share: the same
BETTER = 0.05  # of the accuracy
LEARNT = 0.8
AS_GOOD = 0.1  # of the accuracy, between two ways to draw


def _first_saturated(run: Run) -> float:
    return run.first.saturated


def _first_gradient(run: Run) -> float:
    return run.first.weight_gradients[0]


def _first_over_last(run: Run) -> float:
    return run.first.weight_gradients[0] / run.first.weight_gradients[-1]


def _signal(run: Run) -> float:
    look: Look = run.first
    return look.signals[-1] / look.signals[0]


def _saturation(results: Results) -> Numbers:
    return {
        "large": float(np.min(results.all_of("large, sigmoid", _first_saturated))),
        "usual": float(np.max(results.all_of("Xavier, sigmoid", _first_saturated))),
        "large_circles": results.accuracy("circles", "large, sigmoid"),
        "usual_circles": results.accuracy("circles", "Xavier, sigmoid"),
    }


def _share_not_finite(results: Results, recipe: str) -> float:
    runs = [run for (_, name), some in results.runs.items() if name == recipe for run in some]
    return float(np.mean([not math.isfinite(run.naive_cost) for run in runs]))


def _overflow(results: Results) -> Numbers:
    return {
        "relu": _share_not_finite(results, "large, relu"),
        "sigmoid": _share_not_finite(results, "large, sigmoid"),
        "he": _share_not_finite(results, "He, relu"),
        "cost": float(np.min(results.all_of("large, relu", lambda run: run.stable_cost))),
    }


def _logits(results: Results) -> Numbers:
    gaps: dict[str, list[float]] = {"ordinary": [], "large": []}
    for (_, name), some in results.runs.items():
        scale = "large" if "large" in name else "ordinary"
        gaps[scale] += [
            abs(run.naive_cost - run.stable_cost) / run.stable_cost
            for run in some
            if math.isfinite(run.naive_cost)
        ]
    costs = [run.stable_cost for some in results.runs.values() for run in some]
    return {
        "finite": float(np.mean(np.isfinite(costs))),
        "highest": float(np.max(costs)),
        "compared": float(len(gaps["ordinary"])),
        "gap": max(gaps["ordinary"], default=math.nan),
        "large_gap": max(gaps["large"], default=math.nan),
    }


def _vanishing(results: Results) -> Numbers:
    small = results.all_of("deep small, relu", _first_gradient)
    he = results.all_of("deep He, relu", _first_gradient)
    return {
        "small": float(np.max(small)),
        "he": float(np.min(he)),
        "relu": float(np.min(results.all_of("deep small, relu", _first_over_last))),
        "sigmoid": float(np.max(results.all_of("deep Xavier sigm", _first_over_last))),
    }


def _exploding(results: Results) -> Numbers:
    runs = [run for (_, name), some in results.runs.items() if name == "deep large, relu"
            for run in some]  # fmt: skip
    return {
        "large": float(np.min(results.all_of("deep large, relu", _first_gradient))),
        "he": float(np.max(results.all_of("deep He, relu", _first_gradient))),
        "diverged": float(np.mean([not math.isfinite(run.cost[-1]) for run in runs])),
    }


def _he(results: Results) -> Numbers:
    signals = results.all_of("deep He, relu", _signal)
    return {
        "low": float(np.min(signals)),
        "high": float(np.max(signals)),
        "xavier": float(np.max(results.all_of("deep Xavier relu", _signal))),
        "small": float(np.max(results.all_of("deep small, relu", _signal))),
        "he_test": float(np.min(results.accuracies("deep He, relu"))),
        "xavier_test": float(np.min(results.accuracies("deep Xavier relu"))),
        "small_test": float(np.max(results.accuracies("deep small, relu"))),
    }


def _he_suits(n: Numbers) -> bool:
    kept = n["low"] >= 1 / KEPT and n["high"] <= KEPT
    lost = n["small"] <= LOST and n["xavier"] < n["low"]
    return kept and lost and n["he_test"] >= n["small_test"] + BETTER


def _xavier(results: Results) -> Numbers:
    ratios = results.all_of("deep Xavier tanh", _first_over_last)
    return {
        "low": float(np.min(ratios)),
        "high": float(np.max(ratios)),
        "tanh_test": float(np.min(results.accuracies("deep Xavier tanh"))),
        "sigmoid": float(np.max(results.all_of("deep Xavier sigm", _first_over_last))),
        "sigmoid_test": float(np.max(results.accuracies("deep Xavier sigm"))),
    }


def _xavier_suits(n: Numbers) -> bool:
    return n["low"] >= 1 / KEPT and n["high"] <= KEPT and n["tanh_test"] >= LEARNT


def _rand(results: Results) -> Numbers:
    names = {"rand": "rand, tanh", "randn": "randn, tanh", "uniform": "rand - 1/2"}
    numbers = {}
    for short, name in names.items():
        numbers[short] = results.median("circles", name, _first_saturated)
        numbers[f"{short}_test"] = results.accuracy("circles", name)
        numbers[f"{short}_gradient"] = results.median("circles", name, _first_gradient)
    return numbers


STATEMENTS = (
    Statement(
        "large-weights-saturate",
        LARGE,
        "Too large weights saturate the sigmoid.",
        "the share of saturated sigmoid units before training",
        _saturation,
        lambda n: n["large"] >= MANY and n["usual"] <= FEW,
        "Of the activations {large:.0%} are saturated with 10 randn, {usual:.0%} with Xavier "
        "weights.",
        lambda n: n["large_circles"] >= n["usual_circles"] + BETTER,
        "But saturated is not stuck: on circles it learns more ({large_circles:.0%} right) than "
        "from Xavier weights ({usual_circles:.0%}), whose units are all near linear.",
    ),
    Statement(
        "naive-cost-overflows",
        LARGE,
        "The cost becomes inf.",
        "how often the formula of the cross-entropy gives inf or nan before training",
        _overflow,
        lambda n: n["relu"] >= MANY and n["he"] == 0,
        "The formula gives inf or nan in {relu:.0%} of the nets with 10 randn and relu, whose cost "
        "is {cost:.3g} or more, and in {he:.0%} of those with He weights.",
        lambda n: n["sigmoid"] < MANY,
        "But with sigmoid in {sigmoid:.0%}: units that end at 1 make no large logits.",
    ),
    Statement(
        "logit-form-stays-finite",
        LARGE,
        "From the logits the cost stays finite, and equals the formula elsewhere.",
        "the cost of all runs before training, by either way",
        _logits,
        lambda n: n["finite"] == 1 and n["gap"] <= EXACT,
        "From the logits {finite:.0%} of the costs are finite, up to {highest:.1e}; the formula "
        "differs from them by {gap:.0e} at most in {compared:.0f} nets of ordinary weights.",
        lambda n: n["large_gap"] > LOSSY,
        "But it loses digits before it overflows: with 10 randn, where still finite, it is off by "
        "{large_gap:.0e}.",
    ),
    Statement(
        "gradients-vanish",
        DEPTH,
        "From too small weights gradients vanish in the first layers.",
        "the norm of the first dW before training, eight hidden layers deep",
        _vanishing,
        lambda n: n["small"] <= TINY * n["he"] and n["sigmoid"] <= SLIGHT,
        "The first |dW| is at most {small:.0e} from 0.01 randn, at least {he:.0e} from He weights; "
        "with sigmoid and Xavier weights it is {sigmoid:.0e} of the last one.",
        lambda n: 1 / KEPT <= n["relu"] <= KEPT,
        "But with relu it vanishes in the last layer too (first over last: {relu:.1g}), since "
        "<W, dW> is the same in all layers.",
    ),
    Statement(
        "gradients-explode",
        DEPTH,
        "From too large weights gradients explode.",
        "the norm of the first dW before training, and whether the cost is finite after it",
        _exploding,
        lambda n: n["large"] * TINY >= n["he"],
        "The first |dW| is at least {large:.0e} from 10 randn, at most {he:.0e} from He weights, "
        "and training ends in nan in {diverged:.0%} of the runs.",
    ),
    Statement(
        "he-suits-relu",
        DEPTH,
        "He initialisation suits ReLU.",
        "the size of the last hidden layer's activations over that of the first, and learning",
        _he,
        _he_suits,
        "Over eight layers of relu the activations become {low:.2g} to {high:.2g} of the first "
        "with He weights, {xavier:.2g} with Xavier and {small:.0e} with 0.01 randn; test accuracy "
        "is {he_test:.0%}, {xavier_test:.0%} and {small_test:.0%}.",
        lambda n: n["xavier_test"] >= n["he_test"] - BETTER,
        "But at this depth Xavier weights learn as much: a factor is made up for by training, a "
        "power of ten a layer is not.",
    ),
    Statement(
        "xavier-suits-tanh",
        DEPTH,
        "Xavier initialisation suits tanh and sigmoid.",
        "the norm of the first dW over that of the last before training, and learning",
        _xavier,
        _xavier_suits,
        "The first |dW| is {low:.2g} to {high:.2g} of the last with tanh, and test accuracy is "
        "{tanh_test:.0%}.",
        lambda n: n["sigmoid"] <= SLIGHT,
        "But not sigmoid, whose slope is 1/4 at most: {sigmoid:.0e} of the last, test accuracy "
        "{sigmoid_test:.0%}.",
    ),
    Statement(
        "randn-not-rand",
        RAND,
        "Draw weights by randn, not by rand.",
        "saturation before training and test accuracy on circles, all of one variance",
        _rand,
        lambda n: n["rand"] >= n["randn"] + FEW and n["rand_test"] <= n["randn_test"] - BETTER,
        "With tanh, rand saturates {rand:.0%}, starts with a first |dW| of {rand_gradient:.1g} and "
        "tells {rand_test:.0%} right; randn {randn:.0%}, {randn_gradient:.1g} and "
        "{randn_test:.0%}.",
        lambda n: (
            abs(n["uniform"] - n["randn"]) <= CLOSE
            and abs(n["uniform_test"] - n["randn_test"]) <= AS_GOOD
        ),
        "But it is the mean, not the shape: rand - 1/2 saturates {uniform:.0%}, starts with "
        "{uniform_gradient:.1g} and tells {uniform_test:.0%} right.",
    ),
)
