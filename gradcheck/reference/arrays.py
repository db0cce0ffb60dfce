"""The types that the reference network speaks in.

Owns: the names Array, Scalar, Cache and Params. Does not own any computation.
Place: at the bottom; every file of this package may import it, it imports none of them.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
"""float32, float64 or longdouble, and complex128 where a formula is analytic."""

Scalar: TypeAlias = np.number[Any]
"""A NumPy scalar of the dtype of the arrays that it was computed from."""

Cache: TypeAlias = Any
"""A plain array or tuple that a forward returns and only its own backward reads."""

Params: TypeAlias = dict[str, Array]
"""Weights W1, W2, ... of shape (n_in, n_out) and biases b1, b2, ... of shape (n_out,)."""
