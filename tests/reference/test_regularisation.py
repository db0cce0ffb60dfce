import numpy as np
import pytest

from gradcheck.reference import l2_backward, l2_forward

from .exact import complex_step


def draw(dtype=np.float64):
    """Return two weights of different shapes."""
    rng = np.random.default_rng(2)
    return [rng.standard_normal(shape).astype(dtype) for shape in ((3, 4), (4, 2))]


def test_penalty_is_exact():
    """With numbers that are exact in binary, penalty and gradient are exact."""
    weights = [np.array([[1.0, -2.0]]), np.array([[4.0]])]
    penalty, cache = l2_forward(weights, weight_decay=0.5, m=4)
    assert penalty == 0.5 / (2 * 4) * (1 + 4 + 16)
    np.testing.assert_array_equal(l2_backward(1.0, cache)[0], 0.5 / 4 * weights[0])
    np.testing.assert_array_equal(l2_backward(1.0, cache)[1], 0.5 / 4 * weights[1])


def test_backward_equals_the_complex_step():
    """Each dW agrees with the complex step to rounding, for an upstream gradient that is not 1."""
    W1, W2 = draw()
    _, cache = l2_forward([W1, W2], weight_decay=0.7, m=5)
    expected = complex_step(
        lambda x: 3 * l2_forward([x["W1"], x["W2"]], 0.7, 5)[0], {"W1": W1, "W2": W2}
    )
    dW1, dW2 = l2_backward(3.0, cache)
    np.testing.assert_allclose(dW1, expected["W1"], rtol=1e-14)
    np.testing.assert_allclose(dW2, expected["W2"], rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble])
def test_dtype_is_kept(dtype):
    """The Python float of the setting does not promote."""
    penalty, cache = l2_forward(draw(dtype), weight_decay=0.1, m=3)
    dtypes = {dW.dtype for dW in l2_backward(penalty.dtype.type(1), cache)}
    assert (penalty.dtype, dtypes) == (dtype, {np.dtype(dtype)})


def test_no_decay_is_no_penalty():
    """weight_decay = 0 gives exactly zero, in the cost and in the gradient."""
    penalty, cache = l2_forward(draw(), weight_decay=0.0, m=3)
    assert penalty == 0
    assert not any(dW.any() for dW in l2_backward(1.0, cache))
