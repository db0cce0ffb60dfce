"""A campaign: our checker, and peers, on many cases.

Owns the order of the runs. Part of `corpus`; what `gradcheck corpus` calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..records import Report
from .cases import CorpusCase
from .ours import examine
from .outcome import OURS, Outcome
from .peers import Peer, judge
from .troubles import is_bad

Watch = Callable[[str, Sequence[CorpusCase]], Iterable[CorpusCase]]
"""Takes the name of a tool and its cases, and yields the cases, as a progress bar does."""


@dataclass(frozen=True, eq=False)
class Campaign:
    """What came of it.

    Attributes
    ----------
    cases : tuple of CorpusCase
        All of them.
    reports : tuple of Report or None
        Ours, one a case; None where our checker raised.
    outcomes : mapping of str to sequence of Outcome
        By tool, ours first.
    absent : tuple of str
        Packages of peers that are not installed.
    """

    cases: tuple[CorpusCase, ...]
    reports: tuple[Report | None, ...]
    outcomes: Mapping[str, Sequence[Outcome]]
    absent: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no wrong gradient passed, no right one failed, and ours never raised."""
        return not any(map(is_bad, self.outcomes[OURS]))


def run(
    cases: Sequence[CorpusCase],
    peers: Sequence[Peer] = (),
    watch: Watch = lambda _, cases: cases,
) -> Campaign:
    """Run our checker on all cases, then each peer that is installed.

    Examples
    --------
    >>> from gradcheck.corpus import draw
    >>> run(list(draw(0, ["sign-flipped", "sign-flipped:right"]))).ok
    True
    """
    examined = [examine(case) for case in watch(OURS, cases)]
    outcomes = {OURS: [outcome for outcome, _ in examined]}
    for peer in peers:
        if peer.available:
            outcomes[peer.name] = [judge(peer, case) for case in watch(peer.name, cases)]
    absent = dict.fromkeys(peer.package for peer in peers if not peer.available)
    return Campaign(tuple(cases), tuple(report for _, report in examined), outcomes, tuple(absent))
