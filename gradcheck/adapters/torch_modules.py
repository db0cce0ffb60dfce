"""A module as a function of its parameters, buffers and inputs, called without leaving a trace.

Part of `adapters`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from ..records import PyTree, UsageError
from .attributes import attributes_kept
from .torch_tensors import Call, Tensor, moves


def tree_of(module: Any, inputs: tuple[Any, ...]) -> tuple[OrderedDict[str, Any], str]:  # noqa: ANN401
    """Return parameters and buffers by name with the inputs, and the name of the inputs.

    Raises
    ------
    UsageError
        If nothing of it requires a gradient, or a parameter has no values yet.
    """
    tree: OrderedDict[str, Any] = OrderedDict(module.named_parameters())
    tree.update(module.named_buffers())
    for name, tensor in tree.items():
        if nn.parameter.is_lazy(tensor):
            raise UsageError(f"{name} has no values yet: call the module once, module(*inputs).")
    key = "inputs" if "inputs" not in tree else "inputs of the module"
    tree[key] = inputs
    if not any(map(moves, (*tree.values(), *inputs))):
        raise UsageError(
            f"no parameter of this {type(module).__name__} and no input requires a gradient: call "
            f".requires_grad_() on what is to be differentiated."
        )
    return tree, key


def call_of(module: Any, key: str, loss: Callable[[Any], Tensor] | None) -> Call:  # noqa: ANN401
    """Make the function of that tree."""

    def call(tree: PyTree, then: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - what `then` returns
        state = {f"module.{name}": value for name, value in tree.items() if name != key}

        def finish(output: Any) -> Any:  # noqa: ANN401 - as above
            return then(output if loss is None else _scalar(loss(output)))

        return functional_call(_Then(module, finish), state, tree[key])

    return call


def _scalar(value: Any) -> Tensor:  # noqa: ANN401 - what a loss returned
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return value.reshape(())
    kind = f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else repr(type(value))
    raise UsageError(
        f"loss returned {kind}, but it must return a tensor of one number, such as a mean; leave "
        f"it out to check the outputs themselves."
    )


class _Then(nn.Module):  # type: ignore[misc] # torch may not be installed where types are checked
    """A module and what is done with its output while it has the tensors that it was lent.

    A backward pass may call the module once more, as activation checkpoints do.
    """

    def __init__(self, module: Any, then: Callable[[Any], Any]) -> None:  # noqa: ANN401
        super().__init__()
        self.module, self.then = module, then

    def forward(self, *inputs: Any) -> Any:  # noqa: ANN401 - what the module takes
        return self.then(self.module(*inputs))


@contextmanager
def kept(module: Any) -> Iterator[None]:  # noqa: ANN401 - of torch
    """Put back what a call leaves in a module: attributes, what it keeps in containers, tensors."""
    modules = list(module.modules())
    tensors = [
        (value, value.detach().clone())
        for each in modules
        for value in each.__dict__.values()
        if isinstance(value, torch.Tensor)
    ]
    try:
        with attributes_kept(modules):
            yield
    finally:
        for tensor, before in tensors:
            if not torch.equal(tensor, before):
                with torch.no_grad():
                    tensor.copy_(before)
