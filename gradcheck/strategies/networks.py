"""What a network is called with: its parameters, a batch with labels, keep_prob, lambda.

Part of `strategies`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from .arrays import Array, arrays

TWENTIETHS = 20  # so that 0.05 and 0.95 are among the probabilities
DECAYS = (0.0, 0.1, 1.0, 10.0, 0.01, 0.001)  # weight decay that people use, and far more


@st.composite
def layer_stacks(
    draw: st.DrawFn, sizes: Sequence[int] | None = None, dtype: npt.DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw the parameters of a stack of dense layers: W1, b1, W2, b2, ...

    Parameters
    ----------
    sizes : sequence of int, optional
        Of the input and of every layer; by default one to three layers of up to four units.
    dtype : dtype
        Of all of them.

    Returns
    -------
    strategy of dict
        W of shape (units in, units out), b of shape (units out,), well-scaled and away from 0.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(layer_stacks(), lambda params: "W2" in params)  # doctest: +NORMALIZE_WHITESPACE
    {'W1': array([[0.1]]), 'b1': array([0.1]), 'W2': array([[0.1]]), 'b2': array([0.1])}
    """
    if sizes is None:
        sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    params = {}
    for k, (fan_in, fan_out) in enumerate(pairwise(sizes), start=1):
        params[f"W{k}"] = draw(arrays((fan_in, fan_out), dtype))
        params[f"b{k}"] = draw(arrays(fan_out, dtype))
    return params


@st.composite
def batches(
    draw: st.DrawFn, features: int, classes: int, *, max_rows: int = 4
) -> tuple[Array, Array]:
    """Draw a batch: inputs of shape (rows, features) and one label a row.

    Parameters
    ----------
    features, classes : int
        Labels are whole numbers from 0 to classes - 1; they may repeat and miss out classes.
    max_rows : int
        At least 2 are drawn where that is allowed: a batch of one hides what is summed over rows.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(batches(1, classes=3), lambda batch: batch[1][0] == 2)
    (array([[0.1],
           [0.2]]), array([2, 0]))
    """
    rows = draw(st.integers(min(2, max_rows), max_rows))
    inputs = draw(arrays((rows, features)))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows))
    return inputs, np.array(labels, dtype=np.intp)


def keep_probs() -> st.SearchStrategy[float]:
    """Draw the probability with which dropout keeps a unit: 0.05, 0.1, ... 0.95.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(keep_probs(), lambda p: p > 0.5)
    0.55
    """
    return st.integers(1, TWENTIETHS - 1).map(lambda k: k / TWENTIETHS)


def weight_decays() -> st.SearchStrategy[float]:
    """Draw lambda, the factor of an L2 term: none, or a power of ten from 0.001 to 10.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(weight_decays(), lambda decay: decay > 0)
    0.1
    """
    return st.sampled_from(DECAYS)
