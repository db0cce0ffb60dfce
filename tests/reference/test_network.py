import numpy as np
import pytest

from gradcheck.reference import (
    ACTIVATIONS,
    INITIALISERS,
    LOSSES,
    Batch,
    Network,
    accuracy,
    backward,
    cost,
    cost_and_gradient,
    forward,
    initialise,
    predict,
)

from .exact import complex_step, high_order_difference

SIZES = (3, 5, 4, 2)
ROWS = 6


def example(network, dtype=np.float64):
    """Return parameters with non-zero biases, and a batch that suits the loss."""
    rng = np.random.default_rng(8)
    params = initialise(network, "he", rng, dtype)
    params = {name: (leaf + 0.1 * rng.standard_normal(leaf.shape)) for name, leaf in params.items()}
    targets = {
        "bce_with_logits": rng.integers(0, 2, (ROWS, 2)),
        "bce_from_probabilities": rng.integers(0, 2, (ROWS, 2)),
        "softmax_cross_entropy": rng.integers(0, 2, ROWS),
        "mse": rng.standard_normal((ROWS, 2)),
    }
    params = {name: leaf.astype(dtype) for name, leaf in params.items()}
    return params, Batch(rng.standard_normal((ROWS, 3)), targets[network.loss])


def assert_gradient_close(actual, expected, rtol):
    """Compare key by key, relative to the largest entry of each leaf."""
    assert list(actual) == list(expected)
    worst = {
        name: np.abs(actual[name] - leaf).max() / np.abs(leaf).max()
        for name, leaf in expected.items()
    }
    assert max(worst.values()) < rtol, worst


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "gelu"])
def test_gradient_equals_the_complex_step(activation, loss):
    """With L2 and dropout of a held seed, all gradients agree to rounding."""
    network = Network(SIZES, activation, loss, weight_decay=0.3, keep_prob=0.8)
    params, batch = example(network)
    _, gradient = cost_and_gradient(network, params, batch, np.random.default_rng(1))
    expected = complex_step(lambda x: cost(network, x, batch, np.random.default_rng(1)), params)
    assert_gradient_close(gradient, expected, rtol=1e-13)


def test_gelu_gradient_equals_a_high_order_difference():
    """The gelu has no complex form here, so differences of order 8 stand in."""
    network = Network(SIZES, "gelu", weight_decay=0.3)
    params, batch = example(network)
    _, gradient = cost_and_gradient(network, params, batch)
    expected = high_order_difference(lambda x: cost(network, x, batch), params)
    assert_gradient_close(gradient, expected, rtol=1e-11)


def test_complex_step_of_the_inputs_needs_complex_parameters():
    """Complex inputs are never cut to their real part in silence."""
    network = Network((2, 2))
    params = initialise(network, "he", np.random.default_rng(0))
    with pytest.raises(TypeError, match="same_kind"):
        forward(network, params, np.ones((1, 2), dtype=complex))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dtype_is_that_of_the_parameters(activation, loss, dtype):
    """Inputs and targets in float64, L2 and dropout promote nothing."""
    network = Network(SIZES, activation, loss, weight_decay=0.3, keep_prob=0.8)
    params, batch = example(network, dtype)
    value, gradient = cost_and_gradient(network, params, batch, np.random.default_rng(1))
    prediction, _ = forward(network, params, batch.inputs)
    dtypes = {value.dtype, prediction.dtype, *(leaf.dtype for leaf in gradient.values())}
    assert dtypes == {np.dtype(dtype)}


def test_gradient_has_the_keys_and_shapes_of_the_parameters():
    """The two dicts can be walked side by side."""
    network = Network(SIZES)
    params, batch = example(network)
    _, gradient = cost_and_gradient(network, params, batch)
    assert {name: leaf.shape for name, leaf in gradient.items()} == {
        name: leaf.shape for name, leaf in params.items()
    }
    assert list(gradient) == ["W1", "b1", "W2", "b2", "W3", "b3"]


