"""A Jacobian as a whole: checked as the backward pass that it makes.

Part of `second_order`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from ..check import Options, PointOptions, check_vjp
from ..records import Cause, Finding, PyTree, Report, UsageError, Verdict
from ..space import Array, Space
from .matrix import ROOT, Matrix, is_sparse, plain
from .pairs import Asked, Pair, name_pairs
from .parts import caused, point_by_point, restated, seeded, with_first

MOST_NAMED = 4  # entries outside of a pattern that a sentence names


def check_jacobian(
    f: Callable[[PyTree], Any],
    jac: Callable[[PyTree], Any] | Any,  # noqa: ANN401 - a matrix, dense or sparse
    x: PyTree,
    *,
    pattern: Any = None,  # noqa: ANN401 - likewise
    **options: Unpack[PointOptions],
) -> Report:
    """Check a whole Jacobian of an array function, dense or sparse.

    Parameters
    ----------
    f : callable
        `f(x)` returns an array, or a pytree of arrays.
    jac : callable or array
        `jac(x)` returns the Jacobian, or it is the Jacobian itself: of shape `f(x).shape + x.shape`
        where both are arrays; a pytree of such blocks, by output and then by leaf, where they are
        not; or a sparse matrix of SciPy, where both are of one dimension. A complex f must be
        holomorphic: df = J dx.
    x : pytree
        The point, as in `check_grad`.
    pattern : array of bool or sparse matrix, optional
        Where the Jacobian may be non-zero, as declared to a solver; shaped like it. All other
        entries are claimed to be 0.
    **options : PointOptions
        As in `check_grad`.

    Returns
    -------
    Report
        The leaves are those of x: a leaf's wrong entries are wrong columns of the Jacobian. The
        first finding names wrong pairs of output and input, where some are certain.

    Raises
    ------
    UsageError
        As `check_grad`; and if the pattern does not fit.

    Notes
    -----
    J' u is compared with differences of <u, f(x)> for dense random u, as in `check_vjp`: the cost
    is that of a gradient, whatever the number of outputs, and `Plan.every()` looks at each output
    by itself. Where a column is wrong, f is differentiated along it, output by output.

    Examples
    --------
    >>> import numpy as np, gradcheck
    >>> def f(x):
    ...     return np.array([x[0] * x[1], np.sin(x[1])])
    >>> def jac(x):
    ...     return np.array([[x[1], x[0]], [0.0, np.sin(x[1])]])
    >>> report = gradcheck.check_jacobian(f, jac, np.array([2.0, 1.0]))
    >>> report.verdict, report.findings[0].evidence["pairs"]
    (<Verdict.FAIL: 'fail'>, [[1, 1]])
    """
    settings: PointOptions = {**options, "plan": seeded(options)["plan"]}
    if jac is None or isinstance(jac, (str, bytes, bool, np.bool_)):
        raise UsageError(
            f"jac is {jac!r}, but it must be a callable jac(x) that returns the Jacobian, or the "
            f"Jacobian itself."
        )
    matrix = Matrix(jac, Space.of(x))
    report = check_vjp(f, matrix.pull, x, **settings)
    if matrix.misfit is not None:
        report = restated(report, matrix.misfit.finding)
    declared = None if pattern is None else _read_pattern(pattern, matrix)
    straight = options.get("retraction") is None  # or entries cannot be looked at by themselves
    if report.verdict is Verdict.FAIL and matrix.here and straight:
        report = explained(f, matrix, report, x, settings, declared)
    if declared is not None and matrix.here:
        report = _held_to(report, declared, matrix)
    return report


def explained(
    f: Callable[[PyTree], Any],
    matrix: Matrix,
    report: Report,
    x: PyTree,
    options: PointOptions,
    declared: Array | None = None,
) -> Report:
    """Name wrong pairs of output and input, and the transpose where that is what was returned."""
    asked = Asked(point_by_point(f, options), options.get("random", ()), options.get("bounds"))
    named = name_pairs(asked, matrix, report)
    if named is not None:
        finding, found = named
        outside = [] if declared is None else [pair for pair in found if _lacks(declared, pair)]
        report = with_first(report, (finding,), report.verdict)
        if outside:
            report = with_first(report, (_too_narrow(outside),), report.verdict)
    if is_square(matrix) and agrees(f, matrix, x, options, transposed):
        message = "the Jacobian is transposed: its transpose agrees with f; entry [i, j] is to be "
        message += "the derivative of output i by input j."
        report = caused(report, Finding(Cause.TRANSPOSE, message, ROOT))
    return report


def is_square(matrix: Matrix) -> bool:
    """Whether it is one block, whose transpose has the same shape."""
    if matrix.here.keys() != {(ROOT, ROOT)}:
        return False
    shape = matrix.leaves[0].array.shape
    return tuple(matrix.here[ROOT, ROOT].shape) == shape + shape


def agrees(
    f: Callable[[PyTree], Any],
    matrix: Matrix,
    x: PyTree,
    options: Options,
    change: Callable[[Any], Any],
) -> bool:
    """Whether the matrix passes with a change: a guess at what is wrong, tried."""
    tried = Matrix(matrix.claim, matrix.space, matrix.noun, change)
    plan = replace(options["plan"], naming=0, canary=False)
    tried_options: Options = {**options, "plan": plan}
    return check_vjp(f, tried.pull, x, **tried_options).ok


def transposed(block: Any) -> Any:  # noqa: ANN401 - dense or sparse
    """Exchange the axes of the output with those of the input."""
    if is_sparse(block):
        return block.T
    half = block.ndim // 2
    return np.moveaxis(block, range(half), range(half, block.ndim))


# --- a declared pattern ------------------------------------------------------------------------


def _read_pattern(pattern: Any, matrix: Matrix) -> Array | None:  # noqa: ANN401 - see above
    """Read where the Jacobian may be non-zero."""
    allowed = plain(pattern)
    if allowed.dtype.kind not in "biuf":
        raise UsageError(
            f"the pattern has dtype {allowed.dtype}, but it must be an array of bool, or a sparse "
            f"matrix, that is true where the Jacobian may be non-zero."
        )
    if not matrix.here:
        return None
    if matrix.here.keys() != {(ROOT, ROOT)}:
        raise UsageError(
            "a pattern is for a Jacobian that is one matrix: one array as the point, and one that "
            "f returns; check without it, or ravel both."
        )
    shape = tuple(matrix.here[ROOT, ROOT].shape)
    if allowed.shape != shape:
        raise UsageError(
            f"the pattern has shape {allowed.shape}, but the Jacobian has {shape}; give one entry "
            f"for each of its."
        )
    return np.asarray(allowed != 0)


def _held_to(report: Report, declared: Array, matrix: Matrix) -> Report:
    """Fail a claim that is non-zero where the pattern says that it is not."""
    claimed = plain(matrix.here[ROOT, ROOT])
    outside = np.argwhere((claimed != 0) & ~declared)
    if not len(outside):
        return report
    shown = ", ".join(
        f"{[int(k) for k in where]} ({claimed[tuple(where)]:.6g})" for where in outside[:MOST_NAMED]
    )
    more = f" and {len(outside) - MOST_NAMED} more" if len(outside) > MOST_NAMED else ""
    whose = (
        "it agrees with f there, so it is the pattern that leaves them out"
        if report.ok
        else "who trusts the pattern drops them, or adds them to other entries"
    )
    message = f"the Jacobian is non-zero outside of its pattern, at {shown}{more}; {whose}."
    pairs = [[int(k) for k in where] for where in outside]
    finding = Finding(Cause.STRUCTURE, message, ROOT, {"outside": pairs})
    return with_first(report, (finding,), Verdict.FAIL)


def _lacks(declared: Array, pair: Pair) -> bool:
    """Whether the pattern leaves out an entry that is certainly not zero."""
    return abs(pair.measured) > pair.bar and not declared[pair.row + pair.column]


def _too_narrow(outside: list[Pair]) -> Finding:
    shown = "; ".join(map(str, outside))
    message = f"the pattern leaves out what is not zero: {shown}; widen it."
    pairs = [[*pair.row, *pair.column] for pair in outside]
    return Finding(Cause.STRUCTURE, message, ROOT, {"outside": pairs})
