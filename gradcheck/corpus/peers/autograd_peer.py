"""HIPS autograd: `check_grads` of a primitive with a hand-written `defvjp`.

Part of `corpus.peers`; the one file that uses autograd.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

from ...space import Array
from ..outcome import Answer
from .peer import Peer, Scalar


def _judge(scalar: Scalar) -> Answer:
    extend = importlib.import_module("autograd.extend")
    check_grads = importlib.import_module("autograd.test_util").check_grads
    f = extend.primitive(scalar.f_of_vector)

    def vjp(_: object, vector: Array) -> Callable[[Array], Array]:
        return lambda dout: dout * scalar.gradient_of_vector(vector)

    extend.defvjp(f, vjp)
    state = np.random.get_state()  # noqa: NPY002 - it draws from the global source
    np.random.seed(scalar.seed % 2**32)  # noqa: NPY002 - or no run could be repeated
    try:
        # a backward pass by hand has no derivative of its own: reverse mode, first order
        check_grads(f, modes=["rev"], order=1)(scalar.vector)
    except AssertionError:
        return Answer.WRONG
    finally:
        np.random.set_state(state)  # noqa: NPY002 - likewise
    return Answer.RIGHT


AUTOGRAD = Peer(
    "autograd",
    "autograd",
    '`autograd.test_util.check_grads(f, modes=["rev"], order=1)(x)` of a primitive with `defvjp`: '
    "right if it does not raise.",
    _judge,
)
