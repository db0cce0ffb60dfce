"""The signature of `jax.test_util.check_grads`: both modes, and derivatives of derivatives.

Owns the translation of JAX's arrays into NumPy's and back. Part of `compat`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..check import check_jvp, check_vjp
from ..records import Plan, PyTree, UsageError, require

try:
    import jax
    import jax.numpy as jnp
except ModuleNotFoundError as error:
    message = "gradcheck.compat.jax_check_grads needs jax: pip install jax"
    raise ImportError(message) from error

Function = Callable[..., Any]
MODES = ("fwd", "rev")


def jax_check_grads(
    f: Function,
    args: Sequence[PyTree],
    order: int,
    modes: Sequence[str] = MODES,
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
) -> None:
    """Check JAX's derivatives by certified differences; the signature of JAX's `check_grads`.

    Parameters
    ----------
    f : callable
        `f(*args)` returns an array or a pytree of arrays.
    args : sequence of pytrees
        The point: arrays and numbers in dicts, lists and tuples. Integers are handed on.
    order : int
        1 for the first derivatives, 2 also for the derivatives of these, and so on.
    modes : sequence of str
        `fwd` (`jax.jvp`), `rev` (`jax.vjp`) or both; each derivative is differentiated in both.
    rtol : float, optional
        How far a derivative may be off, relative to its size and beyond the error bar, as
        `Plan.rtol`.
    atol, eps : float, optional
        Accepted for the sake of the signature, and not used: error bars and steps are measured.

    Raises
    ------
    GradientError
        Unless every verdict is PASS. It is an `AssertionError`, and its `report` has the name of
        the derivative, such as `rev of fwd`.
    UsageError
        If the call makes no sense: an unknown mode, an order below 1, nothing to differentiate.

    Notes
    -----
    Arguments are taken as JAX takes them, in float32 unless `jax_enable_x64` is set. Where `f` then
    follows a float64 argument, inside of `jax.enable_x64`, differences are taken of that.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> jax_check_grads(jnp.sin, (jnp.linspace(0.1, 1, 5),), order=2)
    """
    unknown = [mode for mode in modes if mode not in MODES]
    if unknown or not modes:
        raise UsageError(f"modes={modes!r}, but they must be of {', '.join(MODES)}.")
    if order < 1:
        raise UsageError(f"order={order!r}, but it must be at least 1.")
    plan = Plan.auto() if rtol is None else Plan.auto(rtol=rtol)
    _check(f, tuple(args), order, modes, plan, "")


def _check(
    f: Function, args: tuple[PyTree, ...], order: int, modes: Sequence[str], plan: Plan, of: str
) -> None:
    """Check the first derivatives of f, and by the same means these derivatives' own."""
    point = jax.tree.map(lambda leaf: np.asarray(jnp.asarray(leaf)), args)
    for mode in modes:
        name = f"{mode} of {of}" if of else mode
        if mode == "fwd":
            require(check_jvp(partial(_value, f), partial(_jvp, f), point, plan=plan, name=name))
            further, there = partial(jax.jvp, f), (args, args)
        else:
            require(check_vjp(partial(_value, f), partial(_vjp, f), point, plan=plan, name=name))
            further, there = partial(_pulled_back, f), args
        if order > 1:
            _check(further, there, order - 1, modes, plan, name)


def _value(f: Function, args: PyTree) -> PyTree:
    with _as_long_as(args):
        return _arrays(f(*_given(args)))


def _jvp(f: Function, args: PyTree, tangent: PyTree) -> PyTree:
    with _as_long_as(args):
        primals = _given(args)
        tangents = jax.tree.map(_tangent, primals, tangent)
        return _arrays(jax.jvp(f, primals, tangents)[1])


def _vjp(f: Function, args: PyTree, cotangent: PyTree) -> PyTree:
    """Go backward; conjugated, as df is Re sum g dx in JAX, and Re sum conj(g) dx here."""
    with _as_long_as(args):
        out, pullback = jax.vjp(f, *_given(args))
        dout = jax.tree.map(_tangent, out, jax.tree.map(np.conj, cotangent))
        return jax.tree.map(np.conj, _arrays(pullback(dout)))


def _pulled_back(f: Function, *args: PyTree) -> PyTree:
    """Pull back the output itself, as JAX does: a function of the arguments alone."""
    out, pullback = jax.vjp(f, *args)
    return pullback(out)


def _as_long_as(args: PyTree) -> Any:  # noqa: ANN401 - a context of JAX's
    """Compute in float64 where a leaf is of it, and otherwise as JAX is set."""
    long = any(np.dtype(leaf.dtype) in LONG for leaf in map(np.asarray, jax.tree.leaves(args)))
    return jax.enable_x64(bool(long or jax.config.jax_enable_x64))


LONG = (np.dtype(np.float64), np.dtype(np.complex128))


def _given(args: PyTree) -> tuple[PyTree, ...]:
    return tuple(jax.tree.map(jnp.asarray, args))


def _tangent(primal: Any, tangent: Any) -> Any:  # noqa: ANN401 - arrays of JAX and NumPy
    """Return a tangent of the dtype that JAX asks for: none, for integers."""
    if not jnp.issubdtype(primal.dtype, jnp.inexact):
        return np.zeros(primal.shape, jax.dtypes.float0)
    return jnp.asarray(tangent, primal.dtype)


def _arrays(tree: PyTree) -> PyTree:
    return jax.tree.map(_array, tree)


def _array(leaf: Any) -> Any:  # noqa: ANN401 - of JAX, then of NumPy
    """Return NumPy's array, of zeros for what has no derivative, of float32 for bfloat16."""
    if leaf.dtype == jax.dtypes.float0:
        return np.zeros(leaf.shape)
    return np.asarray(leaf.astype("f4") if leaf.dtype == jnp.bfloat16 else leaf)
