"""Drop-ins: that of SciPy, which needs no SciPy; those of torch and JAX are in tests/frameworks."""

import math

import numpy as np
import pytest

from gradcheck import UsageError, compat

POINT = np.array([0.5, -1.0, 2.0])


def cost(x, power):
    """Add powers."""
    return np.sum(x**power)


def slope(x, power):
    """Differentiate it."""
    return power * x ** (power - 1)


@pytest.mark.parametrize("direction", ["all", "random"])
@pytest.mark.parametrize("options", [{}, {"epsilon": 1e-2}, {"rng": 3}, {"seed": 3}])
def test_right_gradient_has_distance_zero(direction, options):
    """Whatever step is asked for, and with arguments of the functions."""
    assert compat.scipy_check_grad(cost, slope, POINT, 3, direction=direction, **options) == 0


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("direction", ["all", "random"])
def test_wrong_gradient_is_below_no_tolerance(direction, size):
    """The regression: of an error of 1 % in one entry of a small f, a small distance came out."""

    def off(x, power):
        return size * slope(x, power) * (1, 1.01, 1)

    with pytest.warns(UserWarning, match=r"the gradient is not certified\s+FAIL") as caught:
        distance = compat.scipy_check_grad(
            lambda x, power: size * cost(x, power), off, POINT, 3, direction=direction
        )
    assert distance == math.inf
    assert caught[0].filename == __file__


def test_what_changes_its_argument_is_below_no_tolerance():
    """The numbers are right, and the gradient is not; nor at a kink, nor from an old cache."""
    cache = {}

    def greedy(x):
        x *= 3
        return 2 * x / 3

    def stale(x):
        return 3 * cache.setdefault("x", x.copy()) ** 2

    for f, grad, x in (
        (lambda x: np.sum(x**2), greedy, POINT),
        (lambda x: np.sum(x**3), stale, POINT),
        (lambda x: np.sum(np.abs(x)), lambda x: 2 * np.sign(x), np.zeros(1)),
    ):
        with pytest.warns(UserWarning, match="FAIL"):
            assert compat.scipy_check_grad(f, grad, x) == math.inf


def test_gradient_may_be_a_number_or_a_row():
    """As SciPy reads it; a column is of another shape there too."""
    assert compat.scipy_check_grad(lambda x: x[0] ** 2, lambda x: 2 * x[0], [1.5]) == 0
    assert compat.scipy_check_grad(lambda x: x**2, lambda x: [2 * x], 1.5) == 0
    assert compat.scipy_check_grad(lambda x: np.sum(x**2), lambda x: 2 * x[None], POINT) == 0
    with pytest.warns(UserWarning, match="shape"):
        assert compat.scipy_check_grad(np.sum, lambda x: np.ones((3, 1)), POINT) == math.inf


def test_what_cannot_be_told_is_below_no_tolerance():
    """NaN, which is less than nothing."""
    rng = np.random.default_rng(0)

    def restless(x):
        return np.sum(x) + 1e9 * rng.standard_normal()

    with pytest.warns(UserWarning, match="INCONCLUSIVE"):
        distance = compat.scipy_check_grad(restless, np.ones_like, POINT)
    assert math.isnan(distance)
    assert not distance < math.inf


def test_point_is_any_list_of_numbers_and_stays_as_it_is():
    """Whole numbers are taken for what they are close to."""
    x = [1, 2, 3]
    assert compat.scipy_check_grad(cost, slope, x, 3) == 0
    assert x == [1, 2, 3]
    assert compat.scipy_check_grad(cost, slope, POINT.astype("f4"), 3) == 0


def test_seed_makes_directions_the_same():
    """So that the report can be had again, from a generator too."""

    def doubled(x, power):
        return 2 * slope(x, power)

    for rng, seed in (
        (7, "7"),
        (np.random.default_rng(7), r"\d+"),
        (np.random.RandomState(7), r"\d+"),
    ):
        with pytest.warns(UserWarning, match=f"replay: seed={seed}"):
            compat.scipy_check_grad(cost, doubled, POINT, 3, rng=rng, direction="random")


def test_random_numbers_are_drawn_for_random_directions_only():
    """As SciPy says of its own."""
    rng = np.random.default_rng(7)
    before = rng.bit_generator.state
    assert compat.scipy_check_grad(cost, slope, POINT, 3, rng=rng) == 0
    assert rng.bit_generator.state == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "some"}, "direction='some' is none of all, random"),
        ({"rng": 1, "seed": 2}, "rng and seed are two names of one thing"),
    ],
)
def test_senseless_call_is_refused(options, message):
    """As by SciPy."""
    with pytest.raises(UsageError, match=message):
        compat.scipy_check_grad(cost, slope, POINT, 3, **options)


def test_other_names_are_none():
    """And say so."""
    with pytest.raises(AttributeError, match="no attribute 'numdifftools'"):
        _ = compat.numdifftools
