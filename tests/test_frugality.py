"""What a check does not ask twice, and that it still finds what the question was for."""

import random

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Verdict
from gradcheck.space import inner, norm, same_bits

X = np.linspace(-1.0, 2.0, 6)


class Layer:
    """x**3, or 3 x, whose backward pass answers for the point of its last forward pass."""

    def __init__(self, power):
        self.power, self.kept, self.calls = power, X, 0

    def forward(self, x):
        """Keep the point."""
        self.kept, self.calls = x.copy(), self.calls + 1
        return 3 * x if self.power == 1 else x**3

    def backward(self, x, dout):
        """Answer for the point that was kept."""
        del x
        return 3 * dout if self.power == 1 else 3 * self.kept**2 * dout


def test_layer_that_is_the_same_nearby_is_called_after_f():
    """It answers for the last forward pass, which is not the point that it is given."""
    layer = Layer(3)
    assert gradcheck.check_vjp(layer.forward, layer.backward, X).ok


def test_layer_that_keeps_an_old_point_is_found():
    """The wrong twin: it is kept once and for all."""
    layer = Layer(3)
    report = gradcheck.check_vjp(lambda x: x**3, layer.backward, X)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause is Cause.STALE_CACHE


def test_linear_function_is_not_called_before_every_claim():
    """Its claim is the same everywhere, whatever f was called with."""
    linear, curved = Layer(1), Layer(3)
    report = gradcheck.check_vjp(linear.forward, linear.backward, X)
    assert report.ok
    assert report.evaluations == linear.calls
    gradcheck.check_vjp(curved.forward, curved.backward, X)
    assert linear.calls < curved.calls


def test_both_that_draw_are_named():
    """The global states are read twice; who draws is asked only where they have moved."""

    def f(x):
        random.random()
        return np.sum(x**3)

    def grad(x):
        random.random()
        return 3 * x**2

    (finding,) = gradcheck.check_grad(f, grad, X).findings
    assert finding.message.startswith("f and the derivative draw from the global state of random,")


def test_who_draws_now_and_then_is_either():
    """What does not draw when it is asked again cannot be told."""
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) == 2:
            random.random()
        return np.sum(x**3)

    (finding,) = gradcheck.check_grad(f, lambda x: 3 * x**2, X).findings
    assert finding.message.startswith("f or the derivative draws from the global state of random,")


@pytest.mark.parametrize("size", [1.0, 1e-200, 1e200, 1e-320])
def test_norm_of_squares_that_leave_the_range(size):
    """The short way is left where squares are lost."""
    assert norm(size * np.array([3.0, 4.0])) == pytest.approx(5 * size, rel=1e-3)


def test_short_ways_of_float64_are_those_of_other_precisions():
    """The same numbers, in float32 and in another order in memory."""
    a = np.arange(12.0).reshape(3, 4)
    assert inner(a, a) == inner(a.astype(np.float32), a.T.copy().T.astype(np.float32)) == 506.0
    assert norm(a) == pytest.approx(norm(a.astype(np.float32)), rel=1e-15)


@pytest.mark.parametrize("count", [3, 3000])
def test_bits_are_compared_alike_in_small_and_large_arrays(count):
    """NaN is NaN, -0.0 is not 0.0, and memory order is nothing."""
    a = np.zeros((2, count))
    a[0, 0] = np.nan
    assert same_bits(a, np.asfortranarray(a))
    b = a.copy()
    b[1, 1] = -0.0
    assert not same_bits(a, b)
