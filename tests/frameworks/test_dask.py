"""Points of dask arrays: lazy, in chunks, computed where their numbers are read."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.space import read

da = pytest.importorskip("dask.array")

PLAN = Plan.auto(seed=1)
CHUNKS = ((2, 2, 2), (4,))


def drawn():
    """Draw an array in chunks."""
    return da.from_array(np.random.default_rng(0).standard_normal((6, 4)), chunks=CHUNKS)


def cost(p):
    """Compute with arrays in the chunks of the caller's."""
    assert isinstance(p["W"], da.Array)
    assert p["W"].chunks == CHUNKS
    return da.sum(da.sin(p["W"])) + p["b"] ** 2


def gradient(p):
    """Differentiate it."""
    return {"W": da.cos(p["W"]), "b": 2 * p["b"]}


def test_right_gradient_passes_in_the_chunks_of_the_point():
    """A wrong one fails, with its cause; the point may hold other numbers too."""
    p = {"W": drawn(), "b": 0.5}
    assert gradcheck.check_grad(cost, gradient, p, plan=PLAN).ok
    report = gradcheck.check_grad(
        cost, lambda p: gradient(p) | {"W": 1.1 * da.cos(p["W"])}, p, plan=PLAN
    )
    assert report.leaves["['W']"].verdict is Verdict.FAIL
    assert report.leaves["['b']"].verdict is Verdict.PASS
    assert report.findings[0].cause == "scale"


def test_products_pass_in_chunks_too():
    """The cotangent has the chunks of the output, the tangent those of the point."""

    def vjp(x, cotangent):
        assert cotangent.chunks == ((4,), (2, 2, 2))
        return da.cos(x) * cotangent.T

    def jvp(x, v):
        assert v.chunks == CHUNKS
        return (da.cos(x) * v).T

    assert gradcheck.check_vjp(lambda x: da.sin(x).T, vjp, drawn(), plan=PLAN).ok
    assert gradcheck.check_jvp(lambda x: da.sin(x).T, jvp, drawn(), plan=PLAN).ok


def test_arrays_that_a_call_changes_are_named_and_restored():
    """Dask's arrays take assignments, though it keeps them for later."""
    x = drawn()
    before = x.compute()

    def handed(y):
        y[0] = 3.0
        return da.cos(y)

    def callers(y):
        x[0] = 3.0
        return da.cos(y)

    for greedy in (handed, callers):
        report = gradcheck.check_grad(lambda y: da.sum(da.sin(y)), greedy, x, plan=PLAN)
        assert report.findings[0].cause == "mutated-input"
        assert np.array_equal(x.compute(), before)
        assert x.chunks == CHUNKS


def test_array_of_a_shape_that_is_not_known_becomes_one():
    """As a selection is; what calls are handed has the shape that it turned out to have."""
    x = drawn()
    some = x[x[:, 0] > 0]
    shapes = set()

    def f(y):
        shapes.add(y.shape)
        return da.sum(da.sin(y))

    assert gradcheck.check_grad(f, da.cos, some, plan=PLAN).ok
    assert shapes == {read(some).shape}
