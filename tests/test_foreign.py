"""Points of other libraries' arrays: by the standard, of which array-api-strict has no more.

Those of torch and JAX are in tests/frameworks/test_arrays.py.
"""

import array_api_strict as xp
import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, UsageError, Verdict
from gradcheck.space import is_array, is_foreign, is_writeable, read

PLAN = Plan.auto(seed=1)
RNG = np.random.default_rng(0)


def point():
    """Two leaves that move, and labels that do not."""
    return {"W": xp.asarray(RNG.standard_normal((3, 2))), "b": xp.asarray([0.1, 0.2]),
            "n": xp.asarray([1, 2])}  # fmt: skip


def f(p):
    """Compute in the library of the point; NumPy's arrays would raise."""
    assert all(is_foreign(leaf) for leaf in p.values())
    return xp.sum(xp.tanh(p["W"])) + xp.sum(p["b"] ** 2) * xp.astype(p["n"][1], xp.float64)


def grad(p):
    """Differentiate f."""
    return {"W": 1 - xp.tanh(p["W"]) ** 2, "b": 4 * p["b"], "n": p["n"]}


def test_right_gradient_passes_in_the_library_of_the_point():
    """And costs what it costs with NumPy's arrays."""
    report = gradcheck.check_grad(f, grad, point(), plan=PLAN)
    assert report.verdict is Verdict.PASS
    assert report.evaluations <= 12


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (lambda p: grad(p) | {"W": 1 - xp.tanh(p["W"])}, "['W']"),
        (lambda p: grad(p) | {"b": 2 * p["b"]}, "['b']"),
    ],
)
def test_wrong_gradient_fails_at_its_leaf(wrong, path):
    """As it does with NumPy's arrays, and with a cause."""
    report = gradcheck.check_grad(f, wrong, point(), plan=PLAN)
    failed = [leaf.path for leaf in report.leaves.values() if leaf.verdict is Verdict.FAIL]
    assert failed == [path]
    assert report.findings[0].cause in ("slope", "scale")


@pytest.mark.parametrize("dtype", [xp.float32, xp.float64, xp.complex64, xp.complex128])
def test_products_of_every_dtype_pass(dtype):
    """Backward and forward; the cotangent and the tangent are of the library too."""
    x = xp.asarray([0.3, -1.2, 0.5], dtype=dtype)

    def square(x):
        return x * x

    def vjp(x, cotangent):
        assert is_foreign(cotangent)
        return 2 * cotangent * (xp.conj(x) if dtype in (xp.complex64, xp.complex128) else x)

    assert gradcheck.check_vjp(square, vjp, x, plan=PLAN).ok
    assert gradcheck.check_jvp(square, lambda x, v: 2 * x * v, x, plan=PLAN).ok
    assert not gradcheck.check_jvp(square, lambda x, v: x * v, x, plan=PLAN).ok


def test_point_stays_what_it_was():
    """The same object with the same values, whatever a call does to it."""
    x = point()
    before = {path: read(leaf) for path, leaf in x.items()}
    kept = dict(x)

    def greedy(p):
        p["b"][0] = 9.0
        return grad(p)

    def raising(p):
        p["W"][0, 0] = 9.0
        raise RuntimeError

    report = gradcheck.check_grad(f, greedy, x, plan=PLAN)
    assert report.findings[0].cause == "mutated-input"
    assert gradcheck.check_grad(f, raising, x, plan=PLAN).findings[0].cause == "raised"
    for path, leaf in x.items():
        assert leaf is kept[path]
        assert np.array_equal(read(leaf), before[path])


def test_array_of_the_caller_that_a_closure_changes_is_restored():
    """It is not handed out, but f may hold it."""
    x = xp.asarray([0.5, 2.0])

    def spoiling(y):
        x[0] = 7.0
        return xp.sum(y**2)

    report = gradcheck.check_grad(spoiling, lambda y: 2 * y, x, plan=PLAN)
    assert report.findings[0].cause == "mutated-input"
    assert read(x).tolist() == [0.5, 2.0]


def test_cotangent_that_is_changed_is_found():
    """In place, in the library of the output."""

    def greedy(x, cotangent):
        cotangent[...] = cotangent * xp.exp(x)
        return cotangent

    report = gradcheck.check_vjp(xp.exp, greedy, xp.asarray([0.5, 2.0]), plan=PLAN)
    assert report.findings[0].cause == "mutated-input"
    assert not report.ok


def test_cache_that_goes_by_identity_is_found():
    """Arrays that can be updated in place are, as an optimiser does."""
    seen = {}

    def cached(p):
        return seen.setdefault(id(p["W"]), grad(p))

    report = gradcheck.check_grad(f, cached, point(), plan=PLAN)
    assert report.findings[0].cause == "stale-cache"


def test_library_may_change_between_point_and_output():
    """A claim of NumPy's arrays for a point of another library is read all the same."""
    x = xp.asarray([0.5, 2.0])
    assert gradcheck.check_grad(
        lambda x: float(xp.sum(x**2)), lambda x: 2 * read(x), x, plan=PLAN
    ).ok
    assert gradcheck.check_grad(
        lambda x: xp.sum(xp.asarray(x**2)), lambda x: xp.asarray(2 * x), read(x), plan=PLAN
    ).ok


def test_gradient_and_derivative_measure_foreign_points():
    """The numbers come back as NumPy's."""
    x = xp.asarray([0.5, 2.0])
    measured = gradcheck.gradient(lambda x: xp.sum(x**3), x).value
    assert isinstance(measured, np.ndarray)
    np.testing.assert_allclose(measured, [0.75, 12.0], rtol=1e-9)
    along = gradcheck.derivative(lambda x: xp.sum(x**3), x, np.array([1.0, 0.0]))
    assert along.value == pytest.approx(0.75)


def test_point_that_is_not_finite_or_does_not_move_is_refused():
    """With its path, as for NumPy's arrays."""
    with pytest.raises(UsageError, match=r"leaf \['a'\] is nan at \[1\]"):
        gradcheck.check_grad(f, grad, {"a": xp.asarray([1.0, float("nan")])})
    with pytest.raises(UsageError, match="no floating or complex leaf"):
        gradcheck.check_grad(f, grad, xp.asarray([1, 2]))


def test_what_is_an_array_and_can_be_written_to():
    """Scalars and lists are not; NumPy's own are not foreign."""
    assert [is_array(v) for v in (np.ones(2), xp.ones(2), np.float64(1), 1.0, [1.0])] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert not is_foreign(np.ones(2))
    assert is_writeable(xp.ones(2))


def test_a_stack_of_one_has_an_index_for_every_axis():
    """As the standard asks: an array of it was taken apart by its first axis alone."""
    x = xp.asarray(np.random.default_rng(0).normal(size=(4, 5)))

    def stacks(x):
        return xp.sum(xp.reshape(xp.sin(x) * x, (x.shape[0], -1)), axis=1)

    def products(x):
        return xp.sin(x)

    def gradient_of(x):
        return xp.cos(x) * x + xp.sin(x)

    plan = gradcheck.Plan.auto(seed=1)
    assert gradcheck.check_grad(stacks, gradient_of, x, plan=plan, batched=True).ok
    pulled = gradcheck.check_vjp(
        products, lambda x, dout: xp.cos(x) * dout, x, plan=plan, batched=True
    )
    assert pulled.ok
