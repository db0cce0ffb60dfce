"""JAX's arrays and pytrees as NumPy's: a point with readable paths, f, and both derivatives.

A tree is taken apart by JAX, which knows more classes than optree does, such as Equinox modules;
what gradcheck sees is a `Named`, one array for each of JAX's own names of a leaf.
Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..records import PyTree, UsageError
from ..space import is_floating, unit_roundoff
from .named import Named

try:
    import jax
    import jax.numpy as jnp
except ModuleNotFoundError as error:
    message = "the checks of JAX's derivatives need jax: pip install jax"
    raise ImportError(message) from error

__all__ = [
    "Leaves",
    "Named",
    "Translated",
    "as_array",
    "as_jax",
    "as_long_as",
    "exact_products",
    "jax",
    "tangent",
]

JaxArray = Any  # jax may not be installed where types are checked
Leaves = dict[str, JaxArray]
Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Translated:
    """A function of JAX's arrays, and the point where its derivatives are looked at.

    Attributes
    ----------
    fn : callable
        `fn(*args)`.
    leaves : dict of str to object
        All leaves of the arguments by name, as they were given.
    start : dict of str to array
        Those that are differentiated, as JAX takes them: NumPy's arrays, float32 unless x64 is set.
    treedef : jax.tree_util.PyTreeDef
        Of the arguments.
    """

    fn: Function
    leaves: dict[str, Any]
    start: Leaves
    treedef: Any

    @classmethod
    def of(cls, fn: Function, args: tuple[PyTree, ...], held: Collection[int] = ()) -> Translated:
        """Read the arguments; those of which the numbers are `held` are handed on as they are.

        Raises
        ------
        UsageError
            If nothing can be differentiated, or a leaf is of a dtype that NumPy has not.
        """
        inputs = tuple(_Held(arg) if i in held else arg for i, arg in enumerate(args))
        leaves, treedef = _flattened(inputs)
        start = {name: _start(name, leaf) for name, leaf in leaves.items() if _moves(leaf)}
        if not start:
            kinds = ", ".join(sorted({type(arg).__name__ for arg in args})) or "nothing"
            apart = f" beside the nondiff_argnums {sorted(held)}" if held else ""
            raise UsageError(
                f"the arguments are {kinds}: there is no floating or complex leaf to differentiate"
                f"{apart}; give it as floating numbers, such as jnp.asarray(x, float)."
            )
        return cls(fn, leaves, start, treedef)

    def point(self, prefix: str = "") -> Named:
        """Return the point for `check_vjp` and `check_jvp`."""
        return Named({prefix + name: array for name, array in self.start.items()})

    def called(self, moving: Leaves) -> Leaves:
        """Call fn as JAX does, and return the floating outputs by name."""
        given = (moving[k] if k in moving else _copied(leaf) for k, leaf in self.leaves.items())
        args = jax.tree.unflatten(self.treedef, given)
        out = self.fn(*(arg.value if isinstance(arg, _Held) else arg for arg in args))
        arrays = {name: jnp.asarray(leaf) for name, leaf in _flattened(out)[0].items()}
        return {name: array for name, array in arrays.items() if _is_inexact(array)}

    def f(self, point: Named) -> Named:
        """Compute the outputs."""
        moving = self.moving(point.values())
        with as_long_as(point.values()):
            return _named(self.called(self.given(moving)))

    def f_stacked(self, stack: Named) -> Named:
        """Compute the outputs of a stack of points; what JAX cannot batch it raises."""
        moving = self.moving(stack.values())
        with as_long_as(stack.values()):
            return _named(jax.vmap(self.called)(self.given(moving)))

    def vjp(self, point: Named, cotangent: Named) -> Named:
        """Go backward; conjugated, as df is Re sum g dx in JAX, and Re sum conj(g) dx here."""
        with as_long_as(point.values()):
            out, pullback = jax.vjp(self.called, self.given(self.moving(point.values())))
            dout = {name: tangent(y, np.conj(cotangent[name])) for name, y in out.items()}
            (gradient,) = pullback(dout)
        by_leaf = zip(point, self.start, strict=True)
        return Named({path: np.conj(as_array(gradient[name])) for path, name in by_leaf})

    def jvp(self, point: Named, direction: Named) -> Named:
        """Go forward."""
        with as_long_as(point.values()):
            primal = self.given(self.moving(point.values()))
            steps = self.moving(direction.values())
            pushing = {name: tangent(primal[name], step) for name, step in steps.items()}
            return _named(jax.jvp(self.called, (primal,), (pushing,))[1])

    def moving(self, arrays: Iterable[Any]) -> Leaves:
        """Give the leaves of a point, whatever their prefix, the names of the arguments."""
        return dict(zip(self.start, arrays, strict=True))

    def given(self, moving: Leaves) -> Leaves:
        """Make JAX's arrays of NumPy's."""
        return {name: as_jax(array) for name, array in moving.items()}


@dataclass(frozen=True, eq=False)
class _Held:
    """An argument that is one leaf for JAX, whatever it holds."""

    value: Any


def as_long_as(arrays: Iterable[Any]) -> Any:  # noqa: ANN401 - a context of JAX's
    """Compute in float64 where an array is of it, and otherwise as JAX is set."""
    long = any(unit_roundoff(array.dtype) < SHORT for array in map(np.asarray, arrays))
    return jax.enable_x64(bool(long or jax.config.jax_enable_x64))


def exact_products() -> Any:  # noqa: ANN401 - a context of JAX's
    """Compute products of matrices in full precision, where JAX may do otherwise.

    On a CPU it does not, unless it is asked to; there every operation would be compiled once more.
    """
    if jax.default_backend() == "cpu" and jax.config.jax_default_matmul_precision is None:
        return nullcontext()
    return jax.default_matmul_precision("highest")


SHORT = 2.0**-24  # unit roundoff of the finest numbers that JAX has without x64


def as_jax(array: Any, dtype: Any = None) -> JaxArray:  # noqa: ANN401 - arrays of NumPy
    """Make an array of JAX; a copy, as JAX may otherwise look at memory that NumPy writes to.

    NumPy copies and converts: JAX compiles each of its own operations, once for each shape.
    """
    return jax.device_put(np.array(array, dtype, order="C"))


def tangent(primal: JaxArray, step: JaxArray) -> JaxArray:
    """Return a tangent or a cotangent of the dtype that JAX asks for."""
    return as_jax(step, primal.dtype)


def as_array(leaf: JaxArray) -> np.ndarray[Any, Any]:
    """Return NumPy's array; of float32, where NumPy has no such floating dtype."""
    return np.asarray(leaf if is_floating(np.dtype(leaf.dtype)) else leaf.astype("f4"))


