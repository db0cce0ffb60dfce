"""Recurrent layers: LSTM and GRU, over a whole sequence.

Owns: both, forward and backward through time. Does not own the choice of truncation: a gradient
flows from the last step to the first. Place: above `activations`.
Letters: t = steps, m = rows of the batch, n_in = inputs, n = units. The gates of one step lie
beside each other in one product, in the order of PyTorch, whose weights are transposes of these.
"""

import numpy as np

from .activations import sigmoid_backward, sigmoid_forward, tanh_backward, tanh_forward
from .arrays import Array, Cache

LSTM_GATES = 4  # input, forget, cell, output
GRU_GATES = 3  # reset, update, new


def lstm_forward(
    x: Array, h: Array, c: Array, W: Array, U: Array, b: Array
) -> tuple[tuple[Array, Array], Cache]:
    """Compute the states of a long short-term memory, step by step.

    Source: Hochreiter & Schmidhuber (1997), Neural Computation 9(8), with the forget gate of Gers,
    Schmidhuber & Cummins (2000), Neural Computation 12(10).

    Parameters
    ----------
    x : Array
        Shape (t, m, n_in).
    h, c : Array
        State and cell before the first step, shape (m, n) both.
    W, U, b : Array
        Shapes (n_in, 4 n), (n, 4 n) and (4 n,): gates input, forget, cell, output. ValueError where
        anything does not fit.

    Returns
    -------
    out : tuple
        The state after each step, (t, m, n), and the cell after the last one, (m, n).
    cache : tuple
        (W, U, one tuple per step).

    Examples
    --------
    >>> x, h, W, b = np.ones((2, 1, 3)), np.zeros((1, 1)), np.zeros((3, 4)), np.zeros(4)
    >>> (states, cell), cache = lstm_forward(x, h, np.ones((1, 1)), W, np.zeros((1, 4)), b)
    >>> cell
    array([[0.25]])
    """
    _require_fit(x, LSTM_GATES, {"h": h, "c": c}, {"W": W, "U": U}, {"b": b})
    states, steps = [], []
    for x_step in x:
        z = x_step @ W + h @ U + b  # (m, 4 n)
        z_in, z_forget, z_cell, z_out = np.split(z, LSTM_GATES, axis=1)  # (m, n) each
        i, f, o = (sigmoid_forward(part)[0] for part in (z_in, z_forget, z_out))
        g, _ = tanh_forward(z_cell)
        h_before, c_before = h, c
        c = f * c_before + i * g  # (m, n)
        squashed, _ = tanh_forward(c)
        h = o * squashed  # (m, n)
        states.append(h)
        steps.append((x_step, h_before, c_before, (i, f, g, o), squashed))
    return (np.stack(states), c), (W, U, steps)  # (t, m, n)


def lstm_backward(dout: tuple[Array, Array], cache: Cache) -> tuple[Array, ...]:
    """Compute dx, dh, dc, dW, dU and db from dout = (dstates (t, m, n), dcell (m, n))."""
    W, U, steps = cache
    dstates, dc = dout
    dx = np.empty((*dstates.shape[:2], len(W)), dtype=dstates.dtype)  # (t, m, n_in)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(U[0])
    dh = np.zeros_like(dc)  # (m, n): what the steps after this one ask of its state
    for step in reversed(range(len(steps))):
        x_step, h_before, c_before, (i, f, g, o), squashed = steps[step]
        dh = dstates[step] + dh  # the state is a result, and goes into the next step
        do = dh * squashed  # forward: h = o * tanh(c)
        dc = dc + tanh_backward(dh * o, squashed)  # forward: likewise; and c goes on
        df, di, dg = dc * c_before, dc * g, dc * i  # forward: c = f * c_before + i * g
        dz_in, dz_forget, dz_out = (sigmoid_backward(d, a) for d, a in ((di, i), (df, f), (do, o)))
        dz_cell = tanh_backward(dg, g)
        dz = np.concatenate([dz_in, dz_forget, dz_cell, dz_out], axis=1)  # (m, 4 n); forward: split
        db += dz.sum(axis=0)  # (4 n,); forward: + b, the same at every step
        dU += h_before.T @ dz  # (n, 4 n); forward: h @ U, the same at every step
        dW += x_step.T @ dz  # (n_in, 4 n); forward: x_step @ W, the same at every step
        dx[step] = dz @ W.T  # (m, n_in); forward: x_step @ W
        dh, dc = dz @ U.T, dc * f  # (m, n); forward: h @ U, and c = f * c_before + i * g
    return dx, dh, dc, dW, dU, db


