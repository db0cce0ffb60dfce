import numpy as np
import pytest

from gradcheck.reference import dropout_backward, dropout_evaluate, dropout_forward

from .exact import layer_gradient

KEEP_PROBS = [0.1, 0.5, 0.8, 1.0]


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
        lambda p: dropout_forward(np.ones(2), p, np.random.default_rng(0)),
        lambda p: dropout_evaluate(np.ones(2), p),
    ],
    ids=["forward", "evaluate"],
)
def test_bad_keep_prob_is_refused_with_its_value(call, keep_prob):
    """The message names the argument, its value, the rule and the mend."""
    with pytest.raises(ValueError, match=f"keep_prob={keep_prob}.*write keep_prob=0.8"):
        call(keep_prob)
