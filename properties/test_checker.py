"""Promises of the checker itself: what must not change a verdict, and what it must find."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.directions import certified
from gradcheck.space import grid_of

from .settings import SEEDS, relu_network, smooth_problems


def plan(seed):
    """Make the default plan with a seed."""
    return Plan.auto(seed=seed)


def verdicts(report):
    """List the leaves' verdicts by path."""
    return {path: leaf.verdict for path, leaf in report.leaves.items()}


def wrong_leaf(grad, x, k, factor):
    """Multiply the claim of the k-th leaf."""
    name = sorted(x)[k % len(x)]
    return lambda p: {n: d * factor if n == name else d for n, d in grad(p).items()}


@given(smooth_problems(), SEEDS)
def test_right_gradient_passes(problem, seed):
    """No false alarm, and no doubt, on smooth functions."""
    f, grad, x = problem
    assert gradcheck.check_grad(f, grad, x, plan=plan(seed)).verdict is Verdict.PASS


@given(smooth_problems(), SEEDS, st.integers(0, 3), st.sampled_from([1.01, 0.99, -1.0, 0.0, 2.0]))
def test_wrong_leaf_fails_alone(problem, seed, k, factor):
    """The wrong leaf is named, the right ones pass."""
    f, grad, x = problem
    report = gradcheck.check_grad(f, wrong_leaf(grad, x, k, factor), x, plan=plan(seed))
    failed = {path for path, verdict in verdicts(report).items() if verdict is Verdict.FAIL}
    assert failed == {f"[{sorted(x)[k % len(x)]!r}]"}


@given(smooth_problems(), SEEDS, st.floats(-200, 200), st.sampled_from([1.0, 1.01]), st.booleans())
def test_scaling_f_does_not_change_the_verdict(problem, seed, exponent, factor, negative):
    """Units of f mean nothing, over 400 orders of magnitude."""
    f, grad, x = problem
    unit = (-1 if negative else 1) * 10.0**exponent
    claim = wrong_leaf(grad, x, 0, factor)
    plain = gradcheck.check_grad(f, claim, x, plan=plan(seed))
    scaled = gradcheck.check_grad(
        lambda p: unit * f(p), lambda p: {k: unit * d for k, d in claim(p).items()}, x,
        plan=plan(seed),
    )  # fmt: skip
    assert verdicts(scaled) == verdicts(plain)


@given(smooth_problems(), SEEDS, st.floats(-10, 10), st.sampled_from([1.0, 1.01]))
def test_shifting_f_does_not_change_the_verdict(problem, seed, constant, factor):
    """A constant of moderate size only costs digits."""
    f, grad, x = problem
    claim = wrong_leaf(grad, x, 0, factor)
    plain = gradcheck.check_grad(f, claim, x, plan=plan(seed))
    shifted = gradcheck.check_grad(lambda p: f(p) + constant, claim, x, plan=plan(seed))
    assert verdicts(shifted) == verdicts(plain)


@given(smooth_problems(), SEEDS, st.randoms(use_true_random=False), st.sampled_from([1.0, 1.01]))
def test_order_of_keys_does_not_change_the_report(problem, seed, shuffle, factor):
    """A dict is a dict: not even the numbers change."""
    f, grad, x = problem
    claim = wrong_leaf(grad, x, 0, factor)
    names = list(x)
    shuffle.shuffle(names)
    first = gradcheck.check_grad(f, claim, x, plan=plan(seed))
    second = gradcheck.check_grad(
        f,
        lambda p: {k: claim(p)[k] for k in reversed(names)},
        {k: x[k] for k in names},
        plan=plan(seed),
    )
    assert [leaf.numeric for leaf in first.leaves.values()] == [
        leaf.numeric for leaf in second.leaves.values()
    ]
    assert verdicts(first) == verdicts(second)


