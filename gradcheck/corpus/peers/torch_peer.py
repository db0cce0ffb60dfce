"""torch: `torch.autograd.gradcheck` of an `autograd.Function`, slow and fast mode.

Part of `corpus.peers`; the one file that uses torch.
"""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import numpy as np

from ..outcome import Answer
from .peer import CannotRun, Peer, Scalar

# what its engine says of a gradient that does not suit its input
SHAPE_COMPLAINT = "returned an invalid gradient"


def _judge(scalar: Scalar, *, fast_mode: bool) -> Answer:
    torch = importlib.import_module("torch")
    gradcheck = importlib.import_module("torch.autograd.gradcheck")
    inputs = tuple(torch.from_numpy(leaf.copy()).requires_grad_() for leaf in scalar.leaves)
    try:
        gradcheck.gradcheck(_function(torch, scalar).apply, inputs, fast_mode=fast_mode)
    except gradcheck.GradcheckError:
        return Answer.WRONG
    except RuntimeError as error:
        if SHAPE_COMPLAINT in str(error):
            return Answer.WRONG
        raise
    shapes = [array.shape for array in scalar.gradient(*scalar.leaves)]
    if shapes != [leaf.shape for leaf in scalar.leaves]:
        raise CannotRun("its engine sums a gradient over broadcast axes itself: no fault there")
    return Answer.RIGHT


def _function(torch: Any, scalar: Scalar) -> Any:  # noqa: ANN401 - torch may not be installed
    """Write the `autograd.Function` that a user of torch would."""

    def forward(ctx: Any, *inputs: Any) -> Any:  # noqa: ANN401 - torch calls it
        ctx.save_for_backward(*inputs)
        return torch.tensor(scalar.f(*(x.numpy() for x in inputs)), dtype=torch.float64)

    def backward(ctx: Any, dout: Any) -> Any:  # noqa: ANN401 - torch calls it
        gradient = scalar.gradient(*(x.numpy() for x in ctx.saved_tensors))
        return tuple(dout * torch.from_numpy(np.asarray(array)) for array in gradient)

    functions = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("ByHand", (torch.autograd.Function,), functions)


USAGE = (
    "`torch.autograd.gradcheck(ByHand.apply, inputs, fast_mode={})` of an `autograd.Function`: "
    "right if it does not raise."
)
TORCH_SLOW = Peer("torch slow", "torch", USAGE.format("False"), partial(_judge, fast_mode=False))
TORCH_FAST = Peer("torch fast", "torch", USAGE.format("True"), partial(_judge, fast_mode=True))
