"""Derivatives that share nothing with the backward passes under test.

Owns: complex_step and its layer form, high_order_difference. Does not own any test.
"""

import numpy as np

STEP = 1e-30  # no difference is taken, so that a step below the precision of x is no error
STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}  # central, order 8; Fornberg (1988)


def complex_step(f, x):
    """Return the gradient of f at x, a dict of arrays, by Im f(x + i h) / h.

    f must be analytic near x. Exact to rounding; one evaluation per entry.
    Squire & Trapp (1998), SIAM Review 40(1).
    """
    return _entry_by_entry(x, np.complex128, lambda shifted: f(shifted(1j * STEP)).imag / STEP)


def high_order_difference(f, x, step=0.01):
    """Return the gradient of f at x by central differences of order 8: error about 1e-13 f."""

    def derivative(shifted):
        pairs = ((w, f(shifted(k * step)), f(shifted(-k * step))) for k, w in STENCIL.items())
        return sum(w * (ahead - behind) for w, ahead, behind in pairs) / step

    return _entry_by_entry(x, np.float64, derivative)


def layer_gradient(forward, x, dout):
    """Return the gradient of sum(dout * out) for a layer, by the complex step."""
    return complex_step(lambda point: np.sum(dout * forward(**point)[0]), x)


def _entry_by_entry(x, dtype, derivative):
    gradient = {}
    for name, leaf in x.items():
        entries = np.empty(leaf.size)
        for index in range(leaf.size):
            entries[index] = derivative(_shifter(x, dtype, name, index))
        gradient[name] = entries.reshape(leaf.shape)
    return gradient


def _shifter(x, dtype, name, index):
    def shifted(step):
        point = {key: leaf.astype(dtype) for key, leaf in x.items()}
        point[name].flat[index] += step
        return point

    return shifted
