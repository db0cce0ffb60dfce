"""The memory that a check takes beside what is there already, in a process of its own.

`python -m benchmarks.performance.memory NAME N` prints it in bytes: the peak of what the process
holds, less what it held before; whatever library asked for it.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from .checkers import DIRECTIONS, STREAMING, Checker
from .children import output_of
from .floors import Uncounted

WARM = 1000  # entries of a check before, by which all is loaded that will be
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
KIBI = 1024


def times_of_x(checker: Checker, n: int) -> float:
    """Measure the peak of one check in a fresh process, in sizes of a float64 x."""
    peak = output_of(["-m", "benchmarks.performance.memory", checker.name, str(n)])
    return float(peak) / (8 * n)


def peak_beside(checker: Checker, n: int) -> int:
    """Return the bytes that one check takes at its peak, in this process."""
    checker.prepare(WARM, Uncounted()).check()
    work = checker.prepare(n, Uncounted())
    before = _start()
    work.check()
    return _peak() - before


def _start() -> int:
    """Forget earlier peaks, where the system can; return what is held now."""
    try:
        RESET.write_text("5", encoding="ascii")
    except OSError:  # no Linux: earlier peaks hide some
        return _peak()
    return _status("VmRSS")


def _peak() -> int:
    if STATUS.exists():
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else KIBI
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _status(name: str) -> int:
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(KIBI * int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def _main(name: str, n: str) -> None:
    checker = next(c for c in (*DIRECTIONS, STREAMING) if c.name == name)
    sys.stdout.write(f"{peak_beside(checker, int(n))}\n")


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    _main(*sys.argv[1:])
