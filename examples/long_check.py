"""A slow simulation, its gradient checked entry by entry on all processors, with a journal.

Run `python examples/long_check.py run.sqlite`. Press Ctrl-C, or kill it, and run it again.
"""

import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np

import gradcheck

STEPS, DT = 400, 0.01


def simulate(p):
    """Let two masses on springs swing; return the work done on them and all that a pass needs."""
    position, speed, work, states = p["start"].copy(), np.zeros(2), 0.0, []
    for n in range(STEPS):
        states.append((position, speed))
        stretch = np.array([position[0], position[1] - position[0]])
        pull = -p["stiffness"] * stretch
        force = np.array([pull[0] - pull[1], pull[1]]) + p["force"][n // 40]
        work += DT * float(force @ speed)
        speed = speed + DT * (force - p["damping"] * speed)
        position = position + DT * speed
    return work, states


def work(p):
    """Return the work alone."""
    return simulate(p)[0]


def gradient(p):
    """Return its gradient, by the adjoint equations: the steps of `simulate`, backwards."""
    _, states = simulate(p)
    grad = {name: np.zeros_like(array) for name, array in p.items()}
    dposition, dspeed = np.zeros(2), np.zeros(2)
    for n in reversed(range(STEPS)):
        position, speed = states[n]
        stretch = np.array([position[0], position[1] - position[0]])
        pull = -p["stiffness"] * stretch
        force = np.array([pull[0] - pull[1], pull[1]]) + p["force"][n // 40]
        dspeed = dspeed + DT * dposition  # position + DT * speed
        dforce = DT * dspeed + DT * speed  # DT * (force - damping * speed), DT * force @ speed
        grad["damping"] -= DT * dspeed * speed
        dspeed = dspeed - DT * dspeed * p["damping"] + DT * force
        grad["force"][n // 40] += dforce
        dpull = np.array([dforce[0], dforce[1] - dforce[0]])
        grad["stiffness"] -= dpull * stretch
        dstretch = -dpull * p["stiffness"]
        dposition = dposition + np.array([dstretch[0] - dstretch[1], dstretch[1]])
    grad["start"] += dposition
    return grad


def point():
    """Draw the parameters."""
    rng = np.random.default_rng(0)
    return {
        "start": np.array([1.0, 1.5]),
        "stiffness": np.array([40.0, 25.0]),
        "damping": np.array([0.5, 0.3]),
        "force": rng.standard_normal((10, 2)),
    }


if __name__ == "__main__":
    journal = {"journal": sys.argv[1]} if len(sys.argv) > 1 else {}
    with ProcessPoolExecutor() as executor:
        report = gradcheck.check_grad(
            work,
            gradient,
            point(),
            plan=gradcheck.Plan.every(seed=1),
            executor=executor,
            **journal,
        )
    sys.stdout.write(f"{report}\n")
