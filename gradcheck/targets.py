"""From `file.py:name` or `package.module:name` to problems.

Owns the import of the caller's file and what may go wrong in it, each with its sentence.
At the edge: uses `records`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from .records import Problem, UsageError, shown_error


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


def load_problems(target: str) -> list[Problem]:
    """Load the problems that a target names.

    Raises
    ------
    TargetError
        If the target is malformed, missing, raises, or is no problem.
    """
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise TargetError(f"{target!r} has no name; write file.py:name or package.module:name.")
    module = _load_file(place) if place.endswith(".py") else _load_module(place)
    try:
        thing = getattr(module, name)
    except AttributeError:
        public = ", ".join(n for n in vars(module) if not n.startswith("_")) or "nothing"
        raise TargetError(f"{place} has no {name!r}; it has {public}.") from None
    if callable(thing):
        try:
            thing = thing()
        except Exception as error:
            raise TargetError(f"{target} raised {shown_error(error)}.", error) from error
    return _as_problems(target, thing)


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
        f"function without arguments that returns either."
    )


def _load_file(place: str) -> ModuleType:
    path = Path(place).resolve()
    if not path.is_file():
        raise TargetError(f"there is no file {place}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None, "a .py file always has a loader"
    assert spec.loader is not None, "likewise"
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))  # as for a script: it may import its neighbours
    sys.modules.setdefault(path.stem, module)  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise TargetError(f"{place} could not be loaded: {shown_error(error)}.", error) from error
    return module


def _load_module(place: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))  # as python -m does
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        missing = error.name or place
        if place == missing or place.startswith(f"{missing}."):
            raise TargetError(f"there is no module {place}.") from None
        raise TargetError(f"{place} could not be imported: {shown_error(error)}.", error) from error
    except Exception as error:
        raise TargetError(f"{place} could not be imported: {shown_error(error)}.", error) from error
