"""Derivative rules of JAX that were written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as special
import numpy as np

from gradcheck import Plan
from gradcheck.adapters import jax as adapter

from .subject import Subject

PLAN = Plan.auto(seed=1)
RNG = np.random.default_rng(0)
V = RNG.standard_normal(6)
U = RNG.uniform(0.1, 0.9, 6)
A = RNG.standard_normal((4, 4))
S = A @ A.T + 4 * np.eye(4)
B = RNG.standard_normal((4, 2))

RULES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "nn.relu": (jax.nn.relu, (V,)),
    "nn.relu6": (jax.nn.relu6, (V,)),
    "nn.silu": (jax.nn.silu, (V,)),
    "nn.gelu": (jax.nn.gelu, (V,)),
    "nn.softmax": (jax.nn.softmax, (V,)),
    "nn.log_softmax": (jax.nn.log_softmax, (V,)),
    "nn.logsumexp": (jax.nn.logsumexp, (V,)),
    "nn.log_sigmoid": (jax.nn.log_sigmoid, (V,)),
    "nn.elu": (jax.nn.elu, (V,)),
    "numpy.logaddexp": (jnp.logaddexp, (V, V[::-1])),
    "numpy.sinc": (jnp.sinc, (V,)),
    "numpy.cbrt": (jnp.cbrt, (U,)),
    "numpy.linalg.norm": (jnp.linalg.norm, (V,)),
    "numpy.linalg.det": (jnp.linalg.det, (A,)),
    "numpy.linalg.slogdet": (lambda a: jnp.linalg.slogdet(a)[1], (A,)),
    "numpy.linalg.inv": (jnp.linalg.inv, (A,)),
    "numpy.linalg.solve": (jnp.linalg.solve, (A, B)),
    "numpy.linalg.cholesky": (lambda a: jnp.linalg.cholesky((a + a.T) / 2), (S,)),
    "numpy.linalg.eigvalsh": (jnp.linalg.eigvalsh, (S,)),
    "numpy.linalg.eigh, projected": (
        lambda a: (lambda w, q: q @ jnp.diag(jnp.exp(-w)) @ q.T)(*jnp.linalg.eigh((a + a.T) / 2)),
        (S,),
    ),
    "numpy.linalg.svd, values": (lambda a: jnp.linalg.svd(a, compute_uv=False), (B,)),
    "numpy.linalg.qr, R": (lambda a: jnp.linalg.qr(a)[1], (B,)),
    "numpy.linalg.pinv": (jnp.linalg.pinv, (B,)),
    "scipy.linalg.expm": (jax.scipy.linalg.expm, (A / 4,)),
    "scipy.special.gammaln": (special.gammaln, (U + 0.5,)),
    "scipy.special.digamma": (special.digamma, (U + 0.5,)),
    "scipy.special.betaln": (special.betaln, (U, U[::-1])),
    "scipy.special.betainc": (lambda x: special.betainc(1.3, 2.1, x), (U,)),
    "scipy.special.betainc, a and b": (lambda a, b: special.betainc(a, b, U), (U + 1, U + 2)),
    "scipy.special.gammainc": (lambda x: special.gammainc(1.3, x), (U,)),
    "scipy.special.gammainc, a": (lambda a: special.gammainc(a, U), (U + 1,)),
    "scipy.special.gammaincc": (lambda x: special.gammaincc(1.3, x), (U,)),
    "scipy.special.i0e": (special.i0e, (V,)),
    "scipy.special.i1e": (special.i1e, (V,)),
    "scipy.special.i0": (special.i0, (V,)),
    "scipy.special.i1": (special.i1, (V,)),
    "scipy.special.erf": (special.erf, (V,)),
    "scipy.special.erfc": (special.erfc, (V,)),
    "scipy.special.erfinv": (special.erfinv, (U,)),
    "scipy.special.ndtr": (special.ndtr, (V,)),
    "scipy.special.ndtri": (special.ndtri, (U,)),
    "scipy.special.log_ndtr": (special.log_ndtr, (V,)),
    "scipy.special.logit": (special.logit, (U,)),
    "scipy.special.expit": (special.expit, (V,)),
    "scipy.special.xlogy": (special.xlogy, (U, U[::-1])),
    "scipy.special.xlog1py": (special.xlog1py, (U, U[::-1])),
    "scipy.special.entr": (special.entr, (U,)),
    "scipy.special.rel_entr": (special.rel_entr, (U, U[::-1])),
    "scipy.special.kl_div": (special.kl_div, (U, U[::-1])),
    "scipy.special.zeta, q": (lambda q: special.zeta(2.5, q), (U + 1,)),
    "scipy.special.polygamma": (lambda x: special.polygamma(1, x), (U + 1,)),
    "scipy.special.spence": (special.spence, (U,)),
    "scipy.special.expi": (special.expi, (U,)),
    "scipy.special.exp1": (special.exp1, (U,)),
    "scipy.special.hyp1f1": (lambda x: special.hyp1f1(1.2, 2.3, x), (U,)),
    "lax.igamma_grad_a is that of igamma": (lambda a: jax.lax.igamma(a, U), (U + 1,)),
    "lax.random_gamma_grad, x": (lambda x: jax.lax.lgamma(x) + jax.lax.digamma(x), (U + 1,)),
}


def subjects() -> Iterator[Subject]:
    """Pose them all in float64; beside ours runs JAX's own check of the reverse mode."""
    jax.config.update("jax_enable_x64", True)
    from jax.test_util import check_grads

    def own(f: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        check_grads(f, args, order=1)
        return True

    for name, (f, args) in RULES.items():
        yield Subject(
            "jax",
            name,
            lambda f=f, args=args: adapter.check(f, *args, plan=PLAN),
            lambda f=f, args=args: own(f, args),
        )
