"""Activations: functions of one number, applied entry by entry.

Owns: `<name>_forward` and `<name>_backward` of each activation, and the table ACTIVATIONS.
Does not own the softmax, which mixes the entries of a row (see `softmax`).
Place: a leaf; `network` and `losses` import it. Every array here has the shape of z, which is
any shape, and its dtype. Where a formula is analytic, z may be complex: comparisons of complex
numbers look at the real part first, so the branches chosen are those of the real part.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .arrays import Array, Cache

GELU_CUBIC = 0.044715  # fitted by Hendrycks & Gimpel (2016), arXiv:1606.08415, section 2
_erfc = np.frompyfunc(math.erfc, 1, 1)  # NumPy has no erf; this one costs about 0.1 µs per entry


@dataclass(frozen=True)
class Activation:
    """A forward function with the backward that belongs to it."""

    name: str
    forward: Callable[[Array], tuple[Array, Cache]]
    backward: Callable[[Array, Cache], Array]


def relu_forward(z: Array) -> tuple[Array, Cache]:
    """Compute max(z, 0).

    Parameters
    ----------
    z : Array
        Any shape.

    Returns
    -------
    a : Array
        Shape and dtype of z; NaN stays NaN.
    cache : Array
        z itself.

    Examples
    --------
    >>> import numpy as np
    >>> a, cache = relu_forward(np.array([-2.0, 3.0]))
    >>> a
    array([0., 3.])
    """
    a = np.maximum(z, 0)
    return a, z


def relu_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz from dout, both of the shape of z. By convention relu'(0) = 0.

    Examples
    --------
    >>> import numpy as np
    >>> relu_backward(np.array([5.0, 5.0, 5.0]), np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 5.])
    """
    z = cache
    dz: Array = dout * (z > 0)  # forward: a = max(z, 0)
    return dz


def leaky_relu_forward(z: Array, slope: float = 0.01) -> tuple[Array, Cache]:
    """Compute z where z > 0 and slope * z elsewhere; the cache is (z, slope).

    Source: Maas, Hannun & Ng (2013), Rectifier nonlinearities improve neural network acoustic
    models, where the slope is 0.01. A slope below 0 is allowed.
    """
    a = np.where(z > 0, z, slope * z)
    return a, (z, slope)


def leaky_relu_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz from dout. By convention the derivative at 0 is the slope."""
    z, slope = cache
    # The sign of z decides, not that of a: they differ once the slope is negative.
    dz: Array = np.where(z > 0, dout, slope * dout)  # forward: a = where(z > 0, z, slope * z)
    return dz


def tanh_forward(z: Array) -> tuple[Array, Cache]:
    """Compute tanh(z); the cache is the result itself."""
    a = np.tanh(z)
    return a, a


def tanh_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz from dout: tanh' = 1 - tanh^2."""
    a = cache
    dz: Array = dout * (1 - a * a)  # forward: a = tanh(z)
    return dz


def sigmoid_forward(z: Array) -> tuple[Array, Cache]:
    """Compute 1 / (1 + exp(-z)) without overflow; the cache is the result itself.

    Both branches are the same function: 1 / (1 + exp(-z)) = exp(z) / (1 + exp(z)). The one is
    taken for z >= 0 and the other for z < 0, so that exp never sees a positive number. The
    relative error is a few units of the last place for every z whose result does not underflow.

    Examples
    --------
    >>> import numpy as np
    >>> a, cache = sigmoid_forward(np.array([-800.0, 0.0, 800.0]))
    >>> a
    array([0. , 0.5, 1. ])
    """
    decay = np.exp(np.minimum(z, -z))  # exp(-|z|), in (0, 1]
    a = np.where(z >= 0, 1, decay) / (1 + decay)
    return a, a


