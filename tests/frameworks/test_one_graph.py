"""All upstream questions of one forward pass: what that may not hide, and not call wrong."""

import pytest

from gradcheck import Cause, Plan, Verdict

torch = pytest.importorskip("torch")
from gradcheck.adapters.torch import check_function  # noqa: E402 - torch may not be there

PLAN = Plan.auto(seed=1)


def read_as_it_lies(dout):
    """Read a tensor as if it lay in memory one number after another."""
    flat = dout.as_strided((min(dout.numel(), dout.untyped_storage().size() // 8),), (1,))
    return torch.nn.functional.pad(flat, (0, dout.numel() - flat.numel())).reshape(dout.shape)


class KeepsItsAnswer(torch.autograd.Function):
    """Wrong in two ways: it reads memory, and only at its first backward pass."""

    @staticmethod
    def forward(ctx, x):
        """Double."""
        ctx.answer = None
        return 2 * x

    @staticmethod
    def backward(ctx, dout):
        """Return what the first call returned."""
        if ctx.answer is None:
            ctx.answer = 2 * read_as_it_lies(dout)
        return ctx.answer.clone()


class FreesWhatItKept(torch.autograd.Function):
    """Right, but good for one backward pass only."""

    @staticmethod
    def forward(ctx, x):
        """Cube."""
        ctx.kept = x
        return x**3

    @staticmethod
    def backward(ctx, dout):
        """Use up what was kept."""
        x, ctx.kept = ctx.kept, None
        return 3 * x**2 * dout


def point():
    """Return six numbers in two rows."""
    return torch.linspace(-1, 2, 6, dtype=torch.float64).reshape(2, 3).requires_grad_()


def test_backward_pass_that_keeps_its_answer_is_asked_anew():
    """One graph would have one answer for all layouts."""
    report = check_function(KeepsItsAnswer, point(), plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause is Cause.UPSTREAM


def test_backward_pass_that_frees_what_it_kept_is_right():
    """It need not go backward twice."""
    assert check_function(FreesWhatItKept, point(), plan=PLAN).ok


def test_backward_pass_that_draws_is_right():
    """From one graph it would draw other numbers each time."""

    class DrawsAgain(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * (torch.rand(x.shape) < 0.5)

        @staticmethod
        def backward(ctx, dout):
            with torch.random.fork_rng():
                torch.manual_seed(torch.initial_seed())
                return dout * (torch.rand(dout.shape) < 0.5)

    assert check_function(lambda x: DrawsAgain.apply(x**2), point(), plan=PLAN).ok


def test_output_that_is_lost_alone_is_found():
    """The gradients of each output alone have to add up to that of all."""

    class Pair(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return 2 * x, 3 * x

        @staticmethod
        def backward(ctx, first, second):
            return None if first is None or second is None else 2 * first + 3 * second

    report = check_function(Pair, point(), plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause is Cause.UPSTREAM
