"""What measures the performance measures: in a tiny setting, and nothing is asserted of times."""

import importlib
import json
import math
import sys
from pathlib import Path

import click.testing
import numpy as np
import pytest

ROOT = str(Path(__file__).parent.parent)
NAMES = (
    "checkers", "children", "floors", "memory", "searches", "sections", "stacks", "start", "timing",
    "workloads", "__main__",
)  # fmt: skip
sys.path.insert(0, ROOT)
(
    checkers,
    children,
    floors,
    memory,
    searches,
    sections,
    stacks,
    start,
    timing,
    workloads,
    command,
) = (importlib.import_module(f"benchmarks.performance.{name}") for name in NAMES)
sys.path.remove(ROOT)


class Clock:
    """Goes on only where it is told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Return the time."""
        return self.now

    def taking(self, seconds):
        """Return a call that takes so long."""

        def call():
            self.now += seconds

        return call


def test_calls_take_turns_and_slow_ones_have_fewer():
    """Ratios are of the turns in which both were called."""
    clock = Clock()
    calls = {"quick": clock.taking(0.25), "slow": clock.taking(2.0)}
    times = timing.take_turns(calls, timing.Patience(turns=10, seconds=3.0), clock)
    assert times.ratio("slow", "quick") == 8.0
    assert times.median("quick") == 0.25
    assert sum(not math.isnan(t) for t in times.of["slow"]) == timing.FEWEST
    assert sum(not math.isnan(t) for t in times.of["quick"]) == 10


def test_short_calls_are_repeated():
    """Until a turn is as long as the clock can tell; the time is that of one."""
    clock, made = Clock(), []
    short = clock.taking(1e-5)
    calls = {"short": lambda: made.append(short())}
    times = timing.take_turns(calls, timing.Patience(2, 1.0), clock)
    assert times.median("short") == pytest.approx(1e-5)
    assert len(made) >= 2 + 2 * 99


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_floor_differentiates_and_puts_the_point_right(dtype):
    """Bit for bit; with a claim, though nobody judges it."""
    work = workloads.squares(7, dtype)
    before = work.x.copy()
    slopes = floors.every_entry(lambda x: float(x.astype(float) @ x), work.x, [work.x])
    assert work.x.tobytes() == before.tobytes()
    tolerance = {"float64": 1e-6, "float32": 0.5}[dtype]  # of a step as small as that
    np.testing.assert_allclose(slopes, work.gradient(before), rtol=tolerance)


@pytest.mark.parametrize("size", [4, 16])
def test_floor_in_stacks_differentiates(size):
    """Also where the last stack is not full."""
    x = np.random.default_rng(0).standard_normal(9)
    slopes = np.concatenate(stacks.floor(x, size))
    np.testing.assert_allclose(slopes, 2 * x, rtol=1e-6)


def test_floor_of_a_direction_makes_the_same_calls():
    """As many as were counted."""
    made, counted = floors.Calls(), floors.Calls()
    counted.f, counted.claim = 5, 2
    work = workloads.weighted(10)
    floors.one_direction(made.of_f(work.f), made.of_claim(work.gradient), counted, work.x)
    assert (made.f, made.claim) == (5, 2)


@pytest.mark.parametrize(
    "checker", [*checkers.ENTRIES, checkers.NETWORK, *checkers.DIRECTIONS], ids=lambda c: c.name
)
def test_checkers_check(checker):
    """Each passes its right claim, with some evaluations of f."""
    if not checker.is_installed:
        pytest.skip(f"{checker.module} is not installed")
    assert checker.calls(6).f >= 2


def test_check_that_does_not_pass_is_no_measurement():
    """A quick failure would look like speed."""
    report = checkers.check_grad(lambda x: x @ x, lambda x: x, np.ones(3))
    with pytest.raises(RuntimeError, match="a right claim did not pass"):
        checkers.passed(report)


def test_peer_that_complains_of_a_right_claim_is_timed_all_the_same():
    """Of its own complaint; anything else is a mistake of ours."""

    def complains():
        raise AssertionError

    checkers.judged(complains, AssertionError)()
    with pytest.raises(AssertionError):
        checkers.judged(complains, RuntimeError)()


