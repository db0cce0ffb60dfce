"""Which entries are wrong: boxes, lines, the search, what it finds, and what it says is left."""

import time

import numpy as np
import pytest

import gradcheck
from gradcheck import Kind, Plan, Problem, Verdict
from gradcheck.contract import examine
from gradcheck.execution import BudgetSpent, Evaluator, Spent
from gradcheck.localise import (
    Entry,
    Located,
    Oracle,
    SearchSpent,
    is_wrong,
    locate,
    scaled_weights,
)
from gradcheck.localise.blocks import Block
from gradcheck.localise.search import search
from gradcheck.randomness import Held
from gradcheck.records import Budget
from gradcheck.space import Space


class Waves:
    """A smooth function of one array, sum of a sin(b x), and its gradient; complex x as pairs."""

    def __init__(self, shape, seed=0, dtype=float):
        rng = np.random.default_rng(seed)
        self.a, self.b = rng.uniform(0.5, 2, shape), rng.uniform(0.5, 2, shape)
        self.x = rng.standard_normal(shape).astype(dtype)
        if self.x.dtype.kind == "c":
            self.x = self.x + 1j * rng.standard_normal(shape)

    def f(self, x):
        """Evaluate it."""
        parts = (x.real, x.imag) if np.iscomplexobj(x) else (x,)
        return float(sum(np.sum(self.a * np.sin(self.b * part)) for part in parts))

    def gradient(self, x):
        """Return the right gradient."""
        slope = self.a * self.b
        if np.iscomplexobj(x):
            return slope * (np.cos(self.b * x.real) + 1j * np.cos(self.b * x.imag))
        return slope * np.cos(self.b * x)

    def spoilt(self, mask, how=lambda g: 1.25 * g):
        """Return a claim that is wrong in some entries."""
        return lambda x: np.where(mask, how(self.gradient(x)), self.gradient(x))


def oracle_of(f, claim, x, allowed=1000, kind=Kind.GRAD, limits=None):
    """Make an oracle for the one leaf of a problem."""
    problem, space = Problem(f, claim, x, kind), Space.of(x)
    evaluator = Evaluator(
        problem, Held.of(problem.random), Budget(), time.monotonic, Spent(time.monotonic())
    )
    nearby = space.moved_to({0: space.leaves[0].array * (1 + 1e-4)})
    origin = examine(evaluator, space, nearby, np.random.default_rng(0)).origin
    evaluator.limits = Budget(evaluations=limits)
    return Oracle(origin, 0, 1e-5, allowed)


def located(oracle, seed=0, lines=3):
    """Read lines through the whole leaf, and locate what is wrong."""
    rng = np.random.default_rng(seed)
    readings = [oracle.read(scaled_weights(oracle, rng)) for _ in range(lines)]
    return locate(oracle, readings, rng)


def mask_of(shape, *indices):
    """Mark some entries."""
    mask = np.zeros(shape, dtype=bool)
    for index in indices:
        mask[index] = True
    return mask


# --- boxes ----------------------------------------------------------------------------------


