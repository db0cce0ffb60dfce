"""Networks as courses write them: parameters, caches and gradients in the object itself."""

from itertools import pairwise

import numpy as np

RNG = np.random.default_rng(20)
X = RNG.standard_normal((7, 4))
Y = RNG.integers(0, 3, size=7)
T = RNG.standard_normal((7, 3))


def weights(*shape, seed=1):
    """Draw weights that are neither zero nor symmetric."""
    return 0.5 * np.random.default_rng(seed).standard_normal(shape)


def softmax_loss(scores, y):
    """Return the mean cross-entropy, and its gradient by scores."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(len(y)), y]))
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


class TwoLayerNet:
    """A dict of parameters; the loss returns its gradients (CS231n)."""

    def __init__(self, reg=0.1):
        self.reg = reg
        self.params = {
            "W1": weights(4, 5),
            "b1": weights(5, seed=2),
            "W2": weights(5, 3, seed=3),
            "b2": weights(3, seed=4),
        }

    def loss(self, X, y=None):
        """Compute scores without labels, else the loss and its gradients."""
        p = self.params
        hidden = np.tanh(X @ p["W1"] + p["b1"])
        scores = hidden @ p["W2"] + p["b2"]
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        loss += self.reg * (np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2))
        dhidden = dscores @ p["W2"].T * (1 - hidden**2)
        return loss, self.regularised(
            {
                "W1": X.T @ dhidden,
                "b1": dhidden.sum(axis=0),
                "W2": hidden.T @ dscores,
                "b2": dscores.sum(axis=0),
            }
        )

    def regularised(self, grads):
        """Add the gradient of the penalty."""
        for name in ("W1", "W2"):
            grads[name] += 2 * self.reg * self.params[name]
        return grads


class Nielsen:
    """Lists of weights and biases; backprop returns two lists (Nielsen's book)."""

    def __init__(self, sizes=(4, 5, 3)):
        self.biases = [weights(n, 1, seed=n) for n in sizes[1:]]
        self.weights = [weights(n, m, seed=n + m) for m, n in pairwise(sizes)]

    def feedforward(self, a):
        """Compute the output."""
        for b, w in zip(self.biases, self.weights, strict=True):
            a = 1 / (1 + np.exp(-(w @ a + b)))
        return a

    def cost(self, x, y):
        """Compute the quadratic cost."""
        return 0.5 * np.sum((self.feedforward(x) - y) ** 2)

    def backprop(self, x, y):
        """Return (nabla_b, nabla_w)."""
        activations = [x]
        for b, w in zip(self.biases, self.weights, strict=True):
            activations.append(1 / (1 + np.exp(-(w @ activations[-1] + b))))
        delta = activations[-1] - y
        nabla_b, nabla_w = [], []
        for layer in reversed(range(len(self.weights))):
            delta = delta * activations[layer + 1] * (1 - activations[layer + 1])
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ activations[layer].T)
            delta = self.weights[layer].T @ delta
        return nabla_b, nabla_w


class Dense:
    """A layer that keeps its input, W, b, dW and db."""

    def __init__(self, n, m):
        self.W, self.b = weights(n, m), weights(m, seed=m)
        self.dW = self.db = None

    def forward(self, x):
        """Keep the input."""
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        """Keep the gradients."""
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class Tanh:
    """A layer without parameters."""

    def forward(self, x):
        """Keep the output."""
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout):
        """Use it."""
        return dout * (1 - self.out**2)


class Sequential:
    """Layers in a list, and a mean squared error."""

    def __init__(self, *layers):
        self.layers = list(layers) or [Dense(4, 5), Tanh(), Dense(5, 3)]

    def forward(self, x):
        """Go through the layers."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        """Keep the error."""
        self.error = self.forward(x) - t
        return np.mean(self.error**2)

    def backward(self):
        """Go back."""
        dout = 2 * self.error / self.error.size
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


class BatchNorm:
    """Normalises over the batch and keeps running statistics."""

    def __init__(self, n, momentum=0.9):
        self.gamma, self.beta = 1 + weights(n, seed=8), weights(n, seed=9)
        self.running_mean, self.running_var = np.zeros(n), np.ones(n)
        self.momentum, self.updates = momentum, 0

    def forward(self, x):
        """Use the statistics of the batch; the running ones are for later."""
        mean, var = x.mean(axis=0), x.var(axis=0)
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
        self.running_var *= self.momentum
        self.running_var += (1 - self.momentum) * var
        self.updates += 1
        self.scale = 1 / np.sqrt(var + 1e-5)
        self.normed = (x - mean) * self.scale
        return self.gamma * self.normed + self.beta

    def backward(self, dout):
        """Differentiate through mean and variance."""
        self.dgamma = (dout * self.normed).sum(axis=0)
        self.dbeta = dout.sum(axis=0)
        d = dout * self.gamma
        return self.scale * (d - d.mean(axis=0) - self.normed * (d * self.normed).mean(axis=0))


class Attributes:
    """Parameters and gradients side by side, a scalar among them, and views into one vector."""

    def __init__(self):
        self.flat = weights(15, seed=6)
        self.W1, self.b1 = self.flat[:12].reshape(4, 3), self.flat[12:]
        self.gain = 1.3

    def loss(self, X, T):
        """Keep what backward needs."""
        self.X, self.hidden = X, np.tanh(X @ self.W1 + self.b1)
        self.error = self.gain * self.hidden - T
        return 0.5 * np.sum(self.error**2)

    def backward(self):
        """Set dW1, db1 and dgain."""
        dz = self.gain * self.error * (1 - self.hidden**2)
        self.dW1, self.db1 = self.X.T @ dz, dz.sum(axis=0)
        self.dgain = np.sum(self.error * self.hidden)


class Dropout:
    """Inverted dropout that draws from a generator of its own."""

    def __init__(self, keep=0.7):
        self.keep, self.rng = keep, np.random.default_rng(3)

    def forward(self, x):
        """Draw a mask and keep it."""
        self.mask = (self.rng.random(x.shape) < self.keep) / self.keep
        return x * self.mask

    def backward(self, dout):
        """Use the same mask."""
        return dout * self.mask


# deeplearning.ai: functions of a dict


def compute_cost(parameters, X, T):
    """Compute the cost of parameters W1 and b1."""
    return np.mean((np.tanh(X @ parameters["W1"] + parameters["b1"]) - T) ** 2)


def backward_propagation(parameters, X, T):
    """Return the gradients dW1 and db1, and others nobody asked for."""
    A1 = np.tanh(X @ parameters["W1"] + parameters["b1"])
    dZ1 = 2 / T.size * (A1 - T) * (1 - A1**2)
    return {"dZ1": dZ1, "dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0)}
