import numpy as np
import pytest

from gradcheck.reference import (
    Statistics,
    batch_norm_backward,
    batch_norm_evaluate_backward,
    batch_norm_evaluate_forward,
    batch_norm_forward,
    update_statistics,
)

from .layers import (
    Layer,
    normal,
)

RUNNING = Statistics(np.array([0.5, -1.0, 2.0]), np.array([2.0, 0.25, 1.0]))


def evaluate(x, gain, bias):
    """Normalise by the running statistics, in the dtype of x."""
    running = Statistics(*(array.astype(x.dtype) for array in RUNNING))
    return batch_norm_evaluate_forward(x, gain, bias, running)


LAYERS = {
    f"{mode}-{name}": Layer(forward, backward, normal(x=shape, gain=(3,), bias=(3,)))
    for mode, forward, backward in [
        ("train", batch_norm_forward, batch_norm_backward),
        ("evaluate", evaluate, batch_norm_evaluate_backward),
    ]
    for name, shape in [("rows", (5, 3)), ("images", (2, 3, 2, 3)), ("sequence", (2, 3, 2))]
}


def test_each_channel_has_mean_zero_and_variance_one():
    """Over the batch, up to epsilon."""
    x = normal(x=(40, 3))["x"]
    out, _ = batch_norm_forward(x, np.ones(3), np.zeros(3), epsilon=0.0)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(out.var(axis=0), 1, rtol=1e-13)


def test_samples_meet_in_training_only():
    """The gradient of the first row's result reaches other rows in training, none in evaluation."""
    x, gain, bias = LAYERS["train-rows"].x.values()
    dout = np.zeros_like(x)
    dout[0] = 1
    dx, _, _ = batch_norm_backward(dout, batch_norm_forward(x, gain, bias)[1])
    assert np.all(dx[1:] != 0)
    dx, _, _ = batch_norm_evaluate_backward(dout, evaluate(x, gain, bias)[1])
    assert not dx[1:].any()


def test_evaluation_by_the_batch_itself_is_the_training_form():
    """The two modes are one function of the statistics."""
    x, gain, bias = LAYERS["train-images"].x.values()
    batch = Statistics(x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3)))
    out, _ = batch_norm_evaluate_forward(x, gain, bias, batch)
    np.testing.assert_allclose(out, batch_norm_forward(x, gain, bias)[0], rtol=1e-13, atol=1e-14)


def test_statistics_converge_to_those_of_the_batch():
    """Seen often enough, one batch is all there is; its variance is divided by m - 1."""
    x = normal(x=(5, 3))["x"]
    running = RUNNING
    for _ in range(400):
        running = update_statistics(running, x)
    np.testing.assert_allclose(running.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(running.variance, x.var(axis=0, ddof=1), rtol=1e-12)


def test_statistics_are_not_changed_in_place():
    """The old ones stay what they were."""
    before = [array.copy() for array in RUNNING]
    update_statistics(RUNNING, normal(x=(5, 3))["x"])
    np.testing.assert_equal(list(RUNNING), before)


ONES = np.ones(3)
BAD = {
    "gain": (lambda: batch_norm_forward(np.ones((2, 3)), np.ones(2), ONES), r"gain has shape"),
    "single-row": (
        lambda: batch_norm_forward(np.ones((1, 3)), ONES, ONES),
        r"x has shape \(1, 3\), one value for each channel.*batch_norm_evaluate_forward",
    ),
    "variance": (
        lambda: batch_norm_evaluate_forward(np.ones((2, 3)), ONES, ONES, Statistics(ONES, -ONES)),
        r"variance=\[-1\. -1\. -1\.\].*must be positive",
    ),
    "mean": (
        lambda: batch_norm_evaluate_forward(
            np.ones((2, 3)), ONES, ONES, Statistics(np.ones(2), ONES)
        ),
        r"mean has shape \(2,\)",
    ),
    "momentum": (
        lambda: update_statistics(RUNNING, np.ones((2, 3)), momentum=1.5),
        r"momentum=1\.5.*\[0, 1\]",
    ),
    "statistics-of-one-row": (
        lambda: update_statistics(RUNNING, np.ones((1, 3))),
        r"one value for each channel",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_argument_is_refused_with_its_value(name):
    """The message says what does not fit."""
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
