import numpy as np
import pytest

from gradcheck.reference.softmax import (
    log_softmax_backward,
    log_softmax_forward,
    softmax_backward,
    softmax_forward,
)

from .exact import layer_gradient
from .layers import Layer, assert_certified

PAIRS = {
    "softmax": (softmax_forward, softmax_backward),
    "log_softmax": (log_softmax_forward, log_softmax_backward),
}


def points(dtype=np.float64):
    """Return z and a dense dout."""
    rng = np.random.default_rng(7)
    return (rng.standard_normal((4, 3)).astype(dtype) for _ in range(2))


@pytest.mark.parametrize("name", PAIRS)
def test_backward_equals_the_complex_step(name):
    """For a dense cotangent dz agrees with the complex step to rounding."""
    forward, backward = PAIRS[name]
    z, dout = points()
    _, cache = forward(z)
    expected = layer_gradient(forward, {"z": z}, dout)["z"]
    np.testing.assert_allclose(backward(dout, cache), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", PAIRS)
def test_backward_is_certified(name):
    """By gradcheck itself, to 1e-8."""
    z, _ = points()
    assert_certified(Layer(*PAIRS[name], {"z": z}))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_a_shift_of_the_row_changes_nothing(name, shift):
    """Logits matter by their differences only, also where exp would overflow."""
    forward, _ = PAIRS[name]
    z = np.array([[1.0, 2.0, 4.0]])
    np.testing.assert_allclose(forward(z + shift)[0], forward(z)[0], rtol=1e-11)


def test_softmax_rows_sum_to_one():
    """Each row is a distribution, and its gradient sums to zero."""
    z, dout = points()
    p, cache = softmax_forward(z)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(softmax_backward(dout, cache).sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype", [np.float32, np.longdouble])
def test_dtype_is_kept(name, dtype):
    """The result and the gradient have the dtype of the logits."""
    forward, backward = PAIRS[name]
    z, dout = points(dtype)
    out, cache = forward(z)
    assert (out.dtype, backward(dout, cache).dtype) == (dtype, dtype)
