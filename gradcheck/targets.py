"""From `file.py:name` or `package.module:name` to problems, or to subjects of the laws.

Owns the import of the caller's file and what may go wrong in it, each with its sentence.
At the edge: uses `records`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from .records import Problem, UsageError, shown_error

Loaded = TypeVar("Loaded")


class TargetError(UsageError):
    """A target that cannot be loaded.

    Attributes
    ----------
    traceback : str
        Of the caller's own code, where it raised; else empty.
    """

    def __init__(self, message: str, error: BaseException | None = None) -> None:
        super().__init__(message)
        self.traceback = "" if error is None else "".join(traceback.format_exception(error))


@dataclass(eq=False)
class Folder:
    """Where a target lies, and what was imported from there.

    A target may import its neighbours, as a script may; those of the next target may have the same
    names, so they are put aside while it has its turn.

    Attributes
    ----------
    path : pathlib.Path
        The folder.
    modules : dict of str to module
        What was first imported from it.
    """

    path: Path
    modules: dict[str, ModuleType] = field(default_factory=dict)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let this folder be imported from."""
        sys.path.insert(0, str(self.path))
        known = set(sys.modules)
        sys.modules.update(self.modules)
        try:
            yield
        finally:
            if str(self.path) in sys.path:
                sys.path.remove(str(self.path))
            for name in sys.modules.keys() - known:
                top = name.partition(".")[0]
                if top not in known and self._holds(sys.modules.get(top)):
                    self.modules[name] = sys.modules[name]
            for name in self.modules:
                sys.modules.pop(name, None)

    def _holds(self, module: ModuleType | None) -> bool:
        """Whether a module is a file or a folder here, and not in an environment kept here."""
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        return any(
            place and self.path in (Path(place).parent, Path(place).resolve().parent)
            for place in places
        )


def load_targets(targets: Iterable[str]) -> list[tuple[Folder, list[Problem]]]:
    """Load several targets, each with the folder that must be open while it is checked.

    Raises
    ------
    TargetError
        As `load_problems`.
    """
    return _each_in_its_folder(targets, load_problems)


def load_subjects(targets: Iterable[str]) -> list[tuple[Folder, object]]:
    """Load several subjects of the laws, each with the folder that must be open meanwhile.

    Raises
    ------
    TargetError
        As `load_subject`.
    """
    return _each_in_its_folder(targets, load_subject)


def _each_in_its_folder(
    targets: Iterable[str], load: Callable[[str], Loaded]
) -> list[tuple[Folder, Loaded]]:
    folders: dict[Path, Folder] = {}
    loaded = []
    for target in targets:
        path = _folder_of(target)
        folder = folders.setdefault(path, Folder(path))
        with folder.opened():
            loaded.append((folder, load(target)))
    return loaded


def _folder_of(target: str) -> Path:
    place = target.rpartition(":")[0]
    return Path(place).resolve().parent if place.endswith(".py") else Path.cwd()


def load_problems(target: str) -> list[Problem]:
    """Load the problems that a target names; its folder is open for imports.

    Raises
    ------
    TargetError
        If the target is malformed, missing, raises, or is no problem.
    """
    thing = _load(target)
    with _refusing(f"{target} raised"):
        return _as_problems(target, thing() if callable(thing) else thing)


def load_subject(target: str) -> object:
    """Load a subject of the laws: an object, or a class or function that is called for it.

    An object that can be called is a subject by itself, as the modules of many libraries are.

    Raises
    ------
    TargetError
        If the target is malformed, missing or raises.
    """
    thing = _load(target)
    with _refusing(f"{target} raised"):
        return thing() if inspect.isclass(thing) or inspect.isroutine(thing) else thing


def _load(target: str) -> object:
    """Load what a target names."""
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise TargetError(f"{target!r} has no name; write file.py:name or package.module:name.")
    module = _load_file(place) if place.endswith(".py") else _load_module(place)
    try:
        return getattr(module, name)
    except AttributeError:
        public = ", ".join(n for n in vars(module) if not n.startswith("_")) or "nothing"
        raise TargetError(f"{place} has no {name!r}; it has {public}.") from None


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Turn whatever the caller's code raises into a sentence, an exit too; Ctrl-C goes through."""
    try:
        yield
    except TargetError:
        raise
    except (Exception, SystemExit) as error:
        raise TargetError(f"{what} {shown_error(error)}.", error) from error


def _as_problems(target: str, thing: object) -> list[Problem]:
    if isinstance(thing, Problem):
        return [thing]
    kind = type(thing).__name__
    if isinstance(thing, Iterable) and not isinstance(thing, (str, bytes)):
        problems = list(thing)
        wrong = [type(p).__name__ for p in problems if not isinstance(p, Problem)]
        if problems and not wrong:
            return problems
        kind = f"{kind} of {wrong[0]}" if wrong else f"empty {kind}"
    raise TargetError(
        f"{target} is of type {kind}, but it must be a gradcheck.Problem, a list of them, or a "
        f"function without arguments that returns either; a subject of the laws goes after --laws."
    )


def _load_file(place: str) -> ModuleType:
    path = Path(place).resolve()
    if not path.is_file():
        raise TargetError(f"there is no file {place}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None, "a .py file always has a loader"
    assert spec.loader is not None, "likewise"
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # dataclasses look their module up
    with _refusing(f"{place} could not be loaded:"):
        spec.loader.exec_module(module)
    return module


def _load_module(place: str) -> ModuleType:
    if not all(part.isidentifier() for part in place.split(".")):
        raise TargetError(
            f"{place!r} is neither a file nor a module; write file.py:name or package.module:name."
        )
    with _refusing(f"{place} could not be imported:"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            missing = error.name or place
            if place == missing or place.startswith(f"{missing}."):
                raise TargetError(f"there is no module {place}.") from None
            raise
