import mpmath
import numpy as np
import pytest

from gradcheck.reference.activations import (
    ACTIVATIONS,
    gelu_backward,
    gelu_forward,
    gelu_tanh_backward,
    gelu_tanh_forward,
    identity_backward,
    identity_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    softplus_backward,
    softplus_forward,
    tanh_backward,
    tanh_forward,
)

from .exact import layer_gradient

NAMES = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "identity")
ANALYTIC = {
    "relu": (relu_forward, relu_backward),
    "leaky_relu": (leaky_relu_forward, leaky_relu_backward),
    "tanh": (tanh_forward, tanh_backward),
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "gelu_tanh": (gelu_tanh_forward, gelu_tanh_backward),
    "softplus": (softplus_forward, softplus_backward),
    "identity": (identity_forward, identity_backward),
}
EVERY = ANALYTIC | {"gelu": (gelu_forward, gelu_backward)}
ARGUMENTS = (-800.0, -37.0, -5.0, -1e-8, 0.0, 1e-8, 0.5, 5.0, 37.0, 800.0)
KNOWN = {
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "gelu": lambda z: z * mpmath.ncdf(z),
}


def points():
    """Return z and dout, away from the kinks."""
    rng = np.random.default_rng(5)
    z = 2 * rng.standard_normal((6, 5))
    return z, rng.standard_normal((6, 5))


def known(function, z):
    """Return the value to 400 digits, where 1 + exp(-800) is not 1, rounded once."""
    with mpmath.workdps(400):
        return float(function(mpmath.mpf(z)))


def known_derivative(function, z):
    """Return the derivative to many digits, rounded once."""
    with mpmath.workdps(400):
        return float(mpmath.diff(function, mpmath.mpf(z)))


@pytest.mark.parametrize("name", ANALYTIC)
def test_backward_equals_the_complex_step(name):
    """Away from kinks, dz agrees with the complex step to rounding."""
    forward, backward = ANALYTIC[name]
    z, dout = points()
    _, cache = forward(z)
    expected = layer_gradient(forward, {"z": z}, dout)["z"]
    np.testing.assert_allclose(backward(dout, cache), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("slope", [0.01, 0.3, -0.3, 0.0])
def test_leaky_relu_backward_holds_for_every_slope(slope):
    """The branch is that of z, also where a negative slope turns the sign of the output."""
    z, dout = points()
    _, cache = leaky_relu_forward(z, slope)
    expected = [d if entry > 0 else slope * d for d, entry in zip(dout.flat, z.flat, strict=True)]
    np.testing.assert_array_equal(leaky_relu_backward(dout, cache).ravel(), expected)


@pytest.mark.parametrize("z", ARGUMENTS)
@pytest.mark.parametrize("name", KNOWN)
def test_forward_equals_mpmath(name, z):
    """Values are right to rounding from -800 to 800, and nothing overflows."""
    forward, _ = EVERY[name]
    a, _ = forward(np.array([z]))
    # 1e-13: rounding z / sqrt 2 moves the tail of the gelu by z^2 units of the last place
    np.testing.assert_allclose(a, [known(KNOWN[name], z)], rtol=1e-13)


@pytest.mark.parametrize("z", ARGUMENTS)
@pytest.mark.parametrize("name", KNOWN)
def test_backward_equals_mpmath(name, z):
    """Derivatives are right to rounding from -800 to 800."""
    forward, backward = EVERY[name]
    _, cache = forward(np.array([z]))
    expected = known_derivative(KNOWN[name], z)
    np.testing.assert_allclose(backward(np.ones(1), cache), [expected], rtol=1e-12, atol=3e-16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("name", EVERY)
def test_dtype_and_shape_are_kept(name, dtype):
    """No Python or NumPy constant promotes the result."""
    forward, backward = EVERY[name]
    z, dout = (array.astype(dtype) for array in points())
    a, cache = forward(z)
    dz = backward(dout, cache)
    assert (a.dtype, dz.dtype, a.shape, dz.shape) == (dtype, dtype, z.shape, z.shape)


@pytest.mark.parametrize("name", EVERY)
def test_arguments_are_left_alone(name):
    """Neither z nor dout is written to, and the results share no memory with them."""
    forward, backward = EVERY[name]
    z, dout = points()
    z_before, dout_before = z.copy(), dout.copy()
    a, cache = forward(z)
    dz = backward(dout, cache)
    np.testing.assert_array_equal((z, dout), (z_before, dout_before))
    assert not np.shares_memory(a, z)
    assert not np.shares_memory(dz, dout)


def test_relu_slope_at_zero_is_zero():
    """The convention at the kink is relu'(0) = 0, for both signs of zero."""
    _, cache = relu_forward(np.array([0.0, -0.0]))
    np.testing.assert_array_equal(relu_backward(np.ones(2), cache), [0, 0])


@pytest.mark.parametrize("name", EVERY)
def test_nan_stays_nan(name):
    """A NaN is passed on, not turned into a number that looks fine."""
    a, _ = EVERY[name][0](np.array([np.nan]))
    assert np.isnan(a).all()


def test_gelu_tanh_is_another_function():
    """The two forms differ by about 5e-4 at most: too little to see, too much to mix."""
    z = np.linspace(-5, 5, 2001)
    difference = np.abs(gelu_forward(z)[0] - gelu_tanh_forward(z)[0]).max()
    assert 4e-4 < difference < 6e-4


def test_gelu_refuses_complex_numbers():
    """The error function comes from the C library, which has only the real one."""
    with pytest.raises(TypeError):
        gelu_forward(np.array([1j]))


def test_table_holds_the_documented_names():
    """Each entry of ACTIVATIONS is filed under its own name."""
    assert tuple(ACTIVATIONS) == NAMES
    assert tuple(activation.name for activation in ACTIVATIONS.values()) == NAMES
