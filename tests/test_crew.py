"""Lines measured by workers: the same report, whatever becomes of the workers."""

import json
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, UsageError
from gradcheck.crew import chunks

FOLDER = str(Path(__file__).parent / "travelling")
sys.path.insert(0, FOLDER)  # for the workers too, which are started with this process's path
import travelling  # noqa: E402 - found there

sys.path.remove(FOLDER)
SPAWN = multiprocessing.get_context("spawn")


def processes(count=2):
    """Start a pool of fresh processes."""
    return ProcessPoolExecutor(count, mp_context=SPAWN)


@pytest.fixture(scope="module", autouse=True)
def _path():
    sys.path.insert(0, FOLDER)
    yield
    sys.path.remove(FOLDER)


@pytest.fixture(scope="module")
def pool(_path):
    """Two processes, for all tests that leave them alive."""
    with processes() as executor:
        yield executor


def said(report):
    """Return all that a report says but how long it took, and what happened to workers."""
    told = json.loads(report.to_json())
    del told["seconds"]
    told["findings"] = [f for f in told["findings"] if f["cause"] != Cause.WORKER]
    return told


def events(report):
    """Return what happened to workers."""
    return [finding.message for finding in report.findings if finding.cause is Cause.WORKER]


class Backwards(Executor):
    """Carries out orders one at a time, of those that lie there the last one first."""

    def __init__(self):
        self.pile = []
        self.ended = False
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def submit(self, fn, /, *args):
        """Put an order on the pile."""
        future = Future()
        self.pile.append((future, fn, args))
        return future

    def shutdown(self, **_):
        """End the thread."""
        self.ended = True
        self.thread.join()

    def _work(self):
        while not self.ended:
            time.sleep(0.001)
            if self.pile:
                future, fn, args = self.pile.pop()
                if future.set_running_or_notify_cancel():
                    future.set_result(fn(*args))


NET, WRONG = travelling.net(), travelling.net(wrong=(("W1", (1, 2)), ("b1", 3)))
X = np.linspace(0.2, 1.4, 7)
CASES = {
    "every": lambda **o: gradcheck.check_grad(NET.f, NET.grad, travelling.point(),
                                              plan=Plan.every(seed=3), **o),
    "auto": lambda **o: gradcheck.check_grad(NET.f, NET.grad, travelling.point(),
                                             plan=Plan.auto(seed=3), **o),
    "many": lambda **o: gradcheck.check_grad(NET.f, NET.grad, travelling.point(),
                                             plan=Plan.directions(9, seed=3), **o),
    "sample": lambda **o: gradcheck.check_grad(NET.f, NET.grad, travelling.point(),
                                               plan=Plan.sample(3, seed=3), **o),
    "wrong-every": lambda **o: gradcheck.check_grad(WRONG.f, WRONG.grad, travelling.point(),
                                                    plan=Plan.every(seed=3), **o),
    "wrong-auto": lambda **o: gradcheck.check_grad(WRONG.f, WRONG.grad, travelling.point(),
                                                   plan=Plan.auto(seed=3), **o),
    "canary": lambda **o: gradcheck.check_grad(NET.f, NET.grad, travelling.point(),
                                               plan=Plan.every(seed=3, canary=True), **o),
    "float32": lambda **o: gradcheck.check_grad(NET.f, NET.grad, travelling.point(np.float32),
                                                plan=Plan.every(seed=3), **o),
    "budget": lambda **o: gradcheck.check_grad(NET.f, NET.grad, travelling.point(),
                                               plan=Plan.every(seed=3, budget=21), **o),
    "vjp": lambda **o: gradcheck.check_vjp(travelling.vector, travelling.vector_vjp, X,
                                           plan=Plan.every(seed=3), **o),
    "bounds": lambda **o: gradcheck.check_grad(travelling.root, travelling.root_gradient,
                                               np.array([0.0, 0.5, 1.0, 2.0]), bounds=(0, 2),
                                               plan=Plan.every(seed=3), **o),
    "bounds-auto": lambda **o: gradcheck.check_grad(travelling.root, travelling.root_gradient,
                                                    np.array([0.0, 0.5, 1.0, 2.0]), bounds=(0, 2),
                                                    plan=Plan.auto(seed=3), **o),
    "float32-jvp": lambda **o: gradcheck.check_jvp(travelling.vector, travelling.short_jvp,
                                                   X.astype(np.float32),
                                                   plan=Plan.every(seed=3), **o),
    "jvp": lambda **o: gradcheck.check_jvp(travelling.vector, travelling.vector_jvp, X,
                                           plan=Plan.every(seed=3), **o),
}  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
def test_processes_say_the_same(case, pool):
    """Bit for bit, evaluations counted alike."""
    report = case(executor=pool)
    assert said(report) == said(case())
    assert events(report) == []


