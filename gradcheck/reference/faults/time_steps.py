"""Planted faults of time stepping: adjoints of integrators, and one unrolled optimisation.

Owns: TIME_STEP_FAULTS, with the small right layers that they imitate. Place: beside `faults/case`,
gathered by `faults/__init__`. Letters: n = cells or components, all alike.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..arrays import Array, Cache, Params
from .case import Fault, layer_build, normal

STEPS = 5
DT = 0.2
DRIFT = 0.6  # of the heat equation: what is carried along makes the step unsymmetric
CUBIC = 0.4  # of the spring's force
RATE = 0.3  # of the unrolled descent

Adjoint: TypeAlias = Callable[[Array, Cache], tuple[Array, ...]]


def _carried_step(n: int) -> Array:
    """Return one step of heat that spreads and is carried along, as a matrix (n, n)."""
    spread = np.roll(np.eye(n), 1, axis=0) + np.roll(np.eye(n), -1, axis=0) - 2 * np.eye(n)
    step: Array = np.eye(n) + 0.2 * spread + DRIFT / 2 * np.roll(np.eye(n), 1, axis=0)
    return step


def _heat_forward(u: Array) -> tuple[Array, Cache]:
    step = _carried_step(len(u))
    out = u
    for _ in range(STEPS):
        out = step @ out
    return out, step


def _heat_backward(dout: Array, cache: Cache) -> Array:
    for _ in range(STEPS):
        dout = cache.T @ dout
    return dout


def _heat_forward_again(dout: Array, cache: Cache) -> Array:
    for _ in range(STEPS):
        dout = cache @ dout  # right: cache.T, heat is carried back the way it came
    return dout


def _heat_one_step_short(dout: Array, cache: Cache) -> Array:
    for _ in range(STEPS - 1):  # right: STEPS
        dout = cache.T @ dout
    return dout


def _euler_forward(y: Array, k: Array) -> tuple[Array, Cache]:
    states = [y]
    for _ in range(STEPS):
        states.append(states[-1] - DT * k * states[-1] ** 2)  # y' = -k y^2
    return states[-1], (states, k)


def _euler_by(shift: int, parameter_step: float) -> Adjoint:
    """Return the adjoint with the state `shift` steps late, and this step for the parameter."""

    def backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
        states, k = cache
        dk = np.zeros_like(k)
        for step in reversed(range(STEPS)):
            dk -= parameter_step * dout * states[step] ** 2
            dout = dout * (1 - 2 * DT * k * states[step + shift])
        return dout, dk

    return backward


_euler_backward = _euler_by(0, DT)
_euler_at_next_state = _euler_by(1, DT)  # right: at the state where the step began
_euler_parameter_without_step = _euler_by(0, 1.0)  # right: DT


def _leapfrog_forward(q: Array, p: Array) -> tuple[Array, Cache]:
    places = [q]
    for _ in range(STEPS):
        p = p - DT / 2 * (q + CUBIC * q**3)
        q = q + DT * p
        p = p - DT / 2 * (q + CUBIC * q**3)
        places.append(q)
    return np.stack([q, p]), places


def _leapfrog_by(half_kicks: int) -> Adjoint:
    """Return the adjoint in which so many of the two half kicks of a step are differentiated."""

    def backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
        dq, dp = dout[0].copy(), dout[1].copy()
        for before, after in zip(cache[-2::-1], cache[:0:-1], strict=True):
            dq -= DT / 2 * (1 + 3 * CUBIC * after**2) * dp  # forward: the second half kick
            dp += DT * dq  # forward: q + DT p
            if half_kicks > 1:
                dq -= DT / 2 * (1 + 3 * CUBIC * before**2) * dp  # forward: the first half kick
        return dq, dp

    return backward


def _descent_forward(w: Array, target: Array) -> tuple[Array, Cache]:
    path = [w]
    for _ in range(STEPS):
        path.append(path[-1] - RATE * np.sin(path[-1] - target))
    return path[-1], (path, target)


def _descent_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    path, target = cache
    dtarget = np.zeros_like(target)
    for w in reversed(path[:-1]):
        pull = RATE * np.cos(w - target) * dout
        dtarget += pull
        dout = dout - pull
    return dout, dtarget


def _descent_of_last_step(dout: Array, cache: Cache) -> tuple[Array, ...]:
    path, target = cache
    dw, _ = _descent_backward(dout, cache)
    return dw, RATE * np.cos(path[-2] - target) * dout  # right: the sum over all steps


def _descent_of_first_order(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, dtarget = _descent_backward(dout, cache)
    return dout.copy(), dtarget  # right: through the second derivative of each step


def _reaction(rng: np.random.Generator) -> Params:
    return {"y": rng.uniform(0.5, 1.5, 6), "k": rng.uniform(0.5, 1.5, 6)}


_HEAT = normal(u=(8,)), _heat_forward, _heat_backward
_EULER = _reaction, _euler_forward, _euler_backward
_LEAPFROG = normal(q=(6,), p=(6,)), _leapfrog_forward, _leapfrog_by(2)
_DESCENT = normal(w=(6,), target=(6,)), _descent_forward, _descent_backward

TIME_STEP_FAULTS = (
    Fault(
        "heat-adjoint-runs-forward",
        "no thread; the discrete adjoint of a step that is not symmetric",
        "transpose",
        ("u",),
        "The adjoint of the heat equation is stepped with the forward operator.",
        layer_build(*_HEAT, _heat_forward_again),
        also=("other",),
    ),
    Fault(
        "heat-adjoint-one-step-short",
        "no thread; a loop that stops one step early",
        "other",
        ("u",),
        "The adjoint makes one step less than the forward.",
        layer_build(*_HEAT, _heat_one_step_short),
    ),
    Fault(
        "euler-adjoint-at-next-state",
        "no thread; the adjoint evaluated where the step ends",
        "other",
        ("y", "k"),
        "Each adjoint step takes the slope at the state where the forward step ended.",
        layer_build(*_EULER, _euler_at_next_state),
    ),
    Fault(
        "euler-parameter-without-step",
        "no thread; a parameter's gradient that lacks the length of the step",
        "scale",
        ("k",),
        "The gradient of the rate lacks the length of the time step.",
        layer_build(*_EULER, _euler_parameter_without_step),
    ),
    Fault(
        "leapfrog-half-kick-missing",
        "no thread; the force of one half kick held constant",
        "other",
        ("q", "p"),
        "Only one of the two half kicks of each step is differentiated.",
        layer_build(*_LEAPFROG, _leapfrog_by(1)),
    ),
    Fault(
        "unrolled-target-of-last-step",
        "no thread; the gradient of unrolled steps overwritten instead of added",
        "other",
        ("target",),
        "The target enters at each step, but only the last one counts.",
        layer_build(*_DESCENT, _descent_of_last_step),
    ),
    Fault(
        "unrolled-at-first-order",
        "no thread; first-order MAML (arXiv:1703.03400) where the full gradient is claimed",
        "missing-term",
        ("w",),
        "The second derivative of the inner steps is left out, as in first-order meta-learning.",
        layer_build(*_DESCENT, _descent_of_first_order),
        also=("extra-term", "other"),
    ),
)
"""Faults of time steps."""
