"""Stacks of points for a function of tensors, by `torch.func.vmap`.

Owns the calling of a translated function with leading axes; what vmap cannot do it raises, and the
check goes on with single points.
Part of `adapters`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.func import vmap

from ..records import PyTree
from .torch_arrays import Array, as_array, as_tensor
from .torch_tensors import Tensor, Translated, carried, tensors_in


def stacked(own: Translated) -> Callable[[PyTree], list[Array]]:
    """Return what computes the outputs of a stack of points: those that it has for one point.

    Each point of a stack meets the same random numbers.
    """
    known: list[Sequence[str]] = []

    def outputs(stack: PyTree) -> list[Array]:
        if not known:
            known.append(own.run(own.point, lambda run: tuple(run.outputs)))
        return _called(own, own.flat(stack), known[0])

    return outputs


def _called(own: Translated, arrays: Sequence[Any], paths: Sequence[str]) -> list[Array]:
    pairs = list(zip(arrays, own.given, strict=True))
    finer = any(a is not None and a.dtype.itemsize > value.dtype.itemsize for a, value in pairs)
    apart = [None if a is not None else carried(value, finer=finer) for a, value in pairs]

    def read(output: Any) -> tuple[Tensor, ...]:  # noqa: ANN401 - whatever is returned
        found = dict(tensors_in(output))
        return tuple(found[path] for path in paths)

    def one(leaves: list[Tensor]) -> Any:  # noqa: ANN401 - of `read`
        moving = iter(leaves)
        values = [
            c if a is None else next(moving).clone() for a, c in zip(arrays, apart, strict=True)
        ]
        return own.call(own.unflatten(values), read)

    with own.still.kept(), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of what vmap does row by row
        leaves = [as_tensor(a, device=v.device) for a, v in pairs if a is not None]
        found = vmap(one, randomness="same")(leaves)
        return [as_array(y, "an output") for y in found]
