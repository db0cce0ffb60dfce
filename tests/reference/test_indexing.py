import numpy as np
import pytest

from gradcheck.reference import (
    embedding_backward,
    embedding_forward,
    gather_backward,
    gather_forward,
    scatter_add_backward,
    scatter_add_forward,
)

from .layers import (
    Layer,
    normal,
)

WORDS = np.array([[3, 1, 0], [3, 3, 0]])  # 3 three times, 2 and 4 never
ROWS = np.array([[0, 2], [2, 2], [1, 0], [2, 0], [2, 1]])  # along axis 0, with repeats
COLUMNS = np.array([[1, 1, 1, 0], [0, 3, 3, 2], [2, 2, 2, 2]])  # along axis 1


def embedding(padding=None):
    """Return the embedding of WORDS."""
    return Layer(
        lambda table: embedding_forward(table, WORDS, padding),
        embedding_backward,
        normal(table=(5, 3)),
    )


def gather(index, axis, **x):
    """Return the gather by an index."""
    return Layer(lambda x: gather_forward(x, index, axis), gather_backward, normal(**x))


def scatter(index, axis, **x):
    """Return the scatter by an index."""
    return Layer(
        lambda x, source: scatter_add_forward(x, index, source, axis),
        scatter_add_backward,
        normal(**x),
    )


LAYERS = {
    "embedding": embedding(),
    "embedding-padded": embedding(padding=0),
    "gather-rows": gather(ROWS, 0, x=(3, 2)),
    "gather-columns": gather(COLUMNS, 1, x=(3, 4)),
    "gather-last": gather(COLUMNS, -1, x=(3, 4)),
    "scatter-rows": scatter(ROWS, 0, x=(3, 2), source=(5, 2)),
    "scatter-columns": scatter(COLUMNS, 1, x=(3, 4), source=(3, 4)),
    "scatter-last": scatter(COLUMNS, -1, x=(3, 4), source=(3, 4)),
}


def test_repeated_row_gets_the_sum_of_its_gradients():
    """And a row that was not picked gets none."""
    _, cache = embedding_forward(np.ones((5, 1)), WORDS)
    dtable = embedding_backward(np.arange(6.0).reshape(2, 3, 1), cache)
    np.testing.assert_array_equal(dtable[:, 0], [2 + 5, 1, 0, 0 + 3 + 4, 0])


def test_padding_is_zero_and_gets_no_gradient():
    """Whatever its row of the table holds."""
    layer = embedding(padding=0)
    assert not layer.out(**layer.x)[WORDS == 0].any()
    assert not layer.gradient(layer.cotangent())["table"][0].any()


def test_gather_and_scatter_are_adjoint():
    """<gather(x), y> = <x, scatter(y)>: the one is the other's backward."""
    x, y = normal(x=(3, 2), y=(5, 2)).values()
    gathered, _ = gather_forward(x, ROWS, 0)
    scattered, _ = scatter_add_forward(np.zeros((3, 2)), ROWS, y, 0)
    np.testing.assert_allclose((gathered * y).sum(), (x * scattered).sum(), rtol=1e-14)


def test_scatter_leaves_its_argument_alone():
    """The result is a new array."""
    x = np.zeros((3, 2))
    scatter_add_forward(x, ROWS, np.ones((5, 2)), 0)
    assert not x.any()


TABLE = np.ones((5, 3))
BAD = {
    "large-word": (lambda: embedding_forward(TABLE, np.array([5])), r"from 5 to 5.*5 places"),
    "negative-word": (lambda: embedding_forward(TABLE, np.array([-1])), r"from -1 to -1"),
    "float-words": (lambda: embedding_forward(TABLE, np.array([1.0])), r"float64.*integers"),
    "padding": (lambda: embedding_forward(TABLE, WORDS, 7), r"padding=7.*rows 0\.\.4"),
    "table": (lambda: embedding_forward(np.ones(3), WORDS), r"table has shape \(3,\)"),
    "axis": (lambda: gather_forward(TABLE, ROWS, 2), r"axis=2.*0\.\.1"),
    "index-shape": (lambda: gather_forward(TABLE, ROWS, 0), r"index has shape \(5, 2\)"),
    "index-flat": (lambda: gather_forward(TABLE, np.array([0]), 0), r"index has shape \(1,\)"),
    "index": (lambda: gather_forward(TABLE[:2, :2], ROWS, 0), r"from 0 to 2.*2 places"),
    "source": (
        lambda: scatter_add_forward(np.ones((3, 2)), ROWS, np.ones((4, 2)), 0),
        r"source has shape \(4, 2\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """Nothing is wrapped or broadcast in silence."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
