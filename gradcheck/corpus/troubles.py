"""What went wrong, case by case.

Owns the sentences about single outcomes: in full for our checker, by name for peers.
Part of `corpus`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import Verdict
from .cases import Group
from .outcome import Answer, Outcome


def is_bad(outcome: Outcome) -> bool:
    """Whether a checker was outright wrong: passed a wrong one, failed a right one, or raised."""
    return outcome.is_missed or outcome.is_false_alarm or outcome.answer is Answer.UNABLE


def troubles(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """List what our checker did not do as it should, the same for several seeds in one line.

    The outright wrong ones come first.
    """
    seeds: dict[tuple[str, str], list[int]] = {}
    for outcome in sorted(outcomes, key=is_bad, reverse=True):
        for complaint in _complaints(outcome):
            seeds.setdefault((outcome.case, complaint), []).append(outcome.seed)
    return tuple(
        f"{case}: {complaint} ({'seed' if len(some) == 1 else 'seeds'} {', '.join(map(str, some))})"
        for (case, complaint), some in seeds.items()
    )


def _complaints(outcome: Outcome) -> Iterator[str]:
    because = f" ({outcome.trouble})" if outcome.trouble else ""
    if outcome.answer is Answer.UNABLE:
        yield outcome.trouble
    elif outcome.is_missed:
        yield "wrong, and passed"
    elif outcome.is_false_alarm:
        yield f"right, and failed{because}"
    elif outcome.answer is Answer.UNDECIDED and outcome.expected is not Verdict.INCONCLUSIVE:
        yield f"{'wrong' if outcome.group is Group.WRONG else 'right'}, and undecided{because}"
    elif outcome.answer is Answer.RIGHT and outcome.expected is Verdict.INCONCLUSIVE:
        yield "passed, where nothing can be known"
    elif outcome.is_detected:
        yield from _inaccuracies(outcome)


def _inaccuracies(outcome: Outcome) -> Iterator[str]:
    """Say what is not quite right about a failure that is."""
    naming, diagnosis = outcome.naming, outcome.diagnosis
    if naming is not None:
        blamed = naming.named - naming.hits
        if blamed:
            yield f"names {blamed} right {'entry' if blamed == 1 else 'entries'} as wrong"
        if naming.hits < naming.wanted:
            yield f"names {naming.hits} of {naming.wanted} wrong entries"
        if naming.overclaimed:
            yield "says that all wrong entries are named, and they are not"
    if diagnosis is None:
        yield "names no cause"
    elif not diagnosis.accepted:
        how = ", said for certain" if diagnosis.certain else ""
        yield f"cause {diagnosis.cause}, planted {diagnosis.planted}{how}"


def peer_troubles(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Say by name what a peer missed, called wrong without reason, or could not run."""
    kinds = {
        "missed": [o for o in outcomes if o.is_missed],
        "false alarms": [o for o in outcomes if o.is_false_alarm],
        "undecided": [o for o in outcomes if o.answer is Answer.UNDECIDED],
        "could not run": [o for o in outcomes if o.answer is Answer.UNABLE],
    }
    return tuple(f"{kind}: {_names(some)}" for kind, some in kinds.items() if some)


def _names(outcomes: Sequence[Outcome]) -> str:
    """List names once each, with how often where a name comes up for several seeds."""
    cases = [outcome.case for outcome in outcomes]
    counts = {case: cases.count(case) for case in cases}
    return ", ".join(f"{case} (x{n})" if n > 1 else case for case, n in counts.items())
