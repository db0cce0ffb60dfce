"""How `f` and the claim are run: one call at a time, counted, with held randomness.

Owns the calls into foreign code, what they may return, what becomes of their exceptions, and the
budget. Judges nothing: a call that fails raises `CallFailed`, and the caller decides what it means.
Second layer: uses `records`, `space`, `randomness`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import optree

from .randomness import Held
from .records import Analytic, Budget, Kind, Problem, PyTree, UsageError, shown_error
from .space import (
    Array,
    Space,
    Tangent,
    flatten,
    inner,
    norm,
    path_of,
    rms,
    size_of,
    unit_roundoff,
    working_dtype,
    wrap,
)


@dataclass(frozen=True, eq=False)
class Output:
    """What `f` returned.

    Attributes
    ----------
    arrays : dict of str to array
        Its floating arrays by path; a scalar is one 0-d array at path `x`.
    given : dict of str to object
        All its leaves as they were returned.
    treespec : optree.PyTreeSpec
        Its structure.
    """

    arrays: dict[str, Array]
    given: dict[str, Any]
    treespec: optree.PyTreeSpec

    def rebuild(self, arrays: dict[str, Array]) -> PyTree:
        """Build a pytree like the output, such as a cotangent; None where it holds no numbers."""
        values = [
            wrap(arrays[path].astype(self.arrays[path].dtype), given) if path in arrays else None
            for path, given in self.given.items()
        ]
        return optree.tree_unflatten(self.treespec, values)


SCALAR: optree.PyTreeSpec = optree.treespec_leaf()


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
    def traceback(self) -> str:
        """The traceback of the caller's own frames, ours left out."""
        frames = traceback.extract_tb(self.error.__traceback__)
        own = [frame for frame in frames if frame.filename != __file__]
        return "".join(
            [
                "Traceback (most recent call last):\n",
                *traceback.format_list(own),
                *traceback.format_exception_only(self.error),
            ]
        )


class BudgetSpent(Exception):
    """The plan's budget does not allow another evaluation."""


