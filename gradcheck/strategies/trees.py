"""Points that are more than one array: structured like a template, or of a structure of their own.

Part of `strategies`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from ..records import PyTree
from ..space import Space
from .arrays import Array, arrays
from .hostile import Hostility, hostile_arrays

NAMES = ("W", "b", "gain")


def arrays_like(template: PyTree, *, kinks: Sequence[float] = (0.0,)) -> st.SearchStrategy[PyTree]:
    """Draw a point like another one, well-scaled and away from kinks.

    Parameters
    ----------
    template : array or pytree
        Structure, shapes and dtypes are kept; of integers, strings and None also the values.
    kinks : sequence of float
        As for `arrays`.

    Raises
    ------
    gradcheck.UsageError
        If the template holds nothing that can be differentiated.

    Examples
    --------
    >>> import numpy as np
    >>> from hypothesis import find
    >>> template = {"W": np.ones((1, 2)), "labels": np.array([3, 1])}
    >>> find(arrays_like(template), lambda x: x["W"].sum() < 0)
    {'W': array([[ 0.1, -0.2]]), 'labels': array([3, 1])}
    """
    return _like(template, lambda base: arrays(base.shape, base.dtype, kinks=kinks))


def hostile_like(
    template: PyTree, *, kinds: Iterable[str] = tuple(Hostility)
) -> st.SearchStrategy[PyTree]:
    """Draw a point like another one, every array of it hostile in a way of its own.

    Parameters
    ----------
    template, kinds
        As for `arrays_like` and `hostile_arrays`.

    Examples
    --------
    >>> import numpy as np
    >>> from hypothesis import find
    >>> find(hostile_like([np.ones(2), 0.5], kinds=["ties"]), lambda x: x[0][0] == x[1])
    [array([0., 0.]), 0.0]
    """
    kinds = tuple(kinds)
    return _like(template, lambda base: hostile_arrays(base.shape, base.dtype, kinds=kinds))


def _like(
    template: PyTree, make: Callable[[Array], st.SearchStrategy[Array]]
) -> st.SearchStrategy[PyTree]:
    space = Space.of(template)
    leaves = {i: make(space.leaves[i].array) for i in space.moving}
    return _rebuilt(space, st.fixed_dictionaries(leaves))


# Composite, as a map would be printed by Hypothesis below 6.156, instead of what it makes.
@st.composite
def _rebuilt(draw: st.DrawFn, space: Space, leaves: st.SearchStrategy[dict[int, Array]]) -> PyTree:
    return space.rebuild(draw(leaves))


def points(elements: st.SearchStrategy[Array] | None = None) -> st.SearchStrategy[Any]:
    """Draw a point of a structure of its own: an array, or up to three in a dictionary.

    Parameters
    ----------
    elements : strategy of arrays, optional
        `arrays()` by default; `hostile_arrays()` for hostile points.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(points(), lambda x: isinstance(x, dict) and len(x) == 2)
    {'W': array(0.1), 'b': array(0.1)}
    """
    leaf = arrays() if elements is None else elements
    return leaf | st.dictionaries(st.sampled_from(NAMES), leaf, min_size=1, max_size=len(NAMES))
