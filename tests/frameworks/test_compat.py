"""Drop-ins of torch and JAX beside their originals: the same calls, answered as well or better."""

import inspect
import sys

import numpy as np
import pytest

from gradcheck import GradientError, UsageError, compat

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
pytest.importorskip("jax.test_util")
optimize = pytest.importorskip("scipy.optimize")
jnp = jax.numpy
# of the module, which the function of that name hides
GradcheckError = sys.modules["torch.autograd.gradcheck"].GradcheckError


# --- torch ---------------------------------------------------------------------------------------


class Cube(torch.autograd.Function):
    """x**3, with a factor that is 3 if it is right."""

    @staticmethod
    def forward(ctx, x, factor):
        """Keep x."""
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x**3

    @staticmethod
    def backward(ctx, dout):
        """Take the factor for 3."""
        (x,) = ctx.saved_tensors
        return ctx.factor * x**2 * dout, None


class DetachedCube(Cube):
    """Right once, and constant the second time."""

    @staticmethod
    def backward(ctx, dout):
        """Forget that x moves."""
        (x,) = ctx.saved_tensors
        return 3 * x.detach() ** 2 * dout, None


def verdict_of(check, *arguments):
    """Return what a drop-in found, raised or not."""
    try:
        return "pass" if check(*arguments) else None
    except GradcheckError as error:
        return error.report.verdict


def tensor(*shape, dtype=torch.float64):
    """Draw one that requires a gradient."""
    drawing = torch.Generator().manual_seed(5)
    return torch.randn(shape, dtype=dtype, generator=drawing).requires_grad_()


RIGHT = {
    "matmul": (torch.matmul, (tensor(4, 3), tensor(3, 2))),
    "function": (lambda x: Cube.apply(x, 3), (tensor(4),)),
    "one-tensor": (torch.sin, tensor(4)),
    "two-outputs": (lambda x: (torch.sin(x), x.sum()), (tensor(2, 2),)),
    "unused-input": (lambda x, _: torch.exp(x), (tensor(3), tensor(2))),
    "integer-output": (lambda x: torch.max(x, 1), (tensor(3, 2),)),
    "other-arguments": (lambda n, x, y: x**n + y, (3, tensor(3), torch.ones(3))),
    "complex": (lambda z: z * z.conj() + z**2, (tensor(3, dtype=torch.complex128),)),
    "complex-to-real": (torch.abs, (tensor(3, dtype=torch.complex128),)),
    "conjugated": (lambda z: z.conj(), (tensor(3, dtype=torch.complex128),)),
    "not-contiguous": (lambda x: (x.T @ x).T, (tensor(3, 2),)),
}


@pytest.mark.parametrize(("func", "inputs"), RIGHT.values(), ids=RIGHT)
def test_torch_right_derivatives_pass_in_both(func, inputs):
    """Backward, forward and twice, wherever torch itself can."""
    assert torch.autograd.gradcheck(func, inputs)
    assert compat.torch_gradcheck(func, inputs)
    if func is not RIGHT["function"][0]:  # which has no forward mode
        assert compat.torch_gradcheck(func, inputs, check_backward_ad=False, check_forward_ad=True)
    if func is not RIGHT["integer-output"][0]:  # whose derivative is constant in pieces
        assert compat.torch_gradgradcheck(func, inputs)


@pytest.mark.parametrize("func", [torch.relu, torch.abs, torch.max])
def test_torch_second_derivative_of_pieces_is_not_called_wrong(func):
    """The first one moves in steps, under which a slope could be hidden: it is left open."""
    assert verdict_of(compat.torch_gradgradcheck, func, tensor(4)) in ("pass", "inconclusive")


def test_torch_wrong_backward_raises_its_error_with_our_report():
    """And is False where that is asked for."""
    x = tensor(4)
    with pytest.raises(GradcheckError, match="factor") as raised:
        compat.torch_gradcheck(lambda x: Cube.apply(x, 2), (x,))
    assert raised.value.report.verdict == "fail"
    assert not compat.torch_gradcheck(lambda x: Cube.apply(x, 2), (x,), raise_exception=False)


def test_torch_error_of_a_thousandth_is_seen_unless_it_is_allowed():
    """The default tolerance of torch lets it pass."""
    x = tensor(4)
    assert torch.autograd.gradcheck(lambda x: Cube.apply(x, 3.002), (x,))
    assert not compat.torch_gradcheck(lambda x: Cube.apply(x, 3.002), x, raise_exception=False)
    assert compat.torch_gradcheck(lambda x: Cube.apply(x, 3.002), (x,), rtol=1e-2)


