"""The canary: a planted error is found, and a checker that has gone blind is found out.

By construction an error at the certified limit is missed with probability 1e-6 at most, and one
that is alone not at all; so none of the seeds below may miss.
"""

import itertools
import re

import numpy as np
import pytest

import gradcheck
from gradcheck import Budget, Cause, Plan, Problem, Report, Verdict, canary, certainty, corpus
from gradcheck.probing import here
from gradcheck.verdict import Judgement

PLANS = [
    pytest.param(Plan.auto, id="auto"),
    pytest.param(Plan.every, id="every"),
    pytest.param(lambda **settings: Plan.sample(2, **settings), id="sample"),
    pytest.param(lambda **settings: Plan.directions(1, **settings), id="one-direction"),
]


def layer(seed, dtype=float):
    """Make a tanh layer with two leaves, its sum and the gradient."""
    rng = np.random.default_rng(seed)
    x = {"W": rng.standard_normal((3, 4)).astype(dtype), "b": rng.standard_normal(3).astype(dtype)}
    inputs = rng.standard_normal(4).astype(dtype)

    def f(p):
        return np.sum(np.tanh(p["W"] @ inputs + p["b"]))

    def grad(p):
        slope = 1 - np.tanh(p["W"] @ inputs + p["b"]) ** 2
        return {"W": np.outer(slope, inputs), "b": slope}

    return f, grad, x


def checked(seed=0, dtype=float, **settings):
    """Check the layer with the canary."""
    f, grad, x = layer(seed, dtype)
    return gradcheck.check_grad(f, grad, x, plan=Plan.auto(seed=seed, canary=True, **settings))


# --- found where it should be ------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS)
def test_planted_error_is_found_at_every_seed(plan):
    """Smooth functions, 40 draws of x, of the lines and of the planted entry."""
    reports = [
        gradcheck.check_grad(*layer(seed), plan=plan(seed=seed, canary=True)) for seed in range(40)
    ]
    assert all(report.ok for report in reports)
    assert {leaf.canary for report in reports for leaf in report.leaves.values()} == {True}


def square(x):
    """Sum the squares of complex moduli."""
    return float(np.sum(np.abs(x) ** 2))


def stays_float32(x):
    """Compute in float32, whatever is given."""
    return np.sum(np.tanh(x.astype(np.float32)))


def slope_in_float32(x):
    """Compute its gradient likewise."""
    return 1 - np.tanh(x.astype(np.float32)) ** 2


def ramp(x):
    """Sum ramps, one of them at its corner."""
    return float(np.sum(np.maximum(x, 0) * np.arange(1, 6)))


RNG = np.random.default_rng(1729)
AT_A_CORNER = np.array([0.5, -1.0, 0.0, 2.0, 0.3])
CASES = {
    "complex": Problem(square, lambda x: 2 * x, RNG.standard_normal(4) + 1j),
    "float32": Problem(*layer(1, np.float32)),
    "float32-given-as-arrays": Problem(
        layer(1, np.float32)[0], layer(1, np.float32)[1](layer(1, np.float32)[2]), layer(1, "f4")[2]
    ),
    "float32-that-stays": Problem(
        stays_float32, slope_in_float32, RNG.standard_normal(5).astype(np.float32)
    ),
    "reference": Problem(
        stays_float32,
        slope_in_float32,
        RNG.standard_normal(5).astype(np.float32),
        reference=lambda x: np.sum(np.tanh(x)),
    ),
    "kink": Problem(ramp, lambda x: (x > 0) * np.arange(1.0, 6.0), AT_A_CORNER),
    "kink-given-as-an-array": Problem(ramp, (AT_A_CORNER > 0) * np.arange(1.0, 6.0), AT_A_CORNER),
    "claimed-zero": Problem(
        lambda p: float(np.sum(p["a"] ** 2) + np.sum(p["b"] - p["b"])),
        lambda p: {"a": 2 * p["a"], "b": np.zeros(4)},
        {"a": RNG.standard_normal(4), "b": RNG.standard_normal(4)},
    ),
    "few-digits": Problem(
        lambda x: float(np.sum(np.sin(x))), lambda x: np.cos(x) * (1 + 3e-7), RNG.standard_normal(6)
    ),
    "integer-claim": Problem(lambda x: float(3 * x.sum()), np.full(4, 3), RNG.standard_normal(4)),
    "vjp": Problem(np.tanh, lambda x, u: u * (1 - np.tanh(x) ** 2), RNG.standard_normal(5), "vjp"),
    "jvp": Problem(np.tanh, lambda x, v: v * (1 - np.tanh(x) ** 2), RNG.standard_normal(5), "jvp"),
    "one-entry": Problem(np.exp, np.exp, np.asarray(0.3)),
}


