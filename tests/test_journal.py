"""A check that is killed goes on where it was, and says what it would have said."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, UsageError, Verdict
from gradcheck.journal.code import digest_of_code

FOLDER = str(Path(__file__).parent / "travelling")
sys.path.insert(0, FOLDER)
import travelling  # noqa: E402 - found there

sys.path.remove(FOLDER)


def said(report):
    """Return all that a report says but how long it took."""
    told = json.loads(report.to_json())
    del told["seconds"]
    return told


class Counted:
    """A function that knows how often it was called, and may stop."""

    def __init__(self, f, stop=None, error=KeyboardInterrupt):
        self.f, self.stop, self.error, self.calls = f, stop, error, 0

    def __call__(self, x):
        """Call it, or end."""
        self.calls += 1
        if self.calls == self.stop:
            raise self.error
        return self.f(x)


NET = travelling.net()
WRONG = travelling.net(wrong=(("W1", (1, 2)),))
X = np.linspace(0.2, 1.4, 7)


def noisy(x):
    """Return a sum with noise that is the same at each call, and larger than rounding."""
    total = np.sum(np.sin(x))
    return float(total + 1e-9 * np.sin(1e9 * total))


CASES = {
    "every": (NET.f, NET.grad, travelling.point(), Plan.every(seed=3)),
    "auto": (NET.f, NET.grad, travelling.point(), Plan.auto(seed=3)),
    "wrong": (WRONG.f, WRONG.grad, travelling.point(), Plan.auto(seed=3)),
    "wrong-every": (WRONG.f, WRONG.grad, travelling.point(), Plan.every(seed=3)),
    "float32": (NET.f, NET.grad, travelling.point(np.float32), Plan.every(seed=3)),
    "noisy": (noisy, np.cos, X, Plan.auto(seed=3)),
    "kinked": (lambda x: np.abs(x).sum(), np.sign, np.array([0.0, 1.0, -2.0]), Plan.every(seed=3)),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_run_that_is_cut_short_goes_on(case, share, tmp_path):
    """And says, in the end, what it would have said at once; little is measured twice."""
    f, grad, x, plan = case
    whole = Counted(f)
    alone = gradcheck.check_grad(whole, grad, x, plan=plan)
    path = tmp_path / "run.sqlite"
    cut = Counted(f, stop=max(8, int(share * whole.calls)), error=SystemExit)
    with pytest.raises(SystemExit):
        gradcheck.check_grad(cut, grad, x, plan=plan, journal=path)
    rest = Counted(f)
    report = gradcheck.check_grad(rest, grad, x, plan=plan, journal=path)
    assert said(report) == said(alone)
    again = Counted(f)
    assert said(gradcheck.check_grad(again, grad, x, plan=plan, journal=path)) == said(alone)
    assert again.calls <= rest.calls


def test_what_was_measured_is_not_measured_again(tmp_path):
    """But for the first calls, which prove that f is the same."""
    path, plan = tmp_path / "run.sqlite", Plan.every(seed=3)
    first, second = Counted(NET.f), Counted(NET.f)
    report = gradcheck.check_grad(first, NET.grad, travelling.point(), plan=plan, journal=path)
    again = gradcheck.check_grad(second, NET.grad, travelling.point(), plan=plan, journal=path)
    assert first.calls == report.evaluations == again.evaluations
    assert second.calls < 10


def test_a_vjp_and_a_jvp_go_on_too(tmp_path):
    """Of a forward derivative the claims are kept as well."""
    pushed = []

    def jvp(x, v):
        pushed.append(v)
        return travelling.vector_jvp(x, v)

    def checked():
        return gradcheck.check_jvp(travelling.vector, jvp, X, plan=Plan.every(seed=1),
                                   journal=tmp_path / "jvp.sqlite")  # fmt: skip

    first, before = checked(), len(pushed)
    assert said(checked()) == said(first)
    assert len(pushed) - before < before / 2
    vjps = [gradcheck.check_vjp(travelling.vector, travelling.vector_vjp, X,
                                plan=Plan.every(seed=1), journal=tmp_path / "vjp.sqlite")
            for _ in range(2)]  # fmt: skip
    assert said(vjps[0]) == said(vjps[1])


def test_the_seed_is_that_of_the_first_run(tmp_path):
    """Where none is given; another one is refused."""
    path = tmp_path / "run.sqlite"
    first = gradcheck.check_grad(NET.f, NET.grad, travelling.point(), journal=path)
    again = gradcheck.check_grad(NET.f, NET.grad, travelling.point(), journal=path)
    assert again.plan.seed == first.plan.seed
    with pytest.raises(UsageError, match=rf"the seed \({first.plan.seed} then, 5 now\)"):
        gradcheck.check_grad(NET.f, NET.grad, travelling.point(), plan=Plan.auto(seed=5),
                             journal=path)  # fmt: skip


def scaled(factor):
    """Return a function with a number in its closure."""
    return lambda x: factor * np.sum(np.sin(x))


def cosine(x):
    """Return the gradient."""
    return np.cos(x)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        pytest.param({"x": X + 1}, "the point", id="point"),
        pytest.param({"x": {"w": X}}, "the structure of the point", id="structure"),
        pytest.param({"f": lambda x: np.sum(np.sin(x) + 0.0)}, "the code of f", id="code"),
        pytest.param({"bounds": (0.0, 2.0)}, "the bounds", id="bounds"),
        pytest.param({"f": scaled(1.5)}, "the code of f", id="closure"),
        pytest.param({"claim": np.cos(X)}, "the code of the derivative", id="claim"),
        pytest.param({"claim": lambda x: np.cos(x)}, "the code of the derivative", id="claims"),
        pytest.param({"plan": Plan.auto(seed=1)}, r"plan \(every then, auto now\)", id="plan"),
        pytest.param({"plan": Plan.every(seed=1, rtol=1e-4)}, r"rtol \(1e-05 then, 0.0001 now\)",
                     id="tolerance"),
    ],
)  # fmt: skip
def test_a_journal_of_another_check_is_refused(other, named, tmp_path):
    """By what differs."""
    path = tmp_path / "run.sqlite"
    case = {"f": scaled(1.0), "claim": cosine, "x": X, "plan": Plan.every(seed=1)}

    def checked(f, claim, x, plan, **options):
        return gradcheck.check_grad(f, claim, x, plan=plan, journal=path, **options)

    checked(**case)
    with pytest.raises(UsageError, match=f"is of another check: not the same are .*{named}"):
        checked(**{**case, **other})
    assert checked(**case).ok


def test_more_may_be_spent_on_the_same_check(tmp_path):
    """A budget is no part of what it is."""
    path = tmp_path / "run.sqlite"

    def checked(budget):
        plan = Plan.every(seed=1, budget=budget)
        return gradcheck.check_grad(NET.f, NET.grad, travelling.point(), plan=plan, journal=path)

    assert checked(20).verdict is Verdict.INCONCLUSIVE
    whole = gradcheck.check_grad(NET.f, NET.grad, travelling.point(), plan=Plan.every(seed=1))
    assert said(checked(None)) == said(whole)


def test_ctrl_c_gives_what_was_measured(tmp_path):
    """As a report; the next call goes on."""
    path, plan = tmp_path / "run.sqlite", Plan.every(seed=3)
    cut = Counted(NET.f, stop=22)
    part = gradcheck.check_grad(cut, NET.grad, travelling.point(), plan=plan, journal=path)
    assert cut.calls == 22
    assert part.verdict is Verdict.INCONCLUSIVE
    assert [leaf.probes for leaf in part.leaves.values()] == [9, 0, 0]
    assert {leaf.cause for leaf in part.leaves.values()} == {Cause.INTERRUPTED}
    assert "1 of 3 leaves were looked at" in str(part)
    assert "interrupted after 9 of 12 lines of leaf ['W1']" in str(part)
    whole = gradcheck.check_grad(NET.f, NET.grad, travelling.point(), plan=plan)
    rest = Counted(NET.f)
    again = gradcheck.check_grad(rest, NET.grad, travelling.point(), plan=plan, journal=path)
    assert said(again) == said(whole)


def test_ctrl_c_keeps_a_failure(tmp_path):
    """What has failed has failed."""
    cut = Counted(WRONG.f, stop=50)
    plan = Plan.every(seed=3, naming=0)
    report = gradcheck.check_grad(cut, WRONG.grad, travelling.point(), plan=plan,
                                  journal=tmp_path / "run.sqlite")  # fmt: skip
    assert cut.calls == 50
    assert report.verdict is Verdict.FAIL


def test_ctrl_c_between_calls_gives_a_report_too(tmp_path):
    """Such as in the caller's own `progress`."""

    def progress(done):
        if done.done == 2:
            raise KeyboardInterrupt

    report = gradcheck.check_grad(NET.f, NET.grad, travelling.point(), progress=progress,
                                  journal=tmp_path / "run.sqlite")  # fmt: skip
    verdicts = [leaf.verdict for leaf in report.leaves.values()]
    assert verdicts == [Verdict.PASS, Verdict.PASS, Verdict.INCONCLUSIVE]


