"""The targets of a loss: that they fit the prediction, in shape, labels and dtype.

Owns: target_like, labels_of, require_rows. Does not own any loss. Place: a leaf under `losses`,
`class_losses` and `comparisons`. Letters: m = rows of the batch, n_out = outputs, k = classes.
"""

import numpy as np

from .arrays import Array


def target_like(prediction: Array, target: Array) -> Array:
    """Return the target in the dtype of the prediction; shapes are never broadcast."""
    require_rows(prediction)
    if np.shape(target) != prediction.shape:
        raise ValueError(
            f"target has shape {np.shape(target)} but the prediction has {prediction.shape}; "
            "they must be equal, so reshape the target, for example with target[:, None]"
        )
    return np.asarray(target).astype(prediction.dtype)


def labels_of(prediction: Array, target: Array) -> Array:
    """Return the target as integer labels (m,); a negative label would count from the end."""
    require_rows(prediction)
    m, k = prediction.shape
    labels = np.asarray(target)
    if labels.shape != (m,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"target has shape {labels.shape} and dtype {labels.dtype}, but this loss "
            f"needs {m} integer labels; turn one-hot rows into labels with target.argmax(axis=1)"
        )
    if labels.min() < 0 or labels.max() >= k:
        raise ValueError(
            f"target has labels from {labels.min()} to {labels.max()}, but the prediction has "
            f"{k} columns; number the classes 0..{k - 1}, or give the network more outputs"
        )
    return labels


def require_rows(prediction: Array) -> None:
    """Raise ValueError unless the prediction is floating, (m, n_out) with m >= 1."""
    if prediction.ndim != 2 or len(prediction) == 0:
        raise ValueError(
            f"prediction has shape {prediction.shape}, but a loss needs (m, n_out) with m >= 1; "
            "give a single row as prediction[None, :]"
        )
    if prediction.dtype.kind not in "fc":
        raise ValueError(
            f"prediction has dtype {prediction.dtype}, but a loss needs a floating one; "
            "convert it with prediction.astype(float)"
        )
