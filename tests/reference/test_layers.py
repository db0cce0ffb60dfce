"""What every reference layer must pass: the complex step, gradcheck itself, and its dtype kept.

The layers and their points stand beside the tests of each family.
"""

import importlib

import numpy as np
import pytest

from .layers import assert_certified, assert_dtype_is_kept, assert_equals_complex_step

FAMILIES = (
    "attention",
    "batch_norm",
    "class_losses",
    "comparisons",
    "indexing",
    "interpolation",
    "linear_systems",
    "normalisation",
    "pooling",
    "recurrent",
    "reductions",
)
LAYERS = {
    f"{family}-{name}": layer
    for family in FAMILIES
    for name, layer in importlib.import_module(f".test_{family}", __package__).LAYERS.items()
}
LAPACK = "linear_systems"  # knows no longdouble

every_layer = pytest.mark.parametrize("name", LAYERS)


@every_layer
def test_backward_equals_the_complex_step(name):
    """Every gradient, to rounding."""
    assert_equals_complex_step(LAYERS[name])


@every_layer
def test_backward_is_certified(name):
    """By gradcheck itself, to 1e-8."""
    assert_certified(LAYERS[name])


@every_layer
def test_float32_is_kept(name):
    """The result and the gradients have the dtype of the arguments."""
    assert_dtype_is_kept(LAYERS[name], np.float32)


@pytest.mark.parametrize("name", [name for name in LAYERS if not name.startswith(LAPACK)])
def test_longdouble_is_kept(name):
    """Likewise."""
    assert_dtype_is_kept(LAYERS[name], np.longdouble)
