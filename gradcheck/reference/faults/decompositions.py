"""Planted faults of decompositions and of functions of a matrix.

Owns: DECOMPOSITION_FAULTS, with the small right layers that they imitate. Place: beside
`faults/case`, gathered by `faults/__init__`. All matrices are (n, n); where the function is of a
symmetric matrix, its forward takes the symmetric part of A, so that every entry is a free one.
"""

import numpy as np

from ..arrays import Array, Cache, Params
from .case import Draw, Fault, layer_build, normal

N = 4
TERMS = 40  # of the exponential series; of a matrix of norm 3 the last is below 1e-28


def _symmetric_part(A: Array) -> Array:
    part: Array = (A + A.T) / 2
    return part


def _with_eigenvalues(*eigenvalues: float) -> Draw:
    def draw(rng: np.random.Generator) -> Params:
        V, _ = np.linalg.qr(rng.standard_normal((N, N)))
        return {"A": _symmetric_part(V * eigenvalues @ V.T)}

    return draw


def _diagonal_with_a_pair(rng: np.random.Generator) -> Params:
    del rng
    return {"A": np.diag([0.5, 0.5, 1.0, -0.8])}  # two equal eigenvalues, exactly


_SPREAD = _with_eigenvalues(0.5, 1.3, 2.4, 3.0)  # positive, and far from each other


def _cholesky_forward(A: Array) -> tuple[Array, Cache]:
    S = _symmetric_part(A)
    L = np.zeros_like(S)
    for j in range(N):  # by hand: NumPy's own conjugates, and has no complex step
        L[j, j] = np.sqrt(S[j, j] - L[j, :j] @ L[j, :j])
        L[j + 1 :, j] = (S[j + 1 :, j] - L[j + 1 :, :j] @ L[j, :j]) / L[j, j]
    return L, L


def _cholesky_backward(dout: Array, cache: Cache) -> Array:
    L = cache
    P = np.tril(L.T @ dout)
    P -= np.diag(np.diag(P)) / 2  # the diagonal counts half: S = L L^T
    return _symmetric_part(np.linalg.solve(L.T, P) @ np.linalg.inv(L))  # Murray (2016)


def _cholesky_whole_diagonal(dout: Array, cache: Cache) -> Array:
    L = cache
    P = np.tril(L.T @ dout)  # right: with half of the diagonal
    return _symmetric_part(np.linalg.solve(L.T, P) @ np.linalg.inv(L))


def _cholesky_not_symmetrised(dout: Array, cache: Cache) -> Array:
    L = cache
    P = np.tril(L.T @ dout)
    P -= np.diag(np.diag(P)) / 2
    dA: Array = np.linalg.solve(L.T, P) @ np.linalg.inv(L)  # right: its symmetric part
    return dA


def _cube_forward(A: Array) -> tuple[Array, Cache]:
    return A @ A @ A, A


def _cube_backward(dout: Array, cache: Cache) -> Array:
    T = cache.T
    dA: Array = dout @ T @ T + T @ dout @ T + T @ T @ dout  # forward: A A A, A is used three times
    return dA


def _cube_as_scalar(dout: Array, cache: Cache) -> Array:
    dA: Array = 3 * cache.T @ cache.T @ dout  # right: A^T and dout do not commute
    return dA


def _exponential_forward(A: Array) -> tuple[Array, Cache]:
    S = _symmetric_part(A)
    term, out = np.eye(N), np.eye(N)
    for k in range(1, TERMS):
        term = term @ S / k
        out = out + term
    return out, S


def _divided_differences(eigenvalues: Array) -> Array:
    """Return (e^a - e^b) / (a - b) for each pair, e^a where the two are equal."""
    a, b = eigenvalues[:, None], eigenvalues[None, :]
    same = np.abs(a - b) < 1e-8
    return np.where(same, np.exp(a), (np.exp(a) - np.exp(b)) / np.where(same, 1, a - b))


def _exponential_backward(dout: Array, cache: Cache) -> Array:
    eigenvalues, V = np.linalg.eigh(cache)
    inner = _divided_differences(eigenvalues) * (V.T @ dout @ V)  # Daleckii & Krein (1965)
    return _symmetric_part(V @ inner @ V.T)


