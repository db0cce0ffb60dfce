"""No verdict is fixed: each statement is seen in numbers that show it, and not in contrary ones."""

import math

import pytest

from gradcheck.lessons import STATEMENTS, Seen, judge

HELPED = {
    "none_circles": 0.70, "with_circles": 0.80, "strong_circles": 0.75,
    "none_iris": 0.80, "with_iris": 0.90, "strong_iris": 0.85,
    "none_circles_gap": 0.25, "with_circles_gap": 0.10, "strong_circles_gap": 0.0,
    "none_iris_gap": 0.20, "with_iris_gap": 0.05, "strong_iris_gap": 0.0, "smallest": 0.10,
}  # fmt: skip
NO_HELP = {"with_circles": 0.71, "with_iris": 0.81}
NO_GAP = {"with_iris_gap": 0.20}

# numbers that show it without a limit; changes that contradict it; a change that shows its limit
CASES = {
    "units-stay-identical": (
        {"equal": 0.0, "random": 1.8}, [{"equal": 1e-3}, {"random": 0.0}], None),
    "thin-string": (
        {"gap": 1e-14, "circles": 0.5, "iris": 0.6, "random": 0.95},
        [{"gap": 0.1}, {"circles": 0.95}], {"iris": 0.9}),
    "zeros-relu-dead": (
        {"gradient": 0.0, "wandering": 0.0}, [{"gradient": 1e-12}, {"wandering": 0.2}],
        {"wandering": 1e-4}),
    "zeros-learn-nothing": (
        {"gain": 0.0, "relu": 0.0, "sigmoid": 0.0}, [{"gain": 0.3}], {"sigmoid": 0.03}),
    "random-weights-break-symmetry": (
        {"he": 0.1, "constant": 0.0, "small": 1e-5, "small_gain": 0.4},
        [{"he": 0.0}, {"constant": 0.1}], {"small_gain": 0.0}),
    "zero-b-is-fine": (
        {"zero_circles": 0.97, "zero_iris": 0.95, "drawn_circles": 0.98, "drawn_iris": 0.93},
        [{"zero_circles": 0.5}, {"drawn_iris": 0.85}], None),
    "random-b-is-no-substitute": (
        {"spread": 1.0, "gain": 0.0, "weights": 0.45},
        [{"gain": 0.4}, {"spread": 0.0}, {"weights": 0.0}], None),
    "large-weights-saturate": (
        {"large": 0.8, "usual": 0.0, "large_circles": 0.5, "usual_circles": 0.6},
        [{"large": 0.1}, {"usual": 0.7}], {"large_circles": 0.7}),
    "naive-cost-overflows": (
        {"relu": 1.0, "sigmoid": 0.9, "he": 0.0, "cost": 2e3},
        [{"relu": 0.1}, {"he": 1.0}], {"sigmoid": 0.1}),
    "logit-form-stays-finite": (
        {"finite": 1.0, "highest": 1e3, "compared": 20.0, "gap": 1e-15, "large_gap": 1e-15},
        [{"finite": 0.9}, {"gap": 1e-3}], {"large_gap": 1e-9}),
    "gradients-vanish": (
        {"small": 1e-13, "he": 0.1, "relu": 1e-3, "sigmoid": 1e-5},
        [{"small": 0.1}, {"sigmoid": 1.0}], {"relu": 0.7}),
    "gradients-explode": (
        {"large": 1e10, "he": 1.0, "diverged": 1.0}, [{"large": 10.0}], None),
    "he-suits-relu": (
        {"low": 0.7, "high": 1.5, "xavier": 0.08, "small": 1e-11,
         "he_test": 0.95, "xavier_test": 0.6, "small_test": 0.5},
        [{"low": 0.01}, {"high": 100.0}, {"small": 1.0}, {"xavier": 1.0}, {"he_test": 0.5}],
        {"xavier_test": 0.93}),
    "xavier-suits-tanh": (
        {"low": 0.8, "high": 1.5, "tanh_test": 0.95, "sigmoid": 0.5, "sigmoid_test": 0.9},
        [{"low": 1e-3}, {"high": 1e3}, {"tanh_test": 0.5}], {"sigmoid": 1e-5}),
    "randn-not-rand": (
        {"rand": 0.4, "randn": 0.0, "uniform": 0.4, "rand_test": 0.6, "randn_test": 0.9,
         "uniform_test": 0.6, "rand_gradient": 0.2, "randn_gradient": 0.05,
         "uniform_gradient": 0.2},
        [{"rand": 0.0}, {"rand_test": 0.9}], {"uniform": 0.0, "uniform_test": 0.9}),
    "l2-cost-term": ({"gap": 1e-16}, [{"gap": 0.5}], None),
    "l2-gradient-term": (
        {"weights": 1e-16, "biases": 0.0}, [{"weights": 0.5}, {"biases": 1e-3}], None),
    "l2-smaller-weights": (
        {"ratio": 0.8, "none": 20.0, "weak": 6.0, "good": 4.0, "strong": 2.0},
        [{"ratio": 1.1}], None),
    "l2-one-step-shrinks": ({"gap": 1e-12}, [{"gap": 0.5}], None),
    "l2-is-weight-decay": (
        {"descent": 1.0, "adam": 0.99, "adamw": 1.0}, [{"descent": 0.5}], {"adam": 0.4}),
    "l2-against-overfitting": (HELPED, [NO_HELP, NO_GAP], {"strong_iris": 0.5}),
    "dropout-new-network-each-step": (
        {"repeats": 0.0, "differ": 0.4}, [{"repeats": 199.0}, {"differ": 0.0}], None),
    "dropout-in-training-only": (
        {"evaluation": 0.0, "training": 3.0}, [{"evaluation": 0.1}, {"training": 0.0}], None),
    "dropout-forward-and-backward-alike": (
        {"leak": 0.0, "same": 1e-10, "other": 0.6},
        [{"leak": 0.1}, {"same": 0.5}, {"other": 0.0}], None),
    "dropout-divide-by-keep-prob": (
        {"mean": 1.001, "behind": 1.0}, [{"mean": 0.7}, {"mean": 1.4}], {"behind": 1.15}),
    "dropout-against-overfitting": (HELPED, [NO_HELP, NO_GAP], {"with_iris": 0.81}),
}  # fmt: skip
BY_NAME = {statement.name: statement for statement in STATEMENTS}
CONTRARY = [(name, change) for name, (_, changes, _) in CASES.items() for change in changes]
LIMITS = [(name, change) for name, (_, _, change) in CASES.items() if change]


