"""Right gradients of linear algebra.

Owns: ALGEBRA. Place: beside `case`, gathered by `__init__`. Entries that a symmetric routine reads
but once, values that lie close together, and matrices that are not square.
"""

import numpy as np

from ..arrays import Array
from .case import Posed, Tree, Tricky


def _orthogonal(rng: np.random.Generator, n: int) -> Array:
    q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    return q


def _inverse(rng: np.random.Generator) -> Posed:
    w = rng.standard_normal((3, 3))

    def right(a: Array) -> Array:
        inverse = np.linalg.inv(a)
        return -inverse.T @ w @ inverse.T

    a = rng.standard_normal((3, 3)) + 3 * np.eye(3)
    return Posed(lambda a: np.sum(w * np.linalg.inv(a)), right, a)


def _cholesky(rng: np.random.Generator) -> Posed:
    basis, w = rng.standard_normal((4, 4)), np.tril(rng.standard_normal((4, 4)))

    def right(a: Array) -> Array:
        """Return the gradient for the lower triangle, the only one that is read (Murray 2016)."""
        factor = np.linalg.cholesky(a)
        inner = np.tril(factor.T @ w)
        inner[np.diag_indices(4)] /= 2
        inverse = np.linalg.inv(factor)
        whole = inverse.T @ inner @ inverse
        return np.tril(whole + whole.T) - np.diag(np.diag(whole))

    a = basis @ basis.T + np.eye(4)
    return Posed(lambda a: np.sum(w * np.linalg.cholesky(a)), right, a)


def _determinant(rng: np.random.Generator) -> Posed:
    a = rng.standard_normal((3, 3))
    a[2] = a[0] + a[1]  # singular: the gradient is of cofactors, not det times an inverse

    def right(a: Array) -> Array:
        return np.array([np.cross(a[(i + 1) % 3], a[(i + 2) % 3]) for i in range(3)])

    return Posed(lambda a: a[0] @ np.cross(a[1], a[2]), right, a)


def _log_determinant(rng: np.random.Generator) -> Posed:
    a = np.diag(np.full(28, 1e-12)) + 1e-14 * rng.standard_normal((28, 28))
    return Posed(lambda a: np.linalg.slogdet(a)[1], lambda a: np.linalg.inv(a).T, a)


def _eigenvalues(rng: np.random.Generator) -> Posed:
    q, w = _orthogonal(rng, 4), rng.standard_normal(4)
    a = q @ np.diag([-1.0, 0.5, 0.5 + 1e-4, 2.0]) @ q.T

    def right(a: Array) -> Tree:
        _, v = np.linalg.eigh((a + a.T) / 2)
        return v @ np.diag(w) @ v.T

    return Posed(lambda a: np.sum(w * np.linalg.eigvalsh((a + a.T) / 2)), right, a)


def _lower_triangle_only(rng: np.random.Generator) -> Posed:
    q, w = _orthogonal(rng, 3), rng.standard_normal(3)
    a = q @ np.diag([-1.0, 0.5, 2.0]) @ q.T

    def right(a: Array) -> Tree:
        _, v = np.linalg.eigh(a)
        whole = v @ np.diag(w) @ v.T
        return np.tril(whole) * (2 - np.eye(3))  # an entry below the diagonal counts twice

    return Posed(lambda a: np.sum(w * np.linalg.eigvalsh(a)), right, a)


def _singular_values(rng: np.random.Generator) -> Posed:
    w = np.array([1.0, -2.0, 0.5])
    a = _orthogonal(rng, 5)[:, :3] @ np.diag([3.0, 1.0, 1e-3]) @ _orthogonal(rng, 3)

    def right(a: Array) -> Tree:
        u, _, vt = np.linalg.svd(a, full_matrices=False)
        return u @ np.diag(w) @ vt

    return Posed(lambda a: np.sum(w * np.linalg.svd(a, compute_uv=False)), right, a)


def _nuclear_norm(rng: np.random.Generator) -> Posed:
    def right(a: Array) -> Tree:
        u, _, vt = np.linalg.svd(a)
        return u @ vt

    a = 2 * _orthogonal(rng, 3)  # all singular values are 2
    return Posed(lambda a: np.sum(np.linalg.svd(a, compute_uv=False)), right, a)


def _largest_eigenvalues(rng: np.random.Generator) -> Posed:
    q = _orthogonal(rng, 4)
    a = q @ np.diag([0.0, 1.0, 3.0, 3.0]) @ q.T  # the sum of both is smooth, neither alone is

    def right(a: Array) -> Tree:
        _, v = np.linalg.eigh((a + a.T) / 2)
        return v[:, 2:] @ v[:, 2:].T

    return Posed(lambda a: np.sum(np.linalg.eigvalsh((a + a.T) / 2)[2:]), right, a)


def _exponential(a: Array) -> Tree:
    """Sum 25 terms of the exponential of a matrix of size 1."""
    term = total = np.eye(len(a)) + 0 * a
    for k in range(1, 25):
        term = term @ a / k
        total = total + term
    return total


def _matrix_exponential(rng: np.random.Generator) -> Posed:
    a, w = rng.standard_normal((3, 3)) / 2, rng.standard_normal((3, 3))

    def right(a: Array) -> Tree:
        """Read the derivative off the exponential of a block matrix (Van Loan 1978)."""
        block = np.zeros((6, 6))
        block[:3, :3] = block[3:, 3:] = a.T
        block[:3, 3:] = w
        return _exponential(block)[:3, 3:]

    return Posed(lambda a: np.sum(w * _exponential(a)), right, a)


