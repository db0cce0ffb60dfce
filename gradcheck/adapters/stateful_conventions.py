"""What courses call things: the methods of a network, and its parameters, where nobody named them.

Part of `adapters`, behind `stateful`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..records import UsageError
from .stateful_gradients import CONTAINERS as GRADIENTS
from .stateful_gradients import RULES
from .stateful_paths import MISSING, follow, parse
from .stateful_snapshot import attributes, is_open

LOSSES = ("loss", "compute_loss", "cost", "compute_cost")
BACKWARDS = ("backward", "backprop", "backward_pass", "gradient", "gradients", "compute_gradients")
CONTAINERS = ("params", "parameters", "weights", "biases")
NAMED = re.compile(
    r"(?:[WwUVb]|weights?|bias(?:es)?|kernel|gamma|beta|theta|Theta)_?[a-z]{0,2}_?\d*"
)
PLAIN = re.compile(r"(?:[WwUVb]|weight|bias)_?\d*")  # of a number that is no setting, as beta1 is
DATA = ("x", "X", "y", "Y", "input", "inputs", "data")  # `dx` beside `x` makes no parameter of it

Step = str | Callable[..., Any] | None
"""What `loss=` and `backward=` take."""


@dataclass(frozen=True)
class Call:
    """One step of the training loop: how it is written, and what makes it."""

    words: str
    make: Callable[[], Any]


# --- methods --------------------------------------------------------------------------------


def loss_call(net: object, args: tuple[Any, ...], loss: Step) -> Call:
    """Find what computes the loss.

    Raises
    ------
    UsageError
        If there is no such method, or it does not take these arguments.
    """
    if callable(loss):
        given = loss
        return Call("loss(net)", lambda: given(net, *args))
    names = LOSSES if loss is None else (loss,)
    name, method = _method(net, names, "loss")
    if not _binds(method, args):
        raise UsageError(
            f"{name}{_signature(method)} cannot be called with the {len(args)} arguments after "
            f"the network; write the call: loss=lambda net: net.{name}(...)."
        )
    shown = ", ".join(list(_bound(method, args)) or ["..."] * len(args))
    return Call(f"{name}({shown})", lambda: method(*args))


def backward_call(net: object, args: tuple[Any, ...], loss: Step, backward: Step) -> Call:
    """Find what goes backward, and which of the loss's arguments it takes.

    Raises
    ------
    UsageError
        If there is no such method, or it is not clear how it is called.
    """
    if callable(backward):
        given = backward
        return Call("backward(net)", lambda: given(net, *args))
    name, method = _method(net, BACKWARDS if backward is None else (backward,), "backward")
    make, shown = _arguments(
        method, name, args, {} if callable(loss) else _of_loss(net, args, loss)
    )
    zero = _part(net, "zero_grad")
    if backward is None and callable(zero) and _binds(zero, ()):
        return Call(f"zero_grad() and {name}({shown})", lambda: (zero(), make())[1])
    return Call(f"{name}({shown})", make)


def _part(net: object, name: str) -> Any:  # noqa: ANN401 - foreign
    """Return what a network has under a name; None if nothing."""
    return None if isinstance(net, (Mapping, list, tuple)) else getattr(net, name, None)


def _method(net: object, names: tuple[str, ...], what: str) -> tuple[str, Callable[..., Any]]:
    for name in names:
        method = _part(net, name)
        if callable(method):
            return name, method
    raise UsageError(
        f"a {type(net).__name__} has no method {' or '.join(names)}; write how its {what} is "
        f"called: {what}=lambda net: net.{what}(...)."
    )


def _of_loss(net: object, args: tuple[Any, ...], loss: Step) -> dict[str, Any]:
    names = LOSSES if loss is None else (str(loss),)
    return _bound(_method(net, names, "loss")[1], args)


def _arguments(
    method: Callable[..., Any], name: str, args: tuple[Any, ...], known: dict[str, Any]
) -> tuple[Callable[[], Any], str]:
    """Choose what a backward pass is called with: what the loss was, under the same names."""
    parameters = _parameters(method)
    shared = {key: known[key] for key in parameters if key in known}
    required = [
        key
        for key, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if all(key in shared for key in required):
        return lambda: method(**shared), ", ".join(shared)
    if _binds(method, args):
        return lambda: method(*args), ", ".join(_bound(method, args))
    lacking = ", ".join(key for key in required if key not in shared)
    raise UsageError(
        f"{name}{_signature(method)} needs {lacking}, which the loss does not take; write the "
        f"call: backward=lambda net: net.{name}(...)."
    )


def _parameters(method: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(method).parameters)
    except (TypeError, ValueError):  # made in C
        return {}


def _signature(method: Callable[..., Any]) -> str:
    return str(inspect.signature(method))


def _binds(method: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    try:
        inspect.signature(method).bind(*args)
    except TypeError:
        return False
    except ValueError:  # made in C, without a signature
        pass
    return True


def _bound(method: Callable[..., Any], args: tuple[Any, ...]) -> dict[str, Any]:
    try:
        return dict(inspect.signature(method).bind(*args).arguments)
    except (TypeError, ValueError):
        return {}


# --- parameters -----------------------------------------------------------------------------


def candidates(net: object) -> dict[str, Any]:
    """List what may be a parameter, by path: containers of arrays, and arrays in attributes."""
    if isinstance(net, Mapping) and _holds_numbers(net):
        return {f"[{key!r}]": value for key, value in net.items() if _is_number(value)}
    if isinstance(net, (list, tuple)) and _holds_numbers(net):
        return {f"[{k}]": value for k, value in enumerate(net)}
    found: dict[str, Any] = {}
    for path, thing in _objects(net):
        own = attributes(thing)
        boxes = {n: box for n, box in own.items() if n in CONTAINERS and _holds_numbers(box)}
        taken = boxes or {n: value for n, value in own.items() if _is_number(value)}
        found |= {f"{path}.{name}".lstrip("."): value for name, value in taken.items()}
    return found


def rebound(net: object, known: dict[str, Any]) -> set[str]:
    """Say which candidates are other objects after the loss was computed, as caches are."""
    return {path for path, value in known.items() if follow(net, parse(path)) is not value}


def parameters_of(
    net: object, known: dict[str, Any], caches: set[str], args: tuple[Any, ...]
) -> tuple[list[str], list[str]]:
    """Choose the parameters among the candidates, now that a forward and backward pass was made.

    Containers under a usual name, arrays under a usual name, and numbers and arrays that stayed in
    their place in the forward pass and have a gradient. Returned with them is what else might be
    one: nothing is left out in silence.

    Raises
    ------
    UsageError
        If there are none.
    """
    chosen: list[str] = []
    seen: list[Any] = [value for value in args if isinstance(value, np.ndarray)]
    for path, value in known.items():
        if _is_parameter(net, path, value, caches) and not _is_known(value, seen):
            chosen.append(path)
            seen += _arrays(value)
    if not chosen:
        raise UsageError(
            f"no parameters were found in a {type(net).__name__}: neither {', '.join(CONTAINERS)} "
            f"nor arrays called W1, b1 and the like; name them: params=['W1', 'layers[0].W']."
        )
    rest = {p: v for p, v in known.items() if p not in chosen and p not in caches}
    return chosen, [path for path, value in rest.items() if _may_be_one(known, path, value, seen)]


def _may_be_one(known: dict[str, Any], path: str, value: object, seen: list[Any]) -> bool:
    """Whether what was left out looks like a parameter: no data, no gradient, no view of one."""
    name = str(parse(path)[-1])
    if not isinstance(value, np.ndarray):
        return _is_named(path)
    others = [str(parse(other)[-1]) for other in known]
    is_gradient = any(rule.format(other) == name for rule in RULES for other in others)
    is_view = any(np.may_share_memory(value, array) for array in seen)
    return value.dtype.kind in "fc" and name not in DATA and not (is_gradient or is_view)


def _is_named(path: str) -> bool:
    return NAMED.fullmatch(str(parse(path)[-1])) is not None


def _is_parameter(net: object, path: str, value: object, caches: set[str]) -> bool:
    """Decide about one candidate; whole numbers only where they seem to be a mistake."""
    keys = parse(path)
    name = keys[-1]
    if isinstance(name, int) or not _is_number(value):
        return True  # in a list of arrays, or itself a container under a usual name
    if isinstance(net, Mapping):
        return not any(rule.format(other) == name for rule in RULES for other in net)
    is_array, is_floating = isinstance(value, np.ndarray), np.asarray(value).dtype.kind in "fc"
    if (NAMED if is_array else PLAIN).fullmatch(name) and (is_array or is_floating):
        return True
    stays = name not in DATA and path not in caches
    return stays and (is_floating or _is_named(path)) and _has_gradient(net, keys, value)


def _has_gradient(net: object, keys: tuple[Any, ...], value: Any) -> bool:  # noqa: ANN401
    """Whether something of the same shape lies beside it, or in a container, under its name."""
    names = [rule.format(keys[-1]) for rule in RULES]
    beside = [follow(net, (*keys[:-1], name)) for name in names]
    starts = dict.fromkeys((keys[:-1], ()))
    beside += [
        follow(net, (*start, box, name))
        for start in starts
        for box in GRADIENTS
        for name in (keys[-1], *names)
    ]
    return any(
        found is not MISSING and found is not None and np.shape(found) == np.shape(value)
        for found in beside
    )


def _is_known(value: object, seen: list[Any]) -> bool:
    """Whether arrays were taken already, under another path, or are the data."""
    arrays = _arrays(value)
    return bool(arrays) and all(any(a is b for b in seen) for a in arrays)


def _arrays(value: Any) -> list[Any]:  # noqa: ANN401 - foreign
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [a for item in value for a in _arrays(item)] if isinstance(value, (list, tuple)) else []


def _objects(net: object) -> Iterator[tuple[str, Any]]:
    """Go through a network and the objects in its attributes and lists, outer ones first."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", net)]
    while waiting:
        path, thing = waiting.pop(0)
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, Mapping):
            waiting += [
                (f"{path}[{k!r}]", v) for k, v in thing.items() if isinstance(k, (str, int))
            ]
        elif isinstance(thing, (list, tuple)):
            waiting += [(f"{path}[{k}]", v) for k, v in enumerate(thing)]
        elif is_open(thing):
            yield path, thing
            waiting += [
                (f"{path}.{name}".lstrip("."), value)
                for name, value in attributes(thing).items()
                if name not in GRADIENTS
            ]


def _is_number(value: object) -> bool:
    """Whether it is a number or an array of numbers, floating or not."""
    if isinstance(value, (bool, np.bool_)):
        return False
    return isinstance(value, (np.ndarray, np.number, int, float, complex)) and (
        np.asarray(value).dtype.kind in "fciu"
    )


def _holds_numbers(value: object) -> bool:
    """Whether a container has an array in it, at any depth."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return any(
            _holds_numbers(item) or (isinstance(item, np.ndarray) and _is_number(item))
            for item in value
        )
    return False
