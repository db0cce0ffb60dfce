"""Paths into an object, `layers[0].W` or `params['W1']`, and the parameters at their ends.

Part of `adapters`, behind `stateful`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..execution import copied
from ..records import UsageError
from ..space import Array, same_bits

Key = int | str
STEP = re.compile(r"\.?([^\W\d]\w*)|\[(-?\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
NUMBERS = (np.ndarray, np.number, int, float, complex)
MOST_WORK: Any = 10_000  # of NumPy's exact search for shared memory; whole arrays need next to none
MISSING: Any = object()


def parse(path: str) -> tuple[Key, ...]:
    """Read a path into the names and indices that it goes through.

    Raises
    ------
    UsageError
        If it is none.

    Examples
    --------
    >>> parse("layers[0].W"), parse("params['W1']")
    (('layers', 0, 'W'), ('params', 'W1'))
    """
    keys: list[Key] = []
    at = 0
    while at < len(path):
        step = STEP.match(path, at)
        if step is None:
            break
        name, index, single, double = step.groups()
        keys.append(int(index) if index is not None else name or single or double or "")
        at = step.end()
    if at < len(path) or not keys:
        raise UsageError(
            f"{path!r} is no path; write it as in Python, without the network: 'W1', "
            f"\"params['W1']\", 'layers[0].W'."
        )
    return tuple(keys)


def step_into(thing: Any, key: Key) -> Any:  # noqa: ANN401 - foreign objects
    """Go one step along a path: an attribute, a key or an index; MISSING if there is none."""
    if isinstance(thing, Mapping):
        own = getattr(thing, "__dict__", {})  # no method of a dict is what is looked for
        return thing[key] if key in thing else own.get(key, MISSING)
    if isinstance(thing, (list, tuple, np.ndarray)) or isinstance(key, int):
        try:
            return thing[key]
        except (TypeError, IndexError, KeyError):
            return MISSING
    return getattr(thing, key, MISSING) if isinstance(key, str) else MISSING


def follow(thing: Any, keys: tuple[Key, ...]) -> Any:  # noqa: ANN401 - likewise
    """Go all along a path; MISSING where it breaks off."""
    for key in keys:
        thing = step_into(thing, key)
        if thing is MISSING:
            return MISSING
    return thing


def written(thing: Any, keys: tuple[Key, ...]) -> str:  # noqa: ANN401 - likewise
    """Write a path as one would after the network: `params['W1']`, `layers[0].W`."""
    text = ""
    for key in keys:
        is_name = isinstance(key, str) and key.isidentifier() and not isinstance(thing, Mapping)
        text += f".{key}" if is_name else f"[{key!r}]"
        thing = step_into(thing, key)
    return text.lstrip(".")


def look_up(root: object, path: str, what: str) -> Any:  # noqa: ANN401 - likewise
    """Follow a written path.

    Raises
    ------
    UsageError
        If it breaks off; the message says where, and what there is instead.
    """
    thing: Any = root
    for key in parse(path):
        inside, thing = thing, step_into(thing, key)
        if thing is MISSING:
            raise UsageError(
                f"{what} {path!r}: a {type(inside).__name__} has no {key!r}; it has "
                f"{_offered(inside)}."
            )
    return thing


def _offered(thing: Any) -> str:  # noqa: ANN401 - likewise
    if isinstance(thing, Mapping):
        names = [repr(key) for key in thing]
    elif isinstance(thing, (list, tuple)):
        return f"{len(thing)} items"
    else:
        names = [name for name in getattr(thing, "__dict__", {}) if not name.startswith("_")]
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") or "nothing"


@dataclass(frozen=True, eq=False)
class Slot:
    """A parameter in its place.

    Attributes
    ----------
    path : str
        As the user would write it.
    keys : tuple
        The steps of the path.
    entry, trail : int, tuple
        Which of the paths named by the user it belongs to, and the steps from there.
    root : object
        The network.
    given : object
        What was found: an array, a Python float or complex, a NumPy scalar.
    """

    path: str
    keys: tuple[Key, ...]
    entry: int
    trail: tuple[Key, ...]
    root: Any
    given: Any

    @property
    def holder(self) -> Any:  # noqa: ANN401 - foreign
        """The object, dict or list that holds it."""
        return follow(self.root, self.keys[:-1])

    @property
    def name(self) -> Key:
        """The last step: its name, or its index in a list."""
        return self.keys[-1]

    @property
    def live(self) -> Any:  # noqa: ANN401 - foreign
        """What is in its place now."""
        return follow(self.root, self.keys)

    def value(self) -> Array:
        """Copy what was found."""
        return np.array(self.given, subok=True, order="K")

    def write(self, values: Array) -> None:
        """Give it other values: in the very array that was found, or as a new number.

        Raises
        ------
        TypeError
            If they are of another dtype, which would be rounded; no question of ours needs it.
        """
        if not isinstance(self.given, np.ndarray):
            _assign(self.holder, self.name, _number_like(self.given, values))
            return
        if values.dtype != self.given.dtype:
            raise TypeError(f"{self.path} holds {self.given.dtype}, not {values.dtype}")
        if not self._is_made_anew and self.live is not self.given:
            _assign(self.holder, self.name, self.given)
        self.given[...] = values

    def holds(self, values: Array) -> bool:
        """Whether what is in its place now has these values."""
        return same_bits(copied(self.live), np.asarray(values))

    @property
    def _is_made_anew(self) -> bool:
        """Whether a property makes a new view at each access."""
        return isinstance(getattr(type(self.holder), str(self.name), None), property)


def _number_like(given: Any, values: Array) -> Any:  # noqa: ANN401 - a number
    if values.dtype != np.asarray(given).dtype:
        raise TypeError(f"the parameter is {type(given).__name__}, not {values.dtype}")
    number = values[()]
    return number if isinstance(given, np.generic) else type(given)(number)


def _assign(holder: Any, key: Key, value: object) -> None:  # noqa: ANN401 - foreign
    if isinstance(holder, (Mapping, list)):
        holder[key] = value  # type: ignore[index]
    else:
        setattr(holder, str(key), value)


def slots_of(root: object, paths: list[str]) -> tuple[Slot, ...]:
    """Find the parameters at paths; those in a dict or a list that a path leads to, one by one.

    Raises
    ------
    UsageError
        If there is nothing at a path, or no parameter.
    """
    slots = []
    for entry, path in enumerate(paths):
        value = look_up(root, path, "params")
        found = [
            Slot(path + text, parse(path) + trail, entry, trail, root, leaf)
            for text, trail, leaf in _leaves(value, "", ())
        ]
        if not found:
            raise UsageError(f"params {path!r} is an empty {type(value).__name__}.")
        slots += found
    for slot in slots:
        _require_parameter(slot)
    _require_apart(slots)
    return tuple(slots)


def _leaves(
    value: Any,  # noqa: ANN401 - foreign
    text: str,
    trail: tuple[Key, ...],
) -> Iterator[tuple[str, tuple[Key, ...], Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{text}[{key!r}]", (*trail, key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{text}[{index}]", (*trail, index))
    elif not (trail and (value is None or isinstance(value, (str, bytes)) or callable(value))):
        yield text, trail, value


def _require_parameter(slot: Slot) -> None:
    value = slot.given
    if isinstance(value, bool) or not isinstance(
        value, (np.ndarray, np.number, int, float, complex)
    ):
        raise UsageError(
            f"params {slot.path!r} is a {type(value).__name__}, but a parameter must be a NumPy "
            f"array or a number; name the arrays inside of it: params=['{slot.path}.W', ...]."
        )
    dtype = np.asarray(value).dtype
    if dtype.kind not in "fc":
        mend = f"{value}.0" if isinstance(value, int) else f"{slot.path}.astype(float)"
        raise UsageError(
            f"params {slot.path!r} holds integers ({dtype}), which have no derivative; make them "
            f"floating, such as {mend}, or name the other parameters alone in params=."
        )
    if isinstance(value, np.ndarray):
        _require_writeable(slot, value)
    elif isinstance(slot.holder, tuple):
        raise UsageError(f"params {slot.path!r} is a number in a tuple, which cannot be changed.")


def _require_writeable(slot: Slot, value: Array) -> None:
    if not value.flags.writeable:
        raise UsageError(
            f"params {slot.path!r} is a read-only array, but a check must move parameters; give "
            f"the network a copy: np.array(W)."
        )
    again = slot.live
    if again is not value and not (isinstance(again, np.ndarray) and _share(again, value)):
        raise UsageError(
            f"params {slot.path!r} is another array at each access, so that writing to it changes "
            f"nothing; name the array behind it."
        )


def _require_apart(slots: list[Slot]) -> None:
    """Require that no two parameters are the same memory, for they could not move alone."""
    arrays = [slot for slot in slots if isinstance(slot.given, np.ndarray)]
    for k, one in enumerate(arrays):
        for other in arrays[k + 1 :]:
            if _share(one.given, other.given):
                raise UsageError(
                    f"params {one.path!r} and {other.path!r} share memory, so that neither moves "
                    f"alone; name one of the two, with the gradient of all its uses."
                )


def _share(a: Array, b: Array) -> bool:
    try:
        return np.shares_memory(a, b, max_work=MOST_WORK)
    except np.exceptions.TooHardError:
        return True