@dataclass(eq=False)
class Spent:
    """What a check has cost so far; shared by all evaluators of the check."""

    started: float
    evaluations: int = 0


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
    """

    problem: Problem
    held: Held
    limits: Budget
    clock: Callable[[], float]
    spent: Spent
    referring: bool = False
    warned: Any = field(default_factory=np.geterr)

    @property
    def evaluations(self) -> int:
        """Calls of `f` so far, of its reference included."""
        return self.spent.evaluations

    @property
    def left(self) -> float:
        """Calls of `f` that the plan still allows."""
        most = self.limits.evaluations
        return np.inf if most is None else most - self.spent.evaluations

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

    def f_beside(self, point: PyTree) -> Output:
        """Evaluate `f` at a point of our own choice: as `f`, without floating-point warnings."""
        with np.errstate(all="ignore"):
            return self._read(self._call_f(point))

    def f_complex(self, point: PyTree) -> Output:
        """Evaluate `f` at a complex version of a real point, whatever it returns there."""
        with np.errstate(all="ignore"):
            value = self._call_f(point)
        if self.problem.claim is True and not self.referring:
            value, _ = _split_pair(value)
        return read_output(value)

    def _read(self, value: object) -> Output:
        if self.problem.claim is True and not self.referring:
            value, _ = _split_pair(value)
        return read_scalar(value) if self.problem.kind is Kind.GRAD else read_output(value)

    def claim(self, point: PyTree, *extra: PyTree) -> PyTree:
        """Evaluate the claim at a point; `extra` is the cotangent or the tangent."""
        if not self.claim_is_callable:
            return self.problem.claim
        with np.errstate(**self.warned):
            if self.problem.claim is True:
                return _split_pair(self._call(self.problem.f, point))[1]
            self.held.rewind()
            return _call("the derivative", self.problem.claim, point, *extra)

    @property
    def claim_is_callable(self) -> bool:
        """Whether the claim can be evaluated at another point."""
        return self.problem.claim is True or callable(self.problem.claim)

    def _call_f(self, point: PyTree) -> Any:  # noqa: ANN401 - whatever the caller returns
        reference = self.problem.reference if self.referring else None
        return self._call(self.problem.f if reference is None else reference, point)

    def _call(self, function: Callable[..., Any], point: PyTree) -> Any:  # noqa: ANN401 - likewise
        late = self.limits.seconds is not None and (
            self.clock() - self.spent.started > self.limits.seconds
        )
        if self.left <= 0 or late:
            raise BudgetSpent
        self.spent.evaluations += 1
        self.held.rewind()
        return _call("the reference" if self.referring else "f", function, point)


def _call(who: str, function: Any, *arguments: PyTree) -> Any:  # noqa: ANN401 - foreign code
    try:
        return function(*arguments)
    except Exception as error:
        raise CallFailed(who, error) from error


def _split_pair(value: object) -> tuple[Any, Any]:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value[0], value[1]
    raise UsageError(
        f"the derivative is True, so f must return (value, gradient), "
        f"but it returned {describe(value)}."
    )


def read_scalar(value: object) -> Output:
    """Read the value of a function that has a gradient: one real number."""
    array = _as_numbers(value)
    if array is None or array.dtype.kind == "c" or array.size != 1:
        raise UsageError(
            f"f returned {describe(value)}, but a gradient needs one real number; reduce it in f "
            f"(a sum, a mean, abs()**2), or use check_vjp or check_jvp for array outputs."
        )
    return Output({"x": array.reshape(())}, {"x": value}, SCALAR)


def read_output(value: PyTree) -> Output:
    """Read the output of a function for a VJP or JVP: a pytree with floating arrays."""
    given, treespec = flatten(value)
    numbers = {path: _as_numbers(leaf) for path, leaf in given.items()}
    floating = {
        path: array
        for path, array in numbers.items()
        if array is not None and array.dtype.kind in "fc"
    }
    if not floating:
        raise UsageError(
            f"f returned {describe(value)}, which holds no floating array to differentiate."
        )
    return Output(floating, given, treespec)


def _as_numbers(value: object) -> Array | None:
    """Copy the value into a floating array, for `f` may reuse its buffer; None if no numbers."""
    if value is None or isinstance(value, (str, bytes)):
        return None
    try:
        array = copied(value)
    except (ValueError, TypeError):
        return None
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    return array if array.dtype.kind in "fc" else None


def copied(value: object) -> Array:
    """Copy a value into an array of its own; a masked entry is no number, so it becomes NaN."""
    if isinstance(value, np.ma.MaskedArray) and value.dtype.kind in "iufc":
        dtype = value.dtype if value.dtype.kind in "fc" else np.dtype(np.float64)
        array = np.array(value.data, dtype)
        array[np.ma.getmaskarray(value)] = np.nan
        return array
    return np.array(value)


def describe(value: object) -> str:
    """Name a value for a message: its type and shape, and the value itself where it is small."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if value is None or isinstance(value, (bool, int, float, complex)):
        return repr(value)
    return f"a {type(value).__name__}"


