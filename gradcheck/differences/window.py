"""One window: what nine values of `f` at 0 and about ±h, ±2h, ±4h, ±8h say of its derivative at 0.

Owns the reading: slope and kink with their error bars, the noise floor measured from what no
polynomial explains. Pure arithmetic on numbers already measured; the formulas are those of
`levels`, which window to take is the ladder's business.
Part of `differences`.

Source: the noise from residual contrasts, in the spirit of Moré and Wild (2011), SIAM J. Sci.
Comput. 33(3), but from the same values that give the slope.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..space import norm
from .levels import EIGHTHS, LEVELS, UNRELATED, Levels, Vector
from .line import Line

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

SLOPE_SAFETY = 6.0  # the same for the slope of one side, which uses each value once
CLEAN = 6.0  # a side whose contrast is below this many floors is a polynomial to rounding
WILD = 0.05  # of the rises: residuals as large are no detail, f may vary faster than the steps
ROUGH = 8.0  # residuals above this many times rounding are visible noise, kink or truncation


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
    reach, reach_bar : float
        The quartic read at the other side's first point, and its rounding.
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
    reach_bar: float
    clean: bool


def _side(levels: Levels, rises: Vector, h: float, floor: float) -> Side:
    """Fit one side; h is negative on the left."""
    y, weights = np.concatenate([[0.0], rises]), levels.side
    slope, cubic = float(weights.slope @ y) / h, float(weights.cubic_slope @ y) / h
    contrast = abs(float(weights.contrast @ y))
    rounding = SLOPE_SAFETY * floor * norm(weights.slope) / abs(h)
    return Side(
        slope=slope,
        bar=abs(slope - cubic) + rounding,
        rounding=rounding,
        contrast=contrast,
        gap=float(weights.gap @ y),
        own_slope=float(weights.own_slope @ y) / h,
        reach=float(weights.reach @ y),
        reach_bar=CLEAN * floor * norm(weights.reach),
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
    rounded : bool
        Whether the values lie on a grid coarser than rounding.
    levels : Levels
        The ratios of the steps, with their formulas.
    """

    h: float
    steps: Vector
    right: Vector
    left: Vector
    floor: float
    flat: bool
    rounded: bool = False
    levels: Levels = EIGHTHS

    @cached_property
    def spread(self) -> float:
        """Half-width that holds the error of one value (99.9 %): rounding, or noise beyond it."""
        odd, even = self._parts
        off_odd, off_even = self.levels.odd_off, self.levels.even_off
        estimates = [
            quantile * _pooled(off_odd[n] @ odd, off_even[n] @ even, 2 * (LEVELS - n) + 1)
            for n, quantile in ((2, QUANTILE_DOF5), (3, QUANTILE_DOF3))
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
        if self.flat:  # what rounding may hide of a rise over the whole window
            return 0.0, 0.0, self.spread / (2 * float(self.steps[-1]))
        return self.levels.slope.best(self.central, self.spread / self.h)

    @cached_property
    def _kink(self) -> tuple[float, float, float]:
        return self.levels.kink.best(self.bend, self.spread / self.h)

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
    def widening(self) -> float:
        """What a kink adds to the bar, so that it holds both one-sided derivatives; 0 without."""
        value, truncation, noise = self._kink
        return abs(value) + truncation + noise if self.kink else 0.0

    @property
    def bar(self) -> float:
        """The error bar of `value`."""
        return self.truncation + self.noise + self.widening

    @cached_property
    def right_side(self) -> Side:
        """The right side alone."""
        return _side(self.levels, self.right, self.h, self.floor)

    @cached_property
    def left_side(self) -> Side:
        """The left side alone."""
        return _side(self.levels, self.left, -self.h, self.floor)

    @cached_property
    def as_kink(self) -> KinkFit:
        """Slope and kink once more, with a kink allowed for in the noise estimate."""
        odd, even = self._parts
        sigma = _pooled(self.levels.odd_off[2] @ odd, self.levels.even_off_kink @ even, 3)
        spread = max(SAFETY * self.floor, QUANTILE_KINK * sigma)
        middle, *middle_bars = self.levels.slope.best(self.central, spread / self.h)
        half, *half_bars = self.levels.kink.best(self.bend, spread / self.h)
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
    levels = _levels_for(line)
    if line.origin.evaluator.stacks:
        line.foresee(points(line, h))
    right = [line(float(h * ratio)) for ratio in levels.ratios]
    left = [line(float(-h * ratio)) for ratio in levels.ratios]
    rises = np.array([s.rise for s in right + left])
    steps = np.array([(up.step - down.step) / 2 for up, down in zip(right, left, strict=True)])
    if not (np.isfinite(rises).all() and (steps > 0).all()):
        return None
    size = line.size + float(np.abs(rises).max())
    central = (rises[:LEVELS] - rises[LEVELS:]) / (2 * steps)
    rounding = ROUNDOFFS * line.roundoff * (size + float(np.abs(central).min()))
    values = np.array([line.value] + [s.value for s in right + left])
    half_a_grain = grain(values) / 2
    return Window(
        h=h,
        steps=steps,
        right=rises[:LEVELS],
        left=rises[LEVELS:],
        floor=max(rounding, half_a_grain, np.finfo(np.float64).tiny),
        flat=bool((rises == 0).all()),
        rounded=half_a_grain > rounding,
        levels=levels,
    )


def points(line: Line, h: float) -> list[float]:
    """Return where a window asks for values."""
    return [float(side * ratio) for side in (h, -h) for ratio in _levels_for(line).ratios]


def _levels_for(line: Line) -> Levels:
    return UNRELATED if line.moving == 1 else EIGHTHS


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


MOST_STEPS, WHOLE = 1e5, 1e-4  # steps that a rise may have, and how near a whole number of them


LAST_BITS = 1e-7  # of the largest rise: smaller ones are the rounding of a sum of such steps


def in_steps(rises: Vector) -> bool:
    """Whether all rises are multiples of the smallest one, as those of rounded values are."""
    sizes = np.abs(rises)
    sizes = sizes[sizes > LAST_BITS * sizes.max()]
    if len(sizes) < 2 or sizes.max() > MOST_STEPS * sizes.min():
        return False
    steps = sizes / sizes.min()
    return bool(np.all(np.abs(steps - np.round(steps)) < WHOLE))
