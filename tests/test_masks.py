"""Entries that tangent= holds still: never moved, never judged, and said not to be tested."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, UsageError, Verdict

RNG = np.random.default_rng(3)
W, B = RNG.standard_normal((4, 5)), RNG.standard_normal(5)
FREE = RNG.random((4, 5)) < 0.6
POINT = {"W": W, "b": B, "n": 5}
TANGENT = {"W": FREE, "b": None, "n": None}
PLANS = {"auto": Plan.auto, "every": Plan.every, "sample": lambda **k: Plan.sample(5, **k)}


class Network:
    """A function of W and b, which notes where a held entry was moved."""

    def __init__(self, activation=np.tanh, slope=lambda a: 1 - np.tanh(a) ** 2):
        self.activation, self.slope, self.outside = activation, slope, 0

    def __call__(self, p):
        """Return one number."""
        self.outside += not np.array_equal(p["W"][~FREE], W[~FREE])
        return np.sum(self.activation(p["W"] + p["b"]) * np.arange(1.0, 6.0))

    def grad(self, p):
        """Return the gradient, and nonsense where W is held."""
        self.outside += not np.array_equal(p["W"][~FREE], W[~FREE])
        d = self.slope(p["W"] + p["b"]) * np.arange(1.0, 6.0)
        return {"W": np.where(FREE, d, np.nan), "b": d.sum(axis=0), "n": None}


def kinked():
    """Return a network with kinks at x, where a point nearby decides."""
    return Network(lambda a: np.abs(a - (W + B)), lambda a: np.sign(a - (W + B)))


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("make", [Network, kinked], ids=["smooth", "kinked"])
@pytest.mark.parametrize("seed", range(6))
def test_right_gradient_passes_and_held_entries_stay(seed, make, plan):
    """Whatever is claimed for them, and wherever f is asked."""
    network = make()
    report = gradcheck.check_grad(
        network, network.grad, POINT, tangent=TANGENT, plan=PLANS[plan](seed=seed, canary=True)
    )
    assert report.ok, report
    assert network.outside == 0


@pytest.mark.parametrize("plan", ["auto", "every"])
@pytest.mark.parametrize("seed", range(6))
def test_wrong_entries_are_named_among_the_free(seed, plan):
    """One, some, or all of them."""
    one = tuple(np.argwhere(FREE)[seed])
    single, some = np.zeros((4, 5), bool), FREE & (np.arange(5) % 2 == seed % 2)
    single[one] = True
    for wrong in (single, some, FREE):
        network = Network()

        def grad(p, network=network, wrong=wrong):
            return {**network.grad(p), "W": network.grad(p)["W"] * np.where(wrong, 1.5, 1.0)}

        report = gradcheck.check_grad(
            network, grad, POINT, tangent=TANGENT, plan=PLANS[plan](seed=seed)
        )
        assert report.verdict is Verdict.FAIL
        found = report.leaves["['W']"]
        assert found.complete
        assert np.array_equal(found.wrong, wrong)
        assert report.leaves["['b']"].verdict is Verdict.PASS
        assert network.outside == 0


def test_plan_of_every_entry_looks_at_the_free_ones():
    """And says how many were not looked at."""
    network = Network()
    report = gradcheck.check_grad(
        network, network.grad, POINT, tangent=TANGENT, plan=Plan.every(seed=1)
    )
    leaf, held = report.leaves["['W']"], int((~FREE).sum())
    assert leaf.probes == FREE.sum()
    assert leaf.miss == 0
    remark = next(f for f in report.findings if f.cause is Cause.SETUP)
    assert remark.message.startswith(f"{held} of 20 entries of ['W'] are held still by tangent=")
    assert remark.evidence["held"] == held


@pytest.mark.parametrize("frozen", [False, np.zeros(5, bool)], ids=["number", "array"])
def test_leaf_that_is_held_is_listed_as_not_tested(frozen):
    """It is none of what has passed."""
    report = gradcheck.check_grad(
        lambda p: np.sum(p["W"] ** 2), lambda p: {"W": 2 * p["W"], "b": p["b"]},
        {"W": W, "b": B}, tangent={"W": None, "b": frozen}, plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.ok
    assert report.leaves["['b']"].probes == 0
    assert report.leaves["['b']"].reason == "held still: nothing to test"
    assert "not tested" in str(report)


@pytest.mark.parametrize("seed", range(4))
def test_products_hold_entries_too(seed):
    """Of a forward product, the tangent is zero there."""
    x, free = RNG.standard_normal(6), np.array([1, 0, 1, 1, 0, 1], bool)

    def f(x_):
        assert np.array_equal(x_[~free], x[~free])
        return x_**3

    def jvp(x_, v):
        assert not v[~free].any()
        return 3 * x_**2 * v

    def vjp(x_, u):
        return np.where(free, 3 * x_**2 * u, 99.0)

    options = {"tangent": free, "plan": Plan.auto(seed=seed)}
    assert gradcheck.check_vjp(f, vjp, x, **options).ok
    assert gradcheck.check_jvp(f, jvp, x, **options).ok
    wrong = np.diag(3 * x**2)
    wrong[0, 2] = 0.1
    wrong[:, 1] = 7.0
    report = gradcheck.check_jacobian(f, lambda _: wrong, x, **options)
    assert report.findings[0].evidence["pairs"] == [[0, 2]]


def test_mask_and_bounds_go_together():
    """An entry that either leaves no room is held."""
    x, free = np.array([0.0, 0.5, 1.0, 0.3]), np.array([True, False, True, True])

    def f(x_):
        assert x_.min() >= 0
        assert x_[1] == 0.5
        return np.sum(x_**2)

    report = gradcheck.check_grad(
        f, lambda x_: 2 * x_, x,
        tangent=free, bounds=[(0, 1), (0, 1), (0, 1), (0.3, 0.3)], plan=Plan.every(seed=1),
    )  # fmt: skip
    assert report.ok
    assert report.leaves["x"].probes == 2


def test_complex_leaves_have_masks_too():
    """An entry is held with both of its parts."""
    z = RNG.standard_normal(4) + 1j * RNG.standard_normal(4)
    free = np.array([True, False, True, False])
    for factor, verdict in ((1.0, Verdict.PASS), (1.5, Verdict.FAIL)):
        report = gradcheck.check_grad(
            lambda v: np.sum(np.abs(v) ** 4), lambda v, k=factor: 4 * k * np.abs(v) ** 2 * v, z,
            tangent=free, plan=Plan.every(seed=1),
        )  # fmt: skip
        assert report.verdict is verdict
        assert verdict is Verdict.PASS or np.array_equal(report.leaves["x"].wrong, free)


def test_masked_array_says_what_to_give():
    """Its arithmetic is not that of an array."""
    leaf = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(UsageError, match=r"leaf.filled\(0\), and tangent=~np.ma.getmaskarray"):
        gradcheck.check_grad(lambda x: x.sum(), lambda x: x, leaf)


@pytest.mark.parametrize(
    ("tangent", "message"),
    [
        ({"W": FREE}, "a tree like x of arrays of bool, True where an entry may be moved: "),
        ({"W": FREE * 1.0, "b": None, "n": None}, r"for leaf \['W'\] it has float64; convert it"),
        ({"W": FREE.T, "b": None, "n": None}, r"of shape \(4, 5\) it has shape \(5, 4\)"),
        ({"W": False, "b": False, "n": None}, "admits no direction: every entry of x is held"),
    ],
)
def test_masks_that_do_not_suit_the_point_are_refused(tangent, message):
    """With what would."""
    network = Network()
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(network, network.grad, POINT, tangent=tangent)