def test_ctrl_c_without_a_journal_ends_the_check():
    """As ever."""
    with pytest.raises(KeyboardInterrupt):
        gradcheck.check_grad(Counted(NET.f, stop=9), NET.grad, travelling.point())


def test_workers_write_into_the_journal(tmp_path):
    """And find there what others have measured, whether there are workers or not."""
    path, plan = tmp_path / "run.sqlite", Plan.every(seed=3)
    whole = gradcheck.check_grad(NET.f, NET.grad, travelling.point(), plan=plan)
    with ThreadPoolExecutor(2) as executor:
        first = gradcheck.check_grad(Counted(NET.f), NET.grad, travelling.point(), plan=plan,
                                     journal=path, executor=executor)  # fmt: skip
        alone = Counted(NET.f)
        second = gradcheck.check_grad(alone, NET.grad, travelling.point(), plan=plan, journal=path)
    assert said(first) == said(second) == said(whole)
    assert alone.calls < 10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda p: p.write_text("notes"), "cannot be used", id="text"),
        pytest.param(lambda p: p.mkdir(), "cannot be used", id="folder"),
        pytest.param(lambda p: _other_base(p), "tables of somebody else", id="other-base"),
    ],
)
def test_what_is_no_journal_is_refused(make, message, tmp_path):
    """And left as it is."""
    path = tmp_path / "run.sqlite"
    make(path)
    with pytest.raises(UsageError, match=message):
        gradcheck.check_grad(NET.f, NET.grad, travelling.point(), journal=path)


