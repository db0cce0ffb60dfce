import numpy as np
import pytest

from gradcheck.reference import Windows, conv2d_backward, conv2d_forward

from .layers import (
    Layer,
    assert_certified,
    assert_dtype_is_kept,
    assert_equals_complex_step,
    normal,
)

PLAIN = Windows((3, 2))
SHAPES = {  # windows, groups, channels in, channels out
    "plain": (PLAIN, 1, 2, 3),
    "stride": (Windows((3, 2), stride=(2, 3)), 1, 2, 3),
    "padding": (Windows((3, 2), padding=(2, 1)), 1, 2, 3),
    "dilation": (Windows((3, 2), dilation=(2, 3)), 1, 2, 3),
    "groups": (PLAIN, 2, 4, 6),
    "depthwise": (PLAIN, 3, 3, 6),
    "all": (Windows((2, 3), (2, 1), (1, 2), (3, 2)), 2, 4, 2),
    "leftover": (Windows((2, 2), stride=(4, 4)), 1, 1, 1),  # the last rows meet no window
}
every_shape = pytest.mark.parametrize("name", SHAPES)


def convolution(name):
    """Return a convolution of these settings, on images of 6 by 5."""
    windows, groups, c, f = SHAPES[name]
    return Layer(
        lambda x, kernel, bias: conv2d_forward(x, kernel, bias, windows, groups),
        conv2d_backward,
        normal(x=(2, c, 6, 5), kernel=(f, c // groups, *windows.size), bias=(f,)),
    )


def written_out(name, x, kernel, bias):
    """Compute the convolution entry by entry, as its definition says."""
    windows, groups, c, f = SHAPES[name]
    (sh, sw), (ph, pw), (dh, dw) = windows.stride, windows.padding, windows.dilation
    rows, columns = x.shape[2:]
    out = np.zeros((len(x), f, *windows.count(rows, columns)))
    for b, o, i, j in np.ndindex(out.shape):
        out[b, o, i, j] = bias[o]
        first = o // (f // groups) * (c // groups)  # channel of the group
        for channel, k, m in np.ndindex(kernel.shape[1:]):
            row, column = sh * i + dh * k - ph, sw * j + dw * m - pw
            if 0 <= row < rows and 0 <= column < columns:
                out[b, o, i, j] += x[b, first + channel, row, column] * kernel[o, channel, k, m]
    return out


@every_shape
def test_forward_is_the_definition(name):
    """Each entry is the sum over its window, written out."""
    layer = convolution(name)
    np.testing.assert_allclose(layer.out(**layer.x), written_out(name, **layer.x), atol=1e-13)


@every_shape
def test_backward_equals_the_complex_step(name):
    """All three gradients, to rounding."""
    assert_equals_complex_step(convolution(name))


@every_shape
def test_backward_is_certified(name):
    """By gradcheck itself, to 1e-8."""
    assert_certified(convolution(name))


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex128])
def test_dtype_is_kept(dtype):
    """The result and the gradients have the dtype of the arguments."""
    assert_dtype_is_kept(convolution("all"), dtype)


def test_pixels_that_meet_no_window_get_no_gradient():
    """With a stride of 4 on 6 rows and 5 columns the windows end at row 5 and column 1."""
    layer = convolution("leftover")
    dx = layer.gradient(layer.cotangent())["x"]
    assert not dx[:, :, 2:4].any()
    assert not dx[:, :, :, 2:].any()


BAD = {
    "grey-image": ({"x": np.ones((5, 5))}, r"x has shape \(5, 5\).*x\[None, None\]"),
    "kernel": ({"kernel": np.ones((3, 2, 3, 3))}, r"kernel has shape \(3, 2, 3, 3\)"),
    "channels": ({"kernel": np.ones((3, 1, 3, 2))}, r"must have 2 entries"),
    "bias": ({"bias": np.ones(2)}, r"bias has shape \(2,\).*np\.zeros\(3\)"),
    "groups": ({"groups": 2}, r"groups=2, but it must divide the 2 channels in and the 3"),
    "no-group": ({"groups": 0}, r"groups=0"),
    "small-image": ({"x": np.ones((2, 2, 2, 5))}, r"reaches over \(3, 2\).*\(2, 5\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message says what does not fit."""
    bad, message = BAD[name]
    good = {**convolution("plain").x, "windows": PLAIN, "groups": 1}
    with pytest.raises(ValueError, match=message):
        conv2d_forward(**(good | bad))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (0, 2)}, r"size=\(0, 2\).*at least 1"),
        ({"size": 3}, r"size=3.*\(rows, columns\)"),
        ({"size": (3, 3), "stride": (1, 0)}, r"stride=\(1, 0\)"),
        ({"size": (3, 3), "padding": (-1, 0)}, r"padding=\(-1, 0\).*at least 0"),
        ({"size": (3, 3), "dilation": (1.5, 1)}, r"dilation=\(1\.5, 1\)"),
    ],
    ids=str,
)
def test_bad_windows_are_refused_with_their_value(settings, message):
    """The message names the setting, its value and the rule."""
    with pytest.raises(ValueError, match=message):
        Windows(**settings)
