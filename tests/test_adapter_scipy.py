"""The objective of scipy.optimize.minimize, without SciPy."""

from types import SimpleNamespace

import numpy as np
import pytest

from gradcheck import Cause, Plan, UsageError, Verdict
from gradcheck.adapters.scipy import check_objective

X = np.array([0.5, -1.0, 2.0, 0.3])
INF = np.inf


def cost(x, scale):
    """Return one number, with a dense Hessian."""
    return scale * (np.sum(x**4) + np.prod(np.exp(x / 2)))


def slope(x, scale):
    """Differentiate it."""
    return scale * (4 * x**3 + np.prod(np.exp(x / 2)) / 2)


def bend(x, scale):
    """Differentiate it once more."""
    return scale * (np.diag(12 * x**2) + np.prod(np.exp(x / 2)) / 4)


def bent(x, p, scale):
    """Multiply with that."""
    return bend(x, scale) @ p


class Watched:
    """Counts the points at which functions are called, and those outside of bounds."""

    def __init__(self, bounds):
        self.low, self.high = np.array(bounds, float).T
        self.points, self.outside = 0, 0

    def __call__(self, function):
        """Wrap a function."""

        def watched(x, *args):
            self.points += 1
            self.outside += bool(np.any(x < self.low) or np.any(x > self.high))
            return function(x, *args)

        return watched


ROOMS = {
    "inside": [(-9, 9)] * 4,
    "near": [(0, 1), (-2, 0), (1.9, 2.1), (0, 1)],
    "corner": [(0.5, 9), (-1, 9), (2, 9), (0.3, 9)],
    "other corner": [(-9, 0.5), (-1, 9), (-9, 2), (0.3, 9)],
    "fixed": [(0.5, 0.5), (-9, 9), (2, 2), (0.3, 9)],
}


@pytest.mark.parametrize("room", ROOMS)
def test_bounds_are_never_left(room):
    """Right derivatives pass there, wrong ones fail; every function is called inside only."""
    watch, plan_free = Watched(ROOMS[room]), {"args": (3.0,), "bounds": ROOMS[room]}
    fun, jac, hess, hessp = map(watch, (cost, slope, bend, bent))
    report = check_objective(fun, jac, X, hess=hess, hessp=hessp, **plan_free)
    assert report.verdict is Verdict.PASS, str(report)
    assert set(report.leaves) == {"jac", "hess", "hessp"}

    def wrong(x, scale):
        return slope(x, scale) * [1, 0.5, 1, 1]

    def wrong_hess(x, scale):
        full = bend(x, scale)
        full[1, 3] = full[3, 1] = 0
        return full

    report = check_objective(fun, watch(wrong), X, hess=hess, **plan_free)
    assert report.verdict is Verdict.FAIL
    assert set(report.leaves) == {"jac"}
    assert report.findings[-1].cause is Cause.UPSTREAM
    report = check_objective(fun, jac, X, hess=watch(wrong_hess), **plan_free)
    assert report.leaves["jac"].verdict is Verdict.PASS
    assert report.leaves["hess"].verdict is Verdict.FAIL
    product = watch(lambda x, p, scale: wrong_hess(x, scale) @ p)
    report = check_objective(fun, jac, X, hessp=product, **plan_free)
    assert report.leaves["hessp"].verdict is Verdict.FAIL
    assert watch.points > 100
    assert watch.outside == 0


@pytest.mark.parametrize("width", [1e-9, 1e-13])
def test_very_narrow_interval_is_answered_honestly(width):
    """A right gradient is never failed there, and a point outside never visited."""
    bounds = [(0.5 - width, 0.5 + width), (-9, 9), (-9, 9), (-9, 9)]
    watch = Watched(bounds)
    report = check_objective(watch(cost), watch(slope), X, (3.0,), bounds, plan=Plan.every(seed=1))
    assert report.verdict is not Verdict.FAIL
    if not report.ok:
        assert report.findings[0].cause in (Cause.DOMAIN, Cause.PRECISION, Cause.NOISE)
    wrong = watch(lambda x, scale: slope(x, scale) * [1, 2, 1, 1])
    report = check_objective(watch(cost), wrong, X, (3.0,), bounds)
    assert report.verdict is Verdict.FAIL
    assert watch.outside == 0


