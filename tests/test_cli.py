"""The command line as a user runs it: tables, sentences, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck.render.reading import run_from_json

ROOT = Path(__file__).parent.parent
TARGETS = """
import numpy as np
import gradcheck

x = np.linspace(0.5, 1.5, 4)
right = gradcheck.Problem(lambda x: np.sum(x**2), lambda x: 2 * x, {"W": x}["W"], name="right")
wrong = gradcheck.Problem(lambda x: np.sum(x**2), lambda x: 3 * x, x, name="wrong")
kink = gradcheck.Problem(abs, 0.3, 0.0, name="kink")
unusable = gradcheck.Problem(lambda x: np.ones(3), lambda x: x, x, name="unusable")

def raising(x):
    raise RuntimeError("no licence")

raises = gradcheck.Problem(raising, lambda x: x, x, name="raises")

exits = gradcheck.Problem(lambda x: exit(0), lambda x: x, x)

def failing():
    raise RuntimeError("out of data")

def leaving():
    raise SystemExit(0)

def half():
    yield right
    raise RuntimeError("out of paper")

def several():
    return [right, unusable, gradcheck.Problem(lambda x: None, lambda x: x, x), wrong]

def interrupted(x):
    raise KeyboardInterrupt

class Doubling:
    def dropout_evaluate(self, x, keep_prob):
        return 2 * x

    def __call__(self, x):
        raise RuntimeError("a subject is not called")

doubling = Doubling()

def stopped():
    return [right, gradcheck.Problem(interrupted, lambda x: x, x, name="interrupted"), wrong]
