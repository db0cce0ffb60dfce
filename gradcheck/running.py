"""How a check is run: who is told of its progress, who measures ahead, where it is written down.

Nothing of it changes what is found. Owns the opening and closing of executors and journals, whose
rooms are loaded only where they are asked for.
Eighth layer: uses `crew` and `journal`; `flow` runs within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .execution import Evaluator, Origin
from .probing import ALONE, Supplier
from .records import Finding, Plan, Progress, Running
from .space import Space

if TYPE_CHECKING:  # loading it takes longer than a small check
    from .journal import Journal


@dataclass(eq=False)
class Aids:
    """What helps a check on its way.

    Attributes
    ----------
    evaluator : Evaluator
        Of the check.
    plan : Plan
        With its seed.
    supplier : Supplier
        Who measures lines.
    journal : Journal or None
        Where they are written down.
    events : list of Finding
        What has happened to workers; complete when all is closed.
    """

    evaluator: Evaluator
    plan: Plan
    progress: Callable[[Progress], None] | None = None
    supplier: Supplier = ALONE
    journal: Journal | None = None
    events: list[Finding] = field(default_factory=list)

    def begin(self, origin: Origin) -> None:
        """Answer from the journal, from now on; the first calls were made all the same.

        Raises
        ------
        UsageError
            If they have answered otherwise than in the run that began the journal.
        """
        if self.journal is not None:
            self.journal.require_same_answers(origin)
            self.evaluator.spent.memory = self.journal

    def tell(self, leaf: str, done: int, total: int) -> None:
        """Tell of a leaf that is finished."""
        if self.progress is not None:
            self.progress(Progress(leaf, done, total, self.evaluator.evaluations))


@contextmanager
def opened(running: Running, evaluator: Evaluator, space: Space, plan: Plan) -> Iterator[Aids]:
    """Open what the caller has asked for, draw a seed where there is none, close it again.

    Raises
    ------
    UsageError
        If the executor is none, or the journal of another check.
    """
    journal, aids = None, Aids(evaluator, plan, running.progress)
    try:
        seed = plan.seed
        if running.journal is not None:
            from .journal import Journal  # see above

            journal = Journal(running.journal)
            seed = journal.seed(seed)
        aids.plan = replace(plan, seed=_fresh_seed() if seed is None else seed)
        if journal is not None:
            journal.claim(evaluator.problem, space, aids.plan)
            aids.journal = journal
        if running.journal is not None or running.executor is not None:
            with _crew(running, aids) as aids.supplier:
                yield aids
        else:
            yield aids
    finally:
        if journal is not None:
            aids.events.extend(journal.close())


def _fresh_seed() -> int:
    import secrets  # loads hashes

    return secrets.randbits(32)


@contextmanager
def _crew(running: Running, aids: Aids) -> Iterator[Supplier]:
    """Open the workers; without an executor, what workers have left in the journal."""
    from .crew import Crew  # see above

    crew = Crew.of(running.executor, aids.evaluator, aids.plan)
    try:
        yield crew
    finally:
        aids.events.extend(crew.close())
