"""Points of torch and JAX that are made where they lie, as on a GPU: the bits of NumPy.

No GPU is needed: arrays on the CPU count as far.
"""

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.space import (
    OneEntry,
    Space,
    draw_weights,
    keep,
    read,
    same_bits,
    unchanged,
    working_dtype,
)
from gradcheck.space import foreign as foreign_arrays

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jnp = jax.numpy

PLAN = Plan.auto(seed=1)
NAMES = ["float32", "float64", "complex64", "complex128", "bfloat16"]
STEPS = [2.0**-10, 1e-3, -0.7, 2.0**-40, 1e-30, 1e-200, 1e30, 1e200, 1e308, 0.0]


@pytest.fixture(autouse=True)
def far(monkeypatch):
    """Let every array count as large, and the memory of the host as far."""
    for name, value in (("FEWEST", 0), ("FEWEST_TO_COMPILE", 0), ("HOSTED", ())):
        monkeypatch.setattr(foreign_arrays, name, value)


@pytest.fixture
def x64():
    """Let JAX compute in float64."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def of_torch(x):
    """Make a tensor with the strides of x."""
    if x.dtype.name == "bfloat16":
        return torch.asarray(x.astype(np.float32)).to(torch.bfloat16)
    return torch.asarray(x.copy(order="K"))


def drawn(rng, shape, name):
    """Draw a point over a few orders of magnitude."""
    dtype = foreign_arrays.brain_dtype() if name == "bfloat16" else np.dtype(name)
    values = rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 4, shape)
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return np.asarray(values).astype(dtype)


def directions(rng, x):
    """Draw one on the grid, one off every grid, one with zeros, and one along an entry."""
    grid = draw_weights(rng, x.shape, x.dtype)
    yield {0: grid}
    yield {0: np.asarray(grid * rng.uniform(0.5, 1.5, x.shape))}
    yield {0: np.asarray(grid * rng.integers(-1, 2, x.shape))}
    yield OneEntry(0, x.shape, working_dtype(x.dtype), x.size // 2, 0.8090169943749475)


def made_there(space, tangent, t):
    """Tell whether the point was made on the device."""
    return space._on_device.displaced(tangent, t) is not None


def assert_same_points(x, there):
    """Require x + t v and the step really taken of NumPy; returns how many were made there."""
    near, far, count = Space.of(x), Space.of(there), 0
    for tangent in directions(np.random.default_rng(5), x):
        for t in STEPS:
            with np.errstate(all="ignore"):
                (own, step), (other, its) = (s.displaced(tangent, t) for s in (near, far))
                count += made_there(far, tangent, t)
            assert type(other) is type(there)
            assert same_bits(read(other), np.asarray(own)), (x.dtype, t)
            np.testing.assert_allclose(its, step, 1e-15, 1e-15 * abs(t))  # summed in another order
    return count


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [of_torch, jnp.asarray], ids=["torch", "jax"])
def test_points_have_the_bits_of_numpy(x64, make, name):
    """And most are made where they lie."""
    for shape in ((), (7,), (3, 50)):
        x = drawn(np.random.default_rng(3), shape, name)
        assert assert_same_points(x, make(x)) >= 4 * 3 + 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [of_torch, jnp.asarray], ids=["torch", "jax"])
def test_numbers_at_the_ends_of_the_range_have_them_too(x64, make, name):
    """JAX takes subnormal numbers for zeros on a CPU: the host makes what may hold them."""
    info = np.finfo("float32" if name == "bfloat16" else name)
    dtype = drawn(np.random.default_rng(0), (), name).dtype
    largest = info.max if name != "bfloat16" else 3e38
    for values in ([info.tiny * 2.0**-3, 1], [info.tiny, -0.0], [largest, 1], [0.0, -0.0]):
        x = np.array(values).astype(dtype)
        assert_same_points(x, make(x))


def test_step_of_a_library_that_flushes_is_the_one_taken(x64):
    """The regression to avoid: it would say that it has moved x by t v, and has not."""
    x = np.array([1e-310, 1.0])
    v = {0: np.array([1e-310, 0.0])}
    there, step = Space.of(jnp.asarray(x)).displaced(v, 1.0)
    assert not made_there(Space.of(jnp.asarray(x)), v, 1.0)
    assert same_bits(read(there), np.array([2e-310, 1.0]))
    assert step == 1.0


def test_float16_is_left_to_the_host():
    """Torch rounds it twice, by way of float32; and its range is short."""
    x = drawn(np.random.default_rng(3), (50,), "float32").astype(np.float16)
    assert_same_points(x, torch.asarray(x))
    space = Space.of(torch.asarray(x))
    assert not made_there(space, {0: draw_weights(np.random.default_rng(1), (50,), x.dtype)}, 0.5)


def test_float32_of_jax_is_left_to_the_host():
    """Without float64 it cannot make them, but for those along an entry."""
    x = drawn(np.random.default_rng(3), (50,), "float32")
    assert 1 <= assert_same_points(x, jnp.asarray(x)) <= len(STEPS)


def test_points_lie_in_memory_as_they_did():
    """In the order of the axes of the caller's tensor, so that sums run in the same order."""
    x = torch.randn(5, 4, 3, dtype=torch.float64).permute(2, 0, 1)
    space = Space.of(x)
    v = {0: draw_weights(np.random.default_rng(1), tuple(x.shape), np.dtype(np.float64))}
    assert made_there(space, v, 2.0**-10)
    assert space.displaced(v, 2.0**-10)[0].stride() == x.stride() == space.point().stride()


