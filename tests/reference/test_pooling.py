import numpy as np
import pytest

from gradcheck.reference import (
    Windows,
    average_pool2d_backward,
    average_pool2d_forward,
    average_pool2d_inside_backward,
    average_pool2d_inside_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)

from .layers import (
    Layer,
    spread,
)

KINDS = {
    "max": (max_pool2d_forward, max_pool2d_backward),
    "average": (average_pool2d_forward, average_pool2d_backward),
    "inside": (average_pool2d_inside_forward, average_pool2d_inside_backward),
}
WINDOWS = {
    "tiles": Windows((2, 2), stride=(2, 2)),
    "overlap": Windows((3, 2), stride=(1, 1)),
    "padded": Windows((3, 3), stride=(2, 1), padding=(1, 1)),
    "dilated": Windows((2, 2), stride=(1, 2), padding=(1, 0), dilation=(2, 3)),
}


def pooling(kind, windows):
    """Return a pooling of images of 5 by 6, whose entries all differ."""
    forward, backward = KINDS[kind]
    return Layer(lambda x: forward(x, windows), backward, spread(x=(2, 2, 5, 6)))


LAYERS = {
    f"{kind}-{name}": pooling(kind, windows) for kind in KINDS for name, windows in WINDOWS.items()
}


@pytest.mark.parametrize(("kind", "reduce"), [("max", np.nanmax), ("inside", np.nanmean)])
@pytest.mark.parametrize("name", WINDOWS)
def test_forward_is_the_reduction_of_each_window(kind, reduce, name):
    """Window by window, what lies in the padding left out."""
    windows, layer = WINDOWS[name], pooling(kind, WINDOWS[name])
    (ph, pw), (sh, sw), (dh, dw), (kh, kw) = (
        windows.padding,
        windows.stride,
        windows.dilation,
        windows.size,
    )
    framed = np.pad(layer.x["x"], ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=np.nan)
    out = layer.out(**layer.x)
    for b, c, i, j in np.ndindex(out.shape):
        rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
        columns = slice(j * sw, j * sw + dw * (kw - 1) + 1, dw)
        np.testing.assert_allclose(out[b, c, i, j], reduce(framed[b, c, rows, columns]))


def test_padding_counts_as_zeros_in_the_plain_average():
    """Three by three around the corner of a plane of ones: four of nine."""
    out, _ = average_pool2d_forward(np.ones((1, 1, 4, 4)), Windows((3, 3), padding=(1, 1)))
    np.testing.assert_allclose(out[0, 0, 0, 0], 4 / 9)


def test_padding_never_wins():
    """The maximum of negative entries is negative, also at the border."""
    out, _ = max_pool2d_forward(np.full((1, 1, 2, 2), -7.0), Windows((3, 3), padding=(1, 1)))
    assert np.all(out == -7)


def test_first_of_equals_gets_all_of_the_gradient():
    """At a tie the gradient is not handed out twice."""
    _, cache = max_pool2d_forward(np.ones((1, 1, 2, 2)), Windows((2, 2)))
    dx = max_pool2d_backward(np.full((1, 1, 1, 1), 3.0), cache)
    np.testing.assert_equal(dx[0, 0], [[3, 0], [0, 0]])


def test_winner_of_two_windows_gets_both_gradients():
    """Overlapping windows add up."""
    x = np.array([[[[0.0, 9.0, 0.0]]]])
    _, cache = max_pool2d_forward(x, Windows((1, 2)))
    dx = max_pool2d_backward(np.array([[[[2.0, 5.0]]]]), cache)
    np.testing.assert_equal(dx[0, 0, 0], [0, 7, 0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("shape", "windows", "message"),
    [
        ((4, 4), Windows((2, 2)), r"x has shape \(4, 4\)"),
        ((1, 1, 1, 4), Windows((2, 2)), r"reaches over \(2, 2\).*\(1, 4\)"),
    ],
    ids=["grey-image", "small-image"],
)
def test_bad_image_is_refused_with_its_shape(kind, shape, windows, message):
    """The message says what does not fit."""
    with pytest.raises(ValueError, match=message):
        KINDS[kind][0](np.ones(shape), windows)


@pytest.mark.parametrize("kind", ["max", "inside"])
def test_window_in_the_padding_is_refused(kind):
    """It has nothing to pool; the plain average takes its zeros."""
    with pytest.raises(ValueError, match=r"padding=\(2, 2\).*use less padding"):
        KINDS[kind][0](np.ones((1, 1, 4, 4)), Windows((2, 2), padding=(2, 2)))
