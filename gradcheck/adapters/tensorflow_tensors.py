"""A function of TensorFlow's tensors and variables as the function of arrays that is checked.

Owns the translation: the point, the function, the backward pass by a tape, the forward mode.
Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import optree

from ..records import PyTree
from ..space import NAMESPACE
from .named import Named
from .tensorflow_still import Still, rounds

try:
    import tensorflow as tf
except ModuleNotFoundError as error:
    message = "gradcheck's checks of TensorFlow need it: pip install tensorflow"
    raise ImportError(message) from error

__all__ = ["Array", "Call", "Look", "Tensor", "Translated", "as_array", "inexact", "tensors_in"]

Array = npt.NDArray[Any]
Tensor = Any  # TensorFlow may not be installed where types are checked
Variable = Any  # likewise
Call = Callable[[PyTree], Any]
FLOATING = ("float16", "bfloat16", "float32", "float64")
INEXACT = (*FLOATING, "complex64", "complex128")


@dataclass(frozen=True, eq=False)
class Look:
    """What one call shows.

    Attributes
    ----------
    live : tuple of bool
        Of every floating output: whether a gradient reaches anything from there.
    watched : tuple of tf.Variable
        Trainable variables that were read.
    """

    live: tuple[bool, ...]
    watched: tuple[Variable, ...]


@dataclass(frozen=True, eq=False)
class Translated:
    """A function of a tree of tensors, and of variables that it reads, as one of arrays.

    Attributes
    ----------
    call : callable
        `call(tree)` returns tensors, in a structure of any kind.
    given : tuple
        The leaves of the tree.
    names : tuple of str or None
        Of the leaves that are differentiated; None for the others, which are handed on.
    variables : mapping of str to tf.Variable
        Those that are differentiated. They are written to, as TensorFlow code reads them by itself,
        and put back after every call by `still`.
    live : tuple of bool or None
        Which outputs are looked at; None for all.
    follows : bool
        Whether it may be called with more digits than it was given.
    """

    call: Call
    given: tuple[Any, ...]
    spec: optree.PyTreeSpec
    names: tuple[str | None, ...]
    variables: Mapping[str, Variable]
    still: Still
    live: tuple[bool, ...] | None = None
    follows: bool = True

    @classmethod
    def of(
        cls,
        call: Call,
        tree: PyTree,
        still: Still,
        moves: Callable[[Any], bool],
        prefix: str = "",
    ) -> Translated:
        """Read the tree; `moves(accessor)` says whether a leaf may be differentiated."""
        accessors, given, spec = optree.tree_flatten_with_accessor(
            tree, none_is_leaf=True, namespace=NAMESPACE
        )
        names = tuple(
            accessor.codify(prefix) if inexact(value) and moves(accessor) else None
            for accessor, value in zip(accessors, given, strict=True)
        )
        return cls(call, tuple(given), spec, names, {}, still)

    def reading(self, variables: Mapping[str, Variable], live: Iterable[bool]) -> Translated:
        """Differentiate variables as well, and look at the outputs that are live, if any is."""
        shown = tuple(live)
        return replace(self, variables=variables, live=shown if any(shown) else None)

    @property
    def point(self) -> Named:
        """The arrays of all that is differentiated."""
        inputs = zip(self.names, self.given, strict=True)
        found = {name: as_array(value) for name, value in inputs if name is not None}
        return Named(found | {name: as_array(v) for name, v in self.variables.items()})

    def f(self, point: Named) -> list[Array]:
        """Compute the outputs."""
        with self.still.kept():
            tree, _ = self._placed(point)
            return [as_array(y) for y in self.outputs(tree)]

    def vjp(self, point: Named, cotangent: Sequence[Array]) -> Named:
        """Go backward."""
        with self.still.kept():
            tree, sources = self._placed(point)
            with tf.GradientTape() as tape:
                tape.watch(sources)
                outputs = self.outputs(tree)
            dout = [tf.constant(u, y.dtype) for u, y in zip(cotangent, outputs, strict=True)]
            gradients = tape.gradient(
                outputs, sources, dout, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return Named(zip(point, map(as_array, gradients), strict=True))

    def grad(self, point: Named) -> Named:
        """Go backward from the one number that is returned."""
        return self.vjp(point, [np.ones(())])

    def jvp(self, point: Named, tangent: Named) -> list[Array]:
        """Go forward."""
        with self.still.kept():
            tree, sources = self._placed(point)
            steps = [tf.constant(tangent[k], x.dtype) for k, x in zip(point, sources, strict=True)]
            with _unwarned(), tf.autodiff.ForwardAccumulator(sources, steps) as forward:
                outputs = self.outputs(tree)
            zero = tf.UnconnectedGradients.ZERO
            return [as_array(forward.jvp(y, unconnected_gradients=zero)) for y in outputs]

    def unless_it_rounds(self) -> Translated:
        """Call it with its own digits only, if it goes through fewer than float64 inside."""
        point = self.point
        long = Named({k: x.astype(np.result_type(x.dtype, np.float64)) for k, x in point.items()})
        if self.variables or all(x.dtype == long[k].dtype for k, x in point.items()):
            return self
        with self.still.kept():
            tree, _ = self._placed(long)
            return replace(self, follows=not rounds(lambda: self.call(tree)))

    def look(self) -> Look:
        """Call once, and ask of each output by itself what a gradient reaches from there."""
        with self.still.kept():
            tree, sources = self._placed(self.point)
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(sources)
                outputs = self.outputs(tree)
            watched = tape.watched_variables()
            own = {id(source) for source in sources}
            reached = [*sources, *(v for v in watched if id(v) not in own)]
            live = (any(g is not None for g in tape.gradient(y, reached)) for y in outputs)
            return Look(tuple(live), tuple(v for v in watched if v.trainable))

    def outputs(self, tree: PyTree) -> list[Tensor]:
        """Call, and list the floating outputs that are looked at."""
        found = tensors_in(self.call(tree))
        shown = self.live if self.live is not None and len(self.live) == len(found) else None
        if shown is None:
            return found
        return [y for y, is_live in zip(found, shown, strict=True) if is_live]

    def tree(self) -> PyTree:
        """Make what it is called with, with tensors in the place of what is differentiated."""
        return self._placed(self.point)[0]

    def sources(self, tree: PyTree) -> list[Tensor]:
        """List what of a tree is differentiated, and the variables."""
        flat = optree.tree_leaves(tree, none_is_leaf=True, namespace=NAMESPACE)
        pairs = zip(self.names, flat, strict=True)
        return [x for name, x in pairs if name is not None] + list(self.variables.values())

    def named(self, prefix: str) -> Translated:
        """Put something before all names."""
        names = tuple(None if name is None else f"{prefix}{name}" for name in self.names)
        variables = {f"{prefix}{name}": v for name, v in self.variables.items()}
        return replace(self, names=names, variables=variables)

    def _placed(self, point: Named) -> tuple[PyTree, list[Tensor]]:
        """Make tensors of a point and assign its variables; return the tree, and what moves.

        Tensors are as long as the arrays, unless a variable is shorter and stays so.
        """
        arrays = {name: np.asarray(array) for name, array in point.items()}
        pairs = [(name, x) for name, x in zip(self.names, self.given, strict=True) if name]
        longer = any(_size(x) < arrays[name].itemsize for name, x in pairs)
        shorter = any(_size(v) < arrays[name].itemsize for name, v in self.variables.items())
        finer = longer and not shorter and self.follows
        for name, variable in self.variables.items():
            variable.assign(_made(arrays[name], variable))
        values = [
            _carried(value, finer=finer)
            if name is None
            else _made(arrays[name], None if finer else value)
            for name, value in zip(self.names, self.given, strict=True)
        ]
        tree = optree.tree_unflatten(self.spec, values)
        moving = [x for name, x in zip(self.names, values, strict=True) if name is not None]
        return tree, [*moving, *self.variables.values()]


@contextmanager
def _unwarned() -> Iterator[None]:
    """Let TensorFlow not warn of complex tangents, which it pushes forward all the same."""
    log = tf.get_logger()
    level = log.level
    log.setLevel("ERROR")
    try:
        yield
    finally:
        log.setLevel(level)


def _size(value: Any) -> int:  # noqa: ANN401 - an array, a tensor, a variable
    """Return the bytes of one number."""
    return int(tf.as_dtype(value.dtype).size)


def _made(array: Array, like: Any = None) -> Tensor:  # noqa: ANN401 - as above
    """Copy an array into a tensor, in the dtype of another."""
    kept = array if like is None else array.astype(tf.as_dtype(like.dtype).as_numpy_dtype)
    return tf.constant(kept)


def _carried(value: Any, *, finer: bool) -> Any:  # noqa: ANN401 - whatever the function takes
    """Hand on what is not differentiated, in more digits where the others have them."""
    if isinstance(value, np.ndarray):
        value = value.copy()
    if not finer or not inexact(value) or isinstance(value, tf.Variable):
        return value
    complex_too = tf.as_dtype(value.dtype).is_complex
    return tf.cast(value, tf.complex128 if complex_too else tf.float64)


def inexact(value: object) -> bool:
    """Whether it holds floating or complex numbers, and is a tensor, a variable or an array."""
    if isinstance(value, np.ndarray):
        return value.dtype.name in INEXACT
    return isinstance(value, (tf.Tensor, tf.Variable)) and value.dtype.name in INEXACT


def as_array(value: Any) -> Array:  # noqa: ANN401 - TensorFlow's
    """Return a copy; slices with indices are made dense, those of one index added."""
    if isinstance(value, tf.IndexedSlices):
        return np.array(tf.convert_to_tensor(value).numpy())
    return np.array(value.numpy() if tf.is_tensor(value) else value)


def tensors_in(output: Any) -> list[Tensor]:  # noqa: ANN401 - what the function returned
    """List the floating tensors of an output."""
    flat = tf.nest.flatten(output, expand_composites=True)
    return [tf.convert_to_tensor(y) for y in flat if tf.is_tensor(y) and inexact(y)]
