"""From the text of a target to problems, and what can go wrong on the way."""

import importlib
import sys

import numpy as np
import pytest

from gradcheck import Problem
from gradcheck.targets import TargetError, load_subjects, load_targets

GOOD = """
import numpy as np
import gradcheck

one = gradcheck.Problem(np.sin, np.cos, 1.0, name="one")
many = [one, one]

def made():
    return one

def several():
    yield one
    yield one

def failing():
    raise RuntimeError("out of data")

def leaving():
    raise SystemExit

def half():
    yield one
    raise RuntimeError("out of paper")

number = 3
mixed = [one, 4]
empty = []
"""


def load_one(target):
    """Load the problems of one target."""
    return load_targets([target])[0][1]


@pytest.fixture
def good(tmp_path, monkeypatch):
    """Write a file with targets of every kind."""
    (tmp_path / "good_targets.py").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    return tmp_path / "good_targets.py"


@pytest.mark.parametrize(("name", "count"), [("one", 1), ("many", 2), ("made", 1), ("several", 2)])
def test_target_names_problems(good, name, count):
    """A problem, a list, or a function that returns either."""
    for place in (str(good), "good_targets.py", "good_targets"):
        problems = load_one(f"{place}:{name}")
        assert len(problems) == count
        assert all(isinstance(problem, Problem) for problem in problems)
        assert problems[0].x == np.float64(1.0)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param("good_targets.py", "has no name; write file.py:name", id="no-name"),
        pytest.param(":one", "has no name", id="no-place"),
        pytest.param("missing.py:one", "there is no file missing.py", id="no-file"),
        pytest.param("missing.x:one", "there is no module missing.x", id="no-module"),
        pytest.param("good_targets.py:two", "has no 'two'; it has .*one, many", id="no-such-name"),
        pytest.param("good_targets.py:number", "is of type int, but it must be a gradcheck.Problem",
                     id="number"),
        pytest.param("good_targets.py:mixed", "is of type list of int", id="mixed"),
        pytest.param("good_targets.py:number", "a subject of the laws goes after --laws",
                     id="subject"),
        pytest.param("good_targets.py:empty", "is of type empty list", id="empty"),
        pytest.param("good_targets.py:leaving", "leaving raised SystemExit", id="exits"),
        pytest.param("good_targets.py:half", "raised RuntimeError: out of paper", id="generator"),
        pytest.param("../here:one", "'../here' is neither a file nor a module", id="folder"),
        pytest.param(".:one", "'.' is neither a file nor a module", id="dot"),
        pytest.param("good_targets.py:failing", "raised RuntimeError: out of data", id="raises"),
    ],
)  # fmt: skip
def test_target_that_cannot_be_loaded_is_one_sentence(good, target, message):
    """What was wrong, and what to write instead."""
    with pytest.raises(TargetError, match=message):
        load_one(target)


@pytest.mark.parametrize("place", ["broken.py", "broken"])
def test_file_that_raises_keeps_its_traceback(good, place):
    """For --traceback."""
    (good.parent / "broken.py").write_text("import no_such_package\n")
    sys.modules.pop("broken", None)
    with pytest.raises(TargetError, match="No module named 'no_such_package'") as caught:
        load_one(f"{place}:x")
    assert "ModuleNotFoundError" in caught.value.traceback


def test_module_that_raises_is_one_sentence(good):
    """Not only a missing import."""
    (good.parent / "raising_module.py").write_text("1 / 0\n")
    with pytest.raises(TargetError, match="could not be imported: ZeroDivisionError"):
        load_one("raising_module:x")


def test_file_may_import_its_neighbours(good):
    """As a script may."""
    (good.parent / "neighbour.py").write_text("from good_targets import one\n")
    assert load_one(f"{good.parent / 'neighbour.py'}:one")[0].name == "one"


def test_file_that_exits_is_one_sentence(good):
    """The regression: the command ended with exit code 0 and said nothing."""
    (good.parent / "leaving.py").write_text("import sys; sys.exit()\n")
    with pytest.raises(TargetError, match=r"leaving\.py could not be loaded: SystemExit"):
        load_one("leaving.py:one")


def test_interrupt_in_a_target_goes_through(good):
    """Ctrl-C is nobody's error."""
    (good.parent / "interrupted.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_one("interrupted.py:one")


def test_neighbours_of_the_same_name_are_kept_apart(tmp_path, monkeypatch):
    """The regression: the second target got the first one's helper, and checked the wrong code."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    before = sys.path.copy()
    source = "from helper import one\ndef made():\n    from inner.late import two\n    return two"
    for name in "ab":
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "p.py").write_text(source)
        problem = f"import gradcheck\n{{}} = gradcheck.Problem(abs, abs, 1.0, name='{name}')\n"
        (tmp_path / name / "helper.py").write_text(problem.format("one"))
        (tmp_path / name / "inner" / "late.py").write_text(problem.format("two"))
    targets = [f"{tmp_path / name / 'p.py'}:{what}" for what in ("one", "made") for name in "ab"]
    loaded = load_targets(targets)
    assert [problems[0].name for _, problems in loaded] == ["a", "b", "a", "b"]
    assert sys.path == before
    assert not {"helper", "p", "inner", "inner.late"} & sys.modules.keys()
    with loaded[1][0].opened():
        import helper

        assert helper.one.name == "b"


def test_targets_of_one_folder_share_their_neighbours(tmp_path, monkeypatch):
    """A module may not bear to be imported twice."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "shared_neighbour.py").write_text(
        "import gradcheck, numpy as np\none = gradcheck.Problem(np.sin, np.cos, 1.0)\n"
    )
    for name in "ab":
        (tmp_path / f"{name}.py").write_text("from shared_neighbour import one\n")
    (_, first), (_, second) = load_targets([f"{tmp_path / name}.py:one" for name in "ab"])
    assert first[0] is second[0]


SUBJECTS = """
class Subject:
    def __call__(self):
        raise RuntimeError("a subject is not called")

one = Subject()

def made():
    return one

def failing():
    raise RuntimeError("out of data")
"""


@pytest.mark.parametrize("name", ["Subject", "one", "made"])
def test_subject_is_an_object_or_made_by_a_call(tmp_path, monkeypatch, name):
    """Of a class or a function; an object that can be called is a subject by itself."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "some_subjects.py").write_text(SUBJECTS)
    ((_, subject),) = load_subjects([f"{tmp_path / 'some_subjects.py'}:{name}"])
    assert type(subject).__name__ == "Subject"


def test_subject_that_raises_is_named(tmp_path, monkeypatch):
    """With what it raised."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "more_subjects.py").write_text(SUBJECTS)
    with pytest.raises(TargetError, match="failing raised RuntimeError: out of data"):
        load_subjects([f"{tmp_path / 'more_subjects.py'}:failing"])


def test_what_was_imported_before_is_left_alone(tmp_path, monkeypatch):
    """Only what a target was the first to import is put aside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "known_before.py").write_text(
        "import gradcheck, numpy as np\none = gradcheck.Problem(np.sin, np.cos, 1.0)\n"
    )
    known = importlib.import_module("known_before")
    assert load_one("known_before:one")[0] is known.one
    assert sys.modules.pop("known_before") is known
