"""Attributes of objects, and what these keep in containers, put back after a call.

Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

SHALLOW: dict[type, Callable[[Any], Any]] = {dict: dict, list: list, set: set}


@contextmanager
def attributes_kept(objects: Iterable[Any]) -> Iterator[None]:
    """Put back what a call leaves in the attributes of objects, and in containers among these."""
    found = [(each.__dict__, dict(each.__dict__)) for each in objects]
    inside = [
        (value, SHALLOW[kind](value))
        for _, attributes in found
        for value in attributes.values()
        for kind in SHALLOW
        if isinstance(value, kind)
    ]
    try:
        yield
    finally:
        for now, before in (*found, *inside):
            _restore(now, before)


def _restore(now: Any, before: Any) -> None:  # noqa: ANN401 - dict, list or set
    """Give a container its old items, if it has others; one that is frozen has none."""
    if isinstance(now, set):
        same = now == before
    else:
        pairs = zip(_flat(now), _flat(before), strict=False)
        same = len(now) == len(before) and all(new is old for new, old in pairs)
    if same:
        return
    if isinstance(now, list):
        now[:] = before
    else:
        now.clear()
        now.update(before)


def _flat(container: Any) -> Iterable[Any]:  # noqa: ANN401 - dict or list
    return chain.from_iterable(container.items()) if isinstance(container, dict) else container
