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
    ],
)
def test_bounds_that_make_no_sense_are_refused(x, bounds, message):
    """With what would."""
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(lambda x: 0.0, lambda x: x, x, bounds=bounds)


# --- admissible directions ----------------------------------------------------------------------

RNG = np.random.default_rng(0)
A = RNG.standard_normal((4, 4))
SPD = A @ A.T + 4 * np.eye(4)
B = RNG.standard_normal((4, 4))


def symmetric(v):
    """Project onto symmetric matrices."""
    return (v + v.T) / 2


def energy(s):
    """Refuse what is not symmetric."""
    assert np.allclose(s, s.T, rtol=1e-14, atol=1e-14)
    return np.linalg.slogdet(s)[1] + np.sum(B * s)


TANGENTS = {
    "projection": symmetric,
    "basis": [
        np.eye(4)[[i]].T @ np.eye(4)[[j]] + np.eye(4)[[j]].T @ np.eye(4)[[i]]
        for i in range(4) for j in range(i + 1)
    ],
}  # fmt: skip


@pytest.mark.parametrize("tangent", TANGENTS.values(), ids=TANGENTS)
@pytest.mark.parametrize("seed", range(4))
def test_claim_is_compared_along_admissible_directions_only(tangent, seed):
    """Whatever it says across them; f is never asked there."""
    plan = Plan.auto(seed=seed)
    for across in 0.0, 7.0:  # an antisymmetric part is nothing that f could tell
        report = gradcheck.check_grad(
            energy, lambda s, c=across: np.linalg.inv(s) + B + c * (A - A.T), SPD,
            tangent=tangent, plan=plan,
        )  # fmt: skip
        assert report.ok, report
        assert list(report.leaves) == ["['tangent']"]
    wrong = gradcheck.check_grad(
        energy, lambda s: 1.01 * np.linalg.inv(s) + B, SPD, tangent=tangent, plan=plan
    )
    assert wrong.verdict is Verdict.FAIL


def test_masked_entries_are_left_alone():
    """A projection that is a mask; products and pairs of value and gradient too."""
    x, mask = np.linspace(0.5, 2, 6), np.array([1.0, 0, 1, 1, 0, 1])

    def f(x):
        assert x[1] == 0.8
        return x**3

    def vjp(x, u):
        return np.where(mask == 1, 3 * x**2 * u, 99.0 * u)

    assert gradcheck.check_vjp(f, vjp, x, tangent=lambda v: mask * v).ok
    assert gradcheck.check_jvp(f, lambda x, v: 3 * x**2 * v, x, tangent=lambda v: mask * v).ok
    assert gradcheck.check_grad(
        lambda x: (np.sum(f(x)), 3 * x**2), True, x, tangent=lambda v: mask * v
    ).ok
    assert gradcheck.check_grad(
        lambda x: np.sum(f(x)), lambda x: (np.sum(f(x)), 3 * x**2), x, tangent=lambda v: mask * v
    ).ok


def test_a_pytree_moves_as_one():
    """Two leaves that must sum to one another's opposite."""
    point = {"a": np.array([0.2, 0.7]), "b": np.array([0.8, 0.3])}

    def f(p):
        assert np.allclose(p["a"] + p["b"], 1, rtol=1e-14)
        return np.sum(p["a"] ** 2 * p["b"])

    def tangent(v):
        half = (v["a"] - v["b"]) / 2
        return {"a": half, "b": -half}

    def grad(p):
        return {"a": 2 * p["a"] * p["b"], "b": p["a"] ** 2}

    assert gradcheck.check_grad(f, grad, point, tangent=tangent).ok
    wrong = gradcheck.check_grad(f, lambda p: {**grad(p), "b": 0 * p["b"]}, point, tangent=tangent)
    assert wrong.verdict is Verdict.FAIL


def project(x, v):
    """Project onto the tangents of the sphere at x."""
    return v - x * (x @ v)


SPHERE = np.array([0.6, 0.0, 0.8])
M = np.diag([1.0, 2.0, 5.0])


@pytest.mark.parametrize("factor", [1.0, 1.01])
@pytest.mark.parametrize("given", ["callable", "array"])
def test_riemannian_gradient_on_a_sphere(factor, given):
    """Of a quadratic form: twice the projection of M x."""

    def f(x):
        assert abs(np.linalg.norm(x) - 1) < 1e-14
        return x @ M @ x

    def grad(x):
        return factor * project(x, 2 * M @ x)

    report = gradcheck.check_grad(
        f, grad if given == "callable" else grad(SPHERE), SPHERE, plan=Plan.auto(seed=1),
        tangent=lambda v: project(SPHERE, v),
        retraction=lambda x, u: (x + u) / np.linalg.norm(x + u),
    )  # fmt: skip
    assert report.ok is (factor == 1.0)
    assert report.verdict is not Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tangent": lambda v: 2 * v}, "tangent is no projection"),
        ({"tangent": lambda v: 0 * v}, "leaves no direction"),
        ({"tangent": lambda v: v[:2]}, r"what tangent returns has shape \(2,\)"),
        ({"tangent": []}, "tangent is of type list"),
        ({"tangent": [np.ones(2)]}, "a direction of tangent has shape"),
        ({"tangent": lambda v: v, "bounds": (0, 1)}, "do not go together"),
        ({"retraction": 3}, "retraction is of type int"),
    ],
)
def test_directions_that_make_no_sense_are_refused(options, message):
    """With what would."""
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, np.full(3, 0.5), **options)


def test_retraction_is_for_gradients():
    """A product at a point nearby would need its derivative."""
    with pytest.raises(UsageError, match="retraction= is for check_grad"):
        gradcheck.check_vjp(np.exp, lambda x, u: u, np.ones(2), retraction=lambda x, u: x + u)


def test_same_seed_draws_the_same_directions():
    """So that a failure can be seen again."""
    first, second = (
        gradcheck.check_grad(
            energy, lambda s: np.linalg.inv(s), SPD, tangent=symmetric, plan=Plan.auto(seed=5)
        )
        for _ in range(2)
    )
    assert first.leaves["['tangent']"].numeric == second.leaves["['tangent']"].numeric
    assert not first.ok
