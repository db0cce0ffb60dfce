"""Every entry in the tight loop: the numbers of one-by-one measuring, and a point left alone."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Budget, Plan, Verdict, examine
from gradcheck.space import same_bits

EVERY = Plan.every(seed=1)
X = np.random.default_rng(0).normal(size=(12, 11))


def f(x):
    """Something smooth."""
    return float(np.sum(np.sin(x) * x))


def gradient_of(x):
    """Its gradient."""
    return np.cos(x) * x + np.sin(x)


@pytest.fixture
def one_by_one(monkeypatch):
    """Measure without the loop."""
    return lambda: monkeypatch.setattr(examine, "look_at_entries", lambda *_: None)


def test_an_entry_costs_two_evaluations():
    """Beyond the contract's two, and a few at which the steps are looked at."""
    calls = []
    report = gradcheck.check_grad(lambda x: calls.append(1) or f(x), gradient_of, X, plan=EVERY)
    assert report.ok
    assert report.evaluations == len(calls) <= 2 * X.size + 2 + 14
    assert report.leaves["x"].probes == X.size
    assert not report.leaves["x"].wrong.any()
    assert report.leaves["x"].complete


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6], ids="offset={:g}".format)
def test_steps_suit_the_leaf(scale, offset):
    """Neither a steep f nor one that is large beside its changes is climbed entry by entry."""
    report = gradcheck.check_grad(
        lambda x: float(np.sum(np.exp(3 * x / scale)) + offset),
        lambda x: 3 / scale * np.exp(3 * x / scale),
        scale * X,
        plan=EVERY,
    )
    assert report.ok
    assert report.evaluations < 4 * X.size


WRONG = {
    "none": lambda g: g,
    "one": lambda g: np.where(np.arange(g.size).reshape(g.shape) == 17, g + 1e-3, g),
    "a-row": lambda g: np.where(np.arange(len(g))[:, None] == 3, 2 * g, g),
    "all": lambda g: 1.001 * g,
    "nan": lambda g: np.where(np.arange(g.size).reshape(g.shape) == 5, np.nan, g),
}
POINTS = {
    "C": X,
    "F": np.asfortranarray(X),
    "permuted": np.random.default_rng(1).normal(size=(3, 4, 5)).transpose(2, 0, 1),
    "strided": np.random.default_rng(1).normal(size=(8, 9))[::2, ::3],
    "0-d": np.array(0.3),
    "spread": X * 10.0 ** np.arange(11),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("x", POINTS)
def test_loop_says_what_one_by_one_says(x, wrong, one_by_one):
    """The same verdict, the same wrong entries, in all memory orders."""
    x, claim = POINTS[x], WRONG[wrong]
    if x.ndim == 0 and wrong not in ("none", "all"):
        return
    looped = gradcheck.check_grad(f, lambda x: claim(gradient_of(x)), x, plan=EVERY)
    one_by_one()
    alone = gradcheck.check_grad(f, lambda x: claim(gradient_of(x)), x, plan=EVERY)
    assert looped.verdict is alone.verdict
    a, b = looped.leaves["x"], alone.leaves["x"]
    assert np.array_equal(a.wrong, b.wrong)
    assert (a.complete, a.cause, a.probes) == (b.complete, b.cause, b.probes)
    if a.errors is not None:
        assert a.errors.measured == b.errors.measured


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_complex_leaf(factor, one_by_one):
    """Real and imaginary parts, in the loop and without."""
    z = X[:4] + 1j * X[4:8]

    def claim(z):
        return 2 * z * np.where(np.arange(z.size).reshape(z.shape) == 9, factor, 1.0)

    looped = gradcheck.check_grad(lambda z: float(np.sum(np.abs(z) ** 2)), claim, z, plan=EVERY)
    one_by_one()
    alone = gradcheck.check_grad(lambda z: float(np.sum(np.abs(z) ** 2)), claim, z, plan=EVERY)
    assert looped.verdict is alone.verdict is (Verdict.PASS if factor == 1 else Verdict.FAIL)
    assert np.array_equal(looped.leaves["x"].wrong, alone.leaves["x"].wrong)
    assert looped.leaves["x"].errors.measured == alone.leaves["x"].errors.measured == z.size


def test_dict_of_arrays_is_called_as_it_is():
    """Each leaf in its place, whole numbers and numbers among them."""
    point = {"W": X, "b": X[0].copy(), "scale": 2.0, "labels": np.arange(11)}

    def loss(p):
        assert set(p) == {"W", "b", "scale", "labels"}
        assert isinstance(p["scale"], float)
        return float(p["scale"] * np.sum(np.tanh(p["W"] + p["b"]) * p["labels"]))

    def grad(p):
        t = np.tanh(p["W"] + p["b"])
        dz = p["scale"] * (1 - t**2) * p["labels"]
        return {"W": dz, "b": dz.sum(0), "scale": np.sum(t * p["labels"])}

    report = gradcheck.check_grad(loss, grad, point, plan=EVERY)
    assert report.ok, report
    wrong = gradcheck.check_grad(
        loss, lambda p: {**grad(p), "b": 1.5 * grad(p)["b"]}, point, plan=EVERY
    )
    assert [leaf.verdict for leaf in wrong.leaves.values()].count(Verdict.FAIL) == 1
    assert wrong.leaves["['b']"].wrong[1:].all()


@pytest.mark.parametrize("x", [0.3, np.float64(0.3)], ids=["float", "float64"])
def test_number_is_moved_too(x):
    """It is no array that could be changed in place: f is called with new ones."""
    seen = set()
    report = gradcheck.check_grad(lambda x: seen.add(float(x)) or float(np.sin(x)), np.cos(0.3), x)
    assert report.ok
    assert len(seen) == 3


# --- the point comes back -------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("after", [5, 6, 50])
def test_interrupt_leaves_the_callers_array_alone(error, after):
    """In the middle of a pair as well."""
    x, calls = X.copy(), []

    def stops(x):
        calls.append(1)
        if len(calls) > after:
            raise error
        return f(x)

    with pytest.raises(error):
        gradcheck.check_grad(stops, gradient_of, x, plan=EVERY)
    assert same_bits(x, X)


def test_entry_at_which_f_raises_is_measured_by_itself():
    """The others go on in the loop; what is said of it is what was said before."""
    x = X.copy()
    x[2, 3] = 1.0

    def raises_beyond_one(x):
        if x[2, 3] > 1.0:
            raise ValueError("out of range")
        return f(x)

    report = gradcheck.check_grad(raises_beyond_one, gradient_of, x, plan=EVERY)
    assert report.ok
    assert "domain" in {finding.cause for finding in report.findings}
    wrong = gradcheck.check_grad(raises_beyond_one, lambda x: 2 * gradient_of(x), x, plan=EVERY)
    assert wrong.verdict is Verdict.FAIL


class Buffered:
    """Returns the same array at every call."""

    def __init__(self, shape):
        self.out = np.zeros(shape)

    def __call__(self, x):
        """Write into it."""
        self.out[...] = f(x)
        return self.out


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)], ids=str)
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, Verdict.PASS), (1.001, Verdict.FAIL)])
def test_buffer_that_f_returns_again_is_read_at_once(factor, verdict, shape):
    """Kept until the end of a block it would be the last value everywhere."""
    report = gradcheck.check_grad(Buffered(shape), lambda x: factor * gradient_of(x), X, plan=EVERY)
    assert report.verdict is verdict


