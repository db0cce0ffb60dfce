"""One wrong entry, read off lines through the whole leaf: its place is written in their weights.

If entry k alone is wrong by d, every line shows v_k d, so that the ratios of what several lines
show are those of the weights of one entry: drawn at random, these are as good as a name. The lines
that were read for the causes are there already, and where bars are narrow they name one entry
among a million; where they are wide, a few more lines narrow down what is left, each to about bar
over residual of it. As in group testing with measurements that are numbers (compressed sensing of
a single spike; the decoding is by exhaustion, which is exact).
Part of `localise`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence

import numpy as np

from ..space import Array
from .reading import Reading

CLOSE = 4.0  # bars that a line may be off: as in the search, where a residual above is no rounding
FEW = 2  # entries left are confirmed one by one: four evaluations each, a line costs two
MOST_LINES = 16  # of bars so wide that these are not enough, halving is cheaper
SHRINKS = (
    0.5  # to this share, or less, every further line must narrow down what is left, as halving
)


def candidates(
    readings: Sequence[Reading],
    bars: Sequence[float],
    another: Callable[[], tuple[Reading, float] | None],
) -> tuple[int, ...]:
    """Return the entries of which one, if it alone is wrong, explains all lines; flat indices.

    Parameters
    ----------
    readings : sequence of Reading
        Lines in which every entry moves, of a leaf of real numbers.
    bars : sequence of float
        What each may be off, the tolerance included.
    another : callable
        Reads one more such line, if it can be read; asked for while that narrows down the rest.

    Returns
    -------
    tuple of int
        At most FEW; none where no entry alone explains the lines, or too many do.
    """
    decoding = _Decoding(readings[0].tangent.size)
    for reading, bar in zip(readings, bars, strict=True):
        decoding.add(reading, bar)
    for _ in range(MOST_LINES):
        before = len(decoding.left)
        if before <= FEW or not decoding.is_worth_a_line:
            break
        further = another()
        if further is None:
            break
        decoding.add(*further)
        if len(decoding.left) > SHRINKS * before:
            break
    left = decoding.left
    return tuple(int(k) for k in left) if 0 < len(left) <= FEW else ()


class _Decoding:
    """The entries that may be the one, and sums over the lines from which its error follows."""

    def __init__(self, size: int) -> None:
        self.left = np.arange(size)
        self.lines: list[tuple[Reading, float]] = []

    def add(self, reading: Reading, bar: float) -> None:
        """Keep those entries that explain this line too."""
        self.lines.append((reading, max(bar, sys.float_info.min)))
        if len(self.lines) < 2:  # any entry explains a single line
            return
        squares, products = np.zeros((2, len(self.left)))
        narrowest = min(off for _, off in self.lines)
        for line, off in self.lines:
            share = narrowest / off  # squares of bars themselves may overflow
            v = share * self._weights(line)
            squares += v**2
            products += v * (share * line.residual)
        error = products / squares
        fits = np.ones(len(self.left), dtype=bool)
        for line, off in self.lines:
            fits &= np.abs(line.residual - error * self._weights(line)) <= CLOSE * off
        self.left = self.left[fits]

    def _weights(self, line: Reading) -> Array:
        return line.tangent.reshape(-1)[self.left]

    @property
    def is_worth_a_line(self) -> bool:
        """Whether the bars are so narrow that one more line will tell most entries apart."""
        shares = [off / abs(line.residual) for line, off in self.lines if line.residual != 0]
        return (
            bool(shares)
            and CLOSE * float(np.median(shares)) < SHRINKS
            and math.isfinite(sum(shares))
        )
