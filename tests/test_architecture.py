"""The shape of the code: layers, one-way imports, file and function sizes, public names."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gradcheck

PACKAGE = Path(gradcheck.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
PAGE = Path(__file__).parent.parent / "CONTRIBUTING.md"

# A room may import rooms of lower rank only; its own files are one room.
LAYERS = {
    "records": 0,
    "space": 1,
    "randomness": 1,
    "execution": 2,
    "contract": 3,
    "differences": 3,
    "circumstances": 4,
    "directions": 4,
    "journal": 4,
    "verdict": 4,
    "probing": 5,
    "localise": 6,
    "canary": 6,
    "crew": 6,
    "diagnose": 7,
    "traces": 7,
    "certainty": 7,
    "examine": 8,
    "running": 8,
    "flow": 9,
    "numeric": 9,
    "survey": 10,
    "check": 10,
    "comparison": 10,
    "laws": 10,
    "lessons": 10,
    "render": 11,
    "teaching": 11,
    "targets": 11,
    "embedded": 11,
    "subjects": 11,
    "corpus": 11,
    "second_order": 11,
    "adapters": 12,
    "conformance": 12,
    "testing": 12,
    "cli": 13,
    "compat": 13,
    "strategies": 13,
    "__init__": 13,
    "__main__": 14,
}
# `reference` is a subject, not a part: it imports nothing of gradcheck, and only these use it.
SUBJECT = "reference"
MEETING_PLACES = ("embedded", "corpus", "lessons")
# Each foreign package is imported in exactly one file of a room (tests and docs aside).
FILES_OF = {
    "autograd": ["adapters/autograd.py"],
    "jinja2": ["render/pages.py"],
    "keras": ["adapters/keras.py", "adapters/keras_layers.py"],
    "matplotlib": ["render/figures.py"],
    "rich": ["render/terminal.py"],
    "sklearn": ["subjects/sklearn_mlp.py"],
    "tensorflow": [
        "adapters/tensorflow.py",
        "adapters/tensorflow_checks.py",
        "adapters/tensorflow_still.py",
        "adapters/tensorflow_tensors.py",
    ],
    "torch": [
        "adapters/torch.py",
        "adapters/torch_arrays.py",
        "adapters/torch_layout.py",
        "adapters/torch_modules.py",
        "adapters/torch_stacks.py",
        "adapters/torch_tensors.py",
        "adapters/torch_upstream.py",
        "compat/torch_tensors.py",
        "subjects/torch_nn.py",
    ],
    "jax": ["adapters/jax_trees.py", "subjects/equinox_nn.py"],
    "equinox": ["subjects/equinox_nn.py"],
    "optax": ["subjects/equinox_nn.py"],
}
ONE_ROOM = {"hypothesis": "strategies", "click": "cli"}
PLUGIN = PACKAGE.parent / "_gradcheck_pytest.py"  # beside the package: see there


def room(path: Path) -> str:
    """Name the room that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def module_name(path: Path) -> tuple[str, ...]:
    """Name the package that relative imports of a file start from."""
    return ("gradcheck", *path.relative_to(PACKAGE).parts[:-1])