@every_case
def test_threads_say_the_same(case):
    """Likewise."""
    with ThreadPoolExecutor(3) as executor:
        report = case(executor=executor)
    assert said(report) == said(case())
    assert events(report) == []


@every_case
def test_any_order_of_completion_says_the_same(case):
    """The last order first."""
    with Backwards() as executor:
        report = case(executor=executor)
    assert said(report) == said(case())
    assert events(report) == []


def test_workers_do_the_work(pool, tmp_path):
    """The parent calls f for the contract, and workers do the rest, also of leaves to come."""
    f = travelling.Logged(str(tmp_path))
    x = {name: np.full(20, 0.25) for name in "abcde"}
    report = gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1), executor=pool)
    calls = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    here = calls.pop(str(os.getpid()))
    assert report.ok
    assert report.evaluations == 202
    assert here < 20
    assert sum(calls.values()) == 200 + len(calls)  # each proves first that f is the same there


def test_random_sources_are_held_still_over_there(pool):
    """Each worker draws what the parent would, from a generator and from NumPy's own."""
    x = np.linspace(0.1, 1, 9)

    def checked(**options):
        f = travelling.Drawn(np.random.default_rng(5))
        np.random.seed(7)  # noqa: NPY002
        return gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1),
                                    random=(np.random, f.rng), **options)  # fmt: skip

    report = checked(executor=pool)
    assert said(report) == said(checked())
    assert report.ok
    assert events(report) == []


def test_a_worker_that_dies_is_reported_and_replaced_by_the_parent(tmp_path):
    """With what it was doing; the report is the same, and nothing is counted twice."""
    x = np.full(40, 0.25)
    f = travelling.Away("die", str(tmp_path / "once"))
    alone = gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1))
    with processes() as executor:
        report = gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1), executor=executor)
    assert said(report) == said(alone)
    (event,) = events(report)
    assert "a worker died; at work were leaf x at [0], step" in event


def test_a_pool_that_breaks_is_made_anew(tmp_path):
    """By the callable that made it."""
    x = np.full(40, 0.25)
    f = travelling.Away("die", str(tmp_path / "once"))
    made = []

    def make():
        made.append(processes())
        return made[-1]

    report = gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1), executor=make)
    assert said(report) == said(gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1)))
    assert len(made) == 2
    assert len(events(report)) == 1


def test_a_worker_that_hangs_is_reported(tmp_path, monkeypatch):
    """And its work done again, here."""
    monkeypatch.setattr(chunks, "PATIENCE", 8.0)

    def warm():
        executor = processes()
        list(executor.map(time.sleep, [0.5, 0.5]))  # both have started
        return executor

    x = np.full(40, 0.25)
    f = travelling.Away("hang", str(tmp_path / "once"))
    report = gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1), executor=warm)
    assert said(report) == said(gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1)))
    told = [event for event in events(report) if "leaf x at [0], step" in event]
    assert "no worker has answered for" in told[0]


def test_what_only_a_worker_meets_is_reported(pool):
    """An exception over there is none of f."""
    x = np.full(6, 0.25)
    f = travelling.Away("fail")
    report = gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1), executor=pool)
    assert said(report) == said(gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1)))
    assert "FileNotFoundError: weights.npy on leaf x at [0], step" in events(report)[0]


