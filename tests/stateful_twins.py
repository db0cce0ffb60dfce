"""The networks of `stateful_nets` with a fault planted in each."""

import numpy as np

from .stateful_nets import Attributes, BatchNorm, Dense, Nielsen, T, TwoLayerNet, X


class ForgottenPenalty(TwoLayerNet):
    """W2 has no weight decay in its gradient."""

    def regularised(self, grads):
        """Plant it."""
        grads["W1"] += 2 * self.reg * self.params["W1"]
        return grads


class LostMean(TwoLayerNet):
    """The gradient of b2 is a mean in place of a sum."""

    def regularised(self, grads):
        """Plant it."""
        grads = super().regularised(grads)
        return {**grads, "b2": grads["b2"] / 7}


class WrongSign(Nielsen):
    """The biases go uphill."""

    def backprop(self, x, y):
        """Plant it."""
        nabla_b, nabla_w = super().backprop(x, y)
        return [nabla_b[0], -nabla_b[1]], nabla_w


class Adding(Dense):
    """Adds to dW, which nobody empties."""

    def __init__(self, n, m):
        super().__init__(n, m)
        self.dW = np.zeros((n, m))

    def backward(self, dout):
        """Plant it."""
        kept = self.dW
        dx = super().backward(dout)
        self.dW = kept + self.dW
        return dx


class InPlaceUpdate(Attributes):
    """Updates b1 in the backward pass."""

    def backward(self):
        """Plant it."""
        super().backward()
        self.b1 -= 0.1 * self.db1


class ReboundUpdate(Attributes):
    """Likewise, with another array."""

    def backward(self):
        """Plant it."""
        super().backward()
        self.W1 = self.W1 - 0.1 * self.dW1


class ScalarUpdate(Attributes):
    """Likewise, with a number."""

    def backward(self):
        """Plant it."""
        super().backward()
        self.gain -= 0.1 * self.dgain


class OldCache(Attributes):
    """Keeps the first hidden layer that it ever computed."""

    def loss(self, X, T):
        """Plant it."""
        value = super().loss(X, T)
        if not hasattr(self, "kept"):
            self.kept = self.hidden
        self.hidden = self.kept
        return value


class NoForward(Attributes):
    """Computes the loss without keeping anything; backward reads an older forward pass."""

    def __init__(self):
        super().__init__()
        Attributes.loss(self, X, T)

    def loss(self, X, T):
        """Plant it."""
        hidden = np.tanh(X @ self.W1 + self.b1)
        return 0.5 * np.sum((self.gain * hidden - T) ** 2)


class NoMeanTerm(BatchNorm):
    """Takes mean and variance for constants."""

    def backward(self, dout):
        """Plant it."""
        super().backward(dout)
        return dout * self.gamma * self.scale


class Clips(Dense):
    """Keeps its weights small in the forward pass."""

    def forward(self, x):
        """Plant it."""
        np.clip(self.W, -0.3, 0.3, out=self.W)
        return super().forward(x)


class TransposedSquare(Dense):
    """Writes x.T @ dout the wrong way round, which a square layer does not notice."""

    def backward(self, dout):
        """Plant it."""
        dx = super().backward(dout)
        self.dW = dout.T @ self.x
        return dx


class Summed(Dense):
    """Forgets to sum the bias over the batch."""

    def backward(self, dout):
        """Plant it."""
        dx = super().backward(dout)
        self.db = dout
        return dx


class RunningInTraining(BatchNorm):
    """Normalises by the running mean while it moves."""

    def forward(self, x):
        """Plant it."""
        return super().forward(x) + self.running_mean
