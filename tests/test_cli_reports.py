"""`gradcheck report`, `gradcheck diff` and `gradcheck verify --html`, as a user runs them."""

import json
import os
import subprocess
import sys

import pytest

from gradcheck.render.serial import run_to_json

from .reports import leaf, real, report


@pytest.fixture
def run(tmp_path):
    """Run gradcheck in a folder with runs that were made earlier."""
    (tmp_path / "right.json").write_text(run_to_json([real("pass")]))
    (tmp_path / "wrong.json").write_text(run_to_json([real("row"), real("laws")]))
    (tmp_path / "single.json").write_text(real("row").to_json())
    (tmp_path / "bad.json").write_text('{"format": "gradcheck-run/1", "reports": [{}]}')
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-P", "-m", "gradcheck", *arguments],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_report_prints_what_verify_printed(run):
    """Of several files; the exit code says that they were shown."""
    done = run("report", "right.json", "wrong.json")
    assert done.returncode == 0, done.stderr
    assert "planted row: FAIL (2 leaves, 74 evaluations" in done.stdout
    assert "HalfDropout: FAIL (42 laws" in done.stdout
    assert "1 pass, 2 FAIL, " in done.stdout
    assert "--seed" not in done.stdout.splitlines()[-1]


def test_report_writes_a_page(run, tmp_path):
    """With an index, and nothing on the terminal."""
    done = run("report", "wrong.json", "--html", "out.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (tmp_path / "out.html").read_text()
    assert "2 reports: 2 FAIL" in text
    assert "planted row" in text


def test_report_prints_its_schema(run):
    """For those who read such files in another language."""
    assert "$defs" in json.loads(run("report", "--schema").stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["report"], "gradcheck: name a file of reports", id="none"),
        pytest.param(["report", "bad.json"],
                     "gradcheck: bad.json: this report is damaged: reports[0] has no 'format'.",
                     id="damaged"),
        pytest.param(["report", "bytes.json"], "gradcheck: bytes.json: 'utf-8' codec", id="bytes"),
        pytest.param(["report", "gone.json"], "'gone.json' does not exist", id="missing"),
        pytest.param(["report", "right.json", "--html", "no/such.html"], "there is no folder",
                     id="folder"),
        pytest.param(["diff", "right.json", "bad.json"], "this report is damaged", id="diff"),
        pytest.param(["diff", "right.json"], "Missing argument 'NEW'", id="diff-of-one"),
    ],
)  # fmt: skip
def test_wrong_usage_is_said_in_a_sentence(run, arguments, message):
    """With exit code 2."""
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_diff_says_what_got_worse(run, tmp_path):
    """Exit code 1; the other way round it got better, and nothing changed against itself."""
    (tmp_path / "old.json").write_text(report(leaf("W")).to_json())
    changed = real("row").leaves["['W']"]
    (tmp_path / "new.json").write_text(
        report(leaf("W", changed.verdict, reason="W is wrong"), verdict=changed.verdict).to_json()
    )
    done = run("diff", "old.json", "new.json")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "worse: net W: pass, now fail: W is wrong",
        "1 worse, 0 missing, 0 new, 0 better, 0 changed; 0 as before.",
    ]
    assert run("diff", "new.json", "old.json").returncode == 0
    assert run("diff", "single.json", "single.json").returncode == 0


def test_verify_writes_a_page(run, tmp_path):
    """Beside what it prints."""
    (tmp_path / "targets.py").write_text(
        "import gradcheck\n"
        "right = gradcheck.Problem(lambda x: x**3, lambda x: 3 * x**2, 1.5, name='cube')\n"
    )
    done = run("verify", "targets.py:right", "--html", "out.html")
    assert done.returncode == 0, done.stderr
    assert "cube: pass" in (tmp_path / "out.html").read_text()
    done = run("verify", "targets.py:right", "--html", "no/such.html")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("command", ["report", "diff", "verify"])
def test_help_shows_an_example(run, command):
    """Of each command; that of all says how the shell completes them."""
    assert f"Example: gradcheck {command}" in run(command, "--help").stdout
    assert "_GRADCHECK_COMPLETE=bash_source" in " ".join(run("--help").stdout.split())