def gru_forward(
    x: Array, h: Array, W: Array, U: Array, b: Array, b_state: Array
) -> tuple[Array, Cache]:
    """Compute the states of a gated recurrent unit, step by step.

    The reset gate stands behind the product with the state, as in cuDNN and PyTorch, so that the
    state has a bias of its own. Source: Cho et al. (2014), arXiv:1406.1078, equations 5 to 8, where
    it stands in front; there the update gate is the share of the old state too.

    Parameters
    ----------
    x, h : Array
        Shapes (t, m, n_in), and (m, n) before the first step.
    W, U : Array
        Shapes (n_in, 3 n) and (n, 3 n): gates reset, update, new.
    b, b_state : Array
        Of the inputs and of the state, shape (3 n,) both. ValueError where anything does not fit.

    Returns
    -------
    out : Array
        The state after each step, (t, m, n).
    cache : tuple
        (W, U, one tuple per step).

    Examples
    --------
    >>> x, W, b = np.ones((2, 1, 3)), np.zeros((3, 3)), np.zeros(3)
    >>> states, cache = gru_forward(x, np.ones((1, 1)), W, np.zeros((1, 3)), b, b)
    >>> states.ravel()
    array([0.5 , 0.25])
    """
    _require_fit(x, GRU_GATES, {"h": h}, {"W": W, "U": U}, {"b": b, "b_state": b_state})
    states, steps = [], []
    for x_step in x:
        z = x_step @ W + b  # (m, 3 n)
        s = h @ U + b_state  # (m, 3 n)
        (z_reset, z_update, z_new), (s_reset, s_update, s_new) = (
            np.split(part, GRU_GATES, axis=1) for part in (z, s)
        )  # (m, n) each
        reset, _ = sigmoid_forward(z_reset + s_reset)
        update, _ = sigmoid_forward(z_update + s_update)
        new, _ = tanh_forward(z_new + reset * s_new)
        h_before = h
        h = update * h_before + (1 - update) * new  # (m, n)
        states.append(h)
        steps.append((x_step, h_before, (reset, update, new), s_new))
    return np.stack(states), (W, U, steps)  # (t, m, n)


def gru_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    """Compute dx (t, m, n_in), dh (m, n), dW, dU, db and db_state from dout (t, m, n)."""
    W, U, steps = cache
    dx = np.empty((*dout.shape[:2], len(W)), dtype=dout.dtype)  # (t, m, n_in)
    dW, dU, db, db_state = (np.zeros_like(like) for like in (W, U, W[0], U[0]))
    dh = np.zeros_like(dout[0])  # (m, n): what the steps after this one ask of its state
    for step in reversed(range(len(steps))):
        x_step, h_before, (reset, update, new), s_new = steps[step]
        dh = dout[step] + dh  # the state is a result, and goes into the next step
        # forward: h = update * h_before + (1 - update) * new
        d_update, d_new = dh * (h_before - new), dh * (1 - update)  # (m, n)
        dz_new = tanh_backward(d_new, new)  # forward: new = tanh(z_new + reset * s_new)
        dz_update = sigmoid_backward(d_update, update)
        dz_reset = sigmoid_backward(dz_new * s_new, reset)  # forward: z_new + reset * s_new
        dz = np.concatenate([dz_reset, dz_update, dz_new], axis=1)  # (m, 3 n); forward: split
        ds = np.concatenate([dz_reset, dz_update, dz_new * reset], axis=1)  # (m, 3 n); likewise
        db_state += ds.sum(axis=0)  # (3 n,); forward: + b_state, the same at every step
        db += dz.sum(axis=0)  # (3 n,); forward: + b, the same at every step
        dU += h_before.T @ ds  # (n, 3 n); forward: h @ U, the same at every step
        dW += x_step.T @ dz  # (n_in, 3 n); forward: x_step @ W, the same at every step
        dx[step] = dz @ W.T  # (m, n_in); forward: x_step @ W
        dh = ds @ U.T + dh * update  # (m, n); forward: h @ U, and update * h_before
    return dx, dh, dW, dU, db, db_state


def _require_fit(
    x: Array,
    gates: int,
    states: dict[str, Array],
    weights: dict[str, Array],
    biases: dict[str, Array],
) -> None:
    """Raise ValueError where a shape does not follow from x (t, m, n_in) and h (m, n)."""
    if np.ndim(x) != 3 or len(x) == 0:
        raise ValueError(f"x has shape {np.shape(x)}, but a sequence is (t, m, n_in) with t >= 1")
    if np.ndim(states["h"]) != 2:
        raise ValueError(f"h has shape {np.shape(states['h'])}, but a state is (m, n)")
    _, m, n_in = x.shape
    n = states["h"].shape[1]
    expected = dict.fromkeys(states, (m, n)) | dict.fromkeys(biases, (gates * n,))
    expected |= {"W": (n_in, gates * n), "U": (n, gates * n)}
    for name, array in (states | weights | biases).items():
        if np.shape(array) != expected[name]:
            raise ValueError(
                f"{name} has shape {np.shape(array)}, but x of shape {x.shape} with {n} units "
                f"needs {expected[name]}"
            )
