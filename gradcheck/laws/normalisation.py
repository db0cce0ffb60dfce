"""Normalisation and softmax: directions in which nothing changes, and two modes told apart.

Part of `laws`. Sources: Ioffe and Szegedy (2015), ICML; Salimans and Kingma (2016), NIPS 29, for
the gradient that is orthogonal to its weights.
"""

from __future__ import annotations

import numpy as np

from .protocol import Law, Outcome, Setting, broken, holds
from .subject import Array, Subject

IOFFE = "Ioffe and Szegedy (2015), Batch normalization, ICML"
SALIMANS = "Salimans and Kingma (2016), Weight normalization, NIPS 29"
GOODFELLOW = "Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.3"

ROUNDING = 1e-11
# Scale of what is normalised: the epsilon beside the variance, at most 1e-3 in the usual
# libraries, is then below 1e-9 of it.
LARGE = 1e3
EPSILON_LEFT = 1e-7  # of |W| |dW|: what such an epsilon may leave, with a hundredfold reserve
ROWS, INPUTS, UNITS = 16, 6, 4  # two rows or units alone are always normalised to 1 and -1
FEATURES = 3
# Passes over one batch until the running statistics are those of the batch: a momentum of 0.99
# leaves 0.99^4096 = 1e-18.
MOST_PASSES = 4096
CONVERGED = 1e-3


def softmax_rows_sum_to_zero(subject: Subject, setting: Setting) -> Outcome:
    """Sum probabilities and gradients over the classes, and add to all logits of a row."""
    rng = setting.rng()
    z, dout = rng.standard_normal((2, setting.m, setting.classes))
    p, backward = subject.softmax(z)
    dz, shifted = np.asarray(backward(dout)), np.asarray(subject.softmax(z + 5.0)[0])
    sums = {
        "the probabilities": np.sum(p, axis=1) - 1,
        "the gradient": np.sum(dz, axis=1),
        "what a shift of all logits changes": np.sum(np.abs(shifted - p), axis=1),
    }
    for what, off in sums.items():
        worst = int(np.argmax(np.abs(off)))
        if not abs(off[worst]) <= ROUNDING:
            right = int(what == "the probabilities")
            return broken(
                f"row {worst} of {what} sums to {off[worst] + right:.9g}, not to {right}",
                row=worst,
            )
    return holds("rows of the probabilities sum to 1, those of the gradient to 0")


def scale_of_weights_is_free(subject: Subject, setting: Setting) -> Outcome:
    """Double the weights under a normalisation, and compare the gradient with their direction.

    f(cW) = f(W) for all c, so <W, dL/dW> = 0.
    """
    rng = setting.rng()
    x = rng.standard_normal((ROWS, INPUTS))
    W = LARGE * rng.standard_normal((INPUTS, UNITS))
    out, backward = subject.normalised_dense(W, x)
    dout = rng.standard_normal(np.shape(out))
    dW, doubled = np.asarray(backward(dout)), np.asarray(subject.normalised_dense(2 * W, x)[0])
    change = float(np.max(np.abs(doubled - out)))
    if not change <= 1e-4:
        return broken(
            f"doubling the weights changes the normalised output by {change:.3g}", change=change
        )
    cosine = float(np.vdot(W, dW) / (np.linalg.norm(W) * np.linalg.norm(dW)))
    if not abs(cosine) <= EPSILON_LEFT:
        return broken(
            f"<W, dL/dW> is {cosine:.4g} of |W| |dL/dW|, not 0: the gradient would change the "
            f"scale of W, which the output does not depend on",
            cosine=cosine,
        )
    return holds(f"doubling W changes nothing, and <W, dL/dW> is {cosine:.1g} of |W| |dL/dW|")


def _batches(setting: Setting) -> tuple[np.random.Generator, Array]:
    """Draw rows whose features have means and scales of their own."""
    rng = setting.rng()
    scale = 10.0 ** rng.uniform(1, 3, FEATURES)
    return rng, scale * (rng.standard_normal((setting.m, FEATURES)) + rng.uniform(-1, 1, FEATURES))


