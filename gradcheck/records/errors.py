"""The exceptions.

    ValueError ── UsageError        the call was wrong: what, which value, what to do
    AssertionError ── GradientError the derivative was wrong: carries the Report (in `report`)

Part of `records`.
"""

from __future__ import annotations


class UsageError(ValueError):
    """The call was wrong: the message names the argument, its value, the rule and the mend."""


def shown_error(error: BaseException) -> str:
    """Write somebody else's exception so that it fits into a sentence: `ValueError: its text`."""
    kind = type(error).__name__
    try:
        text = str(error).strip().rstrip(".")
    except Exception:  # foreign code may raise anything, here too
        text = ""
    return f"{kind}: {text}" if text else kind
