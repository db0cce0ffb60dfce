"""Symmetric positive definite systems: Cholesky factor, solving by it, log-determinant.

Owns: the three layers. Does not own least squares or eigenvalues. Place: a leaf.
Letters: n = rows of the matrix, r = right sides. float64 and float32 only, as in LAPACK.
"""

import numpy as np

from .arrays import Array, Cache, Scalar


def cholesky_forward(A: Array) -> tuple[Array, Cache]:
    """Compute the lower triangular L with L L^T = (A + A^T) / 2.

    The mean of A and its transpose is A itself where A is symmetric, and makes every entry of A
    count, so that the derivative for each of them is that of the formula.

    Parameters
    ----------
    A : Array
        Shape (n, n), its symmetric part positive definite, or ValueError.

    Returns
    -------
    L : Array
        Shape (n, n).
    cache : Array
        L.

    Examples
    --------
    >>> L, cache = cholesky_forward(np.array([[4.0, 2.0], [2.0, 5.0]]))
    >>> L
    array([[2., 0.],
           [1., 2.]])
    """
    _require_square("A", A)
    symmetric = (A + A.T) / 2  # (n, n)
    try:
        L = np.linalg.cholesky(symmetric)  # (n, n)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(symmetric)[0]
        raise ValueError(
            f"A is not positive definite: the smallest eigenvalue is {smallest:.3g}; "
            "add a small multiple of the identity, as in A + 1e-6 * np.eye(n)"
        ) from None
    return L, L


def cholesky_backward(dout: Array, cache: Cache) -> Array:
    """Compute dA (n, n), symmetric, from dL (n, n), of which only the lower triangle counts.

    Source: Murray (2016), Differentiation of the Cholesky decomposition, arXiv:1602.07527,
    equation 10.
    """
    L = cache
    inner = _lower_half(L.T @ np.tril(dout))  # (n, n)
    # forward: L L^T = symmetric, so that dsymmetric = L^-T inner L^-1
    dsymmetric = np.linalg.solve(L.T, np.linalg.solve(L.T, inner.T).T)  # (n, n)
    dA: Array = (dsymmetric + dsymmetric.T) / 2  # forward: symmetric = (A + A^T) / 2
    return dA


def cholesky_solve_forward(L: Array, b: Array) -> tuple[Array, Cache]:
    """Compute x with L L^T x = b: the solution of a system whose Cholesky factor is known.

    Source: Golub & Van Loan (2013), Matrix Computations, section 4.2.6.

    Parameters
    ----------
    L : Array
        Shape (n, n); only the lower triangle counts. ValueError where the diagonal has a zero.
    b : Array
        Shape (n, r).

    Returns
    -------
    x : Array
        Shape (n, r).
    cache : tuple
        (lower triangle of L, x).

    Examples
    --------
    >>> L, b = np.array([[2.0, 0.0], [1.0, 2.0]]), np.array([[8.0], [12.0]])
    >>> x, cache = cholesky_solve_forward(L, b)
    >>> x
    array([[1.],
           [2.]])
    """
    _require_square("L", L)
    if np.ndim(b) != 2 or len(b) != len(L):
        raise ValueError(
            f"b has shape {np.shape(b)}, but L has {len(L)} rows, so that b must be ({len(L)}, r); "
            "give a single right side as b[:, None]"
        )
    if not np.all(np.diagonal(L) != 0):
        raise ValueError("L has a zero on its diagonal, so that there is no single solution")
    lower = np.tril(L)  # (n, n)
    y = np.linalg.solve(lower, b)  # (n, r)
    x = np.linalg.solve(lower.T, y)  # (n, r)
    return x, (lower, x)


def cholesky_solve_backward(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """Compute dL (n, n), lower triangular, and db (n, r) from dout (n, r)."""
    lower, x = cache
    # forward: x = A^-1 b with A = L L^T, which is symmetric and so is its own transpose
    db = np.linalg.solve(lower.T, np.linalg.solve(lower, dout))  # (n, r)
    dA = -db @ x.T  # (n, n); forward: A x = b
    dL = np.tril((dA + dA.T) @ lower)  # (n, n); forward: A = L L^T, L twice, its triangle only
    return dL, db


def log_determinant_forward(A: Array) -> tuple[Scalar, Cache]:
    """Compute `log |det A|` without the determinant itself, which overflows.

    A has shape (n, n) and need not be symmetric; ValueError where it is singular. The cache is A.

    Examples
    --------
    >>> out, cache = log_determinant_forward(1e200 * np.eye(4))
    >>> round(float(out) / 800, 4)
    2.3026
    """
    _require_square("A", A)
    sign, log_size = np.linalg.slogdet(A)
    if sign == 0:
        raise ValueError("A is singular, so that log |det A| is minus infinity; there is no slope")
    return log_size, A


def log_determinant_backward(dout: float | Scalar, cache: Cache) -> Array:
    """Compute dA (n, n): the transposed inverse times dout.

    Source: Petersen & Pedersen (2012), The Matrix Cookbook, equation 57.
    """
    A = cache
    dA: Array = dout * np.linalg.inv(A).T  # forward: log |det A|
    return dA


def _lower_half(matrix: Array) -> Array:
    """Return the lower triangle with half of the diagonal: the Phi of Murray (2016)."""
    lower: Array = np.tril(matrix)
    lower[np.diag_indices(len(lower))] /= 2
    return lower


def _require_square(name: str, matrix: Array) -> None:
    if np.ndim(matrix) != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name} has shape {np.shape(matrix)}, but it must be square, (n, n)")