def training_standardises(subject: Subject, setting: Setting) -> Outcome:
    """Look at mean and variance of each feature after normalisation in training.

    Another batch comes first: a layer that normalises by what it has noted so far has noted it.
    """
    rng, x = _batches(setting)
    layer = subject.batch_norm(FEATURES)
    layer.train(x + np.abs(x).max() * rng.uniform(1, 2, FEATURES))
    out = np.asarray(layer.train(x))
    mean, variance = out.mean(axis=0), out.var(axis=0)
    for k in range(FEATURES):
        # the epsilon takes its part of a variance that is small by chance
        left = 1 - 1e-3 / (1e-3 + float(x[:, k].var()))
        if not (abs(mean[k]) <= 1e-9 and left - 1e-9 <= variance[k] <= 1 + 1e-9):
            return broken(
                f"in training feature {k} of {setting.m} rows has the mean {mean[k]:.4g} and the "
                f"variance {variance[k]:.6g} after normalisation, not 0 and 1",
                mean=float(mean[k]),
                variance=float(variance[k]),
            )
    return holds(f"each feature of {setting.m} rows has mean 0 and variance 1 in training")


def evaluation_goes_row_by_row(subject: Subject, setting: Setting) -> Outcome:
    """Evaluate rows together, one by one, and again: no row may see another, or leave a trace."""
    rng, x = _batches(setting)
    layer = subject.batch_norm(FEATURES)
    layer.train(x)
    together = np.array(layer.evaluate(x))
    layer.evaluate(x + 10 * rng.standard_normal(x.shape))
    singly = np.concatenate([np.asarray(layer.evaluate(x[i : i + 1])) for i in range(len(x))])
    again = np.asarray(layer.evaluate(x))
    size = max(1.0, float(np.max(np.abs(together))))
    for what, other in (("alone", singly), ("after other rows were evaluated", again)):
        distance = np.abs(together - other)
        if not distance.max() <= ROUNDING * size:
            i, k = np.unravel_index(int(distance.argmax()), distance.shape)
            return broken(
                f"in evaluation feature {k} of row {i} is {together[i, k]:.6g} among "
                f"{setting.m} rows and {other[i, k]:.6g} {what}",
                row=int(i),
            )
    return holds("in evaluation a row's output depends on no other row")


def running_statistics_are_learnt(subject: Subject, setting: Setting) -> Outcome:
    """Train on one batch over and over: evaluation must come to agree with training.

    The running variance may be that over m or over m - 1 rows; both are in use.
    """
    _, x = _batches(setting)
    layer = subject.batch_norm(FEATURES)
    trained = np.array(layer.train(x))
    factors = (1.0, np.sqrt((setting.m - 1) / setting.m))
    passes = 1
    while passes < MOST_PASSES:
        for _ in range(passes):
            layer.train(x)
        passes *= 2
        evaluated = np.asarray(layer.evaluate(x))
        off = [float(np.max(np.abs(evaluated - c * trained))) for c in factors]
        if min(off) <= CONVERGED:
            return holds(f"evaluation agrees with training after {passes} passes over one batch")
    return broken(
        f"after {passes} passes over one batch evaluation differs from training by {min(off):.3g}, "
        f"where features have variance 1: the running statistics are not those of the batch",
        off=min(off),
    )


LAWS = (
    Law(
        "softmax-rows-sum-to-zero",
        "Softmax's rows sum to 1, and the rows of its gradient to 0.",
        GOODFELLOW,
        ("softmax",),
        softmax_rows_sum_to_zero,
    ),
    Law(
        "normalisation-frees-the-scale",
        "Under a normalisation the scale of W is free: f(cW) = f(W) and <W, dL/dW> = 0.",
        SALIMANS,
        ("normalised_dense",),
        scale_of_weights_is_free,
    ),
    Law(
        "batch-norm-standardises-in-training",
        "In training batch normalisation gives each feature mean 0 and variance 1 over the batch.",
        IOFFE,
        ("batch_norm",),
        training_standardises,
    ),
    Law(
        "batch-norm-evaluates-row-by-row",
        "In evaluation batch normalisation is a fixed map of each row, and notes nothing.",
        IOFFE,
        ("batch_norm",),
        evaluation_goes_row_by_row,
    ),
    Law(
        "batch-norm-learns-its-statistics",
        "Training moves the running statistics of batch normalisation towards those of the batch.",
        IOFFE,
        ("batch_norm",),
        running_statistics_are_learnt,
    ),
)
