"""What a claim returns beside right numbers: a value of f, shared memory, and draws left behind."""

import random

import numpy as np
import pytest

import gradcheck
from gradcheck import Verdict

X = {"a": np.linspace(0.5, 1.5, 4), "b": np.linspace(-1.0, 1.0, 4)}


def f(p):
    """Evaluate a smooth function of two leaves."""
    return float(np.sum(np.sin(p["a"] + p["b"])))


def right(p):
    """Its gradient, in memory of its own."""
    d = np.cos(p["a"] + p["b"])
    return {"a": d, "b": d.copy()}


def causes(report):
    """List the causes of the findings."""
    return [finding.cause for finding in report.findings]


# --- a value beside the gradient --------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f, id="float"),
        pytest.param(lambda p: np.float64(f(p)), id="numpy"),
        pytest.param(lambda p: np.array([f(p)]), id="one-entry"),
        pytest.param(lambda p: f(p) * (1 + 1e-13), id="rounding"),
        pytest.param(lambda p: np.float32(f(p)), id="float32"),
    ],
)
def test_value_and_gradient_passes(value):
    """A claim may be a value_and_grad."""
    report = gradcheck.check_grad(f, lambda p: (value(p), right(p)), X)
    assert report.ok
    assert report.findings == ()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(lambda p: f(p) + 0.01, "difference 0.01", id="regulariser"),
        pytest.param(lambda p: f(p) / 4, "ratio 0.25", id="mean"),
        pytest.param(lambda p: f(p) * (1 + 1e-6), "ratio 1", id="six-digits"),
        pytest.param(lambda p: float("nan"), "the value nan", id="nan"),
    ],
)
def test_value_of_another_function_fails(value, shown):
    """Both numbers are shown, although the gradient is that of f."""
    report = gradcheck.check_grad(f, lambda p: (value(p), right(p)), X)
    assert report.verdict is Verdict.FAIL
    assert causes(report) == ["value"]
    assert f"but f is {f(X):.12g}" in report.findings[0].message
    assert shown in report.findings[0].message


def test_value_that_is_a_small_difference_of_large_numbers_passes():
    """What rounding leaves of it is not another function."""
    c = np.linspace(1e3, 2e3, 50)
    x = np.linspace(1.0, 2.0, 50)
    total = float(c @ x)
    report = gradcheck.check_grad(
        lambda x: float(c @ x - total), lambda x: (sum(c * x) - total, c.copy()), x + 1e-13
    )
    assert report.ok


def test_wrong_gradient_beside_a_right_value_fails():
    """The value does not vouch for it."""
    report = gradcheck.check_grad(f, lambda p: (f(p), {**right(p), "a": 2 * right(p)["a"]}), X)
    assert report.leaves["['a']"].verdict is Verdict.FAIL
    assert report.leaves["['b']"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("x", "claim"),
    [
        pytest.param((1.0, 2.0), lambda x: (np.cos(x[0]), np.cos(x[1])), id="two-numbers"),
        pytest.param((1.0, X["a"]), lambda x: (np.cos(x[0]), np.cos(x[1])), id="number-and-array"),
        pytest.param((1.0, (2.0, 3.0)),
                     lambda x: (np.cos(x[0]), (np.cos(x[1][0]), np.cos(x[1][1]))), id="nested"),
        pytest.param((1.0, 2.0),
                     lambda x: (np.sin(x[0]) + np.sin(x[1]), (np.cos(x[0]), np.cos(x[1]))),
                     id="value-beside-two-numbers"),
        pytest.param(1.0, lambda x: (np.sin(x), np.cos(x)), id="value-beside-a-number"),
        pytest.param(X["a"], lambda x: (np.sum(np.sin(x)), np.cos(x)), id="value-beside-an-array"),
    ],
)  # fmt: skip
def test_pair_is_a_value_only_where_it_is_no_gradient(x, claim):
    """A point of two leaves has gradients of two."""

    def total(x):
        return float(sum(total(v) for v in x) if isinstance(x, tuple) else np.sum(np.sin(x)))

    assert gradcheck.check_grad(total, claim, x).ok


def test_pair_of_numbers_for_an_array_is_no_value():
    """It is a list of entries, and of the wrong structure."""
    report = gradcheck.check_grad(lambda x: x @ x, lambda x: (2 * x[0], 2 * x[1]), np.ones(2))
    assert causes(report) == ["structure"]


