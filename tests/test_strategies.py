"""Strategies: what is drawn, what it shrinks to, and which wrong gradients it finds."""

import importlib
import sys
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, Unsatisfiable

from gradcheck import GradientError, Plan, UsageError, strategies
from gradcheck.strategies import DISTANCE, Hostility

FEW = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],  # what fails is not shrunk, for that takes a hundred checks
)
MANY = settings(FEW, max_examples=200)
SHRUNK = settings(FEW, phases=[Phase.generate, Phase.shrink])
ROUNDING = 1e-6  # of float32, the coarsest dtype of these tests, at the largest entries


def numbers_of(x):
    """Split complex entries into real numbers."""
    return np.concatenate([x.real.ravel(), x.imag.ravel()]) if x.dtype.kind == "c" else x.ravel()


# --- friendly points -----------------------------------------------------------------------------

DTYPES = st.sampled_from([np.dtype(name) for name in ("float64", "float32", "complex128")])
KINKS = st.sampled_from([(0.0,), (-1.0, 0.0, 1.0), (0.0, 6.0), (0.37,)])


@FEW
@given(st.data(), strategies.shapes(), DTYPES, KINKS)
def test_friendly_numbers_are_away_from_kinks_and_ties(data, shape, dtype, kinks):
    """By the stated distance; three decimals each."""
    x = data.draw(strategies.arrays(shape, dtype, kinks=kinks))
    assert (x.shape, x.dtype) == (shape, dtype)
    numbers = numbers_of(x).astype(float)
    for kink in kinks:
        assert np.abs(numbers - kink).min(initial=np.inf) >= DISTANCE - ROUNDING
    assert np.diff(np.sort(np.abs(numbers))).min(initial=np.inf) >= DISTANCE - ROUNDING
    assert np.allclose(numbers, numbers.round(3), rtol=0, atol=ROUNDING)


@FEW
@given(strategies.arrays((40, 10), kinks=(-1.0, 0.0, 1.0)))
def test_large_arrays_are_moderate_and_away_from_kinks(x):
    """They are drawn by one seed."""
    for kink in (-1.0, 0.0, 1.0):
        assert np.abs(x - kink).min() >= DISTANCE
    assert np.abs(x).max() <= 2
    assert len(np.unique(x)) > 100


class Pair(NamedTuple):
    """A node of a template."""

    first: object
    second: object


@FEW
@given(strategies.arrays_like(Pair({"W": np.ones((2, 2), "f4"), "n": 3}, [0.5, "text"])))
def test_point_is_structured_like_its_template(x):
    """Dtypes and shapes are kept, and what is no floating number."""
    assert isinstance(x, Pair)
    assert (x.first["W"].shape, x.first["W"].dtype, x.first["n"]) == ((2, 2), np.float32, 3)
    assert isinstance(x.second[0], float)
    assert x.second[1] == "text"


def test_template_without_numbers_is_refused():
    """As by a check."""
    with pytest.raises(UsageError, match="no floating or complex leaf"):
        strategies.arrays_like({"n": 3})


