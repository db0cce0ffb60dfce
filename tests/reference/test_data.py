import numpy as np
import pytest
from sklearn.datasets import load_iris as sklearn_load_iris

from gradcheck.reference import load_iris, standardise


def test_iris_equals_the_copy_of_scikit_learn():
    """All 600 lengths, labels and class names are the same."""
    iris, expected = load_iris(), sklearn_load_iris()
    np.testing.assert_array_equal(iris.inputs, expected.data)
    np.testing.assert_array_equal(iris.labels, expected.target)
    assert iris.class_names == tuple(expected.target_names)


def test_iris_has_the_documented_form():
    """Inputs are float64 (150, 4), labels integers, features named after their columns."""
    iris = load_iris()
    assert (iris.inputs.shape, iris.inputs.dtype) == ((150, 4), np.float64)
    assert (iris.labels.shape, iris.labels.dtype.kind) == ((150,), "i")
    assert iris.feature_names == ("sepal_length", "sepal_width", "petal_length", "petal_width")


@pytest.mark.parametrize(
    ("row", "expected"), [(34, [4.9, 3.1, 1.5, 0.2]), (37, [4.9, 3.6, 1.4, 0.1])]
)
def test_rows_that_the_uci_copy_has_wrong_follow_fisher(row, expected):
    """The 35th and the 38th flower are those of Fisher's table."""
    np.testing.assert_array_equal(load_iris().inputs[row], expected)


def test_standardised_columns_have_mean_zero_and_variance_one():
    """Each column has mean 0 and variance 1 with divisor m."""
    standardised = standardise(load_iris().inputs)
    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(standardised.var(axis=0), 1, rtol=1e-14)


def test_standardise_keeps_float32():
    """No constant promotes."""
    assert standardise(np.array([[1], [3]], dtype=np.float32)).dtype == np.float32


@pytest.mark.parametrize("value", [1.0, np.nan], ids=["constant", "nan"])
def test_column_without_scale_is_refused(value):
    """The message names the column."""
    with pytest.raises(ValueError, match=r"columns \[1\]"):
        standardise(np.array([[1.0, value], [2.0, value]]))
