"""derivcheck: `assert_deriv`.

Part of `corpus.peers`; the one file that uses derivcheck.
"""

from __future__ import annotations

import importlib

from ..outcome import Answer
from .peer import Peer, Scalar


def _judge(scalar: Scalar) -> Answer:
    assert_deriv = importlib.import_module("derivcheck").assert_deriv
    try:
        assert_deriv(scalar.f_of_vector, scalar.gradient_of_vector, scalar.vector)
    except FloatingPointError:  # "Inaccurate estimate of the derivative": it refuses to judge
        return Answer.UNDECIDED
    except AssertionError:
        return Answer.WRONG
    return Answer.RIGHT


DERIVCHECK = Peer(
    "derivcheck",
    "derivcheck",
    "`derivcheck.assert_deriv(f, grad, x)`: right if it does not raise, undecided where it raises "
    "that its own estimate is inaccurate.",
    _judge,
)
