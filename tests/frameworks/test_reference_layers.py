"""The reference layers against PyTorch and JAX in float64: values and gradients to 1e-12.

Not among the test paths: `tox -e frameworks` runs it, for it needs both.
"""

import numpy as np
import pytest

from gradcheck import reference as r

torch = pytest.importorskip("torch")
F = torch.nn.functional

AGREEMENT = 1e-12  # of the largest entry
M, K = 5, 4
LABELS = np.array([1, 3, 0, 2, 1])
IGNORED = np.array([1, -100, 0, -100, 1])
WORDS = np.array([[3, 1, 0], [3, 3, 0]])
INDEX = np.array([[0, 2], [2, 2], [1, 0], [2, 0], [2, 1]])
SHARES = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.1, 0.1, 0.8]])
CAUSAL, PADDED = r.causal_mask(3), np.array([[True, True, False, True]])


def normal(**shapes):
    """Draw leaves from the standard normal distribution."""
    rng = np.random.default_rng(8)
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def parts(out):
    """Return the arrays of a result."""
    return out if isinstance(out, tuple) else (out,)


def close(ours, theirs):
    """Compare in the size of the largest entry."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=AGREEMENT * np.abs(theirs).max(initial=0))


def assert_agrees_with_torch(layer, theirs, x):
    """Require the same result, and the same gradients for a random cotangent."""
    forward, backward = layer
    out, cache = forward(**x)
    leaves = {name: torch.tensor(leaf, requires_grad=True) for name, leaf in x.items()}
    expected = parts(theirs(*leaves.values()))
    rng = np.random.default_rng(9)
    dout = tuple(np.asarray(rng.standard_normal(np.shape(part)))[()] for part in parts(out))
    for ours, part in zip(parts(out), expected, strict=True):
        close(ours, part.detach())
    total = sum((torch.tensor(d) * part).sum() for d, part in zip(dout, expected, strict=True))
    total.backward()
    gradients = parts(backward(dout if isinstance(out, tuple) else dout[0], cache))
    for ours, leaf in zip(gradients, leaves.values(), strict=True):
        close(ours, np.zeros(leaf.shape) if leaf.grad is None else leaf.grad)


def tensor(array):
    """Return what torch is given as a constant."""
    return torch.tensor(array)


CONVOLUTIONS = {
    "plain": (r.Windows((3, 2)), 1),
    "stride": (r.Windows((3, 2), stride=(2, 3)), 1),
    "padding": (r.Windows((3, 2), padding=(2, 1)), 1),
    "dilation": (r.Windows((3, 2), dilation=(2, 3)), 1),
    "groups": (r.Windows((3, 2)), 2),
    "all": (r.Windows((3, 2), (2, 1), (1, 2), (2, 2)), 4),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolution(name):
    """torch.nn.functional.conv2d."""
    w, groups = CONVOLUTIONS[name]
    assert_agrees_with_torch(
        (lambda x, kernel, bias: r.conv2d_forward(x, kernel, bias, w, groups), r.conv2d_backward),
        lambda x, kernel, bias: F.conv2d(x, kernel, bias, w.stride, w.padding, w.dilation, groups),
        normal(x=(2, 4, 7, 6), kernel=(8, 4 // groups, 3, 2), bias=(8,)),
    )


POOLINGS = {
    "tiles": r.Windows((2, 2), (2, 2)),
    "overlap": r.Windows((3, 2), (1, 1)),
    "padded": r.Windows((3, 3), (2, 1), (1, 1)),
    "dilated": r.Windows((2, 2), (1, 2), (1, 0), (2, 3)),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_max_pooling(name):
    """torch.nn.functional.max_pool2d."""
    w = POOLINGS[name]
    assert_agrees_with_torch(
        (lambda x: r.max_pool2d_forward(x, w), r.max_pool2d_backward),
        lambda x: F.max_pool2d(x, w.size, w.stride, w.padding, w.dilation),
        normal(x=(2, 3, 7, 6)),
    )


def test_max_pooling_at_ties():
    """The first of equals is paid by both."""
    w = r.Windows((2, 2), (1, 1))
    assert_agrees_with_torch(
        (lambda x: r.max_pool2d_forward(x, w), r.max_pool2d_backward),
        lambda x: F.max_pool2d(x, w.size, w.stride),
        {"x": np.ones((1, 1, 4, 4))},
    )


@pytest.mark.parametrize("name", ["tiles", "overlap", "padded"])
@pytest.mark.parametrize("kind", ["average_pool2d", "average_pool2d_inside"])
def test_average_pooling(kind, name):
    """torch.nn.functional.avg_pool2d, which knows no dilation."""
    w = POOLINGS[name]
    forward = getattr(r, f"{kind}_forward")
    counts = kind == "average_pool2d"
    assert_agrees_with_torch(
        (lambda x: forward(x, w), getattr(r, f"{kind}_backward")),
        lambda x: F.avg_pool2d(x, w.size, w.stride, w.padding, count_include_pad=counts),
        normal(x=(2, 3, 7, 6)),
    )


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 5)], ids=["rows", "images"])
def test_batch_norm_in_training(shape):
    """torch.nn.functional.batch_norm, and its running statistics."""
    running = r.Statistics(np.array([0.5, -1.0, 2.0]), np.array([2.0, 0.25, 1.0]))
    mean, variance = (tensor(array) for array in running)
    x = normal(x=shape, gain=(3,), bias=(3,))
    assert_agrees_with_torch(
        (r.batch_norm_forward, r.batch_norm_backward),
        lambda x, gain, bias: F.batch_norm(x, mean, variance, gain, bias, training=True),
        x,
    )
    for ours, theirs in zip(r.update_statistics(running, x["x"]), (mean, variance), strict=True):
        close(ours, theirs)


def test_batch_norm_in_evaluation():
    """torch.nn.functional.batch_norm by its running statistics."""
    running = r.Statistics(np.array([0.5, -1.0, 2.0]), np.array([2.0, 0.25, 1.0]))
    assert_agrees_with_torch(
        (
            lambda x, gain, bias: r.batch_norm_evaluate_forward(x, gain, bias, running),
            r.batch_norm_evaluate_backward,
        ),
        lambda x, gain, bias: F.batch_norm(x, *map(tensor, running), gain, bias),
        normal(x=(2, 3, 4, 5), gain=(3,), bias=(3,)),
    )


def test_layer_norm():
    """torch.nn.functional.layer_norm."""
    assert_agrees_with_torch(
        (r.layer_norm_forward, r.layer_norm_backward),
        lambda x, gain, bias: F.layer_norm(x, (6,), gain, bias),
        normal(x=(2, 3, 6), gain=(6,), bias=(6,)),
    )


def test_rms_norm():
    """torch.nn.functional.rms_norm."""
    assert_agrees_with_torch(
        (r.rms_norm_forward, r.rms_norm_backward),
        lambda x, gain: F.rms_norm(x, (6,), gain, 1e-5),
        normal(x=(2, 3, 6), gain=(6,)),
    )


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm(groups):
    """torch.nn.functional.group_norm."""
    assert_agrees_with_torch(
        (lambda x, gain, bias: r.group_norm_forward(x, gain, bias, groups), r.group_norm_backward),
        lambda x, gain, bias: F.group_norm(x, groups, gain, bias),
        normal(x=(2, 4, 3, 2), gain=(4,), bias=(4,)),
    )


@pytest.mark.parametrize("padding", [None, 0])
def test_embedding(padding):
    """torch.nn.functional.embedding, whose padding row is zero, as it is when it is made."""
    x = normal(table=(5, 3))
    if padding is not None:
        x["table"][padding] = 0
    assert_agrees_with_torch(
        (lambda table: r.embedding_forward(table, WORDS, padding), r.embedding_backward),
        lambda table: F.embedding(tensor(WORDS), table, padding),
        x,
    )


def test_gather():
    """torch.gather with repeated indices."""
    assert_agrees_with_torch(
        (lambda x: r.gather_forward(x, INDEX, 0), r.gather_backward),
        lambda x: torch.gather(x, 0, tensor(INDEX)),
        normal(x=(3, 2)),
    )


def test_scatter_add():
    """torch.scatter_add with repeated indices."""
    assert_agrees_with_torch(
        (
            lambda x, source: r.scatter_add_forward(x, INDEX, source, 0),
            r.scatter_add_backward,
        ),
        lambda x, source: torch.scatter_add(x, 0, tensor(INDEX), source),
        normal(x=(3, 2), source=(5, 2)),
    )


@pytest.mark.parametrize("variant", ["dropout", "dropout_channels", "dropout_rows"])
def test_dropout_by_the_same_mask(variant):
    """Torch's masks are of another generator, so ours is handed over as a constant."""
    forward = getattr(r, f"{variant}_forward")
    x = normal(x=(4, 3, 2))
    _, mask = forward(x["x"], 0.7, np.random.default_rng(1))
    assert_agrees_with_torch(
        (lambda x: forward(x, 0.7, np.random.default_rng(1)), getattr(r, f"{variant}_backward")),
        lambda x: x * tensor(mask),
        x,
    )


