"""The table of conformance: what the document says is what the installed libraries do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck import UsageError, conformance, laws
from gradcheck.conformance import Column, Entry, Implementation, Mark, Use

DOCUMENT = Path(__file__).parent.parent / "docs" / "conformance.md"
READING = conformance.read(DOCUMENT.read_text(encoding="utf-8"))
LAWS = [law.name for law in laws.LAWS]
ALL_ARE_INSTALLED = os.environ.get("GRADCHECK_TESTS") == "libraries"  # as `tox -e libraries` does


@pytest.mark.parametrize("one", conformance.IMPLEMENTATIONS, ids=lambda one: one.name)
def test_document_is_current(one):
    """Marks of all laws, and that the uses which are said to break a law break it."""
    named = READING.versions[one.name]
    if one.versions != named and not ALL_ARE_INSTALLED:
        pytest.skip(f"the document is of {named}, installed is {one.versions or 'none of them'}")
    assert one.versions == named
    column = conformance.judge(one, READING.seed)
    assert {name: entry.mark for name, entry in column.entries.items()} == READING.marks[one.name]
    assert {entry.mark for _, entry in column.uses} <= {Mark.BROKEN}


def test_document_has_a_column_an_implementation_and_a_row_a_law():
    """In their order."""
    assert list(READING.marks) == [one.name for one in conformance.IMPLEMENTATIONS]
    assert all(list(column) == LAWS for column in READING.marks.values())


def test_reference_breaks_nothing():
    """Nor is anything undecided."""
    assert set(READING.marks["reference"].values()) == {Mark.HOLDS, Mark.NOT_OFFERED}


THIS = Implementation("this", "tests.conformance", ("no-such-package",))


def test_document_is_read_back_as_it_was_written():
    """With every mark, and a sentence for each that needs one."""
    entries = dict.fromkeys(LAWS, Entry(Mark.HOLDS))
    entries |= {LAWS[0]: Entry(Mark.BROKEN, "it is 2, not 1"), LAWS[1]: Entry(Mark.UNDECIDED, "?")}
    entries |= dict.fromkeys(LAWS[2:4], Entry(Mark.NOT_OFFERED, "there is none"))
    uses = [(Use("wrong", LAWS[5], "used wrongly"), Entry(Mark.BROKEN, "it is 3"))]
    one = Implementation("one", "gradcheck.embedded", ("gradcheck",))
    text = conformance.markdown([Column(one, entries, uses)], seed=7)
    read = conformance.read(text)
    assert read.seed == 7
    assert read.versions == {"one": one.versions}
    assert read.marks == {"one": {name: entry.mark for name, entry in entries.items()}}
    assert f"- {LAWS[0]}: broken: it is 2, not 1." in text
    assert f"- {LAWS[2]}, {LAWS[3]}: not offered: there is none." in text
    assert f"- one, used wrongly: {LAWS[5]} is broken: it is 3." in text


def test_absent_package_has_no_versions():
    """So that the implementation is left out."""
    assert THIS.versions == {}


class Mixed:
    """Breaks one law, and is undecided about another."""

    def dropout_evaluate(self, x, keep_prob):
        """Scale."""
        return x * keep_prob

    def softmax(self, z):
        """Raise."""
        raise UsageError("later")

    def embedding(self, table, indices, padding_index):
        """Refuse."""
        raise laws.NotOffered("no padding")


def test_worst_of_all_subjects_is_the_mark(monkeypatch):
    """With the message of the law, but for its setting."""
    import types

    from gradcheck.embedded import ReferenceSubject

    module = types.SimpleNamespace(subjects=lambda: (ReferenceSubject(), Mixed()))
    monkeypatch.setattr(Implementation, "load", lambda self: module)
    entries = conformance.judge(THIS, seed=1).entries
    broken = entries["dropout-evaluation-is-identity"]
    assert broken.mark is Mark.BROKEN
    assert "changes its input in evaluation" in broken.sentence
    assert "Setting" not in broken.sentence
    assert entries["softmax-rows-sum-to-zero"].mark is Mark.UNDECIDED
    assert entries["embedding-padding-gets-no-gradient"].mark is Mark.HOLDS
    module.subjects = lambda: (Mixed(),)
    entries = conformance.judge(THIS, seed=1).entries
    assert entries["embedding-padding-gets-no-gradient"] == Entry(Mark.NOT_OFFERED, "no padding")
    assert entries["vjp-is-linear"] == Entry(Mark.NOT_OFFERED)


def test_command_refuses_a_folder_that_is_missing():
    """Before anything is tried."""
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck", "conformance", "--markdown", "no/such/folder/a.md"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--markdown no/such/folder/a.md: there is no folder" in done.stderr


def test_command_writes_the_document(tmp_path):
    """For what is installed here."""
    file = tmp_path / "conformance.md"
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck", "conformance", "--markdown", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    marks = conformance.read(file.read_text(encoding="utf-8")).marks["reference"]
    assert marks == READING.marks["reference"]
    assert "reference (gradcheck " in done.stdout
    assert "0 broken, " in done.stdout
