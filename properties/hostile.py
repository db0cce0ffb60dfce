"""Foreign code as bad as it comes: right, wrong or noisy, and up to something at some of its calls.

`Foreign` does its work and, from its first bad call to its last, plays a trick: it raises, returns
nonsense, or changes what it was handed or what the caller owns.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree
from hypothesis import strategies as st

from .points import NAMESPACE, floating, mapped

ALWAYS = (1, 10**9)  # the calls at which a trick is played: the first, the last


@dataclass(eq=False)
class Foreign:
    """A function that counts its calls and plays a trick at some of them."""

    work: Callable[..., Any]
    trick: str
    calls: tuple[int, int]
    own: Any = None  # the caller's point
    count: int = 0
    kept: Any = None  # what a trick remembers

    def __call__(self, *arguments):
        """Work, or do worse."""
        self.count += 1
        if self.calls[0] <= self.count <= self.calls[1]:
            return TRICKS[self.trick](self, *arguments)
        return self.work(*arguments)

    def __repr__(self):
        return f"<{self.trick} at calls {self.calls[0]} to {self.calls[1]}, called {self.count}>"


# --- tricks ---------------------------------------------------------------------------------


class Unspeakable(Exception):
    """An exception that cannot even be shown."""

    def __str__(self):
        raise ValueError("no text")


class Unreadable:
    """A result that cannot be made an array."""

    def __init__(self, error):
        self.error = error

    def __array__(self, *args, **kwargs):
        """Refuse."""
        raise self.error


class Wrapped:
    """A result that is an array to NumPy only."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        """Convert."""
        return np.array(self.values, dtype)


class Count(int):
    """An integer that cannot be built from a float."""

    def __new__(cls, value):
        """Take integers only."""
        if not isinstance(value, int):
            raise TypeError("integers only")
        return super().__new__(cls, value)


def _raising(error):
    def trick(foreign, *arguments):
        foreign.kept = error()
        raise foreign.kept

    return trick


def _changing(change):
    """Make a trick that maps each array of the result."""
    return lambda foreign, *arguments: mapped(change, foreign.work(*arguments))


def _returning(make):
    return lambda foreign, *arguments: make(foreign.work(*arguments))


def _after(damage, whose):
    """Make a trick that works, then does damage to arrays: of its input, or of the caller."""

    def trick(foreign, *arguments):
        result = foreign.work(*arguments)
        for tree in {"input": arguments, "own": (foreign.own,), "result": (result,)}[whose]:
            for leaf in optree.tree_leaves(tree, namespace=NAMESPACE):
                if isinstance(leaf, np.ndarray):
                    damage(leaf)
        return result

    return trick


def _fill(array):
    if array.flags.writeable and array.dtype.kind in "fciub":
        array[...] = 7


def _force(array):
    """Write even where it is locked, if NumPy lets us."""
    try:
        array.flags.writeable = True
    except ValueError:
        return
    _fill(array)


def _lock(array):
    array.flags.writeable = False


def _resize(array):
    if array.flags.owndata and array.flags.writeable:
        array.resize((array.size + 2,), refcheck=False)


def _flatten(array):
    if array.flags.owndata and array.flags.writeable:
        array.resize((array.size, 1), refcheck=False)


def _empty_containers(foreign, *arguments):
    result = foreign.work(*arguments)
    if isinstance(arguments[0], (dict, list)):
        arguments[0].clear()
    return result


def _one_bad(value):
    def change(leaf):
        changed = np.array(leaf)
        if changed.size:
            changed[np.unravel_index(changed.size - 1, changed.shape)] = value
        return changed

    return change


def _in_one_buffer(foreign, *arguments):
    """Return the same arrays at every call."""
    result = foreign.work(*arguments)
    arrays = [np.array(leaf) for leaf in floating(result)]
    if foreign.kept is None or [a.shape for a in foreign.kept] != [a.shape for a in arrays]:
        foreign.kept = arrays
    for kept, array in zip(foreign.kept, arrays, strict=True):
        kept[...] = array.astype(kept.dtype)
    buffers = iter(foreign.kept)
    return mapped(lambda leaf: next(buffers), result)


def _stale(foreign, *arguments):
    """Answer from the first call."""
    if foreign.kept is None:
        foreign.kept = foreign.work(*arguments)
    return foreign.kept


def _warn(foreign, *arguments):
    warnings.warn("something is odd", UserWarning, stacklevel=2)
    return foreign.work(*arguments)


def _seterr(foreign, *arguments):
    np.seterr(all="raise")
    return foreign.work(*arguments)


def _endless(result):
    tree = [result]
    tree.append(tree)
    return tree


def _masked(leaf):
    return np.ma.masked_array(leaf, mask=np.ones(np.shape(leaf), bool))


RAISING = {
    "ValueError": lambda: ValueError("it went\nwrong: " + "very " * 30),
    "KeyError": lambda: KeyError("W"),
    "StopIteration": StopIteration,
    "RecursionError": RecursionError,
    "MemoryError": MemoryError,
    "AssertionError": AssertionError,
    "Unspeakable": Unspeakable,
    "surrogates": lambda: ValueError("\ud800 \x1b[31m \x00"),
    "KeyboardInterrupt": KeyboardInterrupt,
}
NOT_FINITE = {"nan": np.nan, "inf": np.inf}
UNLIKE = {  # never like a number or array of the same shape
    "None": lambda result: None,
    "text": lambda result: "text",
    "object": lambda result: object(),
    "set": lambda result: {1, 2},
    "empty": lambda result: np.zeros(0),
    "nothing": lambda result: [],
    "an unreadable": lambda result: Unreadable(ValueError("no")),
    "an unreadable with KeyError": lambda result: Unreadable(KeyError("no")),
    "endless": _endless,
    "a googol": lambda result: 10**400,
    "a structured array": lambda result: np.zeros(2, "f4,f8"),
    "a date": lambda result: np.datetime64("2020-01-01"),
    "an array of objects": lambda result: np.array([1.0, "a"], object),
}
CHANGED = {
    "one nan": _one_bad(np.nan),
    "one inf": _one_bad(-np.inf),
    "another axis": lambda leaf: np.asarray(leaf)[None],
    "flattened": np.ravel,
    "float32": lambda leaf: np.asarray(leaf).astype("c8" if np.iscomplexobj(leaf) else "f4"),
    "float16": lambda leaf: np.asarray(leaf).real.astype("f2"),
    "longdouble": lambda leaf: np.asarray(leaf).astype("G" if np.iscomplexobj(leaf) else "g"),
    "complex": lambda leaf: np.asarray(leaf) + 1e-3j,
    "integers": lambda leaf: np.zeros(np.shape(leaf), int),
    "unsigned": lambda leaf: np.full(np.shape(leaf), 3, "u1"),
    "booleans": lambda leaf: np.ones(np.shape(leaf), bool),
    "an integer": lambda leaf: 3,
    "a count": lambda leaf: Count(3),
    "True": lambda leaf: True,
    "lists": lambda leaf: np.asarray(leaf).tolist(),
    "byte-swapped": lambda leaf: np.asarray(leaf).astype(np.asarray(leaf).dtype.newbyteorder()),
    "objects": lambda leaf: np.asarray(leaf).astype(object),
    "masked": _masked,
    "wrapped": Wrapped,
    "doubled": lambda leaf: 2 * leaf,
    "negated": lambda leaf: -leaf,
    "texts": str,
    "nones": lambda leaf: None,
}
DAMAGE = {"fill": _fill, "force": _force, "lock": _lock, "resize": _resize, "flatten": _flatten}
TRICKS = {
    **{f"raises {name}": _raising(error) for name, error in RAISING.items()},
    **{f"returns {name}": _changing(lambda leaf, v=v: v * leaf) for name, v in NOT_FINITE.items()},
    **{f"returns {name}": _returning(make) for name, make in UNLIKE.items()},
    **{f"returns {name}": _changing(change) for name, change in CHANGED.items()},
    **{f"{name} its input": _after(damage, "input") for name, damage in DAMAGE.items()},
    **{f"{name} the caller's": _after(damage, "own") for name, damage in DAMAGE.items()},
    "locks its result": _after(_lock, "result"),
    "returns its input": lambda foreign, *arguments: arguments[0],
    "returns its last input": lambda foreign, *arguments: arguments[-1],
    "returns a pair": _returning(lambda result: (result, result)),
    "returns a dict": _returning(lambda result: {"x": result}),
    "empties its containers": _empty_containers,
    "reuses its buffers": _in_one_buffer,
    "answers from a cache": _stale,
    "warns": _warn,
    "sets errors to raise": _seterr,
}
# a claim that does one of these at every call is never right
NEVER_RIGHT = {
    *(f"returns {name}" for name in ("nan", "one nan", "one inf", "another axis", "masked")),
    *(f"returns {name}" for name in UNLIKE),
    *(f"raises {name}" for name in RAISING),
}


@st.composite
def _calls(draw):
    """Draw at which calls a trick is played."""
    if draw(st.integers(0, 2)) == 0:
        return ALWAYS
    first = draw(st.integers(1, 8) | st.integers(1, 60))
    return first, draw(st.sampled_from((first, ALWAYS[1])))


def tricks(quiet):
    """Draw a trick and its calls; none at all in `quiet` of eight cases."""
    played = st.tuples(st.sampled_from(sorted(TRICKS)), _calls())
    return st.integers(1, 8).flatmap(lambda k: st.just(None) if k <= quiet else played)
