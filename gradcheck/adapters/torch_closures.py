"""A function that reads its inputs by themselves, and not its arguments.

It would be called with moved copies and not answer: a constant, of which a claimed zero is right.
Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..records import UsageError
from .torch_tensors import Tensor, Translated, moves

Node = Any  # of the graph that autograd goes backward through


def require_arguments(translated: Translated) -> None:
    """Require that no input is reached but through the arguments.

    Costs one evaluation. Where the function raises, the check says so.

    Raises
    ------
    UsageError
        If an input itself is part of the graph of the outputs.
    """
    try:
        nodes = translated.run(
            translated.point, lambda run: list(_graph(list(run.outputs.values())))
        )
    except Exception:  # the caller's code
        return
    reached = {id(getattr(node, "variable", None)) for node in nodes} | {id(n) for n in nodes}
    pairs = zip(translated.paths, translated.given, strict=True)
    for path, value in pairs:
        if moves(value) and {id(value), id(value.grad_fn)} & reached - {id(None)}:
            raise UsageError(
                f"the function reads inputs{path} itself, not its argument, so it would not answer "
                f"when that is moved; use the arguments. A module has its parameters in itself: "
                f"check_module(module, *inputs) of gradcheck.adapters.torch checks it, or call it "
                f"by torch.func.functional_call."
            )


def _graph(outputs: list[Tensor]) -> Iterator[Node]:
    """List the nodes from the outputs to the leaves, each once."""
    waiting, seen = [y.grad_fn for y in outputs if y.grad_fn is not None], set()
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting += [before for before, _ in node.next_functions if before is not None]
