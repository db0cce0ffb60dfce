"""Whole matrices of derivatives: Jacobians of array functions, Hessians of scalar ones.

Owns how a matrix is read (dense, sparse, in blocks of a pytree), how it is applied, which pairs of
output and input are wrong in it, and that a Hessian is symmetric. The judgement is that of `check`:
a Jacobian is checked as the backward pass that it makes, a Hessian as the Jacobian of a gradient
that was certified before, or as the gradient of a measured slope.
Eleventh layer: uses `check` and `numeric`.
"""

from .hessian import check_hessian, check_hvp, hessian_against, product_against
from .jacobian import check_jacobian
from .parts import after, merged, seeded

__all__ = [
    "after",
    "check_hessian",
    "check_hvp",
    "check_jacobian",
    "hessian_against",
    "merged",
    "product_against",
    "seeded",
]
