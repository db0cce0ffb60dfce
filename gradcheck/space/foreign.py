"""Arrays of other libraries, by the array API standard: read into NumPy's, and written back.

Directions and error bars are computed on the host, in NumPy; what `f` and the claim are handed is
of the library, dtype and device that the point is of. What need not be read is copied and compared
where it lies; so are large points moved, in `on_device`.
Part of `space`.
"""

from __future__ import annotations

import math
from typing import Any

import array_api_compat
import numpy as np

from ..records import UsageError
from .arrays import Array, is_brain, is_floating, same_bits
from .sparse import is_sparse, values_of, with_values

NATIVE = "biufc"  # kinds of dtypes that NumPy computes with
HOSTED = (1, 3, 11)  # kinds of devices, by DLPack, in whose memory NumPy can look
# Of fewer entries, what travels is thought to cost less than the calls that would spare it. JAX
# compiles each operation for each shape: 0.3 s for a leaf, in which 4 million numbers are moved on
# the host (both measured) a few times over.
FEWEST = 2**16
FEWEST_TO_COMPILE = 2**22
STRIDED = "torch.strided"
PLAIN = (np.ndarray, np.generic, float, int)  # no need to ask whose they are


def is_foreign(value: object) -> bool:
    """Whether a value is an array that is not NumPy's: of the array API standard, or sparse."""
    return not isinstance(value, PLAIN) and (
        array_api_compat.is_array_api_obj(value) or is_sparse(value)
    )


def is_array(value: object) -> bool:
    """Whether a value is an array, of whatever library."""
    return isinstance(value, np.ndarray) or is_foreign(value)


