"""Calls into foreign code: what may come back, what is counted, what a budget allows."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Budget, Plan, UsageError, Verdict
from gradcheck.execution import read_output, read_scalar


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1.5, id="python-float"),
        pytest.param(2, id="python-int"),
        pytest.param(np.float32(1.5), id="numpy-scalar"),
        pytest.param(np.array(1.5), id="0-d"),
        pytest.param(np.array([[1.5]]), id="one-entry"),
    ],
)
def test_one_real_number_is_read(value):
    """Anything that is one real number."""
    assert float(read_scalar(value).arrays["x"]) == float(np.ravel(value)[0])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(np.ones(3), r"an array of shape \(3,\).*check_vjp or check_jvp", id="array"),
        pytest.param(1j, r"1j, but a gradient needs one real number", id="complex"),
        pytest.param(
            (1.0, np.ones(3)), "give True as the gradient if f returns", id="with-gradient"
        ),
        pytest.param((1.0, 2.0, 3.0), "check_vjp or check_jvp", id="three"),
        pytest.param(None, "f returned None", id="none"),
        pytest.param("1.0", "f returned a str", id="text"),
        pytest.param([1.0, [2.0]], "f returned a list", id="ragged"),
        pytest.param(object(), "f returned a object", id="object"),
    ],
)
def test_anything_else_is_refused(value, message):
    """The message says what came back and what to do."""
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(lambda x: value, lambda x: x, np.ones(3))


def test_output_keeps_the_floating_arrays():
    """Integer outputs are not differentiated; they count as floats where they stand alone."""
    out = read_output({"y": np.ones(2), "n": None, "label": "a"})
    assert list(out.arrays) == ["['y']"]


def test_output_without_numbers_is_refused():
    """There must be something to differentiate."""
    with pytest.raises(UsageError, match="holds no floating array"):
        gradcheck.check_vjp(lambda x: "text", lambda x, u: u, 1.0)


def test_cotangent_is_built_like_the_output():
    """Same structure and dtype; None where there are no numbers."""
    out = read_output([np.ones(2, "f4"), "a", 1.0])
    cotangent = out.rebuild({path: 2 * a for path, a in out.arrays.items()})
    assert cotangent[0].dtype == np.float32
    assert cotangent[1] is None
    assert cotangent[2] == 2.0
    assert isinstance(cotangent[2], float)


def test_evaluations_are_counted_exactly():
    """The report's count is that of the calls f saw."""
    calls = []

    def f(x):
        calls.append(1)
        return float(np.sum(x**3))

    report = gradcheck.check_grad(f, lambda x: 3 * x**2, np.linspace(1, 2, 5))
    assert report.evaluations == len(calls)


def test_pair_of_value_and_gradient():
    """With True for the claim, f returns both, as with SciPy's jac=True."""
    assert gradcheck.check_grad(lambda x: (np.sum(x**2), 2 * x), True, np.ones(3)).ok
    assert not gradcheck.check_grad(lambda x: (np.sum(x**2), 3 * x), True, np.ones(3)).ok


def test_pair_that_is_none_is_refused():
    """The message says what was expected."""
    with pytest.raises(UsageError, match=r"f must return \(value, gradient\), but it returned"):
        gradcheck.check_grad(lambda x: np.sum(x**2), True, np.ones(3))


def test_budget_of_evaluations_is_kept():
    """Not one evaluation more, and what was left out is said."""
    point = {"a": np.ones(3), "b": np.ones(3)}
    report = gradcheck.check_grad(
        lambda p: np.sum(p["a"] ** 2) + np.sum(p["b"] ** 2),
        lambda p: {"a": 2 * p["a"], "b": 2 * p["b"]},
        point,
        plan=Plan.auto(budget=6),
    )
    assert report.evaluations == 6
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.leaves["['a']"].verdict is Verdict.PASS
    assert report.leaves["['b']"].cause == "budget"
    assert "0 of 2 lines of leaf ['b']" in report.findings[0].message


def test_budget_too_small_for_the_contract_is_inconclusive():
    """Nothing was tested, and the report says so."""
    report = gradcheck.check_grad(np.sum, np.ones_like, np.ones(3), plan=Plan.auto(budget=1))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "budget"
    assert report.leaves["x"].probes == 0


