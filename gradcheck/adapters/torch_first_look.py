"""A first look at a function: what it returns, and whether it reads its inputs by themselves.

Such a function would be called with moved copies and not answer: a constant, of which a claimed
zero is right.
Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..records import Cause, Finding, UsageError
from .torch_tensors import Run, Tensor, Translated, moves

Node = Any  # of the graph that autograd goes backward through


@dataclass(frozen=True)
class FirstLook:
    """What one evaluation shows.

    Attributes
    ----------
    outputs, detached : tuple of str
        The paths of what can be differentiated, and of the floating tensors that are cut off.
    reached : str or None
        The path of an input that is part of the graph itself.
    """

    outputs: tuple[str, ...]
    detached: tuple[str, ...]
    reached: str | None

    def require_outputs(self) -> None:
        """Require something to differentiate.

        Raises
        ------
        UsageError
            If there is nothing.
        """
        if not self.outputs:
            raise UsageError(
                "no floating or complex tensor was returned: there is nothing to differentiate; "
                "return tensors, also in a tuple, list, dict or dataclass."
            )

    def require_arguments(self) -> None:
        """Require that no input is reached but through the arguments.

        Raises
        ------
        UsageError
            If an input itself is part of the graph of the outputs.
        """
        if self.reached is not None:
            raise UsageError(
                f"the function reads inputs{self.reached} itself, not its argument, so it would "
                f"not answer when that is moved; use the arguments. A module has its parameters in "
                f"itself: check_module(module, *inputs) of gradcheck.adapters.torch checks it, or "
                f"call it by torch.func.functional_call."
            )

    def remarks(self) -> Iterator[Finding]:
        """Say which floating outputs nothing can be asked of, as they are cut off."""
        if self.detached:
            yield Finding(
                Cause.DETACHED,
                f"output {', '.join(self.detached)} requires no gradient, so it was left out: "
                f"right where it is detached on purpose.",
            )


def first_look(translated: Translated) -> FirstLook | None:
    """Call the function once; None where it raises, which the check will say.

    Raises
    ------
    UsageError
        If the call makes no sense, such as a loss that is no number.
    """

    def look(run: Run) -> FirstLook:
        return FirstLook(tuple(run.outputs), run.detached, _reached(translated, run))

    try:
        seen: FirstLook = translated.run(translated.point, look)
    except UsageError:
        raise
    except Exception:  # the caller's code
        return None
    return seen


def _reached(translated: Translated, run: Run) -> str | None:
    """Return the path of an input that the graph of the outputs leads to, if any."""
    nodes = list(_graph(list(run.outputs.values())))
    reached = {id(getattr(node, "variable", None)) for node in nodes} | {id(n) for n in nodes}
    for path, value in zip(translated.paths, translated.given, strict=True):
        if moves(value) and {id(value), id(value.grad_fn)} & reached - {id(None)}:
            return path
    return None


def _graph(outputs: list[Tensor]) -> Iterator[Node]:
    """List the nodes from the outputs to the leaves, each once."""
    waiting, seen = [y.grad_fn for y in outputs if y.grad_fn is not None], set()
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting += [before for before, _ in node.next_functions if before is not None]
