"""numdifftools: `Gradient`, compared by `numpy.allclose`.

Part of `corpus.peers`; the one file that uses numdifftools.
"""

from __future__ import annotations

import importlib

import numpy as np

from ..outcome import Answer
from .peer import Peer, Scalar


def _judge(scalar: Scalar) -> Answer:
    gradient = importlib.import_module("numdifftools").Gradient
    numeric = gradient(scalar.f_of_vector)(scalar.vector)
    claimed = scalar.gradient_of_vector(scalar.vector)
    return Answer.RIGHT if np.allclose(claimed, numeric) else Answer.WRONG


NUMDIFFTOOLS = Peer(
    "numdifftools",
    "numdifftools",
    "`numdifftools.Gradient(f)(x)` estimates and judges nothing; it is compared by "
    "`numpy.allclose`, as in its own examples.",
    _judge,
)
