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
def test_distance_is_that_of_the_exact_gradient(direction, size):
    """Of an error of 1 % in one entry, whatever the size of f."""

    def off(x, power):
        return size * slope(x, power) * (1, 1.01, 1)

    with pytest.warns(UserWarning, match=r"the gradient is not certified\s+FAIL") as caught:
        distance = compat.scipy_check_grad(
            lambda x, power: size * cost(x, power), off, POINT, 3, direction=direction
        )
    assert distance == pytest.approx(0.03 * size, rel=1e-6)
    assert caught[0].filename == __file__


def test_what_changes_its_argument_is_infinitely_far():
    """The numbers are right, and the gradient is not."""

    def greedy(x):
        x *= 3
        return 2 * x / 3

    with pytest.warns(UserWarning, match="mutated|changed|writes"):
        assert compat.scipy_check_grad(lambda x: np.sum(x**2), greedy, POINT) == math.inf


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

    for rng, seed in ((7, "7"), (np.random.default_rng(7), r"\d+")):
        with pytest.warns(UserWarning, match=f"replay: seed={seed}"):
            compat.scipy_check_grad(cost, doubled, POINT, 3, rng=rng, direction="random")


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
