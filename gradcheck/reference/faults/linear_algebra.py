"""Planted faults of linear algebra: products, inverses, determinants, traces.

Owns: LINEAR_ALGEBRA_FAULTS, with the small right layers that they imitate. Decompositions stand in
`faults/decompositions`. Place: beside `faults/case`, gathered by `faults/__init__`.
Letters: B = matrices of a batch, m = rows, n = columns. The adjoints are those of Giles (2008).
"""

import numpy as np

from ..arrays import Array, Cache, Params
from .case import Fault, layer_build, normal

N = 4


def _well_conditioned(rng: np.random.Generator) -> Params:
    """Draw a matrix that is far from symmetric and from singular, with a positive determinant."""
    return {"A": 3 * np.eye(N) + 0.7 * rng.standard_normal((N, N))}


def _system(rng: np.random.Generator) -> Params:
    return _well_conditioned(rng) | {"b": rng.standard_normal((N, 2))}


def _quadratic_forward(x: Array, A: Array) -> tuple[Array, Cache]:
    return np.sum((x @ A) * x, axis=1), (x, A)  # (m,), x (m, n)


def _quadratic_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, A = cache
    dx = dout[:, None] * (x @ (A + A.T))  # (m, n); forward: x A x, x is used twice
    return dx, (dout[:, None] * x).T @ x


