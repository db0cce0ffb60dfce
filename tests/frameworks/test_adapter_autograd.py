"""Primitives of HIPS autograd, with their rules right and wrong."""

import numpy as np
import pytest

from gradcheck import Plan, UsageError, Verdict

autograd = pytest.importorskip("autograd")
anp = pytest.importorskip("autograd.numpy")

from autograd.extend import defvjp, primitive  # noqa: E402 - needs autograd

from gradcheck.adapters.autograd import check_function  # noqa: E402 - likewise

PLAN = Plan.auto(seed=1)
X = np.linspace(0.3, 1.7, 6)


def ruled(factor):
    """Make a primitive whose rule is off by a factor."""

    @primitive
    def weigh(x, w):
        return np.sin(x) * w

    defvjp(
        weigh,
        lambda out, x, w: lambda dout: factor * np.cos(x) * w * dout,
        lambda out, x, w: lambda dout: np.sin(x) * dout,
    )
    return weigh


def test_right_rules_pass():
    """Of one argument, of both, and of what is made of them."""
    assert check_function(ruled(1.0), X, X, plan=PLAN).ok
    both = check_function(ruled(1.0), X, X, argnums=(0, 1), plan=PLAN)
    assert both.ok
    assert list(both.leaves) == ["[0]", "[1]"]
    assert check_function(lambda x: anp.sum(ruled(1.0)(x, X) ** 2), X, plan=PLAN).ok


def test_wrong_rule_fails_by_its_factor():
    """And the other argument's, which is right, passes."""
    report = check_function(ruled(1.01), X, X, argnums=(0, 1), plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "scale"
    assert report.leaves["[1]"].verdict is Verdict.PASS


def test_structures_and_references():
    """A dict of parameters, a tuple of outputs, and f in more digits."""
    p = {"W": np.ones((2, 3)) * 0.3, "b": np.array([0.1, 0.2])}
    assert check_function(lambda p: (anp.tanh(p["W"]), anp.exp(p["b"])), p, plan=PLAN).ok
    assert check_function(anp.sin, X.astype("f4"), reference=np.sin, plan=PLAN).ok


def test_complex_numbers_are_translated():
    """Holomorphic or not; autograd's own convention is the conjugate of ours."""
    z = np.array([0.3 + 0.7j, -1.1 + 0.2j])
    assert check_function(lambda z: anp.exp(z) * z, z, plan=PLAN).ok
    assert check_function(lambda z: anp.real(z * anp.conj(z)), z, plan=PLAN).ok


@pytest.mark.parametrize(
    ("fn", "options", "message"),
    [
        (3, {}, "fn is of type int"),
        (anp.sin, {"argnums": 1}, "argnums=1, but there are 1 arguments"),
        (anp.sin, {"argnums": ()}, "argnums="),
        (anp.sin, {"rtol": 1e-3}, "belongs to the plan"),
    ],
)
def test_senseless_call_is_refused(fn, options, message):
    """With what would make sense."""
    with pytest.raises(UsageError, match=message):
        check_function(fn, X, **options)
