"""The checks of torch: what is right passes, what is wrong fails by name, all is left alone."""

import random
import sys
import warnings
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

from gradcheck import Plan, UsageError

torch = pytest.importorskip("torch")

from gradcheck.adapters.torch import check_function, check_module  # noqa: E402 - needs torch
from gradcheck.compat import torch_gradcheck, torch_gradgradcheck  # noqa: E402 - likewise

nn, functional = torch.nn, torch.nn.functional
Function = torch.autograd.Function
PLAN = Plan.auto(seed=3)


def tensor(*shape, dtype=torch.float64, seed=5):
    """Draw one that requires a gradient."""
    drawing = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=dtype, generator=drawing).requires_grad_()


def causes(report):
    """List the causes of what a report found."""
    return [str(finding.cause) for finding in report.findings]


def function(forward, backward, **others):
    """Make a Function of two static methods."""
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Made", (Function,), {**methods, **others})


def keep(ctx, *tensors):
    """Save tensors."""
    ctx.save_for_backward(*tensors)


# --- right Functions -----------------------------------------------------------------------------


class Cube(Function):
    """x**3, in both modes."""

    @staticmethod
    def forward(x):
        """Raise to the third power."""
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep x."""
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx, dout):
        """Go back."""
        return 3 * ctx.saved_tensors[0] ** 2 * dout

    @staticmethod
    def jvp(ctx, dx):
        """Go forward."""
        return 3 * ctx.saved_tensors[0] ** 2 * dx


class Linear(Function):
    """x W' + b."""

    @staticmethod
    def forward(ctx, x, W, b):
        """Keep x and W."""
        keep(ctx, x, W)
        return x @ W.T + b

    @staticmethod
    def backward(ctx, dout):
        """Leave out what nobody needs."""
        x, W = ctx.saved_tensors
        db = dout.sum(0) if ctx.needs_input_grad[2] else None
        return dout @ W, dout.T @ x, db


class Dropped(Function):
    """Dropout with a mask of its own."""

    @staticmethod
    def forward(ctx, x, keep_prob):
        """Draw a mask."""
        mask = (torch.rand_like(x) < keep_prob).to(x.dtype) / keep_prob
        keep(ctx, mask)
        return x * mask

    @staticmethod
    def backward(ctx, dout):
        """Take the same one."""
        return ctx.saved_tensors[0] * dout, None


class InPlace(Function):
    """Exp, into its input."""

    @staticmethod
    def forward(ctx, x):
        """Tell autograd."""
        x.exp_()
        ctx.mark_dirty(x)
        keep(ctx, x)
        return x

    @staticmethod
    def backward(ctx, dout):
        """Use the output."""
        return ctx.saved_tensors[0] * dout


class Moments(Function):
    """Sum and sum of squares, of which each may be unused."""

    @staticmethod
    def forward(ctx, x):
        """Ask for None."""
        keep(ctx, x)
        ctx.set_materialize_grads(False)
        return x.sum(0), (x**2).sum(0)

    @staticmethod
    def backward(ctx, dsum, dsquares):
        """Leave out what is None."""
        (x,) = ctx.saved_tensors
        dx = torch.zeros_like(x)
        if dsum is not None:
            dx = dx + dsum
        return dx if dsquares is None else dx + 2 * x * dsquares


@dataclass
class Answer:
    """An output as a dataclass."""

    logits: object
    count: int = 3


