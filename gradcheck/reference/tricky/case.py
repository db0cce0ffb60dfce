"""The record of a right gradient that looks wrong to many a checker.

Owns: Posed, Tricky, Tree. Does not own any of them (see the files beside it).
Place: at the bottom of `tricky`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

Tree: TypeAlias = Any
"""A point, a value or a gradient: numbers and arrays, or such in dicts, lists and tuples."""


@dataclass(frozen=True)
class Posed:
    """A function, its right derivative, and the point x to check it at.

    `kind` is grad, vjp or jvp: what `right(x)`, `right(x, cotangent)` or `right(x, tangent)` is.
    A gradient may also be given as its values at x, or as True where f returns (value, gradient).
    `options` are what its author would pass on, such as `random` or `reference`.
    """

    f: Callable[[Any], Any]
    right: Any
    x: Any
    kind: str = "grad"
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Tricky:
    """A right derivative at a point, or of a function, that makes checkers raise a false alarm.

    Parameters
    ----------
    name : str
        Kebab-case; a readable test id.
    source : str
        Where it is from: a public thread, a book, or "no thread" with where it is usual.
    sentence : str
        What is tricky about it, in one plain sentence.
    build : callable
        Takes a Generator, returns what is posed; the same state gives the same.
    answer : str
        What an honest checker says: "pass", or "inconclusive" where nothing can be known.
    """

    name: str
    source: str
    sentence: str
    build: Callable[[np.random.Generator], Posed]
    answer: str = "pass"