def _other_base(path):
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE results (id INTEGER)")
    base.commit()
    base.close()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """Before anything is measured."""
    with pytest.raises(UsageError, match="in a folder that does not exist"):
        gradcheck.check_grad(NET.f, NET.grad, travelling.point(), journal=tmp_path / "a" / "b")


def test_a_journal_is_of_one_check_at_a_time(tmp_path):
    """Two would write over one another."""
    path = tmp_path / "run.sqlite"

    def f(x):
        gradcheck.check_grad(np.sum, np.ones_like, x, journal=path)
        return np.sum(x)

    report = gradcheck.check_grad(f, np.ones_like, X, journal=path)
    assert "is in use by another check" in report.findings[0].message


def test_a_full_disk_does_not_end_the_check(tmp_path, monkeypatch):
    """It goes on without the journal, and says so."""
    whole = gradcheck.check_grad(NET.f, NET.grad, travelling.point(), plan=Plan.every(seed=3))

    def fail(self):
        raise sqlite3.OperationalError("database or disk is full")

    def f(x):
        if counted.calls == 10:
            monkeypatch.setattr("gradcheck.journal.store.Journal._commit", fail)
            monkeypatch.setattr("gradcheck.journal.store.EVERY", 0.0)
        return NET.f(x)

    counted = Counted(f)
    report = gradcheck.check_grad(counted, NET.grad, travelling.point(), plan=Plan.every(seed=3),
                                  journal=tmp_path / "run.sqlite")  # fmt: skip
    assert "could not be written any more (database or disk is full)" in report.findings[-1].message
    assert report.evaluations == whole.evaluations
    assert report.ok


