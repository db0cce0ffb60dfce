"""Planted faults of recurrent networks: a tanh cell, gates, and an LSTM.

Owns: RECURRENT_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: t = steps, m = rows, n = units.
The inputs stand in a constant; biases lie in one row, gate by gate: input, forget, output, cell.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..activations import sigmoid_forward
from ..arrays import Array, Cache
from .case import Backward, Build, Fault, layer_build, normal

T, M, N = 4, 2, 3
INPUTS = np.cos(np.arange(T * M * N) ** 1.5).reshape(T, M, N)  # (t, m, n), fixed and irregular


def _forward(W: Array, U: Array, b: Array, h: Array) -> tuple[Array, Cache]:
    states = [h]  # (m, n), the state before the first step is a leaf
    for x in INPUTS:
        states.append(np.tanh(x @ W + states[-1] @ U + b))
    return np.stack(states[1:]), (U, states)  # (t, m, n)


def _backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    return _through_time(dout, cache, Slip())


@dataclass(frozen=True)
class Slip:
    """What the walk back through time does otherwise than it should."""

    carried: float = 1.0  # share of the gradient that is passed on to the step before
    last: int = T  # steps that are walked
    lag: int = 0  # how much too late the state is that multiplies U
    first: float = 1.0  # share of the gradient that the first state gets


def _through_time(dout: Array, cache: Cache, slip: Slip) -> tuple[Array, ...]:
    U, states = cache
    dW, dU, db = np.zeros((N, N)), np.zeros((N, N)), np.zeros(N)
    dh = np.zeros((M, N))
    for step in reversed(range(slip.last)):
        dz = (dout[step] + slip.carried * dh) * (1 - states[step + 1] ** 2)  # (m, n)
        dW += INPUTS[step].T @ dz
        dU += states[step + slip.lag].T @ dz
        db += dz.sum(axis=0)
        dh = dz @ U.T
    return dW, dU, db, slip.first * dh


def _tanh_cell(slip: Slip) -> Build:
    def wrong(dout: Array, cache: Cache) -> tuple[Array, ...]:
        return _through_time(dout, cache, slip)

    draw = normal(W=(N, N), U=(N, N), b=(N,), h=(M, N))
    return layer_build(draw, _forward, _backward, wrong)


def _gates(z: Array) -> tuple[Any, ...]:
    """Return the gates input, forget and output, and the candidate, each (m, n), of z (m, 4 n)."""
    return (*(sigmoid_forward(part)[0] for part in np.split(z, 4, axis=1)[:3]), np.tanh(z[:, -N:]))


def _lstm_forward(W: Array, U: Array, b: Array) -> tuple[Array, Cache]:
    h, c = np.zeros((M, N)), np.zeros((M, N))
    steps, outs = [], []
    for x in INPUTS:
        i, f, o, g = _gates(x @ W + h @ U + b)
        before, c_before = h, c
        c = f * c_before + i * g
        h = o * np.tanh(c)
        steps.append((x, before, c_before, c, (i, f, o, g)))
        outs.append(h)
    return np.stack([*outs, c]), (U, steps)  # (t + 1, m, n), the last is the cell at the end


@dataclass(frozen=True)
class LstmSlip:
    """What the walk back through an LSTM does otherwise than it should."""

    cell_carried: float = 1.0  # share of the cell's gradient that is passed on
    state_carried: float = 1.0  # the same for the state
    cell_at_end: float = 1.0  # share of the gradient of the last cell
    slopes: tuple[int, ...] = (1, 1, 1)  # 0 where the slope of a gate is forgotten


def _lstm_walk(dout: Array, cache: Cache, slip: LstmSlip) -> tuple[Array, ...]:
    U, steps = cache
    dW, dU, db = np.zeros((N, 4 * N)), np.zeros((N, 4 * N)), np.zeros(4 * N)
    dh, dc = np.zeros((M, N)), slip.cell_at_end * dout[-1]
    for dstep, (x, before, c_before, c, gates) in zip(dout[-2::-1], reversed(steps), strict=True):
        i, f, o, g = gates
        dh = dstep + slip.state_carried * dh
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        dgates = (dc * g, dc * c_before, dh * np.tanh(c))
        pairs = zip(dgates, gates[:3], slip.slopes, strict=True)
        parts = [dgate * (gate * (1 - gate)) ** slope for dgate, gate, slope in pairs]
        dz = np.concatenate([*parts, dc * i * (1 - g * g)], axis=1)  # (m, 4 n)
        dW, dU, db = dW + x.T @ dz, dU + before.T @ dz, db + dz.sum(axis=0)
        dh, dc = dz @ U.T, slip.cell_carried * dc * f
    return dW, dU, db


def _lstm_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    return _lstm_walk(dout, cache, LstmSlip())


def _lstm_forget_for_input(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dW, dU, db = _lstm_backward(dout, cache)
    db[:N] = db[N : 2 * N]  # right: the input gate's own
    return dW, dU, db


def _lstm(wrong: Backward) -> Build:
    draw = normal(W=(N, 4 * N), U=(N, 4 * N), b=(4 * N,))
    return layer_build(draw, _lstm_forward, _lstm_backward, wrong)


def _slipping(slip: LstmSlip) -> Build:
    def wrong(dout: Array, cache: Cache) -> tuple[Array, ...]:
        return _lstm_walk(dout, cache, slip)

    return _lstm(wrong)


def _gated_forward(z: Array, h: Array, new: Array) -> tuple[Array, Cache]:
    gate, _ = sigmoid_forward(z)  # (m, n)
    return gate * h + (1 - gate) * np.tanh(new), (gate, h, np.tanh(new))


def _gated_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    gate, h, new = cache
    dz = dout * (h - new) * gate * (1 - gate)
    return dz, dout * gate, dout * (1 - gate) * (1 - new * new)


def _gate_upside_down(dout: Array, cache: Cache) -> tuple[Array, ...]:
    gate, h, new = cache
    _, dh, dnew = _gated_backward(dout, cache)
    return dout * (new - h) * gate * (1 - gate), dh, dnew  # right: h - new


def _gate_complement_swapped(dout: Array, cache: Cache) -> tuple[Array, ...]:
    gate, _, new = cache
    dz, _, _ = _gated_backward(dout, cache)
    return dz, dout * (1 - gate), dout * gate * (1 - new * new)  # right: the other way round


def _gate_of_new_only(dout: Array, cache: Cache) -> tuple[Array, ...]:
    gate, _, new = cache
    _, dh, dnew = _gated_backward(dout, cache)
    return -dout * new * gate * (1 - gate), dh, dnew  # right: h - new


def _split_forward(x: Array) -> tuple[Array, Cache]:
    value, gate = np.split(x, 2, axis=1)
    s, _ = sigmoid_forward(gate)
    return value * s, (value, s)


def _split_backward(dout: Array, cache: Cache) -> Array:
    value, s = cache
    return np.concatenate([dout * s, dout * value * s * (1 - s)], axis=1)


def _split_halves_swapped(dout: Array, cache: Cache) -> Array:
    value, s = cache
    # right: the value's half comes first
    return np.concatenate([dout * value * s * (1 - s), dout * s], axis=1)


_GATED = normal(z=(M, N), h=(M, N), new=(M, N)), _gated_forward, _gated_backward

RECURRENT_FAULTS = (
    Fault(
        "recurrent-term-missing",
        "d2l-ai/d2l-en#2616",
        "other",
        ("W", "U", "b", "h"),
        "Each step is differentiated by itself, and nothing is passed back to the step before.",
        _tanh_cell(Slip(carried=0.0)),
    ),
    Fault(
        "recurrent-last-step-ignored",
        "no thread; a loop over range(t - 1)",
        "other",
        ("W", "U", "b", "h"),
        "The walk back through time starts one step before the last.",
        _tanh_cell(Slip(last=T - 1)),
    ),
    Fault(
        "recurrent-state-one-step-late",
        "no thread; h_t for h_(t-1) in the recurrent weight",
        "other",
        ("U",),
        "The recurrent weights get the state after each step instead of the one before.",
        _tanh_cell(Slip(lag=1)),
    ),
    Fault(
        "first-state-detached",
        "no thread; a learnt first state whose gradient is thrown away",
        "detached",
        ("h",),
        "The state before the first step is a parameter, but gets no gradient.",
        _tanh_cell(Slip(first=0.0)),
    ),
    Fault(
        "recurrent-carried-by-half",
        "no thread; two paths averaged that should be added",
        "other",
        ("W", "U", "b", "h"),
        "What is passed back from step to step is halved each time.",
        _tanh_cell(Slip(carried=0.5)),
    ),
    Fault(
        "lstm-cell-not-carried",
        "RNN-LSTM-in-numpy#1",
        "other",
        ("W", "U", "b"),
        "The gradient of the cell is not passed back to the step before.",
        _slipping(LstmSlip(cell_carried=0.0)),
    ),
    Fault(
        "lstm-state-not-carried",
        "RNN-LSTM-in-numpy#1",
        "other",
        ("W", "U", "b"),
        "The gradient of the state is not passed back to the step before.",
        _slipping(LstmSlip(state_carried=0.0)),
    ),
    Fault(
        "lstm-last-cell-ignored",
        "deeplearning4j/deeplearning4j#8838",
        "other",
        ("W", "U", "b"),
        "The gradient of the cell at the end of the sequence is ignored.",
        _slipping(LstmSlip(cell_at_end=0.0)),
    ),
    Fault(
        "lstm-gate-slope-missing",
        "RNN-LSTM-in-numpy#1",
        "slope",
        ("W", "U", "b"),
        "The gradient is passed through the forget gate without the sigmoid's slope.",
        _slipping(LstmSlip(slopes=(1, 0, 1))),
        also=("other",),
    ),
    Fault(
        "lstm-forget-for-input-bias",
        "learn_dl#53",
        "other",
        ("b",),
        "The bias of the input gate gets the gradient of the forget gate's.",
        _lstm(_lstm_forget_for_input),
        also=("permuted",),
    ),
    Fault(
        "update-gate-upside-down",
        "no thread; which of the two the gate lets through differs from paper to paper",
        "sign",
        ("z",),
        "The gate is differentiated as if it let the new state through.",
        layer_build(*_GATED, _gate_upside_down),
    ),
    Fault(
        "update-gate-complement-swapped",
        "no thread; which of the two the gate lets through differs from paper to paper",
        "other",
        ("h", "new"),
        "The old state gets the new one's share of the gradient, and the reverse.",
        layer_build(*_GATED, _gate_complement_swapped),
    ),
    Fault(
        "update-gate-of-new-state-only",
        "no thread; one of the two uses of a gate",
        "other",
        ("z",),
        "The gate is used twice, but only its use on the new state is differentiated.",
        layer_build(*_GATED, _gate_of_new_only),
    ),
    Fault(
        "gated-halves-swapped",
        "learn_dl#53",
        "permuted",
        ("x",),
        "The value's half and the gate's half get each other's gradient.",
        layer_build(normal(x=(4, 6)), _split_forward, _split_backward, _split_halves_swapped),
    ),
)
"""Faults of recurrent networks."""
