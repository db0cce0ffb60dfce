"""Each mismatch that the trial reports, by a method that shares nothing with ours.

A function that is linear in what moves has no truncation: its difference over a step of one is its
derivative, exactly where the numbers are few bits long. Where that is not so, mpmath differentiates
the formula itself in fifty digits.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

DIGITS = 50
STEP = 1.0


class Row(NamedTuple):
    """One number: what is claimed, what ours measures, and what another method gives."""

    subject: str
    entry: str
    claimed: float
    measured: str
    confirmed: float
    how: str


def table() -> str:
    """Write the table, of the libraries that are installed."""
    lines = [
        "## The mismatches, by another method",
        "",
        "| subject | derivative of | claimed | gradcheck | another method | which |",
        "|---|---|---:|---:|---:|---|",
    ]
    for library, rows in ROWS.items():
        try:
            importlib.import_module(library)
        except ImportError:
            continue
        for row in rows():
            claimed, confirmed = f"{row.claimed:.9g}", f"{row.confirmed:.9g}"
            cells = (row.subject, row.entry, claimed, row.measured, confirmed, row.how)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _measured(f: Callable[..., float], x: object, v: object) -> str:
    """Measure the derivative of f along v, as ours does."""
    import gradcheck

    found = gradcheck.derivative(f, x, v)
    return f"{found.value:.9g} ± {found.error_bar:.0e}"


# --- torch --------------------------------------------------------------------------------------


def _torch() -> Iterator[Row]:
    """Move one number by a step of one; the functions are linear in it."""
    import torch

    for subject, entry, function, start in (
        ("max_unpool", "both inputs have the index 0; by the first", _unpooled, [1.0, 2.0]),
        ("as_strided_scatter", "input[0], which src overwrites", _scattered, [1.0, 2.0]),
        ("normal", "the mean, at one seed", _normal, [1.0]),
        ("native_group_norm", "the mean alone, other outputs undefined", _mean, [1.0, 2.0]),
    ):
        x = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        (claimed,) = torch.autograd.grad(function(x), x, materialize_grads=True)
        step = torch.zeros_like(x)
        step[0] = STEP
        difference = float(function(x + step) - function(x)) / STEP

        def value(array: object, function: Callable[..., object] = function) -> float:
            return float(function(torch.tensor(array)))  # type: ignore[arg-type]

        measured = _measured(value, x.detach().numpy(), step.numpy())
        yield Row(subject, entry, float(claimed[0]), measured, difference, "f(x + 1) - f(x), exact")


def _unpooled(x):
    import torch

    indices = torch.zeros((1, 1, 2), dtype=torch.int64)
    return torch.nn.functional.max_unpool1d(x.reshape(1, 1, 2), indices, 2).sum()


def _scattered(x):
    import torch

    return torch.as_strided_scatter(x, torch.zeros(1, dtype=x.dtype), (1,), (2,), 0).sum()


def _normal(x):
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.normal(x, 1.0).sum()


def _mean(x):
    import torch

    _, mean, _ = torch.native_group_norm(x.reshape(1, 1, 2), None, None, 1, 1, 2, 1, 1e-5)
    return mean.sum()


# --- statsmodels --------------------------------------------------------------------------------


def _statsmodels() -> Iterator[Row]:
    """Differentiate the log-likelihood of a negative binomial in many digits."""
    import numpy as np

    from .statsmodels_scores import COUNTS, X, models

    found = {name: (model, at) for name, model, at in models() if "NegativeBinomial, nb" in name}
    for name, (model, at) in found.items():
        for j in range(len(at) - 1):
            orders = tuple(int(k in (j, len(at) - 1)) for k in range(len(at)))
            last = np.eye(len(at))[-1]

            def score(p: object, model: object = model, j: int = j) -> float:
                return float(model.score(p)[j])  # type: ignore[attr-defined]

            yield Row(
                f"{name}, Hessian",
                f"score[{j}] by the last parameter",
                float(np.asarray(model.hessian(at))[-1, j]),
                _measured(score, at, last),
                _in_many_digits(at, orders, X, COUNTS, power=1 if name.endswith("nb1") else 0),
                f"mpmath, the log-likelihood in {DIGITS} digits",
            )


def _in_many_digits(at, orders, X, y, *, power):
    """Return a derivative of the log-likelihood; Cameron and Trivedi (2013), section 3.3."""
    import mpmath as mp

    def loglike(*p):
        total = mp.mpf(0)
        for row, count in zip(X, y, strict=True):
            mu = mp.exp(sum(mp.mpf(float(x)) * b for x, b in zip(row, p, strict=False)))
            size, count = mp.exp(-p[-1]) * mu**power, int(count)
            share = size / (size + mu)
            total += mp.loggamma(size + count) - mp.loggamma(count + 1) - mp.loggamma(size)
            total += size * mp.log(share) + count * mp.log(1 - share)
        return total

    with mp.workdps(DIGITS):
        return float(mp.diff(loglike, tuple(mp.mpf(float(p)) for p in at), orders))


ROWS: dict[str, Callable[[], Iterator[Row]]] = {"torch": _torch, "statsmodels": _statsmodels}
