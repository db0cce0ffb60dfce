"""What is to be checked.

Part of `records`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np

from .errors import UsageError
from .words import Kind

PyTree = Any
"""Arrays nested in dicts, lists, tuples, namedtuples or registered dataclasses."""


@dataclass(frozen=True)
class Problem:
    """A function, the derivative claimed for it, and the point where to compare the two.

    Attributes
    ----------
    f : callable
        `f(x)`; a real scalar for `Kind.GRAD`, a pytree of arrays for the others.
    claim : callable, pytree or True
        GRAD: `claim(x)`, or the gradient itself, or True if `f` returns `(value, gradient)`.
        VJP: `claim(x, cotangent)`. JVP: `claim(x, tangent)`.
    x : pytree
        The point; its floating and complex arrays and scalars are the leaves that are tested.
    kind : Kind
        What the claim is.
    name : str
        A name for the report.
    random : object or tuple of objects
        Sources of randomness to hold still, see `gradcheck.randomness`; kept as a tuple.
    reference : callable or None
        `reference(x)`: the same function as `f`, computed in more digits, to judge the claim
        against. Its leaves come in float64 where those of `f` are coarser.
    bounds : object or None
        What the point must not leave, see `gradcheck.PointOptions`.
    batched : bool, int, "auto" or callable
        Whether `f`, or another callable in its place, takes stacks of points, see
        `gradcheck.Options`.
    tangent : object or None
        Which directions are admissible, see `gradcheck.PointOptions`.
    retraction : callable or None
        Where these lead, see there.

    Raises
    ------
    UsageError
        If `f` is not callable, or the claim does not suit the kind.
    """

    f: Callable[..., Any]
    claim: Callable[..., Any] | PyTree | Literal[True]
    x: PyTree
    kind: Kind = Kind.GRAD
    name: str = ""
    random: Any = ()
    reference: Callable[..., Any] | None = None
    bounds: Any = None
    batched: Callable[..., Any] | bool | int | Literal["auto"] = False
    tangent: Any = None
    retraction: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        _require_callable("f", self.f, "f(x)")
        if self.reference is not None:
            _require_callable("reference", self.reference, "reference(x)")
        if self.retraction is not None:
            _require_callable("retraction", self.retraction, "retraction(x, v)")
            if self.tangent is None:
                raise UsageError(
                    "retraction= needs tangent=, the projection onto the directions in which it "
                    "may start; where every direction is one, give tangent=lambda v: v."
                )
        if self.bounds is not None and (callable(self.tangent) or self.retraction is not None):
            raise UsageError(
                "bounds= and a projection as tangent=, or a retraction, do not go together: an "
                "admissible direction may leave the bounds however it is turned; leave one out."
            )
        object.__setattr__(self, "kind", _read_kind(self.kind))
        if self.claim is None or isinstance(self.claim, (str, bytes, np.bool_)):
            hint = "; write Python's own True" if isinstance(self.claim, np.bool_) else ""
            raise UsageError(
                f"the derivative is {self.claim!r}, but it must be a callable, the gradient "
                f"itself, or True if f returns (value, gradient){hint}."
            )
        if self.kind is not Kind.GRAD:
            second = "cotangent" if self.kind is Kind.VJP else "tangent"
            _require_callable(f"the {self.kind}", self.claim, f"{self.kind}(x, {second})")
        several = isinstance(self.random, (tuple, list))
        object.__setattr__(self, "random", tuple(self.random) if several else (self.random,))
        object.__setattr__(self, "batched", _read_batched(self.batched))

    @property
    def takes_stacks(self) -> bool:
        """Whether `f` is called with a stack at every call, of one point where there is one."""
        return self.batched is not False and isinstance(self.batched, int)


def _read_kind(kind: str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise UsageError(f"kind={kind!r} is none of {', '.join(Kind)}.") from None


def _read_batched(batched: Any) -> Any:  # noqa: ANN401 - see Problem
    if batched is False:
        return batched
    if isinstance(batched, np.bool_):
        return bool(batched)
    if isinstance(batched, bool) or (isinstance(batched, str) and batched == "auto"):
        return batched
    if isinstance(batched, Integral) and int(batched) >= 1:
        return int(batched)
    if callable(batched):
        return batched
    shown = repr(batched) if isinstance(batched, (str, int, float)) else _describe(batched)
    raise UsageError(
        f"batched is {shown}, but it must be True where f takes a stack of points along a leading "
        f'axis, the most points in a stack, such as 64, "auto" to try, or a callable that takes '
        f"stacks where f takes points."
    )


def _require_callable(argument: str, value: object, call: str) -> None:
    if not callable(value):
        raise UsageError(f"{argument} is {_describe(value)}, but it must be callable: {call}.")


def _describe(thing: object) -> str:
    """Name the type, and the shape where there is one: values may be large."""
    shape = getattr(thing, "shape", None)
    kind = type(thing).__name__
    return f"of type {kind}" if shape is None else f"of type {kind} with shape {tuple(shape)}"
