"""What an object holds, remembered and put back: attributes, containers, arrays, random states.

    attributes, dict, list, set, deque   which objects they hold, and in which order
    array, bytearray                     the same memory, with the values that it had
    random generators                    their state

Objects of the standard library (files, locks, loggers), functions, modules and whatever is not
written in Python are kept by reference: what happens inside of them stays.
Part of `adapters`, behind `stateful`.
"""

from __future__ import annotations

import random
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ..randomness import Held
from ..space import Array, is_floating, same_bits

Restore = Callable[[], None]
SOURCES = (np.random.Generator, np.random.RandomState, random.Random)
CLOSED = (type, ModuleType, FunctionType)
HEAP_TYPE = 1 << 9  # the flag of classes made by a class statement, those run by exec among them
STANDARD_LIBRARY = sysconfig.get_path("stdlib")  # a user's code.py is none of it


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What can be reached from some objects, as it was.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> net = SimpleNamespace(W=np.ones(2), calls=0)
    >>> held, before = net.W, Snapshot.of(net)
    >>> net.W += 1
    >>> net.W, net.calls, net.cache = np.zeros(5), 7, "x"
    >>> before.restore()
    >>> net, net.W is held
    (namespace(W=array([1., 1.]), calls=0), True)
    """

    restores: tuple[Restore, ...]

    @classmethod
    def of(cls, *roots: object) -> Snapshot:
        """Remember everything that the objects hold, directly or not. Arrays are copied."""
        seen: dict[int, object] = {}  # keeps what it names alive, so that no id is used twice
        waiting: list[object] = list(roots)
        restores: list[Restore] = []
        while waiting:
            thing = waiting.pop()
            if id(thing) in seen:
                continue
            seen[id(thing)] = thing
            restores += _remember(thing)
            waiting += _held_by(thing)
        return cls(tuple(restores))

    def restore(self) -> None:
        """Put everything back; what has not changed is not touched.

        Raises
        ------
        Exception
            The first that an object raised against it, after all others have been put back.
        """
        errors = []
        for restore in self.restores:
            try:
                restore()
            except Exception as error:  # an object's own code
                errors.append(error)
        if errors:
            raise errors[0]


def attributes(thing: object) -> dict[str, Any]:
    """Return the attributes that an object has of its own; none of an object that is closed."""
    if not is_open(thing):
        return {}
    slots = {name: getattr(thing, name) for name in _slots(thing) if hasattr(thing, name)}
    return {**slots, **getattr(thing, "__dict__", {})}


def is_open(thing: object) -> bool:
    """Whether an object is of a user's class, or one derived from it: it is looked into."""
    if isinstance(thing, (*CLOSED, np.ndarray, np.generic)):
        return False
    known = isinstance(thing, SimpleNamespace) or bool(_own_classes(thing))
    return known and (hasattr(thing, "__dict__") or bool(_slots(thing)))


def _slots(thing: object) -> list[str]:
    """Name the slots of an object, as `getattr` takes them."""
    names = []
    for kind in type(thing).__mro__:
        given = kind.__dict__.get("__slots__", ())
        listed = (given,) if isinstance(given, str) else tuple(given)
        private = f"_{kind.__name__.lstrip('_')}"
        names += [
            private + name if name.startswith("__") and not name.endswith("__") else name
            for name in listed
            if name not in ("__dict__", "__weakref__")
        ]
    return names


def _held_by(thing: object) -> Iterator[object]:
    """List what an object refers to and may change."""
    if isinstance(thing, Mapping):
        yield from thing.values()
    elif isinstance(thing, (list, tuple, set, frozenset, deque)):
        yield from thing
    elif isinstance(thing, np.ndarray) and thing.dtype == object:
        yield from thing.flat
    elif isinstance(thing, MethodType):
        yield thing.__self__
    yield from attributes(thing).values()
    if is_open(thing):
        for kind in _own_classes(thing):
            yield from _class_data(kind).values()


def _own_classes(thing: object) -> list[type]:
    return [kind for kind in type(thing).__mro__ if _is_own(kind)]


