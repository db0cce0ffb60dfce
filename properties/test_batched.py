"""Stacks of points say what single points say, whatever the function and the point."""

from dataclasses import replace

import numpy as np
import optree
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck
from gradcheck import Cause, Plan

from .points import NAMESPACE, is_floating
from .settings import SEEDS, smooth_problems
from .subjects import subjects
from .test_fuzz import CHECKS, EXAMPLES, is_never_right, plans, require_well_formed, tidied

TRIED = 9  # evaluations at which stacks are looked at
MODES = st.sampled_from((Plan.auto, Plan.every, lambda **kw: Plan.sample(3, **kw)))


def row_by_row(f, x):
    """Take stacks of points like x, and compute each row as that point by itself."""
    like, spec = optree.tree_flatten(x, namespace=NAMESPACE)

    def point(stack, n):
        leaves = optree.tree_leaves(stack, namespace=NAMESPACE)
        rows = [_row(leaf, n, given) for leaf, given in zip(leaves, like, strict=True)]
        return optree.tree_unflatten(spec, rows)

    def stacks(stack):
        given = optree.tree_leaves(stack, namespace=NAMESPACE)
        count = next(len(a) for a, b in zip(given, like, strict=True) if is_floating(b))
        values = [f(point(stack, n)) for n in range(count)]
        return optree.tree_map(_stacked, *values, namespace=NAMESPACE)

    return stacks


def _row(leaf, n, given):
    if not is_floating(given):
        return leaf
    if isinstance(given, np.ndarray):
        row = np.empty_like(given, leaf.dtype)  # laid out as that of a single point
        row[...] = leaf[n]
        return row
    plain = not isinstance(given, np.generic) and leaf.dtype.char in "dD"  # in more digits, NumPy's
    return type(given)(leaf[n]) if plain else leaf[n]


def _stacked(*values):
    return np.stack(values) if is_floating(values[0]) else values[0]


def told(report):
    """Say all of a report but what it cost."""
    return replace(report, evaluations=0, seconds=0.0).to_json()


@given(smooth_problems(), SEEDS, MODES, st.sampled_from((True, 1, 3, 64)), st.booleans())
def test_reports_are_the_same(problem, seed, mode, batched, right):
    """Bit for bit, and nine evaluations more."""
    f, grad, x = problem

    def claim(p):
        return {k: d if right or k != "leaf0" else 1.01 * d for k, d in grad(p).items()}

    alone = gradcheck.check_grad(f, claim, x, plan=mode(seed=seed))
    stacks = row_by_row(f, x)
    report = gradcheck.check_grad(stacks, claim, x, plan=mode(seed=seed), batched=batched)
    assert told(report) == told(alone)
    assert report.evaluations == alone.evaluations + TRIED


@given(smooth_problems(), SEEDS, st.floats(-1, 1).filter(lambda weight: abs(weight) > 1e-3))
def test_a_row_that_knows_its_neighbours_is_never_certified(problem, seed, weight):
    """Whatever it takes from them."""
    f, grad, x = problem
    alone = row_by_row(f, x)

    def stacks(stack):
        values = alone(stack)
        return values + weight * (values - values.mean())

    report = gradcheck.check_grad(stacks, grad, x, plan=Plan.auto(seed=seed), batched=True)
    assert report.findings[0].cause is Cause.TRANSFORMED


@settings(max_examples=EXAMPLES)
@given(subjects(), plans(), st.sampled_from((True, 5, "auto", "callable")))
def test_any_stacks_are_answered_and_tidied_up(subject, plan, batched):
    """A report or a usage error; the caller's arrays and random sources as they were."""
    stacks = row_by_row(subject.f, subject.x)
    alone = batched in ("auto", "callable")
    with tidied(subject):
        report = CHECKS[subject.kind](
            subject.f if alone else stacks,
            subject.claim,
            subject.x,
            plan=plan,
            random=subject.random,
            batched=stacks if batched == "callable" else batched,
        )
        require_well_formed(report, subject.x)
        assert not (report.ok and is_never_right(subject))
