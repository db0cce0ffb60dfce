"""Putting single arrays right, in place, whatever a call has done to them.

Part of `space`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from ..records import UsageError
from .foreign import is_foreign, overwrite, unchanged
from .sparse import is_sparse, values_of


def overwrite_unless_locked(handed: Any, values: Any) -> None:  # noqa: ANN401 - of any library
    """Write values into an array of ours, unless a call has locked or reshaped it."""
    locked = isinstance(handed, np.ndarray) and not handed.flags.writeable
    shape = values_of(handed).shape if is_sparse(handed) else getattr(handed, "shape", None)
    if handed is not None and not locked and shape == values.shape:
        overwrite(handed, values)


def differs(now: Any, before: Any) -> bool:  # noqa: ANN401 - as above
    """Whether an array is another one, bit for bit, than it was; or none, as JAX deletes some."""
    if now is None or before is None:
        return False
    try:
        return not unchanged(now, before)
    except UsageError:  # it could be read before
        return True


def write_back(given: Any, before: Any) -> None:  # noqa: ANN401 - arrays, never None
    """Put the caller's array right in place, also where it was reshaped, resized or locked."""
    if is_foreign(given):
        overwrite(given, before)
        return
    try:
        given.flags.writeable = True
        if given.shape != before.shape:
            given.resize(before.shape, refcheck=False)
        given[...] = before
    except (ValueError, TypeError):
        pass  # memory that nobody may write to; the finding is made all the same


def lock_as_before(given: Any, writeable: bool) -> None:  # noqa: ANN401, FBT001 - NumPy's flag
    """Let the array be written to, or not, as it could be before."""
    if isinstance(given, np.ndarray) and given.flags.writeable is not writeable:
        with suppress(ValueError):  # memory that nobody may write to
            given.flags.writeable = writeable
