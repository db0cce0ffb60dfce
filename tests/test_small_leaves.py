"""Leaves of few entries in one loop, in arrays of their own: nothing that is said changes."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict, examine
from gradcheck.space import same_bits

EVERY = Plan.every(seed=1)
ORDERS = ["C", "F"]
NUMBERS = ("analytic", "numeric", "error_bar", "scale", "certified", "whole", "probes")


def f(p):
    """Something smooth of two leaves, one of them complex."""
    return float(np.sum(np.sin(p["a"]) * p["a"]) + np.sum(np.abs(p["z"]) ** 2 * p["a"].sum()))


def gradient_of(p):
    """Its gradient."""
    a, z = p["a"], p["z"]
    return {"a": np.cos(a) * a + np.sin(a) + np.sum(np.abs(z) ** 2), "z": 2 * z * a.sum()}


def point(order="C"):
    """Draw a few entries."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=4) + 1j * rng.normal(size=4)
    return {"a": np.array(rng.normal(size=(3, 5)), order=order), "z": z}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("factor", [1.0, 1.001, -1.0])
def test_loop_says_what_one_by_one_says(factor, order, monkeypatch):
    """The numbers, the verdict, the wrong entries and what it cost."""
    x = point(order)

    def check():
        claim = lambda p: {k: factor * g for k, g in gradient_of(p).items()}  # noqa: E731
        return gradcheck.check_grad(f, claim, x, plan=EVERY)

    together = check()
    monkeypatch.setattr(examine, "look_at_entries", lambda *_: None)
    alone = check()
    assert together.verdict is alone.verdict is (Verdict.PASS if factor == 1 else Verdict.FAIL)
    assert together.evaluations == alone.evaluations
    for path, leaf in alone.leaves.items():
        other = together.leaves[path]
        assert [getattr(other, name) for name in NUMBERS] == pytest.approx(
            [getattr(leaf, name) for name in NUMBERS], nan_ok=True
        )
        assert np.array_equal(other.wrong, leaf.wrong)
    assert all(same_bits(x[key], point(order)[key]) for key in x)


def test_no_two_calls_are_handed_one_array():
    """All points beside x are objects of their own, and lie where no other lies."""
    seen = []

    def keeps(x):
        seen.append(x)
        return float(np.sum(x**3))

    x = np.arange(1.0, 11.0)
    report = gradcheck.check_grad(keeps, 3 * x**2, x, plan=EVERY)
    assert report.ok
    assert report.evaluations == len(seen) == 2 + 2 * x.size
    beside = seen[2:]
    assert len({id(point) for point in beside}) == len(beside)
    assert all(np.count_nonzero(point != x) == 1 for point in beside)


@pytest.mark.parametrize("outside", [lambda: np.nan, lambda: [][0]], ids=["nan", "raises"])
def test_entry_at_which_f_has_no_value_is_measured_by_itself(outside):
    """What is said of it is what is said without the loop, and nothing is passed unseen."""
    x = np.array([0.5, 1.0, 2.0])

    def stops_beyond_one(x):
        return outside() if x[1] > 1.0 else float(np.sum(x**2))

    right = gradcheck.check_grad(stops_beyond_one, lambda x: 2 * x, x, plan=EVERY)
    assert right.ok
    assert "domain" in {finding.cause for finding in right.findings}
    wrong = gradcheck.check_grad(stops_beyond_one, lambda x: 3 * x, x, plan=EVERY)
    assert wrong.verdict is Verdict.FAIL


def test_f_that_changes_its_argument_beside_x_moves_nothing_else():
    """Each call has an array of its own, so that the next does not see it."""
    x, calls = np.array([0.5, 1.0, 2.0]), []

    def spoils(x):
        value = float(np.sum(x**2))
        calls.append(1)
        if len(calls) > 2:
            x[:] = 7.0
        return value

    assert gradcheck.check_grad(spoils, 2 * x, x, plan=EVERY).ok
    assert same_bits(x, np.array([0.5, 1.0, 2.0]))
    calls.clear()
    assert gradcheck.check_grad(spoils, 2.1 * x, x, plan=EVERY).verdict is Verdict.FAIL


def test_integers_beside_x_are_read_one_by_one():
    """A value of another type than at x is no plain number, and is asked for again."""
    x = np.array([0.5, 1.0, 2.0])
    calls = []

    def sometimes_whole(x):
        calls.append(1)
        value = float(np.sum(x**2))
        return np.array(value) if len(calls) % 3 == 0 else value

    assert gradcheck.check_grad(sometimes_whole, 2 * x, x, plan=EVERY).ok