def imports(path: Path) -> set[tuple[str, ...]]:
    """List all modules that a file imports, also inside functions, as absolute names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(tuple(node.module.split(".")))
        elif isinstance(node, ast.ImportFrom):
            package = module_name(path)
            base = package[: len(package) - node.level + 1]
            tail = tuple(node.module.split(".")) if node.module else ()
            names = [()] if tail else [(alias.name,) for alias in node.names]
            found.update(base + tail + name for name in names)
    return found


def test_imports_go_down_the_layers_only():
    """No room imports one of its own rank or above, not even inside a function."""
    wrong = []
    for path in FILES:
        here = room(path)
        for name in imports(path):
            there = name[1] if len(name) > 1 and name[0] == "gradcheck" else None
            if there in (None, here, "__version__"):
                continue
            if (
                here == SUBJECT
                or (there == SUBJECT and here not in MEETING_PLACES)
                or (there != SUBJECT and LAYERS[there] >= LAYERS[here])
            ):
                wrong.append((path.name, ".".join(name)))
    assert wrong == []


def test_files_import_without_a_cycle():
    """Also within a room, inside functions and for types only."""
    names = {".".join(("gradcheck", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in FILES}
    names |= {name.removesuffix(".__init__") for name in names}
    graph = {
        ".".join(("gradcheck", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): {".".join(name) for name in imports(path)} & names
        for path in FILES
    }
    graphlib.TopologicalSorter(graph).prepare()


def test_every_room_has_its_layer():
    """A new room must be placed before it can be imported."""
    assert {room(path) for path in FILES} - {SUBJECT} == LAYERS.keys()


def test_contributing_lists_every_room_with_its_rank():
    """The page for contributors is about the code as it is."""
    page = PAGE.read_text(encoding="utf-8")
    listed = {
        name: int(rank)
        for rank, rooms in re.findall(r"^\| (\d+) \| ([^|]*) \|", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", rooms)
    }
    assert listed == {name: rank for name, rank in LAYERS.items() if not name.startswith("__")}


@pytest.mark.parametrize("package", FILES_OF)
def test_foreign_package_is_imported_in_one_file(package):
    """What is foreign stays at the edge."""
    users = [
        p.relative_to(PACKAGE).as_posix()
        for p in FILES
        if (package,) in {name[:1] for name in imports(p)}
    ]
    assert users == FILES_OF[package]


@pytest.mark.parametrize("package", ONE_ROOM)
def test_foreign_package_is_imported_in_one_room(package):
    """Likewise, where it takes several files."""
    users = {room(p) for p in FILES if (package,) in {name[:1] for name in imports(p)}}
    assert users == {ONE_ROOM[package]}


def test_pytest_is_imported_by_the_plugin_alone():
    """And the plugin imports no more than that until a test asks."""
    assert not any(("pytest",) in {name[:1] for name in imports(p)} for p in FILES)
    tree = ast.parse(PLUGIN.read_text(encoding="utf-8"))
    plain = [node for node in tree.body if isinstance(node, ast.Import)]
    plain += [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    found = {
        name.split(".")[0]
        for node in plain
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert found - set(sys.stdlib_module_names) == {"pytest"}


def test_no_file_exceeds_400_lines():
    """A file has one subject."""
    long = {
        p.name: n for p in FILES if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_no_function_exceeds_a_screen():
    """A function fits a screen: 50 lines of code, its docstring aside."""
    long = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = (
                    node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                )
                if body[-1].end_lineno - body[0].lineno + 1 > 50:
                    long.append(f"{path.name}:{node.name}")
    assert long == []


def test_import_is_light():
    """`import gradcheck` loads neither the terminal nor the test tools, nor the laws' network."""
    heavy = ["rich", "click", "pytest", "hypothesis", "matplotlib", "gradcheck.reference"]
    heavy += ["gradcheck.laws", "gradcheck.corpus", "gradcheck.conformance", "gradcheck.lessons"]
    heavy += ["jinja2", "array_api_compat", "gradcheck.flow", "gradcheck.differences"]
    code = f"import sys, gradcheck; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_these():
    """A name is added or taken away on purpose."""
    assert gradcheck.__all__ == sorted(gradcheck.__all__)
    assert set(gradcheck.__all__) == {
        "Budget", "Cause", "Derivative", "Evidence", "Finding", "Gradient", "GradientError",
        "Kind", "LawReport", "LeafReport", "Mode", "Options", "Plan", "PointOptions", "Problem",
        "Progress",
        "Report", "Score", "UsageError", "Verdict", "__version__", "assert_grad", "assert_jvp",
        "assert_vjp", "check", "check_grad", "check_hessian", "check_hvp", "check_jacobian",
        "check_jvp", "check_vjp", "derivative", "gradient",
    }  # fmt: skip
    assert all(hasattr(gradcheck, name) for name in gradcheck.__all__)
