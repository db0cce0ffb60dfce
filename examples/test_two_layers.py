"""The network of the tutorial under test: its gradient, and the laws, one test each.

    python -m pytest examples/test_two_layers.py
    gradcheck verify examples/test_two_layers.py:problem

It is the mended one: see docs/tutorial.md for how it came to be.
"""

import numpy as np

import gradcheck
from gradcheck import laws

data = np.random.default_rng(0)
X, Y = data.standard_normal((20, 5)), data.integers(0, 3, size=20)


class MyNetwork:
    """Hidden layers with tanh, a softmax, the cross-entropy with an L2 term."""

    activation, loss = "tanh", "softmax"

    def cost_and_gradient(self, p, inputs, targets, weight_decay):
        """Return the mean cost over the m rows, and its gradient."""
        m, depth = len(inputs), len(p) // 2
        h = [inputs]
        for k in range(1, depth):
            h.append(np.tanh(h[-1] @ p[f"W{k}"] + p[f"b{k}"]))
        z = h[-1] @ p[f"W{depth}"] + p[f"b{depth}"]
        z -= z.max(axis=1, keepdims=True)
        logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        cost = -np.mean(logs[np.arange(m), targets])
        cost += weight_decay / (2 * m) * sum(np.sum(p[f"W{k}"] ** 2) for k in range(1, depth + 1))

        gradient = {}
        dz = np.exp(logs)
        dz[np.arange(m), targets] -= 1
        dz /= m
        for k in range(depth, 0, -1):
            gradient[f"W{k}"] = h[k - 1].T @ dz + weight_decay / m * p[f"W{k}"]
            gradient[f"b{k}"] = dz.sum(axis=0)
            dz = dz @ p[f"W{k}"].T * (1 - h[k - 1] ** 2)
        return cost, gradient


def cost_and_gradient(p):
    """Return both for the data of this file."""
    return MyNetwork().cost_and_gradient(p, X, Y, weight_decay=2.0)


params = {
    "W1": data.standard_normal((5, 4)),
    "b1": 0.1 * data.standard_normal(4),
    "W2": data.standard_normal((4, 3)),
    "b2": 0.1 * data.standard_normal(3),
}
problem = gradcheck.Problem(cost_and_gradient, True, params, name="two layers")


def test_gradient(gradcheck):
    """The gradient is that of the cost."""
    gradcheck(cost_and_gradient, True, params)


@laws.parametrize(MyNetwork())
def test_laws(subject, law):
    """The network does what theory says."""
    law(subject)