def sigmoid_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz from dout: sigmoid' = sigmoid (1 - sigmoid), in terms of the *output* a.

    Where z > 37 in float64, a is 1 to the last bit and the result is exactly 0.
    """
    a = cache
    dz: Array = dout * a * (1 - a)  # forward: a = 1 / (1 + exp(-z))
    return dz


def gelu_forward(z: Array) -> tuple[Array, Cache]:
    """Compute z Phi(z), with Phi the distribution function of the standard normal.

    Exact in the sense of the definition, to the precision of float64 (longdouble keeps its
    dtype but not its extra digits). Real z only: complex z raises TypeError. The cache is
    (z, Phi(z)). Source: Hendrycks & Gimpel (2016), arXiv:1606.08415, equation in section 2.

    Examples
    --------
    >>> import numpy as np
    >>> a, cache = gelu_forward(np.array([-1.0, 0.0, 1.0]))
    >>> a.round(4)
    array([-0.1587,  0.    ,  0.8413])
    """
    # erfc rather than 1 + erf: for z < 0 the sum would cancel.
    cdf = np.asarray(_erfc(-z / math.sqrt(2)), dtype=z.dtype) / 2
    a = z * cdf
    return a, (z, cdf)


def gelu_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz from dout: (z Phi)' = Phi + z phi, with phi = Phi' the normal density."""
    z, cdf = cache
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    dz: Array = dout * (cdf + z * density)  # forward: a = z * cdf(z)
    return dz


def gelu_tanh_forward(z: Array) -> tuple[Array, Cache]:
    """Compute the tanh approximation of the gelu; the cache is (z, t), t the inner tanh.

    It is another function than `gelu_forward`, up to 5e-4 away: a backward of the one under a
    forward of the other is wrong. Source: Hendrycks & Gimpel (2016), arXiv:1606.08415.
    """
    t = np.tanh(math.sqrt(2 / math.pi) * (z + GELU_CUBIC * z * z * z))
    a = z * (1 + t) / 2
    return a, (z, t)


def gelu_tanh_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz from dout, for the tanh approximation of the gelu."""
    z, t = cache
    dinner = math.sqrt(2 / math.pi) * (1 + 3 * GELU_CUBIC * z * z)  # forward: z + cubic * z^3
    dt = (1 - t * t) * dinner  # forward: t = tanh(inner)
    dz: Array = dout * (1 + t + z * dt) / 2  # forward: a = z * (1 + t) / 2
    return dz


def softplus_forward(z: Array) -> tuple[Array, Cache]:
    """Compute log(1 + exp(z)) without overflow; the cache is z.

    This is np.logaddexp(z, 0) written out, because that function refuses complex numbers.
    """
    a = np.maximum(z, 0) + np.log1p(np.exp(np.minimum(z, -z)))
    return a, z


def softplus_backward(dout: Array, cache: Cache) -> Array:
    """Compute dz from dout: softplus' = sigmoid, for every z and with no threshold."""
    z = cache
    slope, _ = sigmoid_forward(z)
    dz: Array = dout * slope  # forward: a = log(1 + exp(z))
    return dz


def identity_forward(z: Array) -> tuple[Array, Cache]:
    """Return a copy of z, so that the result shares no memory with it; the cache is empty."""
    return z.copy(), ()


def identity_backward(dout: Array, cache: Cache) -> Array:
    """Return a copy of dout, as dz."""
    del cache  # the derivative of the identity depends on nothing
    return dout.copy()  # forward: a = z


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": Activation("relu", relu_forward, relu_backward),
    "leaky_relu": Activation("leaky_relu", leaky_relu_forward, leaky_relu_backward),
    "tanh": Activation("tanh", tanh_forward, tanh_backward),
    "sigmoid": Activation("sigmoid", sigmoid_forward, sigmoid_backward),
    "gelu": Activation("gelu", gelu_forward, gelu_backward),
    "softplus": Activation("softplus", softplus_forward, softplus_backward),
    "identity": Activation("identity", identity_forward, identity_backward),
}
"""The activations that a network can be given by name."""
