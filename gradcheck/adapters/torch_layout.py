"""A copy of a tensor in memory laid out as that of another.

Part of `adapters`.
"""

from __future__ import annotations

from typing import Any

try:
    import torch
except ModuleNotFoundError as error:
    message = "gradcheck's checks of torch need torch: pip install torch"
    raise ImportError(message) from error

Tensor = Any  # torch may not be installed where types are checked


def laid_out_like(model: Tensor, source: Tensor) -> Tensor:
    """Copy a tensor, as one that may be changed in place, into memory laid out as the model's.

    Where entries of the model share memory, as where it is expanded, they cannot move one by one:
    the copy is contiguous.
    """
    if model.is_contiguous():
        plain = source.clone(memory_format=torch.contiguous_format)
        if plain.stride() == model.stride():  # an axis of length one may have any stride
            return plain
    if _overlaps(model):
        return source.clone(memory_format=torch.contiguous_format)
    new = torch.empty_strided(model.shape, model.stride(), dtype=source.dtype, device=source.device)
    with torch.no_grad():  # what lies between the entries is the same at every call
        whole = new.untyped_storage().nbytes() // new.element_size()
        new.as_strided((whole,), (1,)).zero_()
    return new.copy_(source)


def _overlaps(tensor: Tensor) -> bool:
    """Whether entries may share memory."""
    reach = 0
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride <= reach:
            return True
        reach += (size - 1) * stride
    return False
