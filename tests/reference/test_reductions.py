import numpy as np
import pytest

from gradcheck.reference import (
    cumprod_backward,
    cumprod_forward,
    logsumexp_backward,
    logsumexp_forward,
)

from .layers import (
    Layer,
    normal,
)

ZEROS = np.array([[2.0, 0.0, 3.0, -1.0], [0.0, 5.0, 0.0, 2.0], [1.0, 2.0, -3.0, 0.0]])


def logsumexp(axis, **x):
    """Return the log-sum-exp along an axis."""
    return Layer(lambda x: logsumexp_forward(x, axis), logsumexp_backward, normal(**x))


def cumprod(axis, x):
    """Return the cumulative product along an axis."""
    return Layer(lambda x: cumprod_forward(x, axis), cumprod_backward, {"x": x})


LAYERS = {
    "logsumexp-last": logsumexp(-1, x=(3, 4)),
    "logsumexp-first": logsumexp(0, x=(3, 4)),
    "logsumexp-middle": logsumexp(1, x=(2, 3, 2)),
    "logsumexp-of-one": logsumexp(1, x=(3, 1)),
    "cumprod": cumprod(-1, normal(x=(3, 5))["x"]),
    "cumprod-first": cumprod(0, normal(x=(4, 3))["x"]),
    "cumprod-zeros": cumprod(1, ZEROS),  # one zero, two zeros, a zero at the end
    "cumprod-zeros-first": cumprod(0, ZEROS),
    "cumprod-of-one": cumprod(0, np.array([3.0])),
}


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_a_shift_goes_through(shift):
    """Log sum exp(x + s) is s more, where exp alone would overflow or vanish."""
    x = normal(x=(3, 4))["x"]
    expected = np.log(np.exp(x).sum(axis=1)) + shift
    np.testing.assert_allclose(logsumexp_forward(x + shift, 1)[0], expected, rtol=1e-14)


def test_logarithm_of_zero_adds_nothing():
    """-inf beside a number is left out and gets no gradient; alone it stays -inf, without NaN."""
    x = np.array([[-np.inf, 2.0], [-np.inf, -np.inf]])
    out, cache = logsumexp_forward(x, 1)
    np.testing.assert_array_equal(out, [2, -np.inf])
    np.testing.assert_array_equal(logsumexp_backward(np.ones(2), cache), [[0, 1], [0, 0]])


def test_cumprod_by_division_would_be_nan():
    """The usual formula fails at a zero, where ours is a plain sum of products."""
    x, dout = ZEROS[:1], np.ones((1, 4))
    out, cache = cumprod_forward(x, 1)
    with np.errstate(invalid="ignore"):
        divided = np.cumsum((dout * out)[:, ::-1], axis=1)[:, ::-1] / x
    assert np.isnan(divided[0, 1])
    # d/dx of 2 + 2 x + 2 x 3 - 2 x 3 at x = 0
    np.testing.assert_array_equal(cumprod_backward(dout, cache)[0], [1, 2, 0, 0])


BAD = {
    "axis": (lambda: logsumexp_forward(np.ones((2, 3)), 2), r"axis=2.*\(2, 3\)"),
    "empty": (lambda: logsumexp_forward(np.ones((2, 0)), 1), r"axis=1 is empty"),
    "number": (lambda: cumprod_forward(np.array(3.0)), r"axis=-1.*shape \(\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message names the axis and the shape."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
