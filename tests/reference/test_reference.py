import ast
import sys
from importlib.resources import files

import pytest

from gradcheck import reference

SOURCES = sorted(
    str(path)
    for folder in (files(reference), files(reference) / "faults")
    for path in folder.iterdir()
    if path.name.endswith(".py")
)


def imported_by(source):
    """Return the top names of what a file imports from outside; relative imports that climb out."""
    with open(source, encoding="utf-8") as file:
        nodes = list(ast.walk(ast.parse(file.read())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    deepest = 2 if "faults" in source else 1
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and not 0 < node.level <= deepest:
            names.append("." * node.level + (node.module or ""))
    return {name.split(".")[0] or name for name in names}


def test_every_public_name_exists():
    """__all__ is sorted and without repetition, and each name can be imported."""
    assert len(set(reference.__all__)) == len(reference.__all__)
    assert all(hasattr(reference, name) for name in reference.__all__)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.rpartition("reference/")[2])
def test_reference_imports_numpy_and_the_standard_library_only(source):
    """A subject that is tried by the checker must not lean on it."""
    allowed = {"numpy", *sys.stdlib_module_names}
    assert imported_by(source) <= allowed
