"""The numeric side alone: derivative and gradient, on any point and direction."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Evidence, UsageError
from gradcheck.survey import survey

A = np.array([[2.0, 1.0], [1.0, 3.0]])


def quadratic(x):
    """Evaluate a quadratic form."""
    return float(x @ A @ x / 2)


@pytest.mark.parametrize(
    "direction",
    [
        pytest.param([1.0, 0.0], id="coordinate"),
        pytest.param([3.0, -1.0], id="oblique"),
        pytest.param([1e-7, 2e-7], id="short"),
        pytest.param([1e9, 1e9], id="long"),
    ],
)
def test_derivative_is_along_the_direction_as_given(direction):
    """Not along its unit vector: twice the direction, twice the derivative."""
    x = np.array([0.7, -1.3])
    d = gradcheck.derivative(quadratic, x, np.array(direction))
    truth = (A @ x) @ direction
    assert abs(d.value - truth) <= d.error_bar <= 1e-8 * np.linalg.norm(direction) * 3


def test_direction_may_move_several_leaves():
    """Structured like x; carried leaves are left out."""
    x = {"a": np.array([1.0, 2.0]), "b": 3.0, "n": 2}
    d = gradcheck.derivative(
        lambda p: float(np.sum(p["a"] ** 2) * p["b"] * p["n"]),
        x,
        {"a": np.array([1.0, 0.0]), "b": 1.0, "n": None},
    )
    assert abs(d.value - (2 * 1.0 * 3 * 2 + 5 * 2)) <= d.error_bar


def test_steps_are_in_units_of_the_direction():
    """A direction a thousand times as long has steps a thousand times as short."""
    short = gradcheck.derivative(quadratic, np.ones(2), np.array([1.0, 0.5]))
    long = gradcheck.derivative(quadratic, np.ones(2), np.array([1000.0, 500.0]))
    assert long.steps[0] == pytest.approx(short.steps[0] / 1000)


@pytest.mark.parametrize(
    ("x", "direction", "message"),
    [
        pytest.param(np.ones(2), None, "x has more than one entry", id="needed"),
        pytest.param(
            np.ones(2), np.ones(3), r"shape \(3,\), the leaf has shape \(2,\)", id="shape"
        ),
        pytest.param(np.ones(2), np.zeros(2), "zero everywhere", id="zero"),

        pytest.param(np.ones(2), np.full(2, 1e-320), "entries of size 1e-320", id="tiny"),
        pytest.param(
            np.ones(2, "g"), np.full(2, "1e4000", "g"), "entries of size inf", id="huge"
        ),
        pytest.param(np.ones(2), np.array([1.0, np.nan]), "not finite", id="nan"),
        pytest.param({"a": 1.0, "b": 1.0}, {"a": 1.0}, r"has no \['b'\]", id="structure"),
        pytest.param({"a": 1.0}, {"a": 1.0, "c": 1.0}, r"has \['c'\], which the point has not",
                     id="surplus"),
        pytest.param(np.ones(2), np.array([1, 2], object), "dtype object, but it must be numbers",
                     id="objects"),
        pytest.param(1.0, "up", "dtype <U2, but it must be numbers", id="text"),
        pytest.param(np.ones(2), 1j * np.ones(2), "is complex, the leaf is real", id="complex"),
    ],
)  # fmt: skip
def test_direction_that_does_not_match_is_refused(x, direction, message):
    """With the leaf and the two shapes."""
    with pytest.raises(UsageError, match=message):
        gradcheck.derivative(lambda p: 0.0, x, direction)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        pytest.param(lambda x: 1 / 0, "f raised ZeroDivisionError", id="raises"),
        pytest.param(lambda x: np.nan, r"f\(x\) is nan", id="nan"),
        pytest.param(lambda x: np.ones(2), "needs one real number", id="array"),
        pytest.param(lambda x: np.add(x, 1, out=x).sum(), "changed leaf x", id="mutates"),
    ],
)
def test_function_that_cannot_be_differentiated_is_refused(f, message):
    """There is no report to put it into, so it is an error."""
    with pytest.raises(UsageError, match=message):
        gradcheck.gradient(f, np.ones(1))


def test_direction_of_a_complex_dtype_may_be_real():
    """Its imaginary part is zero, so nothing is lost."""
    d = gradcheck.derivative(quadratic, np.ones(2), np.ones(2) + 0j)
    assert abs(d.value - np.sum(A @ np.ones(2))) <= d.error_bar


def test_gradient_of_a_pytree_holds_the_truth():
    """Each entry within its own bar; None for what is carried."""
    x = {"a": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": 2.0, "n": 3}
    g = gradcheck.gradient(lambda p: float(np.sum(np.sin(p["a"])) * p["b"] ** 2), x)
    assert np.all(np.abs(g.value["a"] - 4 * np.cos(x["a"])) <= g.error_bar["a"])
    assert abs(g.value["b"] - 4 * np.sum(np.sin(x["a"]))) <= g.error_bar["b"]
    assert g.value["n"] is None
    assert g.evaluations == 1 + 8 * 5


def test_gradient_of_a_complex_leaf_is_the_direction_of_steepest_ascent():
    """Df = Re sum conj(g) dz, so the gradient of |z|^2 is 2 z."""
    z = np.array([1 + 2j, -0.5j])
    g = gradcheck.gradient(lambda z: float(np.sum(np.abs(z) ** 2)), z)
    assert np.all(np.abs(g.value - 2 * z) <= g.error_bar)


def test_held_randomness_makes_a_function_of_dropout():
    """The same mask at every call."""
    rng = np.random.default_rng(0)
    d = gradcheck.derivative(lambda x: x * rng.normal(), 1.0, random=rng)
    assert d.value == pytest.approx(np.random.default_rng(0).normal(), rel=1e-8)


def test_kink_is_evidence_not_an_error():
    """The numeric side says what it saw."""
    assert gradcheck.derivative(lambda x: max(x, 0.0), 0.0).evidence is Evidence.KINK


@pytest.mark.parametrize("measure", [gradcheck.gradient, gradcheck.derivative, survey])
def test_what_belongs_to_the_caller_is_left_as_found(measure):
    """The regression: random sources were left where the last call of f had put them."""
    rng, x = np.random.default_rng(0), np.ones(())

    def f(p):
        x[...] = 7.0
        return float(p + rng.normal())

    with pytest.raises(UsageError, match="changed leaf x"):
        measure(f, x, random=rng)
    assert x == 1.0
    measure(lambda p: float(p + rng.normal()), x, random=rng)
    assert rng.normal() == np.random.default_rng(0).normal()


@pytest.mark.parametrize("x", [np.full(2, 1e-320), np.array(["1e-4900", "1"], "g")])
def test_point_of_extreme_size_has_a_derivative(x):
    """The regression: OverflowError and ZeroDivisionError, from lines of infinite length."""
    assert gradcheck.derivative(lambda p: 3.0, x, np.ones(2)).value == 0.0
    g = gradcheck.gradient(lambda p: 3.0, x)
    assert np.all(g.value == 0.0)


def test_direction_may_leave_a_leaf_all_but_alone():
    """The regression: ZeroDivisionError, where a leaf's direction is nothing in float64."""
    x = {"a": np.ones(2, "g"), "b": 1.0}
    direction = {"a": np.full(2, "1e-4900", "g"), "b": 1.0}
    assert gradcheck.derivative(lambda p: p["b"], x, direction).value == pytest.approx(1.0)
