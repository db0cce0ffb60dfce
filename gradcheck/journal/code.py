"""Which version of a function it is: a digest of its code, and of the code that it calls.

Follows functions, methods and classes by name, as far as they are the caller's own; of packages the
version counts. Data count where they are constants in the code, defaults, or arrays and floating
numbers in the closure or the module: what else a function reads shows in its value at x, of which
the journal keeps the bits.
Part of `journal`.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

PACKAGES = {"site-packages", "dist-packages"}
PLAIN = (int, float, complex, str, bytes, bool, type(None))


def digest_of_code(thing: object) -> str:
    """Return a digest of a callable, the same in every process that runs the same code.

    Examples
    --------
    >>> __name__ = "mine"  # of what is installed, the version counts
    >>> digest_of_code(lambda x: 2 * x) == digest_of_code(lambda x: 2 * x)
    True
    >>> digest_of_code(lambda x: 2 * x) == digest_of_code(lambda x: 3 * x)
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in _parts(thing, set()):
        digest.update(part.encode(errors="backslashreplace") + b"\0")
    return digest.hexdigest()


def _parts(thing: Any, seen: set[int]) -> Iterator[str]:  # noqa: ANN401 - whatever is called
    """Write down what makes a thing what it is."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, functools.partial):
        yield from _parts(thing.func, seen)
        yield from (_plain(value) for value in (*thing.args, *sorted(thing.keywords.items())))
    elif isinstance(thing, MethodType):
        yield from _parts(thing.__func__, seen)
        yield from _parts(type(thing.__self__), seen)
    elif isinstance(thing, FunctionType):
        yield from _function(thing, seen)
    elif isinstance(thing, type):
        yield from _class(thing, seen)
    elif callable(thing) and _is_own(type(thing).__module__):
        yield from _parts(type(thing), seen)
    else:
        yield _named(thing)


def _function(function: FunctionType, seen: set[int]) -> Iterator[str]:
    if not _is_own(function.__module__):
        yield _named(function)
        return
    yield from _code(function.__code__)
    yield from (_plain(value) for value in function.__defaults__ or ())
    yield from (_plain(item) for item in sorted((function.__kwdefaults__ or {}).items()))
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not bound yet
            continue
        if _is_code(value):
            yield from _parts(value, seen)
        elif _is_data(value):
            yield _data(value)
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        yield from _parts(wrapped, seen)
    yield from _called(function, seen)


def _called(function: FunctionType, seen: set[int]) -> Iterator[str]:
    """Follow the names that a function looks up in its module, and in modules of the caller."""
    names = sorted(set(_names(function.__code__)))
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            if not _is_own(value.__name__):
                yield _named(value)
                continue
            found = (getattr(value, attribute, None) for attribute in names)
            for item in found:
                if _is_code(item):
                    yield from _parts(item, seen)
        elif _is_code(value):
            yield from _parts(value, seen)
        else:
            yield from _numbers(name, value)


def _numbers(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - anything
    """Write down a constant of a module, or an array."""
    if isinstance(value, PLAIN):
        yield _plain((name, value))
    elif _is_data(value):
        yield _data(value)


def _class(kind: type, seen: set[int]) -> Iterator[str]:
    if not _is_own(kind.__module__):
        yield _named(kind)
        return
    yield kind.__qualname__
    for name, value in sorted(vars(kind).items()):
        inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
        if isinstance(inner, FunctionType):
            yield name
            yield from _parts(inner, seen)
    for base in kind.__bases__:
        yield from _parts(base, seen)


def _code(code: CodeType) -> Iterator[str]:
    """Write down what is run, and not where it stands in which file."""
    yield code.co_code.hex()
    yield " ".join(code.co_names + code.co_varnames)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        else:
            yield _plain(constant)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _plain(value: Any) -> str:  # noqa: ANN401 - a constant, or anything
    """Write down a constant; of anything else its type, for a repr may hold an address."""
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_plain, value))})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_plain, value)))}}}"
    return repr(value) if isinstance(value, PLAIN) else type(value).__qualname__


def _is_data(value: object) -> bool:
    """Whether a value is numbers that a function computes with; whole ones may count its calls."""
    return isinstance(value, (float, complex, np.ndarray, np.generic))


def _data(value: Any) -> str:  # noqa: ANN401 - numbers
    array = np.asarray(value)
    if array.dtype.hasobject:
        return f"{array.dtype} {array.shape}"
    digest = hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()
    return f"{array.dtype.str} {array.shape} {digest}"


def _is_code(value: object) -> bool:
    return isinstance(value, (FunctionType, MethodType, functools.partial, type))


def _named(thing: Any) -> str:  # noqa: ANN401 - a function, class or module of a package
    module = getattr(thing, "__module__", None) or getattr(thing, "__name__", "")
    package = str(module).partition(".")[0]
    name = getattr(thing, "__qualname__", getattr(thing, "__name__", type(thing).__qualname__))
    return f"{module}.{name} {_version(package)}"


@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except Exception:  # no distribution of that name, or metadata that cannot be read
        return str(getattr(sys.modules.get(package), "__version__", ""))


def _is_own(module: str | None) -> bool:
    """Whether a module is the caller's own: neither installed nor of the standard library."""
    top = str(module).partition(".")[0]
    if (top in sys.stdlib_module_names and top != "__main__") or top == "builtins":
        return False
    file = getattr(sys.modules.get(str(module)), "__file__", None)
    return file is None or not PACKAGES & set(Path(file).parts)
