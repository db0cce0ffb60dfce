"""Losses of classes: cross-entropy with its two usual extras, the focal loss, the hinge.

Owns: `<name>_forward` and `<name>_backward` of each. Does not own the plain losses that a network
is given by name (see `losses`). Place: above `softmax` and `targets`.
Every loss is a mean over rows. Letters: m = rows of the batch, k = classes.
"""

import numpy as np

from .arrays import Array, Cache, Scalar
from .softmax import log_softmax_forward
from .targets import labels_of


def cross_entropy_forward(
    prediction: Array, target: Array, ignore_label: int | None = None, smoothing: float = 0.0
) -> tuple[Scalar, Cache]:
    """Compute the cross-entropy of logits with smoothed labels, over the rows that have a label.

    Smoothing gives the share `smoothing` of each row to all classes alike, the label's included.
    Source: Szegedy et al. (2015), arXiv:1512.00567, section 7.

    Parameters
    ----------
    prediction : Array
        Logits z, shape (m, k).
    target : Array
        Integer labels in 0..k-1, shape (m,).
    ignore_label : int, optional
        Rows with this label do not count, neither in the sum nor in the number of rows that it is
        divided by. It may lie outside of 0..k-1. ValueError where no row is left.
    smoothing : float
        In [0, 1], or ValueError.

    Returns
    -------
    cost : Scalar
        Mean over the rows that count of -sum_k q_k log softmax(z)_k, with the smoothed labels q.
    cache : tuple
        (log-softmax of z, q): q is zero in rows that do not count, else 1 over their number in sum.

    Examples
    --------
    >>> z, labels = np.array([[0.0, 0.0], [3.0, 5.0]]), np.array([1, -100])
    >>> cost, cache = cross_entropy_forward(z, labels, ignore_label=-100)
    >>> round(float(cost), 6)
    0.693147
    """
    if not 0 <= smoothing <= 1:
        raise ValueError(
            f"smoothing={smoothing}, but it is a share and must lie in [0, 1]; use smoothing=0.1"
        )
    target = np.asarray(target)
    counts = np.ones(target.shape, dtype=bool) if ignore_label is None else target != ignore_label
    labels = labels_of(prediction, np.where(counts, target, 0))  # (m,)
    if not counts.any():
        raise ValueError(
            f"target has the label ignore_label={ignore_label} in all {len(labels)} rows, so that "
            "there is nothing to take the mean of; leave such a batch out"
        )
    m, k = prediction.shape
    q = np.full((m, k), smoothing / k, dtype=prediction.real.dtype)  # (m, k)
    q[np.arange(m), labels] += 1 - smoothing
    q = q * counts[:, None] / q.dtype.type(counts.sum())  # (m, k); the mean over what counts
    log_p, _ = log_softmax_forward(prediction)  # (m, k)
    cost: Scalar = -(q * log_p).sum()
    return cost, (log_p, q)


def cross_entropy_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, k): (softmax(z) - smoothed label) / rows that count, times dcost."""
    log_p, q = cache
    # forward: - q log_p = - q z + (sum_k q_k) log sum exp z, whose derivative is the softmax
    dz = np.exp(log_p) * q.sum(axis=1, keepdims=True) - q  # (m, k)
    dprediction: Array = dcost * dz
    return dprediction


def focal_forward(prediction: Array, target: Array, focus: float = 2.0) -> tuple[Scalar, Cache]:
    """Compute the focal loss of logits: mean over rows of -(1 - p)^focus log p, p of the label.

    Rows that are right already count for little; focus = 0 is the cross-entropy.
    Source: Lin et al. (2017), arXiv:1708.02002, equation 4 (gamma there), for k classes.

    Parameters
    ----------
    prediction, target : Array
        Logits (m, k) and integer labels (m,), or ValueError.
    focus : float
        At least 0, or ValueError.

    Returns
    -------
    cost : Scalar
        Of the dtype of the prediction.
    cache : tuple
        (log-softmax of z, labels, focus).

    Examples
    --------
    >>> cost, cache = focal_forward(np.array([[0.0, 0.0]]), np.array([1]))
    >>> round(float(cost), 6) == round(0.25 * 0.693147, 6)
    True
    """
    if not focus >= 0:
        raise ValueError(f"focus={focus}, but it must be at least 0; use focus=2.0")
    labels = labels_of(prediction, target)  # (m,)
    log_p, _ = log_softmax_forward(prediction)  # (m, k)
    log_right = log_p[np.arange(len(labels)), labels]  # (m,)
    # expm1, for 1 - exp would cancel where p is nearly 1
    cost: Scalar = (-((-np.expm1(log_right)) ** focus) * log_right).mean()
    return cost, (log_p, labels, focus)


def focal_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, k); finite for every focus, also where p rounds to 1."""
    log_p, labels, focus = cache
    m = len(labels)
    rows = np.arange(m)
    log_right = log_p[rows, labels]  # (m,)
    missed = -np.expm1(log_right)  # (m,): 1 - p
    # log p / (1 - p) goes to -1 as p goes to 1
    ratio = np.divide(log_right, missed, out=-np.ones_like(missed), where=missed > 0)  # (m,)
    # forward: -(1 - p)^focus log p; d/dlog p of the first factor is -focus (1 - p)^(focus - 1) p
    slope = missed**focus * (focus * np.exp(log_right) * ratio - 1) / m  # (m,)
    # forward: log p = z - log sum exp z
    dz = -slope[:, None] * np.exp(log_p)  # (m, k)
    dz[rows, labels] += slope
    dprediction: Array = dcost * dz
    return dprediction


def hinge_forward(prediction: Array, target: Array, margin: float = 1.0) -> tuple[Scalar, Cache]:
    """Compute the hinge of k classes: how far other scores come within the margin of the label's.

    The mean over rows of the sum over all other classes j of max(0, margin + s_j - s_label).
    PyTorch's multi_margin_loss is this divided by k. Source: Weston & Watkins (1999), Support
    vector machines for multi-class pattern recognition, ESANN, equation 7 with margin 2.

    Parameters
    ----------
    prediction, target : Array
        Scores s (m, k) and integer labels (m,), or ValueError.
    margin : float
        At least 0, or ValueError.

    Returns
    -------
    cost : Scalar
        Of the dtype of the prediction.
    cache : tuple
        (active (m, k), labels, dtype): active are the classes that come too near, never the label.

    Examples
    --------
    >>> cost, cache = hinge_forward(np.array([[3.0, 2.5, 0.0]]), np.array([0]))
    >>> float(cost)
    0.5
    """
    if not margin >= 0:
        raise ValueError(f"margin={margin}, but it must be at least 0; use margin=1.0")
    labels = labels_of(prediction, target)  # (m,)
    rows = np.arange(len(labels))
    excess = margin + prediction - prediction[rows, labels][:, None]  # (m, k)
    active = excess > 0  # (m, k)
    active[rows, labels] = False
    cost: Scalar = np.where(active, excess, 0).sum(axis=1).mean()
    return cost, (active, labels, prediction.dtype)


def hinge_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, k). By convention a class at the very margin has none."""
    active, labels, dtype = cache
    m = len(labels)
    ds = active.astype(dtype)  # (m, k); forward: + s_j where active
    ds[np.arange(m), labels] = -active.sum(axis=1)  # forward: - s_label, once for each active class
    dprediction: Array = dcost * (ds / m)  # forward: mean over m
    return dprediction