def _named(leaves: Leaves) -> Named:
    return Named({name: as_array(leaf) for name, leaf in leaves.items()})


def _flattened(tree: PyTree) -> tuple[dict[str, Any], Any]:
    """Take a tree apart; two leaves of one name, which a class may give, are numbered."""
    by_path, treedef = jax.tree_util.tree_flatten_with_path(tree)
    leaves: dict[str, Any] = {}
    for path, leaf in by_path:
        name = jax.tree_util.keystr(path)
        leaves[name if name not in leaves else f"{name}<{len(leaves)}>"] = leaf
    return leaves, treedef


def _moves(leaf: object) -> bool:
    """Whether a leaf is differentiated."""
    if isinstance(leaf, (float, complex)):
        return True
    return isinstance(leaf, (np.ndarray, np.generic, jax.Array)) and _is_inexact(leaf)


def _is_inexact(array: JaxArray) -> bool:
    return bool(jnp.issubdtype(array.dtype, jnp.inexact))


def _start(name: str, leaf: JaxArray) -> np.ndarray[Any, Any]:
    if isinstance(leaf, jax.core.Tracer):
        raise UsageError(
            f"leaf {name} is a tracer, which has no value: call check outside of jax.jit, jax.grad "
            f"and jax.vmap."
        )
    array = np.asarray(leaf if isinstance(leaf, jax.Array) else jnp.array(leaf))
    if not is_floating(array.dtype):
        raise UsageError(
            f"leaf {name} has dtype {array.dtype}, in which a difference has too few digits to "
            f"certify anything; give it as float32, and round it inside of fn."
        )
    return array


def _copied(leaf: object) -> object:
    """Keep what the caller passed on from being written to."""
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf
