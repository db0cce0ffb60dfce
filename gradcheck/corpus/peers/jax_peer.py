"""jax: `jax.test_util.check_vjp`, the part of `check_grads` that takes a backward pass by hand.

Part of `corpus.peers`; the one file that uses jax.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from ...space import Array
from ..outcome import Answer
from .peer import Peer, Scalar


def _judge(scalar: Scalar) -> Answer:
    jax = importlib.import_module("jax")
    check_vjp = importlib.import_module("jax.test_util").check_vjp

    def f_vjp(*leaves: Array) -> tuple[float, Callable[[float], tuple[Array, ...]]]:
        # the gradient is kept from the forward pass, as a residual is
        gradient = scalar.gradient(*leaves)
        return scalar.f(*leaves), lambda dout: tuple(dout * array for array in gradient)

    with jax.enable_x64(True):  # noqa: FBT003 - its own form
        try:
            check_vjp(scalar.f, f_vjp, scalar.leaves)
        except AssertionError:
            return Answer.WRONG
    return Answer.RIGHT


JAX = Peer(
    "jax",
    "jax",
    "`jax.test_util.check_vjp(f, f_vjp, args)` in float64, which is the reverse part of "
    "`check_grads`: right if it does not raise.",
    _judge,
)
