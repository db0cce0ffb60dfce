"""The L2 penalty on weights.

Owns: l2_forward and l2_backward. Does not own the decay of AdamW, which is no term of the cost
(see `optimisers`). Place: a leaf under `network`. Letters: m = rows of the batch.
"""

from collections.abc import Sequence

import numpy as np

from .arrays import Array, Cache, Scalar


def l2_forward(weights: Sequence[Array], weight_decay: float, m: int) -> tuple[Scalar, Cache]:
    """Compute weight_decay / (2 m) times the sum of all squared weights.

    Parameters
    ----------
    weights : sequence of Array
        W1, W2, ... of any shapes and one dtype. Biases are free: they are not passed.
    weight_decay : float
        The course's lambda.
    m : int
        Rows of the batch.

    Returns
    -------
    penalty : Scalar
        Of the weights' dtype. The square is W W, not `|W|^2`: analytic for complex W.
    cache : tuple
        (weights, weight_decay / m).

    Examples
    --------
    >>> import numpy as np
    >>> penalty, cache = l2_forward([np.array([[1.0, 2.0]])], weight_decay=0.4, m=2)
    >>> float(penalty)
    0.5
    """
    scale = weight_decay / m
    # The dot product squares and adds in one pass, without an array of squares.
    total = np.sum([np.dot(W.ravel(), W.ravel()) for W in weights])
    penalty: Scalar = total.dtype.type(scale / 2) * total  # float * float32 would be a float64
    return penalty, (tuple(weights), scale)


def l2_backward(dcost: float | Scalar, cache: Cache) -> tuple[Array, ...]:
    """Compute dW for each of the weights, in their order: weight_decay / m * W, times dcost."""
    weights, scale = cache
    return tuple((dcost * scale) * W for W in weights)  # forward: scale / 2 * sum W^2
