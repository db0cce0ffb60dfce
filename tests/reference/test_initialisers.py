import math

import numpy as np
import pytest

from gradcheck.reference import INITIALISERS, constant, scaled_normal

N_IN, N_OUT = 400, 250
DRAWS = N_IN * N_OUT
FALSE_ALARM = 1e-9  # of each test below, for a seed drawn at random
DTYPES = [np.float32, np.float64, np.longdouble]

# name -> standard deviation by the scheme's formula
NORMALS = {
    "he": math.sqrt(2 / N_IN),
    "lecun": math.sqrt(1 / N_IN),
    "small_normal": 0.01,
    "large_normal": 10.0,
}
# name -> (low, high) by the scheme's formula
UNIFORMS = {
    "uniform01": (0.0, 1.0),
    "uniform_zero_mean": (-0.5, 0.5),
    "xavier": (-math.sqrt(6 / (N_IN + N_OUT)), math.sqrt(6 / (N_IN + N_OUT))),
}
VARIANCES = {
    "uniform01": 1 / 12,
    "uniform_zero_mean": 1 / 12,
    "xavier": 2 / (N_IN + N_OUT),
}


def draw(scheme, dtype=np.float64):
    """Return W of the scheme, always from the same seed."""
    return INITIALISERS[scheme](np.random.default_rng(20), N_IN, N_OUT, dtype)


def hoeffding(width):
    """Return e with P(|mean - expected| >= e) <= FALSE_ALARM for DRAWS values in a width.

    Hoeffding (1963), theorem 2: P <= 2 exp(-2 N e^2 / width^2).
    """
    return width * math.sqrt(math.log(2 / FALSE_ALARM) / (2 * DRAWS))


@pytest.mark.parametrize("scheme", NORMALS)
def test_mean_of_a_normal_scheme_is_zero(scheme):
    """The mean of N draws is normal: P(|mean| >= z s / sqrt N) <= 2 exp(-z^2 / 2)."""
    z = math.sqrt(2 * math.log(2 / FALSE_ALARM))
    assert abs(draw(scheme).mean()) < z * NORMALS[scheme] / math.sqrt(DRAWS)


@pytest.mark.parametrize("scheme", NORMALS)
def test_variance_of_a_normal_scheme_is_that_of_the_formula(scheme):
    """Sum (W / s)^2 is chi-squared: |sum - N| < 2 sqrt(N t) + 2 t but for 2 exp(-t).

    Laurent & Massart (2000), Annals of Statistics 28(5), lemma 1.
    """
    t = math.log(2 / FALSE_ALARM)
    total = ((draw(scheme) / NORMALS[scheme]) ** 2).sum()
    assert abs(total - DRAWS) < 2 * math.sqrt(DRAWS * t) + 2 * t


@pytest.mark.parametrize("scheme", UNIFORMS)
def test_uniform_scheme_stays_in_its_interval(scheme):
    """All draws lie between the bounds of the formula."""
    low, high = UNIFORMS[scheme]
    W = draw(scheme)
    assert low <= W.min()
    assert W.max() < high


@pytest.mark.parametrize("scheme", UNIFORMS)
def test_mean_of_a_uniform_scheme_is_the_middle(scheme):
    """Hoeffding's bound for the mean of bounded draws."""
    low, high = UNIFORMS[scheme]
    assert abs(draw(scheme).mean() - (low + high) / 2) < hoeffding(high - low)


@pytest.mark.parametrize("scheme", UNIFORMS)
def test_variance_of_a_uniform_scheme_is_that_of_the_formula(scheme):
    """Hoeffding's bound for the squares about the known mean, in [0, (high - low)^2 / 4]."""
    low, high = UNIFORMS[scheme]
    squares = (draw(scheme) - (low + high) / 2) ** 2
    assert abs(squares.mean() - VARIANCES[scheme]) < hoeffding((high - low) ** 2 / 4)


@pytest.mark.parametrize(("scheme", "value"), [("zeros", 0.0), ("constant", 0.5)])
def test_constant_scheme_has_one_value(scheme, value):
    """Every weight is the stated value."""
    np.testing.assert_array_equal(draw(scheme), np.full((N_IN, N_OUT), value))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scheme", INITIALISERS)
def test_shape_and_dtype_are_as_asked(scheme, dtype):
    """W is (n_in, n_out) in the dtype that was asked for."""
    W = draw(scheme, dtype)
    assert (W.shape, W.dtype) == ((N_IN, N_OUT), dtype)


@pytest.mark.parametrize("scheme", INITIALISERS)
def test_same_generator_state_gives_the_same_weights(scheme):
    """All randomness comes from the Generator that is passed."""
    np.testing.assert_array_equal(draw(scheme), draw(scheme))


def test_factories_take_their_value():
    """constant(v) is v everywhere; scaled_normal(s) is s times the standard normal."""
    assert constant(-2.0)(np.random.default_rng(0), 1, 1, np.float64) == [[-2.0]]
    W = scaled_normal(3.0)(np.random.default_rng(0), 2, 2, np.float64)
    np.testing.assert_array_equal(W, 3.0 * np.random.default_rng(0).standard_normal((2, 2)))
