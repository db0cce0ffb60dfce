import math

import numpy as np
import pytest

from gradcheck.reference import Adam, AdamW, GradientDescent, Momentum

OPTIMISERS = {
    "gradient_descent": GradientDescent(0.1),
    "momentum": Momentum(0.1, 0.8),
    "adam": Adam(0.1),
    "adamw": AdamW(0.1, weight_decay=0.2),
}
GRADIENTS = (2.0, -1.0, 0.5)  # of three steps, for a single number


def points(dtype=np.float64):
    """Return parameters and three gradients of their shapes."""
    rng = np.random.default_rng(6)
    shapes = {"W1": (3, 4), "b1": (4,)}
    draws = [
        {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
        for _ in range(4)
    ]
    return draws[0], draws[1:]


def run(optimiser, params, gradients):
    """Return the parameters after one step per gradient."""
    state = optimiser.init(params)
    for gradient in gradients:
        params, state = optimiser.step(params, gradient, state)
    return params


def run_number(optimiser, start, name="W1"):
    """Return the number that `start` has become after the three GRADIENTS."""
    gradients = [{name: np.array([g])} for g in GRADIENTS]
    return run(optimiser, {name: np.array([start])}, gradients)[name][0]


def written_out_adam(start, weight_decay):
    """Return the result of Algorithm 1 of Kingma & Ba in plain numbers, with decoupled decay."""
    w, m, v = start, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        step = (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
        w = w - 0.1 * (step + weight_decay * w)
    return w


def test_gradient_descent_equals_its_formula():
    """Three steps subtract the learning rate times the sum of the gradients."""
    np.testing.assert_allclose(run_number(GradientDescent(0.1), 1.0), 1 - 0.1 * sum(GRADIENTS))


def test_momentum_equals_its_formula():
    """The velocities are 2, 0.8 * 2 - 1 and 0.8 * 0.6 + 0.5."""
    np.testing.assert_allclose(run_number(Momentum(0.1, 0.8), 1.0), 1 - 0.1 * (2 + 0.6 + 0.98))


@pytest.mark.parametrize(
    ("optimiser", "weight_decay"),
    [(Adam(0.1), 0.0), (AdamW(0.1, weight_decay=0.2), 0.2)],
    ids=["adam", "adamw"],
)
def test_adam_equals_its_written_out_formula(optimiser, weight_decay):
    """Three steps agree with plain arithmetic to rounding."""
    expected = written_out_adam(1.5, weight_decay)
    np.testing.assert_allclose(run_number(optimiser, 1.5), expected, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_adamw_decay_does_not_see_the_gradient(scale):
    """AdamW minus Adam after one step is - learning_rate * decay * W at every gradient scale."""
    params, gradients = points()
    gradient = {name: scale * leaf for name, leaf in gradients[0].items()}
    plain = run(Adam(0.1), params, [gradient])
    decayed = run(AdamW(0.1, weight_decay=0.2), params, [gradient])
    expected = -0.1 * 0.2 * params["W1"]
    np.testing.assert_allclose(decayed["W1"] - plain["W1"], expected, atol=1e-15)


def test_adamw_decays_no_bias():
    """Leaves that do not start with W are stepped as by Adam."""
    params, gradients = points()
    plain, decayed = run(Adam(0.1), params, gradients), run(OPTIMISERS["adamw"], params, gradients)
    np.testing.assert_array_equal(decayed["b1"], plain["b1"])
    assert not np.array_equal(decayed["W1"], plain["W1"])


def test_l2_in_the_gradient_is_not_decoupled_decay():
    """Under Adam a decay term in the gradient is divided away: the results differ."""
    params, gradients = points()
    coupled = [{n: g + 0.2 * params[n] for n, g in gradient.items()} for gradient in gradients[:1]]
    by_gradient = run(Adam(0.1), params, coupled)["W1"]
    by_step = run(AdamW(0.1, weight_decay=0.2), params, gradients[:1])["W1"]
    assert np.abs(by_gradient - by_step).max() > 1e-3


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_dtype_is_kept(name, dtype):
    """Settings are Python floats and promote nothing."""
    params, gradients = points(dtype)
    stepped = run(OPTIMISERS[name], params, gradients)
    assert {leaf.dtype for leaf in stepped.values()} == {np.dtype(dtype)}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_arguments_are_left_alone(name):
    """A step is pure: the caller's parameters, gradients and state stay as they were."""
    params, (gradient, *_) = points()
    optimiser = OPTIMISERS[name]
    state = optimiser.init(params)
    before = {key: leaf.copy() for key, leaf in params.items()}
    gradient_before = {key: leaf.copy() for key, leaf in gradient.items()}
    first, _ = optimiser.step(params, gradient, state)
    np.testing.assert_equal((params, gradient), (before, gradient_before))
    np.testing.assert_equal(optimiser.step(params, gradient, state)[0], first)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_small_steps_descend_a_bowl(name):
    """On f = |W|^2 / 2, whose gradient is W, 200 steps come closer to the minimum."""
    optimiser = OPTIMISERS[name]
    params = {"W1": np.array([[3.0, -2.0]])}
    state = optimiser.init(params)
    for _ in range(200):
        params, state = optimiser.step(params, dict(params), state)
    assert np.abs(params["W1"]).max() < 0.1


BAD = {
    "zero-rate": (lambda: GradientDescent(0.0), "learning_rate=0.0"),
    "infinite-rate": (lambda: Momentum(float("inf")), "learning_rate=inf"),
    "momentum-one": (lambda: Momentum(0.1, 1.0), r"momentum=1.0.*\[0, 1\)"),
    "beta1": (lambda: Adam(beta1=-0.1), "beta1=-0.1"),
    "beta2": (lambda: Adam(beta2=1.0), "beta2=1.0"),
    "epsilon": (lambda: Adam(epsilon=0.0), "epsilon=0.0"),
    "decay": (lambda: AdamW(weight_decay=-1.0), "weight_decay=-1.0.*use Adam"),
    "rate-of-adamw": (lambda: AdamW(learning_rate=-1.0), "learning_rate=-1.0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_setting_is_refused_with_its_value(case):
    """The message names the argument, its value, the rule and the mend."""
    build, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        build()
