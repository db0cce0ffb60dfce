"""Bounds on chance: never exceeded where it is known, and not wasteful."""

import math

import numpy as np
import pytest

from gradcheck.laws.chance import mean_slack, share_of_look, share_slack, square_slack

ALARM = 1e-3  # large enough to be met in simulation if a bound were too tight


@pytest.mark.parametrize("p", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("n", [50, 5000])
def test_share_bound_holds(p, n):
    """Of binomial draws at most the stated part is beyond it."""
    shares = np.random.default_rng(0).binomial(n, p, 100_000) / n
    slack = share_slack(p, n, ALARM)
    assert np.mean(np.abs(shares - p) >= slack) <= ALARM
    assert np.mean(np.abs(shares - p) >= slack / 3) > ALARM


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_moment_bounds_hold(kind):
    """Of mean and mean square, for variance 1."""
    rng, n = np.random.default_rng(1), 60
    shape = (50_000, n)
    root = math.sqrt(3)
    x = rng.standard_normal(shape) if kind == "normal" else rng.uniform(-root, root, shape)
    assert np.mean(np.abs(x.mean(axis=1)) >= mean_slack(n, ALARM)) <= ALARM
    assert np.mean(np.abs((x**2).mean(axis=1) - 1) >= square_slack(n, ALARM)) <= ALARM


def test_looks_share_the_alarm():
    """However many there are."""
    assert sum(share_of_look(k, 1.0) for k in range(1, 10_000)) < 1
