"""Every code block of the documents is executed, and prints what the document says.

A ```python block runs in the namespace of its document; a ```text block that follows it is what it
prints. A ```console block holds commands after `$ ` and their output. A ```sh block holds the
commands that install and test; they are those of CI. A ```yaml block is a workflow, whose `run:`
steps are run, those that install aside. A document of which the first line is
`<!-- needs: torch cc -->` is skipped where such a package or command is missing.
"""

import contextlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck import corpus, laws

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
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


def skip_unless_it_can_run(document):
    """Skip a document that needs what is not installed."""
    first = document.read_text(encoding="utf-8").partition("\n")[0]
    named = re.fullmatch(r"<!-- needs: (.+) -->", first)
    needed = named.group(1).split() if named else []
    missing = [
        name for name in needed if not (importlib.util.find_spec(name) or shutil.which(name))
    ]
    if missing:
        pytest.skip(f"{document.name} needs {', '.join(missing)}; `tox -e frameworks` has it")


def settled(text):
    """Blank out what differs between machines."""
    for pattern, word in NOISE:
        text = pattern.sub(word, text)
    return text.strip()


def call(command, folder=ROOT):
    """Run a command in a folder, as a user would, with gradcheck on the path."""
    scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": scripts, "COLUMNS": "80", "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_shell(command):
    """Return what a command at the root prints."""
    done = call(command)
    return done.stdout + done.stderr


def test_document_that_needs_what_is_missing_is_skipped(tmp_path):
    """With the name of it; python and sh are there."""
    document = tmp_path / "page.md"
    document.write_text("<!-- needs: pytest sh no_such_thing -->\n# A page\n")
    with pytest.raises(pytest.skip.Exception, match=r"page\.md needs no_such_thing;"):
        skip_unless_it_can_run(document)
    document.write_text("<!-- needs: pytest sh -->\n# A page\n")
    skip_unless_it_can_run(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_blocks_run_and_print_what_follows(document, gradcheck):
    """In order, in one namespace; test functions are called with the fixture."""
    skip_unless_it_can_run(document)
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
    skip_unless_it_can_run(document)
    for language, text in blocks(document):
        if language != "console":
            continue
        for session in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, shown = session.partition("\n")
            printed = settled(run_shell(command))
            for piece in shown.split("...\n"):
                assert settled(piece) in printed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_steps_of_workflows_succeed(document, tmp_path):
    """Each `run:` of a yaml block, in a folder with the examples; not those that install."""
    steps = [
        step
        for language, text in blocks(document)
        if language == "yaml"
        for step in re.findall(r"- run: (.*)", text)
        if not step.startswith("python -m pip install")
    ]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for step in steps:
        done = call(step, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_commands_of_the_readme_are_those_of_ci():
    """`sh` blocks install and test; CI runs the second, this test the part that checks."""
    commands = [text.strip() for language, text in blocks(DOCUMENTS[0]) if language == "sh"]
    assert commands == [
        "python -m pip install . && gradcheck verify",
        "python -m pip install tox && tox",
    ]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python -m pip install tox\n" in ci
    assert "\npython -m tox run-parallel" in ci
    assert "\npython -m tox run -e libraries\n" in ci
    assert "58 pass" in run_shell("gradcheck verify --brief")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_has_a_language_that_is_executed(document):
    """No block escapes the tests."""
    fences = re.findall(r"^```(.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences[::2]) <= {"python", "text", "console", "sh", "yaml"}
    assert set(fences[1::2]) <= {""}


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_faults_cases_and_laws_are_as_many_as_the_documents_say(name):
    """The numbers are those of the code."""
    document = " ".join((ROOT / name).read_text(encoding="utf-8").split())
    groups = [case.group for case in corpus.draw(0)]
    assert f"{groups.count('wrong')} planted faults" in document
    assert f"{groups.count('tricky')} right gradients that look wrong" in document
    assert re.search(rf"\b{len(laws.LAWS)}\b( laws|, on symmetry)", document)
