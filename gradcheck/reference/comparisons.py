"""How far two arrays are apart: the Huber loss, the Kullback-Leibler divergence, the cosine.

Owns: `<name>_forward` and `<name>_backward` of each. Does not own the squared error (see `losses`).
Place: above `softmax` and `targets`. Letters: m = rows of the batch, n = columns, k = classes.
"""

import numpy as np

from .arrays import Array, Cache, Scalar
from .softmax import log_softmax_forward
from .targets import target_like


def huber_forward(prediction: Array, target: Array, delta: float = 1.0) -> tuple[Scalar, Cache]:
    """Compute the Huber loss: squared error up to delta, linear beyond it.

    The mean over rows of the sum over outputs of d^2 / 2 where `|d| <= delta`, and of
    `delta (|d| - delta / 2)` elsewhere, for d = prediction - target.
    Source: Huber (1964), Annals of Mathematical Statistics 35(1), section 9.

    Parameters
    ----------
    prediction, target : Array
        Shape (m, n) both, or ValueError; the target is taken in the dtype of the prediction.
    delta : float
        Above 0, or ValueError.

    Returns
    -------
    cost : Scalar
        Of the dtype of the prediction.
    cache : tuple
        (d, delta).

    Examples
    --------
    >>> cost, cache = huber_forward(np.array([[0.5, 3.0]]), np.zeros((1, 2)))
    >>> float(cost)
    2.625
    """
    if not delta > 0:
        raise ValueError(f"delta={delta}, but it must be above 0; use delta=1.0")
    d = prediction - target_like(prediction, target)  # (m, n)
    size = np.where(d >= 0, d, -d)  # (m, n): |d|
    terms = np.where(size <= delta, d * d / 2, delta * (size - delta / 2))  # (m, n)
    cost: Scalar = terms.sum(axis=1).mean()
    return cost, (d, delta)


def huber_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, n): d, but no further from 0 than delta, over m, times dcost."""
    d, delta = cache
    m = len(d)
    slope = np.clip(d, -delta, delta)  # (m, n); forward: d^2 / 2, delta |d| beyond
    dprediction: Array = dcost * (slope / m)  # forward: mean over m
    return dprediction


def kl_divergence_forward(prediction: Array, target: Array) -> tuple[Scalar, Cache]:
    """Compute the divergence of the softmax of logits from a given distribution.

    The mean over rows of sum_k t_k (log t_k - log softmax(z)_k); an entry t_k = 0 adds 0.
    Source: Kullback & Leibler (1951), Annals of Mathematical Statistics 22(1), equation 2.4.

    Parameters
    ----------
    prediction : Array
        Logits z, shape (m, k).
    target : Array
        Probabilities t, shape (m, k), each at least 0, or ValueError. Rows are not rescaled.

    Returns
    -------
    cost : Scalar
        Of the dtype of the prediction.
    cache : tuple
        (log-softmax of z, t).

    Examples
    --------
    >>> cost, cache = kl_divergence_forward(np.zeros((1, 2)), np.array([[1.0, 0.0]]))
    >>> round(float(cost), 6)
    0.693147
    """
    t = target_like(prediction, target)  # (m, k)
    if not np.all(t >= 0):
        raise ValueError(
            f"target has entries down to {t.real.min()}, but probabilities are at least 0; give "
            "probabilities, not their logarithms"
        )
    log_p, _ = log_softmax_forward(prediction)  # (m, k)
    log_t = np.log(np.where(t > 0, t, 1))  # (m, k); t log t goes to 0 with t
    cost: Scalar = (t * (log_t - log_p)).sum(axis=1).mean()
    return cost, (log_p, t)


def kl_divergence_backward(dcost: float | Scalar, cache: Cache) -> Array:
    """Compute dprediction (m, k): (softmax(z) sum_k t_k - t) / m, times dcost."""
    log_p, t = cache
    m = len(t)
    # forward: - t log_p = - t z + (sum_k t_k) log sum exp z, whose derivative is the softmax
    dz = np.exp(log_p) * t.sum(axis=1, keepdims=True) - t  # (m, k)
    dprediction: Array = dcost * (dz / m)  # forward: mean over m
    return dprediction


def cosine_similarity_forward(a: Array, b: Array) -> tuple[Array, Cache]:
    """Compute the cosine of the angle between each row of a and the same row of b.

    Parameters
    ----------
    a, b : Array
        Shape (m, n) both. ValueError where they differ, or a row is zero and has no direction.

    Returns
    -------
    out : Array
        Shape (m,), from -1 to 1 up to rounding.
    cache : tuple
        (unit rows of a, of b, their lengths, out).

    Examples
    --------
    >>> out, cache = cosine_similarity_forward(np.array([[3.0, 0.0]]), np.array([[1.0, 1.0]]))
    >>> out.round(6)
    array([0.707107])
    """
    if np.ndim(a) != 2 or np.shape(a) != np.shape(b):
        raise ValueError(f"a has shape {np.shape(a)} and b {np.shape(b)}; both must be (m, n)")
    (unit_a, length_a), (unit_b, length_b) = _unit("a", a), _unit("b", b)  # (m, n), (m, 1)
    out = (unit_a * unit_b).sum(axis=1)  # (m,)
    return out, (unit_a, unit_b, length_a, length_b, out)


def cosine_similarity_backward(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """Compute da and db (m, n) from dout (m,): at right angles to a and to b."""
    unit_a, unit_b, length_a, length_b, out = cache
    dout, cosine = dout[:, None], out[:, None]  # (m, 1)
    # forward: out = sum(unit_a unit_b); the change along the row itself is lost in unit = a / |a|
    db = dout * (unit_a - cosine * unit_b) / length_b  # (m, n)
    da = dout * (unit_b - cosine * unit_a) / length_a  # (m, n)
    return da, db


def _unit(name: str, rows: Array) -> tuple[Array, Array]:
    """Return each row divided by its length, (m, n), and the lengths (m, 1)."""
    largest = np.abs(rows.real).max(axis=1, keepdims=True, initial=0)  # (m, 1)
    if not np.all(largest > 0):
        row = int(np.argmin(largest > 0))
        raise ValueError(
            f"{name}[{row}] is zero, which has no direction and no cosine; leave such rows out"
        )
    scaled = rows / largest  # (m, n); its squares neither overflow nor vanish
    length = np.sqrt((scaled * scaled).sum(axis=1, keepdims=True))  # (m, 1)
    return scaled / length, length * largest
