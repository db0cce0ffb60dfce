"""Large points: what is held beside x, and what f is called with."""

import tracemalloc

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.space import OneEntry, Space, in_blocks, norm, same_bits

SEEDED = Plan.directions(1, seed=1)


def test_one_direction_takes_two_evaluations_beyond_the_contract():
    """The contract calls f twice at x; one of these is the middle of the line."""
    a, x = np.random.default_rng(0).normal(size=(2, 1000))
    calls = []

    def f(x):
        calls.append(1)
        return float(a @ np.sin(x))

    report = gradcheck.check_grad(f, a * np.cos(x), x, plan=SEEDED)
    assert report.ok
    assert report.evaluations == len(calls) == 4


def test_one_direction_holds_few_arrays_as_large_as_the_point():
    """Two copies of x, one of the claim, and the direction."""
    a, x = np.random.default_rng(0).normal(size=(2, 10**6))
    gradcheck.check_grad(np.sum, np.ones(3), np.arange(3.0), plan=SEEDED)  # imports are not counted
    tracemalloc.start()
    report = gradcheck.check_grad(lambda x: float(a @ x), a, x, plan=SEEDED)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.ok
    assert most < 4.5 * x.nbytes


def test_every_entry_does_not_hold_a_tangent_each():
    """2000 tangents of 2000 numbers would be 32 MB."""
    x = np.random.default_rng(0).normal(size=2000)
    gradcheck.check_grad(np.sum, np.ones(3), np.arange(3.0), plan=Plan.every())
    tracemalloc.start()
    report = gradcheck.check_grad(lambda x: float(np.sum(x**2)), 2 * x, x, plan=Plan.every())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.ok
    assert most < 16e6


def test_every_cotangent_is_let_go_of():
    """300 cotangents with claims of 300 numbers, and what f returned along 300 lines."""
    x = np.random.default_rng(0).normal(size=300)

    def vjp(x, dout):
        return dout * np.cos(x)

    gradcheck.check_vjp(np.sin, vjp, x[:3], plan=Plan.every())
    tracemalloc.start()
    report = gradcheck.check_vjp(np.sin, vjp, x, plan=Plan.every())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.ok
    assert most < 12e6


# --- what f is called with ------------------------------------------------------------------


def test_call_at_lends_the_array_of_all_calls_and_puts_it_right():
    """Nothing is copied, and x is back bit for bit, also after an exception."""
    space = Space.of(np.array([1.0, -0.0, 1e-300]))
    before = space.point()
    seen = []

    def call(point):
        seen.append((point is before, point.copy()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        space.call_at({0: np.array([1.0, 2.0, 3.0])}, 0.5, call)
    # the test itself has kept the array, so that f was called with a copy
    assert not seen[0][0]
    assert np.array_equal(seen[0][1], [1.5, 1.0, 1.5])
    assert same_bits(space.point(), np.array([1.0, -0.0, 1e-300]))


def test_array_that_nobody_keeps_is_changed_in_place():
    """The same memory at every call."""
    space = Space.of(np.arange(3.0))
    v = {0: np.ones(3)}
    first, second = (
        space.call_at(v, t, lambda x: (x.ctypes.data, x.tolist()))[1] for t in (0.5, -0.5)
    )
    assert first[0] == second[0]
    assert (first[1], second[1]) == ([0.5, 1.5, 2.5], [-0.5, 0.5, 1.5])
    assert np.array_equal(space.point(), np.arange(3.0))


class Memoised:
    """Knows an array that it has seen by its identity."""

    def __init__(self):
        self.seen, self.value = None, 0.0

    def __call__(self, x):
        """Answer from memory where the very same array comes again."""
        if x is not self.seen:
            self.seen, self.value = x, float(np.sum(x**3))
        return self.value


@pytest.mark.parametrize("plan", [Plan.auto(), Plan.every()], ids=str)
@pytest.mark.parametrize(("factor", "verdict"), [(3.0, Verdict.PASS), (3.1, Verdict.FAIL)])
def test_f_that_knows_its_array_by_identity_gets_copies(factor, verdict, plan):
    """Changed in place it would not see that x has moved."""
    x = np.array([1.0, 2.0, -0.5])
    assert gradcheck.check_grad(Memoised(), factor * x**2, x, plan=plan).verdict is verdict


class Keeps:
    """A layer that keeps its input for the backward pass, whole or as a view."""

    def __init__(self, keep):
        self.keep = keep

    def f(self, x):
        """Keep and sum."""
        self.x = self.keep(x)
        return float(np.sum(np.sin(x)))

    def claim(self, _):
        """Answer from what was kept."""
        return np.cos(np.asarray(self.x)).reshape(2, 2)


@pytest.mark.parametrize(
    "keep", [lambda x: x, lambda x: x.ravel(), memoryview], ids=["array", "view", "memoryview"]
)
@pytest.mark.parametrize("plan", [Plan.auto(), Plan.every()], ids=str)
def test_what_a_layer_keeps_is_not_changed_behind_its_back(keep, plan):
    """A right backward pass that answers from it passes."""
    layer = Keeps(keep)
    report = gradcheck.check_grad(
        layer.f, layer.claim, np.array([[0.1, 0.2], [0.3, 0.4]]), plan=plan
    )
    assert report.ok, report


# --- block by block -------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F", "K"])
def test_blocks_are_views_that_cover_all_entries(order):
    """Also of arrays that lie in memory in different orders."""
    a = np.arange(40 * 50 * 60.0).reshape(40, 50, 60)
    a = a.transpose(1, 2, 0) if order == "K" else np.array(a, order=order)
    b = np.zeros(a.shape)
    for source, target in in_blocks(a, b):
        target[...] = source
    assert np.array_equal(a, b)


def test_norm_of_a_large_array_does_not_overflow():
    """The squares would."""
    assert norm(np.full(10**5, 1e200)) == pytest.approx(1e200 * 10**2.5)


def test_one_entry_is_the_array_that_it_stands_for():
    """Made when asked for."""
    along = OneEntry(2, (2, 3), np.dtype(np.float64), 4, 0.5)
    assert list(along) == [2]
    assert np.array_equal(along[2], [[0, 0, 0], [0, 0.5, 0]])
    with pytest.raises(KeyError):
        along[0]
