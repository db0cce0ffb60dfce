"""One window: what nine values of `f` at 0 and about ±h, ±2h, ±4h, ±8h say of its derivative at 0.

Owns the formulas: extrapolation of the odd part (the slope) and of the even part (a kink), the
noise floor measured from what no polynomial explains, and the polynomials of one side alone.
Pure arithmetic on numbers already measured; which window to take is the ladder's business.
Part of `differences`.

Sources: Neville's extrapolation in h^2 as in Ridders (1982), Adv. Eng. Software 4(2); the noise
from residual contrasts, in the spirit of Moré and Wild (2011), SIAM J. Sci. Comput. 33(3), but from
the same values that give the slope.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..space import norm
from .line import Line

Vector = npt.NDArray[np.float64]

LEVELS = 4  # 3 levels: bars twice as wide; 5 levels: two evaluations more, no gain (measured)
# About doubling (ratio 4: bars 2.5 times as wide), but not exactly: a wave, or a grid of inputs,
# whose period divides h would look as smooth at 2 h, 4 h and 8 h. Eighths keep the steps exact.
RATIOS: Vector = np.array([1.0, 2.125, 4.375, 8.0])
SPAN = float(RATIOS[-1])

ROUNDOFFS = 2.0  # rounding error of one value of f, in unit roundoffs of its size: arithmetic is
# rarely better; where it is worse, the residuals show it
SAFETY = 4.0  # half-width that holds a rounding error, in units of the floor
DISTINCT = 4  # values that differ: fewer lie on some grid whatever they are
GRAIN = 2**12  # a grid of values this many float64 ulps wide means that f is rounded to it

# Half-width in sigmas that holds 99.9 % of one value when sigma is estimated with few degrees of
# freedom (Student's t), widened for choosing the smaller of the two estimates.
QUANTILE_DOF5 = 1.2 * 6.87
QUANTILE_DOF3 = 1.3 * 12.92
QUANTILE_KINK = 1.2 * 12.92  # dof 3, one estimate

CLEAN = 6.0  # a side whose contrast is below this many floors is a polynomial to rounding
WILD = 0.05  # of the rises: residuals as large are no detail, f may vary faster than the steps
ROUGH = 8.0  # residuals above this many times rounding are visible noise, kink or truncation


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


def _tableau(powers: tuple[int, ...], shared: float) -> Tableau:
    """Build the tableau that cancels the error terms h^p, p in powers[1:], one after another.

    `shared` is 1 if every level's difference contains g(0), whose noise they then share.
    """
    index: dict[tuple[int, int], int] = {}
    weights: list[Vector] = []
    gains: list[float] = []
    for k in range(len(powers)):
        for a in range(LEVELS - k):
            basis = RATIOS[a : a + k + 1, None] ** np.array(powers[: k + 1])
            row = np.zeros(LEVELS)
            row[a : a + k + 1] = np.linalg.inv(basis)[0]
            noise = row / RATIOS
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


SLOPE = _tableau((0, 2, 4, 6), shared=0.0)  # D_j = g' + c h^2 + ...
KINK = _tableau((0, 1, 3), shared=1.0)  # E_j = kappa + c h + c' h^3, kappa half the jump of g'


def _off(*columns: Vector) -> npt.NDArray[np.float64]:
    """Projector onto what is orthogonal to the columns: the residuals of a least-squares fit."""
    q, _ = np.linalg.qr(np.stack(columns, axis=1))
    return np.asarray(np.eye(len(q)) - q @ q.T)


_ODD = RATIOS / SPAN
_EVEN = np.concatenate([[0.0], _ODD])
_WEIGHT = np.concatenate(
    [[1.0], np.full(LEVELS, np.sqrt(2.0))]
)  # a mean of two has half the variance
ODD_OFF = {n: _off(*(_ODD ** (2 * i + 1) for i in range(n))) for n in (2, 3)}
EVEN_OFF = {n: _off(*(_WEIGHT * _EVEN ** (2 * i) for i in range(n))) for n in (2, 3)}
EVEN_OFF_KINK = _off(*(_WEIGHT * _EVEN**p for p in (0, 1, 2, 4)))

# Polynomials of one side, through g at 0 and the four steps (weights of the values, h = 1).
_SIDE = np.concatenate([[0.0], RATIOS])
_QUARTIC = np.linalg.inv(np.vander(_SIDE, increasing=True))
_CUBIC_AT_0 = np.linalg.inv(np.vander(_SIDE[:4], increasing=True))
_OUTER_CUBIC = np.linalg.inv(np.vander(RATIOS, increasing=True))
SIDE_SLOPE = _QUARTIC[1]
SIDE_SLOPE_CUBIC = np.append(_CUBIC_AT_0[1], 0.0)
SIDE_CONTRAST = np.linalg.qr(np.vander(_SIDE, 4, increasing=True), mode="complete")[0][:, 4]
SIDE_REACH = ((-1.0) ** np.arange(5)) @ _QUARTIC  # the quartic read at -h, on the other side
SIDE_GAP = np.append(0.0, _OUTER_CUBIC[0])  # the cubic through the outer four read at 0, less g(0)
SIDE_OWN_SLOPE = np.append(0.0, _OUTER_CUBIC[1])
SLOPE_GAIN = 1.5 * SAFETY * float(np.linalg.norm(SIDE_SLOPE))
REACH_BOUND = CLEAN * float(np.linalg.norm(SIDE_REACH))  # in floors


@dataclass(frozen=True, eq=False)
class Side:
    """What one side of x alone says: the polynomial through g at 0 and its four steps.

    Attributes
    ----------
    slope, bar, rounding : float
        One-sided derivative at 0, its error bar, and the part of it that is rounding.
    contrast : float
        The part of the values that no cubic explains.
    gap : float
        The cubic through the outer four points read at 0, minus g(0).
    own_slope : float
        Slope at 0 of that cubic.
    reach : float
        The quartic read at the other side's first point.
    clean : bool
        Whether the values are a polynomial to rounding.
    """

    slope: float
    bar: float
    rounding: float
    contrast: float
    gap: float
    own_slope: float
    reach: float
    clean: bool


def _side(rises: Vector, h: float, floor: float) -> Side:
    """Fit one side; h is negative on the left."""
    y = np.concatenate([[0.0], rises])
    slope, cubic = float(SIDE_SLOPE @ y) / h, float(SIDE_SLOPE_CUBIC @ y) / h
    contrast = abs(float(SIDE_CONTRAST @ y))
    rounding = floor * SLOPE_GAIN / abs(h)
    return Side(
        slope=slope,
        bar=abs(slope - cubic) + rounding,
        rounding=rounding,
        contrast=contrast,
        gap=float(SIDE_GAP @ y),
        own_slope=float(SIDE_OWN_SLOPE @ y) / h,
        reach=float(SIDE_REACH @ y),
        clean=contrast <= CLEAN * floor,
    )


@dataclass(frozen=True, eq=False)
class KinkFit:
    """Both one-sided derivatives are `middle` ± `half`; `bar` is the error bar of either."""

    middle: float
    half: float
    bar: float


@dataclass(frozen=True, eq=False)
class Window:
    """Nine values and what they say. Lengths are in units of the direction.

    Attributes
    ----------
    h : float
        The smallest step.
    steps : (LEVELS,)
        The steps really taken.
    right, left : (LEVELS,)
        g(t) - g(0) at +steps and at -steps.
    floor : float
        Rounding error of one value: of the arithmetic, or half the grain of rounded values.
    flat : bool
        Whether all nine values are equal.
    """

    h: float
    steps: Vector
    right: Vector
    left: Vector
    floor: float
    flat: bool

    @cached_property
    def spread(self) -> float:
        """Half-width that holds the error of one value (99.9 %): rounding, or noise beyond it."""
        odd, even = self._parts
        estimates = [
            quantile
            * _pooled(ODD_OFF[p] @ odd, EVEN_OFF[q] @ even, (LEVELS - p) + (LEVELS + 1 - q))
            for p, q, quantile in ((2, 2, QUANTILE_DOF5), (3, 3, QUANTILE_DOF3))
        ]
        return max(SAFETY * self.floor, min(estimates))

    @property
    def _parts(self) -> tuple[Vector, Vector]:
        """Odd and even parts of the values, each of the variance of one value."""
        even = (self.right + self.left) / np.sqrt(2.0)
        return (self.right - self.left) / np.sqrt(2.0), np.concatenate([[0.0], even])

    @property
    def excess(self) -> float:
        """Spread in units of rounding: 1 is rounding only, above ROUGH something is visible."""
        return self.spread / (SAFETY * self.floor)

    @property
    def wild(self) -> bool:
        """Whether what no polynomial explains is a good part of what f does at all."""
        return bool(self.spread > WILD * max(np.abs(self.right).max(), np.abs(self.left).max()))

    @property
    def central(self) -> Vector:
        """The central differences D_j."""
        return (self.right - self.left) / (2 * self.steps)

    @property
    def bend(self) -> Vector:
        """E_j, half the difference between the one-sided differences."""
        return (self.right + self.left) / (2 * self.steps)

    @cached_property
    def _slope(self) -> tuple[float, float, float]:
        return SLOPE.best(self.central, self.spread / self.h)

    @cached_property
    def _kink(self) -> tuple[float, float, float]:
        return KINK.best(self.bend, self.spread / self.h)

    @property
    def value(self) -> float:
        """The derivative."""
        return self._slope[0]

    @property
    def truncation(self) -> float:
        """Error bar from the finite step."""
        return self._slope[1]

    @property
    def noise(self) -> float:
        """Error bar from rounding and noise of the values."""
        return self._slope[2]

    @property
    def rounding(self) -> float:
        """The part of `noise` that rounding explains."""
        return self.noise / self.excess

    @property
    def kink(self) -> float:
        """Half the jump of the derivative at 0; 0 where it cannot be told from its own bar."""
        value, truncation, noise = self._kink
        return value if abs(value) > truncation + noise else 0.0

    @property
    def bar(self) -> float:
        """The error bar of `value`; a kink widens it to both one-sided derivatives."""
        return self.truncation + self.noise + abs(self.kink)

    @cached_property
    def right_side(self) -> Side:
        """The right side alone."""
        return _side(self.right, self.h, self.floor)

    @cached_property
    def left_side(self) -> Side:
        """The left side alone."""
        return _side(self.left, -self.h, self.floor)

    @cached_property
    def as_kink(self) -> KinkFit:
        """Slope and kink once more, with a kink allowed for in the noise estimate."""
        odd, even = self._parts
        sigma = _pooled(ODD_OFF[2] @ odd, EVEN_OFF_KINK @ even, 3)
        spread = max(SAFETY * self.floor, QUANTILE_KINK * sigma)
        middle, *middle_bars = SLOPE.best(self.central, spread / self.h)
        half, *half_bars = KINK.best(self.bend, spread / self.h)
        return KinkFit(middle, half, sum(middle_bars) + sum(half_bars))

    def agrees_with(self, other: Window) -> bool:
        """Whether the two intervals meet."""
        return abs(self.value - other.value) <= self.bar + other.bar


def _pooled(odd: Vector, even: Vector, dof: int) -> float:
    """Estimate the standard deviation of one value from pooled residuals."""
    return norm(np.concatenate([odd, even])) / float(np.sqrt(dof))


def measure(line: Line, h: float) -> Window | None:
    """Evaluate one window; None if a value is not finite or a step is lost to rounding.

    Costs 8 evaluations, less those that the line remembers.
    """
    right = [line(float(h * ratio)) for ratio in RATIOS]
    left = [line(float(-h * ratio)) for ratio in RATIOS]
    rises = np.array([s.rise for s in right + left])
    steps = np.array([(up.step - down.step) / 2 for up, down in zip(right, left, strict=True)])
    if not (np.isfinite(rises).all() and (steps > 0).all()):
        return None
    size = line.size + float(np.abs(rises).max())
    central = (rises[:LEVELS] - rises[LEVELS:]) / (2 * steps)
    rounding = ROUNDOFFS * line.roundoff * (size + float(np.abs(central).min()))
    values = np.array([line.value] + [s.value for s in right + left])
    return Window(
        h=h,
        steps=steps,
        right=rises[:LEVELS],
        left=rises[LEVELS:],
        floor=max(rounding, grain(values) / 2, np.finfo(np.float64).tiny),
        flat=bool((rises == 0).all()),
    )


def grain(values: Vector) -> float:
    """Return the largest power of two that divides all values, if that is a coarse one, else 0.

    Values computed in float32, float16 or bfloat16 and handed on as float64 lie on a grid; so do
    values read from a file with few binary digits.
    """
    nonzero = values[values != 0]
    if nonzero.size == 0 or not np.isfinite(nonzero).all():
        return 0.0
    if len(np.unique(values)) < DISTINCT:  # a step from 0 to 1 is no grid
        return 0.0
    mantissa, exponent = np.frexp(nonzero)
    digits = (mantissa * 2.0**53).astype(np.int64)
    zeros = np.array([(int(d) & -int(d)).bit_length() - 1 for d in digits])
    finest = int((exponent - 53 + zeros).min())
    coarsest_ulp = int(exponent.max()) - 53
    return float(2.0**finest) if 2.0 ** (finest - coarsest_ulp) >= GRAIN else 0.0
