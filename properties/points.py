"""Points that a caller may hand over: pytrees of every shape, dtype, memory layout and size.

Most can be checked; a few hold what must be refused (a NaN, another byte order, an object).
"""

import enum
from typing import Any, NamedTuple

import numpy as np
import optree
from hypothesis import strategies as st

from .settings import SEEDS

NAMESPACE = "gradcheck"
FLOATING = ("f2", "f4", "f8", "f8", "f8", "g", "c8", "c16", "G")
SHAPES = ((), (), (1,), (2,), (2,), (3,), (1, 2), (2, 2), (1, 1, 2), (0,), (2, 0))
LAYOUTS = ("C", "F", "strided", "reversed", "read-only", "broadcast")
SIZES = ("normal",) * 12 + (
    "zero", "some zero", "tiny", "one not tiny", "huge", "one huge", "spread", "spread", "nan",
    "inf",
)  # fmt: skip


class Pair(NamedTuple):
    """A namedtuple."""

    first: Any
    second: Any


@optree.dataclasses.dataclass(namespace=NAMESPACE)
class Layer:
    """A dataclass registered with optree."""

    weight: Any
    bias: Any


class Colour(enum.Enum):
    """Something that is carried along."""

    RED = 1


class Rate(float, enum.Enum):
    """A number that is none to be differentiated."""

    SLOW = 0.5


CARRIED = (
    3, True, "text", b"bytes", None, Colour.RED, Rate.SLOW, np.tanh, len, np.int64(3), np.bool_(1),
    np.str_("text"),
)  # fmt: skip
REFUSED = (
    object, set, lambda: np.array(["a", 1.0], object), lambda: np.zeros(2, ">f8"),
    lambda: np.zeros(1, "f4,f8"), lambda: np.ma.masked_array([1.0], [True]),
)  # fmt: skip


@st.composite
def floating_arrays(draw):
    """Draw a floating or complex array."""
    dtype = np.dtype(draw(st.sampled_from(FLOATING)))
    rng = np.random.default_rng(draw(SEEDS))
    values = _values(rng, draw(st.sampled_from(SHAPES)), dtype, draw(st.sampled_from(SIZES)))
    return _laid_out(values, draw(st.sampled_from(LAYOUTS)))


def _values(rng, shape, dtype, size):
    """Fill an array with numbers of one size."""
    info = np.finfo(dtype)
    values = rng.standard_normal(shape).astype(dtype)
    if dtype.kind == "c":
        values += (1j * rng.standard_normal(shape)).astype(dtype)
    tiny = 8 * info.smallest_subnormal
    scale = {"zero": 0, "tiny": tiny, "one not tiny": tiny, "huge": info.max / 16}.get(size, 1)
    if size == "spread":
        scale = (10.0 ** rng.integers(-4, 5, shape)).astype(dtype)
    values = np.asarray(values * scale, dtype)
    special = {"nan": np.nan, "inf": np.inf, "some zero": 0, "one not tiny": 1}
    special["one huge"] = info.max / 16
    if size in special:
        values[np.unravel_index(0, shape) if values.size else ...] = special[size]
    return values


def _laid_out(values, layout):
    """Keep the values in another memory layout."""
    if layout == "F":
        return np.asfortranarray(values)
    if layout == "read-only":
        values.flags.writeable = False
    if layout == "broadcast":
        return np.broadcast_to(values, (2, *values.shape))
    if layout in ("strided", "reversed") and values.ndim:
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
        view = wide[..., ::2] if layout == "strided" else wide[..., ::-2]
        view[...] = values
        return view
    return values


def carried_arrays():
    """Draw an array that is carried and not differentiated."""
    dtypes = st.sampled_from(["i8", "u1", "?", "U3", "S2", "M8[s]", ">i4"])
    return st.builds(
        lambda shape, dtype: np.ones(shape).astype(dtype), st.sampled_from(SHAPES), dtypes
    )


LEAVES = st.one_of(
    floating_arrays(),
    floating_arrays(),
    floating_arrays(),
    floating_arrays(),
    floating_arrays(),
    st.sampled_from((0.5, -2.0, 0.0, 1e300, 1 + 2j, np.float32(0.25), np.float64(1.5), 0.1)),
    st.sampled_from(CARRIED),
    carried_arrays(),
    st.sampled_from((float,) * 12 + REFUSED).flatmap(st.builds),
)


def _nested(children):
    names = st.sampled_from(("W", "b", "a name with spaces", 0, (1, "x"), "long" * 30))
    return st.one_of(
        st.dictionaries(names, children, min_size=1, max_size=3),
        st.lists(children, max_size=3),
        st.tuples(children, children),
        st.builds(Pair, children, children),
        st.builds(Layer, children, children),
    )


POINTS = st.one_of(floating_arrays(), st.recursive(LEAVES, _nested, max_leaves=4))


def is_floating(leaf):
    """Whether a leaf is one that is differentiated."""
    if isinstance(leaf, (np.ndarray, np.generic)):
        return leaf.dtype.kind in "fc"
    return isinstance(leaf, (float, complex)) and not isinstance(leaf, enum.Enum)


def floating(tree):
    """List the leaves that are differentiated."""
    return [leaf for leaf in optree.tree_leaves(tree, namespace=NAMESPACE) if is_floating(leaf)]


def mapped(function, tree):
    """Apply a function to the leaves that are differentiated."""
    return optree.tree_map(
        lambda leaf: function(leaf) if is_floating(leaf) else leaf, tree, namespace=NAMESPACE
    )
