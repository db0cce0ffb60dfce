"""Where a worker is, written down before each evaluation, so that it can be told after its death.

One small file for each thread of each worker, in the folder of the check, written in place. Seen by
a parent on the same machine, or where the folder is shared; elsewhere only the order is known.
Part of `crew`.
"""

from __future__ import annotations

import os
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORD = struct.Struct("<qqd")  # order, line of it, step
IDLE = -1  # in place of an order


@dataclass(frozen=True)
class Step:
    """Where a worker was: the order, the line of it, the step."""

    worker: str
    order: int
    line: int
    step: float


class Trail:
    """The file of one thread; writes nothing where there is no folder."""

    def __init__(self, folder: str, worker: str) -> None:
        self._file: int | None = None
        if Path(folder).is_dir():
            path = Path(folder) / f"{worker}-{threading.get_ident()}.trail"
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
            self._file = os.open(path, flags, 0o600)

    def note(self, order: int, line: int = 0, step: float = 0.0) -> None:
        """Write down what is about to be evaluated."""
        if self._file is not None:
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, RECORD.pack(order, line, step))

    def close(self) -> None:
        """Note that nothing is being evaluated any more, and let go of the file."""
        self.note(IDLE)
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Noted(dict[float, Any]):
    """The values along one line; whoever asks for one that is not there is about to evaluate it."""

    def __init__(self, trail: Trail, order: int, line: int) -> None:
        super().__init__()
        self._trail, self._order, self._line = trail, order, line

    def __contains__(self, t: object) -> bool:
        known = super().__contains__(t)
        if not known and isinstance(t, float):
            self._trail.note(self._order, self._line, t)
        return known


def last_steps(folder: str) -> list[Step]:
    """Read where workers were that have not come to the end of an order."""
    steps = []
    for path in sorted(Path(folder).glob("*.trail")):
        record = path.read_bytes()
        if len(record) == RECORD.size:
            order, line, step = RECORD.unpack(record)
            if order != IDLE:
                steps.append(Step(path.stem.rpartition("-")[0], order, line, step))
    return steps
