"""Which lines are probed, and the printed probability of a miss, checked by simulation."""

import numpy as np
import pytest

from gradcheck import Plan
from gradcheck.directions import (
    MISS,
    Probe,
    certified,
    coordinate,
    probes,
    relative_to,
    scale_of_leaf,
)
from gradcheck.space import Space, draw_weights, grid_of, rms


def lines(x, plan, claim=None):
    """Draw the lines of a bare array."""
    return probes(Space.of(x), 0, claim, plan, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("plan", "x", "entries"),
    [
        pytest.param(Plan.auto(), np.ones(5), [None, None], id="auto"),
        pytest.param(Plan.auto(), np.ones(2), [0, 1], id="auto-every-where-as-cheap"),
        pytest.param(Plan.auto(), np.ones(1, "c16"), [0, 0], id="auto-complex-scalar"),
        pytest.param(Plan.directions(3), np.ones(2), [None] * 3, id="directions"),
        pytest.param(Plan.every(), np.ones((2, 2)), [0, 1, 2, 3], id="every"),
        pytest.param(Plan.every(), np.ones(2, "c8"), [0, 0, 1, 1], id="every-complex"),
        pytest.param(Plan.sample(per_leaf=9), np.ones(4), [0, 1, 2, 3], id="sample-all"),
        pytest.param(Plan.every(), np.ones((0, 3)), [], id="empty"),
    ],
)
def test_plan_decides_the_lines(plan, x, entries):
    """Directions have no entry, coordinates name theirs."""
    assert [probe.entry for probe in lines(x, plan)] == entries


def test_sample_draws_without_replacement():
    """Each entry at most once."""
    entries = [probe.entry for probe in lines(np.ones(100), Plan.sample(per_leaf=30))]
    assert len(set(entries)) == 30


def test_plain_direction_moves_every_entry_by_about_the_rms():
    """A power of two times sign times U(0.5, 1.5)."""
    x = np.full(200, 5.0)
    (probe,) = lines(x, Plan.directions(1))
    size = np.abs(probe.tangent[0]) / probe.weakest
    assert probe.weakest == 4.0
    assert 0.5 <= size.min() <= size.max() <= 1.5


def test_equalised_direction_makes_small_entries_count():
    """Every entry contributes alike to <claim, v>, down to 1 % of the rms."""
    claim = np.array([1e-1, 1.0, 10.0, 0.3, 3.0])
    _, probe = lines(np.ones(5), Plan.auto(), claim)
    contribution = np.abs(claim * probe.tangent[0])
    assert contribution.max() / contribution.min() < 3.1


@pytest.mark.parametrize("claim", [np.zeros(5), None], ids=["zero", "unknown"])
def test_direction_is_plain_where_there_is_nothing_to_equalise(claim):
    """A claim of zeros, or one not known entry by entry."""
    assert [probe.weakest for probe in lines(np.ones(5), Plan.auto(), claim)] == [1.0, 1.0]


def moves(values):
    """Return by how much each coordinate's line moves its entry."""
    leaf = Space.of(np.asarray(values)).leaves[0]
    lines = [coordinate(leaf, 0, k, scale_of_leaf(leaf)) for k in range(leaf.array.size)]
    return [np.abs(line.tangent[0]).max() for line in lines]


def test_coordinate_moves_one_entry_by_its_own_size_or_the_leafs():
    """A step for a small entry is not smaller than the leaf's, one for a large entry is larger."""
    moved = moves([[1e-9, 2.0], [40.0, 1.0]])
    assert moved[0] == moved[1] == moved[3]
    assert moved[2] > moved[0] > 2.0


def test_entries_spread_over_orders_of_magnitude_move_by_their_own_size():
    """One step would carry the small ones through their whole domain, or be lost on the large."""
    x = np.array([1e-9, 2e-4, 0.0, 3.0, 5e6])
    for moved, entry in zip(moves(x), x, strict=True):
        assert 0.25 < moved / (entry or np.median(x[x > 0])) < 4
    probe = probes(Space.of(x), 0, None, Plan.directions(1), np.random.default_rng(0))[0]
    size = np.abs(probe.tangent[0][x > 0]) / x[x > 0]
    assert np.all((size > 0.3) & (size < 3))