@pytest.mark.parametrize("make", [of_torch, jnp.asarray], ids=["torch", "jax"])
@pytest.mark.parametrize("name", NAMES)
def test_every_bit_counts_in_a_comparison(x64, make, name):
    """The sign of a zero, a subnormal number, a NaN that is the same."""
    x = drawn(np.random.default_rng(3), (5,), name)
    x[1], x[2] = 0, np.nan
    tiny = 1e-310 if name in ("float64", "complex128") else 1e-39
    assert unchanged(make(x), keep(make(x)))
    for k, value in ((0, 7), (1, -0.0), (1, tiny), (2, 1)):
        other = x.copy()
        other[k] = value
        assert not unchanged(make(other), keep(make(x))), value
    assert not unchanged(make(x[:4]), keep(make(x)))


def test_tensor_that_is_a_view_of_a_conjugate_is_compared():
    """Its bits are worked out first."""
    z = torch.randn(3, dtype=torch.complex128)
    assert unchanged(z.conj(), keep(z.conj()))
    assert unchanged(z.conj(), keep(torch.asarray(read(z.conj()))))
    assert not unchanged(z.conj(), keep(z))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_checks_pass_and_fail(dtype):
    """As they do near the host; the caller's tensor stays what it was."""
    x = torch.randn(40, dtype=dtype, generator=torch.Generator().manual_seed(3)).requires_grad_()
    before = x.detach().clone()
    for factor, verdict in ((1, Verdict.PASS), (1.1, Verdict.FAIL)):
        report = gradcheck.check_grad(
            lambda x: torch.sin(x).sum(), lambda x, c=factor: c * torch.cos(x), x, plan=PLAN
        )
        assert report.verdict is verdict
    assert torch.equal(x, before)
    assert x.requires_grad
    assert x.grad is None


def test_changes_are_found_and_restored(x64):
    """By their bits; arrays of JAX may be given away, and cannot be changed."""
    x = torch.tensor([0.5, 0.0, 2.0], dtype=torch.float64)

    def greedy(y):
        x[1] = -0.0
        return 2 * y

    report = gradcheck.check_grad(lambda y: (y**2).sum(), greedy, x, plan=PLAN)
    assert report.findings[0].cause == "mutated-input"
    assert same_bits(read(x), np.array([0.5, 0.0, 2.0]))
    donating = jax.jit(lambda y: 2 * y, donate_argnums=0)
    y = jnp.linspace(0.1, 1, 5)
    gradcheck.check_grad(lambda y: jnp.sum(y**2), donating, y, plan=PLAN)
    assert same_bits(read(y), np.linspace(0.1, 1, 5))