@FEW
@given(strategies.layer_stacks(), strategies.layer_stacks(sizes=(3, 5, 2), dtype="f4"))
def test_layer_stack_fits_together(drawn, given_sizes):
    """The width out of a layer is the width into the next."""
    widths = [drawn[f"W{k}"].shape for k in range(1, len(drawn) // 2 + 1)]
    assert all(a[1] == b[0] for a, b in pairwise(widths))
    assert [p.shape for p in given_sizes.values()] == [(3, 5), (5,), (5, 2), (2,)]
    assert {p.dtype for p in given_sizes.values()} == {np.dtype("f4")}


@FEW
@given(strategies.batches(3, classes=4), strategies.keep_probs(), strategies.weight_decays())
def test_batches_and_settings_are_in_range(batch, keep_prob, weight_decay):
    """At least two rows, labels that are classes, probabilities strictly between 0 and 1."""
    inputs, labels = batch
    assert inputs.shape == (len(labels), 3)
    assert len(labels) >= 2
    assert set(labels.tolist()) <= set(range(4))
    assert 0 < keep_prob < 1
    assert 0 <= weight_decay <= 10


# --- hostile points ------------------------------------------------------------------------------

WHAT_IT_IS = {
    Hostility.TIES: lambda x: len(np.unique(x)) < x.size,
    Hostility.ZEROS: lambda x: (x == 0).any() and np.signbit(x[x == 0]).any() and x.any(),
    Hostility.SCALES: lambda x: np.abs(x).max() / np.abs(x).min() > 1e4,
    Hostility.DENORMAL: lambda x: x.any() and np.abs(x).max() < np.finfo(x.dtype).tiny,
}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
@pytest.mark.parametrize("kind", Hostility)
def test_hostile_array_is_what_it_is_called(kind, dtype):
    """In every precision."""
    x = find(strategies.hostile_arrays(4, dtype, kinds=[kind]), WHAT_IT_IS[kind], settings=MANY)
    assert (x.shape, x.dtype) == ((4,), np.dtype(dtype))


@FEW
@given(st.data(), strategies.dtypes())
def test_hostile_arrays_have_every_dtype(data, dtype):
    """And are finite."""
    x = data.draw(strategies.hostile_arrays((2, 2), dtype))
    assert x.dtype == dtype
    assert np.isfinite(x).all()


def test_unknown_hostility_is_refused():
    """By the enumeration."""
    with pytest.raises(ValueError, match="'nan' is not a valid Hostility"):
        find(strategies.hostile_arrays(2, kinds=["nan"]), lambda x: True)


@FEW
@given(strategies.indices(5, 3), strategies.repeated_indices(5, 3))
def test_indices_repeat_or_do_not(different, repeated):
    """As their names say, and within the axis."""
    assert len(set(different.tolist())) == 3
    assert len(set(repeated.tolist())) < len(repeated) == 3
    assert set(different.tolist()) | set(repeated.tolist()) <= set(range(5))


# --- wrong and right twins -----------------------------------------------------------------------


def relu(x):
    """Forward."""
    return np.maximum(x, 0)


def wrong_relu_backward(x, dout):
    """0/0 where an entry is 0."""
    with np.errstate(invalid="ignore"):
        return dout * relu(x) / x


def relu_backward(x, dout):
    """By the usual convention."""
    return dout * (x > 0)


HOSTILE = strategies.hostile_arrays(3, kinds=["ties", "zeros"])


@pytest.mark.parametrize(
    ("points", "backward", "found"),
    [
        pytest.param(HOSTILE, wrong_relu_backward, True, id="hostile-wrong"),
        pytest.param(HOSTILE, relu_backward, False, id="hostile-right"),
        pytest.param(np.ones(3), wrong_relu_backward, False, id="friendly-wrong"),
    ],
)
def test_relu_wrong_at_zero_is_found_by_hostile_points_only(points, backward, found):
    """Friendly points never come near the place."""

    @FEW
    @strategies.given_points(points, inconclusive="discard")
    def prop(gradcheck, x):
        gradcheck.vjp(relu, backward, x)

    if found:
        with pytest.raises(GradientError, match="x is not finite, where f is smooth"):
            prop()
    else:
        prop()


def gather_backward(rows, *, add):
    """Return the backward pass of `x[rows]`, with one of two ways to add."""

    def backward(x, dout):
        dx = np.zeros_like(x)
        add(dx, rows, dout)
        return dx

    return backward


def add_once(dx, rows, dout):
    """Lose what an index adds the second time."""
    dx[rows] += dout


@pytest.mark.parametrize(
    ("rows", "add", "found"),
    [
        pytest.param(strategies.repeated_indices(4, 3), add_once, True, id="repeated-wrong"),
        pytest.param(strategies.repeated_indices(4, 3), np.add.at, False, id="repeated-right"),
        pytest.param(strategies.indices(4, 3), add_once, False, id="different-wrong"),
    ],
)
def test_scatter_that_adds_once_is_found_by_repeated_indices_only(rows, add, found):
    """The classic of embeddings."""

    @FEW
    @strategies.given_points(np.ones((4, 2)), rows=rows)
    def prop(gradcheck, x, rows):
        gradcheck.vjp(lambda x: x[rows], gather_backward(rows, add=add), x)

    if found:
        with pytest.raises(GradientError, match="x is wrong"):
            prop()
    else:
        prop()


def product_backward(p, dout):
    """Sum over what was broadcast."""
    return {
        name: summed(dout * p[other], p[name].shape) for name, other in (("a", "b"), ("b", "a"))
    }


def summed(grad, shape):
    """Undo broadcasting."""
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    axes = tuple(k for k, n in enumerate(shape) if n == 1)
    return grad.sum(axis=axes, keepdims=True)


def averaging_backward(p, dout):
    """Take the mean over what was broadcast."""
    right = product_backward(p, dout)
    return {name: right[name] * p[name].size / dout.size for name in right}


@pytest.mark.parametrize("right", [True, False])
def test_broadcastable_pairs_find_what_is_not_summed(right):
    """A mean in place of the sum is right only where nothing is broadcast."""

    @FEW
    @strategies.given_points(
        strategies.broadcastable_pairs(max_side=3).map(lambda pair: {"a": pair[0], "b": pair[1]})
    )
    def prop(gradcheck, x):
        backward = product_backward if right else averaging_backward
        gradcheck.vjp(lambda p: p["a"] * p["b"], backward, x)

    if right:
        prop()
    else:
        with pytest.raises(GradientError, match="is wrong"):
            prop()


# --- a failure is readable, and replays ----------------------------------------------------------


def cubes(x):
    """Sum them up."""
    return np.sum(x**3)


def test_failure_shrinks_to_a_readable_case():
    """Small numbers of one digit, and the seed 0."""

    @SHRUNK
    @strategies.given_points(np.ones((2, 1)), plan=Plan.auto(naming=0))
    def prop(gradcheck, x):
        gradcheck(cubes, lambda x: 2 * x**2, x)

    with pytest.raises(GradientError) as raised:
        prop()
    shown = "".join(" ".join(raised.value.__notes__).split())
    assert "gradcheck=Gradcheck(seed=0),x=array([[0.1],[0.2]])" in shown


def test_point_shrinks_to_the_smallest_that_fails():
    """One entry of a dictionary, of no dimensions; a large one where only such a one fails."""
    assert find(strategies.points(), lambda x: isinstance(x, dict), settings=SHRUNK) == {"W": 0.1}
    x = find(strategies.arrays(), lambda x: x.size > 3, settings=settings(SHRUNK, max_examples=200))
    assert np.abs(x).max() <= 0.5


def test_seed_of_the_report_is_the_drawn_one():
    """So that the line of replay is true."""

    @FEW
    @strategies.given_points(np.ones(2), plan="directions:1")
    def prop(gradcheck, x):
        plan = gradcheck(cubes, lambda x: 3 * x**2, x).plan
        assert (plan.seed, plan.count) == (gradcheck.seed, 1)

    prop()


def test_inconclusive_fails_unless_it_is_discarded():
    """And where all are discarded, Hypothesis fails: nothing was tested."""
    at_kink = st.just(np.zeros(2))
    for inconclusive, error in (
        ("fail", GradientError),
        ("discard", (Unsatisfiable, FailedHealthCheck)),
    ):

        @FEW
        @strategies.given_points(at_kink, inconclusive=inconclusive)
        def prop(gradcheck, x):
            gradcheck(lambda x: np.sum(np.abs(x)), np.full(2, 0.1), x)

        with pytest.raises(error):
            prop()


def test_inconclusive_that_is_neither_is_refused():
    """A skip would skip all examples."""
    with pytest.raises(UsageError, match="inconclusive='skip' is none of fail, discard"):
        strategies.given_points(np.ones(2), inconclusive="skip")


def test_import_without_hypothesis_says_what_to_install(monkeypatch):
    """In one sentence."""
    monkeypatch.delitem(sys.modules, "gradcheck.strategies")
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match=r"needs Hypothesis: pip install 'gradcheck\[hypothesis"):
        importlib.import_module("gradcheck.strategies")
