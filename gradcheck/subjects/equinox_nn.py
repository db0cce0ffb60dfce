"""Equinox: layers of `equinox.nn`, losses and optimisers of `optax`, initialisers of jax.

Owns the translation of parameters; gradients are those of jax, which keeps float64 only while it
is called from here. What depends on the sizes of a network alone is compiled, as every size is met
many times. Part of `subjects`; the one file there that imports jax, equinox and optax.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from ..laws import NotOffered, Subject
from ..laws.subject import Array, Backward, Params

try:
    import equinox
    import jax
    import optax
except ModuleNotFoundError as error:
    message = "gradcheck.subjects.equinox_nn needs equinox and optax: pip install equinox optax"
    raise ImportError(message) from error

ACTIVATIONS: Mapping[str, Callable[[Any], Any]] = {
    "relu": jax.nn.relu,
    "tanh": jax.nn.tanh,
    "sigmoid": jax.nn.sigmoid,
    "identity": lambda z: z,
}
# of each row
LOSSES: Mapping[str, Callable[[Any, Any], Any]] = {
    "bce": lambda z, y: optax.sigmoid_binary_cross_entropy(z, y).sum(axis=1),
    "softmax": optax.softmax_cross_entropy_with_integer_labels,
    "mse": lambda z, y: optax.l2_loss(z, y).sum(axis=1),
}
SCHEMES: Mapping[str, Callable[[], Any]] = {
    "he": jax.nn.initializers.he_normal,
    "xavier": jax.nn.initializers.glorot_uniform,
    "lecun": jax.nn.initializers.lecun_normal,
}
HEADS = 2
ROWS = "rows"  # a name for the axis that batch normalisation averages over


P = ParamSpec("P")
R = TypeVar("R")


def _in_float64(call: Callable[P, R]) -> Callable[P, R]:
    """Let jax keep float64 arrays in float64 while something is called."""

    @wraps(call)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.enable_x64(True):  # noqa: FBT003 - its own form
            return call(*args, **kwargs)

    return called


def _network(activation: str, params: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of equinox
    """Build Linear, activation, ..., Linear with these parameters."""
    layers = []
    for k in range(1, len(params) // 2 + 1):
        W, b = params[f"W{k}"], params[f"b{k}"]
        linear = equinox.nn.Linear(*W.shape, key=jax.random.key(0))
        linear = equinox.tree_at(lambda layer: (layer.weight, layer.bias), linear, (W.T, b))
        layers += [linear, equinox.nn.Lambda(ACTIVATIONS[activation])]
    return equinox.nn.Sequential(layers[:-1])


@cache
def _compiled(activation: str, what: str) -> Callable[..., Any]:
    """Compile a function of the parameters; it is kept for networks of the same sizes."""

    def predicted(params: Any, inputs: Any) -> Any:  # noqa: ANN401 - of jax
        return jax.vmap(_network(activation, params))(inputs)

    def cost(params: Any, inputs: Any, targets: Any) -> Any:  # noqa: ANN401 - of jax
        return LOSSES[what](predicted(params, inputs), targets).mean()

    def hidden(params: Any, inputs: Any) -> Any:  # noqa: ANN401 - of jax
        outputs, out = [], inputs
        for layer in _network(activation, params).layers:
            out = jax.vmap(layer)(out)
            outputs.append(out)
        return outputs[1::2]

    def pulled(params: Any, inputs: Any, dout: Any) -> Any:  # noqa: ANN401 - of jax
        return jax.vjp(lambda leaves: predicted(leaves, inputs), params)[1](dout)[0]

    def pushed(params: Any, inputs: Any, tangent: Any) -> Any:  # noqa: ANN401 - of jax
        return jax.jvp(lambda leaves: predicted(leaves, inputs), (params,), (tangent,))[1]

    functions = {"hidden": hidden, "pulled": pulled, "pushed": pushed}
    compiled: Callable[..., Any] = jax.jit(functions.get(what) or jax.value_and_grad(cost))
    return compiled


@dataclass(frozen=True)
class EquinoxNN(Subject):
    """A `Sequential` of `Linear` layers, and the layers of `equinox.nn` one by one.

    Attributes
    ----------
    activation : str
        `relu`, `tanh`, `sigmoid` or `identity`.
    loss : str
        `bce`, `softmax` or `mse`.
    """

    activation: str = "relu"
    loss: str = "bce"

    @_in_float64
    def cost_and_gradient(
        self, params: Params, inputs: Array, targets: Array, weight_decay: float
    ) -> tuple[float, Params]:
        """Differentiate the loss, summed over outputs and averaged over rows."""
        if weight_decay:
            raise NotOffered("its losses have no L2 term: weight decay is the optimiser's")
        cost, gradient = _compiled(self.activation, self.loss)(params, inputs, targets)
        return float(cost), _arrays(gradient)

    @_in_float64
    def activations(self, params: Params, inputs: Array) -> list[Array]:
        """Run the layers one by one."""
        return [np.asarray(out) for out in _compiled(self.activation, "hidden")(params, inputs)]

    @_in_float64
    def vjp(self, params: Params, inputs: Array, dout: Array) -> Params:
        """Pull back by `jax.vjp`."""
        return _arrays(_compiled(self.activation, "pulled")(params, inputs, dout))

    @_in_float64
    def jvp(self, params: Params, inputs: Array, tangent: Params) -> Array:
        """Push forward by `jax.jvp`."""
        return np.asarray(_compiled(self.activation, "pushed")(params, inputs, tangent))

    @_in_float64
    def initial_weights(
        self, scheme: str, n_in: int, n_out: int, rng: np.random.Generator
    ) -> Array:
        """Draw by `jax.nn.initializers`."""
        return np.asarray(SCHEMES[scheme]()(_key(rng), (n_in, n_out), np.float64))

    def step(self, params: Params, gradient: Params, learning_rate: float) -> Params:
        """Take a step of `sgd`."""
        return _stepped(optax.sgd(learning_rate), params, gradient)

    def sgd_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take a step of `add_decayed_weights` with a mask of the weights, then `sgd`."""
        decay = optax.add_decayed_weights(weight_decay, {name: name[0] == "W" for name in params})
        return _stepped(optax.chain(decay, optax.sgd(learning_rate)), params, gradient)

    def adam_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take a step of `add_decayed_weights`, then `adam`."""
        decay = optax.add_decayed_weights(weight_decay)
        return _stepped(optax.chain(decay, optax.adam(learning_rate)), params, gradient)

    def adamw_step(
        self, params: Params, gradient: Params, learning_rate: float, weight_decay: float
    ) -> Params:
        """Take a step of `adamw`."""
        return _stepped(optax.adamw(learning_rate, weight_decay=weight_decay), params, gradient)

    @_in_float64
    def dropout(
        self, x: Array, keep_prob: float, rng: np.random.Generator
    ) -> tuple[Array, Backward]:
        """Apply `Dropout` in training; its p is the probability to drop."""
        layer, drawn = equinox.nn.Dropout(1 - keep_prob), _key(rng)
        return _differentiated(lambda z: layer(z, key=drawn), x)

    @_in_float64
    def dropout_evaluate(self, x: Array, keep_prob: float) -> Array:
        """Apply `Dropout` in evaluation, which it calls inference."""
        layer = equinox.nn.inference_mode(equinox.nn.Dropout(1 - keep_prob))
        return np.asarray(layer(jax.numpy.asarray(x)))

    @_in_float64
    def softmax(self, z: Array) -> tuple[Array, Backward]:
        """Apply `jax.nn.softmax`."""
        return _differentiated(jax.nn.softmax, z)

    @_in_float64
    def normalised_dense(self, W: Array, x: Array) -> tuple[Array, Backward]:
        """Apply `LayerNorm` after a product."""
        norm = jax.vmap(equinox.nn.LayerNorm(W.shape[1]))
        return _differentiated(lambda weights: norm(x @ weights), W)

    def batch_norm(self, features: int) -> EquinoxBatchNorm:
        """Make a `BatchNorm` that normalises by the batch, as the paper does."""
        return EquinoxBatchNorm(features, mode="batch")

    @_in_float64
    def attention(self, x: Array, mask: npt.NDArray[np.bool_]) -> tuple[Array, Backward]:
        """Attend by `MultiheadAttention`."""
        layer = equinox.nn.MultiheadAttention(HEADS, x.shape[-1], key=jax.random.key(0))
        return _differentiated(jax.vmap(lambda z: layer(z, z, z, mask=mask)), x)

    def embedding(
        self, table: Array, indices: npt.NDArray[np.int64], padding_index: int
    ) -> tuple[Array, Backward]:
        """Refuse."""
        raise NotOffered("its Embedding has no padding row")


class EquinoxBatchNorm:
    """A `BatchNorm` in one of its modes, and its state."""

    @_in_float64
    def __init__(self, features: int, mode: str) -> None:
        make = equinox.nn.make_with_state(equinox.nn.BatchNorm)
        self._layer, self._state = make(features, axis_name=ROWS, mode=mode, dtype=np.float64)

    def train(self, x: Array) -> Array:
        """Call it and keep the state."""
        out, self._state = _over_rows(self._layer, self._state, x)
        return np.asarray(out)

    def evaluate(self, x: Array) -> Array:
        """Call it in inference."""
        return np.asarray(_over_rows(equinox.nn.inference_mode(self._layer), self._state, x)[0])


@_in_float64
def _over_rows(layer: Any, state: Any, x: Array) -> Any:  # noqa: ANN401 - of equinox
    return _compiled_over_rows()(layer, state, x)


@cache
def _compiled_over_rows() -> Callable[..., Any]:
    def over_rows(layer: Any, state: Any, x: Any) -> Any:  # noqa: ANN401 - of equinox
        return jax.vmap(layer, axis_name=ROWS, in_axes=(0, None), out_axes=(0, None))(x, state)

    compiled: Callable[..., Any] = equinox.filter_jit(over_rows)
    return compiled


def _differentiated(layer: Callable[[Any], Any], x: Array) -> tuple[Array, Backward]:
    """Apply a layer; also return its backward pass."""
    out, pull = jax.vjp(layer, jax.numpy.asarray(x))

    @_in_float64
    def backward(dout: Array) -> Array:
        return np.asarray(pull(jax.numpy.asarray(dout))[0])

    return np.asarray(out), backward


def _arrays(tree: Any) -> Params:  # noqa: ANN401 - of jax
    """Turn a dictionary of jax arrays into one of NumPy arrays."""
    return {name: np.asarray(value) for name, value in tree.items()}


def _key(rng: np.random.Generator) -> Any:  # noqa: ANN401 - of jax
    """Make a key of a number that a generator draws."""
    return jax.random.key(int(rng.integers(2**32)))


@_in_float64
def _stepped(optimiser: Any, params: Params, gradient: Params) -> Params:  # noqa: ANN401
    """Take the first step of an optimiser."""
    leaves = jax.tree.map(jax.numpy.asarray, params)
    updates, _ = optimiser.update(gradient, optimiser.init(leaves), leaves)
    return _arrays(optax.apply_updates(leaves, updates))


@dataclass(frozen=True)
class RunningAverages(EquinoxNN):
    """The same with batch normalisation in the mode `ema`: by running averages, in training too."""

    def batch_norm(self, features: int) -> EquinoxBatchNorm:
        """Make a `BatchNorm` of that mode."""
        return EquinoxBatchNorm(features, mode="ema")


def relu() -> EquinoxNN:
    """Make the network with relu and logistic outputs."""
    return EquinoxNN("relu", "bce")


def tanh() -> EquinoxNN:
    """Make the network with tanh and softmax."""
    return EquinoxNN("tanh", "softmax")


def running_averages() -> RunningAverages:
    """Make the one with the other batch normalisation."""
    return RunningAverages()


def subjects() -> tuple[EquinoxNN, ...]:
    """Return those of the table of conformance."""
    return relu(), tanh()