@pytest.mark.parametrize("variant", ["softmax", "log_softmax"])
def test_softmax(variant):
    """torch.softmax and torch.log_softmax."""
    assert_agrees_with_torch(
        (getattr(r, f"{variant}_forward"), getattr(r, f"{variant}_backward")),
        lambda z: getattr(torch, variant)(z, 1),
        normal(z=(M, K)),
    )


@pytest.mark.parametrize("mask", [None, PADDED], ids=["plain", "padded"])
def test_attention(mask):
    """torch.nn.functional.scaled_dot_product_attention."""
    assert_agrees_with_torch(
        (lambda q, k, v: r.attention_forward(q, k, v, mask), r.attention_backward),
        lambda q, k, v: F.scaled_dot_product_attention(
            q, k, v, None if mask is None else tensor(np.broadcast_to(mask, (3, 4)).copy())
        ),
        normal(q=(2, 3, 5), k=(2, 4, 5), v=(2, 4, 6)),
    )


def test_causal_attention():
    """The same with is_causal."""
    assert_agrees_with_torch(
        (lambda q, k, v: r.attention_forward(q, k, v, CAUSAL), r.attention_backward),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        normal(q=(2, 3, 5), k=(2, 3, 5), v=(2, 3, 6)),
    )


@pytest.mark.parametrize("mask", [None, PADDED], ids=["plain", "padded"])
@pytest.mark.parametrize("heads", [1, 2])
def test_attention_with_heads(heads, mask):
    """torch.nn.functional.multi_head_attention_forward, whose weights are transposed."""
    w = 4

    def ours(x, context, **weights):
        weights = r.HeadWeights(**weights)
        return r.multi_head_attention_forward(x, context, weights, heads, mask)

    def backward(dout, cache):
        dx, dcontext, dweights = r.multi_head_attention_backward(dout, cache)
        return dx, dcontext, *dweights

    def theirs(x, context, query, key, value, output):
        steps_first = x.transpose(0, 1), context.transpose(0, 1), context.transpose(0, 1)
        out, _ = F.multi_head_attention_forward(
            *steps_first, w, heads, torch.cat([query.T, key.T, value.T]), None, None, None,
            False, 0.0, output.T, None, need_weights=False,
            # True means the opposite there
            attn_mask=None if mask is None else tensor(~np.broadcast_to(mask, (3, 4))),
        )  # fmt: skip
        return out.transpose(0, 1)

    shapes = {"x": (2, 3, w), "context": (2, 4, w)}
    shapes |= dict.fromkeys(("query", "key", "value", "output"), (w, w))
    assert_agrees_with_torch((ours, backward), theirs, normal(**shapes))


