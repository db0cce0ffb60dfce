import numpy as np
import pytest

from gradcheck.reference import (
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
)

from .layers import (
    Layer,
    mild,
    normal,
)

T, M, N_IN, N = 4, 2, 3, 2
LSTM = {"x": (T, M, N_IN), "h": (M, N), "c": (M, N), "W": (N_IN, 4 * N), "U": (N, 4 * N), "b": (8,)}
GRU = {"x": (T, M, N_IN), "h": (M, N), "W": (N_IN, 3 * N), "U": (N, 3 * N)}
GRU |= {"b": (3 * N,), "b_state": (3 * N,)}

LAYERS = {
    "lstm": Layer(lstm_forward, lstm_backward, mild(**LSTM)),
    "lstm-one-step": Layer(lstm_forward, lstm_backward, mild(**LSTM | {"x": (1, M, N_IN)})),
    "gru": Layer(gru_forward, gru_backward, mild(**GRU)),
    "gru-one-step": Layer(
        gru_forward, gru_backward, mild(**GRU | {"x": (1, 3, N_IN), "h": (3, N)})
    ),
}


def test_lstm_with_an_open_memory_adds_up():
    """Forget and input gates at 1, the cell is the sum of what came in; no gradient fades."""
    x, h, c, W, U, b = normal(**LSTM).values()
    open_gates = np.concatenate([np.full(2 * N, 50.0), b[2 * N :]])
    (_, cell), cache = lstm_forward(x, h, c, W, 0 * U, open_gates)
    came_in = np.tanh(x @ W + b)[:, :, 2 * N : 3 * N]
    np.testing.assert_allclose(cell, c + came_in.sum(axis=0), rtol=1e-13)
    _, _, dc, *_ = lstm_backward((np.zeros((T, M, N)), np.ones((M, N))), cache)
    np.testing.assert_allclose(dc, 1, rtol=1e-13)


def test_gru_with_a_closed_update_keeps_its_state():
    """Update gate at 1, the state after any number of steps is the first one."""
    x, h, W, U, b, b_state = normal(**GRU).values()
    b[N : 2 * N] = 100
    states, cache = gru_forward(x, h, W, U, b, b_state)
    np.testing.assert_allclose(states, np.broadcast_to(h, states.shape), rtol=1e-13)
    _, dh, *_ = gru_backward(np.ones_like(states), cache)
    np.testing.assert_allclose(dh, T, rtol=1e-13)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_steps_in_two_parts_are_the_steps_at_once(name):
    """A sequence may be cut: the second part starts from the state of the first."""
    layer = LAYERS[name]
    first, second = (layer.x | {"x": part} for part in np.split(layer.x["x"], 2))
    whole = layer.out(**layer.x)
    if name == "lstm":
        states, cell = layer.out(**first)
        states_after, _ = layer.out(**second | {"h": states[-1], "c": cell})
        whole, _ = whole
    else:
        states = layer.out(**first)
        states_after = layer.out(**second | {"h": states[-1]})
    np.testing.assert_array_equal(np.concatenate([states, states_after]), whole)


BAD = {
    "lstm-x": (lstm_forward, LSTM | {"x": (M, N_IN)}, r"x has shape \(2, 3\).*\(t, m, n_in\)"),
    "lstm-empty": (lstm_forward, LSTM | {"x": (0, M, N_IN)}, r"t >= 1"),
    "lstm-h": (lstm_forward, LSTM | {"h": (N,)}, r"h has shape \(2,\)"),
    "lstm-c": (lstm_forward, LSTM | {"c": (3, N)}, r"c has shape \(3, 2\).*needs \(2, 2\)"),
    "lstm-W": (lstm_forward, LSTM | {"W": (8, 3)}, r"W has shape \(8, 3\).*needs \(3, 8\)"),
    "gru-U": (gru_forward, GRU | {"U": (N, 4 * N)}, r"U has shape \(2, 8\).*needs \(2, 6\)"),
    "gru-b": (gru_forward, GRU | {"b": (N,)}, r"b has shape \(2,\).*needs \(6,\)"),
    "gru-b-state": (gru_forward, GRU | {"b_state": (1,)}, r"b_state has shape \(1,\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_shape_is_refused_with_what_is_needed(name):
    """The message names the argument, its shape and the right one."""
    forward, shapes, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        forward(**normal(**shapes))
