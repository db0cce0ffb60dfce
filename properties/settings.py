"""Strategies shared by the properties: settings for laws, problems for the checker."""

import numpy as np
from hypothesis import strategies as st

from gradcheck import strategies
from gradcheck.laws import Setting

SEEDS = strategies.seeds()


@st.composite
def law_settings(draw):
    """Draw the circumstances of a law: architecture, data, rates, lambda, keep_prob."""
    rng = np.random.default_rng(draw(SEEDS))
    m, n_in = 2 * draw(st.integers(1, 6)), draw(st.integers(1, 5))
    spread = draw(st.sampled_from([0.1, 1.0, 3.0]))
    return Setting(
        hidden=tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))),
        inputs=spread * rng.standard_normal((m, n_in)),
        classes=draw(st.integers(2, 5)),
        learning_rate=draw(st.floats(1e-3, 0.5)),
        weight_decay=draw(st.floats(1e-3, 10.0)),
        keep_prob=draw(st.floats(0.05, 0.99)),
        constant=draw(st.sampled_from([0.0, 1.0, -1.0]) | st.floats(-1.5, 1.5)),
        steps=draw(st.integers(1, 6)),
        seed=draw(SEEDS),
    )


@st.composite
def smooth_problems(draw):
    """Draw a smooth function of one to four leaves, its gradient, and a point.

    f(x) = sum over leaves of a . sin(b x + c), with moderate a, b, c.
    """
    rng = np.random.default_rng(draw(SEEDS))
    shapes = draw(
        st.lists(st.lists(st.integers(1, 4), max_size=3).map(tuple), min_size=1, max_size=4)
    )
    x, coefficients = {}, {}
    for k, shape in enumerate(shapes):
        x[f"leaf{k}"] = rng.standard_normal(shape)
        coefficients[f"leaf{k}"] = (
            rng.uniform(0.5, 2.0, shape) * rng.choice([-1, 1], shape),
            rng.uniform(0.3, 2.0, shape),
            rng.uniform(-1.0, 1.0, shape),
        )

    def f(p):
        return float(sum(np.sum(a * np.sin(b * p[k] + c)) for k, (a, b, c) in coefficients.items()))

    def grad(p):
        return {k: a * b * np.cos(b * p[k] + c) for k, (a, b, c) in coefficients.items()}

    return f, grad, x


def relu_network(rng, distance):
    """Make a ReLU network with three hidden units that are `distance` from their kink in row 0.

    Data and weights are sixteenths, so that a distance of 0 is exact.
    """
    X, Y = rng.integers(-32, 33, (6, 4)) / 16, rng.standard_normal((6, 2))
    x = {
        "W1": rng.integers(-16, 17, (4, 5)) / 16,
        "b1": 0.1 * rng.standard_normal(5),
        "W2": rng.standard_normal((5, 2)) / 2,
        "b2": 0.1 * rng.standard_normal(2),
    }
    x["b1"][:3] = distance - X[0] @ x["W1"][:, :3]

    def forward(p):
        z = X @ p["W1"] + p["b1"]
        return z, np.maximum(z, 0)

    def f(p):
        _, a = forward(p)
        return float(np.mean((a @ p["W2"] + p["b2"] - Y) ** 2))

    def grad(p):
        z, a = forward(p)
        dout = 2 * (a @ p["W2"] + p["b2"] - Y) / Y.size
        dz = (dout @ p["W2"].T) * (z > 0)
        return {"W1": X.T @ dz, "b1": dz.sum(axis=0), "W2": a.T @ dout, "b2": dout.sum(axis=0)}

    return f, grad, x