def test_arguments_are_left_alone():
    """Neither parameters nor data are written to, and no result shares memory with them."""
    network = Network(SIZES, "identity", "mse", weight_decay=0.3)
    params, batch = example(network)
    before = {name: leaf.copy() for name, leaf in params.items()}
    inputs = batch.inputs.copy()
    _, gradient = cost_and_gradient(network, params, batch)
    np.testing.assert_equal(params, before)
    np.testing.assert_array_equal(batch.inputs, inputs)
    assert not any(np.shares_memory(gradient[name], params[name]) for name in params)


def test_cost_is_the_cost_of_cost_and_gradient():
    """The two functions give the same number, bit by bit, for the same masks."""
    network = Network(SIZES, weight_decay=0.3, keep_prob=0.5)
    params, batch = example(network)
    alone = cost(network, params, batch, np.random.default_rng(3))
    assert alone == cost_and_gradient(network, params, batch, np.random.default_rng(3))[0]


def test_l2_adds_its_term_to_cost_and_gradient():
    """Cost grows by lambda / (2 m) sum W^2, gradient by lambda / m W, biases by nothing."""
    free, decayed = Network(SIZES), Network(SIZES, weight_decay=0.75)
    params, batch = example(free)
    value, gradient = cost_and_gradient(free, params, batch)
    value_decayed, gradient_decayed = cost_and_gradient(decayed, params, batch)
    squares = sum((params[name] ** 2).sum() for name in ("W1", "W2", "W3"))
    np.testing.assert_allclose(value_decayed - value, 0.75 / (2 * ROWS) * squares, rtol=1e-14)
    expected = {
        name: leaf + (0.75 / ROWS * params[name] if name.startswith("W") else 0)
        for name, leaf in gradient.items()
    }
    np.testing.assert_equal(gradient_decayed, expected)


def test_dropout_needs_a_generator():
    """Without one the network evaluates: no dropout, whatever keep_prob says."""
    network = Network(SIZES, keep_prob=0.5)
    params, batch = example(network)
    evaluated, _ = forward(network, params, batch.inputs)
    np.testing.assert_array_equal(evaluated, forward(Network(SIZES), params, batch.inputs)[0])
    trained, _ = forward(network, params, batch.inputs, np.random.default_rng(0))
    assert not np.array_equal(evaluated, trained)


def test_outputs_are_never_dropped():
    """Dropout follows the hidden activations only: a network without any is untouched."""
    network = Network((3, 2), keep_prob=0.5)
    params, batch = example(network)
    trained, caches = forward(network, params, batch.inputs, np.random.default_rng(0))
    np.testing.assert_array_equal(trained, forward(network, params, batch.inputs)[0])
    assert caches[0].dropout is None


def test_backward_is_linear_in_its_upstream_gradient():
    """The cotangent 3 dout - 2 dout' gives 3 and -2 times their gradients."""
    network = Network(SIZES, "tanh")
    params, batch = example(network)
    prediction, caches = forward(network, params, batch.inputs)
    rng = np.random.default_rng(0)
    first, second = (rng.standard_normal(prediction.shape) for _ in range(2))
    gradients = [backward(network, dout, caches) for dout in (first, second)]
    expected = {name: 3 * leaf - 2 * gradients[1][name] for name, leaf in gradients[0].items()}
    assert_gradient_close(backward(network, 3 * first - 2 * second, caches), expected, 1e-13)


def test_probabilities_have_a_sigmoid_in_front():
    """The two forms of the binary cross-entropy are one network but for the last activation."""
    logits, probabilities = (
        Network(SIZES, loss=loss) for loss in ("bce_with_logits", "bce_from_probabilities")
    )
    params, batch = example(logits)
    np.testing.assert_allclose(
        cost(probabilities, params, batch), cost(logits, params, batch), rtol=1e-13
    )
    assert_gradient_close(
        cost_and_gradient(probabilities, params, batch)[1],
        cost_and_gradient(logits, params, batch)[1],
        rtol=1e-13,
    )


