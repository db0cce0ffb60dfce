"""The public functions that check a claim.

Owns the signatures, the options and the documentation; the work is done by `flow`.
Tenth layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from .records import (
    Kind,
    Plan,
    Problem,
    Progress,
    PyTree,
    Report,
    Running,
    UsageError,
    require,
)

if TYPE_CHECKING:  # loading it takes longer than a small check
    from concurrent.futures import Executor


def check(
    problem: Problem,
    plan: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
    executor: Executor | Callable[[], Executor] | None = None,
    journal: str | PathLike[str] | None = None,
) -> Report:
    """Check a problem and report whether the claimed derivative is right.

    Parameters
    ----------
    problem : Problem
        The function, the claim and the point.
    plan : Plan, optional
        How hard to look; `Plan.auto()` by default.
    progress : callable, optional
        Called with a `Progress` after every leaf.
    executor : concurrent.futures.Executor or callable, optional
        Measures lines on other processors; see `Options`.
    journal : str or path, optional
        A file in which to write down what was measured; see `Options`.

    Returns
    -------
    Report
        Verdict, leaves and findings.

    Raises
    ------
    UsageError
        If the problem cannot be checked at all: nothing to differentiate, `f` returns no number.

    Examples
    --------
    >>> import numpy as np, gradcheck
    >>> problem = gradcheck.Problem(lambda x: np.sum(x**3), lambda x: 3 * x**2, np.arange(1.0, 4.0))
    >>> gradcheck.check(problem).verdict
    <Verdict.PASS: 'pass'>
    """
    if not isinstance(problem, Problem):
        raise UsageError(
            f"check was given {_named(problem)}, but it takes a Problem; use check_grad(f, grad, "
            f"x), or check(Problem(f, grad, x))."
        )
    if plan is not None and not isinstance(plan, Plan):
        raise UsageError(
            f"the plan is {_named(plan)}, but it must be a Plan: Plan.auto(), Plan.every(), "
            f"Plan.directions(3) or Plan.sample(30)."
        )
    if journal is not None and not isinstance(journal, (str, PathLike)):
        raise UsageError(f"journal is {_named(journal)}, but it must be the path of a file.")
    if progress is not None and not callable(progress):
        raise UsageError(
            f"progress is {_named(progress)}, but it must be callable: progress(Progress)."
        )
    running = Running(progress, executor, journal)
    from .flow import run  # all that measures and judges, which the first check loads

    return run(problem, plan if plan is not None else Plan.auto(), running)


def _named(value: object) -> str:
    """Show a value that is short, and the type of any other."""
    return repr(value) if isinstance(value, (int, float, str)) else f"a {type(value).__name__}"


class Options(TypedDict, total=False):
    """The keywords of every `check_*` and `assert_*`.

    Attributes
    ----------
    plan : Plan
        How hard to look; `Plan.auto()` by default.
    name : str
        A name for the report.
    random : object or tuple of objects
        Random sources to hold still, so that `f` draws the same numbers at every call:
        `numpy.random.Generator` and `RandomState` objects, `random.Random` objects, the modules
        `numpy.random` and `random`.
    reference : callable
        `reference(x)`: the same function as `f`, computed in more digits (a float64 version of a
        float32 kernel): the claim is judged against it. Called with float64 leaves where those of
        `x` are coarser.
    progress : callable
        Called with a `Progress` after every leaf.
    executor : concurrent.futures.Executor or callable
        Measures lines on other processors: threads, processes, loky's, mpi4py's, a Dask client's
        `get_executor()`; or a callable that makes one, called again where that one breaks. The
        report is the same, bit for bit, for any number of workers; without any, a plan of every
        entry shares steps among entries, and its bars may be others. A worker that dies or hangs
        is reported.
    journal : str or path
        A file in which what was measured is written down. The same call goes on from there, after
        whatever end, and gives the report that it would have given; Ctrl-C gives a report of what
        was measured so far. A budget of seconds is one of each run.
    batched : bool, int, "auto" or callable
        True: `f` takes a stack of points and returns a stack of values. Each leaf that is
        differentiated has a leading axis B in front of its own axes (a number is of shape (B,)),
        what is carried is as it was; a gradient's `f` returns B numbers. It is called in no other
        way, for x itself with B = 1; so is `reference`; a claim is called with a point, as always.
        The most points in a stack, such as 64, instead of True, fixes how many are sent, which is
        else chosen by what a stack takes. "auto": tries whether `f` takes stacks beside points.
        A callable takes stacks where `f` takes points, such as `jax.vmap(f)`. Verdict and error
        bars are those of single points, but for what the last bits of f are in a stack. It is
        tried first, at 9 evaluations, that the value of a point depends on no other in the stack.
        With a journal, points go one by one.
    """

    plan: Plan
    name: str
    random: Any
    reference: Callable[[PyTree], Any]
    progress: Callable[[Progress], None]
    executor: Executor | Callable[[], Executor]
    journal: str | PathLike[str]
    batched: Callable[..., Any] | bool | int | Literal["auto"]


class PointOptions(Options, total=False):
    """The keywords of a check at a point of the caller's own: `Options`, and where it may go.

    Attributes
    ----------
    bounds : pair, list of pairs, pytree of pairs, or scipy.optimize.Bounds
        What no call ever leaves: (lower, upper), each a number, None or an array; or a list of such
        pairs, one for each entry; of a point that is no bare array, a pytree like `x` with pairs or
        None at the leaves. At a bound the derivative is that from inside; an entry whose bounds are
        equal is not moved, and not tested.
    tangent : callable or pytree of bool
        Which directions are admissible: a projection, `tangent(v)`, from a direction structured
        like `x`, of float64 or complex128 arrays, to the nearest admissible one; linear, and for
        each leaf by itself. Or a pytree like `x` of arrays of bool, or None, that are True where an
        entry may be moved. What is claimed across admissible directions is not tested.
    retraction : callable
        Where admissible directions lead, if not to x + v: `retraction(x, v)` is the point reached
        from `x` by the small tangent v, x itself for 0, and starts in the direction v. The claim is
        then paired with tangents at `x` alone, as a Euclidean or a Riemannian gradient.
    """

    bounds: Any
    tangent: Any
    retraction: Callable[[PyTree, PyTree], PyTree]


def check_grad(
    f: Callable[[PyTree], Any],
    grad: Callable[[PyTree], PyTree] | PyTree | Literal[True],
    x: PyTree,
    **options: Unpack[PointOptions],
) -> Report:
    """Check a gradient of a real function against certified differences.

    Parameters
    ----------
    f : callable
        `f(x)` returns one real number.
    grad : callable, pytree or True
        `grad(x)` returns the gradient, structured and shaped like `x`; or the gradient itself; or
        True if `f` returns `(value, gradient)`, as with SciPy's `jac=True`. A callable may return
        `(value, gradient)` too, as JAX's `value_and_grad`: a plain tuple of a real number and of
        what is structured like `x`. The value must then be that of `f`, within rounding. For a
        complex leaf the gradient g is that of df = Re sum conj(g) dx, as in PyTorch.
    x : pytree
        The point: arrays and numbers in dicts, lists, tuples, namedtuples, or dataclasses
        registered with optree. Integers, strings and None are carried along. Arrays are NumPy's or
        those of a library that follows the array API standard, such as torch and JAX, and are
        handed to `f` as such.
    **options : PointOptions
        `plan`, `name`, `random`, `reference`, `progress`, `executor`, `journal`, `batched`; see
        `Options`.

    Returns
    -------
    Report
        `report.verdict`, `report.leaves`, `report.findings`; true only if the check passed.

    Raises
    ------
    UsageError
        If the call makes no sense: nothing to differentiate, `f` returns no real number.

    Notes
    -----
    `f` is called twice at `x`, the claim there, nearby, and there again, 5 times in all; on a
    smooth float64 function a right leaf then costs 4 evaluations of `f`, a wrong one about 17 more.
    `x` and its arrays are never handed out: `f` works on copies.

    A claim that keeps state fails by that name: a cache that is stale, a buffer that it adds to or
    hands out twice, weights of `f` that it updates. One that reads, or uses up, what the last call
    of `f` left behind is a layer and legal: `f` is called before it. Gradients that share memory
    with one another or with the point are right, and remarked on.

    Examples
    --------
    >>> import numpy as np, gradcheck
    >>> x = {"W": np.array([[1.0, -2.0], [0.5, 3.0]])}
    >>> report = gradcheck.check_grad(
    ...     lambda p: np.sum(np.tanh(p["W"])), lambda p: {"W": 1 - np.tanh(p["W"])}, x
    ... )
    >>> report.verdict
    <Verdict.FAIL: 'fail'>
    """
    return _checked(Kind.GRAD, f, grad, x, options)


def check_vjp(
    f: Callable[[PyTree], PyTree],
    vjp: Callable[[PyTree, PyTree], PyTree],
    x: PyTree,
    **options: Unpack[PointOptions],
) -> Report:
    """Check a vector-Jacobian product, the backward pass of an array function.

    Parameters
    ----------
    f : callable
        `f(x)` returns an array or a pytree of arrays.
    vjp : callable
        `vjp(x, cotangent)` returns J' cotangent, structured like `x`; the cotangent is structured
        like `f(x)`. It is drawn at random, dense and never of ones.
    x, **options
        As in `check_grad`.

    Returns
    -------
    Report
        As `check_grad`.

    Raises
    ------
    UsageError
        As `check_grad`.

    Examples
    --------
    >>> import numpy as np, gradcheck
    >>> gradcheck.check_vjp(np.exp, lambda x, dout: dout * np.exp(x), np.linspace(0, 1, 5)).ok
    True
    """
    return _checked(Kind.VJP, f, vjp, x, options)


def check_jvp(
    f: Callable[[PyTree], PyTree],
    jvp: Callable[[PyTree, PyTree], PyTree],
    x: PyTree,
    **options: Unpack[PointOptions],
) -> Report:
    """Check a Jacobian-vector product, the forward derivative of an array function.

    Parameters
    ----------
    f : callable
        `f(x)` returns an array or a pytree of arrays.
    jvp : callable
        `jvp(x, tangent)` returns J tangent, structured like `f(x)`; the tangent is structured like
        `x` and moves one leaf at a time.
    x, **options
        As in `check_grad`.

    Returns
    -------
    Report
        As `check_grad`.

    Raises
    ------
    UsageError
        As `check_grad`.

    Examples
    --------
    >>> import numpy as np, gradcheck
    >>> gradcheck.check_jvp(np.sin, lambda x, v: np.cos(x) * v, np.linspace(0, 1, 5)).ok
    True
    """
    return _checked(Kind.JVP, f, jvp, x, options)


def assert_grad(
    f: Callable[[PyTree], Any],
    grad: Callable[[PyTree], PyTree] | PyTree | Literal[True],
    x: PyTree,
    **options: Unpack[PointOptions],
) -> Report:
    """Check as `check_grad` does and raise unless the verdict is PASS.

    Raises
    ------
    GradientError
        With the report as its message; `error.report` is the record.
    """
    return require(check_grad(f, grad, x, **options))


def assert_vjp(
    f: Callable[[PyTree], PyTree],
    vjp: Callable[[PyTree, PyTree], PyTree],
    x: PyTree,
    **options: Unpack[PointOptions],
) -> Report:
    """Check as `check_vjp` does and raise `GradientError` unless the verdict is PASS."""
    return require(check_vjp(f, vjp, x, **options))


def assert_jvp(
    f: Callable[[PyTree], PyTree],
    jvp: Callable[[PyTree, PyTree], PyTree],
    x: PyTree,
    **options: Unpack[PointOptions],
) -> Report:
    """Check as `check_jvp` does and raise `GradientError` unless the verdict is PASS."""
    return require(check_jvp(f, jvp, x, **options))


def _checked(kind: Kind, f: Any, claim: Any, x: PyTree, options: PointOptions) -> Report:  # noqa: ANN401
    unknown = sorted(options.keys() - PointOptions.__annotations__.keys())
    if unknown:
        name = unknown[0]
        mend = (
            f"it belongs to the plan: plan=Plan.auto({name}=...)"
            if name in {field.name for field in fields(Plan)}
            else f"the options are {', '.join(PointOptions.__annotations__)}"
        )
        raise UsageError(f"{name}={options.get(name)!r} is not an option of check_{kind}; {mend}.")
    problem = Problem(
        f,
        claim,
        x,
        kind,
        options.get("name", ""),
        options.get("random", ()),
        options.get("reference"),
        options.get("bounds"),
        options.get("batched", False),
        options.get("tangent"),
        options.get("retraction"),
    )
    return check(
        problem,
        options.get("plan"),
        options.get("progress"),
        options.get("executor"),
        options.get("journal"),
    )