def test_a_function_that_is_another_one_over_there_is_not_believed(pool):
    """Its values would not go together with f(x)."""
    x = np.full(6, 0.25)
    f = travelling.Away("differ")
    report = gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1), executor=pool)
    assert said(report) == said(gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1)))
    (event,) = events(report)
    assert "f(x) is not the same over there, bit for bit (by 1.0e-12)" in event


def test_what_cannot_travel_is_refused(pool):
    """By a sentence that says what it is and what to do."""
    f = travelling.Stuck()
    with pytest.raises(UsageError, match=r"f cannot be sent to the workers.*a handle of a device"):
        gradcheck.check_grad(f, np.ones(3), np.ones(3), executor=pool)


def test_what_cannot_travel_is_shared_by_threads():
    """They need no copy."""
    f, x = travelling.Stuck(), np.arange(1.0, 4.0)
    with ThreadPoolExecutor(2) as executor:
        assert gradcheck.check_grad(f, 2 * x, x, plan=Plan.every(), executor=executor).ok


def test_threads_do_not_draw_from_the_state_of_a_module():
    """All threads share it with this one, which measures alone then."""
    f, x = travelling.Drawn(np.random.default_rng(5)), np.linspace(0.1, 1, 9)
    np.random.seed(7)  # noqa: NPY002
    with ThreadPoolExecutor(2) as executor:
        report = gradcheck.check_grad(f, f.grad, x, plan=Plan.every(seed=1),
                                      random=(np.random, f.rng), executor=executor)  # fmt: skip
    assert report.ok
    assert "numpy.random keeps one state for all threads" in events(report)[0]


def test_threads_cannot_share_a_random_source():
    """Nobody could hold it still for several at once."""
    f, x, rng = travelling.Stuck(), np.arange(1.0, 4.0), np.random.default_rng(1)
    with ThreadPoolExecutor(2) as executor, pytest.raises(UsageError, match="but for its random"):
        gradcheck.check_grad(f, 2 * x, x, random=rng, executor=executor)


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        pytest.param(4, "executor is 4, but it must be", id="number"),
        pytest.param("threads", "executor is 'threads', but it must be", id="text"),
        pytest.param(lambda: 3, r"executor\(\) returned a int", id="factory"),
    ],
)
def test_what_is_no_executor_is_refused(executor, message):
    """By name."""
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(NET.f, NET.grad, travelling.point(), executor=executor)


def test_an_executor_that_was_shut_down_is_refused():
    """Before anything is waited for."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(UsageError, match="give one that was not shut down"):
        gradcheck.check_grad(NET.f, NET.grad, travelling.point(), executor=executor)


def test_nothing_is_left_behind(pool, monkeypatch, tmp_path):
    """No folder, and the point is as it was."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    x = travelling.point()
    before = {name: array.copy() for name, array in x.items()}
    CASES["every"](executor=pool)
    assert list(tmp_path.iterdir()) == []
    assert all(np.array_equal(x[name], before[name]) for name in x)


def test_the_pace_follows_the_time_of_f():
    """Orders of about a tenth of a second, smaller towards the end."""
    pace = chunks.Pace()
    assert pace.size(1000) == 1
    pace.note(0.01, 10)
    assert pace.size(1000) == 100
    assert pace.size(80) == 10
    assert pace.size(3) == 1
    pace.note(20.0, 10)
    assert pace.size(1000) == 1


def test_number_of_workers_changes_nothing_where_a_leaf_has_many_entries():
    """Where steps would be chosen for the leaf as a whole, in one loop, without an executor."""
    x = np.linspace(0.1, 2.0, 200)

    def checked(workers):
        with ThreadPoolExecutor(workers) as executor:
            return gradcheck.check_grad(
                lambda x: np.sum(np.sin(3 * x)), lambda x: 3 * np.cos(3 * x), x,
                plan=Plan.every(seed=3), executor=executor,
            )  # fmt: skip

    reports = [checked(workers) for workers in (1, 2, 5)]
    assert said(reports[0]) == said(reports[1]) == said(reports[2])
    assert reports[0].ok
