"""Our own checker on a case.

Owns the comparison of a report with the truth: verdict, named entries, cause.
Part of `corpus`.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping

import numpy as np

from ..check import check
from ..records import BoolArray, Cause, Finding, LeafReport, Report, Verdict, shown_error
from .cases import CorpusCase, Truth
from .outcome import OURS, Answer, Diagnosis, Naming, Outcome, expected_of

ANSWERS = {
    Verdict.PASS: Answer.RIGHT,
    Verdict.FAIL: Answer.WRONG,
    Verdict.INCONCLUSIVE: Answer.UNDECIDED,
}

REMARKABLE = {Cause.ALIASING, Cause.PRECISION}  # a pass that says so has found the fault


def examine(case: CorpusCase) -> tuple[Outcome, Report | None]:
    """Check a case.

    Returns
    -------
    tuple of Outcome and Report
        What was said, measured against the truth, and the report itself; None where the checker
        raised, which the outcome then tells.
    """
    about = (OURS, case.name, case.seed, case.group, expected_of(case))
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some cases are there for what NumPy warns of
            report = check(case.pose(), case.plan)
    except Exception as error:  # a checker that falls over is a result too
        seconds = time.perf_counter() - started
        trouble = f"it raised {shown_error(error)}"
        return Outcome(*about, Answer.UNABLE, seconds=seconds, trouble=trouble), None
    first = report.findings[0].cause if report.findings else ""
    remarked = case.truth is not None and remark_of(case.truth, report) is not None
    compared = case.truth.wrong if case.truth and not remarked else None
    outcome = Outcome(
        *about,
        ANSWERS[report.verdict],
        naming_of(compared, report.leaves) if compared else None,
        diagnosis_of(case.truth, report) if case.truth else None,
        report.evaluations,
        report.seconds,
        "" if report.ok else str(first),
        remarked,
    )
    return outcome, report


def naming_of(truth: Mapping[str, BoolArray], leaves: Mapping[str, LeafReport]) -> Naming:
    """Count entries named and entries wrong, and compare the masks leaf by leaf."""
    counts = [_counts_of(mask, leaves.get(path)) for path, mask in truth.items()]
    return Naming(*(sum(column) for column in zip(*counts, strict=True)))


def _counts_of(mask: BoolArray, leaf: LeafReport | None) -> tuple[int, ...]:
    """Return the fields of `Naming` for one leaf."""
    said = leaf.wrong if leaf is not None else None
    named = np.zeros_like(mask) if said is None else said
    is_wrong = bool(mask.any())
    is_exact = bool(np.array_equal(named, mask))
    is_complete = leaf is not None and said is not None and leaf.complete
    return (
        int(named.sum()),
        int((named & mask).sum()),
        int(mask.sum()),
        int(is_wrong),
        int(is_wrong and is_complete),
        int(is_wrong and is_exact),
        int(is_complete and bool((mask & ~named).any())),
    )


def diagnosis_of(truth: Truth, report: Report) -> Diagnosis | None:
    """Judge the first finding of a failing report, or the remark; None where nothing was found."""
    first = next(iter(report.findings), None)
    if report.verdict is not Verdict.FAIL:
        first = remark_of(truth, report)
    if first is None:
        return None
    certain = bool(first.evidence.get("certain", False))
    return Diagnosis(str(first.cause), truth.causes[0], first.cause in truth.causes, certain)


def remark_of(truth: Truth, report: Report) -> Finding | None:
    """Return what a passing report says of the fault: memory that is shared, or lost digits."""
    if report.verdict is not Verdict.PASS:
        return None
    accepted = REMARKABLE.intersection(truth.causes)
    return next((finding for finding in report.findings if finding.cause in accepted), None)
