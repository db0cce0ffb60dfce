"""A classifier of dense layers with its backward pass, in the arithmetic of its parameters.

Owns the network that the network families differentiate: it computes in float32, float64 or
extended precision, whichever the parameters have, so that the truth comes from the same lines.
Shapes: m rows, layer widths n0 .. nL.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EPSILON = 1e-5  # of batch normalisation


@dataclass(frozen=True, eq=False)
class Classifier:
    """Dense layers under a softmax cross-entropy.

    Attributes
    ----------
    inputs, labels : arrays
        (m, n0) and (m,).
    depth : int
        Dense layers.
    activation : str
        "relu" or "tanh".
    sharpness : float
        Multiplies the logits; a large one saturates the softmax.
    mask : array or None
        A frozen dropout mask on the first hidden layer, (m, n1).
    """

    inputs: np.ndarray
    labels: np.ndarray
    depth: int
    activation: str = "relu"
    sharpness: float = 1.0
    mask: np.ndarray | None = None

    def loss(self, p):
        """Return the mean cross-entropy, in the dtype of the parameters."""
        return self._forward(p)[0]

    def grad(self, p):
        """Return the gradient, one array a parameter."""
        return self._backward(p, self._forward(p)[1])

    def _forward(self, p):
        a, caches = self.inputs, []
        for k in range(1, self.depth + 1):
            z, normal = a @ p[f"W{k}"] + p[f"b{k}"], None  # (m, nk)
            if k == 1 and "gain" in p:
                z, normal = batch_norm_forward(z, p["gain"], p["shift"])
            caches.append((a, z, normal))
            a = z if k == self.depth else self._activate(z)
            if k == 1 and self.mask is not None:
                a = a * self.mask
        loss, probabilities = cross_entropy_forward(a * self.sharpness, self.labels)
        return loss, (caches, probabilities)

    def _backward(self, p, cache):
        caches, probabilities = cache
        dz = cross_entropy_backward(probabilities, self.labels) * self.sharpness
        grads = {}
        for k in range(self.depth, 0, -1):
            a, z, normal = caches[k - 1]
            if k < self.depth:
                da = dz @ p[f"W{k + 1}"].T  # (m, nk)
                if k == 1 and self.mask is not None:
                    da = da * self.mask
                dz = da * self._slope(z)
            if normal is not None:
                dz, grads["gain"], grads["shift"] = batch_norm_backward(dz, p["gain"], normal)
            grads[f"W{k}"], grads[f"b{k}"] = a.T @ dz, dz.sum(axis=0)
        return {name: grads[name] for name in p}

    def _activate(self, z):
        return np.maximum(z, 0) if self.activation == "relu" else np.tanh(z)

    def _slope(self, z):
        return (z > 0).astype(z.dtype) if self.activation == "relu" else 1 - np.tanh(z) ** 2


def batch_norm_forward(z, gain, shift):
    """Normalise each column over the rows: z (m, n), gain (n,), shift (n,)."""
    centred = z - z.mean(axis=0)
    inverse_std = 1 / np.sqrt((centred**2).mean(axis=0) + EPSILON)  # (n,)
    normed = centred * inverse_std
    return normed * gain + shift, (normed, inverse_std)


def batch_norm_backward(dout, gain, cache):
    """Return dz (m, n), dgain (n,), dshift (n,)."""
    normed, inverse_std = cache
    dnormed = dout * gain
    dz = dnormed - dnormed.mean(axis=0) - normed * (dnormed * normed).mean(axis=0)
    return dz * inverse_std, (dout * normed).sum(axis=0), dout.sum(axis=0)


def cross_entropy_forward(z, labels):
    """Return the mean of log sum exp z - z[label], and the probabilities (m, n)."""
    shifted = z - z.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)  # (m, 1)
    rows = np.arange(len(labels))
    return (np.log(total[:, 0]) - shifted[rows, labels]).mean(), e / total


def cross_entropy_backward(probabilities, labels):
    """Return dz (m, n)."""
    dz = probabilities.copy()
    dz[np.arange(len(labels)), labels] -= 1
    return dz / len(labels)
