"""The exceptions.

    ValueError ── UsageError        the call was wrong: what, which value, what to do
    AssertionError ── GradientError the derivative was wrong: carries the Report (in `report`)

Part of `records`.
"""

from __future__ import annotations


class UsageError(ValueError):
    """The call was wrong: the message names the argument, its value, the rule and the mend."""
