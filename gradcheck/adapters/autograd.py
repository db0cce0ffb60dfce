"""Check the derivatives of a function of HIPS autograd: those of its primitives, by their rules.

Owns the one public function. Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

try:
    import autograd
    from autograd import builtins as boxed
except ModuleNotFoundError as error:
    message = "gradcheck.adapters.autograd needs autograd: pip install autograd"
    raise ImportError(message) from error

from ..check import Options, check_vjp
from ..records import PyTree, Report, UsageError

__all__ = ["check_function"]


def check_function(
    fn: Callable[..., Any],
    *args: PyTree,
    argnums: int | tuple[int, ...] = 0,
    **options: Unpack[Options],
) -> Report:
    """Check what autograd computes of a function: a primitive with `defvjp`, or made of such.

    Parameters
    ----------
    fn : callable
        `fn(*args)` returns an array, or arrays in tuples, lists or dicts.
    *args
        Floating arrays and numbers, also in tuples, lists and dicts; copies of these are handed on.
    argnums : int or tuple of int
        Which are differentiated, as in `autograd.grad`.
    **options : Options
        As in `check_vjp`; `reference(*args)` takes them likewise.

    Returns
    -------
    Report
        Leaves are named by their position: `[0]`.

    Raises
    ------
    UsageError
        If `argnums` are none of the arguments, or the call makes no sense otherwise.

    Notes
    -----
    A complex gradient of autograd is the conjugate of that of `check_vjp`; it is translated here.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> from autograd.extend import defvjp, primitive
    >>> from gradcheck.adapters.autograd import check_function
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> defvjp(cube, lambda out, x: lambda dout: 2 * x**2 * dout)
    >>> report = check_function(cube, np.linspace(0.5, 2, 4))
    >>> report.verdict, report.findings[0].cause
    (<Verdict.FAIL: 'fail'>, <Cause.SCALE: 'scale'>)
    """
    if not callable(fn):
        raise UsageError(f"fn is of type {type(fn).__name__}, but it must be callable: fn(*args).")
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if not chosen or any(not 0 <= k < len(args) for k in chosen):
        raise UsageError(f"argnums={argnums!r}, but there are {len(args)} arguments, from 0.")

    def called(function: Callable[..., Any], point: tuple[Any, ...]) -> Any:  # noqa: ANN401
        given = list(args)
        for k, value in zip(chosen, point, strict=True):
            given[k] = value
        return function(*given)

    def vjp(point: tuple[Any, ...], cotangent: PyTree) -> PyTree:
        pull, _ = autograd.make_vjp(lambda moved: _boxed(called(fn, moved)))(point)
        return _conjugated(pull(_conjugated(cotangent)))

    settings: dict[str, Any] = dict(options)
    reference = settings.pop("reference", None)
    if reference is not None:
        settings["reference"] = lambda point: called(reference, point)
    start = tuple(args[k] for k in chosen)
    return check_vjp(lambda point: called(fn, point), vjp, start, **settings)


def _boxed(out: Any) -> Any:  # noqa: ANN401 - what fn returns
    """Let autograd see into what holds several arrays: it looks into containers of its own only."""
    if isinstance(out, dict):
        return boxed.dict({key: _boxed(part) for key, part in out.items()})
    if isinstance(out, tuple):
        return boxed.tuple([_boxed(part) for part in out])
    return boxed.list([_boxed(part) for part in out]) if isinstance(out, list) else out


def _conjugated(tree: PyTree) -> PyTree:
    """Translate to the other convention: df = Re sum g dx there, Re sum conj(g) dx here."""
    if isinstance(tree, dict):
        return {key: _conjugated(part) for key, part in tree.items()}
    if isinstance(tree, (tuple, list)):
        return type(tree)(_conjugated(part) for part in tree)
    return np.conj(tree) if np.iscomplexobj(tree) else tree