@dataclass(frozen=True, eq=False)
class Origin:
    """The point t = 0 of every line: `f` there, and what is claimed there.

    Attributes
    ----------
    space : Space
        The point.
    evaluator : Evaluator
        Runs the problem.
    output : Output
        f(x).
    cotangent : dict of str to array
        What the output is paired with: <cotangent, f(x)> is the real function whose derivative is
        measured; 1 for a scalar.
    claimed : mapping of int to array
        The claimed gradient of that function by leaf; empty for a JVP.
    steady : bool
        Whether `f` returned the same bits twice.
    forward_first : bool
        Whether the claim may answer from what `f` kept of its last call, as a layer does, so that
        `f` must be called at a point before the claim is.
    """

    space: Space
    evaluator: Evaluator
    output: Output
    cotangent: dict[str, Array]
    claimed: Tangent
    steady: bool = True
    forward_first: bool = False

    @property
    def size(self) -> float:
        """Size of the numbers that make up <cotangent, f(x)>: what rounding is relative to."""
        return size_of([u * self.output.arrays[path] for path, u in self.cotangent.items()])

    @cached_property
    def claim_size(self) -> float:
        """Size of the claimed change of f over one scale of x, of the leaf where it is largest."""
        sizes = [
            norm(claim) * (rms(self.space.leaves[i].array) or 1.0)
            for i, claim in self.claimed.items()
        ]
        return max((size for size in sizes if np.isfinite(size)), default=0.0)

    @property
    def roundoff(self) -> float:
        """Unit roundoff of the coarsest output."""
        return _coarsest(self.output.arrays.values())

    @property
    def roundoff_of_x(self) -> float:
        """Unit roundoff of the coarsest leaf."""
        return _coarsest(self.space.leaves[i].array for i in self.space.moving)

    def rise(self, output: Output) -> float:
        """Return <cotangent, output - f(x)>, subtracted before it is summed; NaN if unlike f(x)."""
        total = 0.0
        for path, weights in self.cotangent.items():
            here, there = self.output.arrays[path], output.arrays.get(path)
            if there is None or there.shape != here.shape:
                return np.nan
            wide = working_dtype(np.result_type(here, there))
            total += inner(weights, there.astype(wide, copy=False) - here.astype(wide, copy=False))
        return total

    def imaginary(self, output: Output) -> float | None:
        """Return Im <cotangent, output>; None where the output is not complex, or unlike f(x)."""
        total = 0.0
        for path, weights in self.cotangent.items():
            there = output.arrays.get(path)
            if there is None or there.dtype.kind != "c" or there.size != weights.size:
                return None
            if self.output.arrays[path].dtype.kind == "c":
                return None
            total += inner(weights, there.imag.reshape(weights.shape))
        return total

    def analytic(self, tangent: Tangent) -> Analytic:
        """Evaluate the claim along a tangent.

        Raises
        ------
        CallFailed
            If the claim is a JVP and raises.
        """
        if self.evaluator.problem.kind is Kind.JVP:
            return self._analytic_jvp(tangent)
        value = sum(inner(self.claimed[i], v) for i, v in tangent.items())
        scale = size_of([self.claimed[i] * v for i, v in tangent.items()])
        return Analytic(float(value), scale, _coarsest(self.claimed[i] for i in tangent))

    def _analytic_jvp(self, tangent: Tangent) -> Analytic:
        point, pushing = self.space.point(), self.tangent_tree(tangent)
        self.evaluator.f_beside(point)  # a layer pushes forward through what it kept of its input
        try:
            pushed = read_output(self.evaluator.claim(point, pushing)).arrays
        except UsageError:  # it returned no numbers; the contract has seen numbers at x
            return Analytic(np.nan, np.nan)
        for path, u in self.cotangent.items():
            if path not in pushed or pushed[path].shape != u.shape:
                return Analytic(np.nan, np.nan)
        value = sum(inner(u, pushed[path]) for path, u in self.cotangent.items())
        scale = size_of([u * pushed[path] for path, u in self.cotangent.items()])
        return Analytic(value, scale, _coarsest(pushed.values()))

    def tangent_tree(self, tangent: Tangent) -> PyTree:
        """Build the pytree of a tangent in the leaves' own dtypes, zero where it does not move."""
        zeros = {i: np.zeros_like(self.space.leaves[i].array) for i in self.space.moving}
        moved = {i: v.astype(self.space.leaves[i].array.dtype) for i, v in tangent.items()}
        return self.space.rebuild({**zeros, **moved})


def _coarsest(arrays: Iterable[Array]) -> float:
    """Return the largest unit roundoff of the arrays; float64's where none is floating."""
    floating = [unit_roundoff(array.dtype) for array in arrays if array.dtype.kind in "fc"]
    return max(floating, default=unit_roundoff(np.dtype(np.float64)))
