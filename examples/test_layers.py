"""Two layers under test, as a project would have them: `pytest examples/test_layers.py`."""

import numpy as np

RNG = np.random.default_rng(0)


def dense(p):
    """Forward: an affine map."""
    return p["x"] @ p["W"] + p["b"]


def dense_backward(p, dout):
    """Backward."""
    return {"x": dout @ p["W"].T, "W": p["x"].T @ dout, "b": dout.sum(axis=0)}


def softplus(x):
    """Forward: log(1 + exp(x)), without overflow."""
    return np.logaddexp(0, x)


def softplus_backward(x, dout):
    """Backward."""
    return dout / (1 + np.exp(-x))


def test_dense(gradcheck):
    """All three inputs are leaves of one point."""
    point = {"x": RNG.normal(size=(4, 3)), "W": RNG.normal(size=(3, 2)), "b": RNG.normal(size=2)}
    gradcheck.vjp(dense, dense_backward, point)


def test_softplus(gradcheck):
    """Entry by entry."""
    gradcheck.vjp(softplus, softplus_backward, RNG.normal(size=5))
