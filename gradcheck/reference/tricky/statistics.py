"""Right gradients of log-likelihoods and other functions of statistics.

Owns: STATISTICS. Place: beside `case`, gathered by `__init__`. Scores that were derived by hand,
with sums of very different terms, normalising constants and recursions.
"""

import math

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _normal(rng: np.random.Generator) -> Posed:
    data = 170 + 8 * rng.standard_normal(50)
    x = {"mean": np.array(165.0), "width": np.array(7.0)}

    def f(x: Tree) -> Tree:
        z = (data - x["mean"]) / x["width"]
        return np.sum(-0.5 * z**2 - np.log(x["width"]) - 0.5 * np.log(2 * np.pi))

    def right(x: Tree) -> Tree:
        z = (data - x["mean"]) / x["width"]
        return {"mean": np.sum(z) / x["width"], "width": np.sum(z**2 - 1) / x["width"]}

    return Posed(f, right, x)


def _student(rng: np.random.Generator) -> Posed:
    data = rng.standard_normal(20)
    data[0] = 1e6  # an outlier, which hardly pulls

    def right(x: Tree) -> Tree:
        d = data - x["mean"]
        return {
            "mean": np.sum(4 * d / (3 * x["width"] ** 2 + d**2)),
            "width": np.sum(
                4 * d**2 / (x["width"] * (3 * x["width"] ** 2 + d**2)) - 1 / x["width"]
            ),
        }

    return Posed(
        lambda x: np.sum(
            -2 * np.log1p((data - x["mean"]) ** 2 / (3 * x["width"] ** 2)) - np.log(x["width"])
        ),
        right,
        {"mean": np.array(0.1), "width": np.array(0.9)},
    )


def _mixture(rng: np.random.Generator) -> Posed:
    data = np.concatenate([rng.normal(-30, 1, 10), rng.normal(30, 1, 10)])
    x = {"logits": rng.standard_normal(2), "means": np.array([-29.0, 31.0])}

    def terms(x: Tree) -> Tree:
        share = x["logits"] - np.log(np.sum(np.exp(x["logits"])))
        return share - 0.5 * (data[:, None] - x["means"]) ** 2  # (20, 2)

    def log_sum(t: Array) -> Tree:
        top: Array = t.max(axis=1)
        return top + np.log(np.exp(t - top[:, None]).sum(axis=1))

    def right(x: Tree) -> Tree:
        t = terms(x)
        duty = np.exp(t - log_sum(t)[:, None])
        share = np.exp(x["logits"]) / np.sum(np.exp(x["logits"]))
        return {
            "logits": duty.sum(axis=0) - 20 * share,
            "means": np.sum(duty * (data[:, None] - x["means"]), axis=0),
        }

    return Posed(lambda x: np.sum(log_sum(terms(x))), right, x)


def _poisson(rng: np.random.Generator) -> Posed:
    data = rng.standard_normal((30, 3))
    count = rng.poisson(1e4, 30)
    return Posed(
        lambda w: np.sum(count * (9 + data @ w) - np.exp(9 + data @ w)),
        lambda w: data.T @ (count - np.exp(9 + data @ w)),
        0.1 * rng.standard_normal(3),
    )


def _bessel(x: Array, order: int) -> Array:
    """Sum the modified Bessel function I of order 0 or 1, all terms positive."""
    terms = [
        (x / 2) ** (2 * k + order) / (math.factorial(k) * math.factorial(k + order))
        for k in range(30)
    ]
    total: Array = np.sum(terms, axis=0)
    return total


def _von_mises(rng: np.random.Generator) -> Posed:
    angle = rng.vonmises(3.0, 2.0, 25)  # around the cut at pi
    x = {"mean": np.array(3.1), "sharpness": np.array(rng.uniform(1, 3))}

    def f(x: Tree) -> Tree:
        constant = np.log(2 * np.pi * _bessel(x["sharpness"], 0))
        return np.sum(x["sharpness"] * np.cos(angle - x["mean"]) - constant)

    def right(x: Tree) -> Tree:
        ratio = _bessel(x["sharpness"], 1) / _bessel(x["sharpness"], 0)
        return {
            "mean": np.sum(x["sharpness"] * np.sin(angle - x["mean"])),
            "sharpness": np.sum(np.cos(angle - x["mean"]) - ratio),
        }

    return Posed(f, right, x)