def test_budget_of_seconds_stops_the_check():
    """An elapsed time beyond the limit stops before the next evaluation."""
    report = gradcheck.check_grad(
        lambda x: float(np.sum(x**2)),
        lambda x: 2 * x,
        np.ones(2000),
        plan=Plan.every(budget=Budget(seconds=0.005)),
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "budget"


@pytest.mark.parametrize("slope", [1.0, 0.0, 2.0], ids=["right", "zero", "doubled"])
def test_output_buffer_that_f_reuses_is_copied(slope):
    """The regression: f(x) and f(x + h) were the same memory, so every difference was zero."""
    out = np.empty(3)

    def forward(x):
        return np.tanh(x, out=out)

    def vjp(x, dout):
        return slope * dout * (1 - np.tanh(x) ** 2)

    report = gradcheck.check_vjp(forward, vjp, np.array([0.3, 0.7, 1.0]))
    assert report.verdict is (Verdict.PASS if slope == 1 else Verdict.FAIL)


def test_scalar_buffer_that_f_reuses_is_copied():
    """The same for a gradient: a 0-d array is a buffer too."""
    out = np.empty(())

    def f(x):
        return np.sum(x**2, out=out)

    assert gradcheck.check_grad(f, lambda x: 2 * x, np.ones(3)).ok
    assert gradcheck.check_grad(f, np.zeros_like, np.ones(3)).verdict is Verdict.FAIL


@pytest.mark.parametrize("value", [np.ma.masked, np.ma.array([1, 2], mask=[True, False])])
def test_masked_value_is_no_number(value):
    """The regression: it was read as what lies under the mask, 0.0 for np.ma.masked."""
    report = gradcheck.check_vjp(lambda x: value, lambda x, dout: 0 * x, np.ones(3))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause == "nonfinite"


def test_masked_claim_is_no_number():
    """What lies under the mask of a gradient is not claimed."""
    x = np.ones(3)
    claim = np.ma.array(2 * x, mask=[False, True, False])
    report = gradcheck.check_grad(lambda x: np.sum(x**2), claim, x)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "nonfinite"


def test_output_and_claim_that_contain_themselves_are_refused():
    """One sentence each."""
    loop = [np.ones(2)]
    loop.append(loop)
    with pytest.raises(UsageError, match="a list contains itself"):
        gradcheck.check_vjp(lambda x: loop, lambda x, dout: x, np.ones(3))
    with pytest.raises(UsageError, match="a list contains itself"):
        gradcheck.check_grad(lambda x: 0.0, lambda x: loop, np.ones(3))


class Unprintable(Exception):
    """Cannot even say what is wrong."""

    def __str__(self):
        raise RuntimeError("not even this")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            ValueError("too late."), "f raised ValueError: too late at x;", id="full-stop"
        ),
        pytest.param(ValueError(), "f raised ValueError at x;", id="no-text"),
        pytest.param(Unprintable(), "f raised Unprintable at x;", id="unprintable"),
    ],
)
def test_exception_fits_into_the_sentence(error, words):
    """The regression: 'ValueError:  at x', 'too late. at x', and an error from our own message."""

    def f(x):
        raise error

    report = gradcheck.check_grad(f, lambda x: x, np.ones(3))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert words in report.findings[0].message


def test_exception_beside_x_fits_into_the_sentence():
    """The regression: its full stop before the advice, '.;'."""

    def f(x):
        if x[0] != 1:
            raise ValueError("outside of the table.")
        return 0.0

    report = gradcheck.check_grad(f, lambda x: x, np.ones(3))
    assert "f raised ValueError: outside of the table; move x" in report.findings[0].message


class Tensor:
    """A foreign array that will not be read, as a tensor that requires grad."""

    def __array__(self, *args, **kwargs):
        """Refuse, as torch does."""
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def test_array_that_numpy_cannot_read_is_refused():
    """The regression: its own RuntimeError came out of the check. It is quoted instead."""
    with pytest.raises(UsageError, match=r"a Tensor that NumPy cannot read .*requires grad"):
        gradcheck.check_grad(lambda x: Tensor(), lambda x: x, np.ones(3))


def test_cotangent_of_an_integer_output_keeps_its_fraction():
    """The regression: it was made an int as the output was, so that 0.75 became 0."""
    out = read_output({"n": 3})
    assert out.rebuild({path: np.array(0.75) for path in out.arrays})["n"] == 0.75


def test_f_that_returns_another_structure_in_more_digits_is_not_followed():
    """The regression: a bare KeyError, where an array of the output was missing."""

    def f(x):
        return {"y": np.sin(x)} if x.dtype == np.float16 else {"z": np.sin(x)}

    x = np.linspace(0.5, 1.0, 3, dtype="f2")
    report = gradcheck.check_vjp(f, lambda x, u: np.cos(x) * u["y"], x, plan=Plan.auto(seed=0))
    assert report.verdict is not Verdict.FAIL


def test_f_that_is_real_in_more_digits_is_not_followed():
    """The regression: a ComplexWarning, from giving a real output a complex cotangent."""

    def f(z):
        return np.sin(z.real) if z.dtype == np.complex128 else z * z

    z = np.array([0.5 - 0.25j, 1.0 + 1.0j], "c8")
    report = gradcheck.check_vjp(f, lambda z, u: 2 * np.conj(z) * u, z, plan=Plan.auto(seed=0))
    assert report.verdict is Verdict.PASS
