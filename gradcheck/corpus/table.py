"""Outcomes summed up: one row a tool, and what our own checker adds in sentences.

Owns the counts and their wording; `cli` and `document` lay them out.
Part of `corpus`.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .cases import Group
from .outcome import Answer, Naming, Outcome

HEADINGS = (
    "tool",
    "found",
    "share",
    "twins",
    "tricky",
    "unsure",
    "unable",
    "evals",
    "total",
)
LEGEND = (
    "found: wrong gradients called wrong, or passed with a remark of the fault, of those that the "
    "tool could run. twins, tricky: right "
    "gradients called wrong, of those it could run: the right twins of the wrong ones, and those "
    "that look wrong. unsure: it refused to judge. unable: it could not run. evals: evaluations of "
    "f per case, the median; total: all of them."
)


@dataclass(frozen=True)
class Score:
    """What a tool did with all cases.

    Attributes
    ----------
    tool : str
        Its name.
    wrong, found, missed : int
        Wrong gradients that it ran; called wrong, or remarked upon; called right.
    remarked : int
        Wrong gradients that it called right with a remark of the fault.
    twins, twin_alarms, tricky, tricky_alarms : int
        Right gradients that it ran, and called wrong, by group.
    unsure, unable : int
        Cases that it refused to judge; that it could not run.
    naming : Naming
        Of all cases together.
    diagnosed, certain_and_wrong : int
        Wrong gradients whose cause is acceptable; whose cause is not, and was said for certain.
    median, total : float, int
        Evaluations of `f` a case, and of all; those it could not run left out.
    seconds : float
        Wall-clock time.
    """

    tool: str
    wrong: int
    found: int
    missed: int
    remarked: int
    twins: int
    twin_alarms: int
    tricky: int
    tricky_alarms: int
    unsure: int
    unable: int
    naming: Naming
    diagnosed: int
    certain_and_wrong: int
    median: float
    total: int
    seconds: float


def score(outcomes: Sequence[Outcome]) -> Score:
    """Sum up what one tool said.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of one tool, at least one.
    """
    ran = [outcome for outcome in outcomes if outcome.answer is not Answer.UNABLE]
    by_group = {group: [o for o in ran if o.group is group] for group in Group}
    alarms = {group: sum(o.is_false_alarm for o in some) for group, some in by_group.items()}
    evaluations = [outcome.evaluations for outcome in ran]
    diagnoses = [outcome.diagnosis for outcome in ran if outcome.diagnosis is not None]
    return Score(
        tool=outcomes[0].tool,
        wrong=len(by_group[Group.WRONG]),
        found=sum(outcome.is_detected for outcome in ran),
        missed=sum(outcome.is_missed for outcome in ran),
        remarked=sum(outcome.remarked for outcome in ran),
        twins=len(by_group[Group.TWIN]),
        twin_alarms=alarms[Group.TWIN],
        tricky=len(by_group[Group.TRICKY]),
        tricky_alarms=alarms[Group.TRICKY],
        unsure=sum(outcome.answer is Answer.UNDECIDED for outcome in ran),
        unable=len(outcomes) - len(ran),
        naming=_summed([outcome.naming for outcome in ran if outcome.naming is not None]),
        diagnosed=sum(diagnosis.accepted for diagnosis in diagnoses),
        certain_and_wrong=sum(d.certain and not d.accepted for d in diagnoses),
        median=statistics.median(evaluations) if evaluations else 0.0,
        total=sum(evaluations),
        seconds=sum(outcome.seconds for outcome in outcomes),
    )


def _summed(namings: Sequence[Naming]) -> Naming:
    fields = ("named", "hits", "wanted", "leaves", "complete", "exact", "overclaimed")
    return Naming(*(sum(getattr(naming, field) for naming in namings) for field in fields))


def row(score: Score) -> tuple[str, ...]:
    """Fill the cells of one tool, in the order of HEADINGS."""
    return (
        score.tool,
        f"{score.found}/{score.wrong}",
        _percent(score.found, score.wrong),
        f"{score.twin_alarms}/{score.twins}",
        f"{score.tricky_alarms}/{score.tricky}",
        str(score.unsure),
        str(score.unable),
        f"{score.median:.0f}",
        str(score.total),
    )


def sentences(score: Score) -> tuple[str, ...]:
    """Say how well our checker names entries and causes."""
    n = score.naming
    return (
        f"Remarked: {score.remarked} of the {score.found} found pass with a remark, since their "
        f"numbers are right: digits are lost, or memory is shared.",
        f"Wrong entries: {n.named} named, {n.hits} of them wrong (precision "
        f"{_ratio(n.hits, n.named)}); {n.hits} of {n.wanted} wrong ones named (recall "
        f"{_ratio(n.hits, n.wanted)}).",
        f"Wrong leaves: {n.leaves}; {n.complete} said to be named completely, of these "
        f"{n.overclaimed} falsely; {n.exact} named exactly.",
        f"Cause: acceptable in {score.diagnosed} of {score.wrong} wrong cases "
        f"({_percent(score.diagnosed, score.wrong)}); certain and not acceptable in "
        f"{score.certain_and_wrong} ({_percent(score.certain_and_wrong, score.wrong)}).",
    )


def _percent(part: int, whole: int) -> str:
    """Never round a miss away to 100 %."""
    if whole == 0:
        return "-"
    share = 100 * part / whole
    return f"{min(share, 99.9) if part < whole else share:.1f} %"


def _ratio(part: int, whole: int) -> str:
    """Likewise."""
    if whole == 0:
        return "-"
    return f"{min(part / whole, 0.9999) if part < whole else 1.0:.4f}"
