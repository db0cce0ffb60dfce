"""A broken contract, and how it travels.

Part of `contract`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..records import Cause, Finding, Verdict


@dataclass(frozen=True)
class Breach:
    """A broken contract: the finding, and what it makes of the verdict."""

    finding: Finding
    verdict: Verdict


class Broken(Exception):
    """Carries a breach out of the step that found it."""

    def __init__(self, cause: Cause, message: str, verdict: Verdict, **about: Any) -> None:  # noqa: ANN401
        super().__init__(message)
        leaf = about.pop("leaf", None)
        self.breach = Breach(Finding(cause, message, leaf, about), verdict)
