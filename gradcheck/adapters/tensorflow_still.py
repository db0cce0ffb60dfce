"""What a call of TensorFlow code may change, held still and put back.

Variables, the states of generators among them, and the global seed. Which of these a function
touches is read off its graph, so that what needs no holding is not touched.
Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from ..randomness import Held

try:
    import tensorflow as tf
    from tensorflow.python.eager import context  # the seed can be set, but not read, without it
except ModuleNotFoundError as error:
    message = "gradcheck's checks of TensorFlow need it: pip install tensorflow"
    raise ImportError(message) from error

__all__ = ["Still", "Touched", "rounds", "touched_by"]

Variable = Any  # TensorFlow may not be installed where types are checked
SEEDS = 2**31 - 1  # what a global seed may be


@dataclass(frozen=True, eq=False)
class Touched:
    """What a function reads, writes and draws.

    Attributes
    ----------
    variables : tuple of tf.Variable
        All of them, those that are not trainable and the states of generators included.
    draws : bool
        Whether it draws random numbers that depend on the global seed.
    """

    variables: tuple[Variable, ...]
    draws: bool


def touched_by(call: Callable[[], Any]) -> Touched:
    """Read what a function touches off its graph; all may be drawn where it has none."""
    try:
        graph = _graph_of(call)
        draws = any("seed2" in node.attr for node in _nodes(graph))
        return Touched(tuple(graph.variables), draws)
    except Exception:  # the caller's code, which need not be one that a graph can be made of
        return Touched((), draws=True)


def rounds(call: Callable[[], Any]) -> bool:
    """Whether a function of float64 goes through fewer digits inside, as far as its graph shows.

    Its steps hide in what else it adds up: differences would measure the rest alone.
    """
    try:
        return any(_is_rounding(node) for node in _nodes(_graph_of(call)))
    except Exception:  # as above
        return False


def _is_rounding(node: Any) -> bool:  # noqa: ANN401 - of a graph
    if node.op != "Cast":
        return False
    before, after = (tf.as_dtype(node.attr[name].type) for name in ("SrcT", "DstT"))
    return bool(before == tf.float64 and after.is_floating)


def _graph_of(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - TensorFlow's
    return tf.function(call, autograph=False).get_concrete_function().graph


def _nodes(graph: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    written = graph.as_graph_def()
    bodies = (body.node_def for body in written.library.function)
    return chain.from_iterable((written.node, *bodies))


@dataclass(frozen=True, eq=False)
class Still:
    """What is the same at every call, and put back after it.

    Attributes
    ----------
    seed : int
        Where random numbers that depend on the global seed start at every call.
    held : Held
        Other random sources.
    draws : bool
        Whether there are such numbers; if not, the global seed is left alone.
    found : tuple of (tf.Variable, array)
        Variables that a call may change, with their values.
    around : callable
        Makes a context that puts back what else a call changes, such as attributes of a module.
    """

    seed: int
    held: Held
    draws: bool
    found: tuple[tuple[Variable, np.ndarray[Any, Any]], ...]
    around: Callable[[], AbstractContextManager[Any]] = nullcontext

    @classmethod
    def of(
        cls,
        seed: int,
        held: Held,
        touched: Touched,
        others: Iterable[Variable] = (),
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> Still:
        """Note the values of what is touched, and of other variables."""
        each = {id(v): v for v in (*touched.variables, *others) if v.dtype.is_numpy_compatible}
        found = tuple((v, np.array(v.numpy())) for v in each.values())
        return cls(seed, held, touched.draws, found, around)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Make one call."""
        self.held.rewind()
        drawing = _seeded(self.seed % SEEDS) if self.draws else nullcontext()
        try:
            with drawing, self.around():
                yield
        finally:
            for variable, value in self.found:
                variable.assign(value)
            self.held.rewind()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Start from a global seed, and put back what was there."""
    eager = context.context()
    found, rng = eager._seed, getattr(eager, "_rng", None)
    state = None if rng is None else rng.getstate()
    # also makes operations that have drawn start again, in functions that were compiled too
    tf.random.set_seed(seed)
    try:
        yield
    finally:
        eager._seed = found
        if rng is None:
            vars(eager).pop("_rng", None)
        else:
            rng.setstate(state)
            eager._rng = rng
