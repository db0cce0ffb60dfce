"""The time that `import gradcheck` takes, in fresh interpreters that take turns."""

from __future__ import annotations

import importlib.util

from .children import output_of
from .sections import Effort, Section, Target
from .timing import middle

MOST = 25.0  # milliseconds
BESIDE = "numpy, optree"
OURS = (BESIDE, "gradcheck")
PEERS = (
    "scipy.optimize",
    "numdifftools",
    "statsmodels.tools.numdiff",
    "jacobi",
    "autograd.test_util",
    "torch.autograd",
    "jax.test_util",
)
FEW = 5  # interpreters for each of the others, which take long
CHILD = "import time; start = time.process_time(); import {0}; print(time.process_time() - start)"
HEAD = ("import", "ms", "ms beyond")
TEXT = (
    "Medians of fresh interpreters that took turns, in time of the processor, with compiled code "
    "on the disk. "
    f"*Beyond* is what is left without {BESIDE}, which gradcheck needs; others need other things."
)


def measure(effort: Effort) -> Section:
    """Measure ours and those of the checkers that are installed."""
    names = [name for name in (*OURS, *PEERS) if _is_installed(name)]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(effort.interpreters + 1):
        for name in names if turn <= FEW else OURS:
            taken = float(output_of(["-c", CHILD.format(name)]))
            if turn:  # the first compiles
                seconds[name].append(taken)
    medians = {name: 1e3 * middle(taken) for name, taken in seconds.items()}
    rows = [
        (name, medians[name], medians[name] - medians[BESIDE])
        if name in medians
        else (name, "not installed", "-")
        for name in (*OURS, *PEERS)
    ]
    target = Target(f"import gradcheck, ms beyond {BESIDE}", MOST, rows[1][2])
    return Section("Import", TEXT, HEAD, rows, [target])


def _is_installed(name: str) -> bool:
    return all(importlib.util.find_spec(part.split(".")[0]) for part in name.split(", "))
