"""Arrays as bytes and back, bit for bit: what is kept in a file and must not be code when read.

Part of `execution`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from ..space import Array


def encode(arrays: Mapping[str, Array]) -> bytes:
    """Write arrays by name: their number, each one's name, dtype and shape, then the values.

    Examples
    --------
    >>> import numpy as np
    >>> decode(encode({"x": np.array([1.5, -0.0])}))
    {'x': array([ 1.5, -0. ])}
    """
    head = [[name, _kind(array), list(array.shape)] for name, array in arrays.items()]
    text = json.dumps(head).encode()
    values = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    return len(text).to_bytes(8, "little") + text + values


def _kind(array: Array) -> str:
    """Name a dtype; one that NumPy has not, such as bfloat16, has a name only."""
    return array.dtype.name if array.dtype.kind == "V" else array.dtype.str


def decode(data: bytes) -> dict[str, Array]:
    """Read what `encode` wrote."""
    start = 8 + int.from_bytes(data[:8], "little")
    arrays = {}
    for name, dtype, shape in json.loads(data[8:start]):
        kind, count = np.dtype(dtype), int(np.prod(shape, dtype=np.int64))
        values = np.frombuffer(data, kind, count, start)
        arrays[name] = values.reshape(shape).copy()
        start += count * kind.itemsize
    return arrays
