"""Every code block of the documents is executed, and prints what the document says.

A ```python block runs in the namespace of its document; a ```text block that follows it is what it
prints. A ```console block holds commands after `$ ` and their output. A ```sh block holds the
commands that install and test; they are those of CI.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Rounding differs between machines and NumPy versions, times between runs.
NOISE = [
    (re.compile(r"\d+(\.\d+)?e[-+]\d+"), "<small>"),
    (re.compile(r"\d+(\.\d+)? (ms|s)\b"), "<time>"),
    (re.compile(r"\s+"), " "),
]


def blocks(document):
    """List (language, text) of the code blocks."""
    return BLOCK.findall(document.read_text(encoding="utf-8"))


def settled(text):
    """Blank out what differs between machines."""
    for pattern, word in NOISE:
        text = pattern.sub(word, text)
    return text.strip()


def run_shell(command):
    """Run a command at the root, as a user would, with gradcheck on the path."""
    scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        env={**os.environ, "PATH": scripts, "COLUMNS": "80", "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_blocks_run_and_print_what_follows(document, gradcheck):
    """In order, in one namespace; test functions are called with the fixture."""
    namespace = {"__name__": "__document__"}
    printed = None
    for language, text in blocks(document):
        if language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, str(document), "exec"), namespace)
                for name in re.findall(r"^def (test_\w+)\(gradcheck\)", text, re.MULTILINE):
                    namespace[name](gradcheck)
            printed = out.getvalue()
        elif language == "text" and printed:
            assert settled(printed) == settled(text)
            printed = None
        assert not printed or language == "python", f"{document.name} does not show: {printed}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_console_blocks_print_what_they_show(document):
    """Each command after `$ ` with the lines below it."""
    for language, text in blocks(document):
        if language != "console":
            continue
        for session in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, shown = session.partition("\n")
            printed = settled(run_shell(command))
            for piece in shown.split("...\n"):
                assert settled(piece) in printed


def test_commands_of_the_readme_are_those_of_ci():
    """`sh` blocks install and test; CI runs the second, this test the part that checks."""
    commands = [text.strip() for language, text in blocks(DOCUMENTS[0]) if language == "sh"]
    assert commands == [
        "python -m pip install . && gradcheck verify",
        "python -m pip install tox && tox",
    ]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python -m pip install tox\npython -m tox" in ci
    assert "58 pass" in run_shell("gradcheck verify --brief")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_has_a_language_that_is_executed(document):
    """No block escapes the tests."""
    fences = re.findall(r"^```(.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences[::2]) <= {"python", "text", "console", "sh"}
    assert set(fences[1::2]) <= {""}
