import numpy as np
import pytest

from gradcheck.reference import (
    group_norm_backward,
    group_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
    rms_norm_backward,
    rms_norm_forward,
)

from .layers import (
    Layer,
    normal,
)

LAYERS = {
    "layer": Layer(layer_norm_forward, layer_norm_backward, normal(x=(4, 5), gain=(5,), bias=(5,))),
    "layer-sequence": Layer(
        layer_norm_forward, layer_norm_backward, normal(x=(2, 3, 4), gain=(4,), bias=(4,))
    ),
    "rms": Layer(rms_norm_forward, rms_norm_backward, normal(x=(4, 5), gain=(5,))),
    "rms-sequence": Layer(rms_norm_forward, rms_norm_backward, normal(x=(2, 3, 4), gain=(4,))),
} | {
    f"group-{name}": Layer(
        lambda x, gain, bias, groups=groups: group_norm_forward(x, gain, bias, groups),
        group_norm_backward,
        normal(x=shape, gain=(shape[1],), bias=(shape[1],)),
    )
    for name, shape, groups in [
        ("one", (2, 4, 3), 1),
        ("two", (2, 4, 2, 3), 2),
        ("each", (2, 3, 4), 3),
        ("flat", (3, 6), 2),
    ]
}


def test_layer_norm_has_mean_zero_and_variance_one():
    """Over the features of each sample, up to epsilon."""
    x = normal(x=(4, 50))["x"]
    out, _ = layer_norm_forward(x, np.ones(50), np.zeros(50), epsilon=0.0)
    np.testing.assert_allclose(out.mean(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(out.var(axis=1), 1, rtol=1e-13)


def test_rms_norm_has_mean_square_one():
    """Over the features of each sample; the mean stays."""
    x = normal(x=(4, 50))["x"]
    out, _ = rms_norm_forward(x, np.ones(50), epsilon=0.0)
    np.testing.assert_allclose((out * out).mean(axis=1), 1, rtol=1e-13)


def test_group_norm_with_one_group_is_layer_norm():
    """On a flat sample, bit by bit."""
    x, gain, bias = normal(x=(3, 6), gain=(6,), bias=(6,)).values()
    one, _ = group_norm_forward(x, gain, bias, groups=1)
    np.testing.assert_array_equal(one, layer_norm_forward(x, gain, bias)[0])


@pytest.mark.parametrize("name", ["layer", "group-two"])
def test_gradient_is_at_right_angles_to_shift_and_scale(name):
    """Neither a shift nor a scale of the sample changes the result (but for epsilon)."""
    layer = LAYERS[name]
    x = layer.x["x"].copy()
    dout = layer.cotangent()
    tiny = layer.x | {"x": 1e4 * x}  # epsilon is nothing beside the variance
    dx = layer.gradient(dout, tiny)["x"].reshape(len(x), -1)
    np.testing.assert_allclose(dx.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose((dx * x.reshape(len(x), -1)).sum(axis=1), 0, atol=1e-11)


def test_constant_sample_is_normalised_to_zero():
    """Epsilon keeps the root from zero, in forward and backward."""
    out, cache = layer_norm_forward(np.full((1, 3), 7.0), np.ones(3), np.zeros(3))
    np.testing.assert_array_equal(out, [[0, 0, 0]])
    assert all(np.isfinite(d).all() for d in layer_norm_backward(np.ones((1, 3)), cache))


BAD = {
    "gain": (lambda: layer_norm_forward(np.ones((2, 3)), np.ones(2), np.ones(3)), r"gain has .*3"),
    "bias": (
        lambda: layer_norm_forward(np.ones((2, 3)), np.ones(3), np.ones((1, 3))),
        r"bias has shape \(1, 3\)",
    ),
    "rms": (lambda: rms_norm_forward(np.ones((2, 3)), np.ones(2)), r"gain has shape \(2,\)"),
    "groups": (
        lambda: group_norm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), groups=2),
        r"groups=2.*divide the 3 channels",
    ),
    "no-channels": (
        lambda: group_norm_forward(np.ones(3), np.ones(3), np.ones(3), groups=1),
        r"x has shape \(3,\)",
    ),
    "epsilon": (
        lambda: layer_norm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), -1e-5),
        r"epsilon=-1e-05.*at least 0",
    ),
    "rms-epsilon": (
        lambda: rms_norm_forward(np.ones((2, 3)), np.ones(3), float("nan")),
        r"epsilon=nan.*at least 0",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message says what does not fit."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
