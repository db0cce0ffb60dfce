"""One tensor as an array and back, also of bfloat16, which NumPy has through ml_dtypes.

Part of `adapters`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..records import UsageError
from ..space import is_brain, read

try:
    import torch
except ModuleNotFoundError as error:
    message = "gradcheck's checks of torch need torch: pip install torch"
    raise ImportError(message) from error

Array = npt.NDArray[Any]
Tensor = Any  # torch may not be installed where types are checked


def as_tensor(array: Array, **options: Any) -> Tensor:  # noqa: ANN401 - torch's own
    """Copy an array, bfloat16 as float32, of which it is a part and which torch can read."""
    if not is_brain(array.dtype):
        return torch.tensor(array, **options)
    return torch.tensor(array.astype(np.float32), **{"dtype": torch.bfloat16, **options})


def like(tensor: Tensor, array: Array) -> Tensor:
    """Copy an array, in the dtype and on the device of a tensor."""
    return as_tensor(array, dtype=tensor.dtype, device=tensor.device)


def as_point(tensor: Tensor, what: str) -> Array:
    """Return a copy as an array of the same dtype, also of bfloat16 if ml_dtypes is there."""
    if tensor.layout != torch.strided:
        raise UsageError(
            f"{what} is a tensor of {tensor.dtype}, {tensor.layout}, which has no entries to move "
            f"one by one; make its values the input, and build the tensor in the function, such as "
            f"torch.sparse_coo_tensor(indices, values, shape)."
        )
    array = as_array(tensor, what)
    if tensor.dtype == torch.bfloat16 and not is_brain(array.dtype):
        raise UsageError(
            f"{what} is a tensor of torch.bfloat16, which NumPy has through ml_dtypes: pip install "
            f"ml_dtypes; or give it as float32."
        )
    return array


def as_array(tensor: Tensor, what: str) -> Array:
    """Return a copy as an array of the same dtype; of float32 where bfloat16 is not to be had.

    A gradient may be sparse, as that of an embedding; it is read as the dense one that it stands
    for.

    Raises
    ------
    UsageError
        If NumPy has no such array.
    """
    try:
        tensor = tensor if tensor.layout == torch.strided else tensor.to_dense()
        if tensor.dtype == torch.bfloat16:
            return read(tensor)
        array: Array = np.array(tensor.numpy(force=True))
    except (TypeError, RuntimeError, NotImplementedError) as error:
        kind = f"{tensor.dtype}, {tensor.layout}"
        raise UsageError(
            f"{what} is a tensor of {kind}, which NumPy has not: {error}; give it as float32 or "
            f"float64."
        ) from error
    return array
