"""How hard to look, and what that may cost.

Part of `records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import UsageError
from .words import Mode

DEFAULT_RTOL = 1e-5  # five digits: a formula error is larger, an honest quadrature may not be


@dataclass(frozen=True)
class Budget:
    """The most that a check may spend; None means no limit.

    Attributes
    ----------
    evaluations : int or None
        Evaluations of `f`.
    seconds : float or None
        Wall-clock time. Looked at before each evaluation, so one evaluation may overrun it.
    """

    evaluations: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("evaluations", "seconds"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise UsageError(
                    f"Budget({name}={limit!r}), but a budget must be positive; "
                    f"leave it out for no limit."
                )


@dataclass(frozen=True)
class Plan:
    """How hard to look. Build one with `auto`, `directions`, `every` or `sample`.

    Attributes
    ----------
    mode : Mode
        Random directions, every entry, or a sample of entries, of each leaf by itself.
    count : int or None
        Directions a leaf (DIRECTIONS) or entries a leaf (SAMPLE).
    rtol : float
        What counts as equal beyond the error bar, relative to the size of the claim along the
        direction. At least 0 and below 1: a tolerance as wide as the gradient tests nothing.
    seed : int or None
        None draws a fresh seed, which the report prints; give it back to replay.
    budget : Budget, int or None
        The most to spend; an int means evaluations of `f`.

    Examples
    --------
    >>> from gradcheck import Plan
    >>> Plan.sample(per_leaf=30, seed=1729).mode
    <Mode.SAMPLE: 'sample'>
    """

    mode: Mode = Mode.AUTO
    count: int | None = None
    rtol: float = DEFAULT_RTOL
    seed: int | None = None
    budget: Budget | int | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.rtol, (int, float)) and 0 <= self.rtol < 1):
            raise UsageError(
                f"rtol={self.rtol!r}, but it must be at least 0 and below 1: a tolerance as wide "
                f"as the gradient would pass anything. The default is {DEFAULT_RTOL:g}."
            )
        needs_count = self.mode in (Mode.DIRECTIONS, Mode.SAMPLE)
        if needs_count and not (isinstance(self.count, int) and self.count >= 1):
            raise UsageError(
                f"Plan.{self.mode}({self.count!r}), but it needs a whole number of at least 1; "
                f"use Plan.every() to probe all entries."
            )
        if self.seed is not None and not (
            isinstance(self.seed, (int, np.integer)) and self.seed >= 0
        ):
            raise UsageError(
                f"seed={self.seed!r}, but a seed is a whole number of at least 0; "
                f"leave it out for a fresh one, which the report prints."
            )
        if isinstance(self.budget, int):
            object.__setattr__(self, "budget", Budget(evaluations=self.budget))

    @classmethod
    def auto(cls, **settings: Any) -> Plan:  # noqa: ANN401 - passed on to the fields
        """Two directions a leaf, or every entry where that is as cheap."""
        return cls(Mode.AUTO, None, **settings)

    @classmethod
    def directions(cls, count: int, **settings: Any) -> Plan:  # noqa: ANN401 - as above
        """`count` random directions a leaf, plain and equalised in turn."""
        return cls(Mode.DIRECTIONS, count, **settings)

    @classmethod
    def every(cls, **settings: Any) -> Plan:  # noqa: ANN401 - as above
        """Every entry of every leaf by its own difference; tells exactly which are wrong."""
        return cls(Mode.EVERY, None, **settings)

    @classmethod
    def sample(cls, per_leaf: int, **settings: Any) -> Plan:  # noqa: ANN401 - as above
        """`per_leaf` entries of each leaf, drawn without replacement."""
        return cls(Mode.SAMPLE, per_leaf, **settings)

    @property
    def limits(self) -> Budget:
        """The budget as a record, also where none was set."""
        return self.budget if isinstance(self.budget, Budget) else Budget()