@given(smooth_problems(), SEEDS, st.randoms(use_true_random=False), st.sampled_from([1.0, 1.01]))
def test_permuting_leaves_does_not_change_their_verdicts(problem, seed, shuffle, factor):
    """In a list the leaves have places, and other lines are drawn for them."""
    f, grad, x = problem
    claim = wrong_leaf(grad, x, 0, factor)
    names = sorted(x)
    order = list(range(len(names)))
    shuffle.shuffle(order)
    back = {names[i]: place for place, i in enumerate(order)}

    def as_dict(values):
        return {name: values[back[name]] for name in names}

    plain = gradcheck.check_grad(f, claim, x, plan=plan(seed))
    permuted = gradcheck.check_grad(
        lambda values: f(as_dict(values)),
        lambda values: [claim(as_dict(values))[names[i]] for i in order],
        [x[names[i]] for i in order],
        plan=plan(seed),
    )
    assert {name: permuted.leaves[f"[{back[name]}]"].verdict for name in names} == {
        name: plain.leaves[f"[{name!r}]"].verdict for name in names
    }


@given(smooth_problems(), SEEDS, st.sampled_from([Plan.auto, Plan.every]))
def test_same_seed_gives_the_same_report(problem, seed, kind):
    """Bit for bit, but for the clock."""
    f, grad, x = problem
    texts = []
    for _ in range(2):
        text = gradcheck.check_grad(f, grad, x, plan=kind(seed=seed)).to_json()
        texts.append([line for line in text.splitlines() if '"seconds"' not in line])
    assert texts[0] == texts[1]


@given(smooth_problems(), SEEDS, st.integers(0, 10**6), st.sampled_from([1.0, -1.0]))
def test_error_above_the_certified_limit_is_found(problem, seed, where, sign):
    """What a passing report says would have been seen is seen.

    The limit is computed for a probability of a miss of 1e-12 instead of the printed 1e-6, so that
    this test fails by chance with probability below 1e-9 in 500 examples. The lines of the first
    check and those of the second have the same seed, hence the same thresholds.
    """
    f, grad, x = problem
    first = gradcheck.check_grad(f, grad, x, plan=plan(seed))
    name = sorted(x)[where % len(x)]
    leaf = first.leaves[f"[{name!r}]"]
    assume(leaf.verdict is Verdict.PASS)
    size = np.linalg.norm(grad(x)[name])
    # error^k grows like 1/probability, with k = 2 lines at most
    error = leaf.certified * size * (1e6 if leaf.miss else 1.0)
    entry = where % x[name].size

    def planted(p):
        gradient = grad(p)
        gradient[name] = np.array(gradient[name])
        gradient[name].flat[entry] += sign * 1.01 * error
        return gradient

    second = gradcheck.check_grad(f, planted, x, plan=plan(seed + 1))
    seen = second.leaves[f"[{name!r}]"]
    assert seen.verdict is Verdict.FAIL or (
        seen.verdict is Verdict.PASS and seen.cause == "precision"
    )


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.floats(1e-12, 1e-2), min_size=1, max_size=4),
    st.floats(1.0, 10.0),
)
def test_certified_error_respects_its_own_bound(seed, taus, weight):
    """At the certified size the product of the single bounds is at most the stated probability."""
    grid = grid_of(np.dtype(float))
    error, miss = certified(taus, [weight] * len(taus), grid)
    bound = np.prod([min(1.0, tau / (weight * error) + grid / 2) for tau in taus])
    assert bound <= 2 * miss


@given(
    SEEDS,
    st.integers(0, 5),
    st.sampled_from([0.0, 1e-12, 1e-9, 1e-7, -1e-7, 1e-4]),
    st.sampled_from([1.01, 0.99, -1.0, 0.0]),
)
def test_relu_network_at_or_beside_its_kinks(seed, k, distance, factor):
    """Units at their kink, or within 1e-7 of it: right claims pass, 1 % off on one leaf fails."""
    f, grad, x = relu_network(np.random.default_rng(seed), distance)
    assert gradcheck.check_grad(f, grad, x, plan=plan(seed)).verdict is Verdict.PASS
    claim = wrong_leaf(grad, x, k, factor)
    assume(any(np.any(claim(x)[name] != grad(x)[name]) for name in x))
    report = gradcheck.check_grad(f, claim, x, plan=plan(seed))
    assert report.verdict is Verdict.FAIL
