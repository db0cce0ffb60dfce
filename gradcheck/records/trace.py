"""What was measured on the way to a verdict, in numbers few enough to keep: material for pictures.

Decides nothing: a report says the same without it.
Part of `records`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowTrace:
    """One window of steps and its estimate. Lengths are in units of the line.

    Attributes
    ----------
    smallest, largest : float
        The steps it reaches from and to.
    value : float
        The derivative that it gives.
    truncation, rounding, noise : float
        The parts of its error bar, as in `Derivative`; what a kink adds is truncation.
    believed : bool
        Whether no smaller window contradicts it.
    chosen : bool
        Whether its estimate is the answer.
    """

    smallest: float
    largest: float
    value: float
    truncation: float
    rounding: float
    noise: float
    believed: bool
    chosen: bool

    @property
    def bar(self) -> float:
        """The error bar of `value`."""
        return self.truncation + self.rounding + self.noise


@dataclass(frozen=True)
class LineTrace:
    """The line that decided about a leaf.

    Attributes
    ----------
    steps, rises : tuple of float
        t and f(x + t v) - f(x), by increasing t, as they were measured; x itself left out.
    floor : float
        The half-width that holds the error of one value: rounding, or noise beyond it.
    windows : tuple of WindowTrace
        By increasing step. None where two values were enough to see that the claim is right.
    """

    steps: tuple[float, ...]
    rises: tuple[float, ...]
    floor: float
    windows: tuple[WindowTrace, ...] = ()


@dataclass(frozen=True)
class EntryTrace:
    """One entry of a leaf that was measured by a difference of its own.

    Attributes
    ----------
    index : tuple of int
        Where it is.
    analytic, numeric : float or complex
        Its derivative, claimed and measured.
    bar : float
        The error bar of `numeric`.
    wrong : bool
        Whether they differ by more than the bar and the tolerance.
    """

    index: tuple[int, ...]
    analytic: complex
    numeric: complex
    bar: float
    wrong: bool


@dataclass(frozen=True)
class ErrorMap:
    """The errors of the entries that were measured, on a grid of rows and columns.

    The leaf is laid out by its first axis and all others; one of a single axis is one row. Where
    it has more rows or columns than the grid, a cell shows the largest error of a block.

    Attributes
    ----------
    grid : tuple of int
        Rows and columns of cells.
    block : tuple of int
        Rows and columns of entries that a cell stands for.
    cells : tuple of int
        The cells in which something was measured, as row times columns plus column.
    errors : tuple of float
        The largest |analytic - numeric| in each of them; infinite where either is not finite.
    measured : int
        How many entries were measured.
    worst : tuple of EntryTrace
        Those of the largest error.
    """

    grid: tuple[int, int]
    block: tuple[int, int]
    cells: tuple[int, ...]
    errors: tuple[float, ...]
    measured: int
    worst: tuple[EntryTrace, ...]