def _gaussian_process(rng: np.random.Generator) -> Posed:
    t = np.linspace(0, 3, 12)
    y = np.sin(t) + 0.05 * rng.standard_normal(12)
    square = (t[:, None] - t) ** 2
    x = {"log_length": np.array(0.2), "log_noise": np.array(-3.0)}

    def parts(x: Tree) -> tuple[Array, Array]:
        smooth = np.exp(-0.5 * square * np.exp(-2 * x["log_length"]))
        return smooth, smooth + np.exp(2 * x["log_noise"]) * np.eye(12)

    def f(x: Tree) -> Tree:
        _, whole = parts(x)
        return -0.5 * y @ np.linalg.solve(whole, y) - 0.5 * np.log(np.linalg.det(whole))

    def right(x: Tree) -> Tree:
        smooth, whole = parts(x)
        weight = np.linalg.solve(whole, y)
        outer = 0.5 * (np.outer(weight, weight) - np.linalg.inv(whole))
        return {
            "log_length": np.sum(outer * smooth * square) * np.exp(-2 * x["log_length"]),
            "log_noise": np.trace(outer) * 2 * np.exp(2 * x["log_noise"]),
        }

    return Posed(f, right, x)


def _hidden_markov(rng: np.random.Generator) -> Posed:
    seen = rng.integers(0, 2, 15)
    x = {"step": rng.standard_normal((3, 3)), "emit": rng.standard_normal((3, 2))}

    def rows(z: Array) -> Array:
        share: Array = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return share

    def f(x: Tree) -> Tree:
        step, emit = rows(x["step"]), rows(x["emit"])
        ahead = emit[:, seen[0]] / 3
        total = 0.0
        for symbol in seen[1:]:
            total = total + np.log(ahead.sum())  # scaled, for the product underflows
            ahead = (ahead / ahead.sum()) @ step * emit[:, symbol]
        return total + np.log(ahead.sum())

    def right(x: Tree) -> Tree:
        """Count expected steps and symbols (Baum & Welch)."""
        step, emit = rows(x["step"]), rows(x["emit"])
        forward, backward = np.empty((15, 3)), np.ones((15, 3))
        forward[0] = emit[:, seen[0]] / 3
        for t in range(1, 15):
            forward[t] = forward[t - 1] @ step * emit[:, seen[t]]
        for t in range(13, -1, -1):
            backward[t] = step @ (emit[:, seen[t + 1]] * backward[t + 1])
        chance = forward[-1].sum()
        later = emit[:, seen[1:]].T * backward[1:]  # (14, 3)
        steps = step * (forward[:-1].T @ later) / chance
        visits = forward * backward / chance  # (15, 3)
        symbols = np.stack([visits[seen == s].sum(axis=0) for s in (0, 1)], axis=1)
        return {
            "step": steps - step * steps.sum(axis=1, keepdims=True),
            "emit": symbols - emit * symbols.sum(axis=1, keepdims=True),
        }

    return Posed(f, right, x)


def _kalman(rng: np.random.Generator) -> Posed:
    y = np.cumsum(rng.standard_normal(20)) + 0.5 * rng.standard_normal(20)
    x = {"log_walk": np.array(0.1), "log_noise": np.array(-0.6)}

    def f(x: Tree) -> Tree:
        walk, noise = np.exp(x["log_walk"]), np.exp(x["log_noise"])
        mean, spread, total = 0.0, 10.0, 0.0
        for value in y:
            spread = spread + walk
            whole = spread + noise
            total = total - 0.5 * np.log(whole) - 0.5 * (value - mean) ** 2 / whole
            mean = mean + spread / whole * (value - mean)
            spread = spread * noise / whole
        return total

    def slope(walk: float, noise: float, dwalk: float, dnoise: float) -> float:
        """Carry the derivative of mean and spread along with them."""
        mean, spread, dmean, dspread, dtotal = 0.0, 10.0, 0.0, 0.0, 0.0
        for value in y:
            spread, dspread = spread + walk, dspread + dwalk
            whole, dwhole, gap = spread + noise, dspread + dnoise, value - mean
            dtotal += -0.5 * dwhole / whole + gap * dmean / whole
            dtotal += 0.5 * gap**2 * dwhole / whole**2
            gain = spread / whole
            dgain = dspread / whole - spread * dwhole / whole**2
            mean, dmean = mean + gain * gap, dmean + dgain * gap - gain * dmean
            spread, dspread = (
                spread * noise / whole,
                (dspread * noise + spread * dnoise) / whole - spread * noise * dwhole / whole**2,
            )
        return dtotal

    def right(x: Tree) -> Tree:
        walk, noise = float(np.exp(x["log_walk"])), float(np.exp(x["log_noise"]))
        return {
            "log_walk": np.array(slope(walk, noise, walk, 0.0)),
            "log_noise": np.array(slope(walk, noise, 0.0, noise)),
        }

    return Posed(f, right, x)