def test_coordinate_of_a_complex_leaf_is_real_then_imaginary():
    """Two real directions an entry."""
    leaf = Space.of(np.array([1 + 1j, 2.0])).leaves[0]
    first, second = (coordinate(leaf, 0, k, scale_of_leaf(leaf)).tangent[0] for k in (2, 3))
    assert first[0] == second[0] == 0
    assert first[1].imag == 0 < first[1].real
    assert second[1].real == 0 < second[1].imag


def test_zero_leaf_moves_by_one():
    """Zero initialisation has no scale of its own."""
    (probe,) = lines(np.zeros(5), Plan.directions(1))
    assert probe.weakest == 1.0


def test_tangent_of_a_complex_leaf_is_complex():
    """Both parts move."""
    (probe,) = lines(np.ones(5, "c8"), Plan.directions(1))
    assert np.all(probe.tangent[0].real != 0)
    assert np.all(probe.tangent[0].imag != 0)


@pytest.mark.parametrize(
    ("taus", "weakest", "error"),
    [
        pytest.param([1e-9], [1.0], 1e-3, id="one-direction"),
        pytest.param([1e-9, 1e-9], [1.0, 1.0], 1e-6, id="two-alike"),
        pytest.param([1e-9, 1e-9], [1.0, 0.0], 1e-3, id="second-blind"),
        pytest.param([1e-9, 1.0], [1.0, 1.0], 1e-3, id="second-too-coarse"),
        pytest.param([1e-9, 1e-9, 1e-9], [1.0, 1.0, 1.0], 1e-7, id="three"),
        pytest.param([0.0, 0.0], [1.0, 1.0], 0.0, id="exact"),
    ],
)
def test_certified_error_solves_the_bound(taus, weakest, error):
    """The product of tau/(weight a) over the directions that can see a equals MISS."""
    found, miss = certified(taus, weakest, 2.0**-29)
    assert miss == MISS
    assert found == pytest.approx(error, rel=1e-3, abs=1e-100)


def test_coarse_grid_raises_the_stated_probability():
    """With 16 steps of weights, two directions cannot promise one in a million."""
    _, miss = certified([1e-3, 1e-3], [1.0, 1.0], 2.0**-4)
    assert miss == 4 * (2.0**-5) ** 2


@pytest.mark.parametrize("ratio", [2.0, 5.0, 20.0])
def test_bound_on_a_miss_holds_in_simulation(ratio):
    """A direction misses an error of `ratio` tau in one entry with probability <= 1/ratio.

    The other entries of the error are drawn so as to hide it as well as they can. 200,000 draws;
    the observed share exceeds 1/ratio by 6.2 standard deviations with probability below 1e-9.
    """
    n = 200_000
    weights = draw_weights(np.random.default_rng(0), (n,), np.dtype(float))
    tau, error = 1.0, ratio
    for rest in (0.0, 0.5 * error, error, 1.4 * error):
        missed = np.mean(np.abs(error * weights + rest) <= tau)
        bound = 1 / ratio + grid_of(np.dtype(float)) / 2
        assert missed <= bound + 6.2 * np.sqrt(bound * (1 - bound) / n)


def test_relative_error_is_of_the_norm_of_the_claim():
    """Absolute where the claim is zero or unknown."""
    assert relative_to(np.array([3.0, 4.0]), 1.0) == pytest.approx(0.2)
    assert relative_to(np.zeros(2), 0.5) == relative_to(None, 0.5) == 0.5


def test_probe_of_a_huge_leaf_stays_finite():
    """The rms of entries near the largest float is still a scale."""
    (probe,) = lines(np.full(3, 1e300), Plan.directions(1))
    assert isinstance(probe, Probe)
    assert np.isfinite(probe.tangent[0]).all()
    assert rms(probe.tangent[0]) > 1e299


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(np.array([1.0, 1e-320, 1e-320]), id="mostly-subnormal"),
        pytest.param(np.array([1.6e308 * (1 + 1j), 1, 1]), id="of-infinite-modulus"),
        pytest.param(np.array(["1e-4000", "1e-4000"], "g"), id="nothing-in-float64"),
    ],
)
def test_lines_through_extreme_entries_are_of_finite_length(x):
    """The regression: the lengths 0 and infinity, and divisions by them."""
    with np.errstate(over="ignore"):  # as in a check
        drawn = lines(x, Plan.every())
    for probe in drawn:
        assert 1e-300 < probe.weakest < np.inf
