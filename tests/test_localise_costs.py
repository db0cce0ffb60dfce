"""What naming costs, counted in evaluations of f: numerics that a user pays for.

Counted beyond those of the plain verdict, with cheap functions of up to a million entries.
"""

import math

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict

from .test_localise import Waves

MILLION = 10**6
LINES = 6  # evaluations: three further lines through the whole leaf, for every cause
CONFIRMED = 4  # evaluations: one entry, with an error bar of its own
HOW = {
    "sign": lambda g: -g,
    "zeroed": lambda g: 0 * g,
    "scaled": lambda g: 1.25 * g,
    "garbage": lambda g: np.random.default_rng(0).standard_normal(g.shape),
}


class Parabola:
    """A quick function of a million entries, a x + b x^2 / 2, and its gradient."""

    def __init__(self, shape):
        rng = np.random.default_rng(1)
        self.a, self.b = rng.uniform(-2, 2, shape), rng.uniform(-2, 2, shape)
        self.x = rng.standard_normal(shape)

    def f(self, x):
        """Evaluate it."""
        return float(np.vdot(self.a + 0.5 * self.b * x, x))

    def gradient(self, x):
        """Return the right gradient."""
        return self.a + self.b * x


def priced(waves, mask, how, seed):
    """Check with and without naming; the report, and what naming costs."""
    claim = np.where(mask, how(waves.gradient(waves.x)), waves.gradient(waves.x))
    plain, named = (
        gradcheck.check_grad(waves.f, claim, waves.x, plan=plan)
        for plan in (Plan.auto(seed=seed, naming=0), Plan.auto(seed=seed))
    )
    assert plain.verdict is named.verdict is Verdict.FAIL
    assert plain.leaves["x"].wrong is None
    return named, named.evaluations - plain.evaluations


@pytest.mark.parametrize(
    ("shape", "how", "seed"),
    [((1000, 1000), "zeroed", 0), ((MILLION,), "sign", 2)],
)
def test_one_wrong_entry_of_a_million_is_named_for_60_evaluations(shape, how, seed):
    """2 log2 N for the search, half of that again for what is read twice at the worst."""
    k = int(np.random.default_rng(seed).integers(MILLION))
    mask = np.zeros(MILLION, dtype=bool)
    mask[k] = True
    mask = mask.reshape(shape)
    report, cost = priced(Parabola(shape), mask, HOW[how], seed)
    leaf = report.leaves["x"]
    assert leaf.complete
    assert np.array_equal(leaf.wrong, mask)
    assert f"at {[int(i) for i in np.unravel_index(k, mask.shape)]}" in report.findings[0].message
    assert cost <= 2 * math.ceil(math.log2(MILLION)) + LINES + CONFIRMED + 10


@pytest.mark.parametrize("n", [10_000, 100_000, MILLION])
@pytest.mark.parametrize(("how", "further"), [("sign", 4), ("scaled", 8)])
def test_one_loud_wrong_entry_is_read_off_the_lines_that_are_there(n, how, further):
    """Its place is in the weights: nothing is searched, a line or two more at the most."""
    mask = np.zeros(n, dtype=bool)
    mask[np.random.default_rng(n).integers(n)] = True
    report, cost = priced(Parabola((n,)), mask, HOW[how], seed=5)
    assert report.leaves["x"].complete
    assert np.array_equal(report.leaves["x"].wrong, mask)
    assert cost <= LINES + CONFIRMED + further


@pytest.mark.parametrize("n", [10_000, 100_000])
@pytest.mark.parametrize("share", [1e-2, 1e-3])
def test_faint_wrong_entry_costs_no_more_than_halving_would(n, share):
    """An error of this share of a typical entry, where it fails at all."""
    for seed in range(6):
        parabola, k = Parabola((n,)), int(np.random.default_rng(seed).integers(n))
        right = parabola.gradient(parabola.x)
        claim = right.copy()
        claim[k] += share * np.sqrt(np.mean(right**2))
        plain, named = (
            gradcheck.check_grad(parabola.f, claim, parabola.x, plan=plan)
            for plan in (Plan.auto(seed=seed, naming=0), Plan.auto(seed=seed))
        )
        if plain.verdict is Verdict.FAIL:
            assert np.flatnonzero(named.leaves["x"].wrong).tolist() == [k]
            assert named.evaluations - plain.evaluations <= 6.5 * math.log2(n) + CONFIRMED


@pytest.mark.parametrize(("across", "how"), [("row", "scaled"), ("column", "garbage")])
def test_wrong_row_or_column_of_a_million_is_named_for_110_evaluations(across, how):
    """2 log2 of its length to find it, and sixteen entries of it confirmed."""
    mask = np.zeros((1000, 1000), dtype=bool)
    mask[(17, slice(None)) if across == "row" else (slice(None), 17)] = True
    report, cost = priced(Parabola(mask.shape), mask, HOW[how], seed=3)
    assert report.findings[0].message.startswith(f"x is wrong in {across} 17: analytic ")
    wrong = report.leaves["x"].wrong
    assert not (wrong & ~mask).any()
    assert report.leaves["x"].complete == np.array_equal(wrong, mask)
    assert cost <= 110


@pytest.mark.parametrize("factor", [2.0, -1.0, 1.001])
def test_uniform_factor_needs_no_search(factor):
    """Three further lines show it, and one entry is confirmed."""
    report, cost = priced(Parabola((300, 300)), np.True_, lambda g: factor * g, seed=4)
    leaf = report.leaves["x"]
    assert leaf.complete
    assert leaf.wrong.mean() > 0.999
    assert cost <= LINES + CONFIRMED


@pytest.mark.parametrize(("n", "most"), [(1000, 36), (10_000, 44), (50_000, 50)])
def test_cost_grows_with_the_logarithm(n, most):
    """The median over ten leaves; the published figures are 64, 84 and 108."""
    costs = []
    for seed in range(10):
        mask = np.zeros(n, dtype=bool)
        mask[np.random.default_rng(seed).integers(n)] = True
        report, cost = priced(Waves((n,), seed), mask, lambda g: -g, seed)
        assert np.array_equal(report.leaves["x"].wrong, mask)
        costs.append(cost)
    assert np.median(costs) <= most
