"""A point with what can be reached from it: points nearby, and the same point in more digits.

Owns the remembering: other points are made when a probe first asks for one and shared by all.
Part of `probing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from ..differences import FINE_ARITHMETIC
from ..execution import Origin
from ..space import unit_roundoff

SHIFT = 1e-4  # of an entry's size: far enough from a kink at x, near enough to be the same formula


@dataclass(eq=False)
class Place:
    """Where probes are made.

    Attributes
    ----------
    origin : Origin
        The point.
    visit : callable
        `visit(distance)` draws a point at that share of every entry's size and visits it; None if
        that cannot be done.
    make_finer : callable
        The same point in more digits; None if `f` does not follow.
    rng : numpy.random.Generator
        For whoever draws points along a line.
    make_views : callable
        The same point with other cotangents, each with its name; none for a scalar. A tuple where
        they are few enough to be kept.
    given : Origin or None
        Where this place has more digits than the caller's point: that point.
    """

    origin: Origin
    visit: Callable[[float], Origin | None]
    make_finer: Callable[[], Place | None]
    rng: np.random.Generator
    make_views: Callable[[], Iterable[tuple[str, Place]]] = tuple
    given: Origin | None = None
    _nearby: list[Origin | None] = field(default_factory=list, init=False)
    _finer: list[Place | None] = field(default_factory=list, init=False)
    _views: list[tuple[tuple[str, Place], ...]] = field(default_factory=list, init=False)

    def nearby(self, k: int) -> Origin | None:
        """Return the k-th point nearby."""
        while len(self._nearby) <= k:
            self._nearby.append(self.visit(SHIFT))
        return self._nearby[k]

    def finer(self) -> Place | None:
        """Return the same point in more digits."""
        if not self._finer:
            self._finer.append(self.make_finer())
        return self._finer[0]

    def views(self) -> Iterable[tuple[str, Place]]:
        """Return the same point with other cotangents; made anew where too many to keep."""
        if self._views:
            return self._views[0]
        made = self.make_views()
        if isinstance(made, tuple):
            self._views.append(made)
        return made

    def for_leaf(self, i: int) -> Place:
        """Return where a leaf is best probed: in more digits where it has few and that works."""
        return self if self._is_fine_for(i) else self.finer() or self

    def known_for_leaf(self, i: int) -> Place | None:
        """Return the same; None where it is not known yet, for which `f` must be called."""
        return self.for_leaf(i) if self._is_fine_for(i) or self._finer else None

    def _is_fine_for(self, i: int) -> bool:
        own = unit_roundoff(self.origin.space.leaves[i].array.dtype)
        return max(own, self.origin.roundoff) <= FINE_ARITHMETIC