def _quadratic_one_side(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, A = cache
    _, dA = _quadratic_backward(dout, cache)
    return dout[:, None] * (x @ A.T), dA  # right: A + A.T


def _quadratic_as_symmetric(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, A = cache
    _, dA = _quadratic_backward(dout, cache)
    return 2 * dout[:, None] * (x @ A), dA  # right: A + A.T


def _solve_forward(A: Array, b: Array) -> tuple[Array, Cache]:
    out = np.linalg.solve(A, b)
    return out, (A, out)


def _solve_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    A, out = cache
    db = np.linalg.solve(A.T, dout)  # forward: A out = b
    return -db @ out.T, db


def _solve_without_transpose(dout: Array, cache: Cache) -> tuple[Array, ...]:
    A, out = cache
    db = np.linalg.solve(A, dout)  # right: A.T
    return -db @ out.T, db


def _solve_matrix_sign(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dA, db = _solve_backward(dout, cache)
    return -dA, db  # right: dA, which has a minus from the derivative of the inverse


def _inverse_forward(A: Array) -> tuple[Array, Cache]:
    out = np.linalg.inv(A)
    return out, out


def _inverse_backward(dout: Array, cache: Cache) -> Array:
    dA: Array = -cache.T @ dout @ cache.T  # forward: out = A^-1
    return dA


def _inverse_transposed(dout: Array, cache: Cache) -> Array:
    dA: Array = -cache @ dout.T @ cache  # right: the transpose of that
    return dA


def _log_det_forward(A: Array) -> tuple[Array, Cache]:
    return np.log(np.linalg.det(A)), A  # ()


def _log_det_backward(dout: Array, cache: Cache) -> Array:
    dA: Array = dout * np.linalg.inv(cache).T
    return dA


def _log_det_without_transpose(dout: Array, cache: Cache) -> Array:
    dA: Array = dout * np.linalg.inv(cache)  # right: its transpose
    return dA


def _det_forward(A: Array) -> tuple[Array, Cache]:
    return np.asarray(np.linalg.det(A)), A  # ()


def _det_backward(dout: Array, cache: Cache) -> Array:
    dA: Array = dout * np.linalg.det(cache) * np.linalg.inv(cache).T  # Jacobi's formula
    return dA


def _norm_forward(A: Array) -> tuple[Array, Cache]:
    size = np.sqrt(np.sum(A * A))  # ()
    return size, (A, size)


def _norm_backward(dout: Array, cache: Cache) -> Array:
    A, size = cache
    dA: Array = dout * A / size
    return dA


def _norm_not_divided(dout: Array, cache: Cache) -> Array:
    A, _ = cache
    dA: Array = dout * A  # right: / size
    return dA


def _trace_forward(A: Array) -> tuple[Array, Cache]:
    return np.trace(A), A.shape  # ()


def _trace_backward(dout: Array, cache: Cache) -> Array:
    dA: Array = dout * np.eye(*cache)
    return dA


def _trace_by_stride(dout: Array, cache: Cache) -> Array:
    dA = np.zeros(cache)
    dA.ravel()[:: cache[1] + 1] = dout  # right: stop after n entries; a tall A goes round again
    return dA


def _bilinear_forward(x: Array, W: Array, y: Array) -> tuple[Array, Cache]:
    return np.einsum("bj,ijk,bk->bi", x, W, y), (x, W, y)  # (B, 3), W (3, n, n)


def _bilinear_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W, y = cache
    dx = np.einsum("bi,ijk,bk->bj", dout, W, y)
    dy = np.einsum("bi,bj,ijk->bk", dout, x, W)
    return dx, np.einsum("bi,bj,bk->ijk", dout, x, y), dy


def _bilinear_axes_swapped(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dx, dW, dy = _bilinear_backward(dout, cache)
    return dx, np.swapaxes(dW, 1, 2).copy(), dy  # right: ijk, not ikj


def _bilinear_wrong_index(dout: Array, cache: Cache) -> tuple[Array, ...]:
    _, W, y = cache
    _, dW, dy = _bilinear_backward(dout, cache)
    return np.einsum("bi,ikj,bk->bj", dout, W, y), dW, dy  # right: ijk


def _shared_forward(x: Array, W: Array) -> tuple[Array, Cache]:
    return x @ W, (x, W)  # (B, m, 2); W is broadcast over the batch


def _shared_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W = cache
    dx, dW = dout @ W.T, np.swapaxes(x, 1, 2) @ dout  # dW (B, n, 2), one per matrix of the batch
    return dx, dW.sum(axis=0)


def _shared_not_summed(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W = cache
    return dout @ W.T, np.swapaxes(x, 1, 2) @ dout  # right: .sum(axis=0)


def _shared_last_only(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W = cache
    return dout @ W.T, x[-1].T @ dout[-1]  # right: the sum over all matrices of the batch


def _vector_forward(x: Array, W: Array) -> tuple[Array, Cache]:
    return x @ W, (x, W)  # (n,), of one row x (m,)


def _vector_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W = cache
    return W @ dout, np.outer(x, dout)


def _vector_transposed(dout: Array, cache: Cache) -> tuple[Array, ...]:
    x, W = cache
    dW = np.zeros_like(W)
    dW += x.T @ dout  # right: np.outer; .T does nothing to a vector, and the product is a number
    return W @ dout, dW


def _cross_forward(a: Array, b: Array) -> tuple[Array, Cache]:
    return np.cross(a, b), (a, b)  # (m, 3)


def _cross_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, b = cache
    return np.cross(b, dout), np.cross(dout, a)


def _cross_order(dout: Array, cache: Cache) -> tuple[Array, ...]:
    a, b = cache
    return np.cross(b, dout), np.cross(a, dout)  # right: dout x a; the product anticommutes


def _triangular_forward(L: Array, b: Array) -> tuple[Array, Cache]:
    out = np.linalg.solve(np.tril(L), b)  # only the lower triangle is read
    return out, (L, out)


def _triangular_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    dL, db = _triangular_untrimmed(dout, cache)
    return np.tril(dL), db


def _triangular_untrimmed(dout: Array, cache: Cache) -> tuple[Array, ...]:
    L, out = cache
    db = np.linalg.solve(np.tril(L).T, dout)
    return -db @ out.T, db  # right: np.tril of the first


def _triangular_system(rng: np.random.Generator) -> Params:
    L = 2 * np.eye(N) + 0.5 * rng.standard_normal((N, N))
    return {"L": L, "b": rng.standard_normal((N, 2))}


_QUADRATIC = normal(x=(5, N), A=(N, N)), _quadratic_forward, _quadratic_backward
_SOLVE = _system, _solve_forward, _solve_backward
_BILINEAR = normal(x=(5, N), W=(3, N, N), y=(5, N)), _bilinear_forward, _bilinear_backward
_SHARED = normal(x=(3, 2, N), W=(N, 2)), _shared_forward, _shared_backward

LINEAR_ALGEBRA_FAULTS = (
    Fault(
        "quadratic-form-one-side",
        "no thread; the matrix cookbook's (A + A^T) x, remembered as A x",
        "missing-term",
        ("x",),
        "The gradient of x A x has A x for (A + A^T) x, so that one of two uses of x is missing.",
        layer_build(*_QUADRATIC, _quadratic_one_side),
        also=("other",),
    ),
    Fault(
        "quadratic-form-as-symmetric",
        "no thread; 2 A x, which holds for a symmetric A only",
        "other",
        ("x",),
        "The gradient of x A x is taken as 2 A x although A is not symmetric.",
        layer_build(*_QUADRATIC, _quadratic_as_symmetric),
    ),
    Fault(
        "solve-without-transpose",
        "no thread; NVIDIA/warp#147 on a linear system",
        "transpose",
        ("A", "b"),
        "The adjoint system is solved with A instead of with its transpose.",
        layer_build(*_SOLVE, _solve_without_transpose),
        also=("other",),
    ),
    Fault(
        "solve-matrix-gradient-sign",
        "no thread; the minus of the derivative of an inverse is easily lost",
        "sign",
        ("A",),
        "The gradient of the matrix of a linear system lacks its minus.",
        layer_build(*_SOLVE, _solve_matrix_sign),
    ),
    Fault(
        "inverse-gradient-transposed",
        "HomericIntelligence/Odyssey#2136 on an inverse",
        "transpose",
        ("A",),
        "The gradient of the inverse is that with respect to the transpose of A.",
        layer_build(_well_conditioned, _inverse_forward, _inverse_backward, _inverse_transposed),
    ),
    Fault(
        "log-determinant-without-transpose",
        "no thread; the transpose does not show for a covariance matrix",
        "transpose",
        ("A",),
        "The gradient of log det A is the inverse of A instead of its transpose.",
        layer_build(
            _well_conditioned, _log_det_forward, _log_det_backward, _log_det_without_transpose
        ),
    ),
    Fault(
        "determinant-as-its-logarithm",
        "no thread; Jacobi's formula without its factor",
        "scale",
        ("A",),
        "The gradient of det A is that of log det A and lacks the factor det A.",
        layer_build(_well_conditioned, _det_forward, _det_backward, _log_det_backward),
    ),
    Fault(
        "norm-gradient-not-divided",
        "no thread; the gradient of the square over 2 under the norm itself",
        "scale",
        ("A",),
        "The gradient of a norm is not divided by the norm.",
        layer_build(normal(A=(3, 5)), _norm_forward, _norm_backward, _norm_not_divided),
    ),
    Fault(
        "trace-of-tall-matrix",
        "pytorch/pytorch#171851",
        "extra-term",
        ("A",),
        "The diagonal is written with a stride that wraps round below the square part of a tall A.",
        layer_build(normal(A=(9, 3)), _trace_forward, _trace_backward, _trace_by_stride),
        also=("other",),
    ),
    Fault(
        "bilinear-weight-axes-swapped",
        "no thread; two letters of an einsum",
        "transpose",
        ("W",),
        "The last two axes of the weight gradient are swapped in an einsum.",
        layer_build(*_BILINEAR, _bilinear_axes_swapped),
        also=("permuted",),
    ),
    Fault(
        "bilinear-input-by-wrong-axis",
        "no thread; two letters of an einsum",
        "wrong-axis",
        ("x",),
        "The weight is contracted with y over the axis that belongs to x.",
        layer_build(*_BILINEAR, _bilinear_wrong_index),
        also=("other",),
    ),
    Fault(
        "broadcast-matrix-not-summed",
        "flashlight#760",
        "missing-reduction",
        ("W",),
        "W was broadcast over a batch of matrices, but its gradient is not summed over them.",
        layer_build(*_SHARED, _shared_not_summed),
    ),
    Fault(
        "broadcast-matrix-of-last-in-batch",
        "flashlight#760, where the sum is overwritten instead",
        "other",
        ("W",),
        "W was broadcast over a batch of matrices, but only the last one counts in its gradient.",
        layer_build(*_SHARED, _shared_last_only),
    ),
    Fault(
        "transpose-of-a-vector",
        "harvard-edge/cs249r_book#1781",
        "broadcast",
        ("W",),
        "The product x.T @ dout of two vectors is a number, which fills the whole weight gradient.",
        layer_build(
            normal(x=(N,), W=(N, N)), _vector_forward, _vector_backward, _vector_transposed
        ),
        also=("other",),
    ),
    Fault(
        "cross-product-in-wrong-order",
        "no thread; a cross product changes sign with the order of its factors",
        "sign",
        ("b",),
        "The gradient of the second factor of a cross product has the two in the wrong order.",
        layer_build(normal(a=(4, 3), b=(4, 3)), _cross_forward, _cross_backward, _cross_order),
    ),
    Fault(
        "triangular-solve-not-trimmed",
        "no thread; the gradient of a triangular solve as of a general one",
        "extra-term",
        ("L",),
        "Entries above the diagonal, which are never read, get a gradient.",
        layer_build(
            _triangular_system, _triangular_forward, _triangular_backward, _triangular_untrimmed
        ),
        also=("other",),
    ),
)
"""Faults of products, inverses and determinants."""