@pytest.mark.parametrize("problem", CASES.values(), ids=CASES)
@pytest.mark.parametrize("plan", PLANS)
def test_planted_error_is_found_wherever_a_claim_passes(problem, plan):
    """Also where another point, more digits or many differences decide."""
    report = gradcheck.check(problem, plan(seed=5, canary=True))
    tested = [leaf for leaf in report.leaves.values() if leaf.verdict is Verdict.PASS]
    assert tested
    assert all(leaf.canary for leaf in tested)


# --- a checker gone blind ----------------------------------------------------------------------


def blind_glance(monkeypatch):
    """Take any claim for right at the first glance."""
    monkeypatch.setattr(here, "settles", lambda *_: True)


def blind_rule(monkeypatch):
    """Pass whatever is measured."""
    monkeypatch.setattr(here, "settles", lambda *_: False)
    monkeypatch.setattr(here, "judge", lambda a, *_: Judgement(Verdict.PASS, None, "", a.scale))


def boasting_directions(monkeypatch):
    """Promise a million times as much as the lines can see."""
    honest = certainty.certified

    def boast(*arguments):
        error, miss = honest(*arguments)
        return error / 1e6, miss

    monkeypatch.setattr(certainty, "certified", boast)


BLIND = [blind_glance, blind_rule, boasting_directions]


@pytest.mark.parametrize("blind", BLIND, ids=lambda blind: blind.__name__)
def test_blind_checker_is_found_out(monkeypatch, blind):
    """The planted error passes, so the leaf is inconclusive and nothing is certified."""
    blind(monkeypatch)
    report = checked()
    leaf = report.leaves["['W']"]
    assert report.verdict is Verdict.INCONCLUSIVE
    assert (leaf.verdict, leaf.cause, leaf.canary) == (Verdict.INCONCLUSIVE, Cause.CANARY, False)
    assert np.isnan(leaf.certified)


@pytest.mark.parametrize("blind", BLIND, ids=lambda blind: blind.__name__)
def test_blind_checker_is_not_found_out_without_the_canary(monkeypatch, blind):
    """Which is what the canary is for."""
    blind(monkeypatch)
    assert gradcheck.check_grad(*layer(0), plan=Plan.auto(seed=0)).ok


def test_sentence_of_an_error_that_passed_unseen(monkeypatch):
    """Where it was planted, how large it was, and that nothing is certified."""
    blind_glance(monkeypatch)
    (first, *_) = checked().findings
    pattern = (
        r"\['W'\]: an error of \S+ planted in a copy of the claim at \[\d, \d\] passed unseen "
        r"along all 2 lines through it, so nothing is certified to \S+ of the leaf's gradient; "
        r"look with Plan\.directions\(8\) or give f in more digits as reference=\."
    )
    assert re.fullmatch(pattern, first.message)
    assert set(first.evidence) == {"planted", "entry", "certified", "lines"}


def test_limit_of_a_glance_is_corrected_by_the_ladder():
    """A copy is measured by the ladder, whose bar may be wider than that of a glance."""
    (case,) = corpus.draw(7, ("gaussian-process-likelihood",))
    (glanced, closer) = (
        gradcheck.check(case.pose(), Plan.auto(seed=7, canary=asked)).leaves["['log_noise']"]
        for asked in (False, True)
    )
    assert closer.canary
    assert closer.certified > 2 * glanced.certified


def test_pass_at_a_kink_certifies_no_more_than_its_tolerance():
    """At a kink an error within the tolerance passes unremarked, so it must not be certified."""
    slopes = (AT_A_CORNER > 0) * np.arange(1.0, 6.0)
    off = slopes * (1 + 4e-6)
    leaf = gradcheck.check_grad(ramp, off, AT_A_CORNER, plan=Plan.directions(1, seed=3)).leaves["x"]
    assert (leaf.verdict, leaf.cause) == (Verdict.PASS, Cause.KINK)
    assert leaf.certified > 4e-6 * np.max(slopes) / np.linalg.norm(slopes)


# --- where it is planted, and the price --------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_error_is_planted_in_an_entry_that_was_probed(monkeypatch, seed):
    """A sample leaves entries out; nobody promised to see those."""
    seen = []

    def spy(results, rng):
        unit = draw(results, rng)
        seen.append((np.flatnonzero(unit), {m.probe.entry for m in results}))
        return unit

    draw = canary._draw_entry
    monkeypatch.setattr(canary, "_draw_entry", spy)
    x = np.random.default_rng(0).standard_normal(50)
    report = gradcheck.check_grad(
        lambda x: float(np.sum(np.sin(x))),
        np.cos,
        x,
        plan=Plan.sample(3, seed=seed, canary=True),
    )
    assert report.leaves["x"].canary
    ((planted, probed),) = seen
    assert len(planted) == 1
    assert set(planted) <= probed


def test_canary_costs_one_window_a_leaf_where_a_glance_was_enough():
    """Eight values of f, two of which are there."""
    f, grad, x = layer(0)
    plain = gradcheck.check_grad(f, grad, x, plan=Plan.auto(seed=0))
    assert plain.evaluations == 2 + 2 * 2 * 2
    assert checked().evaluations == plain.evaluations + 2 * 6


