"""Losses: one number from the predictions and the targets of a batch.

Owns: `<name>_forward` and `<name>_backward` of each loss, and the table LOSSES. Does not own the
L2 term (see `regularisation`). Place: above `softmax` and `targets`, under `network`.
Every loss is the mean over the m rows of the sum over the n_out outputs.
Letters: m = rows of the batch, n_out = outputs, k = classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .activations import sigmoid_forward
from .arrays import Array, Cache, Scalar
from .softmax import log_softmax_forward
from .targets import labels_of, target_like


@dataclass(frozen=True)
class Loss:
    """A forward function (prediction, target) -> cost with the backward that belongs to it."""

    name: str
    forward: Callable[[Array, Array], tuple[Scalar, Cache]]
    backward: Callable[[float | Scalar, Cache], Array]


def bce_with_logits_forward(prediction: Array, target: Array) -> tuple[Scalar, Cache]:
    """Compute the binary cross-entropy of logits, stable for every logit.

    Raises ValueError where shapes differ, the batch is empty or the prediction not floating.

    Parameters
    ----------
    prediction : Array
        Logits z, shape (m, n_out).
    target : Array
        0 or 1, shape (m, n_out); taken in the dtype of the prediction.

    Returns
    -------
    cost : Scalar
        Mean over rows of the sum over outputs of -(y log s(z) + (1 - y) log(1 - s(z))).
    cache : tuple
        (z, y).

    Examples
    --------
    >>> import numpy as np
    >>> cost, cache = bce_with_logits_forward(np.array([[800.0], [0.0]]), np.array([[0], [1]]))
    >>> round(float(cost), 6)
    400.346574
    """
    z, y = prediction, target_like(prediction, target)
    # max(z, 0) - z y + log(1 + exp(-|z|)): no term overflows, none is the log of 0
    terms = np.maximum(z, 0) - z * y + np.log1p(np.exp(np.minimum(z, -z)))  # (m, n_out)
    cost: Scalar = terms.sum(axis=1).mean()
    return cost, (z, y)


def bce_with_logits_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, n_out): (sigmoid(z) - y) / m, times dcost."""
    z, y = cache
    m = len(z)
    probability, _ = sigmoid_forward(z)  # (m, n_out)
    dz = (probability - y) / m  # forward: mean over m of max(z, 0) - z y + log1p(exp(-|z|))
    dprediction: Array = dcost * dz
    return dprediction


def bce_from_probabilities_forward(prediction: Array, target: Array) -> tuple[Scalar, Cache]:
    """Compute the binary cross-entropy of probabilities, in the naive form.

    Kept to show how it fails: a probability that has rounded to 0 or 1 gives log(0), so the
    cost is inf or NaN, and NumPy warns; nothing here hides that. Use `bce_with_logits_forward`.
    Raises ValueError where shapes differ, the batch is empty or the prediction not floating.

    Parameters
    ----------
    prediction : Array
        Probabilities p strictly between 0 and 1, shape (m, n_out).
    target : Array
        0 or 1, shape (m, n_out); taken in the dtype of the prediction.

    Returns
    -------
    cost : Scalar
        Mean over rows of the sum over outputs of -(y log p + (1 - y) log(1 - p)).
    cache : tuple
        (p, y).
    """
    p, y = prediction, target_like(prediction, target)
    terms = -(y * np.log(p) + (1 - y) * np.log(1 - p))  # (m, n_out)
    cost: Scalar = terms.sum(axis=1).mean()
    return cost, (p, y)


def bce_from_probabilities_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, n_out): (-y / p + (1 - y) / (1 - p)) / m, times dcost."""
    p, y = cache
    m = len(p)
    dp = (-y / p + (1 - y) / (1 - p)) / m  # forward: mean of -(y log p + (1 - y) log(1 - p))
    dprediction: Array = dcost * dp
    return dprediction


def softmax_cross_entropy_forward(prediction: Array, target: Array) -> tuple[Scalar, Cache]:
    """Compute the cross-entropy of the softmax of logits, stable for every logit.

    Raises ValueError where labels are not m integers in 0..k-1 or the prediction not floating.

    Parameters
    ----------
    prediction : Array
        Logits z, shape (m, k).
    target : Array
        Integer labels in 0..k-1, shape (m,).

    Returns
    -------
    cost : Scalar
        Mean over rows of -log softmax(z)[label].
    cache : tuple
        (log-softmax of z, labels).

    Examples
    --------
    >>> import numpy as np
    >>> cost, cache = softmax_cross_entropy_forward(np.array([[0.0, 0.0]]), np.array([1]))
    >>> round(float(cost), 6)
    0.693147
    """
    labels = labels_of(prediction, target)  # (m,)
    log_p, _ = log_softmax_forward(prediction)  # (m, k)
    cost: Scalar = -log_p[np.arange(len(labels)), labels].mean()
    return cost, (log_p, labels)


def softmax_cross_entropy_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, k): (softmax(z) - one_hot(label)) / m, times dcost."""
    log_p, labels = cache
    m = len(labels)
    dz = np.exp(log_p)  # (m, k); forward: - log_p = - z + log sum exp z, the second term: softmax
    dz[np.arange(m), labels] -= 1  # the first term: -1 in the column of the label
    dprediction: Array = dcost * dz / m  # forward: mean over m
    return dprediction


def mse_forward(prediction: Array, target: Array) -> tuple[Scalar, Cache]:
    """Compute half the squared error: mean over rows of the sum over outputs of (p - t)^2 / 2.

    prediction and target have shape (m, n_out); the target is taken in the dtype of the
    prediction. The half makes the derivative (p - t) / m. The cache is p - t.
    Raises ValueError where the shapes differ, the batch is empty or the prediction not floating.

    Examples
    --------
    >>> import numpy as np
    >>> cost, cache = mse_forward(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]]))
    >>> float(cost)
    2.5
    """
    difference = prediction - target_like(prediction, target)  # (m, n_out)
    cost: Scalar = (difference * difference / 2).sum(axis=1).mean()
    return cost, difference


def mse_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, n_out): (p - t) / m, times dcost."""
    difference = cache
    m = len(difference)
    dprediction: Array = dcost * difference / m  # forward: mean over m of difference^2 / 2
    return dprediction


LOSSES: Mapping[str, Loss] = {
    "bce_with_logits": Loss("bce_with_logits", bce_with_logits_forward, bce_with_logits_backward),
    "bce_from_probabilities": Loss(
        "bce_from_probabilities", bce_from_probabilities_forward, bce_from_probabilities_backward
    ),
    "softmax_cross_entropy": Loss(
        "softmax_cross_entropy", softmax_cross_entropy_forward, softmax_cross_entropy_backward
    ),
    "mse": Loss("mse", mse_forward, mse_backward),
}
"""The losses that a network can be given by name."""
