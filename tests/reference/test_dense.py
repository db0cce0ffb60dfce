import numpy as np
import pytest

from gradcheck.reference import dense_backward, dense_backward_parameters, dense_forward

from .exact import layer_gradient

SIZES = [(1, 1, 1), (5, 4, 6), (3, 3, 3), (1, 7, 2)]


def draw(sizes, dtype=np.float64):
    """Return the leaves of a layer of sizes (m, n_in, n_out), and dout."""
    m, n_in, n_out = sizes
    rng = np.random.default_rng(11)
    x = {
        "x": rng.standard_normal((m, n_in)).astype(dtype),
        "W": rng.standard_normal((n_in, n_out)).astype(dtype),
        "b": rng.standard_normal(n_out).astype(dtype),
    }
    return x, rng.standard_normal((m, n_out)).astype(dtype)


def test_forward_is_the_affine_map():
    """Each entry of the result is a dot product plus its bias, written out."""
    x, _ = draw((2, 3, 2))
    out, _ = dense_forward(**x)
    rows = [[sum(x["x"][i] * x["W"][:, j]) + x["b"][j] for j in range(2)] for i in range(2)]
    np.testing.assert_allclose(out, rows, rtol=1e-14)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_backward_equals_the_complex_step(sizes):
    """All three gradients agree with the complex step to rounding."""
    x, dout = draw(sizes)
    _, cache = dense_forward(**x)
    expected = layer_gradient(dense_forward, x, dout)
    for name, actual in zip(("x", "W", "b"), dense_backward(dout, cache), strict=True):
        np.testing.assert_allclose(actual, expected[name], rtol=1e-12, atol=1e-13)


def test_parameters_alone_get_the_same_gradient():
    """Leaving dx out changes nothing about dW and db, bit by bit."""
    x, dout = draw((5, 4, 6))
    _, cache = dense_forward(**x)
    _, dW, db = dense_backward(dout, cache)
    np.testing.assert_equal(dense_backward_parameters(dout, cache), (dW, db))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_dtype_is_kept(dtype):
    """The result and the gradients have the dtype of the arguments."""
    x, dout = draw((5, 4, 6), dtype)
    out, cache = dense_forward(**x)
    assert {out.dtype, *(d.dtype for d in dense_backward(dout, cache))} == {np.dtype(dtype)}


def test_shapes_that_do_not_fit_are_refused():
    """NumPy refuses a W whose rows are not the inputs."""
    with pytest.raises(ValueError, match="matmul"):
        dense_forward(np.ones((2, 3)), np.ones((4, 2)), np.ones(2))
