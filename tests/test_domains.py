"""Bounds: nothing is called outside of them, and what is at a bound is compared from inside."""

from types import SimpleNamespace

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, UsageError, Verdict

LOWER, UPPER = np.array([0.0, -np.inf, 1.0, 0.5]), np.array([1.0, 2.0, 3.0, 0.5])
X = np.array([0.0, 2.0, 1.7, 0.5])  # at a lower bound, at an upper one, inside, fixed
RIGHT = {"right": 1.0, "wrong": 1.01}


def square_root(x):
    """Evaluate what is real inside of the box only, and note the points."""
    assert np.all((x >= LOWER) & (x <= UPPER)), f"called outside: {x}"
    return np.sum((x + 1) ** 1.5) + x[0] * x[1] + np.sqrt(2 - x[1] + 1)


def slope(x):
    """Differentiate it."""
    d = 1.5 * np.sqrt(x + 1)
    d[0] += x[1]
    d[1] += x[0] - 0.5 / np.sqrt(3 - x[1])
    return d


FORMS = {
    "pair": (LOWER, UPPER),
    "list of pairs": [(0, 1), (None, 2), (1, 3), (0.5, 0.5)],
    "scipy": SimpleNamespace(lb=LOWER, ub=UPPER),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("plan", [Plan.auto, Plan.every], ids=["auto", "every"])
def test_right_gradient_at_bounds_passes_and_nothing_is_called_outside(seed, form, plan):
    """An assertion in f would be reported."""
    report = gradcheck.check_grad(
        square_root, slope, X, bounds=FORMS[form], plan=plan(seed=seed, canary=True)
    )
    assert report.ok
    assert not any("called outside" in finding.message for finding in report.findings)


@pytest.mark.parametrize("entry", range(3))
@pytest.mark.parametrize("seed", range(5))
def test_wrong_entry_fails_also_where_it_is_at_a_bound(entry, seed):
    """By one percent of it, from inside."""

    def wrong(x):
        d = slope(x)
        d[entry] *= 1.05
        return d

    report = gradcheck.check_grad(
        square_root, wrong, X, bounds=(LOWER, UPPER), plan=Plan.auto(seed=seed)
    )
    assert report.verdict is Verdict.FAIL
    assert not any("called outside" in finding.message for finding in report.findings)


def test_fixed_entry_is_not_tested():
    """There is no room to move it in."""

    def wrong(x):
        d = slope(x)
        d[3] = 17.0
        return d

    assert gradcheck.check_grad(
        square_root, wrong, X, bounds=(LOWER, UPPER), plan=Plan.every(seed=1)
    ).ok
    report = gradcheck.check_grad(
        lambda p: p["a"] ** 2 + p["b"], lambda p: {"a": 2 * p["a"], "b": 99.0},
        {"a": 0.5, "b": 1.0}, bounds={"a": (0, None), "b": (1, 1)},
    )  # fmt: skip
    assert report.ok
    assert report.leaves["['b']"].probes == 0


def test_bounds_hold_for_products_and_jacobians_too():
    """And for leaves of any structure."""
    point, box = {"W": np.zeros((2, 3)), "n": 3}, {"W": (0.0, np.ones(3)), "n": None}

    def f(p):
        assert p["W"].min() >= 0
        return np.sqrt(p["W"] + 1)

    vjp = gradcheck.check_vjp(
        f, lambda p, u: {"W": u * 0.5 / np.sqrt(p["W"] + 1)}, point, bounds=box
    )
    assert vjp.ok
    assert gradcheck.check_jvp(
        lambda p: f({"W": p}), lambda p, v: v * 0.5 / np.sqrt(p + 1), np.zeros(4), bounds=(0, None)
    ).ok
    jacobian = gradcheck.check_jacobian(
        lambda x: f({"W": x}), lambda x: np.diag(0.5 / np.sqrt(x + 1)), np.zeros(3),
        bounds=(0, None),
    )  # fmt: skip
    assert jacobian.ok


@pytest.mark.parametrize(
    ("x", "bounds", "message"),
    [
        (np.array([0.5, 2.0]), (0, 1), r"leaf x is 2.0 at \[1\], outside of its bounds 0 to 1"),
        (np.ones(3), (0, 1, 2), "must be .lower, upper."),
        (np.ones(3), [(0, 1), (0, 1)], "must be .lower, upper."),
        ({"a": np.ones(2)}, (0, 1), "structured like x"),
        (np.ones(2) * 1j, (0, 1), "leaf x is complex"),
        (np.ones(3), [(0, 1, 2)] * 3, "or a list of such pairs, one an entry: too many values"),
        (np.ones(3), [(0, 2), (0,), (0, 2)], "or a list of such pairs, one an entry: not enough"),
        (np.ones(3), (0, 10**400), "each a number, None or an array of shape .3,.*too large"),
        (
            np.ones(3),
            (2, 0),
            r"the bounds of leaf x are 2 to 0 at \[0\], where nothing lies between",
        ),
        (
            np.ones(3),
            [(0, 2), (0, 2), (3, -1)],
            r"are 3 to -1 at \[2\], where nothing lies between",
        ),
        (np.float64(1.0), (2, 0), "the bounds of leaf x are 2 to 0, where nothing lies between"),
        (np.ones(3), (0, np.nan), r"the bounds of leaf x are 0 to nan at \[0\]"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(x, bounds, message):
    """With what would."""
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(lambda x: 0.0, lambda x: x, x, bounds=bounds)


@pytest.mark.parametrize("column", range(3))
@pytest.mark.parametrize("seed", range(3))
def test_wrong_entry_of_a_jacobian_is_named_at_bounds_too(column, seed):
    """At a lower bound, at an upper one, inside; nothing is called outside."""
    x, called = np.array([0.0, 1.0, 0.5]), []

    def f(x):
        called.append(x.copy())
        return np.array([x[0] * x[1] + np.exp(x[0]), np.sin(x[1]) + x[2] ** 2])

    def jac(x):
        right = np.array([[x[1] + np.exp(x[0]), x[0], 0.0], [0.0, np.cos(x[1]), 2 * x[2]]])
        right[1, column] += 0.5
        return right

    report = gradcheck.check_jacobian(f, jac, x, bounds=(0, 1), plan=Plan.auto(seed=seed))
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].evidence["pairs"] == [[1, column]]
    assert min(np.min(point) for point in called) >= 0
    assert max(np.max(point) for point in called) <= 1


@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_entry_that_f_ignores_is_certified_at_a_bound(wrong):
    """Its derivative from inside is 0, and no singularity."""
    report = gradcheck.check_grad(
        lambda x: x[1] ** 2, lambda x: np.array([wrong, 2 * x[1]]), np.array([0.0, 0.5]),
        bounds=(0, 1), plan=Plan.every(seed=1),
    )  # fmt: skip
    assert report.verdict is (Verdict.FAIL if wrong else Verdict.PASS)
    assert not any("no finite slope" in finding.message for finding in report.findings)


def test_entries_that_bounds_hold_are_said_not_to_be_tested():
    """What is claimed for them may be anything."""
    x = np.array([0.2, 0.4, 0.6])
    wrong = 2 * x * np.array([1, 99, 1])
    report = gradcheck.check_grad(
        lambda x: np.sum(x**2),
        wrong,
        x,
        bounds=[(0, 1), (0.4, 0.4), (0, 1)],
        plan=Plan.every(seed=1),
    )
    assert report.ok
    assert "1 of 3 entries of x have equal bounds" in report.findings[0].message
