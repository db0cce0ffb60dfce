"""What a budget buys: verdicts first, of all leaves their share, and an account of it."""

import time

import numpy as np
import pytest

import gradcheck
from gradcheck import Budget, Cause, Plan, Verdict

POINT = {name: np.linspace(0.1, 1.0, size) for name, size in (("a", 40), ("b", 20), ("c", 60))}


def f(p):
    """Return a sum of sines."""
    return float(sum(np.sum(np.sin(x)) for x in p.values()))


def grad(p):
    """Return its gradient."""
    return {name: np.cos(x) for name, x in p.items()}


def wrong(p):
    """Return it with one row of a that is off."""
    claim = grad(p)
    claim["a"][7] *= 1.5
    return claim


def lines(report):
    """Return how many lines of each leaf were measured."""
    return [leaf.probes for leaf in report.leaves.values()]


def test_entries_of_all_leaves_get_their_share():
    """In proportion, when they cannot all be looked at."""
    report = gradcheck.check_grad(f, grad, POINT, plan=Plan.every(seed=1, budget=2 + 120))
    assert report.evaluations == 122
    assert lines(report) == [20, 10, 30]
    assert {leaf.verdict for leaf in report.leaves.values()} == {Verdict.INCONCLUSIVE}


def test_an_error_in_the_last_leaf_is_seen():
    """Though the budget would not have reached it after the others."""

    def last(p):
        claim = grad(p)
        claim["c"][3] = 0.0
        return claim

    report = gradcheck.check_grad(f, last, POINT, plan=Plan.every(seed=1, budget=100))
    assert report.verdict is Verdict.FAIL
    assert report.leaves["['c']"].verdict is Verdict.FAIL


def test_names_are_looked_for_last():
    """A wrong leaf does not take what others need for their verdict."""
    alone = gradcheck.check_grad(f, wrong, POINT, plan=Plan.auto(seed=1, naming=0))
    plan = Plan.auto(seed=1, budget=alone.evaluations + 3)
    report = gradcheck.check_grad(f, wrong, POINT, plan=plan)
    verdicts = [leaf.verdict for leaf in report.leaves.values()]
    assert verdicts == [Verdict.FAIL, Verdict.PASS, Verdict.PASS]


def test_what_is_left_buys_names():
    """As without a budget."""
    report = gradcheck.check_grad(f, wrong, POINT, plan=Plan.auto(seed=1, budget=500))
    assert list(np.flatnonzero(report.leaves["['a']"].wrong)) == [7]
    assert report.evaluations < 100


def test_the_report_says_what_was_bought():
    """And what was not reached, in words and in numbers."""
    report = gradcheck.check_grad(f, grad, POINT, plan=Plan.auto(seed=1, budget=2 + 4 + 2))
    account = report.findings[-1]
    assert account.cause is Cause.BUDGET
    assert account.message == (
        "the budget has bought 1 of 3 leaves to the end, 1 of 2 lines of ['b']; not reached: ['c']."
    )
    assert account.evidence == {"bought": {"['a']": [2, 2], "['b']": [1, 2], "['c']": [0, 2]}}


def test_many_leaves_make_no_long_sentence():
    """The first few are named."""
    point = {f"w{n:02}": np.array([0.3, 0.7 + n]) for n in range(20)}
    report = gradcheck.check_grad(f, grad, point, plan=Plan.directions(2, seed=1, budget=2 + 10))
    assert report.findings[-1].message == (
        "the budget has bought 2 of 20 leaves to the end, 1 of 2 lines of ['w02']; "
        "not reached: ['w03'], ['w04'], ['w05'], ['w06'] and 13 more."
    )


def test_a_budget_that_suffices_changes_nothing():
    """But that it stands in the plan."""
    free = gradcheck.check_grad(f, grad, POINT, plan=Plan.every(seed=1))
    paid = gradcheck.check_grad(f, grad, POINT, plan=Plan.every(seed=1, budget=10_000))
    assert paid.ok
    assert paid.evaluations == free.evaluations
    for path, leaf in free.leaves.items():
        assert paid.leaves[path].certified == leaf.certified
    assert paid.findings == free.findings


def test_seconds_are_shared_too():
    """Each leaf was looked at when they are over."""

    def slow(p):
        time.sleep(0.005)
        return f(p)

    plan = Plan.every(seed=1, budget=Budget(seconds=0.3))
    report = gradcheck.check_grad(slow, grad, POINT, plan=plan)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert min(lines(report)) > 0
    assert report.findings[-1].message.startswith("the budget has bought 0 of 3 leaves to the end")


@pytest.mark.parametrize("budget", [3, 4, 5, 20, 61, 150])
def test_not_one_evaluation_more(budget):
    """Whatever the plan."""
    for plan in (Plan.every, Plan.auto):
        report = gradcheck.check_grad(f, wrong, POINT, plan=plan(seed=1, budget=budget))
        assert report.evaluations <= budget
