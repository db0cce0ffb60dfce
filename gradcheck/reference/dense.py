"""The dense (fully connected) layer: an affine map of each row.

Owns: dense_forward, dense_backward and dense_backward_parameters. Does not own activations or
initial values. Place: a leaf; `network` chains it with activations. Letters: m = rows of the batch,
n_in = inputs of the layer, n_out = its outputs.
"""

from .arrays import Array, Cache


def dense_forward(x: Array, W: Array, b: Array) -> tuple[Array, Cache]:
    """Compute x W + b.

    Parameters
    ----------
    x, W, b : Array
        Shapes (m, n_in), (n_in, n_out) and (n_out,), of one dtype; NumPy raises ValueError
        where they do not fit together.

    Returns
    -------
    out : Array
        Shape (m, n_out), the dtype of the arguments.
    cache : tuple
        (x, W): what `dense_backward` needs; b is not needed.

    Examples
    --------
    >>> import numpy as np
    >>> x, W, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5])
    >>> out, cache = dense_forward(x, W, b)
    >>> out
    array([[11.5]])
    """
    out = x @ W  # (m, n_out)
    out += b  # broadcast over the m rows; in place, for the product is ours and large
    return out, (x, W)


def dense_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute the gradients of sum(dout * out) for out = x W + b.

    Parameters
    ----------
    dout : Array
        The upstream gradient, shape (m, n_out).
    cache : tuple
        What `dense_forward` returned.

    Returns
    -------
    dx, dW, db : Array
        Shapes (m, n_in), (n_in, n_out) and (n_out,): those of x, W and b.

    Examples
    --------
    >>> import numpy as np
    >>> x, W, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5])
    >>> out, cache = dense_forward(x, W, b)
    >>> dense_backward(np.array([[10.0]]), cache)
    (array([[30., 40.]]), array([[10.],
           [20.]]), array([10.]))
    """
    _, W = cache
    dW, db = dense_backward_parameters(dout, cache)
    dx = dout @ W.T  # (m, n_in); forward: x @ W
    return dx, dW, db


def dense_backward_parameters(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """Compute dW and db alone, for a layer whose x is data: `dense_backward` without its dx.

    In the first layer of a network dx is a third of the arithmetic, and nobody asks for it.

    Examples
    --------
    >>> import numpy as np
    >>> x, W, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5])
    >>> out, cache = dense_forward(x, W, b)
    >>> dense_backward_parameters(np.array([[10.0]]), cache)
    (array([[10.],
           [20.]]), array([10.]))
    """
    x, _ = cache
    db = dout.sum(axis=0)  # (n_out,); forward: + b, broadcast over m, so summed over m
    dW = x.T @ dout  # (n_in, n_out); forward: x @ W
    return dW, db