def is_writeable(value: object) -> bool:
    """Whether an array's entries can be replaced in place, as JAX's cannot."""
    return isinstance(value, np.ndarray) or (
        is_foreign(value) and (is_sparse(value) or bool(array_api_compat.is_writeable_array(value)))
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
    return np.array(_seen(value))


def _seen(value: Any) -> Array:  # noqa: ANN401 - an array of any library
    """Read as `read` does, perhaps in shared memory, which is not to be written to."""
    if isinstance(value, np.ndarray):
        return value
    if is_sparse(value):
        return values_of(value)
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
    return array


def _on_the_host(value: Any) -> Array:  # noqa: ANN401 - as above
    """Return it as NumPy's, perhaps in shared memory."""
    if array_api_compat.is_torch_array(value):
        value = dense(_plain(value)).cpu()
        return _brain(value) if str(value.dtype) == "torch.bfloat16" else np.asarray(value)
    if array_api_compat.is_cupy_array(value):
        return np.asarray(value.get())
    try:
        return np.asarray(value)
    except Exception as error:  # it lies where NumPy does not look; the standard's way is longer
        try:
            return np.asarray(np.from_dlpack(value, device="cpu"))  # of NumPy 2.1 and later
        except Exception:
            raise error from None


def is_laid_out(value: Any) -> bool:  # noqa: ANN401 - as above
    """Whether each entry has a place of its own in memory, as in a sparse tensor it has not."""
    return str(getattr(value, "layout", STRIDED)) == STRIDED


def dense(value: Any) -> Any:  # noqa: ANN401 - as above
    """Give a sparse tensor such places, as for a gradient of an embedding that is one."""
    return value if is_laid_out(value) else value.to_dense()


def _plain(value: Any) -> Any:  # noqa: ANN401 - as above
    """Return an array's numbers, without what torch may still have to do with them."""
    if array_api_compat.is_torch_array(value):
        return value.detach().resolve_conj().resolve_neg()
    return value


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


def write(values: Any, like: Any) -> Any:  # noqa: ANN401 - an array of any library
    """Make an array of the library and on the device of another one, in the dtype of the values.

    Raises
    ------
    UsageError
        If the library has no such dtype, such as longdouble.
    """
    return hand_over(values if isinstance(like, np.ndarray) else values.copy(order="K"), like)


def hand_over(values: Array, like: Any) -> Any:  # noqa: ANN401 - as above
    """Do so with values that nobody else holds, for their memory may be shared."""
    if isinstance(like, np.ndarray):
        return values
    if is_sparse(like):
        return with_values(values, like)
    namespace = array_api_compat.array_namespace(like)
    try:
        made = _made(namespace, values, like)
        device = array_api_compat.device(like)
        return made if device == "cpu" else array_api_compat.to_device(made, device)
    except Exception as error:  # foreign code may raise anything
        raise UsageError(
            f"{namespace.__name__} has no array like one of dtype {values.dtype}: {error}"
        ) from error


def _made(namespace: Any, values: Array, like: Any) -> Any:  # noqa: ANN401 - of the library
    if is_brain(values.dtype) and array_api_compat.is_torch_namespace(namespace):
        return namespace.asarray(values.view(np.int16)).view(namespace.bfloat16)
    made = namespace.asarray(values)
    if array_api_compat.is_dask_array(like) and made.shape == like.shape:
        return made.rechunk(like.chunks)
    return made


def overwrite(target: Any, values: Any) -> None:  # noqa: ANN401 - as above
    """Replace the entries of an array in place, where its library allows that."""
    if isinstance(target, np.ndarray) or is_sparse(target):
        np.copyto(target if isinstance(target, np.ndarray) else values_of(target), values)
    elif is_writeable(target):
        if array_api_compat.is_torch_array(target):
            target = target.detach()  # the same memory; a leaf of autograd forbids writing to it
        target[...] = values if is_foreign(values) else write(values, target)


# --- arrays that are copied and compared where they lie -----------------------------------------


def is_far(value: Any) -> bool:  # noqa: ANN401 - as above
    """Whether an array is large, and in memory that NumPy does not reach, as on a GPU."""
    compiles = array_api_compat.is_jax_array(value)
    if math.prod(value.shape) < (FEWEST_TO_COMPILE if compiles else FEWEST):
        return False
    try:
        return int(value.__dlpack_device__()[0]) not in HOSTED
    except Exception:  # not known to the standard, as dask's, which is anywhere
        return False


def duplicate(value: Any) -> Any:  # noqa: ANN401 - as above
    """Copy a foreign array to where it lies, in the order in which it lies in memory."""
    value = _plain(value)
    return array_api_compat.array_namespace(value).asarray(value, copy=True)


def keep(value: Any) -> Any:  # noqa: ANN401 - as above
    """Copy an array for `unchanged` to compare with: where it lies, if that is far."""
    return duplicate(value) if is_far(value) else read(value)


def unchanged(now: Any, before: Any) -> bool:  # noqa: ANN401 - as above
    """Whether an array is, bit for bit, what it was when `before` was copied from it."""
    if is_foreign(before) and is_foreign(now):
        if now.dtype != before.dtype or tuple(now.shape) != tuple(before.shape):
            return False
        try:
            if _same_there(_plain(now), before):
                return True
        except Exception:  # foreign code; they may have come to lie on two devices
            pass  # the host can do it too
    return same_bits(_seen(now), _seen(before))


def _same_there(now: Any, before: Any) -> bool:  # noqa: ANN401 - as above
    """Compare two arrays of one dtype and shape on their device; NaN may count as changed."""
    namespace = array_api_compat.array_namespace(now, before)
    if namespace.isdtype(now.dtype, ("bool", "integral")):
        return bool(namespace.all(now == before))
    if namespace.isdtype(now.dtype, "complex floating"):
        parts = (namespace.real, namespace.imag)
        return all(_same_there(part(now), part(before)) for part in parts)
    if hasattr(now, "view"):  # bits, for to a library without subnormal numbers these are zeros
        bits = getattr(namespace, f"int{8 * now.dtype.itemsize}")
        return bool(namespace.all(now.view(bits) == before.view(bits)))
    signs = namespace.signbit(now) == namespace.signbit(before)
    return bool(namespace.all((now == before) & signs))