"""


@pytest.fixture
def run(tmp_path):
    """Run gradcheck in a folder with targets.py; returns the finished process."""
    (tmp_path / "targets.py").write_text(TARGETS)

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-P", "-m", "gradcheck", *arguments],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "80", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("names", "code"),
    [
        pytest.param(["right"], 0, id="pass"),
        pytest.param(["wrong"], 1, id="fail"),
        pytest.param(["kink"], 3, id="inconclusive"),
        pytest.param(["right", "kink", "wrong"], 1, id="fail-outranks-inconclusive"),
    ],
)
def test_exit_code_is_the_worst_verdict(run, names, code):
    """0 pass, 1 fail, 3 inconclusive."""
    done = run("verify", *(f"targets.py:{name}" for name in names))
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    for name in names:
        assert f"{name}: " in done.stdout


def test_verify_always_plants_an_error(run):
    """And says that it was found."""
    done = run("verify", "targets.py:right", "--seed", "1")
    said = " ".join(done.stdout.split())
    assert "at most twice that size, planted in a copy of the claim, was found." in said


def test_table_fits_80_columns_and_has_no_colour_in_a_pipe(run):
    """Leaf, shape, verdict, error ± bar, certified to."""
    done = run("verify", "targets.py:right", "--seed", "1")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout
    assert "leaf  shape  verdict  error ± bar" in done.stdout
    assert "x     (4,)   pass" in done.stdout
    assert "1 pass, " in done.stdout
    assert "--seed 1" in done.stdout


def test_failure_names_the_leaf_and_how_to_replay(run):
    """The sentence below the table."""
    done = run("verify", "targets.py:wrong", "--seed", "1729")
    assert "x is wrong in every entry" in done.stdout
    assert "replay: seed=1729" in done.stdout


def test_seed_replays_the_run(run):
    """The same lines, but for the times."""
    first, second = (
        [line for line in run("verify", "targets.py:wrong", "--seed", "3").stdout.splitlines()
         if " ms" not in line]
        for _ in range(2)
    )  # fmt: skip
    assert first == second


@pytest.mark.parametrize("plan", ["auto", "every", "directions:3", "sample:2"])
def test_plan_is_chosen_by_name(run, plan):
    """And passes a right gradient."""
    assert run("verify", "targets.py:right", "--plan", plan).returncode == 0


def test_rtol_is_the_plans(run):
    """A tolerance of 60 % passes a gradient that is 50 % too large."""
    assert run("verify", "targets.py:wrong", "--rtol", "0.6").returncode == 0


def test_brief_prints_tables_only_of_what_did_not_pass(run):
    """The summary is always there."""
    done = run("verify", "targets.py:right", "targets.py:wrong", "--brief")
    assert "right:" not in done.stdout
    assert "wrong: FAIL" in done.stdout
    assert "1 pass, 1 FAIL" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["nothing.py:x"], "gradcheck: there is no file nothing.py.", id="no-file"),
        pytest.param(["targets.py:nothing"], "targets.py has no 'nothing'", id="no-name"),
        pytest.param(["targets.py:x"], "targets.py:x is of type", id="wrong-type"),
        pytest.param(["targets.py:failing"], "raised RuntimeError: out of data", id="raises"),
        pytest.param(["targets.py:leaving"], "targets.py:leaving raised SystemExit", id="exits"),
        pytest.param(["targets.py:half"], "targets.py:half raised RuntimeError: out of paper",
                     id="generator"),
        pytest.param(["targets.py:exits"], "gradcheck: targets.py:exits: it raised SystemExit",
                     id="f-exits"),
        pytest.param(["targets.py:unusable"],
                     "gradcheck: unusable: f returned an array of shape (3,)", id="unusable"),
        pytest.param(["--plan", "some"], "'some' is none of auto, every", id="plan"),
        pytest.param(["--plan", "sample:0"], "Plan.sample(0), but it needs", id="plan-count"),
        pytest.param(["--plan", "sample:x"], "'sample:x' is none of auto, every", id="plan-number"),
        pytest.param(["--plan", "sample:-1"], "Plan.sample(-1), but it needs", id="plan-negative"),
        pytest.param(["--rtol", "2"], "rtol=2.0, but it must be", id="rtol"),
        pytest.param(["--seed", "-1"], "-1 is not in the range", id="seed"),
        pytest.param(["--frobnicate"], "No such option", id="option"),
        pytest.param(["targets.py:right", "--json", "no/such/folder/out.json"],
                     "gradcheck: --json no/such/folder/out.json: there is no folder", id="json"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence_and_exit_code_2(run, arguments, message):
    """No traceback."""
    done = run("verify", *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_exception_inside_f_is_a_finding(run):
    """Inconclusive, one sentence; the traceback only when asked for."""
    done = run("verify", "targets.py:raises")
    assert done.returncode == 3
    assert "f raised RuntimeError: no licence at x" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    loud = run("verify", "targets.py:raises", "--traceback")
    assert "in raising" in loud.stderr


def test_traceback_of_a_target_that_raises(run):
    """On request."""
    done = run("verify", "targets.py:failing", "--traceback")
    assert "in failing" in done.stderr
    assert done.returncode == 2


def test_problem_that_cannot_be_checked_is_named_and_the_others_are_checked(run, tmp_path):
    """The regression: it ended the run without its name, the summary and the JSON file."""
    done = run("verify", "targets.py:several", "--json", "out.json")
    assert done.returncode == 2
    unusable, nameless = done.stderr.splitlines()
    assert unusable.startswith("gradcheck: unusable: f returned an array of shape (3,)")
    assert nameless.startswith("gradcheck: targets.py:several[2]: f returned None")
    assert "1 pass, 1 FAIL" in done.stdout
    names = [r.name for r in run_from_json((tmp_path / "out.json").read_text())]
    assert names == ["right", "wrong"]


def test_interrupt_keeps_what_was_done(run, tmp_path):
    """Exit code 130 as in a shell, with the summary and the JSON file of what there is."""
    done = run("verify", "targets.py:stopped", "--json", "out.json")
    assert done.returncode == 130
    assert done.stderr == "gradcheck: interrupted.\n"
    assert "1 pass, " in done.stdout
    assert [r.name for r in run_from_json((tmp_path / "out.json").read_text())] == ["right"]


def test_interrupt_before_anything_is_done(run, tmp_path):
    """While a target is loaded."""
    (tmp_path / "slow.py").write_text("raise KeyboardInterrupt")
    done = run("verify", "slow.py:x")
    assert (done.returncode, done.stdout) == (130, "")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write to all")
def test_json_file_that_cannot_be_written_is_refused_before_the_run(run, tmp_path):
    """Nothing is checked for nothing."""
    (tmp_path / "locked").mkdir(mode=0o500)
    done = run("verify", "targets.py:right", "--json", "locked/out.json")
    assert done.returncode == 2
    assert "gradcheck: --json locked/out.json: the file cannot be written." in done.stderr
    assert done.stdout == ""


def test_json_folder_that_is_missing_is_refused_before_the_run(run):
    """The regression: it was noticed when everything was checked."""
    assert run("verify", "targets.py:right", "--json", "no/such/out.json").stdout == ""


def test_lines_in_a_pipe_have_no_trailing_blanks(run):
    """The regression: rich fills every line of a table up to 80 columns."""
    done = run("verify", "targets.py:right", "targets.py:wrong")
    assert [line for line in done.stdout.splitlines() if line != line.rstrip()] == []


def test_reader_that_goes_away_changes_nothing(run, tmp_path):
    """The regression: exit code 1, which means a wrong gradient, and a message, in `... | head`."""
    command = [sys.executable, "-P", "-m", "gradcheck", "verify", *["targets.py:right"] * 30]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def read_to_the_end(descriptor):
    """Read a pseudo-terminal until its other end is closed."""
    seen = b""
    while True:
        try:
            more = os.read(descriptor, 65536)
        except OSError:  # Linux says so by an error
            more = b""
        if not more:
            return seen.decode()
        seen += more


def test_progress_bar_makes_room_for_a_report(tmp_path):
    """The regression: on a terminal the first report was glued to the bar."""
    pty = pytest.importorskip("pty")
    (tmp_path / "targets.py").write_text(TARGETS)
    command = [sys.executable, "-P", "-m", "gradcheck", "verify"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*command, "targets.py:right", "targets.py:kink"],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = read_to_the_end(ours)
        os.close(ours)
    assert process.returncode == 3
    assert "0/1" in shown  # the bar was there
    for name in ("right: ", "kink: "):
        bar, _, after_bar = shown.partition(name)[0].rpartition("\x1b[2K")  # erases the line
        assert bar
        assert after_bar == ""


def test_json_holds_all_reports(run, tmp_path):
    """Readable again, by name."""
    run("verify", "targets.py:right", "targets.py:wrong", "--json", "out.json")
    reports = run_from_json((tmp_path / "out.json").read_text())
    assert [(r.name, str(r.verdict)) for r in reports] == [("right", "pass"), ("wrong", "fail")]
    assert json.loads((tmp_path / "out.json").read_text())["format"] == "gradcheck-run/1"


def test_help_shows_an_example(run):
    """Of the command, and of the group."""
    assert "Example: gradcheck verify" in run("verify", "--help").stdout
    assert "verify" in run("--help").stdout
    assert "gradcheck, version" in run("--version").stdout


def test_verify_without_target_checks_the_reference_on_iris_and_the_laws(run):
    """Every activation and loss at both stages, and all laws."""
    done = run("verify", "--seed", "5")
    assert done.returncode == 0, done.stdout
    assert "relu, softmax_cross_entropy, trained on iris (accuracy" in done.stdout
    assert "identity, mse, at initialisation: pass" in done.stdout
    assert "laws on the reference network (relu, bce): pass (42 laws" in done.stdout
    assert "dropout-preserves-expectation: mean" in done.stdout
    assert "58 pass, " in done.stdout


@pytest.mark.parametrize("name", ["Doubling", "doubling"])
def test_laws_are_tried_on_a_subject(run, name):
    """A class is called for it, an object is one; nothing else is checked."""
    done = run("verify", "--laws", f"targets:{name}", "--seed", "3")
    assert done.returncode == 1, done.stdout
    assert f"laws on targets:{name}: FAIL (42 laws" in done.stdout
    assert "dropout changes its input in evaluation: out/x is 2" in " ".join(done.stdout.split())
    assert "0 pass, 1 FAIL" in done.stdout


def test_subject_that_cannot_be_loaded_is_named(run):
    """Like a target."""
    done = run("verify", "--laws", "targets.py:Halving")
    assert done.returncode == 2
    assert "targets.py has no 'Halving'; it has " in done.stderr


def test_targets_and_subjects_go_together(run):
    """Each has its report."""
    done = run("verify", "targets.py:right", "--laws", "targets.py:Doubling")
    assert done.returncode == 1
    assert "1 pass, 1 FAIL" in done.stdout


def test_wrong_dropout_example_fails_and_names_the_leaf(run):
    """examples/wrong_dropout.py:problem."""
    done = run("verify", str(ROOT / "examples" / "wrong_dropout.py:problem"))
    assert done.returncode == 1
    assert "['W1'] is wrong in" in done.stdout
    assert "['b1'] is wrong" in done.stdout
    assert "['W2']  (6, 3)  pass" in done.stdout


def test_scikit_learn_example_says_what_it_needs(run, tmp_path):
    """The regression: without scikit-learn it named scipy, which comes with it."""
    (tmp_path / "scipy.py").write_text("raise ModuleNotFoundError('No module named scipy')")
    done = run("verify", str(ROOT / "examples" / "sklearn_mlp.py:problems"), PYTHONPATH=".")
    assert done.returncode == 2
    assert "ImportError: this example needs scikit-learn: pip install scikit-learn." in done.stderr


def test_scikit_learn_example_passes(run):
    """examples/sklearn_mlp.py:problems: other people's backpropagation, every activation."""
    pytest.importorskip("sklearn")
    done = run("verify", str(ROOT / "examples" / "sklearn_mlp.py:problems"), "--brief")
    assert done.returncode == 0, done.stdout
    assert "12 pass, " in done.stdout