def test_torch_second_derivative_is_seen():
    """Of a backward pass that is right itself."""
    x = tensor(4)
    assert compat.torch_gradcheck(lambda x: DetachedCube.apply(x, 0), x)
    with pytest.raises(GradcheckError):
        compat.torch_gradgradcheck(lambda x: DetachedCube.apply(x, 0), x)
    given = torch.ones(4, dtype=torch.float64, requires_grad=True)
    assert not compat.torch_gradgradcheck(
        lambda x: DetachedCube.apply(x, 0), x, given, raise_exception=False
    )


def test_torch_output_that_is_detached_fails():
    """Where torch says that nothing can be checked."""
    with pytest.raises(GradcheckError, match="detached"):
        compat.torch_gradcheck(lambda x: torch.sin(x).detach(), tensor(4))


def test_torch_float32_is_judged_in_float64_where_the_function_follows():
    """Its own check raises for want of digits."""
    x = tensor(5, dtype=torch.float32)
    with pytest.warns(UserWarning, match="double"), pytest.raises(RuntimeError):
        torch.autograd.gradcheck(lambda x: torch.softmax(x, 0), (x,))
    assert compat.torch_gradcheck(lambda x: torch.softmax(x, 0), (x,))


def test_torch_bfloat16_output_is_read_and_nothing_is_certified():
    """Its two digits are too few, which is said."""
    x = tensor(3, dtype=torch.float32)
    with pytest.raises(GradcheckError, match="INCONCLUSIVE"):
        compat.torch_gradcheck(lambda x: torch.sin(x).bfloat16(), x)


def test_torch_tensors_and_gradients_stay_as_they_are():
    """Bit for bit, `.grad` and the random state included."""
    x, weight = tensor(4, 3), tensor(3, 2)
    weight.grad = torch.ones_like(weight)
    before = x.detach().clone(), weight.detach().clone(), torch.get_rng_state()
    assert compat.torch_gradcheck(torch.matmul, (x, weight), check_forward_ad=True)
    assert torch.equal(x, before[0])
    assert torch.equal(weight, before[1])
    assert torch.equal(torch.get_rng_state(), before[2])
    assert x.grad is None
    assert torch.equal(weight.grad, torch.ones_like(weight))


def test_torch_works_where_gradients_are_switched_off():
    """As its own check does not."""
    with torch.no_grad():
        assert compat.torch_gradcheck(torch.sin, tensor(4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"masked": True}, "masked=True is not done here"),
        ({"nondet_tol": 1e-3}, "nondet_tol=0.001 is not done here"),
        ({"check_batched_grad": True}, "check_batched_grad=True is not done"),
        ({"check_backward_ad": False}, "nothing is checked"),
        ({"rtol": 2.0}, "rtol=2.0"),
    ],
)
def test_torch_what_is_not_done_is_refused(options, message):
    """Rather than passed without having been looked at."""
    with pytest.raises(UsageError, match=message):
        compat.torch_gradcheck(torch.sin, tensor(4), **options)


def test_torch_inputs_that_cannot_be_checked_are_named():
    """Nothing that moves, or of a dtype that NumPy has not."""
    with pytest.raises(UsageError, match="no input requires a gradient"):
        compat.torch_gradcheck(torch.sin, torch.ones(3))
    x = torch.eye(3).to_sparse().requires_grad_()
    with pytest.raises(UsageError, match=r"inputs\[0\] is a tensor of torch.float32, torch.sparse"):
        compat.torch_gradcheck(torch.sin, x)


def test_torch_bfloat16_input_is_judged_where_the_function_follows():
    """As float32 is."""
    assert compat.torch_gradcheck(torch.sin, tensor(3, dtype=torch.bfloat16))


def test_jax_and_torch_signatures_are_those_of_the_originals():
    """The same names in the same order, so that an import is all that changes."""
    for ours, theirs in (
        (compat.torch_gradcheck, torch.autograd.gradcheck),
        (compat.torch_gradgradcheck, torch.autograd.gradgradcheck),
        (compat.jax_check_grads, jax.test_util.check_grads),
    ):
        assert list(inspect.signature(ours).parameters) == list(
            inspect.signature(theirs).parameters
        )


def test_scipy_signature_is_that_of_the_original():
    """`seed` is its older name for `rng`, which its decorator takes."""
    ours = list(inspect.signature(compat.scipy_check_grad).parameters)
    theirs = list(inspect.signature(optimize.check_grad).parameters)
    assert [name for name in ours if name != "seed"] == [name for name in theirs if name != "seed"]


