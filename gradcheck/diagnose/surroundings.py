"""Numbers that the author of f would recognise: lengths of axes, and what f and the claim refer to.

Reads closures, defaults and the globals that a function names; never calls anything and never
touches a property.
Part of `diagnose`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..execution import Origin
from ..records import Kind
from ..space import Array, norm

DEEPEST = 4  # functions within functions
MOST_NAMES = 500  # that are looked at


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What a number found in a gradient may be named after.

    Attributes
    ----------
    lengths : dict of int to str
        Lengths of axes and numbers of entries, above 1, with what they are lengths of.
    numbers : dict of str to float
        Numbers that f or the claim refers to, by name.
    indices : dict of str to array
        Integer arrays, by name or path.
    arrays : dict of str to array
        Arrays of floats that f or the claim refers to, by name.
    matrices : dict of str to array
        Square ones, leaves among them.
    square : dict of int to str
        What has two axes of this length.
    """

    lengths: Mapping[int, str]
    numbers: Mapping[str, float]
    indices: Mapping[str, Array]
    arrays: Mapping[str, Array] = field(default_factory=dict)
    matrices: Mapping[str, Array] = field(default_factory=dict)
    square: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, origin: Origin) -> Surroundings:
        """Look around a problem."""
        problem = origin.evaluator.problem
        names = dict(_referred(problem.claim, DEEPEST))
        names.update(_referred(problem.f, DEEPEST))
        arrays = {leaf.path: leaf.kept for leaf in origin.space.leaves if leaf.kept is not None}
        outputs = {
            f"the output {path}" if path != "x" else "the output": array
            for path, array in origin.output.arrays.items()
        }
        known = {f"`{name}`": value for name, value in names.items()}
        inside = {name: v for name, v in known.items() if type(v) is np.ndarray}
        indices = {**arrays, **inside}
        floats = {name: v for name, v in inside.items() if v.dtype.kind == "f"}
        return cls(
            _lengths({**inside, **outputs, **arrays}),
            {
                **{name: v for name, v in map(_as_number, known.items()) if v is not None},
                **_sizes(arrays, origin),
            },
            {name: v for name, v in indices.items() if v.dtype.kind in "iu" and v.size > 1},
            floats,
            {name: v for name, v in {**floats, **arrays}.items() if _is_square(v)},
            _square({**inside, **outputs, **arrays}),
        )


def _as_number(item: tuple[str, Any]) -> tuple[str, float | None]:
    """Return a number by its name; None for what is none, or too large for one."""
    name, value = item
    kind: type = type(value)  # isinstance may ask the object itself
    if kind in (bool, np.bool_) or not issubclass(kind, Real):
        return name, None
    try:
        return name, float(value)
    except Exception:  # foreign code
        return name, None


def _is_square(array: Array) -> bool:
    return array.ndim == 2 and array.shape[0] == array.shape[1] and array.dtype.kind == "f"


def _square(arrays: Mapping[str, Array]) -> dict[int, str]:
    return {
        n: name
        for name, array in arrays.items()
        for n in array.shape
        if n > 1 and array.shape.count(n) > 1
    }


def _sizes(arrays: Mapping[str, Array], origin: Origin) -> dict[str, float]:
    """List norms of leaves and what f returns, which factors often turn out to be."""
    sizes = {
        f"the norm of {name}": norm(array)
        for name, array in arrays.items()
        if array.dtype.kind == "f" and array.size > 1
    }
    if origin.evaluator.problem.kind is Kind.GRAD:
        sizes["f itself"] = sum(float(v.real.sum()) for v in origin.output.arrays.values())
    return sizes


def _lengths(arrays: Mapping[str, Array]) -> dict[int, str]:
    lengths: dict[int, str] = {}
    for name, array in arrays.items():
        if array.ndim > 1:
            lengths[array.size] = f"the number of entries of {name}"
    for name, array in arrays.items():
        for axis, n in enumerate(array.shape):
            of_axis = f"the length of {name}" if array.ndim == 1 else f"axis {axis} of {name}"
            lengths[n] = of_axis if array.ndim == 1 else f"the length of {of_axis}"
    return {n: name for n, name in lengths.items() if n > 1}


def _referred(thing: Any, depth: int) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - foreign code
    """List what a callable refers to by name, and what the functions among that refer to."""
    found = dict(_named(thing)) if depth > 0 else {}
    for name, value in list(found.items())[:MOST_NAMES]:
        if issubclass(type(value), (FunctionType, MethodType, functools.partial)):
            yield from _referred(value, depth - 1)
        else:
            yield name, value


def _named(thing: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - foreign code
    kind = type(thing)  # isinstance may ask the object itself
    if issubclass(kind, functools.partial):
        yield from thing.keywords.items()
        yield from ((f"argument {k}", value) for k, value in enumerate(thing.args))
        yield "partial", thing.func
    elif kind is MethodType:
        yield from _attributes(thing.__self__).items()
        yield "method", thing.__func__
    elif kind is FunctionType:
        code = thing.__code__
        yield from ((n, thing.__globals__[n]) for n in code.co_names if n in thing.__globals__)
        arguments = code.co_varnames[: code.co_argcount]
        yield from zip(reversed(arguments), reversed(thing.__defaults__ or ()), strict=False)
        for name, cell in zip(code.co_freevars, thing.__closure__ or (), strict=True):
            try:
                yield name, cell.cell_contents
            except ValueError:  # not assigned yet
                continue
    elif not issubclass(kind, type):
        yield from _attributes(thing).items()
        call = kind.__dict__.get("__call__")
        if type(call) is FunctionType:
            yield "call", call


def _attributes(thing: Any) -> dict[str, Any]:  # noqa: ANN401 - foreign code
    """Return what an object keeps, past whatever it does when asked; nothing of one with slots."""
    try:
        return dict(object.__getattribute__(thing, "__dict__"))
    except Exception:  # no __dict__, or a property of that name
        return {}