def _proportional_hazards(rng: np.random.Generator) -> Posed:
    data = rng.standard_normal((12, 2))  # in the order of their times, the earliest first
    event = rng.uniform(size=12) < 0.7

    def f(w: Array) -> Tree:
        risk = data @ w
        at_risk = np.cumsum(np.exp(risk)[::-1])[::-1]
        return np.sum((risk - np.log(at_risk))[event])

    def right(w: Array) -> Array:
        share = np.exp(data @ w)
        below = np.cumsum(share[::-1])[::-1]
        above = np.cumsum((share[:, None] * data)[::-1], axis=0)[::-1]
        dw: Array = np.sum((data - above / below[:, None])[event], axis=0)
        return dw

    return Posed(f, right, rng.standard_normal(2))


def _rare_event(rng: np.random.Generator) -> Posed:
    x = np.array(-27.6 + 0.1 * rng.standard_normal())  # a probability of 1e-12
    return Posed(
        lambda z: 3 * z - 1e12 * np.log1p(np.exp(z)),
        lambda z: np.asarray(3 - 1e12 / (1 + np.exp(-z))),
        x,
    )


def _compound_rate(rng: np.random.Generator) -> Posed:
    x = 1e-9 * rng.uniform(1, 2, 3)
    return Posed(
        lambda r: np.sum(np.expm1(365 * np.log1p(r))),
        lambda r: 365 * np.exp(364 * np.log1p(r)),
        x,
    )


def _large_log_sum(rng: np.random.Generator) -> Posed:
    x = 1e6 + rng.standard_normal(6)

    def right(x: Array) -> Tree:
        p: Array = np.exp(x - x.max())
        return p / p.sum()

    return Posed(lambda x: x.max() + np.log(np.sum(np.exp(x - x.max()))), right, x)


STATISTICS: tuple[Tricky, ...] = (
    Tricky(
        "normal-likelihood",
        "no thread, usual in first fits",
        "The mean is 20 widths away from 0, and the two scores are of different sizes.",
        _normal,
    ),
    Tricky(
        "student-likelihood-with-an-outlier",
        "no thread, usual in robust regression",
        "One datum is at 1e6, and its pull fades where that of a normal would grow.",
        _student,
    ),
    Tricky(
        "mixture-far-apart",
        "Bishop, Pattern Recognition and Machine Learning, section 9.2",
        "The components are 60 widths apart, so that the duties are 0 and 1 to the last bit.",
        _mixture,
    ),
    Tricky(
        "poisson-regression",
        "no thread, usual with counts",
        "The terms are of 1e5 and cancel to a score that is much smaller.",
        _poisson,
    ),
    Tricky(
        "von-mises-likelihood",
        "Mardia & Jupp, Directional Statistics, chapter 5",
        "The angles lie around the cut at pi, and the constant is a Bessel function.",
        _von_mises,
    ),
    Tricky(
        "gaussian-process-likelihood",
        "Rasmussen & Williams, Gaussian Processes for Machine Learning, section 5.4",
        "The covariance is close to singular, and two terms of opposite sign nearly cancel.",
        _gaussian_process,
    ),
    Tricky(
        "hidden-markov-likelihood",
        "Rabiner (1989), Proceedings of the IEEE 77",
        "The gradient is made of expected counts, and rows of it sum to zero.",
        _hidden_markov,
    ),
    Tricky(
        "kalman-filter-likelihood",
        "Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, section 3.4",
        "The gradient runs along with the filter in a recursion of its own.",
        _kalman,
    ),
    Tricky(
        "proportional-hazards",
        "Cox (1972), Journal of the Royal Statistical Society B 34",
        "Each term has a sum over all who are still at risk.",
        _proportional_hazards,
    ),
    Tricky(
        "rare-event",
        "no thread, usual with clicks and defects",
        "The probability is 1e-12 and the number of trials 1e12.",
        _rare_event,
    ),
    Tricky(
        "compound-rate",
        "no thread, usual in finance",
        "Rates of 1e-9 need log1p and expm1, and a step of 1e-6 is a thousand times x.",
        _compound_rate,
    ),
    Tricky(
        "log-sum-exp-of-1e6",
        "pytorch/pytorch#31829",
        "The value is 1e6, and what its gradient shows is in the last ten digits.",
        _large_log_sum,
    ),
)
