"""Check the gradients of layers and models of Keras 3, with whatever backend they run on.

With torch and JAX a layer is a function of its variables, and goes to the adapter of the backend.
With TensorFlow it stays as it is: a `tf.custom_gradient` knows variables only by reading them.
Owns the public function. Part of `adapters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Unpack

import numpy as np

try:
    import keras
except ModuleNotFoundError as error:
    message = "gradcheck.adapters.keras needs Keras: pip install keras"
    raise ImportError(message) from error

from ..check import Options
from ..records import Report, UsageError
from ..space import Array, norm, rms, size_of, unit_roundoff
from .attributes import attributes_kept
from .keras_layers import Layer, moves, parts_of
from .named import Named

__all__ = ["check_layer"]

Tensor = Any  # of whatever backend


def check_layer(
    layer: Any,  # noqa: ANN401 - Keras may not be installed where types are checked
    *inputs: Any,  # noqa: ANN401 - whatever the layer takes
    loss: Callable[[Any], Tensor] | None = None,
    training: bool | None = None,
    **options: Unpack[Options],
) -> Report:
    """Check the gradient of a layer or model of Keras, by its trainable variables and its inputs.

    Parameters
    ----------
    layer : keras.Layer
        A layer or model that is built, called as `layer(*inputs)`; its backend is TensorFlow, torch
        or JAX.
    *inputs
        Arrays and tensors, also in lists, tuples and dicts; floating ones are differentiated, in
        the dtype in which the layer computes.
    loss : callable, optional
        `loss(output)` returns a tensor of one number, of which the gradient is checked; it may read
        variables and `layer.losses`. By default the outputs are checked, with random upstream
        gradients.
    training : bool, optional
        Handed on as `layer(*inputs, training=training)`; by default Keras decides.
    **options : Options
        As of `gradcheck.check_vjp`, but for `reference`, which is made of the layer itself.

    Returns
    -------
    Report
        Leaves are named by the paths of variables, `dense/kernel`, and by inputs, `inputs[0]`. Of a
        variable that is not used it is certified that its gradient is zero.

    Raises
    ------
    UsageError
        If it is no layer, is not built, nothing can be differentiated, the loss is no number, or
        the backend has no gradients.

    Notes
    -----
    A layer that computes in float32 or less is judged in float64, where it follows variables and
    inputs of that dtype. Seeds are the same at every call, so that dropout is frozen. Variables,
    moving averages, seeds, attributes and mode are afterwards as they were, also where the layer
    raises.

    Examples
    --------
    >>> import keras, numpy as np
    >>> from gradcheck.adapters.keras import check_layer
    >>> layer = keras.layers.Dense(2, activation="tanh", name="dense")
    >>> layer.build((None, 3))
    >>> report = check_layer(layer, np.linspace(-1, 1, 6).reshape(2, 3))
    >>> report.verdict, list(report.leaves)
    (<Verdict.PASS: 'pass'>, ['inputs[0]', 'dense/kernel', 'dense/bias'])
    """
    _require_layer(layer)
    backend = keras.backend.backend()
    if backend not in _ROUTES:
        raise UsageError(
            f"Keras runs on {backend}, which has no gradients; set KERAS_BACKEND to tensorflow, "
            f"torch or jax."
        )
    if options.get("reference") is not None:
        raise UsageError("reference= is made of the layer itself, by calling it in float64.")
    mode = {} if training is None else {"training": training}
    with attributes_kept(parts_of(layer)):
        given = keras.tree.map_structure(partial(_converted, layer.input_dtype), inputs)
        return _ROUTES[backend](Layer(layer, mode, loss), given, dict(options))


def _require_layer(layer: Any) -> None:  # noqa: ANN401 - whatever was given
    if not isinstance(layer, keras.Layer):
        raise UsageError(
            f"layer is of type {type(layer).__name__}, but it must be a layer or model of Keras; "
            f"for functions there are the adapters of torch, JAX and TensorFlow."
        )
    if not layer.built:
        raise UsageError(
            f"the layer {layer.name} has no variables yet: call it once, layer(*inputs), or build "
            f"it, layer.build(shape)."
        )


def _converted(dtype: str, value: Any) -> Any:  # noqa: ANN401 - an input
    """Copy an array, as Keras would convert it for the layer."""
    if not moves(value):
        return value
    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(value, dtype=dtype)).copy()


# --- torch and JAX ------------------------------------------------------------------------------


def _by_torch(own: Layer, inputs: tuple[Any, ...], options: dict[str, Any]) -> Report:
    from .torch import check_function

    def tensor(value: Any) -> Tensor:  # noqa: ANN401 - as below
        made = keras.ops.convert_to_tensor(value)
        return made.detach().clone().requires_grad_()

    values = [tensor(v.value) for v in own.variables.values()]
    given = keras.tree.map_structure(lambda x: tensor(x) if moves(x) else x, list(inputs))
    return _renamed(check_function(own.stateless, values, given, **options), own)


def _by_jax(own: Layer, inputs: tuple[Any, ...], options: dict[str, Any]) -> Report:
    from .jax import check
    from .jax_trees import as_long_as, jax

    values = [v.value for v in own.variables.values()]
    fn = own.stateless
    if all(hasattr(x, "dtype") for x in keras.tree.flatten(inputs)):
        long = keras.tree.map_structure(_float64, [values, list(inputs)])
        try:
            with as_long_as((np.zeros(1),)):
                rounds = FEW_DIGITS.search(str(jax.make_jaxpr(own.stateless)(*long)))
            # as Keras does when it trains; a loop would else be compiled at every call
            fn = jax.jit(replace(own, follows=not rounds).stateless)
        except UsageError:
            raise
        except (
            Exception
        ):  # what cannot be traced is called as it is, and the check says what raises
            fn = own.stateless
    report = check(fn, values, list(inputs), modes="reverse", **options)
    return _renamed(report, own)


# As a jaxpr writes what is rounded on the way; short constants, as moving averages, are not.
FEW_DIGITS = re.compile(
    r"(convert_element_type\[new_dtype|preferred_element_type)=(float32|float16|bfloat16)\b"
)


def _float64(value: Any) -> Any:  # noqa: ANN401 - a part of the inputs
    return np.asarray(value, np.float64) if moves(value) else value


def _renamed(report: Report, own: Layer) -> Report:
    """Name leaves `[0][k]` by the paths of variables, and those of `[1]` as inputs."""
    paths = {f"[0][{k}]": path for k, path in enumerate(own.variables)}
    order = sorted(report.leaves, key=lambda path: path in paths)  # inputs first
    names = {path: paths.get(path) or "inputs" + path.removeprefix("[1]") for path in order}
    findings = tuple(
        replace(
            finding,
            leaf=names.get(finding.leaf or "", finding.leaf),
            message=_said(finding.message, names),
        )
        for finding in report.findings
    )
    leaves = {name: replace(report.leaves[path], path=name) for path, name in names.items()}
    return replace(report, leaves=MappingProxyType(leaves), findings=findings)


def _said(text: str, names: Mapping[str, str]) -> str:
    """Write the names into a sentence, all at once, as one may hold another path."""
    longest_first = sorted(names, key=len, reverse=True)
    paths = re.compile("|".join(map(re.escape, longest_first)))
    return paths.sub(lambda found: names[found[0]], text)


# --- TensorFlow ---------------------------------------------------------------------------------


def _by_tensorflow(own: Layer, inputs: tuple[Any, ...], options: dict[str, Any]) -> Report:
    from .tensorflow_checks import Checked, Subject

    subject = Subject(
        own.direct,
        inputs,
        variables={path: v.value for path, v in own.variables.items()},
        others=tuple(v.value for v in own.layer.variables),
        around=partial(attributes_kept, parts_of(own.layer)),
        prefix="inputs",
    )
    check: Checked = _in_more_digits(own, Checked.of(subject, options))
    return check.backward() if own.loss is None else check.gradient()


def _in_more_digits(own: Layer, check: Any) -> Any:  # noqa: ANN401 - of TensorFlow's adapter
    """Check the layer as a function that may be called with float64, where it is one.

    Where its gradients are others then, as of a `tf.custom_gradient` that reads variables, it is
    the reference that the layer is judged against.
    """
    here, start = check.own, check.own.point
    if all(array.dtype == LONG for array in start.values()):
        return check
    if list(here.variables) != list(own.variables):  # it reads some that are none of Keras
        return check
    values = [v.value for v in own.variables.values()]
    there = type(here).of(
        lambda tree: own.stateless(tree[1], tree[0]),
        (check.subject.tree, values),
        here.still,
        lambda _: True,
    )
    there = replace(there, names=(*here.names, *own.variables), live=here.live)
    there = there.unless_it_rounds()
    if not there.follows:
        return check
    rng = np.random.default_rng(check.seed)
    points = [start, *(_moved(start, name, rng) for name in start)]
    try:
        seen = [(here.f(point), there.f(_long(point))) for point in points]
        # a graph that was made before, as by a tf.function, does not see values of another dtype
        if not all(_is_same(*pair, *seen[0]) for pair in seen):
            return check
        dout = [rng.standard_normal(y.shape).astype(y.dtype) for y in seen[0][0]]
        gradients = here.vjp(start, dout), there.vjp(start, dout)
    except Exception:  # what a layer raises in float64 is no fault of it
        return check
    return replace(check, own=there) if _agree(*gradients) else replace(check, reference=there)


LONG = np.dtype(np.float64)
MOVED = 0.125  # of the size of a leaf, by which it is moved
OF_THE_CHANGE = 0.02  # by which two answers may differ that both follow a move
ROUNDOFFS, MOST = 2.0**8, 0.05  # of the size of an output, by which they may differ anyhow


def _moved(start: Named, name: str, rng: np.random.Generator) -> Named:
    step = MOVED * (rms(start[name]) or 1.0) * rng.standard_normal(start[name].shape)
    return Named(start | {name: (start[name] + step).astype(start[name].dtype)})


def _long(point: Named) -> Named:
    return Named({name: array.astype(LONG) for name, array in point.items()})


def _is_same(
    own: list[Array], other: list[Array], own_before: list[Array], other_before: list[Array]
) -> bool:
    """Whether a function and its reference answer alike, and so to a move of the point."""
    apart = size_of(z - y for y, z in zip(own, other, strict=True))
    change = size_of(z - before for z, before in zip(other, other_before, strict=True))
    own_change = size_of(y - before for y, before in zip(own, own_before, strict=True))
    roundoff = max((unit_roundoff(y.dtype) for y in own), default=0.0)
    noise = min(ROUNDOFFS * roundoff, MOST) * size_of(other)
    return apart <= OF_THE_CHANGE * change + noise and (change > 0 or own_change == 0)


def _agree(gradients: Named, others: Named) -> bool:
    """Whether two gradients in the same digits are the same."""
    largest = max((norm(array) for array in gradients.values()), default=0.0)
    return all(
        norm(array - others[name])
        <= min(ROUNDOFFS * unit_roundoff(array.dtype), MOST) * (norm(array) + largest)
        for name, array in gradients.items()
    )


_ROUTES: dict[str, Callable[[Layer, tuple[Any, ...], dict[str, Any]], Report]] = {
    "jax": _by_jax,
    "tensorflow": _by_tensorflow,
    "torch": _by_torch,
}
