"""How hard to look, and what that may cost.

Part of `records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from .errors import UsageError
from .words import Mode

DEFAULT_NAMING = 1000  # a leaf of 250 entries one by one, or a wrong row of a very large one
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
        if self.evaluations is not None and not _is_whole(self.evaluations, least=1):
            raise UsageError(
                f"Budget(evaluations={self.evaluations!r}), but a budget must be positive, a whole "
                f"number of evaluations of f; leave it out for no limit."
            )
        if self.seconds is not None and not (_is_number(self.seconds) and self.seconds > 0):
            raise UsageError(
                f"Budget(seconds={self.seconds!r}), but a budget must be positive, a number of "
                f"seconds; leave it out for no limit."
            )
        if self.evaluations is not None:
            object.__setattr__(self, "evaluations", int(self.evaluations))
        if self.seconds is not None:
            object.__setattr__(self, "seconds", float(self.seconds))


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
    naming : int
        Of that, what may be spent on a leaf that fails to name its wrong entries and the cause;
        0 for the verdict alone.
    canary : bool
        Whether each leaf that passes is tested once more with a small error planted in a copy of
        the claim, of the size that the report says would have been seen; see `LeafReport.canary`.

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
    naming: int = DEFAULT_NAMING
    canary: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "mode", _read_mode(self.mode))
        if not (_is_number(self.rtol) and 0 <= self.rtol < 1):
            raise UsageError(
                f"rtol={self.rtol!r}, but it must be at least 0 and below 1: a tolerance as wide "
                f"as the gradient would pass anything. The default is {DEFAULT_RTOL:g}."
            )
        needs_count = self.mode in (Mode.DIRECTIONS, Mode.SAMPLE)
        if needs_count and not _is_whole(self.count, least=1):
            raise UsageError(
                f"Plan.{self.mode}({self.count!r}), but it needs a whole number of at least 1; "
                f"use Plan.every() to probe all entries."
            )
        if self.seed is not None and not _is_whole(self.seed, least=0):
            raise UsageError(
                f"seed={self.seed!r}, but a seed is a whole number of at least 0; "
                f"leave it out for a fresh one, which the report prints."
            )
        if not _is_whole(self.naming, least=0):
            raise UsageError(
                f"naming={self.naming!r}, but it is a whole number of evaluations of f, at least "
                f"0, that a failing leaf may cost to say what is wrong with it."
            )
        _require_yes_or_no(self.canary)
        # Python's own numbers, for they are compared, printed and written as JSON
        object.__setattr__(self, "rtol", float(self.rtol))
        object.__setattr__(self, "naming", int(self.naming))
        if needs_count and self.count is not None:
            object.__setattr__(self, "count", int(self.count))
        if self.seed is not None:
            object.__setattr__(self, "seed", int(self.seed))
        if self.budget is not None and not isinstance(self.budget, Budget):
            object.__setattr__(self, "budget", _read_budget(self.budget))

    @classmethod
    def auto(cls, **settings: Any) -> Plan:  # noqa: ANN401 - passed on to the fields
        """Two directions a leaf, or every entry where that is as cheap."""
        return cls(Mode.AUTO, None, **_known(settings))

    @classmethod
    def directions(cls, count: int, **settings: Any) -> Plan:  # noqa: ANN401 - as above
        """`count` random directions a leaf, plain and equalised in turn."""
        return cls(Mode.DIRECTIONS, count, **_known(settings))

    @classmethod
    def every(cls, **settings: Any) -> Plan:  # noqa: ANN401 - as above
        """Every entry of every leaf by its own difference; tells exactly which are wrong."""
        return cls(Mode.EVERY, None, **_known(settings))

    @classmethod
    def sample(cls, per_leaf: int, **settings: Any) -> Plan:  # noqa: ANN401 - as above
        """`per_leaf` entries of each leaf, drawn without replacement."""
        return cls(Mode.SAMPLE, per_leaf, **_known(settings))

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """Read a plan as it is written on a command line: auto, every, directions:3, sample:30.

        Raises
        ------
        UsageError
            If the text is none of these.
        """
        word, _, number = text.partition(":")
        if word in COUNTED and number.removeprefix("-").isdecimal():
            return cls(COUNTED[word], int(number))
        if text in UNCOUNTED:
            return cls(UNCOUNTED[text])
        raise UsageError(f"{text!r} is none of auto, every, directions:3, sample:30")

    @property
    def limits(self) -> Budget:
        """The budget as a record, also where none was set."""
        return self.budget if isinstance(self.budget, Budget) else Budget()


COUNTED = {str(mode): mode for mode in (Mode.DIRECTIONS, Mode.SAMPLE)}
UNCOUNTED = {str(mode): mode for mode in (Mode.AUTO, Mode.EVERY)}
SETTINGS = ("rtol", "seed", "budget", "naming", "canary")


def _known(settings: dict[str, Any]) -> dict[str, Any]:
    for name, value in settings.items():
        if name not in SETTINGS:
            raise UsageError(
                f"{name}={value!r} is not a setting of a plan; the settings are "
                f"{', '.join(SETTINGS)} (steps are chosen from what is measured)."
            )
    return settings


def _require_yes_or_no(canary: object) -> None:
    if not isinstance(canary, bool):
        raise UsageError(
            f"canary={canary!r}, but it is True or False: whether to plant an error in a copy of "
            f"the claim and look that it is found."
        )


def _read_mode(mode: str) -> Mode:
    try:
        return Mode(mode)
    except ValueError:
        raise UsageError(
            f"mode={mode!r} is none of {', '.join(Mode)}; build a plan with Plan.auto(), "
            f"Plan.every(), Plan.directions(3) or Plan.sample(30)."
        ) from None


def _read_budget(budget: int) -> Budget:
    if not _is_whole(budget):
        raise UsageError(
            f"budget={budget!r}, but it must be a whole number of evaluations of f, or a Budget, "
            f"such as Budget(seconds=10)."
        )
    return Budget(evaluations=budget)


def _is_whole(value: object, least: int | None = None) -> bool:
    """Whether it is a whole number, NumPy's included; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        return False
    return least is None or int(value) >= least


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
