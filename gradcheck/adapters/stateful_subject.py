"""A network as a function of its own parameters, and the gradient that it claims.

Writes a point into the network, calls what a training loop calls, and reads what comes of it.
Part of `adapters`, behind `stateful`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import optree

from ..execution import copied, describe
from ..records import Cause, Finding, Report, UsageError
from ..space import NAMESPACE
from .stateful_conventions import Call, Step
from .stateful_gradients import Gradients, Grads, find_gradients
from .stateful_paths import Slot


@dataclass(frozen=True, eq=False)
class Asked:
    """What the caller said."""

    net: Any
    args: tuple[Any, ...]
    params: list[str] | None
    grads: Grads
    loss: Step
    backward: Step


# --- the parameters as a point --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Values:
    """Arrays by path: the point, and the gradient, as a pytree whose leaves are named by paths."""

    arrays: Mapping[str, Any]


class _ByPath(optree.PyTreeEntry):
    """Names a leaf by the path itself, as the user would write it."""

    def __call__(self, obj: Values) -> Any:  # noqa: ANN401 - an array
        return obj.arrays[self.entry]

    def codify(self, node: str = "") -> str:
        return f"{node}{self.entry}"


def _flattened(values: Any) -> tuple[tuple[Any, ...], tuple[str, ...], tuple[str, ...]]:  # noqa: ANN401
    paths = tuple(values.arrays)
    return tuple(values.arrays.values()), paths, paths


def _rebuilt(paths: Any, arrays: Any) -> Any:  # noqa: ANN401 - as optree types them
    return Values(dict(zip(paths, arrays, strict=True)))


optree.register_pytree_node(
    Values,  # type: ignore[arg-type]  # which optree wants to be a container of its own kind
    _flattened,
    _rebuilt,
    path_entry_type=_ByPath,
    namespace=NAMESPACE,
)


# --- the network as a function of them ------------------------------------------------------


@dataclass(eq=False)
class Subject:
    """The network as a function of its parameters, and the gradient that it claims.

    Attributes
    ----------
    changed : dict of str to str
        By parameter, the call that changed it.
    """

    asked: Asked
    loss: Call
    backward: Call | None
    slots: tuple[Slot, ...]
    gradients: Gradients | None = None
    remarks: tuple[Finding, ...] = ()
    changed: dict[str, str] = field(default_factory=dict)

    def point(self) -> Values:
        """Copy the parameters."""
        return Values({slot.path: slot.value() for slot in self.slots})

    def value(self, point: Values) -> Any:  # noqa: ANN401 - what the loss is
        """Compute the loss at a point."""
        self._move_to(point)
        value = self.loss.make()
        self._look_for_changes(point, self.loss)
        return value[0] if is_pair(value) else value

    def gradient(self, point: Values) -> Values:
        """Go forward and backward at a point, and read the gradients."""
        self._move_to(point)
        returned = self.pass_once(point)
        if self.gradients is None:  # the first pass raised
            self.gradients = find_gradients(self.slots, self.asked.grads, self.asked.net, returned)
        read = self.gradients.read(self.asked.net, returned)
        return Values(dict(zip((slot.path for slot in self.slots), read, strict=True)))

    def pass_once(self, point: Values | None = None) -> Any:  # noqa: ANN401 - foreign
        """Call what a training loop calls; returns what holds the gradients, if it is returned."""
        value = self.loss.make()
        self._look_for_changes(point, self.loss)
        if self.backward is None:
            return _gradients_beside(value, self.loss)
        returned = self.backward.make()
        self._look_for_changes(point, self.backward)
        return returned

    def _move_to(self, point: Values) -> None:
        for slot in self.slots:
            slot.write(point.arrays[slot.path])

    def _look_for_changes(self, point: Values | None, call: Call) -> None:
        """Carry a change of the parameters over to the point, where the contract looks for it."""
        if point is None:
            return
        for slot in self.slots:
            values = point.arrays[slot.path]
            if not slot.holds(values):
                self.changed.setdefault(slot.path, call.words)
                now = copied(slot.live)
                fits = now.shape == values.shape and now.dtype == values.dtype
                values[...] = now if fits else np.nan

    def in_its_words(self, report: Report) -> Report:
        """Say which call changed a parameter, in place of what is said of a function's input."""
        said = tuple(
            replace(finding, message=self._on_change(str(finding.leaf)))
            if finding.cause is Cause.MUTATED_INPUT and finding.leaf in self.changed
            else finding
            for finding in report.findings
        )
        return replace(report, findings=said)

    def _on_change(self, path: str) -> str:
        mend = (
            "; if it is no parameter, name those that are: params=[...]"
            if self.asked.params is None
            else ""
        )
        return (
            f"{self.changed[path]} changes the parameter {path} itself, so every later value is "
            f"taken at another point: update parameters after the backward pass, not in it, and "
            f"compute with copies{mend} ({path} was restored)."
        )


def is_pair(value: object) -> bool:
    """Whether a loss came with gradients: a number, and what may hold arrays."""
    return (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and copied(value[0]).size == 1
        and isinstance(value[1], (Mapping, list, tuple, np.ndarray))
    )


def _gradients_beside(value: object, loss: Call) -> Any:  # noqa: ANN401 - foreign
    if is_pair(value):
        return value[1]  # type: ignore[index]
    raise UsageError(
        f"{loss.words} returned {describe(value)} and no gradients beside it, and there is no "
        f"backward pass: write how it is called, backward=lambda net: net.backward(...)."
    )
