"""Hints say where and of which kind and not how to mend it; credit is by leaf."""

import re

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Finding, Plan, Verdict
from gradcheck.laws import check as check_laws
from gradcheck.teaching import HINTS, SLIPS

rng = np.random.default_rng(7)
X = {"W": rng.standard_normal((4, 3)), "b": rng.standard_normal(3)}
INPUTS, TARGETS = rng.standard_normal((6, 4)), rng.standard_normal((6, 3))


def f(p):
    """Return the cost of a regression through tanh."""
    return np.sum((np.tanh(INPUTS @ p["W"] + p["b"]) - TARGETS) ** 2) / len(INPUTS)


def right(p):
    """Return its gradient."""
    z = np.tanh(INPUTS @ p["W"] + p["b"])
    dz = 2 / len(INPUTS) * (z - TARGETS) * (1 - z**2)
    return {"W": INPUTS.T @ dz, "b": dz.sum(axis=0)}


def checked(**changes):
    """Check with some leaves changed."""
    claim = {**right(X), **{k: change(right(X)[k]) for k, change in changes.items()}}
    return gradcheck.check_grad(f, claim, X, plan=Plan.auto(seed=3))


def zero_row(dW):
    """Lose a row."""
    dW[2] = 0
    return dW


def test_right_derivative_has_no_hint_and_full_credit():
    """Also where a remark is made."""
    report = checked()
    assert report.hints() == ()
    assert dict(report.score().parts) == {"['W']": 1.0, "['b']": 1.0}
    assert report.score().total() == 1.0


@pytest.mark.parametrize(
    ("changes", "place", "kind", "credit"),
    [
        pytest.param({"W": lambda d: 2 * d}, "['W'], in every entry", "one factor", 0.5, id="2"),
        pytest.param({"b": lambda d: -d}, "['b'], in every entry", "opposite way", 0.5, id="-1"),
        pytest.param({"W": zero_row}, "['W'], in row 2", "not to matter", 0.75, id="row"),
        pytest.param({"W": lambda d: d + 1}, "['W'], in every entry", "", 0.0, id="shift"),
    ],
)  # fmt: skip
def test_hint_names_place_and_kind_and_leaf_earns_its_share(changes, place, kind, credit):
    """Three of four right rows are three quarters; a known slip is half."""
    report = checked(**changes)
    (hint,) = report.hints()
    assert hint.startswith(place)
    assert kind in hint
    (leaf,) = changes
    assert report.score().parts[f"['{leaf}']"] == credit
    assert report.score().total() == (1 + credit) / 2


@pytest.mark.parametrize("change", [lambda d: 2 * d, lambda d: d / 6, lambda d: d + 0.25, zero_row])
def test_hint_keeps_the_answer_back(change):
    """Neither the numbers nor the factor, of which the finding tells."""
    report = checked(W=change)
    (finding,) = report.findings
    told = set(re.findall(r"-?\d+\.\d+|1/\d+", finding.message))
    assert told
    assert not any(number in hint for number in told for hint in report.hints())
    assert "twice" not in report.hints()[0]


def test_breach_of_the_contract_is_one_hint_for_all():
    """Leaves that were not tested have none of their own."""
    report = gradcheck.check_grad(f, lambda p: {"W": 1 / 0}, X)
    assert report.hints() == ("The derivative: it raises an exception; read the traceback.",)
    assert report.score().total() == 0.0


def test_leaf_that_could_not_be_judged_is_listed_for_a_person():
    """The other leaf breaks the contract, so this one was not tested."""
    claim = {**right(X), "W": right(X)["W"].T}
    report = gradcheck.check_grad(f, claim, X)
    assert report.score().undecided == ("['b']",)
    assert any("shape" in hint for hint in report.hints())


def test_broken_law_is_a_hint_and_costs_its_share():
    """Laws that do not apply cost nothing."""

    class Halved:
        def dropout_evaluate(self, x, keep_prob):
            return x * keep_prob

    report = check_laws(Halved(), seed=0)
    (hint,) = report.hints()
    assert hint.startswith("The law dropout-evaluation-is-identity is broken: Dropout does nothing")
    assert report.score().total() == 0.0
    assert len(report.score().parts) == 1


def test_every_cause_of_a_failing_leaf_has_a_hint_that_is_a_sentence():
    """What is only ever said of f, or of the check, needs none."""
    of_f = {Cause.KINK, Cause.JUMP, Cause.SINGULAR, Cause.DOMAIN, Cause.NOISE, Cause.BUDGET,
            Cause.REFERENCE, Cause.SETUP, Cause.CANARY, Cause.LAW, Cause.WORKER,
            Cause.INTERRUPTED, Cause.CONVENTION, Cause.OTHER}  # fmt: skip
    assert set(Cause) == set(HINTS) | of_f
    assert all(hint[-1] in ".?" and hint[0].islower() for hint in HINTS.values())
    assert set(HINTS) >= SLIPS


def test_weights_count_parts_and_refuse_what_is_no_weight():
    """By the names that the report has."""
    score = checked(W=lambda d: 2 * d).score(slip=0.2)
    assert score.total({"['W']": 3}) == pytest.approx((3 * 0.2 + 1) / 4)
    assert score.total({"['W']": 0}) == 1.0
    for weights in ({"W": 1}, {"['W']": -1}, {"['W']": 0, "['b']": 0}, {"['W']": float("nan")}):
        with pytest.raises(gradcheck.UsageError):
            score.total(weights)
    for slip in (-0.1, 1.1, float("nan")):
        with pytest.raises(gradcheck.UsageError, match="slip"):
            checked().score(slip=slip)


def test_finding_of_unknown_kind_has_a_hint_too():
    """Such as a finding about f alone."""
    report = gradcheck.Report(
        "", Verdict.INCONCLUSIVE, {}, (Finding(Cause.NOISE, "f is noisy."),), 1, 0.0, Plan.auto()
    )
    assert report.hints() == (
        "The derivative: it could not be judged here; ask for the full report.",
    )
    assert report.score().parts == {}
