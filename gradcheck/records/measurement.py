"""Derivatives as numbers: the analytic side along a direction, the numeric side with its error bar.

Part of `records`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .problem import PyTree
from .words import Evidence


@dataclass(frozen=True)
class Derivative:
    """A derivative along a line, measured from values of `f`, with an error bar.

    Attributes
    ----------
    value : float
        The estimate of d/dt f(x + t v) at t = 0.
    error_bar : float
        `|value - true|` is at most this (coverage is measured in the benchmarks): the sum of
        `truncation`, `rounding` and `noise`. Infinite where there is no derivative to bound.
    truncation, rounding, noise : float
        Parts of the bar: from the finite step; from the arithmetic in which `f` is computed;
        from roughness of `f` beyond that, measured from the same values.
    evaluations : int
        Evaluations of `f`, f(x) included.
    steps : tuple of float
        The smallest step of each window that was used, in units of the direction.
    evidence : Evidence
        What `f` looks like along the line.
    left, right : float or None
        The one-sided derivatives, where they were told apart (a kink).
    side_bar : float
        The error bar of `left` and `right`.
    """

    value: float
    error_bar: float
    truncation: float
    rounding: float
    noise: float
    evaluations: int
    steps: tuple[float, ...]
    evidence: Evidence
    left: float | None = None
    right: float | None = None
    side_bar: float = math.nan

    def __str__(self) -> str:
        text = f"{self.value:.12g} ± {self.error_bar:.1e} ({self.evidence})"
        if self.left is not None and self.right is not None:
            text += f", from the left {self.left:.6g}, from the right {self.right:.6g}"
        return text

    def scaled(self, factor: float) -> Derivative:
        """Return the derivative along `factor` times the direction."""
        size = abs(factor)
        return replace(
            self,
            value=self.value * factor,
            error_bar=self.error_bar * size,
            truncation=self.truncation * size,
            rounding=self.rounding * size,
            noise=self.noise * size,
            steps=tuple(step / size for step in self.steps),
            left=None if self.left is None else self.left * factor,
            right=None if self.right is None else self.right * factor,
            side_bar=self.side_bar * size,
        )


@dataclass(frozen=True)
class Analytic:
    """The claim along one direction.

    Attributes
    ----------
    value : float
        <claim, v>.
    scale : float
        The size of its terms, sqrt(sum (claim_i v_i)^2): errors are relative to it, because terms
        of either sign may cancel in `value`.
    roundoff : float
        Unit roundoff of the dtype in which the claim is given.
    least : float
        What one rounding of each entry comes to along the direction, were all of them among the
        smallest numbers of that dtype, where it is no share of them: sum |v_i| times half of the
        smallest one.
    """

    value: float
    scale: float
    roundoff: float = 2.0**-53
    least: float = 0.0


@dataclass(frozen=True)
class Gradient:
    """The numeric gradient, entry by entry, with error bars.

    Attributes
    ----------
    value : pytree
        Like the point, float64 (complex128) leaves; None for leaves that are not differentiated.
    error_bar : pytree
        Likewise: the half-width that holds the true entry.
    evaluations : int
        Evaluations of `f`.
    """

    value: PyTree
    error_bar: PyTree
    evaluations: int
