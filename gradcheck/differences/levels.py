"""The steps of a window relative to its smallest, and every formula that follows from them.

Owns the extrapolation of the odd part (the slope) and of the even part (a kink), the residuals that
no polynomial explains, and the polynomials of one side alone: plain arithmetic, done once for each
set of ratios.
Part of `differences`.

Source: Neville's extrapolation in h^2 as in Ridders (1982), Adv. Eng. Software 4(2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

LEVELS = 4  # 3 levels: bars twice as wide; 5 levels: two evaluations more, no gain (measured)
SPAN = 8.0  # the largest step relative to the smallest; ratio 4 a level: bars 2.5 times as wide


@dataclass(frozen=True, eq=False)
class Tableau:
    """All extrapolations to h = 0 that the levels allow, in one matrix.

    Entry [a, k] combines the levels a .. a + k so that k error terms cancel. Its truncation error
    is judged from the neighbours that cancel one term less; its noise from `gains`.

    Attributes
    ----------
    weights : (entries, LEVELS)
        Applied to the differences of the levels.
    gains : (entries,)
        Half-width of the result for values of half-width 1 and h = 1.
    coarser : tuple of tuples of int
        The entries that each is compared with.
    """

    weights: Vector
    gains: Vector
    coarser: tuple[tuple[int, ...], ...]

    def best(self, differences: Vector, noise: float) -> tuple[float, float, float]:
        """Return value, truncation and noise of the entry whose sum of the two is least.

        `noise`: half-width of one value of f, divided by h.
        """
        values = self.weights @ differences
        truncation = np.array(
            [
                max(abs(values[i] - values[j]) for j in others)
                for i, others in enumerate(self.coarser)
            ]
        )
        i = int(np.argmin(truncation + noise * self.gains))
        return float(values[i]), float(truncation[i]), float(noise * self.gains[i])


def _tableau(ratios: Vector, powers: tuple[int, ...], shared: float) -> Tableau:
    """Build the tableau that cancels the error terms h^p, p in powers[1:], one after another.

    `shared` is 1 if every level's difference contains g(0), whose noise they then share.
    """
    index: dict[tuple[int, int], int] = {}
    weights: list[Vector] = []
    gains: list[float] = []
    for k in range(len(powers)):
        for a in range(LEVELS - k):
            basis = ratios[a : a + k + 1, None] ** np.array(powers[: k + 1])
            row = np.zeros(LEVELS)
            row[a : a + k + 1] = np.linalg.inv(basis)[0]
            noise = row / ratios
            index[a, k] = len(weights)
            weights.append(row)
            gains.append(float(np.sqrt(np.sum(noise**2) / 2 + shared * np.sum(noise) ** 2)))
    coarser = tuple(
        tuple(index[b] for b in _coarser(a, k) if b in index)
        for a, k in sorted(index, key=index.__getitem__)
    )
    return Tableau(np.array(weights), np.array(gains), coarser)


def _coarser(a: int, k: int) -> list[tuple[int, int]]:
    """Name the entries an entry is compared with; one level alone: the pairs it is part of."""
    return [(a - 1, 1), (a, 1)] if k == 0 else [(a, k - 1), (a + 1, k - 1)]


@dataclass(frozen=True, eq=False)
class SideWeights:
    """Polynomials through g at 0 and the four steps of one side (weights of the values, h = 1).

    Attributes
    ----------
    slope, cubic_slope : (LEVELS + 1,)
        Slope at 0 of the quartic, and of the cubic through the nearest four values.
    contrast : (LEVELS + 1,)
        What no cubic explains.
    reach : (LEVELS + 1,)
        The quartic read at -h, on the other side.
    gap, own_slope : (LEVELS + 1,)
        The cubic through the outer four values read at 0, and its slope there.
    """

    slope: Vector
    cubic_slope: Vector
    contrast: Vector
    reach: Vector
    gap: Vector
    own_slope: Vector

    @classmethod
    def of(cls, ratios: Vector) -> SideWeights:
        """Work them out for one set of ratios."""
        points = np.concatenate([[0.0], ratios])
        quartic = np.linalg.inv(np.vander(points, increasing=True))
        cubic = np.linalg.inv(np.vander(points[:4], increasing=True))
        outer = np.linalg.inv(np.vander(ratios, increasing=True))
        complete = np.linalg.qr(np.vander(points, 4, increasing=True), mode="complete")[0]
        return cls(
            slope=quartic[1],
            cubic_slope=np.append(cubic[1], 0.0),
            contrast=complete[:, 4],
            reach=((-1.0) ** np.arange(5)) @ quartic,
            gap=np.append(0.0, outer[0]),
            own_slope=np.append(0.0, outer[1]),
        )


@dataclass(frozen=True, eq=False)
class Levels:
    """One set of ratios with its formulas.

    Attributes
    ----------
    ratios : (LEVELS,)
        Steps relative to the smallest.
    slope : Tableau
        For D_j = g' + c h^2 + ...
    kink : Tableau
        For E_j = kappa + c h + c' h^3, kappa half the jump of g'.
    odd_off, even_off : dict of int to matrix
        Projectors onto what so many powers do not explain of the odd and of the even part.
    even_off_kink : matrix
        The same with a kink allowed for.
    side : SideWeights
        For one side alone.
    """

    ratios: Vector
    slope: Tableau
    kink: Tableau
    odd_off: dict[int, Vector]
    even_off: dict[int, Vector]
    even_off_kink: Vector
    side: SideWeights

    @classmethod
    def of(cls, *ratios: float) -> Levels:
        """Work out everything that follows from the ratios."""
        steps = np.array(ratios)
        odd = steps / steps[-1]
        even = np.concatenate([[0.0], odd])
        weight = np.concatenate([[1.0], np.full(LEVELS, np.sqrt(2.0))])  # a mean of two: half
        return cls(
            ratios=steps,
            slope=_tableau(steps, (0, 2, 4, 6), shared=0.0),
            kink=_tableau(steps, (0, 1, 3), shared=1.0),
            odd_off={n: _off(*(odd ** (2 * i + 1) for i in range(n))) for n in (2, 3)},
            even_off={n: _off(*(weight * even ** (2 * i) for i in range(n))) for n in (2, 3)},
            even_off_kink=_off(*(weight * even**p for p in (0, 1, 2, 4))),
            side=SideWeights.of(steps),
        )


def _off(*columns: Vector) -> Vector:
    """Projector onto what is orthogonal to the columns: the residuals of a least-squares fit."""
    q, _ = np.linalg.qr(np.stack(columns, axis=1))
    return np.asarray(np.eye(len(q)) - q @ q.T)


# About doubling, but no multiples of each other: a wave, or a grid of inputs, whose period divides
# h would look as smooth at 2 h, 4 h and 8 h. Where many entries move, eighths keep x + t v exact;
# for a single entry the step really taken is known anyway, and numbers without pattern are safest.
EIGHTHS = Levels.of(1.0, 2.125, 4.375, SPAN)
UNRELATED = Levels.of(1.0, 0.5 + (1 + 5**0.5) / 2, (5 + 13**0.5) / 2, SPAN)
