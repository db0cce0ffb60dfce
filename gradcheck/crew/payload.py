"""What travels to a worker once: `f`, the point, and what is claimed there.

The caller's functions are written by cloudpickle where that is installed, which can do lambdas and
closures, else by pickle. It is read by processes that the caller's own executor has started.
Part of `crew`.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from ..execution import Evaluator, Origin, Output, Spent, Stacking
from ..randomness import Held
from ..records import Budget, Kind, Plan, Problem, UsageError, shown_error
from ..space import Leaf, Space


@dataclass(frozen=True, eq=False)
class Payload:
    """An origin without what is of this process only.

    Attributes
    ----------
    origin : mapping
        The fields of the origin but for its space, its evaluator and `short`.
    space : Space
        The point.
    short : (Space, Output) or None
        The point in whose digits the claim is called, and f there, if that is another.
    problem : Problem
        Without sources of randomness that are modules, and without a claim that is not called.
    modules : tuple of str
        Those modules by name.
    found : tuple
        The states of all sources.
    referring : bool
        Whether the reference stands for `f`.
    stacking : Stacking
        What is known of how `f` takes stacks.
    plan : Plan
        By which lines are judged.
    home : str
        The process that has written it.
    """

    origin: dict[str, Any]
    space: Space
    short: tuple[Space, Output] | None
    problem: Problem
    modules: tuple[str, ...]
    found: tuple[Any, ...]
    referring: bool
    stacking: Stacking
    plan: Plan
    home: str

    def opened(self) -> Origin:
        """Make the origin anew, in the process of a worker.

        Raises
        ------
        UsageError
            If that is the process it is from, and a source of randomness is a module's.
        """
        if self.modules and self.home == here():
            raise UsageError(f"{self.modules[0]} keeps one state for all threads of a process")
        modules = [importlib.import_module(name) for name in self.modules]
        space = self.space.moved_to({})  # with arrays of its own, which `f` may write to
        random = (*self.problem.random, *modules)
        problem = replace(self.problem, random=random, x=space.point())
        held = Held.of(problem.random).with_states(self.found)
        evaluator = Evaluator(
            problem,
            held,
            Budget(),
            time.monotonic,
            Spent(0.0),
            referring=self.referring,
            stacking=self.stacking,
        )
        short = None
        if self.short is not None:
            own, output = self.short
            short = Origin(own.moved_to({}), evaluator, output, {}, {})
        return Origin(space=space, evaluator=evaluator, short=short, **self.origin)


def packed(origin: Origin, plan: Plan) -> bytes:
    """Write an origin.

    Raises
    ------
    UsageError
        If a part of it cannot be written; which one, and what to do.
    """
    evaluator, problem = origin.evaluator, origin.evaluator.problem
    evaluator.held.rewind()
    # modules last, as `opened` has them
    held = sorted(zip(problem.random, evaluator.held.states, strict=True), key=_is_module)
    slim = replace(
        problem,
        claim=_travelling(problem),
        x=None,
        random=tuple(source for source, _ in held if not isinstance(source, ModuleType)),
        reference=problem.reference if evaluator.referring else None,
        batched=False if callable(problem.batched) else problem.batched,
        tangent=None,  # the space knows
        retraction=None,
    )
    parts = {
        "output": _bare(origin.output),
        "cotangent": origin.cotangent,
        "claimed": dict(origin.claimed),
        "steady": origin.steady,
        "forward_first": origin.forward_first,
        "whole": origin.whole,
    }
    modules = tuple(source.__name__ for source, _ in held if isinstance(source, ModuleType))
    states = tuple(state for _, state in held)
    short = (
        None if origin.short is None else (_slim(origin.short.space), _bare(origin.short.output))
    )
    space = _slim(origin.space)
    return _written(
        Payload(
            parts,
            space,
            short,
            slim,
            modules,
            states,
            evaluator.referring,
            _travelling_stacking(evaluator),
            plan,
            here(),
        )
    )


def _travelling_stacking(evaluator: Evaluator) -> Stacking:
    """Leave out copies of the same arrays, and what is known of a callable that stays here."""
    if callable(evaluator.problem.batched):
        return Stacking()
    known = {
        dtypes: tuple((_slim(space), _bare(output)) for space, output in points)
        for dtypes, points in evaluator.stacking.known.items()
    }
    return replace(evaluator.stacking, known=known)


def _bare(output: Output) -> Output:
    """Leave out the objects that `f` returned."""
    return replace(output, given={})


def here() -> str:
    """Name this process, on whatever machine."""
    return f"{platform.node()}-{os.getpid()}"


def _is_module(held: tuple[Any, Any]) -> bool:
    return isinstance(held[0], ModuleType)


def _travelling(problem: Problem) -> Any:  # noqa: ANN401 - a claim may be anything
    """Return the claim where a worker calls it, and what stands for it elsewhere."""
    if problem.claim is True or problem.kind is Kind.JVP:
        return problem.claim
    return 0.0 if problem.kind is Kind.GRAD else _uncalled


def _uncalled(*_: object) -> None:
    """Stand for a claim that a worker does not call."""
    raise AssertionError("a worker was to measure f alone")


def _slim(space: Space) -> Space:
    """Leave out copies of the same array; `moved_to` makes them anew."""
    return replace(space, leaves=tuple(_slim_leaf(leaf) for leaf in space.leaves))


def _slim_leaf(leaf: Leaf) -> Leaf:
    if leaf.base is None:
        return leaf
    given = leaf.base if isinstance(leaf.given, np.ndarray) else leaf.given
    return replace(leaf, handed=None, given=given, lodged=None)


def _written(payload: Payload) -> bytes:
    dumps = _writer()
    try:
        return dumps(payload)
    except Exception as error:  # foreign code: __reduce__ may raise anything
        raise UsageError(_why_not(payload, dumps, error)) from error


def _writer() -> Callable[[Any], bytes]:
    try:
        cloudpickle = importlib.import_module("cloudpickle")
    except ImportError:
        return lambda thing: pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL)
    return lambda thing: bytes(cloudpickle.dumps(thing))


def _why_not(payload: Payload, dumps: Callable[[Any], bytes], error: Exception) -> str:
    problem = payload.problem
    parts = {
        "f": problem.f,
        "the derivative": problem.claim,
        "the reference": problem.reference,
        "tangent or retraction": payload.space.domain,
        "the point": payload.space,
        "random": problem.random,
    }
    for name, part in parts.items():
        try:
            dumps(part)
        except Exception as own:  # as above
            shown = f" ({part.__qualname__})" if hasattr(part, "__qualname__") else ""
            who, why = f"{name}{shown}", shown_error(own)
            break
    else:
        who, why = "the problem", shown_error(error)
    return (
        f"{who} cannot be sent to the workers of the executor ({why}); define it at the top level "
        f"of a module, or install cloudpickle, which can send lambdas and closures, or give a "
        f"ThreadPoolExecutor."
    )


def key_of(payload: bytes) -> str:
    """Return the digest by which workers know a payload."""
    return hashlib.blake2b(payload, digest_size=16).hexdigest()
