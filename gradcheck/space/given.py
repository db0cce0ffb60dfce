"""Values in the type that the caller gave: an array of a library, a NumPy scalar, a number.

Part of `space`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Array
from .foreign import hand_over, is_array, is_foreign, write


def written(values: Array, given: Any) -> Any:  # noqa: ANN401 - the caller's own type
    """Return an array of the caller's library, or a NumPy scalar for a number."""
    return write(values, given) if is_array(given) else values[()]


def copied(values: Any, given: Any) -> Any:  # noqa: ANN401 - as above
    """Copy values, into an array of the caller's library where the caller used one."""
    return write(values, given) if is_foreign(given) else np.array(values, order="K")


def handed_over(values: Array, given: Any) -> Any:  # noqa: ANN401 - as above
    """Do so with values that nobody else holds."""
    return hand_over(values, given) if is_foreign(given) else values


def wrap(values: Any, given: Any) -> Any:  # noqa: ANN401 - the caller's own type
    """Wrap values in the type that the caller used: array, NumPy scalar or Python number."""
    if isinstance(given, np.ndarray) or is_foreign(values):
        return values
    if is_foreign(given):
        return write(values, given)
    if isinstance(given, (float, complex)) and not isinstance(given, np.generic):
        return type(given)(values[()])
    return values[()]  # NumPy's own, also for what is none of these, such as integer outputs
