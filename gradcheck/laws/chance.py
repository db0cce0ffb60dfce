"""How far chance may carry a statistic of a right implementation: bounds, not approximations.

Owns the false-alarm probability of all statistical laws and the bounds that keep it. Knows no law.
Part of `laws`. Sources: Chernoff (1952), Ann. Math. Statist. 23; Boucheron, Lugosi, Massart (2013),
Concentration inequalities, sections 2.2-2.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable

FALSE_ALARM = 1e-9  # of one trial of a statistical law on a right implementation
HALVINGS = 60  # of an interval: beyond float64


def share_slack(p: float, n: int, alarm: float) -> float:
    """Return t such that a share of n draws is off p by t or more with probability <= alarm.

    Chernoff's bound: each tail has probability at most exp(-n KL(p ± t || p)).
    """
    bound = math.log(2 / alarm) / n
    return _least(
        lambda t: min(_divergence(p + t, p), _divergence(p - t, p)) >= bound, max(p, 1 - p)
    )


def _divergence(q: float, p: float) -> float:
    """Kullback-Leibler divergence between coins; infinite outside of [0, 1]."""
    if not 0 <= q <= 1:
        return math.inf
    terms = [(a, b) for a, b in ((q, p), (1 - q, 1 - p)) if a > 0]
    return sum(a * math.log(a / b) for a, b in terms)


def mean_slack(n: int, alarm: float) -> float:
    """Bound the mean of n independent numbers of mean 0 and variance 1, sub-Gaussian with it.

    Normal, uniform and truncated normal numbers are sub-Gaussian with their own variance.
    """
    return math.sqrt(2 * math.log(2 / alarm) / n)


def square_slack(n: int, alarm: float) -> float:
    """Bound how far the mean square of such numbers is from 1, either way.

    Above, as for chi-square: exp(-n/2 (t - log(1 + t))). Below, as E x^4 <= 3: exp(-n t^2 / 6).
    """
    bound = math.log(2 / alarm) / n
    above = _least(lambda t: (t - math.log1p(t)) / 2 >= bound, 4 * math.sqrt(bound) + 4 * bound)
    return max(above, math.sqrt(6 * bound))


def share_of_look(k: int, alarm: float) -> float:
    """Spread the false-alarm probability over looks k = 1, 2, ...: the shares sum to it.

    A sequential test may so look at its numbers as often as it likes.
    """
    return alarm / (k * (k + 1))


def _least(far: Callable[[float], bool], high: float) -> float:
    """Find the least t in [0, high] that is far enough; `far` is false below and true above."""
    low = 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if far(middle) else (middle, high)
    return high
