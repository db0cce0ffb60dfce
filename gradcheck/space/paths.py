"""The paths of a pytree's leaves, worked out once for each structure.

Part of `space`.
"""

from __future__ import annotations

from functools import lru_cache

import optree

MOST_KEPT = 128  # structures: those of a check are a handful


def paths_of(spec: optree.PyTreeSpec) -> tuple[str, ...]:
    """Return the path of every leaf: `x` is the root, `['W1']`, `.layers[0].bias`."""
    if all(type(entry) in (str, int) for path in spec.paths() for entry in path):
        try:
            return _kept(spec)
        except TypeError:  # a node of the caller's with a description that has no hash
            pass
    return _spelled(spec)  # 1 and True are one key of a dict, and two spellings


def _spelled(spec: optree.PyTreeSpec) -> tuple[str, ...]:
    return tuple(accessor.codify("") or "x" for accessor in spec.accessors())


_kept = lru_cache(MOST_KEPT)(_spelled)
