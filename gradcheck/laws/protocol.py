"""What a law is, the circumstances in which it is tried, and what a trial says.

Owns the drawn setting, the law and its outcome, and the parameters and targets that laws share.
Holds no law itself; what a subject offers stands in `subject`.
Part of `laws`; uses `records`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from ..records import Verdict
from .subject import Array, Params, Subject, offers


@dataclass(frozen=True, eq=False)
class Setting:
    """The circumstances of one trial of a law; drawn by `draw_setting` or by Hypothesis.

    Attributes
    ----------
    hidden : tuple of int
        Widths of the hidden layers.
    inputs : (m, n_in) array
        Rows of data.
    classes : int
        Number of outputs (classes, for softmax).
    learning_rate, weight_decay, keep_prob : float
        As named.
    constant : float
        The value that all weights of a symmetric network start from.
    steps : int
        Steps of gradient descent.
    seed : int
        For whatever else a law draws.
    """

    hidden: tuple[int, ...]
    inputs: Array
    classes: int
    learning_rate: float
    weight_decay: float
    keep_prob: float
    constant: float
    steps: int
    seed: int

    @property
    def m(self) -> int:
        """The number of rows."""
        return len(self.inputs)

    def rng(self) -> np.random.Generator:
        """Make a fresh generator; the same one at every call."""
        return np.random.default_rng(self.seed)

    def __str__(self) -> str:
        return (
            f"hidden={self.hidden}, m={self.m}, n_in={self.inputs.shape[1]}, "
            f"classes={self.classes}, learning_rate={self.learning_rate:.4g}, "
            f"weight_decay={self.weight_decay:.4g}, keep_prob={self.keep_prob:.4g}, "
            f"constant={self.constant:.4g}, steps={self.steps}, seed={self.seed}"
        )


def draw_setting(rng: np.random.Generator) -> Setting:
    """Draw an ordinary setting: small network, standardised data."""
    m = int(rng.integers(2, 9)) * 2
    return Setting(
        hidden=tuple(int(n) for n in rng.integers(2, 7, size=rng.integers(1, 4))),
        inputs=rng.standard_normal((m, int(rng.integers(1, 6)))),
        classes=int(rng.integers(2, 5)),
        learning_rate=float(rng.uniform(0.01, 0.5)),
        weight_decay=float(rng.uniform(0.1, 3.0)),
        keep_prob=float(rng.uniform(0.2, 0.95)),
        constant=float(rng.choice([0.0, rng.uniform(-1.0, 1.0)])),
        steps=int(rng.integers(1, 6)),
        seed=int(rng.integers(2**32)),
    )


@dataclass(frozen=True)
class Outcome:
    """What one trial of a law showed; the message is the counter-example where it is broken.

    The verdict is None where the subject does not offer what the trial asked for.
    """

    verdict: Verdict | None
    message: str
    evidence: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def holds(message: str, **evidence: Any) -> Outcome:  # noqa: ANN401 - JSON values
    """Say that the law was seen to hold."""
    return Outcome(Verdict.PASS, message, evidence)


def broken(message: str, **evidence: Any) -> Outcome:  # noqa: ANN401 - JSON values
    """Say that the law was seen broken."""
    return Outcome(Verdict.FAIL, message, evidence)


def undecided(message: str, **evidence: Any) -> Outcome:  # noqa: ANN401 - JSON values
    """Say that this trial could not tell."""
    return Outcome(Verdict.INCONCLUSIVE, message, evidence)


@dataclass(frozen=True, eq=False)
class Law:
    """A statement that every correct implementation obeys.

    Attributes
    ----------
    name : str
        Short and selectable, such as `dropout-same-mask-backward`.
    statement : str
        What holds, in one sentence.
    source : str
        Where it is from.
    needs : tuple of str
        The members of `Subject` that it uses.
    trial : callable
        `trial(subject, setting)` returns an `Outcome`.
    suits : callable
        `suits(subject)` is "" or the reason why the law says nothing about this subject.
    """

    name: str
    statement: str
    source: str
    needs: tuple[str, ...]
    trial: Callable[[Any, Setting], Outcome]
    suits: Callable[[Any], str] = lambda subject: ""

    def missing(self, subject: object) -> str:
        """Say why the law does not apply to the subject; empty if it does."""
        lacking = [name for name in self.needs if not offers(subject, name)]
        if lacking:
            return f"the subject offers no {', '.join(lacking)}"
        return self.suits(subject)


def draw_targets(subject: Subject, setting: Setting, rng: np.random.Generator) -> Array:
    """Draw targets that suit the subject's loss, one for each row of the setting."""
    return draw_row_targets(subject, setting.m, setting.classes, rng)


def draw_row_targets(subject: Subject, m: int, outputs: int, rng: np.random.Generator) -> Array:
    """Draw targets that suit the subject's loss, for m rows."""
    if subject.loss == "softmax":
        return np.asarray(rng.integers(0, outputs, size=m))
    if subject.loss == "bce":
        return rng.integers(0, 2, size=(m, outputs)).astype(float)
    return rng.standard_normal((m, outputs))


def layer_sizes(setting: Setting) -> tuple[int, ...]:
    """Widths of all layers, inputs and outputs included."""
    return (setting.inputs.shape[1], *setting.hidden, setting.classes)


def draw_params(sizes: tuple[int, ...], rng: np.random.Generator) -> Params:
    """Draw parameters of ordinary size, biases included."""
    params: Params = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        params[f"W{layer}"] = rng.standard_normal((n_in, n_out)) / np.sqrt(n_in)
        params[f"b{layer}"] = 0.1 * rng.standard_normal(n_out)
    return params


def constant_params(sizes: tuple[int, ...], value: float, bias: float = 0.0) -> Params:
    """Set all weights to one value and all biases to another."""
    params: Params = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        params[f"W{layer}"] = np.full((n_in, n_out), value)
        params[f"b{layer}"] = np.full(n_out, bias)
    return params


def descended(params: Params, gradient: Params, rates: Mapping[str, float]) -> Params:
    """Take a step of gradient descent of our own, with a rate for each parameter."""
    return {name: value - rates[name] * gradient[name] for name, value in params.items()}