def test_lstm():
    """torch.lstm, of which one of two biases is zero."""

    def theirs(x, h, c, W, U, b):
        flat = [W.T, U.T, b, torch.zeros_like(b)]
        states, _, cell = torch.lstm(x, (h[None], c[None]), flat, True, 1, 0.0, True, False, False)
        return states, cell[0]

    assert_agrees_with_torch(
        (r.lstm_forward, r.lstm_backward),
        theirs,
        normal(x=(5, 2, 3), h=(2, 4), c=(2, 4), W=(3, 16), U=(4, 16), b=(16,)),
    )


def test_gru():
    """torch.gru, with both its biases."""

    def theirs(x, h, W, U, b, b_state):
        flat = [W.T, U.T, b, b_state]
        states, _ = torch.gru(x, h[None], flat, True, 1, 0.0, True, False, False)
        return states

    assert_agrees_with_torch(
        (r.gru_forward, r.gru_backward),
        theirs,
        normal(x=(5, 2, 3), h=(2, 4), W=(3, 12), U=(4, 12), b=(12,), b_state=(12,)),
    )


@pytest.mark.parametrize("labels", [LABELS, IGNORED], ids=["all", "ignored"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy(labels, smoothing):
    """torch.nn.functional.cross_entropy."""
    assert_agrees_with_torch(
        (
            lambda z: r.cross_entropy_forward(z, labels, -100, smoothing),
            r.cross_entropy_backward,
        ),
        lambda z: F.cross_entropy(z, tensor(labels), label_smoothing=smoothing),
        normal(z=(M, K)),
    )


@pytest.mark.parametrize("focus", [0.5, 2.0])
def test_focal_loss(focus):
    """The formula by torch's own derivatives; torch itself has no such loss."""

    def theirs(z):
        log_p = torch.log_softmax(z, 1)[torch.arange(M), tensor(LABELS)]
        return (-((1 - log_p.exp()) ** focus) * log_p).mean()

    assert_agrees_with_torch(
        (lambda z: r.focal_forward(z, LABELS, focus), r.focal_backward), theirs, normal(z=(M, K))
    )


def test_hinge():
    """torch.nn.functional.multi_margin_loss, which divides by the classes."""
    assert_agrees_with_torch(
        (lambda s: r.hinge_forward(s, LABELS), r.hinge_backward),
        lambda s: F.multi_margin_loss(s, tensor(LABELS)) * K,
        normal(s=(M, K)),
    )


@pytest.mark.parametrize("delta", [0.3, 1.0])
def test_huber(delta):
    """torch.nn.functional.huber_loss, summed over outputs."""
    target = np.zeros((4, 3))
    assert_agrees_with_torch(
        (lambda p: r.huber_forward(p, target, delta), r.huber_backward),
        lambda p: F.huber_loss(p, tensor(target), "sum", delta) / 4,
        normal(p=(4, 3)),
    )


def test_kl_divergence():
    """torch.nn.functional.kl_div of log_softmax."""
    assert_agrees_with_torch(
        (lambda z: r.kl_divergence_forward(z, SHARES), r.kl_divergence_backward),
        lambda z: F.kl_div(F.log_softmax(z, 1), tensor(SHARES), reduction="batchmean"),
        normal(z=(4, 3)),
    )


def test_cosine_similarity():
    """torch.nn.functional.cosine_similarity."""
    assert_agrees_with_torch(
        (r.cosine_similarity_forward, r.cosine_similarity_backward),
        F.cosine_similarity,
        normal(a=(4, 3), b=(4, 3)),
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_logsumexp(axis):
    """torch.logsumexp."""
    assert_agrees_with_torch(
        (lambda x: r.logsumexp_forward(x, axis), r.logsumexp_backward),
        lambda x: torch.logsumexp(x, axis),
        normal(x=(4, 3)),
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_cumprod(axis):
    """torch.cumprod, with zeros."""
    x = normal(x=(4, 5))
    x["x"][1, 2] = x["x"][1, 4] = x["x"][3, 0] = 0
    assert_agrees_with_torch(
        (lambda x: r.cumprod_forward(x, axis), r.cumprod_backward),
        lambda x: torch.cumprod(x, axis),
        x,
    )


@pytest.mark.parametrize("shape", [(7, 9), (2, 3), (1, 1)], ids=str)
def test_bilinear_resize(shape):
    """torch.nn.functional.interpolate between centres of pixels."""
    assert_agrees_with_torch(
        (lambda x: r.bilinear_resize_forward(x, shape), r.bilinear_resize_backward),
        lambda x: F.interpolate(x, shape, mode="bilinear", align_corners=False),
        normal(x=(2, 3, 4, 5)),
    )


def test_linear_interpolate():
    """jax.numpy.interp, with the gradients of query, knots and values."""
    jax = pytest.importorskip("jax")
    query = np.array([[-2.0, -1.0, 0.0], [0.5, 1.7, 3.0]])
    knots, values = np.array([-1.5, -0.2, 0.3, 1.0, 2.5]), normal(values=(5,))["values"]
    out, cache = r.linear_interpolate_forward(query, knots, values)
    dout = normal(dout=query.shape)["dout"]
    with jax.enable_x64(True):
        expected, pull = jax.vjp(jax.numpy.interp, query, knots, values)
        close(out, expected)
        gradients = pull(jax.numpy.asarray(dout))
        ours = r.linear_interpolate_backward(dout, cache)
        for mine, theirs in zip(ours, gradients, strict=True):
            close(mine, theirs)


def positive_definite():
    """Return a symmetric matrix with eigenvalues of at least 1."""
    root = normal(A=(4, 4))["A"]
    return root @ root.T + np.eye(4)


def test_cholesky():
    """torch.linalg.cholesky."""
    assert_agrees_with_torch(
        (r.cholesky_forward, r.cholesky_backward),
        torch.linalg.cholesky,
        {"A": positive_definite()},
    )


def test_cholesky_solve():
    """torch.cholesky_solve of the lower triangle, which is all that counts."""
    factor = np.linalg.cholesky(positive_definite())
    assert_agrees_with_torch(
        (r.cholesky_solve_forward, r.cholesky_solve_backward),
        lambda L, b: torch.cholesky_solve(b, L.tril()),
        {"L": factor, **normal(b=(4, 3))},
    )


def test_log_determinant():
    """torch.slogdet."""
    assert_agrees_with_torch(
        (r.log_determinant_forward, r.log_determinant_backward),
        lambda A: torch.slogdet(A)[1],
        normal(A=(4, 4)),
    )


LOSSES = {
    "bce_with_logits": lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="sum"),
    "mse": lambda z, y: F.mse_loss(z, y, reduction="sum") / 2,
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_the_network(name):
    """The mean over rows of the sum over outputs."""
    loss, y = r.LOSSES[name], np.random.default_rng(2).integers(0, 2, (M, K)).astype(float)
    assert_agrees_with_torch(
        (lambda z: loss.forward(z, y), loss.backward),
        lambda z: LOSSES[name](z, tensor(y)) / M,
        normal(z=(M, K)),
    )


ACTIVATIONS = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": F.gelu,
    "softplus": F.softplus,
    "identity": lambda z: z * 1,
}


@pytest.mark.parametrize("name", r.ACTIVATIONS)
def test_activation(name):
    """Every activation of the table."""
    activation = r.ACTIVATIONS[name]
    assert_agrees_with_torch(
        (activation.forward, activation.backward), ACTIVATIONS[name], normal(z=(20, 5))
    )
