"""The answer: findings, leaf by leaf, law by law.

Owns no presentation: `gradcheck.render` enters its functions into PRESENTERS, so that a report can
be printed and still knows nothing of how.
Part of `records`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import UsageError
from .plan import Plan
from .trace import ErrorMap, LineTrace
from .words import Cause, Verdict

BoolArray = npt.NDArray[np.bool_]

PRESENTERS: dict[str, Callable[..., Any]] = {}
"""How a report is shown, read and marked: `text`, `line`, `json`, `from json`, `write html`,
`fragment`, `plot`, `rich`, `hints`, `score`."""


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
    whole : float
        The smallest error of the leaf as a whole, such as a wrong factor, relative to the leaf's
        gradient, that would not have passed. NaN where nothing was certified, or a zero.
    wrong : boolean array or None
        Which entries are known to be wrong, shaped like the leaf; None where none is known by name.
    complete : bool
        Whether these are all: the others were seen to be right.
    probes : int
        Lines along which the leaf was differentiated. 0: not tested.
    canary : bool or None
        Whether an error of the size `certified`, planted in a copy of the claim, was seen. False:
        it passed, so that nothing is certified. None: not asked for, or not tried, because the
        leaf did not pass or the budget was spent.
    line : LineTrace or None
        What was measured along the probe that decided. None where the leaf was not tested.
    errors : ErrorMap or None
        The errors of the entries that were measured by themselves. None where none was.
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
    whole: float = math.nan
    wrong: BoolArray | None = None
    complete: bool = False
    probes: int = 0
    canary: bool | None = None
    line: LineTrace | None = None
    errors: ErrorMap | None = None

    @property
    def error(self) -> float:
        """`|analytic - numeric|` relative to `scale`; absolute where the scale is 0."""
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


@dataclass(frozen=True)
class Score:
    """What a piece of work is worth, see `Report.score`.

    Attributes
    ----------
    parts : mapping of str to float
        The credit of each leaf, by path, and of each law that applies, by name: from 0 to 1.
    undecided : tuple of str
        Parts that could not be judged. Their credit is 0, and a person should look at them.
    """

    parts: Mapping[str, float]
    undecided: tuple[str, ...] = ()

    def total(self, weights: Mapping[str, float] | None = None) -> float:
        """Return the weighted mean of the credits, from 0 to 1; each part weighs 1 by default.

        Raises
        ------
        UsageError
            If a weight is for no part, or negative, or all are 0, or there is no part.
        """
        given = dict(weights or {})
        unknown = [name for name in given if name not in self.parts]
        if unknown:
            known = ", ".join(self.parts)
            raise UsageError(f"there is a weight for {unknown[0]}, but the parts are {known}.")
        all_weights = [given.get(name, 1.0) for name in self.parts]
        if any(not weight >= 0 for weight in all_weights) or not sum(all_weights) > 0:
            raise UsageError("weights must be at least 0, and one of them more.")
        earned = zip(all_weights, self.parts.values(), strict=True)
        return sum(weight * credit for weight, credit in earned) / sum(all_weights)


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

    def hints(self) -> tuple[str, ...]:
        """Say where the mistakes are and of which kind, and keep the answers back.

        For students: one sentence for each leaf that did not pass and each broken law, without
        the numbers, the factor or the line that would mend it. Empty where all passes.

        Examples
        --------
        >>> import numpy as np
        >>> import gradcheck
        >>> x = np.array([0.3, 1.2, -0.4])
        >>> for hint in gradcheck.check_grad(lambda x: np.sum(x**3), lambda x: x**2, x).hints():
        ...     print(hint)
        x, in every entry: it is off by one factor throughout; which constant, mean or sum is in f?
        """
        return tuple(PRESENTERS["hints"](self))

    def score(self, slip: float = 0.5) -> Score:
        """Give each leaf partial credit, for an autograder.

        A leaf that passes earns 1. A leaf that fails earns the share of its entries that are known
        to be right, but at least `slip` where the derivative is there but for one known slip: a
        factor, a sign, a transpose, a missing sum or weight decay, too few digits. What could not
        be judged earns 0 and is listed in `Score.undecided`.

        Parameters
        ----------
        slip : float, optional
            The credit of a leaf with one known slip, from 0 to 1.

        Raises
        ------
        UsageError
            If `slip` is not from 0 to 1.

        Examples
        --------
        >>> import numpy as np
        >>> import gradcheck
        >>> x = {"w": np.array([0.3, 1.2, -0.4]), "b": 0.5}
        >>> score = gradcheck.check_grad(
        ...     lambda p: np.sum(p["w"] ** 3) + np.exp(p["b"]),
        ...     lambda p: {"w": p["w"] ** 2, "b": np.exp(p["b"])},
        ...     x,
        ... ).score()
        >>> dict(score.parts), score.total(), score.total({"['w']": 3.0})
        ({"['b']": 1.0, "['w']": 0.5}, 0.75, 0.625)
        """
        marked = PRESENTERS["score"](self, slip)
        assert isinstance(marked, Score), "the marker returns a score"
        return marked

    def _repr_html_(self) -> str | None:
        """Show it in a notebook."""
        shown: str | None = PRESENTERS["fragment"](self)
        return shown

    def __rich__(self) -> Any:  # noqa: ANN401 - what rich prints
        return PRESENTERS["rich"](self)

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write the report as one page that needs nothing else, pictures included.

        Parameters
        ----------
        path : str or path
            The file.

        Raises
        ------
        ImportError
            Without the extra `report`; the message says how to install it.
        """
        PRESENTERS["write html"](self, path)

    def plot(self, leaf: str | None = None) -> Any:  # noqa: ANN401 - it holds matplotlib's
        """Draw what was measured of a leaf: errors by entry, error against step, Taylor remainders.

        Parameters
        ----------
        leaf : str, optional
            Its path; by default the leaf that most needs to be looked at.

        Returns
        -------
        Picture
            Which a notebook shows; its `figure` is matplotlib's, and `savefig` writes it.

        Raises
        ------
        ImportError
            Without the extra `report`; the message says how to install it.
        UsageError
            If there is no such leaf, or nothing was measured that could be drawn.
        """
        return PRESENTERS["plot"](self, leaf)

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
        # the first line is what pytest's summary shows of it
        why = report.findings[0].message if report.findings else "nothing was tested."
        super().__init__(f"{why.partition(': analytic')[0]}\n\n{report}")
        self.report = report


def require(report: Report) -> Report:
    """Return a report that passes; raise `GradientError` for any other."""
    if not report.ok:
        raise GradientError(report)
    return report