def _exponential_diagonal_only(dout: Array, cache: Cache) -> Array:
    eigenvalues, V = np.linalg.eigh(cache)
    inner = np.diag(np.exp(eigenvalues) * np.diag(V.T @ dout @ V))  # right: all pairs
    return _symmetric_part(V @ inner @ V.T)


def _exponential_as_scalar(dout: Array, cache: Cache) -> Array:
    out, _ = _exponential_forward(cache)
    return _symmetric_part(out @ dout)  # right: only if dout and A commute


def _exponential_by_division(dout: Array, cache: Cache) -> Array:
    eigenvalues, V = np.linalg.eigh(cache)
    a, b = eigenvalues[:, None], eigenvalues[None, :]
    with np.errstate(invalid="ignore"):  # 0 / 0 is the fault
        quotients = (np.exp(a) - np.exp(b)) / (a - b)
    quotients[np.diag_indices(N)] = np.exp(eigenvalues)  # right: wherever a == b
    return _symmetric_part(V @ (quotients * (V.T @ dout @ V)) @ V.T)


def _eigenvalues_forward(A: Array) -> tuple[Array, Cache]:
    eigenvalues, V = np.linalg.eigh(_symmetric_part(A))
    return eigenvalues, V  # (n,)


def _eigenvalues_backward(dout: Array, cache: Cache) -> Array:
    V = cache
    dA: Array = V * dout @ V.T  # column k of V belongs to eigenvalue k
    return dA


def _eigenvectors_as_rows(dout: Array, cache: Cache) -> Array:
    V = cache
    dA: Array = V.T * dout @ V  # right: the eigenvectors are the columns
    return dA


def _nuclear_forward(A: Array) -> tuple[Array, Cache]:
    U, values, Vh = np.linalg.svd(A)
    return np.asarray(values.sum()), (U, Vh)  # ()


def _nuclear_backward(dout: Array, cache: Cache) -> Array:
    U, Vh = cache
    dA: Array = dout * U @ Vh
    return dA


def _nuclear_transposed_again(dout: Array, cache: Cache) -> Array:
    U, Vh = cache
    dA: Array = dout * U @ Vh.T  # right: Vh, which NumPy returns transposed already
    return dA


def _root_forward(A: Array) -> tuple[Array, Cache]:
    values, V = np.linalg.eigh(_symmetric_part(A))
    out = V * np.sqrt(values) @ V.T
    return out, out


def _root_backward(dout: Array, cache: Cache) -> Array:
    values, V = np.linalg.eigh(cache)
    pairs = values[:, None] + values[None, :]  # forward: out out = A, a Sylvester equation
    return _symmetric_part(V @ (V.T @ dout @ V / pairs) @ V.T)


def _root_as_scalar(dout: Array, cache: Cache) -> Array:
    return _symmetric_part(np.linalg.solve(2 * cache, dout))  # right: the Sylvester equation


def _orthonormal_forward(A: Array) -> tuple[Array, Cache]:
    a, b = A[:, 0], A[:, 1]
    p = a / np.sqrt(a @ a)
    rest = b - (b @ p) * p
    q = rest / np.sqrt(rest @ rest)
    return np.stack([p, q], axis=1), (a, b, p, q, rest)  # (n, 2), Gram & Schmidt


def _orthonormal_backward(dout: Array, cache: Cache) -> Array:
    a, b, p, q, rest = cache
    drest = (dout[:, 1] - (dout[:, 1] @ q) * q) / np.sqrt(rest @ rest)
    db = drest - (drest @ p) * p
    dp = dout[:, 0] - (drest @ p) * b - (b @ p) * drest  # forward: rest = b - (b p) p
    return np.stack([(dp - (dp @ p) * p) / np.sqrt(a @ a), db], axis=1)


