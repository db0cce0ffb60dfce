"""Right layers that the laws are tried on, and wrong twins of each.

Owns: Layers, LAYER_TWINS. Small NumPy layers, (out, backward) each, written from the formulas.
"""

import numpy as np
import pytest

EPSILON = 1e-5


def softmax_of(z):
    """Return softmax over the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax(z):
    """Apply softmax to rows."""
    p = softmax_of(z)
    return p, lambda dout: p * (dout - (dout * p).sum(axis=-1, keepdims=True))


def normalised_dense(W, x):
    """Normalise x W over the batch."""
    z = x @ W
    inverse = 1 / np.sqrt(z.var(axis=0) + EPSILON)
    normed = (z - z.mean(axis=0)) * inverse

    def backward(dout):
        through_variance = normed * (dout * normed).mean(axis=0)
        return x.T @ (inverse * (dout - dout.mean(axis=0) - through_variance))

    return normed, backward


def normalised_over_units(W, x):
    """Normalise each row of x W over its units."""
    z = x @ W
    inverse = 1 / np.sqrt(z.var(axis=1, keepdims=True) + EPSILON)
    normed = (z - z.mean(axis=1, keepdims=True)) * inverse

    def backward(dout):
        through_variance = normed * (dout * normed).mean(axis=1, keepdims=True)
        dz = dout - dout.mean(axis=1, keepdims=True) - through_variance
        return x.T @ (inverse * dz)

    return normed, backward


class BatchNorm:
    """Batch normalisation with running statistics; `correction` rows fewer in their variance."""

    momentum, correction = 0.1, 1

    def __init__(self, features):
        self.mean, self.variance = np.zeros(features), np.ones(features)

    def train(self, x):
        """Normalise by the batch and note its statistics."""
        self.note(x.mean(axis=0), x.var(axis=0, ddof=self.correction))
        return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPSILON)

    def note(self, mean, variance):
        """Move the running statistics."""
        self.mean = self.mean + self.momentum * (mean - self.mean)
        self.variance = self.variance + self.momentum * (variance - self.variance)

    def evaluate(self, x):
        """Normalise by the running statistics."""
        return (x - self.mean) / np.sqrt(self.variance + EPSILON)


class SlowBatchNorm(BatchNorm):
    """Like Keras: momentum 0.99, the plain variance."""

    momentum, correction = 0.01, 0


def attend(x, mask, weigh):
    """Attend with queries, keys and values x; `weigh` turns scores and mask into weights."""
    scale = 1 / np.sqrt(x.shape[-1])
    p = weigh(x @ x.swapaxes(-1, -2) * scale, mask)

    def backward(dout):
        dp = dout @ x.swapaxes(-1, -2)
        dscores = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) * scale
        return p.swapaxes(-1, -2) @ dout + dscores @ x + dscores.swapaxes(-1, -2) @ x

    return p @ x, backward


def masked(scores, mask):
    """Weigh by softmax over what the mask allows."""
    return softmax_of(np.where(mask, scores, -np.inf))


def attention(x, mask):
    """Attend over x."""
    return attend(x, mask, masked)


def embedding(table, indices, padding):
    """Look rows up; add their gradients up again."""

    def backward(dout):
        dtable = np.zeros_like(table)
        np.add.at(dtable, indices, dout)
        dtable[padding] = 0
        return dtable

    return table[indices], backward


class Layers:
    """Right layers; parts can be replaced."""

    def __init__(self, **parts):
        right = {
            "softmax": softmax,
            "normalised_dense": normalised_dense,
            "batch_norm": BatchNorm,
            "attention": attention,
            "embedding": embedding,
        }
        for name, part in (right | parts).items():
            setattr(self, name, part)


def with_backward(layer, change):
    """Replace the backward pass of a layer by change(dout, out, backward, *arguments)."""

    def changed(*arguments):
        out, backward = layer(*arguments)
        return out, lambda dout: change(dout, out, backward, *arguments)

    return changed


def batch_norm_with(**parts):
    """Make a class of batch normalisation with some methods or fields replaced."""
    return type("Wrong", (BatchNorm,), parts)


def batch_variance_in_evaluation(self, x):
    """Normalise by the batch, as in training."""
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPSILON)


def by_running_averages(self, x):
    """Normalise by running averages in training too; they begin with the first batch."""
    if getattr(self, "begun", False):
        self.note(x.mean(axis=0), x.var(axis=0))
    else:
        self.begun, self.mean, self.variance = True, x.mean(axis=0), x.var(axis=0)
    return self.evaluate(x)


def noting_evaluation(self, x):
    """Note statistics in evaluation too."""
    out = (x - self.mean) / np.sqrt(self.variance + EPSILON)
    self.note(x.mean(axis=0), x.var(axis=0))
    return out


def constants_backward(dout, out, backward, W, x):
    """Treat mean and variance as constants."""
    z = x @ W
    return x.T @ (dout / np.sqrt(z.var(axis=0) + EPSILON))


def assigned(dout, out, backward, table, indices, padding):
    """Assign where gradients must add up."""
    dtable = np.zeros_like(table)
    dtable[indices] = dout
    dtable[padding] = 0
    return dtable


def with_padding(dout, out, backward, table, indices, padding):
    """Give the padding row its gradient."""
    dtable = np.zeros_like(table)
    np.add.at(dtable, indices, dout)
    return dtable


def unmasked_backward(dout, out, backward, x, mask):
    """Forget the mask in the backward pass."""
    return attend(x, np.ones_like(mask), masked)[1](dout)


def padding_as_query(x, mask):
    """Mask the rows of the scores instead of the columns; a row must see something."""
    return attention(x, mask.T | np.eye(len(mask), dtype=bool))


def masked_too_late(scores, mask):
    """Zero the weights after the softmax has summed over all."""
    return softmax_of(scores) * mask


LAYER_TWINS = [
    pytest.param("softmax-rows-sum-to-zero",
                 {"softmax": with_backward(softmax, lambda d, p, *_: p * (1 - p) * d)},
                 "of the gradient sums to", id="softmax-diagonal-only"),
    pytest.param("softmax-rows-sum-to-zero",
                 {"softmax": lambda z: (np.exp(z) / (1 + np.exp(z)), lambda d: 0 * d)},
                 "of the probabilities sums to", id="sigmoid-called-softmax"),
    pytest.param("softmax-rows-sum-to-zero",
                 {"softmax": lambda z: (softmax_of(z * np.abs(z)), softmax(z)[1])},
                 "what a shift of all logits changes", id="softmax-of-something-else"),
    pytest.param("normalisation-frees-the-scale",
                 {"normalised_dense": with_backward(normalised_dense, constants_backward)},
                 "<W, dL/dW> is", id="statistics-as-constants"),
    pytest.param("normalisation-frees-the-scale",
                 {"normalised_dense": lambda W, x: (x @ W - (x @ W).mean(0), lambda d: x.T @ d)},
                 "doubling the weights changes", id="mean-only"),
    pytest.param("batch-norm-standardises-in-training",
                 {"batch_norm": batch_norm_with(
                     train=lambda self, x: (x - x.mean(0)) / x.std(axis=0, ddof=1))},
                 "not 0 and 1", id="normalised-by-m-less-one"),
    pytest.param("batch-norm-standardises-in-training",
                 {"batch_norm": batch_norm_with(train=BatchNorm.evaluate)},
                 "not 0 and 1", id="running-statistics-in-training"),
    pytest.param("batch-norm-standardises-in-training",
                 {"batch_norm": batch_norm_with(train=by_running_averages)},
                 "not 0 and 1", id="running-averages-in-training"),
    pytest.param("batch-norm-evaluates-row-by-row",
                 {"batch_norm": batch_norm_with(evaluate=batch_variance_in_evaluation)},
                 "alone", id="batch-statistics-in-evaluation"),
    pytest.param("batch-norm-evaluates-row-by-row",
                 {"batch_norm": batch_norm_with(evaluate=noting_evaluation)},
                 "in evaluation feature", id="evaluation-notes-statistics"),
    pytest.param("batch-norm-learns-its-statistics",
                 {"batch_norm": batch_norm_with(note=lambda self, mean, variance: None)},
                 "the running statistics are not those of the batch", id="nothing-noted"),
    pytest.param("batch-norm-learns-its-statistics",
                 {"batch_norm": batch_norm_with(
                     note=lambda self, m, v: BatchNorm.note(self, m, np.sqrt(v)))},
                 "the running statistics are not those of the batch", id="deviation-noted"),
    pytest.param("attention-is-causal",
                 {"attention": lambda x, mask: attention(x, np.tril(np.ones_like(mask), 1))},
                 "when only later positions change", id="mask-off-by-one"),
    pytest.param("attention-is-causal",
                 {"attention": lambda x, mask: attend(x, mask, masked_too_late)},
                 "when only later positions change", id="masked-after-the-softmax"),
    pytest.param("attention-is-causal",
                 {"attention": with_backward(attention, unmasked_backward)},
                 "gets a gradient of", id="mask-forgotten-in-backward"),
    pytest.param("attention-ignores-padding",
                 {"attention": padding_as_query},
                 "when only padding change", id="mask-transposed"),
    pytest.param("attention-ignores-padding",
                 {"attention": with_backward(attention, unmasked_backward)},
                 "(padding)", id="padding-in-backward"),
    pytest.param("embedding-padding-gets-no-gradient",
                 {"embedding": with_backward(embedding, with_padding)},
                 "is padding and gets a gradient", id="padding-row-learns"),
    pytest.param("embedding-padding-gets-no-gradient",
                 {"embedding": with_backward(embedding, assigned)},
                 "its gradient is off their sum", id="repeated-rows-assigned"),
]  # fmt: skip
