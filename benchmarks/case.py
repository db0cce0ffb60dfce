"""One function whose derivative is known, as a user would hand it to gradcheck.

Owns the record, the slice that peers see, and the few operations on points that both need. Knows
neither the library nor how a case is measured.
Lowest layer of the benchmarks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

DOUBLE = 2.0**-53  # unit roundoff of float64
SINGLE = 2.0**-24  # of float32
HALF = 2.0**-11  # of float16
BRAIN = 2.0**-8  # of bfloat16, which keeps 8 digits


@dataclass(frozen=True, eq=False)
class Case:
    """A function, the right claim, a point, and the derivative there.

    Attributes
    ----------
    family : str
        The row of the table that the case counts in.
    name : str
        Unique in its corpus; with the corpus' seed it names the case for ever.
    f, grad : callable
        What a user would pass to `check_grad`. The claim is right, and callable at any point of
        the domain, with the usual convention at kinks.
    x : number, array or dict of arrays
        The point.
    direction : like x, or None for one number
        Along which `truth` is the derivative.
    truth : float
        d/dt f(x + t direction) at t = 0, of the mathematical function at the very numbers in x.
        NaN where there is no derivative.
    left, right : float or None
        The one-sided derivatives where there is a kink at x.
    roundoff : float
        Unit roundoff that the dtypes of x and f(x) suggest.
    length : float
        The natural unit of the step: u = 1 moves x by `length` directions.
    """

    family: str
    name: str
    f: Callable[[Any], Any]
    grad: Callable[[Any], Any]
    x: Any
    direction: Any
    truth: float
    left: float | None = None
    right: float | None = None
    roundoff: float = DOUBLE
    length: float = 1.0

    @property
    def differentiable(self) -> bool:
        """Whether there is a derivative to cover."""
        return not math.isnan(self.truth)

    def slice(self) -> Slice:
        """Return f along the direction, in natural units, for methods that know only numbers."""
        return Slice(self)


@dataclass(eq=False)
class Slice:
    """g(u) = f(x + u length direction), counting its evaluations; NaN where f raises."""

    case: Case
    evaluations: int = 0
    truth: float = field(init=False)
    roundoff: float = field(init=False)

    def __post_init__(self) -> None:
        self.truth = self.case.truth * self.case.length
        self.roundoff = self.case.roundoff

    def __call__(self, u: float) -> float:
        """Evaluate at u."""
        case = self.case
        self.evaluations += 1
        try:
            return float(case.f(moved(case.x, case.direction, float(u) * case.length)))
        except (ArithmeticError, ValueError, TypeError):
            return math.nan


def scalar(family, name, f, grad, x, truth, **rest) -> Case:
    """Build a case on one number; its natural length is |x|, or 1 at 0."""
    return Case(family, name, f, grad, x, None, truth, length=abs(float(x)) or 1.0, **rest)


def spread(family, name, f, grad, x, direction, truth, **rest) -> Case:  # noqa: PLR0913 - likewise
    """Build a case on arrays; its natural length moves the moving entries by their own rms."""
    return Case(family, name, f, grad, x, direction, truth, length=_length(x, direction), **rest)


def _length(x, direction) -> float:
    """Return rms(x) / rms(direction), over the entries that move; 1 / rms(direction) at 0."""
    v = flat(direction)
    moving = v != 0
    size = float(np.sqrt(np.mean(np.abs(flat(x)[moving]) ** 2))) or 1.0
    return size / float(np.sqrt(np.mean(np.abs(v[moving]) ** 2)))


def over(function: Callable[..., Any], *trees: Any) -> Any:
    """Apply a function leaf by leaf."""
    first = trees[0]
    if isinstance(first, dict):
        return {name: function(*(tree[name] for tree in trees)) for name in first}
    return function(*trees)


def moved(x, direction, step: float):
    """Return x + step direction, each leaf in its own type and dtype; no direction means 1."""
    if direction is None:
        return type(x)(x + step)
    return over(lambda a, v: np.asarray(a + step * v).astype(a.dtype), x, direction)


def scaled(gradient, factor: float):
    """Return factor times a gradient, each leaf in its own type and dtype."""
    return over(lambda g: type(g)(factor * g) if np.ndim(g) == 0 else g * factor, gradient)


def flat(tree) -> np.ndarray:
    """Return all entries as one vector, in at least double precision."""
    leaves = tree.values() if isinstance(tree, dict) else [tree]
    vector = np.concatenate([np.ravel(np.asarray(leaf)) for leaf in leaves])
    return vector.astype(np.result_type(vector, np.float64))


def along(gradient, direction) -> float:
    """Return df = Re sum conj(g) v, accumulated in extended precision."""
    if direction is None:
        return float(gradient)
    g, v = flat(gradient), flat(direction)
    wide = np.clongdouble if "c" in (g.dtype.kind, v.dtype.kind) else np.longdouble
    return float(np.real(np.sum(np.conj(g.astype(wide)) * v.astype(wide))))
