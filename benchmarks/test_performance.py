"""The times themselves, of one check after the other, as a table and as JSON; by `tox -e bench`.

Nothing is asserted of them: `python -m benchmarks.performance`, where calls take turns, compares
them with what is promised.
"""

import pytest

from .performance.checkers import DIRECTIONS, ENTRIES, NETWORK
from .performance.floors import Uncounted, every_entry

ENTRIES_AT, DIRECTIONS_AT = 1000, 10**6


def times(benchmark, call):
    """Time a call for half a second, however long the plugin would like it to take."""
    benchmark._max_time, benchmark._min_rounds = 0.5, 3
    benchmark(call)


def work_of(checker, n):
    """Return what it would do, if it is installed."""
    if not checker.is_installed:
        pytest.skip(f"{checker.module} is not installed")
    return checker.prepare(n, Uncounted())


@pytest.mark.parametrize("checker", [*ENTRIES, NETWORK], ids=lambda checker: checker.name)
def test_every_entry(benchmark, checker):
    """A right claim, entry by entry."""
    benchmark.group = f"every entry, N = {ENTRIES_AT}"
    times(benchmark, work_of(checker, ENTRIES_AT).check)


@pytest.mark.parametrize("checker", [ENTRIES[0], NETWORK], ids=lambda checker: checker.name)
def test_floor(benchmark, checker):
    """The loop written by hand."""
    benchmark.group = f"every entry, N = {ENTRIES_AT}"
    work = work_of(checker, ENTRIES_AT)
    times(benchmark, lambda: every_entry(work.f, work.x, work.arrays))


@pytest.mark.parametrize("checker", DIRECTIONS, ids=lambda checker: checker.name)
def test_one_direction(benchmark, checker):
    """A right claim, along one direction."""
    benchmark.group = f"one direction, N = {DIRECTIONS_AT}"
    times(benchmark, work_of(checker, DIRECTIONS_AT).check)
