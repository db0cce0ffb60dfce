import numpy as np
import pytest

from gradcheck.reference import (
    HeadWeights,
    attention_backward,
    attention_forward,
    causal_mask,
    multi_head_attention_backward,
    multi_head_attention_forward,
)

from .layers import (
    Layer,
    mild,
    normal,
)

T, S, D, E = 3, 4, 2, 3
PADDED = np.array([True, True, False, True])  # (s,): the third place is padding
BLIND = np.array([[True] * 4, [False] * 4, [True, False, True, False]])  # the second sees nothing
CAUSAL = causal_mask(T)


def attention(mask=None, **shapes):
    """Return attention under a mask."""
    shapes = {"q": (2, T, D), "k": (2, S, D), "v": (2, S, E)} | shapes
    return Layer(
        lambda q, k, v: attention_forward(q, k, v, mask), attention_backward, mild(**shapes)
    )


def heads_of(x, context, query, key, value, output):
    """Lay attention with heads out flat: one leaf for each matrix."""
    return x, context, HeadWeights(query, key, value, output)


def multi_head(heads, mask=None):
    """Return attention with heads, one leaf for each matrix."""

    def backward(dout, cache):
        dx, dcontext, dweights = multi_head_attention_backward(dout, cache)
        return dx, dcontext, *dweights

    w = 4
    return Layer(
        lambda **leaves: multi_head_attention_forward(*heads_of(**leaves), heads, mask),
        backward,
        mild(x=(2, T, w), context=(2, S, w), query=(w, w), key=(w, w), value=(w, w))
        | {"output": mild(output=(2 * w, w))["output"][w:]},
    )


def self_attention(heads, mask=None):
    """Return attention of x to itself: the two gradients of x are added."""

    def backward(dout, cache):
        dx, dcontext, dweights = multi_head_attention_backward(dout, cache)
        return dx + dcontext, *dweights

    w = 4
    return Layer(
        lambda x, **weights: multi_head_attention_forward(
            x, x, HeadWeights(**weights), heads, mask
        ),
        backward,
        mild(x=(2, T, w), query=(w, w), key=(w, w), value=(w, w), output=(w, w)),
    )


LAYERS = {
    "plain": attention(),
    "flat": attention(q=(T, D), k=(S, D), v=(S, E)),
    "causal": attention(CAUSAL, k=(2, T, D), v=(2, T, E)),
    "padded": attention(PADDED[None, :]),
    "blind": attention(BLIND),
    "one-head": multi_head(1),
    "two-heads": multi_head(2),
    "two-heads-padded": multi_head(2, PADDED[None, :]),
    "self-causal": self_attention(2, CAUSAL),
}


def test_weights_are_a_softmax_of_scaled_scores():
    """Written out for one place."""
    q, k, v = normal(q=(1, D), k=(S, D), v=(S, E)).values()
    weights = np.exp(k @ q[0] / np.sqrt(D))
    expected = weights @ v / weights.sum()
    np.testing.assert_allclose(attention_forward(q, k, v)[0][0], expected, rtol=1e-14)


def test_nobody_sees_the_future_under_the_causal_mask():
    """The gradient of place 0 reaches the keys and values of place 0 only."""
    layer = LAYERS["causal"]
    dout = layer.cotangent()
    dout[:, 1:] = 0
    gradient = layer.gradient(dout)
    assert gradient["v"][:, 0].all()
    assert not gradient["v"][:, 1:].any()
    assert not gradient["k"][:, 1:].any()


def test_padding_gets_no_gradient():
    """A key that nobody may look at, and its value."""
    layer = LAYERS["padded"]
    gradient = layer.gradient(layer.cotangent())
    assert not gradient["k"][:, 2].any()
    assert not gradient["v"][:, 2].any()


def test_place_that_may_look_at_nothing_gives_zeros():
    """And no gradient, where a softmax of -inf would be NaN."""
    layer = LAYERS["blind"]
    assert not layer.out(**layer.x)[:, 1].any()
    assert not layer.gradient(layer.cotangent())["q"][:, 1].any()


@pytest.mark.parametrize("size", [1e4, 1e160])
def test_large_scores_do_not_overflow(size):
    """The winner takes all, forward and backward."""
    q, k, v = np.full((1, 1), size), np.array([[1.0], [2.0]]), np.array([[5.0], [7.0]])
    out, cache = attention_forward(q, k, v)
    np.testing.assert_array_equal(out, [[7]])
    assert all(np.isfinite(d).all() for d in attention_backward(np.ones((1, 1)), cache))


def test_heads_do_not_see_each_other():
    """Two heads are two attentions, each on its half of the columns."""
    x = normal(x=(1, T, 4))["x"]
    eye = np.eye(4)
    out, _ = multi_head_attention_forward(x, x, HeadWeights(eye, eye, eye, eye), heads=2)
    halves = [attention_forward(half, half, half)[0] for half in np.split(x, 2, axis=2)]
    np.testing.assert_allclose(out, np.concatenate(halves, axis=2), rtol=1e-14)


Q, K, V = (np.ones(shape) for shape in ((T, D), (S, D), (S, E)))
X, EYES = np.ones((1, 2, 4)), HeadWeights(*[np.eye(4)] * 4)
BAD = {
    "width": (lambda: attention_forward(np.ones((T, 5)), K, V), r"same width"),
    "places": (lambda: attention_forward(Q, K, V[1:]), r"same number of places"),
    "front": (lambda: attention_forward(Q[None], K, V), r"equal axes in front"),
    "vector": (lambda: attention_forward(Q[0], K[0], V[0]), r"\(\.\.\., t, d\)"),
    "mask-of-numbers": (
        lambda: attention_forward(Q, K, V, np.zeros((T, S))),
        r"float64.*mask == 0",
    ),
    "mask-shape": (
        lambda: attention_forward(Q, K, V, causal_mask(T)),
        r"mask has shape \(3, 3\).*\(3, 4\)",
    ),
    "heads": (lambda: multi_head_attention_forward(X, X, EYES, heads=3), r"heads=3.*width 4"),
    "context": (lambda: multi_head_attention_forward(X, X[0], EYES, 2), r"context \(2, 4\)"),
    "matrix": (
        lambda: multi_head_attention_forward(X, X, EYES._replace(key=np.eye(3)), 2),
        r"weights\.key has shape \(3, 3\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message says what does not fit."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
