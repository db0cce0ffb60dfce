import numpy as np
import pytest

from gradcheck.reference import (
    dropout_backward,
    dropout_channels_backward,
    dropout_channels_forward,
    dropout_evaluate,
    dropout_forward,
    dropout_rows_backward,
    dropout_rows_forward,
    gaussian_dropout_backward,
    gaussian_dropout_forward,
)

from .exact import layer_gradient
from .layers import (
    Layer,
    assert_certified,
    assert_dtype_is_kept,
    assert_equals_complex_step,
    normal,
)

KEEP_PROBS = [0.1, 0.5, 0.8, 1.0]
VARIANTS = {
    "entries": (dropout_forward, dropout_backward),
    "channels": (dropout_channels_forward, dropout_channels_backward),
    "rows": (dropout_rows_forward, dropout_rows_backward),
    "gaussian": (gaussian_dropout_forward, gaussian_dropout_backward),
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


def dropout(variant, keep_prob):
    """Return a variant with its seed held, on images."""
    forward, backward = VARIANTS[variant]
    return Layer(
        lambda x: forward(x, keep_prob, np.random.default_rng(6)), backward, normal(x=(4, 3, 2, 2))
    )


def points(dtype=np.float64):
    """Return x and dout, none of whose entries is zero."""
    rng = np.random.default_rng(9)
    return (rng.standard_normal((6, 7)).astype(dtype) for _ in range(2))


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_backward_equals_the_complex_step_of_the_same_mask(keep_prob):
    """With the seed held, dropout is linear and dx is its derivative."""
    x, dout = points()

    def forward(x):
        return dropout_forward(x, keep_prob, np.random.default_rng(4))

    _, cache = forward(x)
    expected = layer_gradient(forward, {"x": x}, dout)["x"]
    np.testing.assert_allclose(dropout_backward(dout, cache), expected, rtol=1e-15)


@every_variant
@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_every_variant_equals_the_complex_step(variant, keep_prob):
    """With the seed held, each is linear and dx is its derivative."""
    assert_equals_complex_step(dropout(variant, keep_prob))


@every_variant
@pytest.mark.parametrize("keep_prob", [0.5, 1.0])
def test_every_variant_is_certified(variant, keep_prob):
    """By gradcheck itself, to 1e-8."""
    assert_certified(dropout(variant, keep_prob))


@every_variant
@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex128])
def test_every_variant_keeps_its_dtype(variant, dtype):
    """Neither mask nor noise promotes."""
    assert_dtype_is_kept(dropout(variant, 0.8), dtype)


@pytest.mark.parametrize(("variant", "axes"), [("channels", (2, 3)), ("rows", (1, 2, 3))])
def test_what_is_dropped_together_stands_or_falls_together(variant, axes):
    """Over those axes everything is kept or nothing, and some are dropped and some kept."""
    forward, _ = VARIANTS[variant]
    out, _ = forward(np.ones((40, 3, 2, 2)), 0.5, np.random.default_rng(2))
    assert set(np.unique(out)) == {0.0, 2.0}
    assert not np.ptp(out, axis=axes).any()


@every_variant
@pytest.mark.parametrize("keep_prob", [0.1, 0.5, 0.8])
def test_mean_and_variance_are_those_of_a_mask(variant, keep_prob):
    """Mean 1 and variance (1 - p) / p, within six standard deviations: false alarm below 1e-8."""
    n = 10**6
    out, _ = VARIANTS[variant][0](np.ones((n, 1)), keep_prob, np.random.default_rng(1))
    variance = (1 - keep_prob) / keep_prob
    fourth = 3 * variance**2 if variant == "gaussian" else _fourth_moment(keep_prob)
    assert abs(out.mean() - 1) < 6 * np.sqrt(variance / n)
    spread = np.sqrt((fourth - variance**2) / n)
    assert abs(((out - 1) ** 2).mean() - variance) <= 6 * spread  # 0 where p = 1/2


def _fourth_moment(p):
    """Return E (mask - 1)^4."""
    return p * (1 / p - 1) ** 4 + (1 - p)


@pytest.mark.parametrize(
    ("forward", "x", "message"),
    [
        (dropout_channels_forward, np.ones(3), r"x has shape \(3,\)"),
        (dropout_rows_forward, np.array(3.0), r"single number"),
    ],
    ids=["channels", "rows"],
)
def test_x_without_its_axes_is_refused(forward, x, message):
    """There are no channels, or no rows, to drop."""
    with pytest.raises(ValueError, match=message):
        forward(x, 0.5, np.random.default_rng(0))


@pytest.mark.parametrize("keep_prob", KEEP_PROBS)
def test_kept_entries_are_divided_by_keep_prob(keep_prob):
    """Every entry is either exactly 0 or exactly x / keep_prob, up to one rounding."""
    x, _ = points()
    out, _ = dropout_forward(x, keep_prob, np.random.default_rng(4))
    kept = out != 0
    np.testing.assert_allclose(out[kept], x[kept] / keep_prob, rtol=3e-16)


@pytest.mark.parametrize("keep_prob", [0.1, 0.5, 0.8])
def test_share_of_kept_entries_is_keep_prob(keep_prob):
    """Hoeffding: |share - keep_prob| < 0.01 for N = 10^6, false alarm 2 exp(-200) < 1e-86."""
    out, _ = dropout_forward(np.ones(10**6), keep_prob, np.random.default_rng(1))
    assert abs(np.mean(out != 0) - keep_prob) < 0.01


def test_masks_differ_between_draws():
    """One Generator gives a new mask at each call; equal masks of 42 entries: 2^-42."""
    x, _ = points()
    rng = np.random.default_rng(0)
    first, second = (dropout_forward(x, 0.5, rng)[0] for _ in range(2))
    assert not np.array_equal(first, second)


def test_evaluation_is_the_identity():
    """Outside training x comes back, bit by bit."""
    x, _ = points()
    np.testing.assert_array_equal(dropout_evaluate(x, 0.3), x)


def test_keep_prob_one_is_the_identity():
    """With keep_prob = 1 nothing is dropped and nothing scaled."""
    x, _ = points()
    out, _ = dropout_forward(x, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_dtype_is_kept(dtype):
    """Neither the mask nor keep_prob promotes."""
    x, dout = points(dtype)
    out, cache = dropout_forward(x, 0.8, np.random.default_rng(0))
    assert {out.dtype, cache.dtype, dropout_backward(dout, cache).dtype} == {np.dtype(dtype)}


@pytest.mark.parametrize("keep_prob", [0.0, -0.1, 1.5, float("nan")])
@pytest.mark.parametrize(
    "call",
    [
        lambda p: dropout_evaluate(np.ones(2), p),
        *(
            lambda p, forward=forward: forward(np.ones((2, 2)), p, np.random.default_rng(0))
            for forward, _ in VARIANTS.values()
        ),
    ],
    ids=["evaluate", *VARIANTS],
)
def test_bad_keep_prob_is_refused_with_its_value(call, keep_prob):
    """The message names the argument, its value, the rule and the mend."""
    with pytest.raises(ValueError, match=f"keep_prob={keep_prob}.*write keep_prob=0.8"):
        call(keep_prob)
