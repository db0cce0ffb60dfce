"""What a worker does: measures the lines of an order, and sends back the values of `f`.

Judges as the parent will, to know how far to go, and keeps the judgement to itself. Nothing that
the caller's code does gets out but as a record.
Part of `crew`; runs in another process, or in a thread.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..directions import Probe, coordinate, scale_of_leaf
from ..execution import Ahead, CallFailed, Origin
from ..probing import draw_lines, measure_here
from ..records import Kind, Plan, UsageError, shown_error
from ..space import Array, same_bits
from .orders import Answer, Line, Lines, Order, Value
from .payload import Payload, here, key_of
from .trail import Noted, Trail

MOST_JOBS = 4  # points that a thread remembers: x, and x in more digits; those of other checks
GLOBAL = threading.RLock()  # around what draws from a module's own state: all threads share it
SHARED: dict[str, tuple[Origin, Plan]] = {}
"""By key, origins that threads of this process share, because they cannot be written down."""

_own = threading.local()


@dataclass(eq=False)
class Job:
    """A payload as one thread uses it: its own copy of the point, and of `f` where that is data."""

    origin: Origin
    plan: Plan
    guard: AbstractContextManager[object]
    scales: dict[int, Array] = field(default_factory=dict)
    drawn: tuple[Lines, Sequence[Probe]] | None = None

    def probe(self, order: Order, n: int) -> Probe:
        """Draw a line of the leaf as the parent did."""
        lines = order.lines
        if lines.entries:
            leaf = self.origin.space.leaves[lines.leaf]
            if lines.leaf not in self.scales:
                self.scales[lines.leaf] = scale_of_leaf(leaf)
            entry = lines.entries[n - order.start]
            return coordinate(leaf, lines.leaf, entry, self.scales[lines.leaf])
        if self.drawn is None or self.drawn[0] != lines:
            rng = np.random.Generator(np.random.PCG64())
            rng.bit_generator.state = dict(lines.state)
            self.drawn = lines, draw_lines(self.origin, lines.leaf, self.plan, rng)
        return self.drawn[1][n]


def work(order: Order) -> Answer:
    """Measure the lines of an order; ask for the payload where it is not known here."""
    worker = here()
    try:
        job = _job(order)
    except Exception as error:  # of unpickling and of `f`: foreign code
        return Answer(worker, trouble=shown_error(error))
    if job is None:
        return Answer(worker, needs=True)
    trail, started = Trail(order.folder, worker), time.perf_counter()
    try:
        lines = []
        for n in range(order.start, order.stop):
            values = Noted(trail, order.number, n)
            with job.guard, np.errstate(all="ignore"):
                lines.append(_measured(job, job.probe(order, n), values))
    finally:
        trail.close()
    return Answer(worker, tuple(lines), time.perf_counter() - started)


def _measured(job: Job, probe: Probe, values: Noted) -> Line:
    origin, analytic, trouble = job.origin, None, ""
    probe.outputs[id(origin.space)] = (origin.space, values)
    try:
        if origin.evaluator.problem.kind is Kind.JVP:
            analytic = origin.analytic(probe.tangent)
            probe = replace(probe, ahead=Ahead(origin, {}, analytic))
        line = measure_here(origin, probe, job.plan).line
        if line is not None and line.failure is not None:
            trouble = str(line.failure)
    except Exception as error:  # the parent will see for itself
        trouble = str(error) if isinstance(error, CallFailed) else shown_error(error)
    failed = [t for t, (_, output) in values.items() if output is None]
    return Line(
        tuple(Value(t, step, out.arrays) for t, (step, out) in values.items() if out is not None),
        analytic,
        trouble,
        failed[0] if failed else 0.0,
    )


def _job(order: Order) -> Job | None:
    """Return the job of this thread, made of the payload when it is first asked for."""
    jobs: dict[str, Job] = _own.__dict__.setdefault("jobs", {})
    if order.key not in jobs:
        made = _made(order)
        if made is None:
            return None
        while len(jobs) >= MOST_JOBS:
            del jobs[next(iter(jobs))]
        jobs[order.key] = made
    return jobs[order.key]


def _made(order: Order) -> Job | None:
    if order.key in SHARED:
        origin, plan = SHARED[order.key]
        return Job(replace(origin, space=origin.space.moved_to({})), plan, nullcontext())
    payload = order.payload or _from_folder(order)
    if payload is None:
        return None
    opened: Payload = pickle.loads(payload)
    origin = opened.opened()
    guard = GLOBAL if opened.modules else nullcontext()
    with guard, np.errstate(all="ignore"):
        _require_same_function(origin)
    return Job(origin, opened.plan, guard)


def _from_folder(order: Order) -> bytes | None:
    """Read the payload from the disk of the parent, where that is this machine's too."""
    try:
        payload = (Path(order.folder) / order.key).read_bytes()
    except OSError:
        return None
    return payload if key_of(payload) == order.key else None


def _require_same_function(origin: Origin) -> None:
    """Require that `f` is, bit for bit, what it is in the process of the parent.

    It is not where the copy that travelled has lost something, where another version of a package
    is installed, or where linear algebra is threaded otherwise: values would not go together.
    """
    output = origin.evaluator.f_beside(origin.space.point())
    origin.space.restore_handed()
    for path, array in origin.output.arrays.items():
        if path not in output.arrays or not same_bits(output.arrays[path], array):
            raise UsageError(
                f"f(x) is not the same over there, bit for bit (by {abs(origin.rise(output)):.1e})"
            )