@pytest.mark.parametrize("problem", CASES.values(), ids=CASES)
def test_canary_changes_no_number_of_the_check(problem):
    """Its lines and points are drawn from a stream of its own."""
    without, having = (
        gradcheck.check(problem, Plan.auto(seed=5, canary=asked)) for asked in (False, True)
    )
    names = ("verdict", "cause", "analytic", "numeric", "error_bar", "certified", "probes")
    pairs = zip(without.leaves.values(), having.leaves.values(), strict=True)
    numbers = [[getattr(leaf, n) for leaf in pair] for pair, n in itertools.product(pairs, names)]
    assert all(a == b or (a != a and b != b) for a, b in numbers)


def test_without_asking_there_is_no_canary():
    """None, and no word of it."""
    report = gradcheck.check_grad(*layer(0), plan=Plan.auto(seed=0))
    assert {leaf.canary for leaf in report.leaves.values()} == {None}
    assert "planted" not in str(report)


# --- where it cannot be tried ------------------------------------------------------------------


def test_budget_spent_on_the_canary_leaves_the_verdict():
    """The check itself was paid for."""
    report = checked(budget=2 + 4 + 6 + 4)
    assert report.ok
    assert [leaf.canary for leaf in report.leaves.values()] == [True, None]
    assert "found in 1 of 2 leaves, and could not be tried in the others." in plain(report)


def test_lack_of_evaluations_for_a_referee_is_no_sighting():
    """A copy without an answer because nobody could be asked has not been seen."""
    x = np.random.default_rng(0).standard_normal(5).astype(np.float32)
    asked = gradcheck.check_grad(stays_float32, slope_in_float32, x, plan=Plan.auto(seed=0))
    budget = Budget(evaluations=asked.evaluations + 20)
    plan = Plan.auto(seed=0, canary=True, budget=budget)
    report = gradcheck.check_grad(stays_float32, slope_in_float32, x, plan=plan)
    assert report.verdict is asked.verdict is Verdict.PASS
    assert report.leaves["x"].canary is None


def test_claim_that_raises_at_the_canary_leaves_the_verdict():
    """The check itself was done; a forward derivative is called once more for the copy."""
    x, calls = np.array([0.3, 0.5, 0.7]), []

    def push(x, v):
        calls.append(v)
        if len(calls) > allowed:
            raise RuntimeError("enough")
        return v * np.cos(x)

    allowed = np.inf
    assert gradcheck.check_jvp(np.sin, push, x, plan=Plan.auto(seed=0)).ok
    allowed = len(calls)
    calls.clear()
    report = gradcheck.check_jvp(np.sin, push, x, plan=Plan.auto(seed=0, canary=True))
    assert report.ok
    assert report.leaves["x"].canary is None


def test_leaf_that_fails_has_no_canary():
    """There is nothing to certify."""
    f, grad, x = layer(0)
    wrong = {"W": 2 * grad(x)["W"], "b": grad(x)["b"]}
    leaves = gradcheck.check_grad(f, wrong, x, plan=Plan.auto(seed=0, canary=True)).leaves
    assert [leaf.canary for leaf in leaves.values()] == [None, True]


def test_empty_leaf_is_not_counted():
    """Nothing was tested there, with or without a canary."""
    x = {"a": np.array([0.3, 0.5, 0.7]), "b": np.zeros((0, 2))}
    report = gradcheck.check_grad(
        lambda p: float(np.sum(np.sin(p["a"]))),
        lambda p: {"a": np.cos(p["a"]), "b": p["b"]},
        x,
        plan=Plan.auto(seed=0, canary=True),
    )
    assert [leaf.canary for leaf in report.leaves.values()] == [True, None]
    assert "planted in a copy of the claim, was found." in plain(report)


# --- shown and written -------------------------------------------------------------------------


def plain(report):
    """Print a report without its line breaks."""
    return " ".join(str(report).split())


def test_report_says_in_how_many_leaves_it_was_found():
    """The closing line."""
    assert (
        "Errors of at most twice that size, planted in copies of the claim, were found in all 2 "
        "leaves. seed=0" in plain(checked())
    )


def test_canary_survives_json():
    """In the plan and in the leaves, whatever became of it."""
    report = checked(budget=2 + 4 + 6 + 4)
    read = Report.from_json(report.to_json())
    assert read.plan == report.plan
    assert [leaf.canary for leaf in read.leaves.values()] == [True, None]


def test_arrays_of_the_caller_are_never_planted():
    """The copy is ours."""
    f, grad, x = layer(0)
    claim = grad(x)
    before = {name: array.copy() for name, array in claim.items()}
    assert gradcheck.check_grad(f, claim, x, plan=Plan.auto(seed=0, canary=True)).ok
    assert all(np.array_equal(claim[name], before[name]) for name in claim)