@pytest.mark.parametrize("make", [workloads.squares, workloads.weighted])
def test_gradients_of_workloads_are_right(make):
    """So are those of the network and of what is searched, which are checked here too."""
    for work in (make(5), workloads.network(), workloads.parabola(5, 1), workloads.waves(5, 1)):
        checkers.passed(checkers.check_grad(work.f, work.gradient, work.x))


def test_computing_and_sleeping_are_the_same_function():
    """Of which the gradient is 2 x."""
    x = np.arange(3.0)
    for f in (workloads.Sleeping(1e-4), workloads.Computing(1e-4)):
        assert f(x) == 5.0
    assert workloads.twice(x).tolist() == [0.0, 2.0, 4.0]


def test_wrong_entry_is_named_and_a_right_one_is_not_searched():
    """An error of nothing fails no check."""
    found = searches.searched(workloads.parabola(500, 0), 0, searches.SIGN)
    assert found.named
    assert found.calls > 0
    assert searches.searched(workloads.parabola(500, 0), 0, 1e-12) is None


def test_memory_of_a_copy_is_seen():
    """In this process; what the system cannot forget is not counted twice."""

    def prepare(n, _calls):
        x = np.zeros(n)
        return checkers.Work(lambda: x + 1, None, None, x, [x])

    n = 8 * 10**6  # more than 32 MiB, of which none is ever taken from what was there before
    assert 8 * n * 0.9 < memory.peak_beside(checkers.Checker("a copy", "numpy", prepare), n)


def test_fresh_interpreter_finds_the_benchmarks():
    """And the gradcheck that is measured here."""
    code = "import benchmarks.performance, gradcheck; print(gradcheck.__file__)"
    assert children.output_of(["-c", code]).strip() == sys.modules["gradcheck"].__file__


def test_import_is_compared_with_what_it_needs(monkeypatch):
    """The first interpreter compiles and is not counted."""
    taken = iter([9.0, 9.0, 0.1, 0.12])
    monkeypatch.setattr(start, "PEERS", ("no_such_package",))
    monkeypatch.setattr(start, "output_of", lambda arguments: str(next(taken)))
    section = start.measure(sections.TINY)
    assert section.rows[1] == ("gradcheck", 120.0, pytest.approx(20.0))
    assert section.rows[2] == ("no_such_package", "not installed", "-")
    assert section.targets[0].outcome == "met"


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        (sections.Target("a", 1.3, 1.2), "met"),
        (sections.Target("a", 1.3, 1.4), "missed"),
        (sections.Target("a", 1.9, 2.0, at_least=True), "met"),
        (sections.Target("a", 1.9, 1.2, at_least=True), "missed"),
        (sections.Target("a", 1.3, math.nan, "no torch installed"), "no torch installed"),
        (sections.Target("a", 1.3, math.nan), "not measured"),
    ],
)
def test_outcome(target, outcome):
    """What was not measured is not met."""
    assert target.outcome == outcome


def test_command_writes_page_and_numbers(tmp_path):
    """With every part that was asked for, and succeeds whether targets are met or not."""
    page, numbers = tmp_path / "a" / "page.md", tmp_path / "numbers.json"
    parts = ["--only", "entries", "--only", "searches", "--only", "stacks"]
    options = ["--tiny", *parts, "--write", str(page), "--json", str(numbers)]
    done = click.testing.CliRunner().invoke(command.main, options, catch_exceptions=False)
    assert done.exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Performance\n\nGenerated by `tox -e bench`")
    assert "every entry, N = 10, x floor" in text
    assert "a check of few entries, once" in text
    read = json.loads(numbers.read_text(encoding="utf-8"))
    titles = [section["title"] for section in read["sections"]]
    assert titles == ["Every entry", "One wrong entry", "Stacks of points"]
    assert read["sections"][0]["rows"][0]["evaluations"] >= 20
    assert read["sections"][1]["targets"][0]["outcome"] == "met"
