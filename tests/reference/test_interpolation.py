import numpy as np
import pytest

from gradcheck.reference import (
    bilinear_resize_backward,
    bilinear_resize_forward,
    linear_interpolate_backward,
    linear_interpolate_forward,
)

from .layers import (
    Layer,
    normal,
)

KNOTS = np.array([-1.5, -0.2, 0.3, 1.0, 2.5])
QUERY = np.array([[-2.0, -1.0, 0.0], [0.5, 1.7, 3.0]])  # one beyond each end


def line(query):
    """Return the broken line at a query."""
    return Layer(
        linear_interpolate_forward,
        linear_interpolate_backward,
        {"query": query, "knots": KNOTS, "values": normal(values=(5,))["values"]},
    )


def resize(old, new):
    """Return the resizing of two images of two channels."""
    return Layer(
        lambda x: bilinear_resize_forward(x, new), bilinear_resize_backward, normal(x=(2, 2, *old))
    )


LAYERS = {
    "line": line(QUERY),
    "line-one-piece": line(np.array([0.4, 0.5, 0.9])),
    "larger": resize((3, 4), (5, 9)),
    "smaller": resize((5, 7), (2, 3)),
    "same": resize((3, 4), (3, 4)),
    "from-one-pixel": resize((1, 1), (3, 2)),
    "to-one-pixel": resize((4, 3), (1, 1)),
}


def test_line_is_that_of_numpy():
    """At knots, between them and beyond both ends."""
    query = np.concatenate([QUERY.ravel(), KNOTS])
    values = LAYERS["line"].x["values"]
    out, _ = linear_interpolate_forward(query, KNOTS, values)
    np.testing.assert_allclose(out, np.interp(query, KNOTS, values), rtol=1e-14)


def test_at_a_knot_the_slope_is_that_of_the_right():
    """Except at the last, where there is no right: that of the last piece."""
    values = LAYERS["line"].x["values"]
    slopes = np.diff(values) / np.diff(KNOTS)
    _, cache = linear_interpolate_forward(KNOTS, KNOTS, values)
    dquery, _, _ = linear_interpolate_backward(np.ones(5), cache)
    np.testing.assert_allclose(dquery, [*slopes, slopes[-1]], rtol=1e-14)


def test_beyond_the_ends_only_the_value_there_counts():
    """Neither the query nor a knot has a gradient."""
    layer = line(np.array([-9.0, 9.0]))
    gradient = layer.gradient(np.array([2.0, 3.0]))
    assert not gradient["query"].any()
    assert not gradient["knots"].any()
    np.testing.assert_array_equal(gradient["values"], [2, 0, 0, 0, 3])


def test_resizing_to_the_same_size_is_the_identity():
    """Bit by bit."""
    x = LAYERS["same"].x["x"]
    np.testing.assert_array_equal(bilinear_resize_forward(x, (3, 4))[0], x)


@pytest.mark.parametrize("shape", [(7, 9), (2, 3), (1, 8)])
def test_a_plane_of_ones_stays_one(shape):
    """The weights of each new pixel sum to 1."""
    out, _ = bilinear_resize_forward(np.ones((1, 1, 4, 5)), shape)
    np.testing.assert_allclose(out, 1, rtol=1e-15)


VALUES = np.ones(5)
BAD = {
    "one-knot": (
        lambda: linear_interpolate_forward(QUERY, KNOTS[:1], VALUES[:1]),
        r"n >= 2",
    ),
    "lengths": (
        lambda: linear_interpolate_forward(QUERY, KNOTS, VALUES[1:]),
        r"knots have shape \(5,\) and values \(4,\)",
    ),
    "unsorted": (
        lambda: linear_interpolate_forward(QUERY, KNOTS[::-1], VALUES),
        r"rise strictly; sort them",
    ),
    "grey-image": (lambda: bilinear_resize_forward(np.ones((3, 4)), (2, 2)), r"x\[None, None\]"),
    "no-rows": (lambda: bilinear_resize_forward(np.ones((1, 1, 3, 4)), (0, 2)), r"shape=\(0, 2\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message says what does not fit."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
