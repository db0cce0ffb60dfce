"""The sentence about a wrong leaf: where, the two numbers, why, and where to look.

Part of `diagnose`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..records import Cause
from .culprit import Culprit, cause_of
from .sample import region_of
from .where import index_text, places

FEW = 2  # entries of which nothing can be said in common
ALONE = "So few entries do not tell why: look at what they go through and no other does."
UNKNOWN = (
    "No usual cause fits: neither a factor, a missing term nor an exchange of entries explains it."
)


def describe(
    path: str, culprit: Culprit, along: str, output: str
) -> tuple[Cause, str, dict[str, Any]]:
    """Write the finding about a leaf: its cause, its sentences, the numbers.

    Parameters
    ----------
    path : str
        Of the leaf.
    culprit : Culprit
        What is known.
    along : str
        What was seen on the line that failed, for where no entry is known by name.
    output : str
        What of the output it is wrong for; empty for all of it.
    """
    explanation = culprit.explanation
    where, worst = _where(culprit), _worst(culprit)
    place = f" {where}" if where else ""
    about = f" for {output}" if output else ""
    first = f"{path} is wrong{place}{about}: {worst}." if worst else f"{path} is wrong{along}."
    if explanation is None:
        why = UNKNOWN if culprit.wrong is None or culprit.wrong.sum() > FEW else ALONE
        return cause_of(culprit), f"{first} {why}", {"certain": False, "why": why}
    link = ", " if explanation.usual.startswith("as ") else ": "
    guess = "" if explanation.certain else " That is a guess."
    why = f"It {explanation.seen}{link}{explanation.usual}.{guess}"
    evidence = {**explanation.evidence, "certain": explanation.certain, "why": why}
    return cause_of(culprit), f"{first} {why}", evidence


def _where(culprit: Culprit) -> str:
    """Say which entries are wrong, and whether there may be more."""
    if culprit.complete and culprit.wrong is not None:
        return places(culprit.wrong)
    region = region_of(culprit.located)
    return places(region, "" if culprit.located.dense else "at least ")


def _worst(culprit: Culprit) -> str:
    """Show the entry of the largest error."""
    wrong = {k: e for k, e in culprit.located.entries.items() if e.wrong}
    if not wrong:
        return ""
    k, entry = max(wrong.items(), key=lambda item: abs(item[1].analytic - item[1].numeric))
    shape = culprit.located.shape
    where = f" at {index_text(np.unravel_index(k, shape))}" if shape else ""
    if culprit.complete and culprit.wrong is not None and culprit.wrong.sum() == 1:
        where = ""  # said already
    return f"analytic {entry.analytic:.6g}, numeric {entry.numeric:.6g} ± {entry.bar:.0e}{where}"
