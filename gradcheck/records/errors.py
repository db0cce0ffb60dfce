"""The two exceptions.

    ValueError ── UsageError        the call was wrong: what, which value, what to do
    AssertionError ── GradientError the derivative was wrong: carries the Report, shows it

Part of `records`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .report import Report


class UsageError(ValueError):
    """The call was wrong: the message names the argument, its value, the rule and the mend."""


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
