import numpy as np
import pytest

from gradcheck.reference import (
    cosine_similarity_backward,
    cosine_similarity_forward,
    huber_backward,
    huber_forward,
    kl_divergence_backward,
    kl_divergence_forward,
)

from .layers import (
    Layer,
    normal,
)

TARGET = np.random.default_rng(1).standard_normal((4, 3))
SHARES = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.1, 0.1, 0.8]])


def huber(delta):
    """Return the Huber loss."""
    return Layer(lambda p: huber_forward(p, TARGET, delta), huber_backward, normal(p=(4, 3)))


def divergence(target):
    """Return the divergence from a distribution."""
    return Layer(
        lambda z: kl_divergence_forward(z, target), kl_divergence_backward, normal(z=(4, 3))
    )


def cosine(**shapes):
    """Return the cosine of rows."""
    return Layer(cosine_similarity_forward, cosine_similarity_backward, normal(**shapes))


LAYERS = {
    "huber": huber(1.0),
    "huber-narrow": huber(0.1),
    "huber-wide": huber(100.0),
    "divergence": divergence(SHARES),
    "divergence-not-rescaled": divergence(3 * SHARES),
    "cosine": cosine(a=(4, 3), b=(4, 3)),
    "cosine-long": cosine(a=(1, 8), b=(1, 8)),
}


def test_huber_is_squared_within_delta_and_linear_beyond():
    """Both pieces, and the place where they meet."""
    p = np.array([[0.5, -0.5, 2.0, 3.0, -3.0]])
    cost, cache = huber_forward(p, np.zeros((1, 5)), delta=2.0)
    assert cost == 0.125 + 0.125 + 2 + 4 + 4
    np.testing.assert_array_equal(huber_backward(1.0, cache), [[0.5, -0.5, 2, 2, -2]])


def test_divergence_of_a_distribution_from_itself_is_zero():
    """Cost and gradient, also where an entry of the target is zero."""
    with np.errstate(divide="ignore"):
        z = np.maximum(np.log(SHARES), -800)
    cost, cache = kl_divergence_forward(z, SHARES)
    np.testing.assert_allclose(cost, 0, atol=1e-16)
    np.testing.assert_allclose(kl_divergence_backward(1.0, cache), 0, atol=1e-16)


def test_cosine_of_parallel_and_orthogonal_rows():
    """1, -1 and 0; the gradient at a parallel row is zero."""
    a = np.array([[3.0, 4.0], [3.0, 4.0], [3.0, 4.0]])
    b = np.array([[6.0, 8.0], [-3.0, -4.0], [4.0, -3.0]])
    out, cache = cosine_similarity_forward(a, b)
    np.testing.assert_allclose(out, [1, -1, 0], atol=1e-15)
    da, db = cosine_similarity_backward(np.ones(3), cache)
    np.testing.assert_allclose(da[:2], 0, atol=1e-16)
    np.testing.assert_allclose(db[:2], 0, atol=1e-16)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_cosine_does_not_depend_on_length(scale):
    """Squares of very long or short rows neither overflow nor vanish."""
    a, b = LAYERS["cosine"].x.values()
    expected, _ = cosine_similarity_forward(a, b)
    np.testing.assert_allclose(cosine_similarity_forward(scale * a, b)[0], expected, rtol=1e-14)


ROWS = np.ones((2, 3))
BAD = {
    "delta": (lambda: huber_forward(ROWS, ROWS, 0.0), r"delta=0\.0.*above 0"),
    "huber-shape": (lambda: huber_forward(ROWS, np.ones(3)), r"target has shape \(3,\)"),
    "negative-share": (lambda: kl_divergence_forward(ROWS, -ROWS), r"down to -1\.0"),
    "share-shape": (lambda: kl_divergence_forward(ROWS, ROWS[:1]), r"target has shape \(1, 3\)"),
    "cosine-shape": (lambda: cosine_similarity_forward(ROWS, ROWS[:, :2]), r"b \(2, 2\)"),
    "zero-row": (
        lambda: cosine_similarity_forward(ROWS, np.diag([1.0, 0.0]) @ ROWS),
        r"b\[1\] is zero.*no direction",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message says what does not fit."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
