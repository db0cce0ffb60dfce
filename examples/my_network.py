"""A network as one writes it for a course, and the ten lines that put it under the laws.

    gradcheck verify --laws examples/my_network.py:MyNetwork

Its gradient is right. Its cost takes the logarithm of a probability that may have rounded to 0 or
1, which no gradient check at ordinary weights can see: the law `cost-stays-finite` does.
"""

import numpy as np


def forward(weights, biases, x):
    """Return the activations of all layers: tanh, and a sigmoid at the end."""
    outputs = [x]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        outputs.append(np.tanh(outputs[-1] @ W + b))
    outputs.append(1 / (1 + np.exp(-(outputs[-1] @ weights[-1] + biases[-1]))))
    return outputs


def cost(weights, p, y, lambd):
    """Return the cross-entropy with an L2 term."""
    data = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / len(y)
    return data + lambd / (2 * len(y)) * sum(np.sum(W**2) for W in weights)


def backward(weights, outputs, y, lambd):
    """Return dW and db of all layers."""
    dz, dWs, dbs = (outputs[-1] - y) / len(y), [], []
    for W, a in zip(reversed(weights), reversed(outputs[:-1]), strict=True):
        dWs.insert(0, a.T @ dz + lambd / len(y) * W)
        dbs.insert(0, dz.sum(axis=0))
        dz = (dz @ W.T) * (1 - a**2)
    return dWs, dbs


class MyNetwork:
    """What the laws ask for, from what there is."""

    activation, loss = "tanh", "bce"

    def cost_and_gradient(self, params, inputs, targets, weight_decay):
        """Translate between W1, b1, W2, b2, ... and two lists."""
        weights = [v for k, v in params.items() if k.startswith("W")]
        biases = [v for k, v in params.items() if k.startswith("b")]
        outputs = forward(weights, biases, inputs)
        dWs, dbs = backward(weights, outputs, targets, weight_decay)
        gradient = {f"W{k}": d for k, d in enumerate(dWs, 1)}
        gradient |= {f"b{k}": d for k, d in enumerate(dbs, 1)}
        return cost(weights, outputs[-1], targets, weight_decay), gradient