def test_halves_make_up_the_whole():
    """The first holds the smaller half where the length is odd."""
    block = Block.whole((5, 4))
    assert block.halves(0) == (Block(((0, 2), (0, 4))), Block(((2, 5), (0, 4))))
    assert [half.size for half in block.halves(1)] == [10, 10]


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 4)])
def test_entries_of_a_box_are_numbered_as_in_the_leaf(shape):
    """In C order, each once, and no others are in it."""
    bounds = tuple((n // 3, n) for n in shape)
    block = Block(bounds)
    flat = np.arange(int(np.prod(shape))).reshape(shape)
    inside = [block.flat_index(n, shape) for n in range(block.size)]
    assert inside == flat[block.slices].ravel().tolist()
    assert [k for k in range(flat.size) if block.holds(k, shape)] == inside


def test_restricting_keeps_what_is_inside_only():
    """The array itself is left alone."""
    v = np.ones((3, 4))
    inside = Block(((1, 2), (2, 4))).restrict(v)
    assert inside.tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]
    assert v.all()


def test_box_of_a_number_has_one_entry_and_no_axis():
    """Nothing to halve."""
    block = Block.whole(())
    assert (block.size, block.axes, block.restrict(np.array(2.0))) == (1, (), 2.0)


def test_box_of_an_empty_leaf_has_no_entry():
    """An axis of no length cannot be halved either."""
    block = Block.whole((0, 3))
    assert (block.size, block.axes) == (0, (1,))


# --- lines ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("seed", range(5))
def test_bars_hold(seed, dtype):
    """The true derivative lies within the bar of a reading, a certified one and an entry."""
    waves = Waves((4, 5), seed, dtype)
    oracle = oracle_of(waves.f, waves.spoilt(mask_of((4, 5), (2, 3))), waves.x)
    true = waves.gradient(waves.x)
    for _ in range(3):
        v = scaled_weights(oracle, np.random.default_rng(seed))
        for reading in (oracle.read(v), oracle.certify(v)):
            assert abs(reading.numeric - np.vdot(true, v).real) <= reading.bar < 1e-6
    for k in range(20):
        entry = oracle.entry(k)
        assert abs(entry.numeric - true.reshape(-1)[k]) <= entry.bar < 1e-6
        assert entry.wrong == (k == 13)


def test_reading_costs_two_evaluations_and_an_entry_four():
    """Where f is smooth."""
    waves = Waves((6,))
    oracle = oracle_of(waves.f, waves.spoilt(mask_of((6,), 2)), waves.x)
    for read, cost in ((lambda: oracle.read(np.ones(6)), 2), (lambda: oracle.entry(2), 4)):
        before = oracle.left
        read()
        assert before - oracle.left == cost


def test_entry_that_is_zero_on_both_sides_needs_no_ladder():
    """It is as right as any, and small beside the others."""
    oracle = oracle_of(lambda x: float(np.sin(x[:3]).sum()),
                       lambda x: np.append(np.cos(x[:3]), 0), np.ones(4))  # fmt: skip
    before = oracle.left
    entry = oracle.entry(3)
    assert (entry.analytic, entry.numeric, entry.wrong, before - oracle.left) == (0, 0, False, 4)


def test_spent_oracle_reads_no_more():
    """Two evaluations for a line, four for an entry, or none at all."""
    waves = Waves((6,))
    oracle = oracle_of(waves.f, waves.gradient, waves.x, allowed=3)
    with pytest.raises(SearchSpent):
        oracle.entry(0)
    oracle.read(np.ones(6))
    with pytest.raises(SearchSpent):
        oracle.read(np.ones(6))
    assert oracle.left == 1


def test_entry_at_a_kink_has_no_derivative():
    """None, rather than a number that nobody can trust."""
    oracle = oracle_of(lambda x: float(np.abs(x).sum()), lambda x: np.full(3, 0.3),
                       np.array([1.0, 0.0, 2.0]))  # fmt: skip
    assert oracle.entry(1) is None
    assert oracle.read(np.array([0.0, 1.0, 0.0])) is None


def test_line_with_a_bend_is_climbed():
    """A strongly curved f is read by the ladder, with its own bar."""
    steep = 3e4
    oracle = oracle_of(lambda x: float(np.exp(steep * (x[0] - 1))),
                       lambda x: steep * np.exp(steep * (x - 1)), np.array([1.0]))  # fmt: skip
    before = oracle.left
    reading = oracle.read(np.array([1.0]))
    assert abs(reading.numeric - steep) <= reading.bar
    assert before - oracle.left > 2


def test_what_is_not_finite_is_wrong():
    """NaN agrees with nothing."""
    assert is_wrong(np.array([np.nan, 1.0, 2.0]), np.array([1.0, 1.0, 1.0]), 0.5).tolist() == [
        True, False, True,
    ]  # fmt: skip


# --- what is found --------------------------------------------------------------------------

PATTERNS = {
    "one": ((20, 30), mask_of((20, 30), (7, 11))),
    "two": ((20, 30), mask_of((20, 30), (0, 0), (19, 29))),
    "five": ((20, 30), mask_of((20, 30), (1, 2), (1, 3), (8, 29), (12, 0), (19, 29))),
    "half a row": ((20, 30), mask_of((20, 30), (6, slice(0, 14)))),
    "row": ((20, 30), mask_of((20, 30), 17)),
    "column": ((20, 30), mask_of((20, 30), (slice(None), 5))),
    "slice of a 3-D leaf": ((6, 5, 4), mask_of((6, 5, 4), (slice(None), 3))),
    "a tenth": ((200,), np.random.default_rng(3).random(200) < 0.1),
    "one of a vector": ((1000,), mask_of((1000,), 123)),
    "every entry": ((9, 7), np.ones((9, 7), bool)),
    "the only entry": ((1,), mask_of((1,), 0)),
    "a number": ((), np.array(True)),
    "all but one": ((40,), ~mask_of((40,), 8)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize(("shape", "mask"), PATTERNS.values(), ids=PATTERNS.keys())
def test_wrong_entries_are_these_and_no_others(shape, mask, dtype, seed):
    """Found, confirmed one by one, and known to be all."""
    waves = Waves(shape, seed, dtype)
    oracle = oracle_of(waves.f, waves.spoilt(mask), waves.x, allowed=4000)
    found = located(oracle, seed)
    assert found.mask.tolist() == mask.tolist()
    assert found.complete
    assert not found.dense
    assert found.wrong == tuple(np.flatnonzero(mask))


def test_right_leaf_has_no_wrong_entry():
    """Nothing is searched: the lines were read already."""
    waves = Waves((20, 30))
    oracle = oracle_of(waves.f, waves.gradient, waves.x)
    found = located(oracle)
    assert (found.complete, found.entries, oracle.left) == (True, {}, 1000 - 3 * 2)


def test_huge_wrong_entry_does_not_hide_a_small_one():
    """Errors are relative to the terms they stand among."""
    waves, mask = Waves((16, 16)), mask_of((16, 16), (3, 4), (12, 1), (3, 5))
    factor = np.where(mask_of((16, 16), (3, 4)), 1e3, 1.001)
    oracle = oracle_of(waves.f, waves.spoilt(mask, lambda g: factor * g), waves.x)
    found = located(oracle)
    assert found.mask.tolist() == mask.tolist()
    assert found.complete


def test_errors_that_cancel_in_one_direction_are_found_along_another():
    """The first line that is searched shows nothing at all."""
    waves, mask = Waves((30,)), mask_of((30,), 4, 21)
    rng = np.random.default_rng(0)
    draw = scaled_weights(oracle_of(waves.f, waves.gradient, waves.x), rng)
    shift = np.zeros(30)
    shift[[4, 21]] = 1 / draw[4], -1 / draw[21]
    oracle = oracle_of(waves.f, lambda x: waves.gradient(x) + shift, waves.x)
    blind = oracle.read(draw)
    assert abs(blind.residual) <= blind.bar
    readings = [oracle.read(scaled_weights(oracle, rng)), blind]
    found = locate(oracle, readings, rng)
    assert found.mask.tolist() == mask.tolist()
    assert found.complete


def test_errors_that_cancel_in_every_line_read_are_not_called_complete():
    """A single line proves nothing: what it hides would stay hidden."""
    waves = Waves((30,))
    oracle = oracle_of(waves.f, waves.spoilt(mask_of((30,), 4)), waves.x)
    assert not located(oracle, lines=1).complete
    assert not locate(oracle, [], np.random.default_rng(0)).complete


def test_known_entry_is_not_looked_at_again():
    """What is known of a line is taken off it."""
    waves, mask = Waves((30,)), mask_of((30,), 4, 21)
    oracle = oracle_of(waves.f, waves.spoilt(mask), waves.x)
    known = {4: oracle.entry(4)}
    whole = oracle.read(scaled_weights(oracle, np.random.default_rng(0)))
    found = search(oracle, whole, np.random.default_rng(0), known)
    assert list(found.entries) == [21]


def test_entry_known_already_is_settled_at_once():
    """What it leaves unexplained stays bad, but it is not measured twice."""
    waves, mask = Waves((8,)), mask_of((8,), 4)
    oracle = oracle_of(waves.f, waves.spoilt(mask), waves.x)
    known = {4: Entry(1.0, 1.0, 0.0, wrong=True)}  # explains nothing
    whole = oracle.read(scaled_weights(oracle, np.random.default_rng(0)))
    found = search(oracle, whole, np.random.default_rng(0), known)
    assert found.entries == known


# --- what is left ---------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [8, 10, 16, 24, 40, 60, 100, 200, 400])
@pytest.mark.parametrize("pattern", ["one", "five", "row", "column", "a tenth", "every entry"])
def test_search_that_is_cut_short_names_no_right_entry_and_owns_up(pattern, allowed):
    """Whatever it may spend: what is named is wrong, and `complete` is said of all."""
    shape, mask = PATTERNS[pattern]
    waves = Waves(shape)
    oracle = oracle_of(waves.f, waves.spoilt(mask), waves.x, allowed=allowed)
    found = located(oracle)
    assert not (found.mask & ~mask).any()
    assert found.complete == np.array_equal(found.mask, mask) or not found.complete
    assert oracle.left >= 0


def test_search_that_is_cut_short_keeps_what_it_found():
    """Every suspect is confirmed at once: half the evaluations are not spent for nothing."""
    mask = np.random.default_rng(0).random(3000) < 0.1
    waves = Waves((3000,))
    oracle = oracle_of(waves.f, waves.spoilt(mask), waves.x, allowed=600)
    found = located(oracle)
    assert found.mask.sum() > 20
    assert not found.complete


def test_block_that_is_wrong_all_over_is_sampled():
    """Sixteen entries of a row too long to be looked at one by one; the row is named."""
    shape, mask = (50, 400), mask_of((50, 400), 17)
    waves = Waves(shape)
    found = located(oracle_of(waves.f, waves.spoilt(mask), waves.x))
    assert found.dense == (Block(((17, 18), (0, 400))),)
    assert found.mask.sum() == 16
    assert not found.complete


def test_two_rows_are_two_blocks():
    """Sampling again, once a block has shrunk, saves walking through the second row."""
    shape, mask = (64, 500), mask_of((64, 500), 17, 40)
    waves = Waves(shape)
    found = located(oracle_of(waves.f, waves.spoilt(mask), waves.x))
    assert set(found.dense) == {Block(((17, 18), (0, 500))), Block(((40, 41), (0, 500)))}


@pytest.mark.parametrize("limits", range(10, 80, 5))
def test_spent_budget_ends_the_search(limits):
    """What was found stays known, nothing escapes."""
    shape, mask = PATTERNS["five"]
    waves = Waves(shape)
    found = located(oracle_of(waves.f, waves.spoilt(mask), waves.x, limits=limits))
    assert not (found.mask & ~mask).any()
    assert found.complete is False or np.array_equal(found.mask, mask)


def test_budget_is_the_callers_own():
    """The oracle does not hide that it is spent."""
    waves = Waves((4,))
    oracle = oracle_of(waves.f, waves.gradient, waves.x, limits=1)
    with pytest.raises(BudgetSpent):
        oracle.read(np.ones(4))


def pushed(A, spoil=lambda column: 2 * column, trouble=lambda calls: None):
    """Make f(x) = A sin(x) and a JVP in which x[2] pushes wrongly."""
    calls = [0]

    def jvp(x, v):
        calls[0] += 1
        trouble(calls[0])
        column = A[:, 2]
        right = A @ (np.cos(x) * v)
        return right + (spoil(column) - column) * np.cos(x[2]) * v[2]

    return lambda x: A @ np.sin(x), jvp


def test_wrong_column_of_a_jvp_is_found():
    """The claim is asked along every line; nothing is known of it entry by entry."""
    rng = np.random.default_rng(0)
    f, jvp = pushed(rng.standard_normal((3, 8)))
    oracle = oracle_of(f, jvp, rng.standard_normal(8), kind=Kind.JVP)
    found = located(oracle)
    assert (found.wrong, found.complete) == ((2,), True)


def test_claim_that_raises_in_the_middle_ends_the_search():
    """What was found before stays known."""
    rng = np.random.default_rng(0)

    def trouble(calls):
        if calls > 5:
            raise ValueError("no more")

    f, jvp = pushed(rng.standard_normal((3, 64)), trouble=trouble)
    found = located(oracle_of(f, jvp, rng.standard_normal(64), kind=Kind.JVP))
    assert not found.complete
    assert set(found.wrong) <= {2}


# --- rough functions ------------------------------------------------------------------------


def test_wrong_entry_beside_kinks_is_named():
    """ReLU, differentiated where some units are at their kink: none of the innocent is named."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((12, 12))
    x[rng.random((12, 12)) < 0.05] = 0.0
    x[3, 4] = 1.5

    def claim(x):
        g = 2 * np.maximum(x, 0)
        g[3, 4] *= 3
        return g + (x > 0)

    report = gradcheck.check_grad(
        lambda x: float(np.sum(np.maximum(x, 0) ** 2 + np.maximum(x, 0))), claim, x,
        plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.verdict is Verdict.FAIL
    assert np.argwhere(report.leaves["x"].wrong).tolist() == [[3, 4]]


def test_kink_among_the_entries_is_searched_around():
    """At the very point of a kink a line has no derivative; its other half is read by itself."""
    x = np.linspace(0.5, 1.5, 16)
    x[5] = 0.0
    claim = np.sign(x)
    claim[[2, 12]] = 3.0

    def kinked(x):
        return float(np.abs(x[[5]]).sum() + x[np.arange(16) != 5].sum())

    smooth = oracle_of(kinked, lambda _: claim, x)
    whole = smooth.read(np.where(np.arange(16) == 5, 0.0, scaled_weights(
        smooth, np.random.default_rng(0))))  # fmt: skip
    v = scaled_weights(smooth, np.random.default_rng(1))
    rough = type(whole)(v, 0.0, np.nan, np.nan, 1.0)
    found = search(smooth, rough, np.random.default_rng(2), {})
    assert {k for k, entry in found.entries.items() if entry.wrong} == {2, 12}
    assert Block(((5, 6),)) in found.open


def test_noise_is_nobodys_fault():
    """Roughness of 1e-9 beside a wrong entry: it is named, and no innocent one."""
    rng = np.random.default_rng(0)
    a, x = rng.uniform(0.5, 2, 60), rng.standard_normal(60)

    def rough(x):
        return float(a @ np.sin(x) + 1e-9 * np.sin(1e9 * np.sum(x)))

    def claim(x):
        g = a * np.cos(x)
        g[7] += 1.0
        return g

    report = gradcheck.check_grad(rough, claim, x, plan=Plan.auto(seed=1))
    assert report.verdict is Verdict.FAIL
    wrong = report.leaves["x"].wrong
    assert wrong is None or np.flatnonzero(wrong).tolist() in ([], [7])


def test_float32_code_is_searched_in_float64():
    """As it is measured: where it follows the precision of its input."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(50).astype(np.float32)

    def claim(x):
        g = np.cos(x)
        g[7] *= 2
        return g

    report = gradcheck.check_grad(lambda x: np.sin(x).sum(), claim, x, plan=Plan.auto(seed=1))
    assert np.flatnonzero(report.leaves["x"].wrong).tolist() == [7]
    assert report.leaves["x"].complete


# --- the caller's data ----------------------------------------------------------------------


@pytest.mark.parametrize("interrupted", [15, 20, 30, 40])
def test_interrupt_in_the_middle_of_the_search_leaves_data_intact(interrupted):
    """Ctrl-C at any evaluation of it."""
    waves, mask = Waves((20, 30)), mask_of((20, 30), (7, 11), (2, 29), (15, 3))
    x, calls = waves.x.copy(), [0]

    def f(x):
        calls[0] += 1
        if calls[0] == interrupted:
            x[0, 0] = 99.0
            raise KeyboardInterrupt
        return waves.f(x)

    with pytest.raises(KeyboardInterrupt):
        gradcheck.check_grad(f, waves.spoilt(mask), x, plan=Plan.auto(seed=0))
    assert np.array_equal(x, waves.x)


def test_entries_looked_at_are_listed_whether_wrong_or_right():
    """The mask holds the wrong ones only."""
    entries = {1: Entry(1.0, 2.0, 0.1, wrong=True), 5: Entry(1.0, 1.0, 0.1, wrong=False)}
    found = Located((2, 3), entries)
    assert found.wrong == (1,)
    assert found.mask.tolist() == [[False, True, False], [False, False, False]]
