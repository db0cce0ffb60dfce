"""All laws, and how they are tried on a subject.

Owns the list of laws and the drawing of settings; knows no single law.
Part of `laws`.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterable
from types import MappingProxyType

import numpy as np

from ..records import Cause, Finding, LawReport, Plan, Report, UsageError, Verdict
from . import (
    batches,
    derivatives,
    dropout,
    initialisation,
    masks,
    normalisation,
    saturation,
    symmetry,
    units,
    weight_decay,
)
from .protocol import Law, Outcome, Setting, draw_setting
from .subject import NotOffered, offers

MOST_NAMED = 6  # members that a subject lacks, those first that most laws ask for

LAWS: tuple[Law, ...] = (
    *symmetry.LAWS,
    *units.LAWS,
    *saturation.LAWS,
    *initialisation.LAWS,
    *weight_decay.LAWS,
    *dropout.LAWS,
    *derivatives.LAWS,
    *batches.LAWS,
    *normalisation.LAWS,
    *masks.LAWS,
)
TRIALS = 5  # settings a law is tried in; the property tests try many more


def check(
    subject: object,
    *,
    laws: Iterable[Law] = LAWS,
    seed: int | None = None,
    trials: int = TRIALS,
    name: str = "",
) -> Report:
    """Try every law on a subject, in freshly drawn settings.

    Parameters
    ----------
    subject : object
        An implementation that offers some of the members of `Subject`.
    laws : iterable of Law, optional
        All of them by default.
    seed : int, optional
        Fresh by default; the report prints it.
    trials : int, optional
        Settings in which each law is tried.
    name : str, optional
        A name for the report; by default that of the subject's class.

    Returns
    -------
    Report
        `report.laws` by name. FAIL if a law is broken; INCONCLUSIVE if one could not be decided or
        none applies.

    Raises
    ------
    UsageError
        If `trials` is below 1.

    Examples
    --------
    >>> from gradcheck import laws
    >>> class Halved:
    ...     def dropout_evaluate(self, x, keep_prob):
    ...         return x * keep_prob
    >>> report = laws.check(Halved(), seed=0)
    >>> report.laws["dropout-evaluation-is-identity"].verdict
    <Verdict.FAIL: 'fail'>
    """
    if trials < 1:
        raise UsageError(f"trials={trials}, but a law must be tried at least once.")
    started, laws = time.monotonic(), tuple(laws)
    seed = secrets.randbits(32) if seed is None else seed
    reports = {law.name: _try(law, subject, seed, trials) for law in laws}
    verdicts = [law.verdict for law in reports.values() if law.verdict is not None]
    return Report(
        name=name or type(subject).__name__,
        verdict=_overall(verdicts),
        leaves=MappingProxyType({}),
        findings=() if verdicts else (_nothing_applies(subject, tuple(laws)),),
        evaluations=0,
        seconds=time.monotonic() - started,
        plan=Plan.auto(seed=seed),
        laws=MappingProxyType(reports),
    )


def _nothing_applies(subject: object, laws: tuple[Law, ...]) -> Finding:
    """Say what the subject offers of what laws ask for, and what not: a misspelt name shows."""
    asked = Counter(name for law in laws for name in law.needs)
    there = [name for name in asked if offers(subject, name)]
    lacking = [name for name, _ in asked.most_common() if name not in there]
    return Finding(
        Cause.LAW,
        f"no law applies to {type(subject).__name__}: of what laws ask for it offers "
        f"{', '.join(there) or 'nothing'}, and not {', '.join(lacking[:MOST_NAMED])}"
        f"{', ...' if len(lacking) > MOST_NAMED else ''}; gradcheck.laws.Subject has them all.",
    )


def _overall(verdicts: list[Verdict]) -> Verdict:
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    if not verdicts or Verdict.INCONCLUSIVE in verdicts:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _try(law: Law, subject: object, seed: int, trials: int) -> LawReport:
    """Try one law until it breaks or all trials are done."""
    missing = law.missing(subject)
    if missing:
        return LawReport(law.name, law.statement, law.source, None, missing)
    # a law's settings do not depend on which other laws are tried
    stream = np.random.default_rng([seed, *law.name.encode()])
    outcomes: list[Outcome] = []
    for _ in range(trials):
        setting = draw_setting(stream)
        outcome = try_once(law, subject, setting)
        if outcome.verdict is Verdict.FAIL:
            message = f"{outcome.message}. Setting: {setting}"
            return _reported(law, Outcome(outcome.verdict, message, outcome.evidence))
        outcomes.append(outcome)
    # one decided trial is enough to see a law hold; none leaves it open
    for verdict in (Verdict.PASS, Verdict.INCONCLUSIVE):
        for outcome in outcomes:
            if outcome.verdict is verdict:
                return _reported(law, outcome)
    return _reported(law, outcomes[0])


def try_once(law: Law, subject: object, setting: Setting) -> Outcome:
    """Try a law in one setting; an exception of the subject's leaves the law undecided."""
    try:
        return law.trial(subject, setting)
    except NotOffered as reason:
        return Outcome(None, str(reason) or "the subject does not offer what this law asks for")
    except Exception as error:
        message = f"the subject raised {type(error).__name__}: {error}. Setting: {setting}"
        return Outcome(Verdict.INCONCLUSIVE, message)


def _reported(law: Law, outcome: Outcome) -> LawReport:
    return LawReport(
        law.name, law.statement, law.source, outcome.verdict, outcome.message, outcome.evidence
    )