def _orthonormal_apart(dout: Array, cache: Cache) -> Array:
    a, _, p, _, _ = cache
    dA = _orthonormal_backward(dout, cache)
    dp = dout[:, 0]  # right: and what comes from the second vector, which is made with p
    dA[:, 0] = (dp - (dp @ p) * p) / np.sqrt(a @ a)
    return dA


_CHOLESKY = _SPREAD, _cholesky_forward, _cholesky_backward
_EXPONENTIAL = _with_eigenvalues(-1.0, 0.2, 0.9, 1.8), _exponential_forward, _exponential_backward

DECOMPOSITION_FAULTS = (
    Fault(
        "cholesky-whole-diagonal",
        "no thread; the operator Phi of Murray (2016), arXiv:1602.07527, without its half",
        "other",
        ("A",),
        "The diagonal of L^T dL is not halved in the gradient of the Cholesky factor.",
        layer_build(*_CHOLESKY, _cholesky_whole_diagonal),
    ),
    Fault(
        "cholesky-not-symmetrised",
        "no thread; Murray (2016), arXiv:1602.07527, without the last step",
        "missing-term",
        ("A",),
        "The gradient of the Cholesky factor is not made symmetric, as the matrix was.",
        layer_build(*_CHOLESKY, _cholesky_not_symmetrised),
        also=("other",),
    ),
    Fault(
        "matrix-power-as-of-a-number",
        "no thread; the power rule for matrices that do not commute",
        "other",
        ("A",),
        "The gradient of A A A is 3 A^2 times the upstream gradient, as if matrices commuted.",
        layer_build(normal(A=(N, N)), _cube_forward, _cube_backward, _cube_as_scalar),
    ),
    Fault(
        "matrix-exponential-diagonal-only",
        "no thread; the eigenvectors held constant",
        "other",
        ("A",),
        "The gradient of a matrix exponential holds the eigenvectors constant.",
        layer_build(*_EXPONENTIAL, _exponential_diagonal_only),
    ),
    Fault(
        "matrix-exponential-as-of-a-number",
        "no thread; the exponential is its own derivative for numbers only",
        "other",
        ("A",),
        "The matrix exponential is taken as its own derivative, as if matrices commuted.",
        layer_build(*_EXPONENTIAL, _exponential_as_scalar),
    ),
    Fault(
        "equal-eigenvalues-divided",
        "jax-ml/jax#8732, pytorch/pytorch#49886",
        "nonfinite",
        ("A",),
        "Differences are divided by a - b of two eigenvalues, which is 0 / 0 for equal ones.",
        layer_build(
            _diagonal_with_a_pair,
            _exponential_forward,
            _exponential_backward,
            _exponential_by_division,
        ),
    ),
    Fault(
        "eigenvectors-taken-as-rows",
        "no thread; eigenvectors are the columns of what eigh returns",
        "transpose",
        ("A",),
        "The gradient of the eigenvalues uses the rows of V as eigenvectors.",
        layer_build(_SPREAD, _eigenvalues_forward, _eigenvalues_backward, _eigenvectors_as_rows),
        also=("other",),
    ),
    Fault(
        "singular-vectors-transposed-twice",
        "no thread; svd returns V transposed, in NumPy but not everywhere",
        "transpose",
        ("A",),
        "The gradient of the nuclear norm transposes the right singular vectors once more.",
        layer_build(
            normal(A=(N, N)), _nuclear_forward, _nuclear_backward, _nuclear_transposed_again
        ),
        also=("other",),
    ),
    Fault(
        "matrix-root-as-of-a-number",
        "no thread; 1 / (2 root) holds for numbers only",
        "other",
        ("A",),
        "The gradient of a matrix root is that of a number instead of a Sylvester equation's.",
        layer_build(_SPREAD, _root_forward, _root_backward, _root_as_scalar),
    ),
    Fault(
        "orthonormal-vectors-apart",
        "no thread; each vector of Gram and Schmidt differentiated by itself",
        "other",
        ("A",),
        "The first column gets no gradient through the second vector, which is made with it.",
        layer_build(
            normal(A=(N, 2)), _orthonormal_forward, _orthonormal_backward, _orthonormal_apart
        ),
    ),
)
"""Faults of decompositions."""
