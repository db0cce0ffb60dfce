import mpmath
import numpy as np
import pytest

from gradcheck.reference.activations import sigmoid_forward
from gradcheck.reference.losses import (
    LOSSES,
    bce_from_probabilities_forward,
    bce_with_logits_backward,
    bce_with_logits_forward,
    mse_forward,
    softmax_cross_entropy_forward,
)

from .exact import complex_step

NAMES = ("bce_with_logits", "bce_from_probabilities", "softmax_cross_entropy", "mse")
DCOST = 1.75  # not 1: a backward that ignores it would be found out


def example(name, dtype=np.float64):
    """Return a prediction (4, 3) and a target that suit the loss."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal((4, 3))
    cases = {
        "bce_with_logits": (z, rng.integers(0, 2, (4, 3))),
        "bce_from_probabilities": (sigmoid_forward(z)[0], rng.integers(0, 2, (4, 3))),
        "softmax_cross_entropy": (z, np.array([2, 0, 1, 2])),
        "mse": (z, rng.standard_normal((4, 3))),
    }
    prediction, target = cases[name]
    return prediction.astype(dtype), target


@pytest.mark.parametrize("name", NAMES)
def test_backward_equals_the_complex_step(name):
    """The gradient of DCOST times the cost agrees with the complex step to rounding."""
    prediction, target = example(name)
    loss = LOSSES[name]
    _, cache = loss.forward(prediction, target)
    expected = complex_step(lambda x: DCOST * loss.forward(x["p"], target)[0], {"p": prediction})
    np.testing.assert_allclose(loss.backward(DCOST, cache), expected["p"], rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_cost_is_a_mean_over_rows(name):
    """The same batch twice over has the same cost, and half the gradient in each row."""
    prediction, target = example(name)
    loss = LOSSES[name]
    once, cache = loss.forward(prediction, target)
    twice, cache_twice = loss.forward(np.tile(prediction, (2, 1)), np.concatenate([target] * 2))
    np.testing.assert_allclose(twice, once, rtol=1e-15)
    half = loss.backward(1.0, cache) / 2
    np.testing.assert_allclose(loss.backward(1.0, cache_twice)[4:], half, rtol=1e-15)


@pytest.mark.parametrize("name", ["bce_with_logits", "bce_from_probabilities", "mse"])
def test_cost_is_a_sum_over_outputs(name):
    """The cost of three outputs is the sum of the costs of each alone."""
    prediction, target = example(name)
    loss = LOSSES[name]
    alone = [loss.forward(prediction[:, [j]], target[:, [j]])[0] for j in range(3)]
    np.testing.assert_allclose(loss.forward(prediction, target)[0], sum(alone), rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_dtype_is_kept(name, dtype):
    """Cost and gradient have the dtype of the prediction, whatever the target's."""
    prediction, target = example(name, dtype)
    cost, cache = LOSSES[name].forward(prediction, target)
    dprediction = LOSSES[name].backward(cost.dtype.type(1), cache)
    assert (cost.dtype, dprediction.dtype, dprediction.shape) == (dtype, dtype, (4, 3))


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("z", [-800.0, -30.0, -1e-9, 0.0, 2.0, 30.0, 800.0])
def test_stable_bce_equals_mpmath(z, y):
    """Cost and slope of the logit form are right to rounding from -800 to 800."""
    cost, cache = bce_with_logits_forward(np.array([[z]]), np.array([[y]]))
    with mpmath.workdps(400):
        s = 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
        expected = float(-y * mpmath.log(s) - (1 - y) * mpmath.log(1 - s))
        slope = float(s - y)
    np.testing.assert_allclose(cost, expected, rtol=1e-14)
    np.testing.assert_allclose(bce_with_logits_backward(1.0, cache), [[slope]], atol=3e-16)


@pytest.mark.parametrize(("z", "y", "check"), [(800.0, 0, np.isinf), (800.0, 1, np.isnan)])
def test_naive_bce_overflows_where_the_stable_one_is_finite(z, y, check):
    """A saturated probability makes the naive cost inf (wrong label) or NaN (right label)."""
    logits, target = np.array([[z]]), np.array([[y]])
    with np.errstate(divide="ignore", invalid="ignore"):
        naive, _ = bce_from_probabilities_forward(sigmoid_forward(logits)[0], target)
    stable, _ = bce_with_logits_forward(logits, target)
    assert check(naive)
    assert np.isfinite(stable)


def test_naive_bce_does_not_hide_its_overflow():
    """NumPy's own warning reaches the caller."""
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        bce_from_probabilities_forward(np.array([[1.0]]), np.array([[0.0]]))


def test_naive_bce_agrees_elsewhere():
    """Away from saturation the two forms are the same number."""
    z, y = example("bce_with_logits")
    naive, _ = bce_from_probabilities_forward(sigmoid_forward(z)[0], y)
    np.testing.assert_allclose(naive, bce_with_logits_forward(z, y)[0], rtol=1e-14)


@pytest.mark.parametrize("logit", [1e4, -1e4])
def test_softmax_cross_entropy_is_finite_for_large_logits(logit):
    """The log-sum-exp is shifted, so that a logit of 10 000 costs what it should."""
    cost, _ = softmax_cross_entropy_forward(np.array([[logit, 0.0]]), np.array([1]))
    assert cost == max(logit, 0)


def test_mse_is_half_the_squared_error():
    """The stated convention: the mean over rows of the sum of (p - t)^2 / 2."""
    cost, _ = mse_forward(np.array([[1.0, 2.0], [0.0, 0.0]]), np.zeros((2, 2)))
    assert cost == (1 + 4) / 2 / 2


BAD = {
    "shape": ("mse", np.ones((2, 3)), np.ones(2), r"target has shape \(2,\)"),
    "broadcast": ("bce_with_logits", np.ones((2, 1)), np.ones(2), r"they must be equal"),
    "one-row": ("mse", np.ones(3), np.ones(3), r"m >= 1"),
    "empty": ("mse", np.ones((0, 3)), np.ones((0, 3)), r"m >= 1"),
    "integer-prediction": ("mse", np.ones((2, 3), int), np.ones((2, 3)), r"dtype int"),
    "one-hot": ("softmax_cross_entropy", np.ones((2, 3)), np.eye(3)[:2], r"argmax"),
    "float-labels": ("softmax_cross_entropy", np.ones((2, 3)), np.ones(2), r"integer labels"),
    "negative-label": ("softmax_cross_entropy", np.ones((2, 3)), np.array([-1, 0]), r"from -1"),
    "large-label": ("softmax_cross_entropy", np.ones((2, 3)), np.array([0, 3]), r"0\.\.2"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_argument_is_refused_with_its_value(case):
    """Nothing is broadcast or wrapped in silence; the message holds the value and the mend."""
    name, prediction, target, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        LOSSES[name].forward(prediction, target)


def test_table_holds_the_documented_names():
    """Each entry of LOSSES is filed under its own name."""
    assert tuple(LOSSES) == NAMES
    assert tuple(loss.name for loss in LOSSES.values()) == NAMES
