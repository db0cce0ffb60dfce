"""What was claimed and measured along one line of a leaf, or for one of its entries.

Part of `localise`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..space import Array


@dataclass(frozen=True, eq=False)
class Reading:
    """A directional derivative of one leaf, claimed and measured.

    Attributes
    ----------
    tangent : array
        v, shaped like the leaf.
    analytic, numeric, bar : float
        <claim, v>, the derivative along v, and its error bar.
    scale : float
        The size of the terms of either: errors are relative to it.
    """

    tangent: Array
    analytic: float
    numeric: float
    bar: float
    scale: float

    @property
    def residual(self) -> float:
        """What the claim lacks along the line."""
        return self.numeric - self.analytic


@dataclass(frozen=True)
class Entry:
    """One entry of the gradient: claimed, and measured by a difference of its own.

    Attributes
    ----------
    analytic, numeric : float or complex
        Its derivative, claimed and measured.
    bar : float
        The error bar of `numeric`.
    wrong : bool
        Whether they differ by more than the bar and the tolerance.
    """

    analytic: complex
    numeric: complex
    bar: float
    wrong: bool