@pytest.mark.parametrize("scheme", INITIALISERS)
def test_initialise_follows_sizes_and_zeroes_the_biases(scheme):
    """Shapes come from sizes, biases are zero under every scheme."""
    params = initialise(Network(SIZES), scheme, np.random.default_rng(0), np.float32)
    assert [leaf.shape for leaf in params.values()] == [(3, 5), (5,), (5, 4), (4,), (4, 2), (2,)]
    assert {leaf.dtype for leaf in params.values()} == {np.dtype(np.float32)}
    assert not any(params[name].any() for name in ("b1", "b2", "b3"))


def test_initialise_takes_a_function():
    """A scheme of one's own needs no entry in the table."""
    params = initialise(
        Network((1, 2)),
        lambda rng, n_in, n_out, dtype: np.ones((n_in, n_out), dtype),
        np.random.default_rng(0),
    )
    np.testing.assert_array_equal(params["W1"], [[1, 1]])


LOGITS = np.array([[-1.0, 2.0], [3.0, 0.5]])  # predictions of the identity network below
PREDICTED = {
    "softmax_cross_entropy": [1, 0],
    "bce_with_logits": [[0, 1], [1, 1]],
    "bce_from_probabilities": [[0, 1], [1, 1]],
    "mse": LOGITS,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_predict_gives_labels_or_values(loss):
    """Labels where the loss has classes, the outputs themselves for mse."""
    params = {"W1": np.eye(2), "b1": np.zeros(2)}
    np.testing.assert_array_equal(
        predict(Network((2, 2), loss=loss), params, LOGITS), PREDICTED[loss]
    )


def test_accuracy_is_the_share_of_hits():
    """One label of two is right."""
    params = {"W1": np.eye(2), "b1": np.zeros(2)}
    assert accuracy(Network((2, 2)), params, Batch(LOGITS, np.array([1, 1]))) == 0.5


def test_accuracy_of_mse_is_refused():
    """Values have no accuracy, and the message says what to use."""
    params = {"W1": np.eye(2), "b1": np.zeros(2)}
    with pytest.raises(ValueError, match="use `cost` instead"):
        accuracy(Network((2, 2), loss="mse"), params, Batch(LOGITS, LOGITS))


def test_sizes_may_be_a_list():
    """A list is taken as a tuple, so that the settings stay hashable."""
    assert hash(Network([2, 3, 2])) == hash(Network((2, 3, 2)))


BAD = {
    "one-size": ({"sizes": (3,)}, r"sizes=\(3,\).*\(4, 8, 3\)"),
    "zero-units": ({"sizes": (3, 0, 2)}, r"sizes=\(3, 0, 2\)"),
    "fraction-of-a-unit": ({"sizes": (3, 2.5)}, r"sizes=\(3, 2.5\)"),
    "activation": ({"activation": "rleu"}, "activation='rleu'.*relu, leaky_relu"),
    "loss": ({"loss": "cross"}, "loss='cross'.*bce_with_logits"),
    "one-class": ({"sizes": (3, 1)}, "bce_with_logits"),
    "negative-decay": ({"weight_decay": -1.0}, "weight_decay=-1.0"),
    "nan-decay": ({"weight_decay": float("nan")}, "weight_decay=nan"),
    "keep-prob": ({"keep_prob": 0.0}, "keep_prob=0.0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_setting_is_refused_with_its_value(case):
    """The message names the argument, its value, the rule and the mend."""
    settings, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        Network(**({"sizes": (3, 2)} | settings))


@pytest.mark.parametrize(
    ("scheme", "dtype", "message"),
    [("hee", np.float64, "scheme='hee'.*xavier"), ("he", int, "parameters are floating")],
    ids=["scheme", "dtype"],
)
def test_bad_initialisation_is_refused(scheme, dtype, message):
    """Unknown schemes and integer parameters are refused."""
    with pytest.raises(ValueError, match=message):
        initialise(Network((2, 2)), scheme, np.random.default_rng(0), dtype)


@pytest.mark.parametrize("shape", [(3,), (6, 2), (2, 6, 3)], ids=str)
def test_inputs_of_another_shape_are_refused(shape):
    """Inputs are (m, n_in), and the message says which n_in."""
    network = Network(SIZES)
    params, _ = example(network)
    with pytest.raises(ValueError, match=r"needs \(m, 3\)"):
        forward(network, params, np.ones(shape))