def test_a_path_is_asked_for():
    """Not an open file."""
    with pytest.raises(UsageError, match="journal is 3, but it must be the path of a file"):
        gradcheck.check_grad(NET.f, NET.grad, travelling.point(), journal=3)


def test_a_matrix_has_no_journal(tmp_path):
    """It is checked in several parts."""
    with pytest.raises(UsageError, match="a journal is of one check, and this makes several"):
        gradcheck.check_jacobian(np.sin, np.diag(np.cos(X)), X, journal=tmp_path / "run.sqlite")


SCRIPT = """
import sys, time
import numpy as np
import gradcheck
sys.path.insert(0, {folder!r})
import travelling

net = travelling.net(wrong=((("b1", 2)),), seconds=0.002)
x = travelling.point(width=6)
plan = gradcheck.Plan.every(seed=5)
print("begins", flush=True)
report = gradcheck.check_grad(net.f, net.grad, x, plan=plan, journal=sys.argv[1])
print(report.to_json())
"""


@pytest.mark.parametrize("seed", range(2))
def test_a_process_that_is_killed_at_random_moments_goes_on(seed, tmp_path):
    """SIGKILL, again and again, until it comes to its end."""
    net = travelling.net(wrong=(("b1", 2),))
    plan = Plan.every(seed=5)
    alone = gradcheck.check_grad(net.f, net.grad, travelling.point(width=6), plan=plan)
    script = SCRIPT.format(folder=FOLDER)
    moments, kills, left = random.Random(seed), 0, 30
    while True:
        command = [sys.executable, "-c", script, str(tmp_path / "run.sqlite")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.3) if kills else 0.0)  # once at least
        left -= 1
        if left and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        told, _ = process.communicate()
        if process.returncode == 0:
            break
    assert kills > 0
    told = json.loads(told)
    del told["seconds"]
    assert told == said(alone)


def helper(x):
    """Be called by another."""
    return x + 1


def calls_helper(x):
    """Call it."""
    return helper(x)


def test_code_that_is_called_is_code(monkeypatch):
    """A function is another one when one that it calls is."""
    before = digest_of_code(calls_helper)
    assert digest_of_code(calls_helper) == before
    monkeypatch.setitem(calls_helper.__globals__, "helper", lambda x: x + 2)
    assert digest_of_code(calls_helper) != before
    assert digest_of_code(np.sum) != digest_of_code(np.mean)
    assert digest_of_code(NET.f) != digest_of_code(NET.grad)
    assert digest_of_code(NET.f) == digest_of_code(travelling.net(seconds=1.0).f)


def test_arrays_that_f_computes_with_are_part_of_it(tmp_path):
    """Also where f(x) and the derivative there do not show them: a residual may vanish at x."""
    x = np.linspace(0.2, 0.8, 6)

    def weighted(w):
        return lambda y: float(np.sum(w * (y - x)) + 1)

    first = {"plan": Plan.every(seed=1), "journal": tmp_path / "run.sqlite"}
    assert gradcheck.check_grad(weighted(np.ones(6)), np.ones(6), x, **first).ok
    with pytest.raises(UsageError, match=r"not the same are .*the code of f"):
        gradcheck.check_grad(weighted(2 * np.ones(6)), np.ones(6), x, **first)
