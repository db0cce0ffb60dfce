"""A layer of Keras as a function of its variables and inputs, called without leaving a trace.

Keras reads the values of variables from a scope, and keeps there what a call assigns: so a call is
a function whatever the backend, also in float64.
Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..records import UsageError

try:
    import keras
    from keras.src.backend.common import dtypes
except ModuleNotFoundError as error:
    message = "gradcheck.adapters.keras needs Keras: pip install keras"
    raise ImportError(message) from error

__all__ = ["Layer", "moves", "parts_of"]

Tensor = Any  # of whatever backend; Keras may not be installed where types are checked
Variable = Any
SHORT = ("float16", "bfloat16", "float32")
LONG = "float64"


@dataclass(frozen=True, eq=False)
class Layer:
    """A built layer or model, how it is called, and what is made of its output.

    Attributes
    ----------
    layer : keras.Layer
        Called as `layer(*inputs, **mode)`.
    mode : dict
        With `training`, if that was given.
    loss : callable or None
        `loss(output)` returns one number.
    follows : bool
        Whether it computes in float64 throughout where it is given that; if not, it is called in
        its own digits.
    """

    layer: Any
    mode: dict[str, Any]
    loss: Callable[[Any], Tensor] | None
    follows: bool = True

    @property
    def variables(self) -> dict[str, Variable]:
        """The trainable variables by their paths, such as `dense/kernel`."""
        named: dict[str, Variable] = {}
        for variable in self.layer.trainable_variables:
            path = variable.path
            named[path if path not in named else f"{path}<{len(named)}>"] = variable
        return named

    def direct(self, inputs: Sequence[Any]) -> Any:  # noqa: ANN401 - what it returns
        """Call it with its own variables."""
        output = self.layer(*inputs, **self.mode)
        return output if self.loss is None else one_number(self.loss(output))

    def stateless(self, values: Sequence[Tensor], inputs: Sequence[Any]) -> Any:  # noqa: ANN401
        """Call it with values for its trainable variables; in float64 where one of these is."""
        arrays = [x for x in keras.tree.flatten([values, inputs]) if hasattr(x, "dtype")]
        kinds = {keras.backend.standardize_dtype(x.dtype) for x in arrays}
        if any("complex" in kind for kind in kinds):  # Keras would drop imaginary parts
            raise TypeError("a layer of Keras is given real numbers.")
        long = LONG in kinds and self.follows
        named = list(zip(self.variables.values(), values, strict=True))
        if long:
            own = {id(variable) for variable, _ in named}
            others = [v for v in self.layer.variables if id(v) not in own and v.dtype in SHORT]
            named += [(v, keras.ops.cast(v.value, LONG)) for v in others]
        else:
            named = [(v, keras.ops.cast(value, v.dtype)) for v, value in named]
        scope = keras.StatelessScope(collect_losses=True)
        # not by its argument, which would be rounded to the dtype of the variable
        scope.state_mapping.update({id(variable): value for variable, value in named})
        with scope, _in_float64(self.layer, long=long):
            return self.direct(inputs)


def one_number(value: Any) -> Tensor:  # noqa: ANN401 - what a loss returned
    """Require a tensor of one number.

    Raises
    ------
    UsageError
        If it is none.
    """
    if keras.ops.is_tensor(value) and int(np.prod(tuple(value.shape))) == 1:
        return keras.ops.reshape(value, ())
    shape = f"shape {tuple(value.shape)}" if keras.ops.is_tensor(value) else repr(type(value))
    raise UsageError(
        f"loss returned {shape}, but it must return a tensor of one number, such as a mean; leave "
        f"it out to check the outputs themselves."
    )


def moves(value: object) -> bool:
    """Whether it is an array or a tensor of floating numbers."""
    if not isinstance(value, np.ndarray) and not keras.ops.is_tensor(value):
        return False
    return "float" in keras.backend.standardize_dtype(value.dtype)  # type: ignore[attr-defined]


def parts_of(layer: Any) -> list[Any]:  # noqa: ANN401 - of Keras
    """List a layer and all within, also the graph that a Sequential model makes of itself."""
    layers = list(layer._flatten_layers())
    graphs = [getattr(each, "_functional", None) for each in layers]
    return layers + [graph for graph in graphs if graph is not None]


@contextmanager
def _in_float64(layer: Any, *, long: bool) -> Iterator[None]:  # noqa: ANN401 - of Keras
    """Let layers that compute in fewer digits compute in float64, not round what they are given."""
    parts = parts_of(layer) if long else []
    policy = keras.DTypePolicy(LONG)
    short = [(each, "_dtype_policy", policy) for each in parts if each.compute_dtype in SHORT]
    # a model of a graph converts each input to the dtype of its own
    entries = [each for each in parts if isinstance(each, keras.layers.InputLayer)]
    entries += [entry for each in parts for entry in getattr(each, "_inputs", None) or ()]
    short += [(entry, "_dtype", LONG) for entry in entries if entry.dtype in SHORT]
    found = [(thing, name, getattr(thing, name)) for thing, name, _ in short]
    # on torch and JAX, Keras makes float32 of each result that would be float64
    rounding = getattr(dtypes, "BIT64_TO_BIT32_DTYPE", {})
    rounded = rounding.get(LONG, LONG)
    try:
        if long:
            rounding[LONG] = LONG
        for thing, name, value in short:
            object.__setattr__(thing, name, value)
        yield
    finally:
        rounding[LONG] = rounded
        for thing, name, value in reversed(found):
            object.__setattr__(thing, name, value)
