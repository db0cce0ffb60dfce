"""Masks, projections, retractions for tensors and JAX arrays; tensors sparse or masked."""

import warnings

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, UsageError, Verdict

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
torch_checks = pytest.importorskip("gradcheck.adapters.torch")

RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 3))
SPD, FREE = A @ A.T + np.eye(3), np.array([[1, 0, 1], [1, 1, 0], [1, 1, 1]], bool)
FACTORS = ((1.0, Verdict.PASS), (1.1, Verdict.FAIL))


def tensor(array):
    """Make a float64 tensor."""
    return torch.tensor(array, dtype=torch.float64)


@pytest.fixture
def x64():
    """Let JAX compute in float64."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize(("factor", "verdict"), FACTORS)
def test_tensors_have_masks_that_are_tensors(factor, verdict):
    """Held entries stay, bit for bit."""
    w = tensor(A)

    def f(p):
        assert torch.equal(p["W"][~torch.tensor(FREE)], w[~torch.tensor(FREE)])
        return (p["W"] ** 3).sum()

    report = gradcheck.check_grad(
        f, lambda p: {"W": 3 * factor * p["W"] ** 2}, {"W": w}, tangent={"W": torch.tensor(FREE)},
        plan=Plan.every(seed=1),
    )  # fmt: skip
    assert report.verdict is verdict
    if verdict is Verdict.FAIL:
        assert np.array_equal(report.leaves["['W']"].wrong, FREE)


@pytest.mark.parametrize(("factor", "verdict"), FACTORS)
@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.usefixtures("x64")
def test_projections_are_of_numpy_arrays(library, factor, verdict):
    """Whatever library f computes in; it is asked at symmetric points only."""
    seen = []

    def symmetric(v):
        seen.append(type(v))
        return (v + v.T) / 2

    if library == "torch":
        x, logdet = tensor(SPD), torch.logdet
        grad = lambda s: factor * torch.inverse(s)  # noqa: E731
    else:
        x, logdet = jax.numpy.asarray(SPD), lambda s: jax.numpy.linalg.slogdet(s)[1]
        grad = lambda s: factor * jax.numpy.linalg.inv(s)  # noqa: E731

    def f(s):
        assert abs(np.asarray(s) - np.asarray(s).T).max() < 1e-13
        return logdet(s)

    report = gradcheck.check_grad(f, grad, x, tangent=symmetric, plan=Plan.auto(seed=1))
    assert report.verdict is verdict
    assert set(seen) == {np.ndarray}


@pytest.mark.parametrize(("factor", "verdict"), FACTORS)
def test_retraction_leads_tensors_along(factor, verdict):
    """On a sphere."""
    unit = A[0] / np.linalg.norm(A[0])
    m = tensor(A)

    def f(x):
        assert abs(x.norm() - 1) < 1e-14
        return x @ m @ x

    report = gradcheck.check_grad(
        f, lambda x: factor * (m + m.T) @ x, tensor(unit), tangent=lambda v: v - unit * (unit @ v),
        retraction=lambda x, v: (x + v) / np.linalg.norm(x + v), plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.verdict is verdict


@pytest.mark.parametrize(("factor", "verdict"), FACTORS)
@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr"])
def test_gradient_may_be_a_sparse_tensor(layout, factor, verdict):
    """It is read as the dense one that it stands for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that CSR is in beta
        report = gradcheck.check_grad(
            lambda w: (torch.diag(w) ** 2).sum(),
            lambda w: getattr(2 * factor * torch.diag(torch.diag(w)), layout)(),
            tensor(A), plan=Plan.auto(seed=1),
        )  # fmt: skip
    assert report.verdict is verdict


def test_embedding_with_sparse_gradients_passes():
    """The gradient of its weight is a sparse tensor."""
    torch.manual_seed(0)
    module = torch.nn.Embedding(5, 3, sparse=True).double()
    assert torch_checks.check_module(module, torch.tensor([1, 2, 2])).ok


class Product(torch.autograd.Function):
    """Multiply a sparse matrix by a vector; its gradient has the places of the matrix."""

    factor = 1.0

    @staticmethod
    def forward(ctx, a, v):
        """Multiply."""
        ctx.save_for_backward(a, v)
        return a @ v

    @staticmethod
    def backward(ctx, dout):
        """Return a sparse gradient, and a dense one."""
        a, v = ctx.saved_tensors
        return Product.factor * torch.outer(dout, v).sparse_mask(a.coalesce()), a.t() @ dout


@pytest.mark.parametrize(("factor", "verdict"), FACTORS)
def test_sparse_tensor_is_checked_by_its_values(factor, verdict, monkeypatch):
    """Which are the input of a function that builds it."""
    monkeypatch.setattr(Product, "factor", factor)
    indices = torch.tensor([[0, 1, 1], [2, 0, 2]])
    values, v = (tensor(RNG.standard_normal(3)).requires_grad_() for _ in range(2))

    def product(values, v):
        return Product.apply(torch.sparse_coo_tensor(indices, values, (2, 3)), v)

    report = torch_checks.check_function(product, values, v, plan=Plan.auto(seed=1))
    assert report.verdict is verdict
    assert report.leaves["[1]"].verdict is Verdict.PASS


def test_sparse_and_masked_tensors_say_what_to_give():
    """As an input, and as a leaf."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that both are prototypes
        sparse = tensor(FREE).to_sparse()
        masked = torch.masked.masked_tensor(tensor(A), torch.tensor(FREE))
        with pytest.raises(UsageError, match="leaf x is a sparse tensor; make its values the leaf"):
            gradcheck.check_grad(lambda x: x.sum(), lambda x: x, sparse)
        with pytest.raises(UsageError, match=r"inputs.0. is a tensor of .* make its values the in"):
            torch_checks.check_function(torch.sparse.sum, sparse.clone().requires_grad_())
        with pytest.raises(UsageError, match=r"leaf.get_data.., and tangent=leaf.get_mask.."):
            gradcheck.check_grad(lambda x: x.sum(), lambda x: x, masked)
