"""The lines of a leaf handed on in their order, each with what was measured of it ahead of time.

Lines of this leaf and of the next ones are sent to workers while the first are looked at. Whatever
goes wrong over there, a line is handed on without values, and measured here.
Part of `crew`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..directions import Probe
from ..execution import Evaluator, Origin
from ..probing import Place, draw_lines
from ..records import Finding, Mode, Plan, UsageError
from . import sayings
from .chunks import MOST_BYTES
from .dispatch import Dispatch
from .hands import read_executor
from .leafwork import LeafWork, ahead_of, line_from_bytes, line_to_bytes
from .orders import Line, Lines
from .payload import key_of, packed
from .worker import SHARED

GLANCE = 2  # evaluations that a line costs at least
TICK = 0.2  # seconds between looks at the clock of the budget
SHARED_RANDOMNESS = (
    "Threads could share it, but for its random sources, which cannot be held still for several."
)
MOST_AHEAD = 2**28  # bytes of the lines of a leaf, beyond which they are not drawn twice


@dataclass(eq=False)
class Crew:
    """Sends the lines of a plan to workers, and hands them on with what came back.

    Attributes
    ----------
    evaluator : Evaluator
        Of this process: its budget, and its memory of earlier runs.
    plan : Plan
        Of the check.
    dispatch : Dispatch or None
        To the workers; None to look up what an earlier run has kept, and no more.
    works : deque of LeafWork
        The leaf that is looked at, and those after it of which lines were sent already.
    """

    evaluator: Evaluator
    plan: Plan
    dispatch: Dispatch | None = None
    works: deque[LeafWork] = field(default_factory=deque)
    _following: Iterator[LeafWork] = field(default_factory=lambda: iter(()))
    _keys: dict[int, tuple[Origin, str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        executor: Executor | Callable[[], Executor] | None,
        evaluator: Evaluator,
        plan: Plan,
    ) -> Crew:
        """Open one.

        Raises
        ------
        UsageError
            If the executor is none.
        """
        crew = cls(evaluator, plan)
        if executor is not None:
            crew.dispatch = Dispatch(read_executor(executor), crew._keep)
        return crew

    def close(self) -> tuple[Finding, ...]:
        """Let go of everything; return what has happened to workers."""
        dispatch, self.dispatch = self.dispatch, None
        for _, key in self._keys.values():
            SHARED.pop(key, None)
        return () if dispatch is None else dispatch.close()

    # --- the lines of a leaf, in their order ------------------------------------------------

    def supply(
        self,
        place: Place,
        probes: Sequence[Probe],
        state: Mapping[str, Any],
        rng: np.random.Generator,
    ) -> Generator[Probe]:
        """Hand on the lines of a leaf, in their order; see `Supplier`."""
        work = self._foreseen(place.for_leaf(probes[0].leaf).origin, probes, state)
        if work is None:
            work = self._new_work(place, probes, state)
            self._following = self._foresee(place, probes[0].leaf, rng)
        work.claimed = True
        return self._handed_on(work, probes)

    def _handed_on(self, work: LeafWork, probes: Sequence[Probe]) -> Generator[Probe]:
        try:
            for n, probe in enumerate(probes):
                line = self._line(work, n)
                yield probe if line is None else replace(probe, ahead=ahead_of(work.origin, line))
                if line is not None and line.trouble:
                    self._note_trouble(work, n, probe, line)
        finally:
            work.stop()

    def _foreseen(
        self, origin: Origin, probes: Sequence[Probe], state: Mapping[str, Any]
    ) -> LeafWork | None:
        """Return the work on these lines, of which some are sent already, if it was foreseen."""
        lines = Lines.of(origin.space.leaves[probes[0].leaf], probes, state)
        self.works = deque(work for work in self.works if not work.stopped)
        found = next((work for work in self.works if work.is_of(origin, lines)), None)
        if found is None:
            for work in self.works:
                if not work.claimed:  # foreseen wrongly
                    work.stop()
        return found

    def _new_work(
        self, place: Place, probes: Sequence[Probe], state: Mapping[str, Any]
    ) -> LeafWork:
        i, memory = probes[0].leaf, self.evaluator.memory
        origin = place.for_leaf(i).origin
        work = LeafWork(origin, Lines.of(origin.space.leaves[i], probes, state), len(probes))
        if memory is not None:
            where = [origin.space.point(), origin.claimed, origin.cotangent]
            work.memory_key = memory.name_of(where)
        if self.dispatch is not None:
            work.key = self._sent_ahead(origin)
            spent = self.evaluator.spent  # the claim was called too: at most so long
            seconds = self.evaluator.clock() - spent.started
            self.dispatch.pace.a_call = seconds / max(1, spent.evaluations)
            arrays = origin.output.arrays.values()
            self.dispatch.pace.bytes_a_line = GLANCE * sum(array.nbytes for array in arrays)
        self.works.append(work)
        return work

    def _sent_ahead(self, origin: Origin) -> str:
        """Lay down for the workers what they need to know of an origin, once; return its key."""
        assert self.dispatch is not None, "there are workers"
        if id(origin) not in self._keys:
            try:
                payload = packed(origin, self.plan)
            except UsageError as error:
                if not self.dispatch.hands.threads:
                    raise
                if self.evaluator.held.sources:
                    raise UsageError(f"{error} {SHARED_RANDOMNESS}") from error
                key = f"shared-{id(origin)}"
                SHARED[key] = origin, self.plan
            else:
                key = key_of(payload)
                self.dispatch.add_payload(key, payload)
            self._keys[id(origin)] = origin, key
        return self._keys[id(origin)][1]

    def _foresee(self, place: Place, i: int, rng: np.random.Generator) -> Iterator[LeafWork]:
        """Foresee the lines of the next leaves: what they will be if this one needs no more."""
        ahead = np.random.Generator(type(rng.bit_generator)())
        ahead.bit_generator.state = rng.bit_generator.state
        for k in place.origin.space.moving:
            if k <= i:
                continue
            there = place.known_for_leaf(k)
            if there is None or self._is_much(there.origin, k):
                return
            state = ahead.bit_generator.state
            probes = draw_lines(there.origin, k, self.plan, ahead)
            if probes:
                yield self._new_work(place, probes, state)

    def _is_much(self, origin: Origin, k: int) -> bool:
        """Whether the lines of a leaf are too large to be drawn twice."""
        size = origin.space.leaves[k].array.size
        lines = size if self.plan.mode is Mode.EVERY else (self.plan.count or GLANCE)
        return 16 * size * lines > MOST_AHEAD

    # --- sending and waiting ----------------------------------------------------------------

    def _line(self, work: LeafWork, n: int) -> Line | None:
        """Return what came back of a line, or was kept; None if it is to be measured here."""
        kept = None if n in work.back else self._kept(work, n)
        if kept is not None or self.dispatch is None:
            return kept
        try:
            self._send(self.dispatch)
            while n in work.away and n not in work.back and not self.evaluator.is_late:
                self.dispatch.take(TICK)
                self._send(self.dispatch)
        except KeyboardInterrupt:
            if self.evaluator.memory is None:
                raise
            self.evaluator.spent.interrupted = True
        return work.back.pop(n, None)

    def _send(self, dispatch: Dispatch) -> None:
        """Send orders until enough are under way."""
        pace = dispatch.pace
        while dispatch.hands.usable and len(dispatch.flights) < pace.window:
            ahead = sum(len(work.back) + len(work.away) for work in self.works)
            if GLANCE * ahead >= self.evaluator.left or ahead * pace.bytes_a_line > MOST_BYTES:
                return
            work = self._next_work() or next(self._following, None)
            if work is None:
                return
            start = work.sent
            work.sent += min(work.left, pace.size(work.left))
            if not all(self._is_kept(work, n) for n in range(start, work.sent)):
                dispatch.send(work, start, work.sent)

    def _next_work(self) -> LeafWork | None:
        """Return the leaf of which lines are sent next; within a budget all get their share."""
        works = [work for work in self.works if work.left]
        limits = self.evaluator.limits
        if limits.evaluations is None and limits.seconds is None:
            return works[0] if works else None
        return min(works, key=lambda work: work.sent / work.count, default=None)

    def _note_trouble(self, work: LeafWork, n: int, probe: Probe, line: Line) -> None:
        """Say what a worker met on a line, unless it was met here too."""
        assert self.dispatch is not None, "there are workers"
        space = work.origin.space
        _, outputs = probe.outputs.get(id(space), (space, {}))
        if not any(output is None for _, output in outputs.values()):
            place = sayings.place_of(space, work.lines, n, line.step)
            self.dispatch.events.append(sayings.raised(place, line.trouble))

    # --- what earlier runs have kept --------------------------------------------------------

    def _keep(self, work: LeafWork, n: int, line: Line) -> None:
        if self.evaluator.memory is not None and not line.trouble:
            self.evaluator.memory.keep_line(work.name_of(n), line_to_bytes(line))

    def _kept(self, work: LeafWork, n: int) -> Line | None:
        memory = self.evaluator.memory
        kept = None if memory is None else memory.find_line(work.name_of(n))
        return None if kept is None else line_from_bytes(kept)

    def _is_kept(self, work: LeafWork, n: int) -> bool:
        memory = self.evaluator.memory
        return memory is not None and memory.find_line(work.name_of(n)) is not None
