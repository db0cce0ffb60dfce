"""bfloat16, which NumPy has through ml_dtypes: points, values, claims, cotangents."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, UsageError, Verdict
from gradcheck.space import is_floating, is_numeric, least_rounding, norm, same_bits, unit_roundoff

ml_dtypes = pytest.importorskip("ml_dtypes")
BRAIN = np.dtype(ml_dtypes.bfloat16)
PLAN = Plan.auto(seed=1)
X = np.random.default_rng(0).standard_normal(8).astype(BRAIN)


def test_unit_roundoff_is_that_of_eight_digits():
    """Half of what ml_dtypes says is the distance from 1 to the next number."""
    assert unit_roundoff(BRAIN) == float(ml_dtypes.finfo(BRAIN).eps) / 2


@pytest.mark.parametrize(
    ("dtype", "least"), [("f2", 2.0**-25), (BRAIN, 2.0**-134), ("f4", 2.0**-150), ("f8", 0.0)]
)
def test_least_rounding_is_half_of_the_smallest_number(dtype, least):
    """Of float64 it is below all that float64 holds."""
    assert least_rounding(np.dtype(dtype)) == least
    smallest = np.nextafter(np.zeros((), dtype), np.ones((), dtype))
    assert least in (float(smallest) / 2, 0.0)


@pytest.mark.parametrize("dtype", [BRAIN, "f2", "f4", "f8", "g", "c8", "c16"])
def test_floating_dtypes_are_told(dtype):
    """Those that have slopes."""
    assert is_floating(np.dtype(dtype))
    assert is_numeric(np.dtype(dtype))


@pytest.mark.parametrize("dtype", ["?", "U3", "O", "V2", ml_dtypes.float8_e4m3fn])
def test_other_dtypes_are_no_numbers(dtype):
    """Nor are the floats of eight bits, which have no digits to be differentiated in."""
    assert not is_numeric(np.dtype(dtype))


def test_bits_and_norms():
    """NaN is NaN, -0.0 is not 0.0."""
    assert same_bits(X, X.copy())
    assert not same_bits(np.zeros(1, BRAIN), -np.zeros(1, BRAIN))
    assert norm(np.full(4, 3.0, BRAIN)) == 6.0


def wave(x):
    """Sum of sines, in the precision of what it is given."""
    return np.sum(np.sin(x))


@pytest.mark.parametrize("factor", [1.0, 1.05])
def test_function_that_follows_is_judged_in_float64(factor):
    """At the same point, whose bits stay."""
    before, seen = X.copy(), set()

    def f(x):
        seen.add(x.dtype)
        return wave(x)

    report = gradcheck.check_grad(
        f, lambda x: np.asarray(factor, x.dtype) * np.cos(x), X, plan=PLAN
    )
    assert report.ok is (factor == 1.0)
    assert report.verdict is not Verdict.INCONCLUSIVE
    assert report.leaves["x"].dtype == "bfloat16"
    assert seen == {BRAIN, np.dtype(float)}
    assert same_bits(X, before)


def short_sine(x):
    """Round on entry, and at every step, as a kernel does."""
    return np.sin(x.astype(BRAIN))


@pytest.mark.parametrize("factor", [1.0, -1.0, 0.0, 1.3])
def test_kernel_is_judged_by_its_reference(factor):
    """A product whose claim and cotangent are of bfloat16."""
    cotangents = set()

    def vjp(x, dout):
        cotangents.add(dout.dtype)
        return np.asarray(factor, BRAIN) * np.cos(x.astype(BRAIN)) * dout

    report = gradcheck.check_vjp(short_sine, vjp, X, reference=np.sin, plan=PLAN)
    assert report.verdict is (Verdict.PASS if factor == 1.0 else Verdict.FAIL)
    assert BRAIN in cotangents


def test_jvp_and_the_numeric_side():
    """Tangents are of the leaf's dtype; a derivative has a wide bar, and holds the truth."""
    report = gradcheck.check_jvp(np.sin, lambda x, v: np.cos(x) * v, X, plan=PLAN)
    assert report.verdict is not Verdict.FAIL
    found = gradcheck.derivative(lambda x: np.float64(np.sum(np.sin(x))), X, np.ones(8))
    assert abs(found.value - np.cos(X.astype(float)).sum()) <= found.error_bar


def test_scalar_is_a_point_too():
    """One number of it."""
    x = ml_dtypes.bfloat16(0.75)
    assert gradcheck.check_grad(lambda x: x * x * x, lambda x: 3 * x * x, x, plan=PLAN).verdict in (
        Verdict.PASS,
        Verdict.INCONCLUSIVE,
    )


def test_point_of_eight_bits_is_refused():
    """With its dtype."""
    x = np.ones(3, ml_dtypes.float8_e4m3fn)
    with pytest.raises(UsageError, match="leaf x has dtype float8_e4m3fn"):
        gradcheck.check_grad(wave, np.cos, x)