class Undefined(torch.autograd.Function):
    """A backward pass that takes both upstream gradients for granted."""

    @staticmethod
    def forward(ctx, x):
        """Return two outputs."""
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x.sin(), x.cos()

    @staticmethod
    def backward(ctx, dsin, dcos):
        """Of which one may be None."""
        (x,) = ctx.saved_tensors
        return x.cos() * dsin - x.sin() * dcos


def test_torch_undefined_upstream_gradients_are_tried_unless_told_not_to():
    """The regression: torch does by default, and the change of the import lost it."""
    with pytest.raises(GradcheckError, match="None stands for zeros"):
        compat.torch_gradcheck(Undefined.apply, tensor(3))
    assert compat.torch_gradcheck(Undefined.apply, tensor(3), check_undefined_grad=False)


def test_torch_input_that_is_read_by_itself_is_refused():
    """The regression: a module with its parameters as inputs was a constant, and passed."""
    layer = torch.nn.Linear(3, 2).double()
    x, seed = torch.ones(4, 3).double(), tensor(3)
    with pytest.raises(UsageError, match=r"reads inputs\[0\] itself, not its argument"):
        compat.torch_gradcheck(lambda *_: layer(x), tuple(layer.parameters()))
    with pytest.raises(UsageError, match=r"reads inputs\[0\] itself"):
        compat.torch_gradgradcheck(lambda y: y * seed.sum(), seed)
    later = seed * 2
    with pytest.raises(UsageError, match=r"reads inputs\[0\] itself"):
        compat.torch_gradcheck(lambda _: later.sin(), later)
    assert compat.torch_gradcheck(lambda y: y * later.detach(), later)


# --- jax -----------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["float32", "float64"])
def x64(request):
    """Set JAX's precision, and put it back."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", request.param)
    yield request.param
    jax.config.update("jax_enable_x64", before)


def cubed(factor, *, second=True):
    """Make x**3 with a rule whose factor is 3 if it is right."""

    @jax.custom_jvp
    def cube(x):
        return x**3

    @cube.defjvp
    def rule(primals, tangents):
        (x,), (dx,) = primals, tangents
        slope = factor * x**2
        return cube(x), (slope if second else jax.lax.stop_gradient(slope)) * dx

    return cube


X = np.random.default_rng(3).standard_normal(5)
RIGHT_JAX = {
    "sin": (jnp.sin, (X,)),
    "custom": (cubed(3), (X,)),
    "jit": (jax.jit(jax.nn.softmax), (X,)),
    "tree": (
        lambda p, n: {"a": jnp.tanh(p["W"] @ p["b"]) * n},
        ({"W": X[:4].reshape(2, 2), "b": X[:2]}, 3),
    ),
    "complex": (lambda z: z**2 * jnp.conj(z), (X[:2] + 1j * X[2:4],)),
}


@pytest.mark.parametrize(("f", "args"), RIGHT_JAX.values(), ids=RIGHT_JAX)
def test_jax_right_derivatives_pass(f, args, x64):
    """In both modes, up to the second order."""
    compat.jax_check_grads(f, args, order=1 if any(np.ndim(a) == 0 for a in args[1:]) else 2)


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_jax_error_of_a_thousandth_raises(mode, x64):
    """In float32 too, where its own check lets it pass; the report says in which derivative."""
    with pytest.raises(GradientError) as raised:
        compat.jax_check_grads(cubed(3.003), (X,), 1, [mode])
    assert raised.value.report.name == mode
    compat.jax_check_grads(cubed(3.003), (X,), 1, [mode], rtol=1e-2)


def test_jax_second_derivative_raises_by_its_name(x64):
    """Where the first is right."""
    compat.jax_check_grads(cubed(3, second=False), (X,), 1)
    with pytest.raises(GradientError) as raised:
        compat.jax_check_grads(cubed(3, second=False), (X,), 2, ["rev"])
    assert raised.value.report.name == "rev of rev"


def test_jax_precision_stays_as_it_is_set(x64):
    """Though differences are taken in float64."""
    compat.jax_check_grads(jnp.sin, (X,), 1)
    assert bool(jax.config.jax_enable_x64) is x64
    assert jnp.sin(X).dtype == (np.float64 if x64 else np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((jnp.sin, (X,), 0), "order=0"),
        ((jnp.sin, (X,), 1, ["back"]), r"modes=\['back'\]"),
        ((jnp.sin, (X,), 1, []), r"modes=\[\]"),
        ((jnp.sin, (np.arange(3),), 1), "no floating or complex leaf"),
    ],
)
def test_jax_senseless_call_is_refused(call, message):
    """With what would make sense."""
    with pytest.raises(UsageError, match=message):
        compat.jax_check_grads(*call)
