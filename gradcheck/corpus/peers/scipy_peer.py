"""SciPy: `scipy.optimize.check_grad`.

Part of `corpus.peers`; the one file that uses SciPy.
"""

from __future__ import annotations

import importlib

import numpy as np

from ..outcome import Answer
from .peer import Peer, Scalar

SMALL = 1e-5  # its documentation shows 3e-8 for a right one and names no limit; we are generous


def _judge(scalar: Scalar) -> Answer:
    check_grad = importlib.import_module("scipy.optimize").check_grad
    error = check_grad(scalar.f_of_vector, scalar.gradient_of_vector, scalar.vector)
    size = max(1.0, float(np.linalg.norm(scalar.gradient_of_vector(scalar.vector))))
    return Answer.RIGHT if error <= SMALL * size else Answer.WRONG


SCIPY = Peer(
    "scipy",
    "scipy",
    "`scipy.optimize.check_grad(f, grad, x)` returns the norm of the difference and leaves the "
    f"judgement to its user; here right means at most {SMALL:g} max(1, |gradient|).",
    _judge,
)