def clips_in_place(x):
    """Change the argument, where it is beyond 1."""
    np.clip(x, -1.0, 1.0, out=x)
    return float(np.sum(x**2))


def test_f_that_changes_its_argument_beside_x_gets_copies(one_by_one):
    """At x nothing is clipped, so that the contract sees nothing."""
    x = np.array([0.3, -0.2, 1.0 - 1e-9])
    looped = gradcheck.check_grad(clips_in_place, lambda x: 2 * x, x, plan=EVERY)
    one_by_one()
    assert (
        looped.verdict
        is gradcheck.check_grad(clips_in_place, lambda x: 2 * x, x, plan=EVERY).verdict
    )
    assert x[2] == 1.0 - 1e-9


@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_f_that_changes_the_dict_it_is_given_gets_new_ones(factor):
    """A key that is replaced, as by p["W"] = 2 p["W"], would be so twice."""

    def doubles(p):
        p["W"] = 2 * p["W"]
        return float(np.sum(p["W"] ** 2))

    report = gradcheck.check_grad(
        doubles, lambda p: {"W": factor * 8 * p["W"]}, {"W": X}, plan=EVERY
    )
    assert report.verdict is (Verdict.PASS if factor == 1 else Verdict.FAIL)


# --- what stands between f and the loop -----------------------------------------------------


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, Verdict.PASS), (1.1, Verdict.FAIL)])
def test_value_and_gradient_in_one(factor, verdict):
    """The value alone is looked at beside x."""
    report = gradcheck.check_grad(lambda x: (f(x), factor * gradient_of(x)), True, X, plan=EVERY)
    assert report.verdict is verdict


def test_random_sources_are_held_still_at_every_call():
    """Else every mask would be another."""
    rng = np.random.default_rng(5)
    before = rng.bit_generator.state

    def mask():
        return rng.random(X.shape) < 0.5

    report = gradcheck.check_grad(
        lambda x: float(np.sum(mask() * x**2)), lambda x: 2 * mask() * x, X, plan=EVERY, random=rng
    )
    assert report.ok
    assert rng.bit_generator.state == before


def test_budget_of_seconds_is_looked_at_at_every_call():
    """And what is left over is inconclusive."""
    plan = Plan.every(budget=Budget(seconds=1e-9))
    report = gradcheck.check_grad(f, gradient_of, X, plan=plan)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "budget"


def test_budget_of_evaluations_is_kept():
    """Too few for all entries: they are measured in turn, as far as that goes."""
    report = gradcheck.check_grad(f, gradient_of, X, plan=Plan.every(budget=100))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.evaluations <= 100


def test_reference_is_what_is_looped():
    """Not f, which has few digits."""
    report = gradcheck.check_grad(
        lambda x: np.float32(f(x)), gradient_of, X, plan=EVERY, reference=f
    )
    assert report.ok


def test_canary_among_entries():
    """What the glance at all entries certifies is tried like anything else."""
    report = gradcheck.check_grad(f, gradient_of, X, plan=Plan.every(canary=True))
    assert report.ok
    assert report.leaves["x"].canary is True
