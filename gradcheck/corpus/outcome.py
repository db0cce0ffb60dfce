"""What a tool said about a case, in the words in which all tools are compared.

Part of `corpus`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..records import Verdict
from .cases import CorpusCase, Group

OURS = "gradcheck"


class Answer(StrEnum):
    """What a tool can say.

    UNDECIDED: it refused to judge, in its own words. UNABLE: it cannot take such a case, or raised
    something else than that the gradient is wrong.
    """

    RIGHT = "right"
    WRONG = "wrong"
    UNDECIDED = "undecided"
    UNABLE = "cannot run"


@dataclass(frozen=True)
class Naming:
    """How the entries that were called wrong compare with those that are.

    Attributes
    ----------
    named, hits, wanted : int
        Entries called wrong, those of them that are, and all that are.
    leaves, complete, exact : int
        Leaves with wrong entries; those said to be named completely; those named exactly.
    overclaimed : int
        Leaves said to be named completely that are not.
    """

    named: int
    hits: int
    wanted: int
    leaves: int = 0
    complete: int = 0
    exact: int = 0
    overclaimed: int = 0


@dataclass(frozen=True)
class Diagnosis:
    """How the cause that was named first compares with the one that was planted.

    Attributes
    ----------
    cause, planted : str
        The two.
    accepted : bool
        Whether the cause is one of those that a diagnosis may name.
    certain : bool
        Whether it was said for certain.
    """

    cause: str
    planted: str
    accepted: bool
    certain: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one tool said about one case.

    Attributes
    ----------
    tool, case : str
        Their names.
    seed : int
        Of the case.
    group : Group
        Of the case.
    expected : Verdict
        What should be said: FAIL of a wrong one.
    answer : Answer
        What was said.
    naming, diagnosis : Naming, Diagnosis or None
        Where the tool offers such things and the truth is known.
    evaluations : int
        Of `f`.
    seconds : float
        Wall-clock time.
    trouble : str
        Why it could not run or decide.
    remarked : bool
        Whether a wrong one was called right with a finding of its cause: the numbers are right, but
        for their digits, and that is said.
    """

    tool: str
    case: str
    seed: int
    group: Group
    expected: Verdict
    answer: Answer
    naming: Naming | None = None
    diagnosis: Diagnosis | None = None
    evaluations: int = 0
    seconds: float = 0.0
    trouble: str = ""
    remarked: bool = False

    @property
    def is_detected(self) -> bool:
        """Whether a wrong gradient was called wrong, or remarked upon."""
        return self.group is Group.WRONG and (self.answer is Answer.WRONG or self.remarked)

    @property
    def is_missed(self) -> bool:
        """Whether a wrong gradient was called right without a remark."""
        return self.group is Group.WRONG and self.answer is Answer.RIGHT and not self.remarked

    @property
    def is_false_alarm(self) -> bool:
        """Whether a right gradient was called wrong."""
        return self.group is not Group.WRONG and self.answer is Answer.WRONG


def expected_of(case: CorpusCase) -> Verdict:
    """Say what a checker should answer."""
    return Verdict.FAIL if case.is_wrong else case.answer
