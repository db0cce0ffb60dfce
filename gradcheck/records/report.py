"""The answer: findings, leaf by leaf, law by law.

Owns no presentation: `gradcheck.render` enters its functions into PRESENTERS, so that a report can
be printed and still knows nothing of how.
Part of `records`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from .plan import Plan
from .words import Cause, Verdict

BoolArray = npt.NDArray[np.bool_]

PRESENTERS: dict[str, Callable[[Any], Any]] = {}
"""How a report is shown and read: `text`, `line`, `json`, `from json`."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found out.

    Attributes
    ----------
    cause : Cause
        What it is about.
    message : str
        One sentence for the user: what, where, the numbers, what to try next.
    leaf : str or None
        The path of the leaf it is about; None for the whole problem.
    evidence : mapping of str to JSON values
        The numbers behind the sentence.
    """

    cause: Cause
    message: str
    leaf: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, eq=False)
class LeafReport:
    """What was found out about one leaf.

    Attributes
    ----------
    path : str
        Such as `['W1']` or `.layers[0].bias`; `x` where the point is a bare array.
    shape, dtype : tuple of int, str
        Of the leaf.
    verdict : Verdict
        Of this leaf alone.
    cause : Cause or None
        Why, where the verdict is not a plain PASS.
    reason : str
        The same in a few words.
    analytic, numeric, error_bar : float
        Along the probe that decided: the one that failed, else the one of the largest error.
    scale : float
        The size of the claim along that probe; errors are relative to it.
    certified : float
        The smallest error of one entry, relative to the norm of the leaf's gradient, that would
        have been seen, except with probability `miss`. NaN where nothing was certified.
    miss : float
        Probability that an error of that size slips through; 0 where each entry was probed.
    wrong : boolean array or None
        Which entries are wrong, shaped like the leaf; None where the plan cannot tell.
    probes : int
        Lines along which the leaf was differentiated. 0: not tested.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    verdict: Verdict
    cause: Cause | None = None
    reason: str = ""
    analytic: float = math.nan
    numeric: float = math.nan
    error_bar: float = math.nan
    scale: float = math.nan
    certified: float = math.nan
    miss: float = 0.0
    wrong: BoolArray | None = None
    probes: int = 0

    @property
    def error(self) -> float:
        """|analytic - numeric| relative to `scale`; absolute where the scale is 0."""
        return _relative(abs(self.analytic - self.numeric), self.scale)

    @property
    def bar(self) -> float:
        """The error bar relative to `scale`; absolute where the scale is 0."""
        return _relative(self.error_bar, self.scale)


def _relative(size: float, scale: float) -> float:
    return size / scale if scale > 0 else size


@dataclass(frozen=True)
class LawReport:
    """What became of one law on one subject.

    Attributes
    ----------
    name, statement, source : str
        The law: its id, what it says, where it is from.
    verdict : Verdict or None
        None: not applicable, the subject does not offer what the law needs. Never a pass.
    message : str
        What was seen; the counter-example where the law is broken; what is missing where it does
        not apply.
    evidence : mapping of str to JSON values
        The numbers behind the message.
    """

    name: str
    statement: str
    source: str
    verdict: Verdict | None
    message: str
    evidence: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, eq=False)
class Report:
    """The answer: a verdict, leaf by leaf or law by law, with the findings behind it.

    `bool(report)` is true only for PASS, so `assert check_grad(...)` cannot pass by accident.

    Attributes
    ----------
    name : str
        Of the problem.
    verdict : Verdict
        FAIL if any leaf fails or the contract is broken, else INCONCLUSIVE if any leaf is, else
        PASS.
    leaves : mapping of str to LeafReport
        By path.
    findings : tuple of Finding
        The most telling first.
    evaluations : int
        Evaluations of `f`, those of the contract included.
    seconds : float
        Wall-clock time.
    plan : Plan
        With the seed that was used.
    laws : mapping of str to LawReport
        By name, where laws were checked.
    """

    name: str
    verdict: Verdict
    leaves: Mapping[str, LeafReport]
    findings: tuple[Finding, ...]
    evaluations: int
    seconds: float
    plan: Plan
    laws: Mapping[str, LawReport] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def ok(self) -> bool:
        """Whether the verdict is PASS."""
        return self.verdict is Verdict.PASS

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return str(PRESENTERS["text"](self))

    def __repr__(self) -> str:
        return f"<Report {PRESENTERS['line'](self)}>"

    def to_json(self) -> str:
        """Write the report as JSON text, which `from_json` reads back."""
        return str(PRESENTERS["json"](self))

    @staticmethod
    def from_json(text: str) -> Report:
        """Read what `to_json` wrote.

        Raises
        ------
        UsageError
            If the text is not such a report; the message says where.
        """
        report = PRESENTERS["from json"](text)
        assert isinstance(report, Report), "the reader returns a report or raises"
        return report


class GradientError(AssertionError):
    """The check did not pass; the message is the report.

    Attributes
    ----------
    report : Report
        What was found.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(f"\n{report}")
        self.report = report
