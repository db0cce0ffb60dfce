"""What a subject may offer: the members that laws ask for, each of them optional.

Owns the base class and the question whether a subject has a member. Knows no law.
Part of `laws`; imports NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Params = dict[str, Array]
"""`W1`, `b1`, `W2`, `b2`, ...: W (units in, units out), b (units out,)."""

Backward: TypeAlias = Callable[[Array], Array]
"""The backward pass of one call of a layer: from dout to the gradient of what the layer took."""


class NotOffered(Exception):
    """Raised by a subject that has a member but not for what is asked, such as one scheme of many.

    The law is then reported "not applicable", with the message.
    """


class BatchNorm(Protocol):
    """A fresh layer of batch normalisation, gain 1 and bias 0, that keeps its own statistics."""

    def train(self, x: Array) -> Array:
        """Normalise x (m, features) by its own statistics, and note them."""
        ...

    def evaluate(self, x: Array) -> Array:
        """Normalise x by the statistics noted so far."""
        ...


class Subject:
    """An implementation under the laws. Offer what you have: each law names what it needs.

    Inherit from this class or not. What a subject lacks, leaves as it is here, or answers with
    `NotOffered` makes a law "not applicable", never a pass. All arrays are float64 NumPy arrays:
    the tolerances of the laws are those of float64.

    Attributes
    ----------
    activation : str
        Of the hidden layers, such as `"relu"` or `"tanh"`.
    loss : str
        `"bce"` (one or more outputs, targets (m, outputs) of 0 and 1), `"softmax"` (targets (m,)
        of class numbers) or `"mse"` (targets (m, outputs)). The cost is the mean over the m rows of
        the sum over the outputs, where some libraries divide by the number of outputs as well.

    Examples
    --------
    A subject that offers only its dropout:

    >>> import numpy as np
    >>> class MyDropout:
    ...     def dropout(self, x, keep_prob, rng):
    ...         mask = (rng.random(x.shape) < keep_prob) / keep_prob
    ...         return x * mask, lambda dout: dout * mask
    ...
    ...     def dropout_evaluate(self, x, keep_prob):
    ...         return x
    >>> from gradcheck import laws
    >>> report = laws.check(MyDropout(), seed=1)
    >>> report.ok, sum(law.verdict is not None for law in report.laws.values())
    (True, 6)
    """

    activation: str
    loss: str

    # the network -----------------------------------------------------------------------------

    def cost_and_gradient(
        self, params: Params, inputs: Array, targets: Array, weight_decay: float
    ) -> tuple[float, Params]:
        """Return the cost and its gradient for all parameters, without dropout, with the L2 term.

        The sizes of the network are those of params; there may be no hidden layer at all.
        """
        raise NotOffered

    def activations(self, params: Params, inputs: Array) -> Sequence[Array]:
        """Return the outputs (m, units) of each hidden layer, first to last."""
        raise NotOffered

    def vjp(self, params: Params, inputs: Array, dout: Array) -> Params:
        """Return the gradient of sum(dout * prediction), where the prediction enters the loss."""
        raise NotOffered

    def jvp(self, params: Params, inputs: Array, tangent: Params) -> Array:
        """Return the derivative (m, outputs) of the prediction along a tangent."""
        raise NotOffered

    def initial_weights(
        self, scheme: str, n_in: int, n_out: int, rng: np.random.Generator
    ) -> Array:
        """Draw the weights of one layer by a scheme: `"he"`, `"xavier"` or `"lecun"`."""
        raise NotOffered

    # one step of training --------------------------------------------------------------------

    def step(self, params: Params, gradient: Params, learning_rate: float) -> Params:
        """Take one step of plain gradient descent."""
        raise NotOffered

    def sgd_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take one step of gradient descent with a weight decay of its own, for the weights only.

        Where the optimiser decays whatever it is given, tell it which parameters are weights.
        """
        raise NotOffered

    def adam_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take the first step of Adam, with weight decay as an L2 term of the gradient."""
        raise NotOffered

    def adamw_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take the first step of AdamW, with decoupled weight decay."""
        raise NotOffered

    # single layers ---------------------------------------------------------------------------

    def dropout(
        self, x: Array, keep_prob: float, rng: np.random.Generator
    ) -> tuple[Array, Backward]:
        """Apply dropout in training; also return its backward pass, dout -> dx."""
        raise NotOffered

    def dropout_evaluate(self, x: Array, keep_prob: float) -> Array:
        """Apply dropout in evaluation."""
        raise NotOffered

    def dropout_masked(self, x: Array, mask: npt.NDArray[np.bool_], keep_prob: float) -> Array:
        """Apply dropout in training with a given mask, True where a unit is kept."""
        raise NotOffered

    def softmax(self, z: Array) -> tuple[Array, Backward]:
        """Apply softmax to each row of z (m, classes); also return its backward pass."""
        raise NotOffered

    def normalised_dense(self, W: Array, x: Array) -> tuple[Array, Backward]:
        """Normalise x W over the batch or the units, in training; also return dout -> dW."""
        raise NotOffered

    def batch_norm(self, features: int) -> BatchNorm:
        """Make a fresh layer of batch normalisation."""
        raise NotOffered

    def attention(self, x: Array, mask: npt.NDArray[np.bool_]) -> tuple[Array, Backward]:
        """Attend over x (B, T, C), in evaluation; also return the backward pass, dout -> dx.

        mask (T, T) is True at [t, s] where position t may look at position s. The weights are
        the subject's own, the same at every call.
        """
        raise NotOffered

    def embedding(
        self, table: Array, indices: npt.NDArray[np.int64], padding_index: int
    ) -> tuple[Array, Backward]:
        """Look rows of the table (V, C) up: (..., C); also return dout -> dtable."""
        raise NotOffered


def offers(subject: object, name: str) -> bool:
    """Whether a subject has a member of its own, not the one that `Subject` has for want of it."""
    try:
        member = getattr(subject, name, None)
    except NotOffered:
        return False
    # a method that was given to this one object counts as well as one of its class
    return member is not None and getattr(member, "__func__", member) is not getattr(
        Subject, name, None
    )
