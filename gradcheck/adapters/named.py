"""A point whose leaves have names of a library's own, such as `[0]['W']` or `dense/kernel`.

Part of `adapters`.
"""

from __future__ import annotations

from typing import Any

import optree

from ..space import NAMESPACE

__all__ = ["Named"]


class Named(dict[str, Any]):
    """Leaves by the names that a library gives them, such as `[0]['W']` or `[1].weight`."""


class _NamedEntry(optree.PyTreeEntry):
    """A step into a `Named`: its name is the whole path already."""

    __slots__ = ()

    def codify(self, /, node: str = "") -> str:
        return f"{node}{self.entry}"


def _taken_apart(named: Any) -> Any:  # noqa: ANN401 - optree takes a Named for its keys
    return tuple(named.values()), tuple(named), tuple(named)


def _put_together(names: Any, leaves: Any) -> Named:  # noqa: ANN401 - likewise
    return Named(zip(names, leaves, strict=True))


optree.register_pytree_node(
    Named, _taken_apart, _put_together, path_entry_type=_NamedEntry, namespace=NAMESPACE
)
