"""Points that are far from the host: the same bits as NumPy's, and what travels.

Those of torch and JAX are in tests/frameworks/test_on_device.py.
"""

import array_api_strict as xp
import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.space import OneEntry, Space, draw_weights, on_device, read, same_bits, working_dtype

from .far import DEVICE, laid, traffic  # noqa: F401 - a fixture

PLAN = Plan.auto(seed=1)
DTYPES = [np.float32, np.float64, np.complex64, np.complex128]
SHAPES = [(), (7,), (3, 4)]
STEPS = [2.0**-10, 1e-3, -0.7, 2.0**-40, 1e-200, 1e200, 1e308, 0.0]


def drawn(rng, shape, dtype):
    """Draw a point."""
    values = rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 4, shape)
    turned = 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else 0.0
    return np.asarray(values + turned).astype(dtype)


def directions(rng, x):
    """Draw one on the grid, one off every grid, and one along an entry."""
    grid = draw_weights(rng, x.shape, x.dtype)
    yield {0: grid}
    yield {0: np.asarray(grid * rng.uniform(0.5, 1.5, x.shape))}
    yield OneEntry(0, x.shape, working_dtype(x.dtype), x.size // 2, 0.8090169943749475)


def assert_same_points(x, there):
    """Require of each direction and step that x + t v and t are what they are in NumPy."""
    rng = np.random.default_rng(5)
    near, far = Space.of(x), Space.of(there)
    assert far.leaves[0].lodged is not None
    for tangent in directions(rng, x):
        for t in STEPS:
            with np.errstate(all="ignore"):
                (own, step), (other, its) = (s.displaced(tangent, t) for s in (near, far))
            assert type(other) is type(there)
            assert same_bits(read(other), np.asarray(own)), (x.dtype, t)
            np.testing.assert_allclose(its, step, 1e-15, 1e-15 * abs(t))  # summed in another order


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_points_have_the_bits_of_numpy(traffic, shape, dtype):  # noqa: F811
    """Of every dtype and step; the step really taken is the same."""
    x = drawn(np.random.default_rng(3), shape, dtype)
    assert_same_points(x, laid(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_at_the_ends_of_the_range_have_them_too(traffic, dtype):  # noqa: F811
    """Subnormal numbers, the largest ones, zeros of both signs."""
    info = np.finfo(dtype)
    for x in ([info.smallest_subnormal, 1], [info.tiny, -0.0], [info.max, 1], [0.0, -0.0]):
        point = np.array(x, dtype)
        assert_same_points(point, laid(point))


def test_what_is_made_on_the_device_is_made_of_what_lies_there(traffic):  # noqa: F811
    """A direction travels once, an entry not at all; one number comes back each time."""
    x = drawn(np.random.default_rng(3), (1000,), np.float64)
    space = Space.of(laid(x))
    for tangent, sent in zip(directions(np.random.default_rng(1), x), (1000, 1000, 0), strict=True):
        traffic.there = traffic.back = 0
        for t in (1e-3, -1e-3, 1e-4):
            space.displaced(tangent, t)
        assert (traffic.there, traffic.back) == (sent, 0)


def f(p):
    """Compute on the device; a mix of devices raises."""
    assert p["W"].device == p["b"].device == DEVICE
    return xp.sum(xp.tanh(p["W"])) + xp.sum(p["b"] ** 2)


def grad(p):
    """Differentiate f."""
    return {"W": 1 - xp.tanh(p["W"]) ** 2, "b": 2 * p["b"]}


def point(rows=50):
    """Two leaves on the device."""
    rng = np.random.default_rng(2)
    return {"W": laid(rng.standard_normal((rows, 20))), "b": laid(rng.standard_normal(3))}


def test_check_on_a_device_is_that_on_the_host(traffic):  # noqa: F811
    """The same verdicts, evaluations and numbers; a wrong claim fails at its leaf."""
    report = gradcheck.check_grad(f, grad, point(), plan=PLAN)
    assert report.verdict is Verdict.PASS

    def on_host(p):
        return float(np.sum(np.tanh(p["W"])) + np.sum(p["b"] ** 2))

    def own_grad(p):
        return {"W": 1 - np.tanh(p["W"]) ** 2, "b": 2 * p["b"]}

    own = gradcheck.check_grad(on_host, own_grad, {k: read(v) for k, v in point().items()},
                               plan=PLAN)  # fmt: skip
    assert own.evaluations == report.evaluations
    assert own.leaves["['W']"].error == pytest.approx(report.leaves["['W']"].error, abs=1e-9)
    wrong = gradcheck.check_grad(f, lambda p: grad(p) | {"b": 3 * p["b"]}, point(), plan=PLAN)
    assert wrong.leaves["['b']"].verdict is Verdict.FAIL
    assert wrong.leaves["['W']"].verdict is Verdict.PASS


def test_few_arrays_as_large_as_the_point_travel(traffic):  # noqa: F811
    """There: x, two points nearby, two directions. Back: x, and each answer of the claim."""
    x = laid(np.random.default_rng(2).standard_normal(1000))

    def wave(x):
        return xp.sum(xp.sin(x))

    assert gradcheck.check_grad(wave, xp.cos, x, plan=PLAN).ok
    assert traffic.there <= 4 * 1000
    assert traffic.back <= 7 * 1000 + 100
    traffic.there = traffic.back = 0
    assert gradcheck.check_grad(wave, xp.cos, x, plan=Plan.every(seed=1)).ok
    assert traffic.there <= 3 * 1000
    assert traffic.back <= 9 * 1000 + 4000


def test_numbers_that_a_call_changes_on_the_device_are_found_and_restored(traffic):  # noqa: F811
    """In what it was handed, and in the caller's own arrays; also the sign of a zero."""
    x = laid([0.5, 0.0, 2.0])

    def handed(y):
        y[1] = -0.0
        return 2 * y

    def callers(y):
        x[1] = -0.0
        return 2 * y

    for greedy in (handed, callers):
        report = gradcheck.check_grad(lambda y: xp.sum(y**2), greedy, x, plan=PLAN)
        assert report.findings[0].cause == "mutated-input"
        assert same_bits(read(x), np.array([0.5, 0.0, 2.0]))


def test_cotangent_that_is_changed_on_the_device_is_found(traffic):  # noqa: F811
    """It is compared where it lies."""

    def greedy(x, cotangent):
        cotangent[...] = cotangent * xp.exp(x)
        return cotangent

    report = gradcheck.check_vjp(xp.exp, greedy, laid([0.5, 2.0]), plan=PLAN)
    assert report.findings[0].cause == "mutated-input"


def test_cache_that_goes_by_identity_is_found_on_the_device(traffic):  # noqa: F811
    """Arrays get other values in place there."""
    seen = {}

    def cached(p):
        return seen.setdefault(id(p["W"]), grad(p))

    report = gradcheck.check_grad(f, cached, point(), plan=PLAN)
    assert report.findings[0].cause == "stale-cache"


def test_labels_on_the_device_are_carried(traffic):  # noqa: F811
    """And restored where a call changes them."""
    p = {"x": laid([0.5, 2.0]), "n": laid([1, 2])}

    def weighed(p):
        return xp.sum(p["x"] ** 2 * xp.astype(p["n"], xp.float64))

    def right(p):
        return {"x": 2 * p["x"] * xp.astype(p["n"], xp.float64)}

    def greedy(p):
        result = right(p)
        p["n"][0] = 7
        return result

    assert gradcheck.check_grad(weighed, right, p, plan=PLAN).ok
    assert gradcheck.check_grad(weighed, greedy, p, plan=PLAN).findings[0].cause == "mutated-input"


def test_device_without_float64_gets_its_points_from_the_host(traffic):  # noqa: F811
    """As they were made before; an entry needs no float64."""
    device = xp.Device("no_float64")
    x = drawn(np.random.default_rng(3), (50,), np.float32)
    assert_same_points(x, laid(x, device))


def test_device_that_has_no_room_leaves_it_to_the_host(traffic, monkeypatch):  # noqa: F811
    """Whatever it raises."""
    x = drawn(np.random.default_rng(3), (50,), np.float64)

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(on_device._Leg, "at", full)
    monkeypatch.setattr(on_device, "_with_entry", full)
    assert_same_points(x, laid(x))


def test_directions_in_turn_travel_anew(traffic):  # noqa: F811
    """Only the one that has travelled last is kept."""
    x = drawn(np.random.default_rng(3), (50,), np.float64)
    space, own = Space.of(laid(x)), Space.of(x)
    rng = np.random.default_rng(1)
    first, second = ({0: draw_weights(rng, x.shape, x.dtype)} for _ in range(2))
    for tangent in (first, second, first):
        there, _ = space.displaced(tangent, 1e-3)
        here, _ = own.displaced(tangent, 1e-3)
        assert same_bits(read(there), here)


def test_array_is_far_by_what_dlpack_says_of_it():
    """NumPy's memory is near, and so is that of this library."""
    assert not gradcheck.space.foreign.is_far(xp.ones(2**17))
