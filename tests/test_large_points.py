"""Large points: what is held beside x, and what f is called with."""

import tracemalloc

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.space import OneEntry, Places, in_blocks, norm
from gradcheck.space.elsewhere import REMEMBERED

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
    """Three copies of x, one of the claim, the direction, and one that is never written.

    The last takes addresses and no memory, and that only where the point would lie where one lay.
    """
    a, x = np.random.default_rng(0).normal(size=(2, 10**6))
    gradcheck.check_grad(np.sum, np.ones(3), np.arange(3.0), plan=SEEDED)  # imports are not counted
    tracemalloc.start()
    report = gradcheck.check_grad(lambda x: float(a @ x), a, x, plan=SEEDED)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.ok
    assert most < 6.5 * x.nbytes


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


@pytest.mark.parametrize("key", [id, lambda x: x.__array_interface__["data"][0]])
@pytest.mark.parametrize("n", [3, 10, 100])
@pytest.mark.parametrize("plan", [Plan.auto(seed=1), Plan.every(seed=1)], ids=str)
def test_f_that_remembers_a_part_by_identity_is_not_believed(key, n, plan):
    """The regression: points were handed in one array, and the term was the same at all of them."""
    x, known = np.random.default_rng(0).standard_normal(n), {}

    def f(x):
        if key(x) not in known:
            known.clear()
            known[key(x)] = np.linalg.norm(x)
        return float(np.sum(x**3) * known[key(x)])

    def forgets(x):
        return 3 * x**2 * np.linalg.norm(x)

    def right(x):
        return forgets(x) + np.sum(x**3) * x / np.linalg.norm(x)

    assert gradcheck.check_grad(f, forgets, x, plan=plan).verdict is not Verdict.PASS
    assert gradcheck.check_grad(f, right, x, plan=plan).verdict is not Verdict.FAIL


@pytest.mark.parametrize("key", [id, lambda x: x.__array_interface__["data"][0]])
@pytest.mark.parametrize("n", [10, 100, 10**5, 10**6])
def test_points_lie_where_none_has_lain(key, n):
    """The regression: memory that one point had left was that of the next, or of a later one."""
    x, known = np.random.default_rng(0).standard_normal(n), {}

    def f(x):
        if key(x) not in known:
            known[key(x)] = np.linalg.norm(x)
        return float(np.sum(x**3) * known[key(x)])

    def forgets(x):
        return 3 * x**2 * np.linalg.norm(x)

    for plan in (SEEDED, Plan.auto(seed=1)):
        known.clear()
        assert gradcheck.check_grad(f, forgets, x, plan=plan).verdict is not Verdict.PASS


def test_large_arrays_move_on_without_memory_for_those_that_are_gone():
    """Spacers are never written to, so they cost addresses and no memory."""
    like, places = np.zeros(10**6), Places()
    for n in range(1, 100):
        array = places.another(like)
        assert array.shape == like.shape
        assert array.flags.owndata
        assert len(places.objects) == n
        assert len(set(places.addresses)) == min(n, REMEMBERED)
        del array


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
