"""Arrays of other libraries, by the array API standard: read into NumPy's, and written back.

Directions and error bars are computed on the host, in NumPy; what `f` and the claim are handed is
of the library, dtype and device that the point is of.
Part of `space`.
"""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np

from ..records import UsageError
from .arrays import Array, is_brain, is_floating

NATIVE = "biufc"  # kinds of dtypes that NumPy computes with
PLAIN = (np.ndarray, np.generic, float, int)  # no need to ask whose they are


def is_foreign(value: object) -> bool:
    """Whether a value is an array that follows the array API standard, and not NumPy's."""
    return not isinstance(value, PLAIN) and array_api_compat.is_array_api_obj(value)


def is_array(value: object) -> bool:
    """Whether a value is an array, of whatever library."""
    return isinstance(value, np.ndarray) or is_foreign(value)


def is_writeable(value: object) -> bool:
    """Whether an array's entries can be replaced in place, as JAX's cannot."""
    return isinstance(value, np.ndarray) or (
        is_foreign(value) and bool(array_api_compat.is_writeable_array(value))
    )


def read(value: Any) -> Array:  # noqa: ANN401 - an array of any library
    """Copy an array into one of NumPy's; floating numbers that NumPy has not become float32.

    So does bfloat16 of torch where ml_dtypes, which has it for NumPy, is not installed.

    Raises
    ------
    UsageError
        If NumPy has nothing like it.
    """
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    try:
        array = _on_the_host(value)
        if not (array.dtype.kind in NATIVE or is_floating(array.dtype)):  # eight bits, of JAX
            array = array.astype(np.float32)
    except Exception as error:  # foreign code may raise anything
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise UsageError(
            f"a {kind} of dtype {getattr(value, 'dtype', '?')} cannot be read as a NumPy array: "
            f"{error}"
        ) from error
    return np.array(array)


def _on_the_host(value: Any) -> Array:  # noqa: ANN401 - as above
    """Return it as NumPy's, perhaps in shared memory."""
    if array_api_compat.is_torch_array(value):
        value = value.detach().cpu().resolve_conj().resolve_neg()
        return _brain(value) if str(value.dtype) == "torch.bfloat16" else np.asarray(value)
    if array_api_compat.is_cupy_array(value):
        return np.asarray(value.get())
    return np.asarray(value)


def brain_dtype() -> np.dtype[Any] | None:
    """Return the bfloat16 that ml_dtypes has for NumPy; None where that is not installed."""
    try:
        import ml_dtypes  # an extra: only torch has such numbers without it
    except ModuleNotFoundError:
        return None
    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype


def _brain(tensor: Any) -> Array:  # noqa: ANN401 - of torch, which may not be installed
    """Read a tensor of bfloat16 by its bits."""
    dtype = brain_dtype()
    if dtype is None:
        return np.asarray(tensor.float())
    namespace = array_api_compat.array_namespace(tensor)
    return np.asarray(tensor.contiguous().view(namespace.int16)).view(dtype)


def write(values: Array, like: Any) -> Any:  # noqa: ANN401 - an array of any library
    """Make an array of the library and on the device of another one, in the dtype of the values.

    Raises
    ------
    UsageError
        If the library has no such dtype, such as longdouble.
    """
    if isinstance(like, np.ndarray):
        return values
    namespace = array_api_compat.array_namespace(like)
    try:
        made = _made(namespace, values.copy(order="K"))
        device = array_api_compat.device(like)
        return made if device == "cpu" else array_api_compat.to_device(made, device)
    except Exception as error:  # foreign code may raise anything
        raise UsageError(
            f"{namespace.__name__} has no array like one of dtype {values.dtype}: {error}"
        ) from error


def _made(namespace: Any, values: Array) -> Any:  # noqa: ANN401 - an array of the library
    if is_brain(values.dtype) and array_api_compat.is_torch_namespace(namespace):
        return namespace.asarray(values.view(np.int16)).view(namespace.bfloat16)
    return namespace.asarray(values)


def overwrite(target: Any, values: Array) -> None:  # noqa: ANN401 - as above
    """Replace the entries of an array in place, where its library allows that."""
    if isinstance(target, np.ndarray):
        np.copyto(target, values)
    elif is_writeable(target):
        if array_api_compat.is_torch_array(target):
            target = target.detach()  # the same memory; a leaf of autograd forbids writing to it
        target[...] = write(values, target)
