"""Initial weights of one layer.

Owns: the schemes, the two factories of schemes, and the table INITIALISERS. Does not own biases,
which `network.initialise` always sets to zero: random weights alone break the symmetry.
Place: a leaf under `network`. Every scheme takes (rng, n_in, n_out, dtype) and returns W of shape
(n_in, n_out), drawn in float64 and rounded to the dtype. The table of variances:
uniform01, uniform_zero_mean 1/12; xavier 2/(n_in + n_out); he 2/n_in; lecun 1/n_in.
"""

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .arrays import Array

Initialiser: TypeAlias = Callable[[np.random.Generator, int, int, npt.DTypeLike], Array]


def zeros(rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike) -> Array:
    """Return zeros: the scheme that never breaks the symmetry between units."""
    return constant(0.0)(rng, n_in, n_out, dtype)


def constant(value: float) -> Initialiser:
    """Return the scheme that sets every weight to value; it draws nothing.

    Examples
    --------
    >>> constant(0.5)(np.random.default_rng(0), 2, 1, np.float32)
    array([[0.5],
           [0.5]], dtype=float32)
    """

    def initialise(rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike) -> Array:
        del rng  # the same signature as the random schemes
        return np.full((n_in, n_out), value, dtype=dtype)

    return initialise


def scaled_normal(scale: float) -> Initialiser:
    """Return the scheme that draws from the normal of mean 0 and standard deviation scale."""

    def initialise(rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike) -> Array:
        return (scale * rng.standard_normal((n_in, n_out))).astype(dtype)

    return initialise


def uniform01(rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike) -> Array:
    """Draw from the uniform on [0, 1), as `rand` does: mean 1/2, variance 1/12."""
    return rng.random((n_in, n_out)).astype(dtype)


def uniform_zero_mean(
    rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike
) -> Array:
    """Draw from the uniform on [-1/2, 1/2): mean 0 and the variance of `uniform01`.

    A uniform on +-sqrt(3) sigma has variance sigma^2; sigma^2 = 1/12 gives +-1/2.
    """
    return (rng.random((n_in, n_out)) - 0.5).astype(dtype)


def xavier(rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike) -> Array:
    """Draw from the uniform on +-sqrt(6 / (n_in + n_out)): variance 2 / (n_in + n_out).

    Source: Glorot & Bengio (2010), AISTATS, equation 16 (their "normalized initialization").
    """
    bound = math.sqrt(6 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_in, n_out)).astype(dtype)


def he(rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike) -> Array:
    """Draw from the normal of variance 2 / n_in, which suits the relu.

    Source: He, Zhang, Ren & Sun (2015), ICCV, equation 10.

    Examples
    --------
    >>> he(np.random.default_rng(0), 3, 2, np.float64).shape
    (3, 2)
    """
    return scaled_normal(math.sqrt(2 / n_in))(rng, n_in, n_out, dtype)


def lecun(rng: np.random.Generator, n_in: int, n_out: int, dtype: npt.DTypeLike) -> Array:
    """Draw from the normal of variance 1 / n_in.

    Source: LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, section 4.6, equation 16.
    """
    return scaled_normal(math.sqrt(1 / n_in))(rng, n_in, n_out, dtype)


INITIALISERS: Mapping[str, Initialiser] = {
    "zeros": zeros,
    "constant": constant(0.5),
    "small_normal": scaled_normal(0.01),  # the course's 0.01 * randn
    "large_normal": scaled_normal(10.0),  # the course's 10 * randn, which saturates a sigmoid
    "uniform01": uniform01,
    "uniform_zero_mean": uniform_zero_mean,
    "xavier": xavier,
    "he": he,
    "lecun": lecun,
}
"""The schemes that `network.initialise` can be given by name."""
