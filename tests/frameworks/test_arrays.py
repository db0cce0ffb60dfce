"""Points of torch tensors and JAX arrays, handed to a check as they are."""

import sys

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, UsageError, Verdict

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jnp = jax.numpy

PLAN = Plan.auto(seed=1)


@pytest.fixture
def x64():
    """Let JAX compute in float64."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def drawn(*shape, dtype=torch.float64):
    """Draw a tensor."""
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(3))


def cost(p):
    """Compute with whatever tensors come in."""
    return torch.tanh(p["W"] @ p["x"]).sum()


def gradient(p):
    """Differentiate by autograd."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in p.items()}
    cost(leaves).backward()
    return {name: tensor.grad for name, tensor in leaves.items()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_pass_and_fail_as_arrays_do(dtype):
    """In float32 too, as torch follows the precision of what it is given."""
    p = {"W": drawn(3, 4, dtype=dtype), "x": drawn(4, dtype=dtype)}
    assert gradcheck.check_grad(cost, gradient, p, plan=PLAN).ok

    def off(p):
        return {name: 1.01 * slope for name, slope in gradient(p).items()}

    report = gradcheck.check_grad(cost, off, p, plan=PLAN)
    assert report.verdict is Verdict.FAIL
    assert report.findings[0].cause == "scale"


def test_tensors_that_require_a_gradient_stay_as_they_are():
    """And what is handed out does not; their .grad is left alone."""
    x = drawn(4, 3).requires_grad_()
    x.grad = torch.ones_like(x)
    before = x.detach().clone()

    def backward(x, cotangent):
        assert not x.requires_grad
        x = x.clone().requires_grad_()
        return torch.autograd.grad(torch.sin(x), x, cotangent)[0]

    assert gradcheck.check_vjp(torch.sin, backward, x, plan=PLAN).ok
    assert torch.equal(x, before)
    assert x.requires_grad
    assert torch.equal(x.grad, torch.ones_like(x))


def test_tensor_that_the_claim_changes_is_named_and_restored():
    """Though it is a leaf of autograd, which forbids writing to it."""
    x = drawn(3).requires_grad_()
    before = x.detach().clone()

    def greedy(y):
        with torch.no_grad():
            x.mul_(2)
        return 2 * y

    report = gradcheck.check_grad(lambda y: (y**2).sum(), greedy, x, plan=PLAN)
    assert report.findings[0].cause == "mutated-input"
    assert torch.equal(x, before)


def test_complex_tensors_follow_their_convention():
    """The gradient of torch is ours: df = Re sum conj(g) dx."""
    z = drawn(3, dtype=torch.complex128)

    def backward(z, cotangent):
        z = z.clone().requires_grad_()
        return torch.autograd.grad(z * z.conj() + z**2, z, cotangent)[0]

    assert gradcheck.check_vjp(lambda z: z * z.conj() + z**2, backward, z, plan=PLAN).ok
    report = gradcheck.check_vjp(
        lambda z: z * z.conj() + z**2, lambda z, c: backward(z, c).conj(), z, plan=PLAN
    )
    assert report.verdict is Verdict.FAIL


def test_bfloat16_is_handed_out_as_such_and_judged_in_more_digits():
    """The point keeps its dtype and its bits; a function that follows is asked in float64 too."""
    x, seen = drawn(5, dtype=torch.bfloat16), set()
    before = x.clone()

    def wave(x):
        seen.add(x.dtype)
        return torch.sum(torch.sin(x))

    report = gradcheck.check_grad(wave, torch.cos, x, plan=PLAN)
    assert report.ok
    assert report.leaves["x"].dtype == "bfloat16"
    assert seen == {torch.bfloat16, torch.float64}
    assert torch.equal(x, before)
    wrong = gradcheck.check_grad(wave, lambda x: 1.05 * torch.cos(x), x, plan=PLAN)
    assert wrong.verdict is Verdict.FAIL
    y = jnp.linspace(0.3, 2, 5).astype(jnp.bfloat16)
    assert gradcheck.check_grad(lambda y: jnp.sum(jnp.sin(y)), jnp.cos, y, plan=PLAN).ok


def test_bfloat16_of_torch_needs_ml_dtypes(monkeypatch):
    """NumPy has no such numbers by itself, so the claim's own rounding could not be told."""
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(UsageError, match=r"leaf x is of dtype torch\.bfloat16.*pip install"):
        gradcheck.check_grad(torch.sum, torch.ones_like, drawn(3, dtype=torch.bfloat16))


def test_floats_of_eight_bits_are_refused():
    """They have no digits to be differentiated in."""
    with pytest.raises(UsageError, match="leaf x is of dtype float8_e4m3fn"):
        gradcheck.check_grad(jnp.sum, jnp.ones_like, jnp.ones(3, jnp.float8_e4m3fn))


def wave(p):
    """Compute with whatever arrays of JAX come in."""
    assert isinstance(p["a"], jax.Array)
    return jnp.sum(jnp.sin(p["a"]) * p["n"])


def test_arrays_of_jax_pass_and_fail(x64):
    """They cannot be written to, which is no matter."""
    p = {"a": jnp.linspace(0.1, 1, 5), "n": jnp.arange(5)}
    right = jax.grad(wave, allow_int=True)

    def claim(p, factor=1.0):
        return {"a": factor * right(p)["a"], "n": p["n"]}

    assert gradcheck.check_grad(wave, claim, p, plan=PLAN).ok
    report = gradcheck.check_grad(wave, lambda p: claim(p, 0.5), p, plan=PLAN)
    assert report.findings[0].cause == "scale"


def test_products_of_jax_are_given_arrays_of_jax(x64):
    """Cotangents and tangents; what is measured comes back as NumPy's."""
    x = jnp.linspace(0.1, 1, 5)
    backward = gradcheck.check_vjp(jnp.exp, lambda x, c: jax.vjp(jnp.exp, x)[1](c)[0], x)
    forward = gradcheck.check_jvp(jnp.exp, lambda x, v: jax.jvp(jnp.exp, (x,), (v,))[1], x)
    assert backward.ok
    assert forward.ok
    measured = gradcheck.gradient(lambda x: jnp.sum(jnp.sin(x)), x).value
    np.testing.assert_allclose(measured, np.cos(np.asarray(x)), rtol=1e-9)


def test_float32_of_jax_is_not_called_wrong():
    """Where JAX keeps to float32, whatever it is given, nothing finer can be had."""
    x = jnp.linspace(0.1, 1, 5, dtype=jnp.float32)
    report = gradcheck.check_grad(lambda x: jnp.sum(jnp.sin(x)), jnp.cos, x, plan=PLAN)
    assert report.verdict is not Verdict.FAIL
    wrong = gradcheck.check_grad(lambda x: jnp.sum(jnp.sin(x)), jnp.sin, x, plan=PLAN)
    assert wrong.verdict is Verdict.FAIL