# --- memory ------------------------------------------------------------------------------------


def test_gradient_that_is_the_point_itself_is_remarked_on():
    """The gradient of x'x/2 is x; an update of it in place would move the point."""
    report = gradcheck.check_grad(lambda x: 0.5 * x @ x, lambda x: x, np.linspace(1, 2, 5))
    assert report.ok
    assert causes(report) == ["aliasing"]
    assert "leaf x shares memory with the leaf itself" in report.findings[0].message


def test_gradient_that_is_the_callers_own_array_is_remarked_on():
    """A closure has its own way to it."""
    x = np.linspace(1, 2, 5)
    held = x.copy()
    report = gradcheck.check_grad(lambda p: 0.5 * p @ p, lambda p: x if (p == held).all() else p, x)
    assert report.ok
    assert causes(report) == ["aliasing"]


def test_two_leaves_with_one_array_are_remarked_on():
    """Right numbers, until one of the two is clipped in place."""

    def shared(p):
        d = np.cos(p["a"] + p["b"])
        return {"a": d, "b": d[::-1][::-1]}

    report = gradcheck.check_grad(f, shared, X)
    assert report.ok
    assert causes(report) == ["aliasing"]
    assert "leaves ['a'] and ['b'] share memory" in report.findings[0].message


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(lambda flat: (flat[:4], flat[4:]), id="slices"),
        pytest.param(lambda flat: (flat[::2], flat[1::2]), id="interleaved"),
        pytest.param(lambda flat: (flat[3::-1], flat[4:]), id="reversed"),
    ],
)
def test_parts_of_one_buffer_without_a_common_entry_pass(layout):
    """The right twin: a flat gradient, cut into leaves."""

    def cut(p):
        a, b = layout(np.empty(8))
        a[...] = b[...] = np.cos(p["a"] + p["b"])
        return {"a": a, "b": b}

    report = gradcheck.check_grad(f, cut, X)
    assert report.ok
    assert report.findings == ()


def test_cotangent_that_is_handed_on_is_no_remark():
    """Most backward passes of an identity do that."""
    report = gradcheck.check_vjp(lambda x: 1.0 * x, lambda x, dout: dout, X["a"])
    assert report.ok
    assert report.findings == ()


# --- global random states ------------------------------------------------------------------------


def draw_normal():
    """Draw from the global state of NumPy."""
    return np.random.normal()  # noqa: NPY002 - this is what is tested


def drawing(function, draw):
    """Draw a number in vain."""
    return lambda p: (draw(), function(p))[1]


@pytest.mark.parametrize(
    ("draw", "module", "spelled"),
    [
        pytest.param(draw_normal, "numpy.random", "np.random", id="numpy"),
        pytest.param(random.random, "random", "random", id="python"),
    ],
)
@pytest.mark.parametrize("who", ["f", "the derivative"])
def test_global_random_state_that_is_consumed_is_remarked_on(who, draw, module, spelled):
    """Whatever draws from it later gets other numbers."""
    function = drawing(f, draw) if who == "f" else f
    claim = drawing(right, draw) if who == "the derivative" else right
    report = gradcheck.check_grad(function, claim, X)
    assert report.ok
    assert causes(report) == ["consumes-randomness"]
    message = report.findings[0].message
    assert message.startswith(f"{who} draws from the global state of {module},")
    assert f"random={spelled} holds it still" in message


def test_global_random_state_is_no_matter_beside_something_worse():
    """A wrong gradient is not explained by it."""
    report = gradcheck.check_grad(
        drawing(f, draw_normal), lambda p: {**right(p), "a": 0 * p["a"]}, X
    )
    assert report.verdict is Verdict.FAIL
    assert "consumes-randomness" not in causes(report)


@pytest.mark.parametrize("source", [np.random, np.random.mtrand._rand])
def test_global_random_state_that_is_held_still_is_no_remark(source):
    """The right twin: named, and rewound at every call."""
    report = gradcheck.check_grad(
        lambda p: f(p) + draw_normal(), drawing(right, draw_normal), X, random=source
    )
    assert report.ok
    assert report.findings == ()


def test_global_random_state_that_f_returns_is_named_with_its_mend():
    """Not: from some generator."""
    report = gradcheck.check_grad(lambda p: f(p) + draw_normal(), right, X)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert causes(report) == ["nondeterministic"]
    assert "numpy.random; hold that still with random=np.random" in report.findings[0].message