def test_fixed_entries_are_named_and_not_checked():
    """As SciPy, which holds them."""
    report = check_objective(
        cost, lambda x, s: slope(x, s) * [9, 1, 9, 1], X, (3.0,), ROOMS["fixed"]
    )
    assert report.ok
    assert any("is fixed by its bounds at [0, 2]" in finding.message for finding in report.findings)


@pytest.mark.parametrize(
    "bounds",
    [
        [(0, None), (None, 5), (None, None), (-INF, INF)],
        SimpleNamespace(lb=[0, -INF, -INF, -INF], ub=INF),
        SimpleNamespace(lb=-1, ub=2),
        None,
    ],
    ids=["pairs", "object", "numbers", "none"],
)
def test_bounds_are_read_as_scipy_does(bounds):
    """Pairs, or an object with lb and ub; numbers are for all entries."""
    assert check_objective(cost, slope, X, (3.0,), bounds).ok


@pytest.mark.parametrize("args", [(3.0,), 3.0], ids=["tuple", "one"])
def test_args_are_handed_on(args):
    """One argument need not be a tuple; jac=True means that fun returns both."""
    assert check_objective(cost, slope, list(X), args).ok
    both = check_objective(lambda x, s: (cost(x, s), slope(x, s)), True, X, args, hess=bend)
    assert both.ok
    wrong = check_objective(lambda x, s: (cost(x, s), 2 * slope(x, s)), True, X, args, hess=bend)
    assert wrong.leaves["jac"].cause is Cause.SCALE


def test_integers_are_a_point():
    """As SciPy, which makes them floating."""
    assert check_objective(cost, slope, [1, 2, -1, 3], (3.0,)).ok


def test_one_seed_replays_all():
    """The report's plan has it."""
    plan = Plan.auto(seed=5)
    first, second = (
        check_objective(cost, slope, X, (3.0,), hess=lambda x, s: 2 * bend(x, s), plan=plan)
        for _ in range(2)
    )
    assert first.plan.seed == second.plan.seed == 5
    assert first.leaves["hess"].analytic == second.leaves["hess"].analytic
    assert first.evaluations == second.evaluations


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"jac": "2-point"}, "jac='2-point': SciPy computes it from differences"),
        ({"jac": None}, "jac=None: SciPy computes it"),
        ({"jac": False}, "jac=False: SciPy computes it"),
        ({"hess": "3-point"}, "hess='3-point': SciPy computes it"),
        ({"jac": np.ones(4)}, "jac is of type ndarray, but it must be callable"),
        ({"fun": 3}, "fun is of type int"),
        ({"jac": True}, "fun must return (value, gradient), but it returned a float64"),
        ({"x0": np.ones((2, 2))}, "x0 has shape (2, 2)"),
        ({"x0": ["a"]}, "x0 has dtype"),
        ({"bounds": [(0, 1)] * 4}, "x0[1] is -1, outside of its bounds (0, 1)"),
        ({"bounds": [(0, 1)] * 3}, "there are 3 of them"),
        ({"bounds": [(0, 1, 2)] * 4}, "give one pair (low, high)"),
        ({"bounds": 3}, "the bounds cannot be read"),
        ({"bounds": SimpleNamespace(lb=[0, 1], ub=[2, 3])}, "the bounds cannot be read"),
        ({"rtol": 3}, "rtol=3 is not an option"),
    ],
)
def test_bad_call_is_refused(change, text):
    """With what was given, and what to do."""
    call = {"fun": cost, "jac": slope, "x0": X, "args": (3.0,), **change}
    with pytest.raises(UsageError) as caught:
        check_objective(**call)
    assert text in str(caught.value)
