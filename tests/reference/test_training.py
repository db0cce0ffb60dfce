import numpy as np
import pytest

from gradcheck.reference import (
    Adam,
    AdamW,
    Batch,
    GradientDescent,
    Momentum,
    Network,
    TrainingSettings,
    accuracy,
    cost,
    initialise,
    load_iris,
    standardise,
    train,
)

OPTIMISERS = {
    "gradient_descent": GradientDescent(0.1),
    "momentum": Momentum(0.02),
    "adam": Adam(0.01),
    "adamw": AdamW(0.01),
}


def iris():
    """Return standardised iris as a batch."""
    dataset = load_iris()
    return Batch(standardise(dataset.inputs), dataset.labels)


def run(network, settings, dtype=np.float64, progress=None):
    """Return what training on iris from a fixed start gives."""
    start = initialise(network, "he", np.random.default_rng(0), dtype)
    return train(network, start, iris(), settings, progress)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_iris_is_learnt(name):
    """Every optimiser reaches 95 % train accuracy in 60 epochs."""
    network = Network((4, 8, 3))
    params, history = run(network, TrainingSettings(OPTIMISERS[name], epochs=60))
    assert accuracy(network, params, iris()) >= 0.95
    assert history.cost[-1] < history.cost[0]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu", "softplus", "leaky_relu"])
def test_iris_is_learnt_with_every_activation(activation):
    """The activation may be any of the smooth or piecewise linear ones."""
    _, history = run(Network((4, 8, 3), activation), TrainingSettings(Adam(0.02), epochs=60))
    assert history.accuracy[-1] >= 0.95


def test_same_seed_gives_the_same_bits():
    """Shuffling and dropout come from the seed alone."""
    network = Network((4, 8, 3), keep_prob=0.8)
    settings = TrainingSettings(Adam(0.01), epochs=3, seed=5)
    first, second = run(network, settings), run(network, settings)
    np.testing.assert_equal(first[0], second[0])
    assert first[1] == second[1]


def test_training_drops_units():
    """From the same seed, a step with dropout is another step than one without."""
    settings = TrainingSettings(GradientDescent(0.1), epochs=1, batch_size=150)
    dropped, kept = (run(Network((4, 8, 3), keep_prob=p), settings)[0] for p in (0.5, 1.0))
    assert not np.array_equal(dropped["W1"], kept["W1"])


def test_another_seed_gives_other_bits():
    """The seed is used."""
    network = Network((4, 8, 3))
    costs = [run(network, TrainingSettings(Adam(0.01), 1, seed=seed))[1].cost for seed in (0, 1)]
    assert costs[0] != costs[1]


def test_history_is_that_of_the_returned_parameters():
    """The last entry is cost and accuracy on all the data, in evaluation mode."""
    network = Network((4, 8, 3), keep_prob=0.8, weight_decay=0.1)
    params, history = run(network, TrainingSettings(Adam(0.01), epochs=4))
    assert (len(history.cost), len(history.accuracy)) == (4, 4)
    assert history.cost[-1] == cost(network, params, iris())
    assert history.accuracy[-1] == accuracy(network, params, iris())


def test_full_batch_epoch_is_one_step():
    """A batch as large as the data makes an epoch one step of plain gradient descent."""
    network = Network((1, 1), loss="mse")
    data = Batch(np.array([[1.0], [2.0]]), np.array([[3.0], [5.0]]))
    start = {"W1": np.zeros((1, 1)), "b1": np.zeros(1)}
    params, history = train(network, start, data, TrainingSettings(GradientDescent(0.1), 1, 2))
    np.testing.assert_allclose(params["W1"], [[0.1 * (3 + 10) / 2]])
    np.testing.assert_allclose(params["b1"], [0.1 * (3 + 5) / 2])
    assert history.accuracy == ()


def test_every_row_is_seen_once_per_epoch():
    """With a linear cost, the step of an epoch is the sum over all batches, the last one small."""
    network = Network((5, 1), "identity", "mse")
    inputs = np.eye(5)
    start = {"W1": np.zeros((5, 1)), "b1": np.zeros(1)}
    settings = TrainingSettings(GradientDescent(1e-9), epochs=1, batch_size=2)
    params, _ = train(network, start, Batch(inputs, np.ones((5, 1))), settings)
    steps = np.sort(params["W1"].ravel() / 1e-9)  # 1/m of the batch that had the row
    np.testing.assert_allclose(steps, [0.5, 0.5, 0.5, 0.5, 1.0], rtol=1e-6)


def test_progress_wraps_the_epochs():
    """Any callable that yields what it wraps will do, and changes no number."""
    seen = []

    def progress(epochs):
        for epoch in epochs:
            seen.append(epoch)
            yield epoch

    network, settings = Network((4, 3)), TrainingSettings(Adam(0.01), epochs=3)
    assert run(network, settings, progress=progress)[1] == run(network, settings)[1]
    assert seen == [0, 1, 2]


def test_float32_stays_float32():
    """Training on float64 data leaves a float32 network float32."""
    params, _ = run(Network((4, 8, 3), keep_prob=0.8), TrainingSettings(AdamW(), 1), np.float32)
    assert {leaf.dtype for leaf in params.values()} == {np.dtype(np.float32)}


def test_start_is_left_alone():
    """The parameters that training starts from are not modified."""
    network = Network((4, 3))
    start = initialise(network, "he", np.random.default_rng(0))
    before = {name: leaf.copy() for name, leaf in start.items()}
    train(network, start, iris(), TrainingSettings(Adam(0.01), epochs=1))
    np.testing.assert_equal(start, before)


@pytest.mark.parametrize("setting", ["epochs", "batch_size"])
def test_bad_setting_is_refused_with_its_value(setting):
    """Zero epochs and empty batches are refused where the record is built."""
    with pytest.raises(ValueError, match=f"{setting}=0"):
        TrainingSettings(Adam(), **{setting: 0})
