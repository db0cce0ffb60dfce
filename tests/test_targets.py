"""From the text of a target to problems, and what can go wrong on the way."""

import sys

import numpy as np
import pytest

from gradcheck import Problem
from gradcheck.targets import TargetError, load_problems

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

number = 3
mixed = [one, 4]
empty = []
"""


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
        problems = load_problems(f"{place}:{name}")
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
        pytest.param("good_targets.py:empty", "is of type empty list", id="empty"),
        pytest.param("good_targets.py:failing", "raised RuntimeError: out of data", id="raises"),
    ],
)  # fmt: skip
def test_target_that_cannot_be_loaded_is_one_sentence(good, target, message):
    """What was wrong, and what to write instead."""
    with pytest.raises(TargetError, match=message):
        load_problems(target)


@pytest.mark.parametrize("place", ["broken.py", "broken"])
def test_file_that_raises_keeps_its_traceback(good, place):
    """For --traceback."""
    (good.parent / "broken.py").write_text("import no_such_package\n")
    sys.modules.pop("broken", None)
    with pytest.raises(TargetError, match="No module named 'no_such_package'") as caught:
        load_problems(f"{place}:x")
    assert "ModuleNotFoundError" in caught.value.traceback


def test_module_that_raises_is_one_sentence(good):
    """Not only a missing import."""
    (good.parent / "raising_module.py").write_text("1 / 0\n")
    with pytest.raises(TargetError, match="could not be imported: ZeroDivisionError"):
        load_problems("raising_module:x")


def test_file_may_import_its_neighbours(good):
    """As a script may."""
    (good.parent / "neighbour.py").write_text("from good_targets import one\n")
    assert load_problems(f"{good.parent / 'neighbour.py'}:one")[0].name == "one"