Pair = namedtuple("Pair", "left right")
z = tensor(3, dtype=torch.complex128)
RIGHT = {
    "cube": (Cube, (tensor(4),), {"double_backward": True, "forward": True}),
    "linear": (Linear, (tensor(5, 3), tensor(2, 3), tensor(2)), {"double_backward": True}),
    "not-all-inputs": (Linear, (tensor(5, 3), tensor(2, 3), torch.zeros(2)), {}),
    "dropout": (Dropped, (tensor(6, 4), 0.5), {"double_backward": True}),
    "torch-dropout": (functional.dropout, (tensor(6, 4),), {"forward": True}),
    "in-place": (InPlace, (tensor(4),), {}),
    "in-place-function": (lambda x: x.mul_(2).sin_(), (tensor(4),), {"double_backward": True}),
    "moments": (Moments, (tensor(4, 3),), {"double_backward": True}),
    "max": (lambda x: torch.max(x, 1), (tensor(4, 3),), {"forward": True}),
    "dict": (lambda x: {"a": x.sin(), "n": 3, "b": [x.sum()]}, (tensor(3),), {"forward": True}),
    "dataclass": (lambda x: Answer(x.sin()), (tensor(3),), {}),
    "nested-inputs": (
        lambda d, n: d["a"].sin() * d["b"][0] ** n + d["c"].left,
        ({"a": tensor(3), "b": [tensor(3, seed=1)], "c": Pair(tensor(3), None)}, 3),
        {"double_backward": True, "forward": True},
    ),
    "none-and-numbers": (lambda x, n, y, m: x**n + y * m, (tensor(3), 3, tensor(3), 2.5), {}),
    "complex": (lambda z: z * z.conj() + z**2, (z,), {"double_backward": True, "forward": True}),
    "lazily-conjugated": (lambda z: z**2, (z.conj(),), {}),
    "zero-dimensional": (torch.sin, (tensor(),), {"double_backward": True, "forward": True}),
    "one-twice": (torch.mul, (z, z), {}),
    "transposed": (lambda x: (x @ x.T).T, (tensor(3, 2).T,), {}),
    "gaps": (torch.cos, (tensor(3, 4)[:, ::2],), {"double_backward": True, "forward": True}),
    "expanded": (torch.cos, (tensor(3, 1).expand(3, 4),), {"double_backward": True}),
    "overlapping": (torch.cos, (tensor(6).unfold(0, 3, 1),), {}),
    "flipped": (torch.cos, (tensor(6).flip(0),), {}),
    "one-empty": (lambda x, y: x.sum() + y.sin(), (tensor(0, 3), tensor(2)), {}),
    "unused": (lambda x, y: y.sin(), (tensor(3), tensor(2)), {}),
    "float32": (Linear, tuple(tensor(*s, dtype=torch.float32) for s in ((5, 3), (2, 3), (2,))), {}),
    "float32-carried": (
        lambda x, y: x.sin() @ y,
        (tensor(3, dtype=torch.float32), torch.ones(3)),
        {},
    ),
    "normalised": (
        lambda x: functional.layer_norm(x, (4,)),
        (tensor(3, 4, dtype=torch.float32),),
        {},
    ),
    "softmax": (lambda x: torch.softmax(x, 1).sum(1), (tensor(3, 4),), {}),
    "float16": (torch.sin, (tensor(4, dtype=torch.float16),), {}),
}


@pytest.mark.parametrize(("fn", "inputs", "modes"), RIGHT.values(), ids=RIGHT)
def test_right_function_passes(fn, inputs, modes):
    """In every mode that is asked for, with nothing to complain of."""
    report = check_function(fn, *inputs, plan=PLAN, **modes)
    assert report.ok, report
    assert set(causes(report)) <= {"setup", "other", "convention"}


def test_leaves_are_named_by_input_and_by_mode():
    """Of the backward pass, of that of the backward pass, of the forward mode."""
    report = check_function(Cube, tensor(4), double_backward=True, forward=True, plan=PLAN)
    assert list(report.leaves) == ["[0]", "['double'][0]", "['double dout'][0]", "['forward'][0]"]
    report = check_function(lambda d, n: d["a"] ** n, {"a": tensor(3)}, 2)
    assert list(report.leaves) == ["[0]['a']"]


def test_replays_from_the_seed_that_it_shows():
    """Random numbers of torch included."""
    first = check_function(Dropped, tensor(6, 4), 0.5)
    second = check_function(Dropped, tensor(6, 4), 0.5, plan=Plan.auto(seed=first.plan.seed))
    assert first.leaves["[0]"].numeric == second.leaves["[0]"].numeric


def test_modes_of_a_constant_agree_within_rounding():
    """What is left of a zero is no number to compare."""
    report = check_function(lambda x: torch.softmax(x, 1).sum(1), tensor(6, 4), forward=True)
    assert "modes-disagree" not in causes(report)


def test_strides_are_those_of_the_inputs():
    """A kernel sees the layout that it was called with."""
    seen = set()

    def fn(x):
        seen.add(x.stride())
        return x.sin()

    assert check_function(fn, tensor(3, 4)[:, ::2], forward=True)
    assert seen == {(4, 2)}


