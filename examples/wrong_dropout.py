"""A backward pass that forgets the dropout mask.

Run `gradcheck verify examples/wrong_dropout.py:problem`.

The forward pass drops hidden units and divides the others by keep_prob. The backward pass divides
by keep_prob too, but sends gradient through the units that were dropped. The output layer does not
notice; everything below the dropout is wrong.
"""

import numpy as np

import gradcheck

KEEP_PROB = 0.5
data = np.random.default_rng(0)
X, Y = data.standard_normal((20, 4)), data.standard_normal((20, 3))
masks = np.random.default_rng(1)  # draws a new mask at every call; the check holds it still


def forward(p):
    """Return the output and what the backward pass needs."""
    hidden = np.tanh(X @ p["W1"] + p["b1"])
    mask = masks.random(hidden.shape) < KEEP_PROB
    dropped = hidden * mask / KEEP_PROB
    return dropped @ p["W2"] + p["b2"], (hidden, mask, dropped)


def cost(p):
    """Half the mean squared error."""
    out, _ = forward(p)
    return np.sum((out - Y) ** 2) / (2 * len(X))


def gradient(p):
    """Backpropagate, without the mask."""
    out, (hidden, _mask, dropped) = forward(p)
    dout = (out - Y) / len(X)
    dhidden = dout @ p["W2"].T / KEEP_PROB  # should be: * _mask / KEEP_PROB
    dz = dhidden * (1 - hidden**2)
    return {
        "W1": X.T @ dz,
        "b1": dz.sum(axis=0),
        "W2": dropped.T @ dout,
        "b2": dout.sum(axis=0),
    }


start = {
    "W1": data.standard_normal((4, 6)) / 2,
    "b1": np.zeros(6),
    "W2": data.standard_normal((6, 3)) / 2,
    "b2": np.zeros(3),
}
problem = gradcheck.Problem(cost, gradient, start, name="dropout", random=masks)
