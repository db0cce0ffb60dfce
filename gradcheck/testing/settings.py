"""The settings of a test: from the command line, a configuration file, a marker.

Owns their names and what is said of wrong ones.
Part of `testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..records import Plan, Report, UsageError
from .asserting import Gradcheck, fail, skip, warn

KEYWORDS = ("plan", "rtol", "seed", "inconclusive")
UNDECIDED: dict[str, Callable[[Report], None]] = {"fail": fail, "warn": warn, "skip": skip}


def make_gradcheck(
    settings: Mapping[str, Any], name: str, note: Callable[[Report], None]
) -> Gradcheck:
    """Make the checks of a test from settings by keyword.

    Parameters
    ----------
    settings : mapping of str to object
        `seed`; `plan`, a Plan or text as on the command line; `rtol`, which is the plan's unless
        given; `inconclusive`: fail, warn or skip.
    name : str
        Of the reports.
    note : callable
        Called with every report.

    Raises
    ------
    UsageError
        If a keyword or a value is none of these.

    Examples
    --------
    >>> settings = {"seed": 1, "plan": "directions:3", "rtol": 1e-6}
    >>> make_gradcheck(settings, "test_it", print).plan.count
    3
    """
    for keyword, value in settings.items():
        if keyword not in KEYWORDS:
            raise UsageError(
                f"{keyword}={value!r} is no setting of a check; the keywords are "
                f"{', '.join(KEYWORDS)}."
            )
    seed = settings["seed"]
    plan = _read_plan(settings.get("plan", "auto"))
    if "rtol" in settings:
        plan = replace(plan, rtol=settings["rtol"])
    inconclusive = settings.get("inconclusive", "fail")
    if not (isinstance(inconclusive, str) and inconclusive in UNDECIDED):
        raise UsageError(f"inconclusive={inconclusive!r} is none of {', '.join(UNDECIDED)}.")
    if seed is None:
        raise UsageError("seed=None, but a seed is a whole number of at least 0.")
    replace(plan, seed=seed)  # which refuses a seed that is none
    return Gradcheck(seed, name, plan, UNDECIDED[inconclusive], note)


def _read_plan(plan: object) -> Plan:
    if isinstance(plan, Plan):
        return plan
    if isinstance(plan, str):
        try:
            return Plan.from_text(plan)
        except UsageError as error:
            raise UsageError(f"plan: {error}.") from None
    raise UsageError(
        f"plan={plan!r} is neither a Plan nor text such as auto, every, directions:3, sample:30."
    )