def test_output_that_is_detached_beside_another_is_remarked_on():
    """It may be on purpose."""
    report = check_function(lambda x: (x.sin(), x.exp().detach()), tensor(3))
    assert report.ok
    assert "output [1] requires no gradient" in report.findings[-1].message


# --- wrong Functions -----------------------------------------------------------------------------


def leaky(ctx, x):
    """Hold a tensor that a backward pass overwrites."""
    keep(ctx, x)
    return x**2


def overwriting(ctx, dout):
    """Save memory at the cost of the input."""
    (x,) = ctx.saved_tensors
    return x.mul_(2).mul_(dout)


def upstream_overwriting(ctx, dout):
    """Save memory at the cost of the upstream gradient."""
    (x,) = ctx.saved_tensors
    return dout.mul_(2 * x)


class Undefined(Moments):
    """Moments that count on both."""

    @staticmethod
    def backward(ctx, dsum, dsquares):
        """Crash on None."""
        return dsum + 2 * ctx.saved_tensors[0] * dsquares


class Forgotten(Moments):
    """Moments that do not crash."""

    @staticmethod
    def backward(ctx, dsum, dsquares):
        """Return nothing where the first is unused."""
        if dsum is None:
            return None
        return dsum if dsquares is None else dsum + 2 * ctx.saved_tensors[0] * dsquares


class Disagreeing(Cube):
    """Wrong forward only."""

    @staticmethod
    def jvp(ctx, dx):
        """Take another factor."""
        return 2 * ctx.saved_tensors[0] ** 2 * dx


class Detached(Cube):
    """Right once."""

    @staticmethod
    def backward(ctx, dout):
        """Forget that x moves."""
        return 3 * ctx.saved_tensors[0].detach() ** 2 * dout


class OnceOnly(Cube):
    """Right once, and says so: torch then has zeros for the second derivative."""

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dout):
        """Go back."""
        return 3 * ctx.saved_tensors[0] ** 2 * dout


