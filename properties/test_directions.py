"""The printed odds: an error of a certified size is missed no more often than the report says."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck import Plan
from gradcheck.directions import probes
from gradcheck.space import Space, inner

from .settings import SEEDS

DRAWS = 2000
DEVIATIONS = 6.2  # a binomial share exceeds its bound by so many with probability below 1e-9


@settings(max_examples=20)
@given(
    SEEDS,
    st.integers(1, 12),
    st.floats(-4.0, 4.0),
    st.sampled_from([0.1, 0.3]),
    st.sampled_from(["float64", "float32"]),
)
def test_error_of_one_entry_is_missed_no_more_often_than_stated(seed, n, spread, odds, dtype):
    """Two directions, plain and equalised, and an error that is drawn so as to hide.

    An error with one entry of at least a is missed if both directions see less than their tau; the
    report takes prod tau_k / (weight_k a) for the probability of it.
    """
    rng = np.random.default_rng(seed)
    claim = rng.standard_normal(n) * 10.0 ** (spread * rng.random(n))
    space = Space.of(rng.standard_normal(n).astype(dtype))
    error = rng.standard_normal(n)
    error[rng.integers(n)] = largest = 3.0
    missed = 0
    for _ in range(DRAWS):
        lines = probes(space, 0, claim, Plan.directions(2), rng)
        # tau such that each direction alone may miss with probability `odds`
        seen = [abs(inner(error, p.tangent[0])) > odds * p.weakest * largest for p in lines]
        missed += not any(seen)
    allowed = odds ** len(lines)
    slack = DEVIATIONS * math.sqrt(allowed * (1 - allowed) / DRAWS)
    assert missed / DRAWS <= allowed + slack
