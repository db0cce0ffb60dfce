"""The corpus is right: claims agree with truths, functions repeat, names are unique."""

import math

import numpy as np
import pytest

from .case import along
from .corpus import build

SEED = 31
STOCHASTIC = {"noise"}
# Digits of a claim, by the arithmetic in which it is computed; float64 by default.
TOLERANCE = {"float32": 1e-4, "hidden-float32": 1e-4, "averaged-float32": 1e-4}
TOLERANCE |= {"float16-point": 3e-2}
DOUBLE_TOLERANCE = 1e-8  # ill-conditioned arguments cost half of the digits
SINGLE_TOLERANCE = 1e-3  # of the norm of a float32 network's gradient


@pytest.fixture(scope="module")
def corpus():
    """Build the corpus once."""
    return build(SEED)


def test_corpus_is_large(corpus):
    """A rare miss must be able to show."""
    assert len(corpus) >= 1500


def test_names_are_unique(corpus):
    """A name and a seed replay one case."""
    assert len({case.name for case in corpus}) == len(corpus)


def test_corpus_repeats(corpus):
    """The same seed gives the same truths."""
    again = [case.truth for case in build(SEED)]
    np.testing.assert_array_equal(again, [case.truth for case in corpus])


def test_claim_agrees_with_truth(corpus):
    """Where there is a derivative, the claim along the direction is it."""
    wrong = [
        (case.name, case.truth, claimed(case))
        for case in corpus
        if case.differentiable and not abs(claimed(case) - case.truth) <= allowance(case)
    ]
    assert wrong == []


def claimed(case):
    """Evaluate the claim along the direction."""
    return along(case.grad(case.x), case.direction)


def allowance(case):
    """Return the discrepancy that the arithmetic of the claim explains."""
    relative = TOLERANCE.get(case.family, DOUBLE_TOLERANCE)
    if case.direction is None:
        return relative * abs(case.truth)
    if case.family.startswith("f32"):
        relative = SINGLE_TOLERANCE
    gradient = case.grad(case.x)
    terms = along(_absolute(gradient), _absolute(case.direction))
    return relative * terms


def _absolute(tree):
    if isinstance(tree, dict):
        return {name: np.abs(leaf) for name, leaf in tree.items()}
    return np.abs(tree)


def test_sides_differ_at_kinks(corpus):
    """Where there is no derivative, the sides, if given, are two."""
    for case in corpus:
        if case.left is not None:
            assert math.isnan(case.truth)
            assert case.left != case.right, case.name


def test_functions_repeat(corpus):
    """Only a family that says so draws afresh at each call."""
    restless = {case.family for case in corpus if case.f(case.x) != case.f(case.x)}
    assert restless == STOCHASTIC


def test_slices_start_at_the_point(corpus):
    """A peer sees the very function that the library sees."""
    for case in corpus:
        if case.family not in STOCHASTIC:
            assert case.slice()(0.0) == float(case.f(case.x)), case.name


def test_families_leave_their_claims_a_derivative(corpus):
    """A difference of two values tells the claim's order of magnitude where f is smooth."""
    smooth = {"smooth", "scaled", "convolution", "complex", "net-tanh", "iterative", "linear"}
    for case in corpus:
        if case.family in smooth:
            g = case.slice()
            h = 1e-5
            numeric = (g(h) - g(-h)) / (2 * h)
            size = max(abs(g.truth), 1e-2 * abs(g(0.0)))
            assert numeric == pytest.approx(g.truth, abs=1e-4 * size), case.name