def _is_own(kind: type) -> bool:
    """Whether a class is written in Python and part of neither Python itself nor NumPy."""
    if not kind.__flags__ & HEAP_TYPE:
        return False
    top = kind.__module__.partition(".")[0]
    if top not in sys.stdlib_module_names:
        return top != "numpy"
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    at_home = file is not None and Path(file).is_relative_to(STANDARD_LIBRARY)
    return top in ("__main__", "builtins") or (file is not None and not at_home)


def _class_data(kind: type) -> dict[str, Any]:
    """Return the attributes of a class that are data, such as a counter or a shared cache."""
    return {
        name: value
        for name, value in vars(kind).items()
        if not (name.startswith("__") or callable(value) or hasattr(type(value), "__get__"))
    }


def _remember(thing: object) -> list[Restore]:
    """Return what puts one object back, contents and attributes."""
    restores = []
    if isinstance(thing, np.ndarray):
        restores.append(_of_array(thing))
    elif isinstance(thing, SOURCES):
        restores.append(Held.of((thing,)).rewind)
    elif isinstance(thing, dict):
        restores.append(_of_mapping(thing))
    elif isinstance(thing, (list, deque)):
        restores.append(_of_contents(thing, lambda: list(thing), thing.extend))
    elif isinstance(thing, (set, bytearray)):
        fill = thing.update if isinstance(thing, set) else thing.extend
        restores.append(_of_contents(thing, lambda: list(thing), fill))
    if is_open(thing):
        restores.append(_of_attributes(thing))
        restores += [_of_class(kind) for kind in _own_classes(thing)]
    return restores


def _of_contents(thing: Any, read: Callable[[], list[Any]], fill: Callable[[Any], Any]) -> Restore:  # noqa: ANN401 - any container
    kept = read()

    def restore() -> None:
        if not _same_objects(read(), kept):
            thing.clear()
            fill(kept)

    return restore


def _of_mapping(thing: dict[Any, Any]) -> Restore:
    """Keep keys and values in turn, and fill in a mapping: a Counter counts anything else."""
    return _of_contents(
        thing,
        lambda: [part for item in thing.items() for part in item],
        lambda kept: thing.update(dict(zip(kept[::2], kept[1::2], strict=True))),
    )


def _same_objects(now: Iterable[Any], before: Iterable[Any]) -> bool:
    """Compare by identity: an equal object is another one to whoever holds the first."""
    a, b = list(now), list(before)
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def _of_attributes(thing: Any) -> Restore:  # noqa: ANN401 - any object
    of_dict = _of_mapping(getattr(thing, "__dict__", {}))
    slots = {name: getattr(thing, name) for name in _slots(thing) if hasattr(thing, name)}

    def restore() -> None:
        of_dict()
        for name in _slots(thing):
            if name in slots and getattr(thing, name, None) is not slots[name]:
                object.__setattr__(thing, name, slots[name])
            elif name not in slots and hasattr(thing, name):
                object.__delattr__(thing, name)

    return restore


def _of_class(kind: type) -> Restore:
    kept = _class_data(kind)

    def restore() -> None:
        now = _class_data(kind)
        for name in now.keys() - kept.keys():
            delattr(kind, name)
        for name, value in kept.items():
            if now.get(name, kept) is not value:
                setattr(kind, name, value)

    return restore


def _of_array(array: Array) -> Restore:
    kept = np.array(array, subok=False, order="K")
    writeable = bool(array.flags.writeable)

    def restore() -> None:
        with suppress(ValueError):  # memory that nobody may write to has not changed either
            if array.shape != kept.shape:
                array.flags.writeable = True
                array.resize(kept.shape, refcheck=False)
            if not _same_values(array, kept):
                array.flags.writeable = True
                array[...] = kept
            array.flags.writeable = writeable

    return restore


def _same_values(array: Array, kept: Array) -> bool:
    if is_floating(array.dtype):
        return same_bits(np.asarray(array), kept)
    if array.dtype == object:
        return _same_objects(array.flat, kept.flat)
    return array.tobytes() == kept.tobytes()
