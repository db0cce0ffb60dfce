"""A Hessian: checked as the Jacobian of a gradient that is certified before.

Without a gradient the slope of f along a random direction v is measured, with `derivative`, and its
gradient is H v.
Part of `second_order`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, Unpack

import numpy as np

from ..check import Options, PointOptions, check_grad, check_vjp
from ..execution.pair import split_value
from ..records import (
    Cause,
    Finding,
    PyTree,
    Report,
    UsageError,
    Verdict,
)
from ..space import Space
from .jacobian import agrees, is_square
from .matrix import ROOT, Matrix, plain
from .pairs import Asked, name_pairs
from .parts import after, caused, merged, refuse_stacks, restated, seeded, with_first
from .slopes import along_slope
from .symmetric import asymmetry, product_asymmetry

Product = Callable[[PyTree, PyTree], PyTree]
Gradient = Callable[[PyTree], PyTree] | None
GRADIENT, HESSIAN = "gradient", "Hessian"


def check_hessian(
    f: Callable[[PyTree], Any],
    hess: Callable[[PyTree], Any] | Any,  # noqa: ANN401 - a matrix, dense or sparse
    x: PyTree,
    *,
    grad: Callable[[PyTree], PyTree] | Literal[True] | None = None,
    **options: Unpack[Options],
) -> Report:
    """Check a whole Hessian of a real function, dense or sparse.

    Parameters
    ----------
    f : callable
        `f(x)` returns one real number.
    hess : callable or array
        `hess(x)` returns the Hessian, or it is the Hessian itself: of shape `x.shape + x.shape`
        where x is one array; a pytree of pytrees like x of such blocks, as JAX has it; or a sparse
        matrix of SciPy.
    x : pytree
        The point, as in `check_grad`; real.
    grad : callable or True, optional
        The gradient, as in `check_grad`, but not as numbers. It is checked first, and where it
        passes, the Hessian is compared with differences of it, which have twice the digits.
    **options : Options
        As in `check_grad`, but for `batched`.

    Returns
    -------
    Report
        Of the leaves `gradient`, where that was given, and `Hessian`, by `gradient of ['W']` for
        leaves that have names. Wrong entries of a leaf are wrong columns of the Hessian; findings
        name wrong entries, where some are certain, and pairs that are not symmetric.

    Raises
    ------
    UsageError
        As `check_grad`; and if x is complex.

    Notes
    -----
    Without `grad`, f is differentiated along one random direction at each of the points of another
    difference: about 10 times as many evaluations, some three digits fewer.

    Examples
    --------
    >>> import numpy as np, gradcheck
    >>> report = gradcheck.check_hessian(
    ...     lambda x: x[0] ** 2 * x[1],
    ...     lambda x: np.array([[2 * x[1], 2 * x[0]], [0.0, 0.0]]),
    ...     np.array([2.0, 1.0]),
    ...     grad=lambda x: np.array([2 * x[0] * x[1], x[0] ** 2]),
    ... )
    >>> report.verdict, report.findings[0].cause
    (<Verdict.FAIL: 'fail'>, <Cause.ASYMMETRIC: 'asymmetric'>)
    """
    options = seeded(_straight("check_hessian", options))
    if hess is None or isinstance(hess, (str, bytes, bool, np.bool_)):
        raise UsageError(
            f"hess is {hess!r}, but it must be a callable hess(x) that returns the Hessian, or the "
            f"Hessian itself; check_hvp is for a product hess(x, v)."
        )
    refuse_stacks(options, "check_hessian")
    _real_space(x)

    def of_hessian(gradient: Gradient, options: Options) -> Report:
        return hessian_against(gradient, f, hess, x, options)

    return _in_order(f, grad, x, of_hessian, options)


def hessian_against(
    gradient: Gradient,
    f: Callable[[PyTree], Any],
    hess: Any,  # noqa: ANN401 - a matrix, or a function that returns it
    x: PyTree,
    options: Options,
    checked: Callable[..., Report] = check_vjp,
) -> Report:
    """Check a Hessian against a gradient that is right, or against slopes of f without one.

    `checked` takes what `check_vjp` takes, where that would not do.
    """
    matrix = Matrix(hess, _real_space(x), HESSIAN)
    if gradient is None:
        report = along_slope(f, matrix.pull, x, options)
    else:
        report = checked(gradient, matrix.pull, x, **options)
    if matrix.misfit is not None:
        report = restated(report, matrix.misfit.finding)
    if not matrix.here:
        return report
    if report.verdict is Verdict.FAIL and gradient is not None:
        report = _explained(gradient, matrix, report, x, options)
    found = asymmetry(matrix, options["plan"].rtol)
    return report if found is None else caused(_failed(report, found), found)


def check_hvp(
    f: Callable[[PyTree], Any],
    hvp: Product,
    x: PyTree,
    *,
    grad: Callable[[PyTree], PyTree] | Literal[True] | None = None,
    **options: Unpack[Options],
) -> Report:
    """Check a Hessian-vector product of a real function.

    Parameters
    ----------
    f : callable
        `f(x)` returns one real number.
    hvp : callable
        `hvp(x, v)` returns H v; v and H v are structured like x.
    x, grad, **options
        As in `check_hessian`.

    Returns
    -------
    Report
        As `check_hessian`, without the names of single entries.

    Raises
    ------
    UsageError
        As `check_hessian`.

    Examples
    --------
    >>> import numpy as np, gradcheck
    >>> gradcheck.check_hvp(
    ...     lambda x: np.sum(x**4), lambda x, v: 12 * x**2 * v, np.array([0.5, -1.5]),
    ...     grad=lambda x: 4 * x**3,
    ... ).ok
    True
    """
    options = seeded(_straight("check_hvp", options))
    if not callable(hvp):
        raise UsageError(f"hvp is a {type(hvp).__name__}, but it must be callable: hvp(x, v).")
    refuse_stacks(options, "check_hvp")
    _real_space(x)

    def of_hessian(gradient: Gradient, options: Options) -> Report:
        return product_against(gradient, f, hvp, x, options)

    return _in_order(f, grad, x, of_hessian, options)


def product_against(
    gradient: Gradient,
    f: Callable[[PyTree], Any],
    hvp: Product,
    x: PyTree,
    options: Options,
    checked: Callable[..., Report] = check_vjp,
) -> Report:
    """Check a product as `hessian_against` does a matrix."""
    if gradient is None:
        report = along_slope(f, hvp, x, options)
    else:
        report = checked(gradient, hvp, x, **options)
    plan = options["plan"]
    rng = np.random.default_rng([plan.seed or 0, 1])
    found = product_asymmetry(hvp, _real_space(x), plan.rtol, rng)
    return report if found is None else caused(_failed(report, found), found)


def _straight(who: str, options: Options) -> Options:
    """Refuse what only first derivatives know of: slopes of f are taken beside x in any direction.

    Raises
    ------
    UsageError
        If there is a domain.
    """
    for name in PointOptions.__annotations__.keys() - Options.__annotations__.keys():
        if options.get(name) is not None:
            raise UsageError(
                f"{name}= is not an option of {who}, which takes slopes in any direction; check "
                f"the Hessian as the Jacobian of the gradient, with check_jacobian."
            )
    return options


def _real_space(x: PyTree) -> Space:
    space = Space.of(x)
    for i in space.moving:
        leaf = space.leaves[i]
        if leaf.pattern is not None:
            raise UsageError(
                f"leaf {leaf.path} is sparse, and there is no form for a Hessian by its values; "
                f"make its data the leaf, and build the matrix in f."
            )
        if leaf.array.dtype.kind == "c":
            raise UsageError(
                f"leaf {leaf.path} is complex, but a Hessian is checked for real points only; make "
                f"its real and imaginary parts two leaves."
            )
    return space


def _in_order(
    f: Callable[[PyTree], Any],
    grad: Any,  # noqa: ANN401 - see check_hessian
    x: PyTree,
    of_hessian: Callable[[Gradient, Options], Report],
    options: Options,
) -> Report:
    """Check the gradient, and then the Hessian against it, as what is wrong below is wrong above.

    The numbers of a Hessian are held against the gradient as it is called here, not against f.
    """
    if grad is None:
        return merged({HESSIAN: of_hessian(None, options)})
    if grad is not True and not callable(grad):
        raise UsageError(
            f"grad is a {type(grad).__name__}, but it must be callable, grad(x), or True if f "
            f"returns (value, gradient): the Hessian is compared with differences of it."
        )
    first = check_grad(f, grad, x, **options)
    if not first.ok:
        how = "is wrong" if first.verdict is Verdict.FAIL else "could not be certified"
        message = "the Hessian was not looked at: it is compared with differences of the gradient,"
        message += f" and that {how}; mend it first, or leave out grad."
        said = Finding(Cause.UPSTREAM, message)
        whole = merged({GRADIENT: first})
        return replace(whole, findings=(*whole.findings, said))

    def gradient(point: PyTree) -> PyTree:
        return f(point)[1] if grad is True else split_value(grad(point), x)[0]

    # a reference is one of f: there is none of the gradient
    rest = after(options, first)
    rest.pop("reference", None)
    return merged({GRADIENT: first, HESSIAN: of_hessian(gradient, rest)})


def _explained(
    gradient: Callable[[PyTree], PyTree],
    matrix: Matrix,
    report: Report,
    x: PyTree,
    options: Options,
) -> Report:
    """Name wrong entries, and a diagonal that is off by a factor 2."""
    named = name_pairs(Asked(gradient, options.get("random", ())), matrix, report)
    if named is not None:
        report = with_first(report, (named[0],), report.verdict)
    if not is_square(matrix):
        return report
    for factor, word in ((2.0, "half"), (0.5, "twice")):
        if agrees(gradient, matrix, x, options, _with_diagonal(factor)):
            message = f"the diagonal of the Hessian is {word} of what it should be, and all else is"
            message += " right: with the diagonal mended it agrees with the gradient."
            return caused(report, Finding(Cause.SCALE, message, ROOT, {"factor": 1 / factor}))
    return report


def _with_diagonal(factor: float) -> Callable[[Any], Any]:
    def changed(block: Any) -> Any:  # noqa: ANN401 - dense or sparse
        dense = plain(block)
        n = int(np.sqrt(dense.size))
        square = dense.reshape(n, n) * np.where(np.eye(n, dtype=bool), factor, 1.0)
        return square.astype(dense.dtype).reshape(dense.shape)

    return changed


def _failed(report: Report, finding: Finding) -> Report:
    """Fail a report, and all of its leaves that the finding is about and that passed."""
    leaves = {
        path: replace(leaf, verdict=Verdict.FAIL, cause=finding.cause, reason="not symmetric")
        if leaf.verdict is not Verdict.FAIL and finding.leaf in (path, None)
        else leaf
        for path, leaf in report.leaves.items()
    }
    return replace(report, verdict=Verdict.FAIL, leaves=leaves)