def stored(u):
    """Read a tensor as a kernel does that takes it for contiguous."""
    flat = torch.as_strided(u, (u.untyped_storage().nbytes() // u.element_size(),), (1,), 0)
    beyond = torch.zeros(u.numel(), dtype=u.dtype)
    return torch.cat([flat, beyond])[: u.numel()].reshape(u.shape)


def redrawn(ctx, dout):
    """Draw a new mask."""
    return (torch.rand_like(dout) < 0.5).to(dout.dtype) * 2 * dout, None


def squared(ctx, x, y):
    """Save the wrong one."""
    keep(ctx, y)
    return x**2 * y


x43, x4 = tensor(4, 3), tensor(4)
twice = {"double_backward": True}
WRONG = {
    "transpose": (
        function(
            lambda ctx, x, W: (keep(ctx, x, W), x @ W.T)[1],
            lambda ctx, d: (d @ ctx.saved_tensors[1], ctx.saved_tensors[0].T @ d),
        ),
        (tensor(5, 3), tensor(3, 3)),
        {},
        "transpose",
    ),
    "factor": (
        function(lambda ctx, x: (keep(ctx, x), x**2)[1], lambda ctx, d: ctx.saved_tensors[0] * d),
        (x4,),
        {},
        "scale",
    ),
    "no-dout": (
        function(leaky, lambda ctx, d: 2 * ctx.saved_tensors[0]),
        (x4,),
        {},
        "not-linear-in-cotangent",
    ),
    "wrong-saved": (
        function(squared, lambda ctx, d: (2 * ctx.saved_tensors[0] * d, None)),
        (x4, tensor(4, seed=9).detach()),
        {},
        "slope",
    ),
    "data-in-forward": (lambda x: x.data.sin() * x, (x4,), {}, "other"),
    "all-detached": (lambda x: x.detach().sin(), (x4,), {}, "detached"),
    "mask-redrawn": (function(Dropped.forward, redrawn), (tensor(40), 0.5), {}, None),
    "none-for-a-gradient": (
        function(lambda ctx, x: x * 2, lambda ctx, d: None),
        (x4,),
        {},
        "detached",
    ),
    "overwrites-saved": (function(leaky, overwriting), (x4,), {}, "mutated-input"),
    "overwrites-upstream": (function(leaky, upstream_overwriting), (x4,), {}, "mutated-input"),
    "overwrites-input": (
        function(lambda ctx, x: x.mul_(2).clone(), lambda ctx, d: 2 * d),
        (x4,),
        {},
        "mutated-input",
    ),
    "contiguous-only": (
        function(leaky, lambda ctx, d: 2 * ctx.saved_tensors[0] * stored(d)),
        (x43,),
        {},
        "upstream",
    ),
    "view-of-upstream": (
        function(leaky, lambda ctx, d: 2 * ctx.saved_tensors[0] * d.view(-1).view(4, 3)),
        (x43,),
        {},
        "upstream",
    ),
    "undefined-crashes": (Undefined, (x43,), {}, "upstream"),
    "undefined-forgotten": (Forgotten, (x43,), {}, "upstream"),
    "modes-disagree": (Disagreeing, (x4,), {"forward": True}, "modes-disagree"),
    "no-forward-mode": (
        function(leaky, lambda ctx, d: 2 * ctx.saved_tensors[0] * d),
        (x4,),
        {"forward": True},
        "raised",
    ),
    "right-once": (Detached, (x4,), twice, "detached"),
    "once-differentiable": (OnceOnly, (x4,), twice, "detached"),
    "backward-raises": (function(leaky, lambda ctx, d: (d, d, d)), (x4,), {}, "raised"),
}


@pytest.mark.parametrize(("fn", "inputs", "modes", "cause"), WRONG.values(), ids=WRONG)
def test_wrong_function_fails_by_name(fn, inputs, modes, cause):
    """Each by the cause that it has."""
    report = check_function(fn, *inputs, plan=PLAN, **modes)
    assert report.verdict == "fail"
    assert cause is None or cause in causes(report), report
    if modes:
        assert check_function(fn, *inputs, plan=PLAN).ok


def test_undefined_gradient_and_layout_are_told_in_a_sentence():
    """With what to do."""
    report = check_function(Undefined, x43, plan=PLAN)
    assert "where output [0] alone is used in a loss" in report.findings[0].message
    assert "raises TypeError" in report.findings[0].message
    report = check_function(WRONG["contiguous-only"][0], x43, plan=PLAN)
    assert "in the place of" in report.findings[0].message
    assert "one number expanded" in report.findings[0].evidence["layouts"]
    report = check_function(WRONG["view-of-upstream"][0], x43, plan=PLAN)
    assert report.findings[0].evidence["layouts"] == ["transposed"]


def test_modes_that_disagree_are_told_with_their_numbers():
    """Two thirds apart here."""
    report = check_function(Disagreeing, x4, forward=True, plan=PLAN)
    (finding,) = (found for found in report.findings if found.cause == "modes-disagree")
    evidence = finding.evidence
    assert evidence["forward"] == pytest.approx(evidence["backward"] * 2 / 3)
    assert report.leaves["[0]"].verdict == "pass"
    assert report.leaves["['forward'][0]"].verdict == "fail"


# --- modules -------------------------------------------------------------------------------------


def seeded(make, *, dtype=torch.float32):
    """Make a module from the same random numbers."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return make().to(dtype)


class Tied(nn.Module):
    """An embedding used twice, a parameter that nobody uses, and two outputs."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(3, 4, bias=False), nn.Linear(4, 3, bias=False)
        self.decoder.weight = nn.Parameter(self.encoder.weight.T.detach().clone())
        self.again = nn.Linear(3, 4, bias=False)
        self.again.weight = self.encoder.weight
        self.unused = nn.Parameter(torch.ones(2))

    def forward(self, x):
        """Use one weight in two layers."""
        hidden = torch.tanh(self.encoder(x)) + self.again(x)
        return {"out": self.decoder(hidden), "hidden": hidden}


class Settled(dict):
    """Settings that nobody may change."""

    def clear(self):
        """Refuse."""
        raise TypeError("settled")

    update = clear


class Caching(nn.Module):
    """A layer whose Function reads what the layer kept, and which counts and lists its calls."""

    def __init__(self):
        super().__init__()
        self.W = nn.Parameter(torch.ones(3, 3) + torch.eye(3))
        self.calls, self.seen, self.total = 0, [], torch.zeros(())
        self.by_name, self.settled = {"a": [1]}, Settled(a=1)
        self.register_buffer("last", torch.zeros(()))

    def forward(self, x):
        """Keep much."""
        layer = self

        class Product(Function):
            @staticmethod
            def forward(ctx, x, W):
                layer.cache = x, W
                return x @ W

            @staticmethod
            def backward(ctx, dout):
                x, W = layer.cache
                return dout @ W.T, x.T @ dout

        self.calls += 1
        self.seen.append(x)
        self.total += 1
        self.by_name["b"] = x
        self.last = x.sum()
        self.training = False
        return Product.apply(x, self.W)


class Checkpointed(nn.Module):
    """It is called once more in the backward pass."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        """Forget what lies between."""
        checkpoint = torch.utils.checkpoint.checkpoint
        return checkpoint(lambda x: torch.tanh(self.layer(x)), x, use_reentrant=False)


def stack(*extra):
    """Stack a layer, others, and a nonlinearity."""
    return lambda: nn.Sequential(nn.Linear(3, 4), *extra, nn.Tanh())


x = tensor(6, 3, dtype=torch.float32)
plain = x.detach()
MODULES = {
    "dropout": (seeded(stack(nn.Dropout(0.4))), (plain,)),
    "batch-norm": (seeded(stack(nn.BatchNorm1d(4))), (x,)),
    "batch-norm-eval": (seeded(stack(nn.BatchNorm1d(4))).eval(), (x,)),
    "float64": (seeded(stack(nn.LayerNorm(4)), dtype=torch.float64), (plain.double(),)),
    "tied": (seeded(Tied), (plain,)),
    "lstm": (seeded(lambda: nn.LSTM(3, 2)), (tensor(4, 1, 3, dtype=torch.float32),)),
    "attention": (seeded(lambda: nn.TransformerEncoderLayer(4, 2, 6)), (torch.randn(5, 1, 4),)),
    "embedding": (seeded(lambda: nn.Embedding(5, 3)), (torch.tensor([1, 1, 4]),)),
    "weight-norm": (
        seeded(lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))),
        (plain,),
    ),
    "spectral-norm": (
        # training iterates beside autograd: its gradient is right in the limit only
        seeded(lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))).eval(),
        (plain,),
    ),
    "channels-last": (
        seeded(lambda: nn.Conv2d(2, 3, 3)).to(memory_format=torch.channels_last),
        (tensor(2, 2, 5, 5, dtype=torch.float32),),
    ),
    "caching": (Caching(), (x,)),
    "checkpointed": (seeded(Checkpointed), (x,)),
    "not-a-leaf": (seeded(stack()), (x * 2,)),
}


def state_of(module):
    """List all that a check must leave alone, as bits and identities."""
    tensors = [*module.parameters(), *module.buffers()]
    tensors += [p.grad for p in module.parameters() if p.grad is not None]
    tensors += [v for m in module.modules() for v in vars(m).values() if torch.is_tensor(v)]
    attributes = [
        (key, id(value), repr(value))
        for each in module.modules()
        for key, value in vars(each).items()
    ]
    bits = [(id(t), t.numpy(force=True).tobytes()) for t in tensors]
    return bits, attributes, torch.get_rng_state().tolist()


@pytest.mark.parametrize("loss", [None, lambda out: sum_of_squares(out)], ids=["outputs", "loss"])
@pytest.mark.parametrize(("module", "inputs"), MODULES.values(), ids=MODULES)
def test_right_module_passes_and_is_left_alone(module, inputs, loss):
    """Bit for bit: parameters, .grad, buffers, attributes, mode, hooks, random numbers."""
    for parameter in module.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = state_of(module)
    report = check_module(module, *inputs, loss=loss, plan=PLAN)
    assert report.ok, report
    assert state_of(module) == before
    assert all(torch.equal(p.grad, torch.ones_like(p)) for p in module.parameters())
    assert not inputs[0].is_leaf or inputs[0].grad is None


def sum_of_squares(out):
    """Weigh and add all tensors of an output."""
    parts = out.values() if isinstance(out, dict) else out if isinstance(out, tuple) else (out,)
    flat = [part.ravel() for each in parts for part in (each if type(each) is tuple else (each,))]
    return sum((part**2 * torch.linspace(1, 2, len(part))).sum() for part in flat)


def test_module_leaves_are_named_as_its_parameters_are():
    """Frozen ones are left out, tied ones are one, and unused ones certified to be zero."""
    module = seeded(Tied)
    module.decoder.weight.requires_grad_(False)
    report = check_module(module, x, plan=PLAN)
    assert list(report.leaves) == ["['unused']", "['encoder.weight']", "['inputs'][0]"]
    assert report.ok
    assert report.leaves["['unused']"].numeric == 0
    module = nn.Linear(3, 2)
    module.register_buffer("inputs", torch.zeros(1))
    assert list(check_module(module, x, plan=PLAN).leaves)[-1] == "['inputs of the module'][0]"


class WrongLayer(nn.Module):
    """A layer with a Function of which the backward pass is wrong."""

    def __init__(self, backward, forward=None):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(9.0).reshape(3, 3) / 9 - 0.3)
        self.made = function(forward or (lambda ctx, x, W: (keep(ctx, x, W), x @ W.T)[1]), backward)

    def forward(self, x):
        """Apply it."""
        return self.made.apply(x, self.weight)


WRONG_MODULES = {
    "transpose": (
        lambda ctx, d: (d @ ctx.saved_tensors[1], ctx.saved_tensors[0].T @ d),
        "transpose",
    ),
    "factor": (
        lambda ctx, d: (d @ ctx.saved_tensors[1], 0.5 * d.T @ ctx.saved_tensors[0]),
        "scale",
    ),
    "sign": (lambda ctx, d: (d @ ctx.saved_tensors[1], -d.T @ ctx.saved_tensors[0]), "sign"),
    "missing": (lambda ctx, d: (d @ ctx.saved_tensors[1], None), "detached"),
    "contiguous-only": (
        lambda ctx, d: (d @ ctx.saved_tensors[1], stored(d).T @ ctx.saved_tensors[0]),
        "upstream",
    ),
}


@pytest.mark.parametrize(("backward", "cause"), WRONG_MODULES.values(), ids=WRONG_MODULES)
def test_wrong_module_fails_by_name(backward, cause):
    """In float32, judged in float64; of the parameter that is wrong."""
    report = check_module(WrongLayer(backward), x, plan=PLAN)
    assert report.verdict == "fail"
    assert report.findings[0].cause == cause
    assert report.leaves["['inputs'][0]"].verdict == "pass"
    if cause != "upstream":
        assert report.leaves["['weight']"].verdict == "fail"
        loss = check_module(WrongLayer(backward), x, loss=sum_of_squares, plan=PLAN)
        assert loss.findings[0].cause == cause


def test_float32_module_is_judged_in_float64():
    """To more digits than it has, buffers and plain inputs converted too."""
    report = check_module(seeded(stack(nn.BatchNorm1d(4))).eval(), plain, loss=sum_of_squares)
    assert report.leaves["['0.weight']"].dtype == "float32"
    assert all(leaf.bar < 1e-7 for leaf in report.leaves.values())


def test_kernel_that_stays_float32_is_judged_against_a_reference():
    """A module with the same parameters."""

    class Kernel(nn.Linear):
        def forward(self, x):
            return functional.linear(x.float(), self.weight.float(), self.bias.float())

    kernel, reference = seeded(lambda: Kernel(3, 2)), seeded(lambda: nn.Linear(3, 2))
    alone = check_module(kernel, x, plan=PLAN)
    judged = check_module(kernel, x, reference=reference, plan=PLAN)
    assert judged.ok
    assert judged.leaves["['weight']"].bar < 1e-7 < alone.leaves["['weight']"].bar
    assert check_module(kernel, x, reference=reference, loss=sum_of_squares, plan=PLAN).ok
    assert check_function(Linear, *RIGHT["float32"][1], reference=Linear.apply, plan=PLAN).ok


def test_loss_may_read_the_module():
    """It is then the copy that it reads, so that a penalty is differentiated too."""
    module = seeded(lambda: nn.Linear(3, 2))

    def right(out):
        return out.square().mean() + 0.1 * module.weight.square().sum()

    def wrong(out):
        return out.square().mean() + 0.1 * module.weight.detach().square().sum()

    assert check_module(module, x, loss=right, plan=PLAN)
    report = check_module(module, x, loss=wrong, plan=PLAN)
    assert report.findings[0].cause == "missing-weight-decay"


def test_hooks_of_the_module_run_and_stay():
    """A backward hook that changes a gradient is found, as it is part of what trains."""
    module, called = seeded(stack()), []
    module.register_forward_hook(lambda *_: called.append("forward"))
    module.register_full_backward_hook(lambda *_: called.append("backward"))
    hooks = dict(module._forward_hooks), dict(module._backward_hooks)
    assert check_module(module, x, plan=PLAN)
    assert {"forward", "backward"} == set(called)
    assert hooks == (dict(module._forward_hooks), dict(module._backward_hooks))
    module.register_full_backward_hook(lambda _, gradients, __: (gradients[0] * 2,))
    report = check_module(module, x, plan=PLAN)
    assert report.leaves["['inputs'][0]"].cause == "scale"
    assert report.leaves["['0.weight']"].verdict == "pass"


# --- what comes back as it was -------------------------------------------------------------------


class Raising(nn.Module):
    """It counts and draws, and raises at a call of some number, forward or backward."""

    def __init__(self):
        super().__init__()
        self.layer, self.norm = nn.Linear(3, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        """Change much, then raise."""
        self.kept = self.norm(self.layer(x)) + torch.rand(())
        self.eval()
        raise RuntimeError("a kernel that fails")


def test_module_that_raises_is_left_alone():
    """And what it raised is told."""
    module = seeded(Raising)
    before = state_of(module)
    report = check_module(module, x, plan=PLAN)
    assert "a kernel that fails" in str(report)
    assert report.verdict == "inconclusive"
    assert state_of(module) == before
    assert module.training
    assert not hasattr(module, "kept")


def test_interrupted_check_leaves_all_alone():
    """As by Ctrl-C."""
    module, generator = seeded(stack(nn.BatchNorm1d(4), nn.Dropout())), np.random.default_rng(1)
    before, state = state_of(module), generator.bit_generator.state
    standard, calls = random.getstate(), []

    def loss(out):
        calls.append(generator.normal() + random.random() + torch.rand(()).item())
        if len(calls) == 5:
            raise KeyboardInterrupt
        return out.mean()

    with pytest.raises(KeyboardInterrupt):
        check_module(module, plain, loss=loss, random=(generator, random), plan=PLAN)
    assert len(set(calls)) == 1
    assert state_of(module) == before
    assert generator.bit_generator.state == state
    assert random.getstate() == standard


@pytest.mark.parametrize("fn", [InPlace, WRONG["overwrites-saved"][0], torch.sin])
def test_inputs_stay_as_they_are(fn):
    """Those that are differentiated, and those that are handed on and changed."""
    moving, mean = tensor(4, 3), torch.zeros(3, dtype=torch.float64)
    other = moving * 1
    moving.grad = torch.ones_like(moving)
    bits, rng = moving.detach().clone(), torch.get_rng_state()
    check_function(fn, moving, plan=PLAN)
    check_function(fn, other, plan=PLAN)
    report = check_function(
        lambda x, mean: functional.batch_norm(x, mean, mean + 1, training=True), moving, mean
    )
    assert report.ok
    assert torch.equal(moving, bits)
    assert torch.equal(other, bits)
    assert torch.equal(moving.grad, torch.ones_like(moving))
    assert torch.equal(mean, torch.zeros_like(mean))
    assert torch.equal(torch.get_rng_state(), rng)


def test_works_where_autograd_is_switched_off():
    """And leaves it switched off; warnings are errors here anyhow."""
    module = seeded(stack())
    with torch.no_grad():
        assert check_function(Cube, x4, forward=True)
        assert check_module(module, plain)
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        assert check_function(Cube, x4, double_backward=True)
        assert check_module(module, plain * 2)
        assert torch.is_inference_mode_enabled()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert check_function(Cube, x4, forward=True, double_backward=True)
    assert caught == []


# --- usage ---------------------------------------------------------------------------------------

linear = nn.Linear(3, 2)
frozen = nn.Linear(3, 2).requires_grad_(False)
BAD = {
    "nothing-moves": (check_function, (torch.sin, torch.ones(3)), {}, "no input requires a grad"),
    "out-of-reach": (
        check_function,
        (lambda a, x: a.logits * x, Answer(x4), x4),
        {},
        r"inputs\[0\] is of type Answer and holds tensors",
    ),
    "no-output": (check_function, (torch.argmax, x4), {}, "no floating or complex tensor was"),
    "no-function": (check_function, (3, x4), {}, "fn is of type int"),
    "module-as-function": (check_function, (linear, x), {}, "use check_module"),
    "sparse": (
        check_function,
        (torch.sin, torch.eye(3).to_sparse().requires_grad_()),
        {},
        r"inputs\[0\] is a tensor of torch.float32, torch.sparse_coo",
    ),
    "unknown-option": (check_function, (torch.sin, x4), {"rtol": 1e-3}, "belongs to the plan"),
    "wrong-plan": (check_function, (torch.sin, x4), {"plan": 3}, "the plan is 3"),
    "wrong-random": (check_function, (torch.sin, x4), {"random": 3}, "random=3"),
    "no-module": (check_module, (torch.sin, x), {}, "module is of type builtin_function"),
    "all-frozen": (check_module, (frozen, plain), {}, "no parameter of this Linear and no input"),
    "lazy": (check_module, (nn.LazyLinear(2), plain), {}, "call the module once"),
    "vector-loss": (
        check_module,
        (linear, x),
        {"loss": lambda out: out},
        r"loss returned shape \(6, 2\)",
    ),
    "no-tensor-loss": (check_module, (linear, x), {"loss": lambda out: 3}, "loss returned <class"),
    "reference-no-module": (check_module, (linear, x), {"reference": len}, "reference is of type"),
}


def short(size, seed=0):
    """Draw a tensor of bfloat16 that requires a gradient."""
    drawn = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    return drawn.bfloat16().requires_grad_()


class Wave(torch.autograd.Function):
    """A sine whose backward pass is off by a factor of 1.05."""

    @staticmethod
    def forward(ctx, x):
        """Compute it."""
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx, dout):
        """Differentiate it."""
        (x,) = ctx.saved_tensors
        return 1.05 * dout * torch.cos(x)


def test_bfloat16_is_judged_in_more_digits():
    """Where the function follows its input; and the second derivative, and forward mode."""
    plan = Plan.auto(seed=1)
    right = check_function(torch.sin, short(6), double_backward=True, forward=True, plan=plan)
    assert right.ok
    assert {leaf.dtype for leaf in right.leaves.values()} == {"bfloat16"}
    assert check_function(Wave, short(6), plan=plan).findings[0].cause == "scale"
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).bfloat16()
    assert check_module(module, torch.ones(5, 3).bfloat16(), plan=plan).ok
    assert {p.dtype for p in module.parameters()} == {torch.bfloat16}


def test_bfloat16_needs_ml_dtypes(monkeypatch):
    """NumPy has no such numbers by itself."""
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    message = r"inputs\[0\] is a tensor of torch.bfloat16.*pip install.*give it as float32"
    with pytest.raises(UsageError, match=message):
        check_function(torch.sin, short(3))


@pytest.mark.parametrize(("check", "given", "options", "message"), BAD.values(), ids=BAD)
def test_senseless_call_is_refused(check, given, options, message):
    """With what would make sense."""
    with pytest.raises(UsageError, match=message):
        check(*given, **options)


def test_drop_in_holds_random_numbers_still_and_leaves_statistics_alone():
    """It shares the translation: a right dropout is no difference, and what is handed on stays."""
    mean, rng = torch.zeros(3, dtype=torch.float64), torch.get_rng_state()

    def fn(x, mean):
        out = functional.batch_norm(functional.dropout(x), mean, mean + 1, training=True)
        return out.mul_(2)

    assert torch_gradcheck(fn, (x43, mean), check_forward_ad=True)
    assert torch_gradgradcheck(fn, (x43, mean), torch.ones_like(x43, requires_grad=True))
    assert torch.equal(mean, torch.zeros_like(mean))
    assert torch.equal(torch.get_rng_state(), rng)
