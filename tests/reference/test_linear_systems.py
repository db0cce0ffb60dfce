import numpy as np
import pytest

from gradcheck.reference import (
    cholesky_backward,
    cholesky_forward,
    cholesky_solve_backward,
    cholesky_solve_forward,
    log_determinant_backward,
    log_determinant_forward,
)

from .layers import (
    Layer,
    normal,
)


def positive_definite(n):
    """Return a symmetric matrix with eigenvalues of at least 1."""
    root = normal(A=(n, n))["A"]
    return root @ root.T + np.eye(n)


def cholesky_by_columns(A):
    """Compute L entry by entry, which NumPy's own does for real numbers only."""
    S, L = (A + A.T) / 2, np.zeros_like(A)
    for j in range(len(A)):
        L[j, j] = np.sqrt(S[j, j] - L[j, :j] @ L[j, :j])
        for i in range(j + 1, len(A)):
            L[i, j] = (S[i, j] - L[i, :j] @ L[j, :j]) / L[j, j]
    return L


def solved_by_matrix(L, b):
    """Compute x of the matrix itself instead of its factor."""
    return np.linalg.solve(np.tril(L) @ np.tril(L).T, b)


FACTOR = np.tril(normal(L=(4, 4))["L"], -1) + np.diag([1.0, -2.0, 1.5, 0.7])
SKEWED = positive_definite(4) + 0.1 * np.triu(normal(A=(4, 4))["A"])

LAYERS = {
    "cholesky": Layer(
        cholesky_forward, cholesky_backward, {"A": positive_definite(4)}, cholesky_by_columns
    ),
    "cholesky-of-one": Layer(
        cholesky_forward, cholesky_backward, {"A": np.array([[4.0]])}, cholesky_by_columns
    ),
    "cholesky-not-symmetric": Layer(
        cholesky_forward, cholesky_backward, {"A": SKEWED}, cholesky_by_columns
    ),
    "solve": Layer(
        cholesky_solve_forward,
        cholesky_solve_backward,
        {"L": FACTOR, **normal(b=(4, 3))},
        solved_by_matrix,
    ),
    "solve-full-factor": Layer(
        cholesky_solve_forward,
        cholesky_solve_backward,
        {"L": FACTOR + np.triu(np.ones((4, 4)), 1), **normal(b=(4, 1))},
        solved_by_matrix,
    ),
    "log-determinant": Layer(
        log_determinant_forward,
        log_determinant_backward,
        {"A": positive_definite(4)},
        lambda A: np.log(np.linalg.det(A)),
    ),
    "log-determinant-not-symmetric": Layer(
        log_determinant_forward,
        log_determinant_backward,
        normal(A=(3, 3)),
        lambda A: np.log(np.linalg.det(A) ** 2) / 2,  # the determinant may be negative
    ),
}


def test_factor_times_its_transpose_is_the_matrix():
    """And the factor is lower triangular."""
    A = positive_definite(5)
    L, _ = cholesky_forward(A)
    np.testing.assert_allclose(L @ L.T, A, rtol=1e-13)
    np.testing.assert_array_equal(L, np.tril(L))


def test_solution_solves():
    """L L^T x = b."""
    b = normal(b=(4, 3))["b"]
    x, _ = cholesky_solve_forward(FACTOR, b)
    np.testing.assert_allclose(FACTOR @ FACTOR.T @ x, b, rtol=1e-12)


def test_two_ways_to_the_log_determinant_agree():
    """2 sum log diag L, and its gradient by way of L."""
    A = positive_definite(4)
    L, cache = cholesky_forward(A)
    out, whole = log_determinant_forward(A)
    np.testing.assert_allclose(2 * np.log(np.diagonal(L)).sum(), out, rtol=1e-14)
    dA = cholesky_backward(np.diag(2 / np.diagonal(L)), cache)
    np.testing.assert_allclose(dA, log_determinant_backward(1.0, whole), rtol=1e-12, atol=1e-14)


def test_solving_by_way_of_the_matrix_gives_the_gradient_of_the_inverse():
    """Chained with the factor, dA is -db x^T, symmetrised."""
    A, b, dout = positive_definite(4), *normal(b=(4, 1), dout=(4, 1)).values()
    L, factor_cache = cholesky_forward(A)
    x, solve_cache = cholesky_solve_forward(L, b)
    dL, db = cholesky_solve_backward(dout, solve_cache)
    dA = -db @ x.T
    expected = (dA + dA.T) / 2
    np.testing.assert_allclose(cholesky_backward(dL, factor_cache), expected, rtol=1e-11)


EYE = np.eye(3)
BAD = {
    "not-square": (lambda: cholesky_forward(np.ones((2, 3))), r"A has shape \(2, 3\).*square"),
    "indefinite": (
        lambda: cholesky_forward(np.diag([1.0, -2.0])),
        r"smallest eigenvalue is -2.*identity",
    ),
    "vector": (
        lambda: cholesky_solve_forward(EYE, np.ones(3)),
        r"b has shape \(3,\).*b\[:, None\]",
    ),
    "rows": (lambda: cholesky_solve_forward(EYE, np.ones((2, 1))), r"must be \(3, r\)"),
    "zero-diagonal": (
        lambda: cholesky_solve_forward(np.diag([1.0, 0.0]), np.ones((2, 1))),
        r"zero on its diagonal",
    ),
    "singular": (lambda: log_determinant_forward(np.zeros((2, 2))), r"A is singular"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message says what does not fit."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
