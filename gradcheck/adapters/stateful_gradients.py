"""Where the gradients of an object's parameters are: named by the user, or found by convention.

Part of `adapters`, behind `stateful`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..execution import copied, describe
from ..records import UsageError
from .stateful_paths import MISSING, Key, Slot, follow, parse, step_into, written

RETURNED = "returned"
CONTAINERS = ("grads", "gradients", "grad", "gradient")
RULES = ("d{}", "grad_{}", "{}_grad", "{}grad")

Grads = str | list[str] | tuple[str, ...] | Callable[[Any], Any] | None
"""What `grads=` takes."""


@dataclass(frozen=True)
class Place:
    """Where one gradient may be: in words, and how to get it from the network and what it returned.

    `look` returns MISSING, or None, where there is nothing.
    """

    words: str
    look: Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Gradients:
    """Reads the gradients of all parameters, each from its place."""

    slots: tuple[Slot, ...]
    places: tuple[Place, ...]

    def read(self, net: object, returned: object) -> tuple[Any, ...]:
        """Copy them all, for buffers are reused and the network goes on."""
        return tuple(
            _present(slot, place, place.look(net, returned))
            for slot, place in zip(self.slots, self.places, strict=True)
        )

    @property
    def words(self) -> str:
        """Where they are, in a few words."""
        if all(place.words.startswith(RETURNED) for place in self.places):
            return "what is returned"
        return listed([place.words for place in self.places])


def listed(words: list[str]) -> str:
    """Name the first few, each once, and how many more there are."""
    unique = list(dict.fromkeys(words))
    return ", ".join(unique[:8]) + (f" and {len(unique) - 8} more" if len(unique) > 8 else "")


def _present(slot: Slot, place: Place, value: object) -> Any:  # noqa: ANN401 - foreign
    if value is MISSING or value is None:
        nothing = "is None" if value is None else "is not there"
        raise UsageError(
            f"the gradient of {slot.path} (shape {np.shape(slot.given)}) {nothing} after the "
            f"backward pass: looked for {place.words}."
        )
    return copied(value)


def find_gradients(
    slots: tuple[Slot, ...], grads: Grads, net: object, returned: object
) -> Gradients:
    """Find the place of every gradient, after one backward pass.

    Raises
    ------
    UsageError
        If one is nowhere; the message names the parameter, its shape and all places looked at.
    """
    if grads is None and _is_all(slots, returned):
        grads = RETURNED
    places = []
    for n, slot in enumerate(slots):
        tried = list(_places(slots, n, grads))
        found = [place for place in tried if _is_there(place, net, returned)]
        if not found:
            raise UsageError(_nowhere(slot, tried, returned, grads))
        places.append(found[0])
    return Gradients(slots, tuple(places))


def _is_there(place: Place, net: object, returned: object) -> bool:
    value = place.look(net, returned)
    return value is not MISSING and value is not None


def _nowhere(slot: Slot, tried: list[Place], returned: object, grads: Grads) -> str:
    came = "" if returned is None else f"; the backward pass returned {_described(returned)}"
    mend = (
        "say where it is: grads=\"grads['{}']\", grads='d{}', grads='returned', or a function "
        "grads=lambda net: [...]"
        if grads is None
        else "correct grads=, or the backward pass"
    )
    return (
        f"there is no gradient of {slot.path} (shape {np.shape(slot.given)}) after the backward "
        f"pass: looked for {listed([place.words for place in tried])}{came}; {mend}."
    )


def _described(returned: object) -> str:
    """Say what was returned, of a sequence also its shapes, which are to be those of parameters."""
    if not isinstance(returned, (list, tuple)):
        return describe(returned)
    shapes = ", ".join(str(copied(value).shape) for value in returned)
    return f"a {type(returned).__name__} of shapes {shapes}"


# --- the places -----------------------------------------------------------------------------


def _places(slots: tuple[Slot, ...], n: int, grads: Grads) -> Iterator[Place]:
    slot = slots[n]
    if grads is None:
        yield from _by_convention(slots, n)
    elif callable(grads):
        of_net = grads
        yield Place(f"grads(net){_shown(slots, n)}", lambda net, _: match(of_net(net), slots, n))
    elif not isinstance(grads, str):
        path = grads[slot.entry]
        yield _at(slot.root, (*parse(path), *slot.trail))
    elif grads == RETURNED:
        yield Place(f"{RETURNED}{_shown(slots, n)}", lambda _, returned: match(returned, slots, n))
    elif "{}" in grads:
        yield from _by_rule(slot, grads)
    else:
        yield from _in_container(slots, n, grads)


def _by_convention(slots: tuple[Slot, ...], n: int) -> Iterator[Place]:
    slot, net = slots[n], slots[n].root
    owner = _owner(slot)
    inside = slot.keys[len(owner) :]
    if len(inside) > 1:  # net.params['W1']: net.grads['W1'], net.dparams['W1']
        yield from (
            _at(net, (*owner, name, *inside[1:-1], last))
            for name in CONTAINERS
            for last in _names(slot.name)
        )
        yield from (_at(net, (*owner, name, *inside[1:])) for name in _names(inside[0])[1:])
    yield from (_at(net, (*slot.keys[:-1], name)) for name in _names(slot.name)[1:])
    if owner:  # layers[0].W: layers[0].grads['W']
        yield from (
            _at(net, (*owner, box, name)) for box in CONTAINERS for name in _names(slot.name)
        )
    for name in CONTAINERS:
        yield from _in_container(slots, n, name)


def _by_rule(slot: Slot, rule: str) -> Iterator[Place]:
    keys = parse(rule.replace("{}", str(slot.name)))
    for start in dict.fromkeys((slot.keys[:-1], _owner(slot), ())):
        yield _at(slot.root, (*start, *keys))


def _in_container(slots: tuple[Slot, ...], n: int, path: str) -> Iterator[Place]:
    keys = parse(path)
    yield Place(
        f"{path}{_shown(slots, n)}",
        lambda net, _: match(follow(net, keys), slots, n),
    )


def _at(net: object, keys: tuple[Key, ...]) -> Place:
    return Place(written(net, keys), lambda net, _: follow(net, keys))


def _names(name: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a key
    return (name, *(rule.format(name) for rule in RULES)) if isinstance(name, str) else (name,)


def _owner(slot: Slot) -> tuple[Key, ...]:
    """Return the keys of the last object on the way to a parameter that is no dict and no list."""
    for end in range(len(slot.keys) - 1, 0, -1):
        if not isinstance(follow(slot.root, slot.keys[:end]), (Mapping, list, tuple)):
            return slot.keys[:end]
    return ()


def _shown(slots: tuple[Slot, ...], n: int) -> str:
    """Show by which name or number a parameter is looked for in a container."""
    slot = slots[n]
    if isinstance(slot.name, str):
        return f"[{slot.name!r}]"
    return "".join(f"[{key!r}]" for key in (slot.entry, *slot.trail))


# --- containers of gradients ----------------------------------------------------------------


def match(tree: Any, slots: tuple[Slot, ...], n: int) -> Any:  # noqa: ANN401 - foreign
    """Find the gradient of a parameter in a container: by its name, or by its place in the order.

    A list is in the order of the parameters, or of the paths that were named, each then like what
    stands at its path.
    """
    slot = slots[n]
    if tree is MISSING or tree is None:
        return MISSING
    if isinstance(tree, np.ndarray) and tree.dtype != object:
        return tree if len(slots) == 1 and not slot.trail else MISSING
    if isinstance(tree, (list, tuple)):
        return _by_order(tree, slots, n)
    wanted = [slot.path, *_names(slot.name)] if isinstance(slot.name, str) else [slot.path]
    for name in wanted:
        value = step_into(tree, name)
        if value is not MISSING:
            return value
    head = slot.keys[: len(slot.keys) - len(slot.trail)]
    for name in _names(head[-1]):  # gradients of a list of parameters, under the list's name
        value = _along(step_into(tree, name), slot.trail) if slot.trail else MISSING
        if value is not MISSING:
            return value
    return MISSING


def _by_order(tree: Any, slots: tuple[Slot, ...], n: int) -> Any:  # noqa: ANN401 - foreign
    slot, entries = slots[n], slots[-1].entry + 1
    if entries > 1 and len(tree) == entries:
        return _along(tree[slot.entry], slot.trail)
    if entries == 1 and slot.trail:
        value = _along(tree, slot.trail)
        if value is not MISSING:
            return value
    return tree[n] if len(tree) == len(slots) else MISSING


def _along(tree: Any, trail: tuple[Any, ...]) -> Any:  # noqa: ANN401 - foreign
    """Follow the steps of a parameter in what is structured like its container."""
    for key in trail:
        tree = next(
            (t for t in (step_into(tree, k) for k in _names(key)) if t is not MISSING), MISSING
        )
        if tree is MISSING:
            return MISSING
    return tree


def _is_all(slots: tuple[Slot, ...], returned: object) -> bool:
    """Whether what was returned are the gradients of all parameters; a list also by its shapes."""
    if not isinstance(returned, (Mapping, list, tuple)):
        return False
    values = [match(returned, slots, n) for n in range(len(slots))]
    if any(value is MISSING or value is None for value in values):
        return False
    return isinstance(returned, Mapping) or all(
        copied(value).shape == np.shape(slot.given)
        for value, slot in zip(values, slots, strict=True)
    )
