"""The signature of `jax.test_util.check_grads`: both modes, and derivatives of derivatives.

The translation of JAX's arrays is that of `adapters.jax`. Part of `compat`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..adapters.jax_trees import Translated, jax
from ..check import check_jvp, check_vjp
from ..records import Plan, PyTree, UsageError, require

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
        The point: arrays and numbers in any pytree of JAX's. Integers are handed on.
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
    function = Translated.of(f, args)
    point = function.point()
    for mode in modes:
        name = f"{mode} of {of}" if of else mode
        if mode == "fwd":
            require(check_jvp(function.f, function.jvp, point, plan=plan, name=name))
            further, there = partial(jax.jvp, f), (args, args)
        else:
            require(check_vjp(function.f, function.vjp, point, plan=plan, name=name))
            further, there = partial(_pulled_back, f), args
        if order > 1:
            _check(further, there, order - 1, modes, plan, name)


def _pulled_back(f: Function, *args: PyTree) -> PyTree:
    """Pull back the output itself, as JAX does: a function of the arguments alone."""
    out, pullback = jax.vjp(f, *args)
    return pullback(out)
