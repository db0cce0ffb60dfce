"""A layer at a point, and what every layer must pass there.

Owns: Layer, and the checks by the complex step, by gradcheck itself, and of dtypes. Does not own
any layer, nor any test.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck import Plan, check_vjp

from .exact import complex_step

ROUNDING = 1e-12  # of the largest entry of a gradient
CERTIFIED = 1e-8  # promised: no error of an entry above this, relative to the norm of its leaf


@dataclass(frozen=True)
class Layer:
    """A forward, its backward and a point.

    forward(**x) returns (out, cache), backward(dout, cache) the gradient of the only leaf, or of
    each in the order of x. out may be an array, a scalar or a tuple of arrays. `formula`, where
    given, computes out in a way that holds for complex numbers where the forward does not.
    """

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]
    x: dict[str, np.ndarray]
    formula: Callable[..., Any] | None = None

    def out(self, **x):
        """Return the result alone."""
        return self.forward(**x)[0]

    def gradient(self, dout, x=None):
        """Return what the backward claims, a dict like x."""
        _, cache = self.forward(**(self.x if x is None else x))
        gradients = self.backward(dout, cache)
        leaves = gradients if isinstance(gradients, tuple) else (gradients,)
        return dict(zip(self.x, leaves, strict=True))

    def cotangent(self, dtype=np.float64):
        """Draw a dense dout."""
        rng = np.random.default_rng(5)
        draw = [rng.standard_normal(np.shape(part)) for part in parts(self.out(**self.x))]
        drawn = tuple(np.asarray(part)[()].astype(dtype) for part in draw)
        return drawn if isinstance(self.out(**self.x), tuple) else drawn[0]


def parts(out):
    """Return the arrays of a result."""
    return out if isinstance(out, tuple) else (out,)


def dot(dout, out):
    """Return the sum of dout * out over all parts."""
    return sum(np.sum(d * o) for d, o in zip(parts(dout), parts(out), strict=True))


def normal(**shapes):
    """Draw leaves from the standard normal distribution."""
    rng = np.random.default_rng(3)
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def mild(**shapes):
    """Draw leaves of half the size, where gates saturate less and error bars are shorter."""
    return {name: leaf / 2 for name, leaf in normal(**shapes).items()}


def spread(**shapes):
    """Draw leaves whose entries all differ by 0.05 at least: no maximum is near a tie."""
    rng = np.random.default_rng(3)
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    return {
        name: 0.1 * (rng.permutation(n) - n // 2 + rng.uniform(0.3, 0.7, n)).reshape(shapes[name])
        for name, n in sizes.items()
    }


def assert_equals_complex_step(layer):
    """Require that the backward agrees, to rounding, with a derivative that shares nothing."""
    dout = layer.cotangent()
    formula = layer.formula or layer.out
    expected = complex_step(lambda x: dot(dout, formula(**x)), layer.x)
    for name, actual in layer.gradient(dout).items():
        assert actual.shape == layer.x[name].shape
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(actual, expected[name], rtol=0, atol=ROUNDING * scale)


def assert_certified(layer):
    """Require that gradcheck passes it, and would have seen an error of 1e-8 in any entry."""
    report = check_vjp(
        lambda x: layer.out(**x),
        lambda x, dout: layer.gradient(dout, x),
        layer.x,
        plan=Plan.every(rtol=CERTIFIED / 100, seed=0),
    )
    assert report.ok, str(report)
    assert max(leaf.certified for leaf in report.leaves.values()) <= CERTIFIED, str(report)


def assert_dtype_is_kept(layer, dtype):
    """Require that the result and the gradients have the dtype of the leaves."""
    x = {name: leaf.astype(dtype) for name, leaf in layer.x.items()}
    gradient = layer.gradient(layer.cotangent(dtype), x)
    found = {part.dtype for part in (*parts(layer.out(**x)), *gradient.values())}
    assert found == {np.dtype(dtype)}
