"""Orders under way: sent, waited for, and given up where a worker dies, hangs or refuses.

Part of `crew`.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..records import Finding, shown_error
from . import sayings
from .chunks import Pace
from .hands import Hands
from .leafwork import LeafWork
from .orders import Answer, Line, Order
from .trail import Step, last_steps

TRIES = 2  # that an order is sent, before this process does it itself
REFUSALS = 8  # in a row, after which the executor is of no use


@dataclass(eq=False)
class Flight:
    """An order under way, what it is about, and how often it was sent."""

    order: Order
    work: LeafWork
    tries: int = 1

    def land(self) -> None:
        """Its lines are not under way any more."""
        self.work.away.difference_update(range(self.order.start, self.order.stop))

    @property
    def place(self) -> str:
        """Name its lines."""
        work, order = self.work, self.order
        return sayings.range_of(work.origin.space, work.lines, order.start, order.stop)


@dataclass(eq=False)
class Dispatch:
    """Sends orders to the workers of an executor and takes their answers.

    Attributes
    ----------
    hands : Hands
        The executor.
    keep : callable
        `keep(work, n, line)` is told of each line that came back.
    folder : str
        Of payloads and trails.
    pace : Pace
        How fast that goes.
    flights : dict
        Orders under way.
    events : list of Finding
        What has happened to workers.
    """

    hands: Hands
    keep: Callable[[LeafWork, int, Line], None]
    folder: str = field(default_factory=lambda: tempfile.mkdtemp(prefix="gradcheck-"))
    pace: Pace = field(default_factory=Pace)
    flights: dict[Future[Answer], Flight] = field(default_factory=dict)
    events: list[Finding] = field(default_factory=list)
    payloads: dict[str, bytes] = field(default_factory=dict)
    _done: dict[int, tuple[str, Flight]] = field(default_factory=dict)  # by order: by whom
    _explained: set[int] = field(default_factory=set)  # orders of which an event tells
    _orders: int = 0
    _refusals: int = 0
    _heard: float = 0.0

    def add_payload(self, key: str, payload: bytes) -> None:
        """Lay down what workers on this machine read, and others ask for."""
        self.payloads[key] = payload
        (Path(self.folder) / key).write_bytes(payload)

    def send(self, work: LeafWork, start: int, stop: int) -> None:
        """Send lines of a leaf."""
        self._orders += 1
        part = work.lines.part(start, stop)
        order = Order(self._orders, work.key, self.folder, part, start, stop)
        work.away.update(range(start, stop))
        self._launch(Flight(order, work))

    def take(self, seconds: float) -> None:
        """Wait for answers, but not longer than that."""
        done, _ = wait(self.flights, seconds, FIRST_COMPLETED)
        if done:
            self._heard = time.monotonic()
        lost = [flight for flight in map(self._taken, done) if flight is not None]
        if lost:
            self._broken(lost)
        elif self.flights and not done:
            lines = max(f.order.stop - f.order.start for f in self.flights.values())
            if time.monotonic() - self._heard > self.pace.patience(lines):
                self._hung()

    def close(self) -> tuple[Finding, ...]:
        """Give up what is under way, clear away, and return what has happened to workers."""
        for future in self.flights:
            future.cancel()
        self._note_vanished()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.hands.close()
        return tuple(self.events)

    def _launch(self, flight: Flight) -> None:
        if not self.flights:
            self._heard = time.monotonic()
        future = self.hands.submit(flight.order)
        if future is None:
            self._broken([flight])
        else:
            self.flights[future] = flight

    def _taken(self, future: Future[Answer]) -> Flight | None:
        """Take an answer; return what was under way, if the executor is broken."""
        flight = self.flights.pop(future)
        try:
            answer = future.result()
        except BrokenExecutor:
            return flight
        except Exception as error:  # it could not be sent, or not be received: foreign code
            self._refused(flight, shown_error(error))
            return None
        except BaseException as error:  # cancelled, or Ctrl-C over there
            self._refused(flight, type(error).__name__)
            return None
        if answer.needs:
            payload = self.payloads[flight.order.key]
            self._launch(replace(flight, order=replace(flight.order, payload=payload)))
        elif answer.trouble:
            self._refused(flight, answer.trouble)
        else:
            self._accept(flight, answer)
        return None

    def _accept(self, flight: Flight, answer: Answer) -> None:
        work, order = flight.work, flight.order
        flight.land()
        self._refusals = 0
        self._done[order.number] = answer.worker, flight
        self.pace.note(answer.seconds, len(answer.lines))
        for n, line in zip(range(order.start, order.stop), answer.lines, strict=True):
            self.keep(work, n, line)
            if not work.stopped:
                work.back[n] = line

    # --- what goes wrong --------------------------------------------------------------------

    def _refused(self, flight: Flight, trouble: str) -> None:
        """Send an order once more, perhaps to another worker; then leave it to this process."""
        self._refusals += 1
        if self._refusals >= REFUSALS:
            self.hands.usable = False
        if flight.tries < TRIES and self.hands.usable and not flight.work.stopped:
            self._launch(replace(flight, tries=flight.tries + 1))
            return
        flight.land()
        finding = sayings.refused(flight.place, trouble)
        if not any(trouble in event.message for event in self.events):
            self.events.append(finding)

    def _broken(self, lost: Sequence[Flight]) -> None:
        """Take up again what was under way when a worker died, in a fresh pool or here."""
        under_way = {f.order.number: f for f in (*lost, *self.flights.values())}
        self.flights.clear()
        self.events.append(sayings.died(self._places(under_way)))
        self._again(list(under_way.values()))

    def _hung(self) -> None:
        """Give up on workers that no longer answer."""
        lines = max(f.order.stop - f.order.start for f in self.flights.values())
        under_way = {f.order.number: f for future, f in self.flights.items() if not future.cancel()}
        queued = [f for f in self.flights.values() if f.order.number not in under_way]
        self.flights.clear()
        self.events.append(sayings.hung(self._places(under_way), self.pace.patience(lines)))
        self._again([*under_way.values(), *queued])

    def _again(self, flights: list[Flight]) -> None:
        renewed = self.hands.renew()
        for flight in flights:
            again = renewed and self.hands.usable and flight.tries < TRIES
            if again and not flight.work.stopped:
                self._launch(replace(flight, tries=flight.tries + 1))
            else:
                flight.land()

    def _places(self, under_way: dict[int, Flight]) -> list[str]:
        """Name the lines that workers were at; the orders where no trail leads to them."""
        steps = [step for step in last_steps(self.folder) if step.order in under_way]
        self._explained.update(step.order for step in steps)
        if steps:
            return [_place_of(under_way[step.order], step) for step in steps]
        return [flight.place for flight in under_way.values()]

    def _note_vanished(self) -> None:
        """Look for orders that one worker has begun and another has carried out."""
        for step in last_steps(self.folder):
            worker, flight = self._done.get(step.order, ("", None))
            if flight is None or worker == step.worker or step.order in self._explained:
                continue
            self.events.append(sayings.vanished(step.worker, _place_of(flight, step)))


def _place_of(flight: Flight, step: Step) -> str:
    work = flight.work
    return sayings.place_of(work.origin.space, work.lines, step.line, step.step)