def described(value):
    """Name a case by what was changed."""
    return "-".join(value) if isinstance(value, dict) else value


def test_every_statement_has_its_twins():
    """And no two have one name."""
    assert list(CASES) == [statement.name for statement in STATEMENTS]


@pytest.mark.parametrize("name", CASES)
def test_statement_is_seen_in_numbers_that_show_it(name):
    """Without a limit, where they show none."""
    seen = judge(BY_NAME[name], CASES[name][0])
    assert seen.seen is Seen.SEEN
    assert seen.sentence.endswith(".")


@pytest.mark.parametrize(("name", "change"), CONTRARY, ids=described)
def test_statement_is_not_seen_in_contrary_numbers(name, change):
    """Each condition counts by itself; the sentence still gives the numbers."""
    assert judge(BY_NAME[name], {**CASES[name][0], **change}).seen is Seen.NOT_SEEN


@pytest.mark.parametrize(("name", "change"), LIMITS, ids=described)
def test_limit_of_a_statement_is_said_where_the_numbers_show_it(name, change):
    """In a sentence of its own."""
    seen = judge(BY_NAME[name], {**CASES[name][0], **change})
    assert seen.seen is Seen.SEEN_BUT
    assert " But " in seen.sentence


def test_every_limit_is_tried():
    """A statement that knows of one is in the table with it."""
    assert {name for name, _ in LIMITS} == {s.name for s in STATEMENTS if s.but}


@pytest.mark.parametrize("name", CASES)
def test_nan_is_never_seen(name):
    """A run that diverged shows nothing."""
    assert judge(BY_NAME[name], dict.fromkeys(CASES[name][0], math.nan)).seen is Seen.NOT_SEEN