def _trace_of_products(rng: np.random.Generator) -> Posed:
    x = {"A": rng.standard_normal((2, 5)), "B": rng.standard_normal((5, 2))}
    return Posed(lambda x: np.trace(x["A"] @ x["B"]), lambda x: {"A": x["B"].T, "B": x["A"].T}, x)


def _quadratic_form(rng: np.random.Generator) -> Posed:
    a = rng.standard_normal((4, 4))  # not symmetric
    return Posed(lambda x: x @ a @ x, lambda x: (a + a.T) @ x, rng.standard_normal(4))


def _least_squares(rng: np.random.Generator) -> Posed:
    x = {"A": rng.standard_normal((6, 3)), "b": rng.standard_normal(6)}

    def projected(x: Tree) -> tuple[Array, Array]:
        y = np.linalg.solve(x["A"].T @ x["A"], x["A"].T @ x["b"])
        return y, x["b"] - x["A"] @ y

    def right(x: Tree) -> Tree:
        y, residual = projected(x)
        return {"A": -2 * np.outer(residual, y), "b": 2 * residual}

    return Posed(lambda x: np.sum(projected(x)[1] ** 2), right, x)


def _matrix_power(rng: np.random.Generator) -> Posed:
    a = rng.standard_normal((3, 3)) / 2

    def right(a: Array) -> Array:
        power = np.linalg.matrix_power
        return sum((power(a.T, k) @ power(a.T, 5 - k) for k in range(6)), start=np.zeros_like(a))

    return Posed(lambda a: np.trace(np.linalg.matrix_power(a, 6)), right, a)


def _geometric_series(rng: np.random.Generator) -> Posed:
    q = _orthogonal(rng, 4)
    a = q @ np.diag([1 - 1e-6, 0.5, 0.2, -0.9]) @ q.T
    w, b = rng.standard_normal(4), rng.standard_normal(4)

    def right(a: Array) -> Array:
        gap = np.eye(4) - a
        return np.outer(np.linalg.solve(gap.T, w), np.linalg.solve(gap, b))

    return Posed(lambda a: w @ np.linalg.solve(np.eye(4) - a, b), right, a)


ALGEBRA: tuple[Tricky, ...] = (
    Tricky(
        "inverse",
        "Giles (2008), An extended collection of matrix derivative results",
        "The gradient is a product of two transposed inverses.",
        _inverse,
    ),
    Tricky(
        "cholesky",
        "Murray (2016), arXiv 1602.07527",
        "The routine reads the lower triangle only, and the gradient above it is exactly zero.",
        _cholesky,
    ),
    Tricky(
        "determinant-of-a-singular-matrix",
        "no thread, usual where det times the inverse is used",
        "The matrix is singular, and the gradient of its determinant is not zero.",
        _determinant,
    ),
    Tricky(
        "log-determinant-that-underflows",
        "no thread, usual with covariances of many features",
        "The determinant is 1e-336, which no float64 can hold, and its logarithm is fine.",
        _log_determinant,
    ),
    Tricky(
        "eigenvalues-close-together",
        "jax-ml/jax#8732",
        "Two eigenvalues are 1e-4 apart and change quickly into each other.",
        _eigenvalues,
    ),
    Tricky(
        "eigenvalues-of-the-lower-triangle",
        "no thread, usual with LAPACK's symmetric routines",
        "Entries above the diagonal are not read, and those below count twice.",
        _lower_triangle_only,
    ),
    Tricky(
        "singular-values",
        "pytorch/pytorch#49886",
        "One singular value is 1e-3, and at 0 it would have a kink.",
        _singular_values,
    ),
    Tricky(
        "nuclear-norm-with-equal-values",
        "pytorch/pytorch#49886",
        "All singular values are equal, and yet their sum is smooth.",
        _nuclear_norm,
    ),
    Tricky(
        "sum-of-equal-eigenvalues",
        "Lewis (1996), SIAM Journal on Optimization 6",
        "The two largest eigenvalues are equal: their sum is smooth and neither of them is.",
        _largest_eigenvalues,
    ),
    Tricky(
        "matrix-exponential",
        "Van Loan (1978), IEEE Transactions on Automatic Control 23",
        "f sums a series, and the gradient is a block of a larger exponential.",
        _matrix_exponential,
    ),
    Tricky(
        "trace-of-a-product",
        "pytorch/pytorch#171851",
        "Neither factor is square, and each gradient is the other transposed.",
        _trace_of_products,
    ),
    Tricky(
        "quadratic-form",
        "no thread, usual where A is thought to be symmetric",
        "The matrix is not symmetric, so that the gradient is (A + A') x and not 2 A x.",
        _quadratic_form,
    ),
    Tricky(
        "least-squares-residual",
        "Golub & Pereyra (1973), SIAM Journal on Numerical Analysis 10",
        "The inner solution may be held constant, for the residual is orthogonal to its change.",
        _least_squares,
    ),
    Tricky(
        "trace-of-a-power",
        "no thread, usual with counts of walks in graphs",
        "Six terms of the product rule are all equal under the trace.",
        _matrix_power,
    ),
    Tricky(
        "resolvent-beside-its-pole",
        "no thread, usual with discounted returns",
        "An eigenvalue is 1e-6 below 1, where the solution has its pole.",
        _geometric_series,
    ),
)
