"""A derivative that somebody else shipped, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gradcheck import Report, Verdict


@dataclass(frozen=True)
class Subject:
    """What is tried: a check of ours, and the library's own where it has one.

    Attributes
    ----------
    library, name : str
        Whose it is, and which; where there are several samples, the name ends with `, sample 3`.
    check : callable
        Runs our check.
    own : callable or None
        Runs the library's own check, which returns whether it passed; it may raise.
    settle : callable or None
        Returns how far the derivative is off the one in more digits, where ours fails.
    """

    library: str
    name: str
    check: Callable[[], Report]
    own: Callable[[], bool] | None = None
    settle: Callable[[], float] | None = None

    @property
    def operator(self) -> str:
        """The name without the sample."""
        return self.name.partition(", sample ")[0]


@dataclass(frozen=True)
class Trial:
    """What became of a subject.

    `own` is what the library's own check said: pass, fail, or nothing where there is none;
    `message` the first finding of ours, where ours is no plain pass. Seconds are those of the
    processor, which other programs do not lengthen.
    """

    subject: Subject
    verdict: str
    message: str
    seconds: float
    evaluations: int
    own: str
    own_seconds: float


def tried(subject: Subject) -> Trial:
    """Run both checks."""
    started = time.process_time()
    try:
        report = subject.check()
        verdict, evaluations = str(report.verdict), report.evaluations
        named = report.findings and (not report.ok or report.findings[0].cause == "kink")
        message = report.findings[0].message if named else ""
        if report.verdict is Verdict.PASS and message:
            verdict = "pass, kink named"
    except Exception as error:
        verdict, evaluations, message = "refused", 0, f"{type(error).__name__}: {error}"
    seconds = time.process_time() - started
    if verdict == "fail" and subject.settle is not None:
        message = f"As given off that of float64 by {subject.settle():.0e}. {message}"
    if subject.own is None:
        return Trial(subject, verdict, message, seconds, evaluations, "", 0.0)
    started = time.process_time()
    try:
        own = "pass" if subject.own() else "fail"
    except Exception:
        own = "fail"
    return Trial(
        subject, verdict, message, seconds, evaluations, own, time.process_time() - started
    )
