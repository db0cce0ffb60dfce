"""Promises of the search: nobody innocent is named, and "these are all" is true."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import gradcheck
from gradcheck import Plan, Verdict

from .settings import SEEDS

SHAPES = st.lists(st.integers(1, 9), max_size=3).map(tuple)
# errors of an entry relative to itself, well above the tolerance and below it
ERRORS = st.sampled_from([1e-3, 0.01, 0.25, 1.0, 2.0, 10.0])


@st.composite
def wrong_claims(draw):
    """Draw a smooth function, a point, and a claim that is wrong in a known set of entries."""
    rng = np.random.default_rng(draw(SEEDS))
    shape = draw(SHAPES)
    a, b = rng.uniform(0.5, 2, shape), rng.uniform(0.5, 2, shape)
    x = rng.uniform(-1, 1, shape) / b  # so that cos(b x), and with it every entry, is not small
    share = draw(st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]))
    mask = np.asarray(rng.random(shape) < share)
    mask.reshape(-1)[rng.integers(mask.size)] = True
    if len(shape) > 1 and draw(st.booleans()):
        mask[rng.integers(shape[0])] = True
    size = draw(ERRORS) * np.where(rng.random(shape) < 0.5, 1, rng.uniform(1, 3, shape))
    error = np.where(mask, size * a * b * rng.choice([-1.0, 1.0], shape), 0)

    def f(p):
        return float(np.sum(a * np.sin(b * p)))

    def claim(p):
        return a * b * np.cos(b * p) + error

    return f, claim, x, mask


@given(wrong_claims(), SEEDS, st.sampled_from([1000, 1000, 400, 100, 40, 10, 2]))
def test_named_entries_are_wrong_and_complete_is_true(problem, seed, naming):
    """Whatever is wrong, however badly, and however little may be spent on it."""
    f, claim, x, mask = problem
    report = gradcheck.check_grad(f, claim, x, plan=Plan.auto(seed=seed, naming=naming))
    leaf = report.leaves["x"]
    assert leaf.verdict is Verdict.FAIL
    named = np.zeros(mask.shape, bool) if leaf.wrong is None else leaf.wrong
    assert not (named & ~mask).any()
    if leaf.complete:
        assert np.array_equal(named, mask)


@given(wrong_claims(), SEEDS)
def test_small_leaf_is_named_in_full_by_default(problem, seed):
    """Up to 100 entries: all wrong ones are named."""
    f, claim, x, mask = problem
    if mask.size > 100:
        return
    leaf = gradcheck.check_grad(f, claim, x, plan=Plan.auto(seed=seed)).leaves["x"]
    assert leaf.complete
    assert np.array_equal(leaf.wrong, mask)


@given(wrong_claims(), SEEDS)
def test_every_entry_looked_at_is_judged_rightly(problem, seed):
    """`Plan.every` names the same entries without a search."""
    f, claim, x, mask = problem
    if mask.size > 100:
        return
    leaf = gradcheck.check_grad(f, claim, x, plan=Plan.every(seed=seed)).leaves["x"]
    assert leaf.complete
    assert np.array_equal(leaf.wrong, mask)
