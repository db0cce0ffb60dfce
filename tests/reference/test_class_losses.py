import numpy as np
import pytest

from gradcheck.reference import (
    cross_entropy_backward,
    cross_entropy_forward,
    focal_backward,
    focal_forward,
    hinge_backward,
    hinge_forward,
)
from gradcheck.reference.losses import softmax_cross_entropy_forward

from .layers import (
    Layer,
    normal,
)

M, K = 5, 4
LABELS = np.array([1, 3, 0, 2, 1])
SOME_IGNORED = np.array([1, -100, 0, -100, 1])
CLASS_IGNORED = np.array([1, 3, 0, 3, 1])  # a class of its own is ignored


def cross_entropy(labels, ignore_label=None, smoothing=0.0):
    """Return the cross-entropy of these settings."""
    return Layer(
        lambda z: cross_entropy_forward(z, labels, ignore_label, smoothing),
        cross_entropy_backward,
        normal(z=(M, K)),
    )


def focal(focus):
    """Return the focal loss."""
    return Layer(lambda z: focal_forward(z, LABELS, focus), focal_backward, normal(z=(M, K)))


def hinge(margin):
    """Return the hinge."""
    return Layer(lambda s: hinge_forward(s, LABELS, margin), hinge_backward, normal(s=(M, K)))


LAYERS = {
    "cross-entropy": cross_entropy(LABELS),
    "cross-entropy-ignored": cross_entropy(SOME_IGNORED, -100),
    "cross-entropy-class-ignored": cross_entropy(CLASS_IGNORED, 3),
    "cross-entropy-smoothed": cross_entropy(LABELS, smoothing=0.1),
    "cross-entropy-both": cross_entropy(SOME_IGNORED, -100, 0.3),
    "cross-entropy-all-smooth": cross_entropy(LABELS, smoothing=1.0),
    "focal": focal(2.0),
    "focal-below-one": focal(0.5),
    "focal-zero": focal(0.0),
    "hinge": hinge(1.0),
    "hinge-wide": hinge(3.0),
}


@pytest.mark.parametrize("name", ["cross-entropy", "focal-zero"])
def test_without_extras_it_is_the_plain_cross_entropy(name):
    """No smoothing and nothing ignored, or a focus of 0."""
    z = LAYERS[name].x["z"]
    expected, _ = softmax_cross_entropy_forward(z, LABELS)
    np.testing.assert_allclose(LAYERS[name].out(z=z), expected, rtol=1e-14)


def test_ignored_rows_might_as_well_not_be_there():
    """Same cost without them, and no gradient for them."""
    layer, kept = LAYERS["cross-entropy-both"], SOME_IGNORED != -100
    z = layer.x["z"]
    expected, _ = cross_entropy_forward(z[kept], SOME_IGNORED[kept], smoothing=0.3)
    np.testing.assert_allclose(layer.out(z=z), expected, rtol=1e-14)
    dz = layer.gradient(1.0)["z"]
    assert not dz[~kept].any()
    assert dz[kept].all()


def test_smoothed_gradient_is_zero_at_the_smoothed_labels():
    """The cost is least where the softmax is what the labels were smoothed to."""
    q = np.full((1, K), 0.1 / K)
    q[0, 2] += 0.9
    _, cache = cross_entropy_forward(np.log(q), np.array([2]), smoothing=0.1)
    np.testing.assert_allclose(cross_entropy_backward(1.0, cache), 0, atol=1e-15)


@pytest.mark.parametrize("focus", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("logit", [-800.0, 30.0, 50.0, 800.0])
def test_focal_loss_is_finite_for_large_logits(focus, logit):
    """Also below a focus of 1 and where p rounds to 1: (1 - p)^(focus - 1) is infinite there."""
    cost, cache = focal_forward(np.array([[logit, 0.0]]), np.array([0]), focus)
    assert np.isfinite(cost)
    assert np.isfinite(focal_backward(1.0, cache)).all()


def test_label_counts_once_for_each_class_that_is_too_near():
    """Two classes inside the margin: two down, one up each; a class at the margin: none."""
    s = np.array([[1.0, 0.5, 0.5, 0.0]])
    cost, cache = hinge_forward(s, np.array([0]))
    assert cost == 1
    np.testing.assert_array_equal(hinge_backward(1.0, cache), [[-2, 1, 1, 0]])


Z = np.zeros((2, 3))
BAD = {
    "smoothing": (
        lambda: cross_entropy_forward(Z, np.array([0, 1]), smoothing=1.5),
        r"smoothing=1\.5.*\[0, 1\]",
    ),
    "all-ignored": (
        lambda: cross_entropy_forward(Z, np.array([-1, -1]), ignore_label=-1),
        r"ignore_label=-1 in all 2 rows",
    ),
    "label": (lambda: cross_entropy_forward(Z, np.array([0, -100])), r"from -100 to 0"),
    "one-hot": (lambda: cross_entropy_forward(Z, np.eye(3)[:2]), r"argmax"),
    "focus": (lambda: focal_forward(Z, np.array([0, 1]), -1.0), r"focus=-1\.0"),
    "focal-label": (lambda: focal_forward(Z, np.array([0, 3])), r"0\.\.2"),
    "margin": (lambda: hinge_forward(Z, np.array([0, 1]), float("nan")), r"margin=nan"),
    "hinge-rows": (lambda: hinge_forward(Z[0], np.array([0])), r"prediction\[None, :\]"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message says what does not fit."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
