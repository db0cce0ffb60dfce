"""The one place where the caller's code is called: counted, with held randomness, within a budget.

Part of `execution`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..randomness import Held
from ..records import Budget, Kind, Problem, PyTree, shown_error
from ..space import Array, Box, Places, Space, holds, read_bounds
from .outputs import Output, read_output, read_scalar
from .pair import split_pair, split_value
from .stacks import Stacking, only_row, read_scalars, stack_of_one

if TYPE_CHECKING:  # loaded where something has raised
    import traceback

FOREIGN = {"site-packages", "dist-packages"}  # folders of code that is not the caller's


class CallFailed(Exception):
    """The caller's code raised; kept so that the report can name it.

    Attributes
    ----------
    who : str
        `f` or `the derivative`.
    error : Exception
        What it raised.
    """

    def __init__(self, who: str, error: Exception) -> None:
        super().__init__(f"{who} raised {shown_error(error)}")
        self.who = who
        self.error = error

    @property
    def place(self) -> str:
        """Where in the caller's own code: `prob.py, line 3, in g`; empty where that is unknown."""
        from pathlib import Path

        own = Path(__file__).parents[1]
        for frame in reversed(self._frames):
            file = Path(frame.filename)
            if frame.lineno and own not in file.parents and not FOREIGN & set(file.parts):
                return f"{file.name}, line {frame.lineno}, in {frame.name}"
        return ""

    @property
    def _frames(self) -> list[traceback.FrameSummary]:
        import traceback

        frames = traceback.extract_tb(self.error.__traceback__)
        return [frame for frame in frames if frame.filename != __file__]

    @property
    def traceback(self) -> str:
        """The traceback of the caller's own frames, ours left out."""
        import traceback

        return "".join(
            [
                "Traceback (most recent call last):\n",
                *traceback.format_list(self._frames),
                *traceback.format_exception_only(self.error),
            ]
        )


QUIET = {"all": "ignore"}


class BudgetSpent(Exception):
    """The plan's budget does not allow another evaluation, or the user none: see `Spent`."""


class Memory(Protocol):
    """Values of `f` that an earlier run of the same check has measured, and where to keep more."""

    def find(self, who: str, point: PyTree, like: Output) -> Output | None:
        """Return what `f` returned at a point in an earlier run; None where it was not called."""
        ...

    def keep(self, who: str, point: PyTree, output: Output) -> None:
        """Remember what it returned."""
        ...

    def name_of(self, where: PyTree) -> str:
        """Name the numbers in a pytree by a digest of them."""
        ...

    def find_line(self, name: str) -> bytes | None:
        """Return what was kept of a whole line, also of this run; None where nothing was."""
        ...

    def keep_line(self, name: str, line: bytes) -> None:
        """Remember what a worker has measured along it."""
        ...


@dataclass(eq=False)
class Spent:
    """What a check has cost so far; shared by all evaluators of the check.

    `interrupted`: whether the user has pressed Ctrl-C, so that what was measured is all there is.
    `memory`: what an earlier run has measured beside x. With one, Ctrl-C ends the measuring and not
    the check. `points`: the last small ones beside x, kept so that the next has another identity
    and lies elsewhere; of large ones only the places are kept, as `used`.
    """

    started: float
    evaluations: int = 0
    interrupted: bool = False
    memory: Memory | None = None
    points: deque[tuple[PyTree, int]] = field(default_factory=deque)
    held: int = 0
    used: Places = field(default_factory=Places)

    def keep(self, point: PyTree, nbytes: int) -> None:
        """Keep a point beside x alive, and let go of the oldest ones where they are too many."""
        self.points.append((point, nbytes))
        self.held += nbytes + AROUND
        while self.held > MOST_HELD and len(self.points) > 1:
            self.held -= self.points.popleft()[1] + AROUND


