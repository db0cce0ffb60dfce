"""The commonest faults as (f, claim, x): what a colleague would be shown, one small case each."""

import numpy as np

LAMBDA = 0.3


def _data():
    """Make inputs (16, 5), targets (16, 3) and weights (5, 3)."""
    rng = np.random.default_rng(7)
    return rng.standard_normal((16, 5)), rng.standard_normal((16, 3)), rng.standard_normal((5, 3))


def factor_two():
    """Least squares without the 1/2 in the derivative."""
    X, Y, W = _data()
    return (
        lambda p: 0.5 * float(np.sum((X @ p["W"] - Y) ** 2)),
        lambda p: {"W": 2 * X.T @ (X @ p["W"] - Y)},
        {"W": W},
    )


def one_over_m():
    """Take a sum in f, and a mean in the derivative."""
    X, Y, W = _data()
    m = len(X)
    return (
        lambda p: 0.5 * float(np.sum((X @ p["W"] - Y) ** 2)),
        lambda p: {"W": X.T @ (X @ p["W"] - Y) / m},
        {"W": W},
    )


def keep_prob_forgotten():
    """Inverted dropout, whose backward pass does not divide."""
    X, _, W = _data()
    keep_prob = 0.8
    mask = np.random.default_rng(1).random((16, 3)) < keep_prob

    def f(p):
        return float(np.sum(np.tanh(X @ p["W"]) * mask / keep_prob))

    return f, lambda p: {"W": X.T @ ((1 - np.tanh(X @ p["W"]) ** 2) * mask)}, {"W": W}


def wrong_sign():
    """Prediction minus target, the other way round."""
    X, Y, W = _data()
    return (
        lambda p: 0.5 * float(np.sum((X @ p["W"] - Y) ** 2)),
        lambda p: {"W": X.T @ (Y - X @ p["W"])},
        {"W": W},
    )


def transposed():
    """Take a square matrix of weights, and dout' x for x' dout."""
    X, _, _ = _data()
    W = np.random.default_rng(2).standard_normal((5, 5))

    def claim(p):
        return {"W": (1 - np.tanh(X @ p["W"]) ** 2).T @ X}

    return lambda p: float(np.sum(np.tanh(X @ p["W"]))), claim, {"W": W}


def weight_decay_missing():
    """Put a penalty in f, none in the derivative."""
    X, Y, W = _data()

    def f(p):
        return 0.5 * float(np.sum((X @ p["W"] - Y) ** 2) + LAMBDA * np.sum(p["W"] ** 2))

    return f, lambda p: {"W": X.T @ (X @ p["W"] - Y)}, {"W": W}


def regression(spoil):
    """Make least squares whose gradient is spoilt in place."""
    X, Y, W = _data()

    def claim(p):
        d = X.T @ (X @ p["W"] - Y)
        spoil(d)
        return {"W": d}

    return lambda p: 0.5 * float(np.sum((X @ p["W"] - Y) ** 2)), claim, {"W": W}


def one_entry():
    """One entry of fifteen."""

    def spoil(d):
        d[3, 1] += 0.7

    return regression(spoil)


def zero_row():
    """End a loop one row too early."""

    def spoil(d):
        d[-1] = 0

    return regression(spoil)


def zero_column():
    """Leave an output without a gradient."""

    def spoil(d):
        d[:, 2] = 0

    return regression(spoil)


def duplicate_index():
    """Assign the gradient of an embedding instead of accumulating it."""
    tokens = np.array([4, 1, 4, 0, 1, 5])
    weights = np.random.default_rng(3).standard_normal((6, 4))

    def claim(p):
        d = np.zeros_like(p["table"])
        d[tokens] = weights * np.cos(p["table"][tokens])
        return {"table": d}

    table = np.random.default_rng(4).standard_normal((7, 4))
    return lambda p: float(np.sum(weights * np.sin(p["table"][tokens]))), claim, {"table": table}


def mask_forgotten():
    """Dropout in the forward pass only."""
    rng = np.random.default_rng(5)
    x, weights = rng.standard_normal((2, 6, 4))
    mask = rng.random((6, 4)) < 0.7

    def f(p):
        return float(np.sum(weights * np.sin(p["a"]) * mask / 0.7))

    return f, lambda p: {"a": weights * np.cos(p["a"]) / 0.7}, {"a": x}


def constant_statistics():
    """Layer norm, whose mean and variance are taken for constants."""
    rng = np.random.default_rng(6)
    x, weights = rng.standard_normal((2, 6, 4))

    def f(p):
        centred = p["x"] - p["x"].mean(axis=1, keepdims=True)
        return float(np.sum(weights * centred / np.sqrt((centred**2).mean(axis=1, keepdims=True))))

    return f, lambda p: {"x": weights / p["x"].std(axis=1, keepdims=True)}, {"x": x}


def wrong_slope():
    """1 - x^2, which is the slope of tanh written in its output, of the input."""
    rng = np.random.default_rng(8)
    z, dout = rng.standard_normal((2, 6, 4))
    return (
        lambda p: float(np.sum(dout * np.tanh(p["z"]))),
        lambda p: {"z": dout * (1 - p["z"] ** 2)},
        {"z": z},
    )


def unexplained():
    """Numbers out of nowhere."""

    def spoil(d):
        d[...] = np.random.default_rng(9).standard_normal(d.shape)

    return regression(spoil)


FAULTS = (
    factor_two,
    one_over_m,
    keep_prob_forgotten,
    wrong_sign,
    transposed,
    weight_decay_missing,
    one_entry,
    zero_row,
    zero_column,
    duplicate_index,
    mask_forgotten,
    constant_statistics,
    wrong_slope,
    unexplained,
)
