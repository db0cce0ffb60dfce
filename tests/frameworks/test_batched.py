"""Stacks of points in torch and JAX: by their own vmap, or one by one with a remark."""

import jax
import numpy as np
import pytest
import torch
from jax import numpy as jnp

from gradcheck import Plan, UsageError, Verdict, check_grad
from gradcheck.adapters import jax as adapter
from gradcheck.adapters.torch import check_function, check_module

EVERY = Plan.every(seed=1)
BY_ONE = "Points went to f one by one: "


class Cube(torch.autograd.Function):
    """A function of which vmap has the rule, with a factor in its gradient."""

    generate_vmap_rule = True
    factor = 3

    @staticmethod
    def forward(x):
        """Cube."""
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep the input."""
        ctx.save_for_backward(*inputs)

    @classmethod
    def backward(cls, ctx, dout):
        """Go backward."""
        (x,) = ctx.saved_tensors
        return Cube.factor * x**2 * dout


def count(module):
    """Count the calls of a module."""
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize("loss", [None, lambda out: out.square().mean()], ids=["outputs", "loss"])
def test_a_module_takes_stacks(loss):
    """With dropout, whose mask is that of a single point in every row."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(8, 10), torch.nn.Dropout(), torch.nn.Tanh(), torch.nn.Linear(10, 2)
    )
    inputs = torch.randn(16, 8)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    state = torch.get_rng_state()
    calls = count(module)
    plain = check_module(module, inputs, loss=loss, plan=EVERY)
    one_by_one = len(calls)
    calls.clear()
    report = check_module(module, inputs, loss=loss, plan=EVERY, batched=True)
    assert report.ok
    assert not report.findings
    assert report.evaluations == plain.evaluations + 9 + 2  # points near x in float64 too
    assert len(calls) < one_by_one / 2
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_a_function_takes_stacks(monkeypatch):
    """A right one passes, a wrong one fails, as without."""
    x = torch.linspace(0.5, 2, 80, dtype=torch.float64, requires_grad=True)
    assert check_function(Cube, x, plan=EVERY, batched=True, forward=False).ok
    monkeypatch.setattr(Cube, "factor", 2)
    report = check_function(Cube, x, plan=EVERY, batched=True)
    assert report.verdict is Verdict.FAIL
    assert report.leaves["[0]"].wrong.all()


def test_what_torch_cannot_batch_goes_one_by_one():
    """Running statistics are written to in place."""
    module = torch.nn.Sequential(torch.nn.Linear(8, 10), torch.nn.BatchNorm1d(10))
    report = check_module(module, torch.randn(32, 8), batched=True, plan=Plan.auto(seed=1))
    assert report.ok
    assert any(finding.message.startswith(BY_ONE) for finding in report.findings)


def test_a_rule_of_jax_takes_stacks():
    """In both modes where it has both; wrong ones fail."""
    x = jnp.linspace(0.1, 1, 80)

    def cube(x, factor=3):
        @jax.custom_vjp
        def f(x):
            return x**3

        f.defvjp(lambda x: (x**3, x), lambda x, dout: (factor * x**2 * dout,))
        return f(x)

    assert adapter.check(cube, x, plan=EVERY, batched=True, modes="reverse").ok
    wrong = adapter.check(lambda x: cube(x, 2), x, plan=EVERY, batched=True, modes="reverse")
    assert wrong.verdict is Verdict.FAIL
    both = adapter.check(lambda x: jnp.sum(jnp.tanh(x)), x, batched=True)
    assert both.ok
    assert not both.findings


def test_what_jax_cannot_batch_goes_one_by_one():
    """A branch on a value; said once, in one line."""

    def branchy(x):
        return x**2 if x.sum() > 0 else x**3

    report = adapter.check(branchy, jnp.linspace(0.1, 1, 5), batched=True)
    assert report.ok
    said = [f.message for f in report.findings if f.message.startswith(BY_ONE)]
    assert len(said) == 1
    assert "\n" not in said[0]


def test_the_core_takes_a_vmap():
    """`f` of JAX's arrays at points, its vmap in stacks."""
    with jax.enable_x64(True):

        def loss(x):
            return jnp.sum(jnp.tanh(x) ** 2)

        x = jnp.asarray(np.linspace(0.1, 1, 90))
        report = check_grad(loss, jax.grad(loss), x, plan=EVERY, batched=jax.vmap(loss))
    assert report.ok
    assert not report.findings


def test_torch_tensors_are_stacked_as_tensors():
    """`f` that takes stacks of tensors; numbers come back."""
    x = torch.linspace(0.1, 1, 90, dtype=torch.float64)
    seen = set()

    def stacks(x):
        seen.add((type(x), x.ndim))
        return (torch.tanh(x) ** 2).sum(-1)

    def grad(x):
        return 2 * torch.tanh(x) * (1 - torch.tanh(x) ** 2)

    for plan in (EVERY, Plan.auto(seed=1)):
        assert check_grad(stacks, grad, x, plan=plan, batched=True).ok
    assert seen == {(torch.Tensor, 2)}


@pytest.mark.parametrize("batched", ["auto", 8, len], ids=str)
def test_other_words_are_refused(batched):
    """The library makes the stacks."""
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(UsageError, match="here it is True or False"):
        check_function(torch.sin, x, batched=batched)
    with pytest.raises(UsageError, match="here it is True or False"):
        adapter.check(jnp.sin, jnp.ones(3), batched=batched)