MOST_HELD = 2**22  # bytes: thousands of small points, 8 of those that are just small enough
AROUND = 256  # bytes of an array and of what holds it, beside its numbers


@dataclass(eq=False)
class Evaluator:
    """Runs the two callables of a problem; the one place where they are called.

    Attributes
    ----------
    problem : Problem
        Whose `f` and claim are run.
    held : Held
        Sources of randomness, rewound before every call.
    limits : Budget
        What may be spent.
    clock : callable
        Seconds since whenever.
    spent : Spent
        Calls of `f` so far, and since when.
    referring : bool
        Whether the problem's `reference` is evaluated in place of its `f`.
    warned : dict
        How the caller wants NumPy to treat floating-point errors. Holds at x; beside x, where we
        chose the points, they are ignored.
    stacking : Stacking
        What is known of how `f` takes stacks of points.
    """

    problem: Problem
    held: Held
    limits: Budget
    clock: Callable[[], float]
    spent: Spent
    referring: bool = False
    warned: Any = field(default_factory=np.geterr)
    stacking: Stacking = field(default_factory=Stacking)

    @cached_property
    def quiet(self) -> Evaluator:
        """The same, for calls with numbers of our own choice, whose errors are no news at x."""
        return replace(self, warned=QUIET)

    @property
    def memory(self) -> Memory | None:
        """What an earlier run has measured."""
        return self.spent.memory

    @cached_property
    def box(self) -> Box:
        """The bounds of the point, outside of which nothing is called."""
        bounds = self.problem.bounds
        return {} if bounds is None else read_bounds(Space.of(self.problem.x), bounds)

    @property
    def evaluations(self) -> int:
        """Calls of `f` so far, of its reference included."""
        return self.spent.evaluations

    @property
    def left(self) -> float:
        """Calls of `f` that the plan still allows."""
        most = self.limits.evaluations
        return np.inf if most is None else most - self.spent.evaluations

    @property
    def is_late(self) -> bool:
        """Whether the plan's seconds are over."""
        seconds = self.limits.seconds
        return seconds is not None and self.clock() - self.spent.started > seconds

    def f(self, point: PyTree) -> Output:
        """Evaluate `f`.

        Raises
        ------
        CallFailed
            If `f` raises.
        UsageError
            If it returns what cannot be differentiated.
        BudgetSpent
            If the plan does not allow another evaluation.
        """
        with np.errstate(**self.warned):
            return self._read(self._call_f(point))

    def f_beside(self, point: PyTree, like: Output | None = None) -> Output:
        """Evaluate `f` at a point of our own choice: as `f`, without floating-point warnings.

        `like` is what it returned at x; with that, a value of an earlier run will do.
        """
        if self.memory is None or like is None:
            with np.errstate(all="ignore"):
                return self._read(self._call_f(point))
        known = self.memory.find(self._who, point, like)
        if known is not None:
            self._require_left()
            self.spent.evaluations += 1
            return known
        with np.errstate(all="ignore"):
            output = self._read(self._call_f(point))
        self.memory.keep(self._who, point, output)
        return output

    def count(self) -> None:
        """Count an evaluation that was made ahead, on another processor.

        Raises
        ------
        BudgetSpent
            If the plan does not allow another evaluation.
        """
        self._require_left()
        if self.is_late:
            raise BudgetSpent
        self.spent.evaluations += 1

    def bare(self) -> Callable[[PyTree], Any]:
        """Return what evaluates `f` and does no more than it must; the caller counts the calls."""
        paired = self.problem.claim is True and not self.referring
        function = self._one_by_one(self._function)
        if not (paired or self.held.sources or self.limits.seconds is not None):
            return function

        def around(point: PyTree) -> Any:  # noqa: ANN401 - whatever the caller returns
            if self.is_late:
                raise BudgetSpent
            self.held.rewind()
            value = function(point)
            return split_pair(value)[0] if paired else value

        return around

    def forward(self, point: PyTree) -> None:
        """Call the problem's own `f`, for what a layer keeps of it; never the reference."""
        with np.errstate(all="ignore"):
            self._call(self.problem.f, point)

    def f_complex(self, point: PyTree) -> Output:
        """Evaluate `f` at a complex version of a real point, whatever it returns there."""
        with np.errstate(all="ignore"):
            value = self._call_f(point)
        if self.problem.claim is True and not self.referring:
            value, _ = split_pair(value)
        return read_output(value)

    def _read(self, value: object) -> Output:
        if self.problem.claim is True and not self.referring:
            value, _ = split_pair(value)
        return read_scalar(value) if self.problem.kind is Kind.GRAD else read_output(value)

    def claim(self, point: PyTree, *extra: PyTree) -> PyTree:
        """Evaluate the claim at a point; `extra` is the cotangent or the tangent."""
        return self.claim_with_value(point, *extra)[0]

    def claim_with_value(self, point: PyTree, *extra: PyTree) -> tuple[PyTree, Array | None]:
        """Evaluate the claim; with the value of `f` that a claim may return beside a gradient."""
        if not self.claim_is_callable:
            return self.problem.claim, None
        with np.errstate(**self.warned):
            if self.problem.claim is True:
                return split_pair(self._call(self.problem.f, point))[1], None
            self._require_inside("the derivative", point)
            self.held.rewind()
            result = _call("the derivative", self.problem.claim, point, *extra)
        if self.problem.kind is Kind.GRAD:
            return split_value(result, self.problem.x)
        return result, None

    @property
    def claim_is_callable(self) -> bool:
        """Whether the claim can be evaluated at another point."""
        return self.problem.claim is True or callable(self.problem.claim)

    def _call_f(self, point: PyTree) -> Any:  # noqa: ANN401 - whatever the caller returns
        return self._call(self._function, point)

    @property
    def _function(self) -> Callable[..., Any]:
        reference = self.problem.reference if self.referring else None
        return self.problem.f if reference is None else reference

    def _call(self, function: Callable[..., Any], point: PyTree) -> Any:  # noqa: ANN401 - likewise
        self._require_inside(self._who, point)
        self.count()
        self.held.rewind()
        stacks = self.problem.takes_stacks
        try:
            value = _call(self._who, function, stack_of_one(point) if stacks else point)
        except KeyboardInterrupt:
            if self.memory is None:
                raise
            self.spent.interrupted = True
            raise BudgetSpent from None
        return self._only(value) if stacks else value

    @property
    def stacks(self) -> bool:
        """Whether many points may be handed to `f` at once; a journal keeps them one by one."""
        return self.stacking.usable and self.memory is None and not self.referring

    def _one_by_one(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what takes a point, of a function that may take stacks only."""
        if not self.problem.takes_stacks:
            return function
        return lambda point: self._only(function(stack_of_one(point)))

    def _only(self, value: Any) -> Any:  # noqa: ANN401 - whatever came back
        """Take the value of the one point out of what came back for a stack of it."""
        plain = self.problem.kind is Kind.GRAD and self.problem.claim is not True
        if plain and type(value) in (list, tuple):  # such as [f(x) for x in stack]
            return read_scalars(value, 1)[0]
        return only_row(value)

    def _require_inside(self, who: str, point: PyTree) -> None:
        """Stop at the bounds as `f` does where it is not defined."""
        if self.box and not holds(self.box, point):
            raise CallFailed(who, ValueError("x is at its bounds, and nothing is asked beyond"))

    def _require_left(self) -> None:
        if self.left <= 0 or self.spent.interrupted:
            raise BudgetSpent

    @property
    def _who(self) -> str:
        return "the reference" if self.referring else "f"


def _call(who: str, function: Any, *arguments: PyTree) -> Any:  # noqa: ANN401 - foreign code
    try:
        return function(*arguments)
    except Exception as error:
        raise CallFailed(who, error) from error
