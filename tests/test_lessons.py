"""What the lessons measure is what they say, and is the same again for the same seed."""

import numpy as np
import pytest

from gradcheck import lessons
from gradcheck.lessons import EXPERIMENTS, STATEMENTS, TASKS, Recipe, Settings
from gradcheck.lessons.recipes import INITIALISATION
from gradcheck.lessons.runs import unit_spread
from gradcheck.reference import Network

SHORT = Settings(seeds=2, epochs=2, looks=2)


def named(name):
    """Find a recipe of the first experiment."""
    return next(recipe for recipe in INITIALISATION if recipe.name == name)


@pytest.fixture(scope="module")
def results():
    """All experiments, too short to learn anything."""
    return lessons.measure(3, SHORT)


@pytest.mark.parametrize("name", TASKS)
def test_training_rows_are_standardised_and_the_test_rows_alike(name):
    """By mean and deviation of the training rows; the test rows come out near that."""
    task = TASKS[name](np.random.default_rng(1))
    assert np.allclose(task.train.inputs.mean(axis=0), 0)
    assert np.allclose(task.train.inputs.std(axis=0), 1)
    assert 0 < np.abs(task.test.inputs.mean(axis=0)).max() < 0.6


def test_iris_is_split_without_a_flower_in_both_parts():
    """And each species is as frequent as any other, so that log 3 is the cost of a guess."""
    task = TASKS["iris"](np.random.default_rng(1))
    assert np.bincount(task.train.targets).tolist() == [30, 30, 30]
    assert np.bincount(task.test.targets).tolist() == [20, 20, 20]


def test_share_of_the_labels_is_wrong():
    """15 % of 40; every other point is on the inner circle. The labels of the test are right."""
    task = TASKS["noisy circles"](np.random.default_rng(1))
    assert np.sum(task.train.targets[:, 0] != np.arange(40) % 2) == 6
    assert np.array_equal(task.test.targets[:, 0], np.arange(200) % 2)


def test_same_seed_gives_the_same_run():
    """To the last bit; another seed does not."""
    recipe = named("He, relu")
    one, again, other = (lessons.run(recipe, "circles", SHORT, seed) for seed in (1, 1, 2))
    assert one.looks == again.looks
    assert one.cost == again.cost
    assert one.cost != other.cost


def test_looks_run_from_before_the_first_step_to_after_the_last():
    """200 rows in batches of 32 are 7 steps an epoch."""
    run = lessons.run(named("He, relu"), "circles", SHORT, 1)
    assert [look.step for look in run.looks] == [0, 7, 14]
    assert run.last.cost == run.cost[-1]
    assert run.looks[0].cost == pytest.approx(run.stable_cost)


def test_spread_is_the_largest_difference_between_two_units():
    """Of weights into them, and of biases."""
    network = Network((1, 3, 2))
    params = {"W1": np.array([[1.0, 1.0, 1.5]]), "b1": np.zeros(3),
              "W2": np.ones((3, 2)), "b2": np.array([0.0, 9.0])}  # fmt: skip
    assert unit_spread(network, params) == (0.5,)
    assert unit_spread(network, {**params, "b1": np.array([0.0, 0.0, 2.0])}) == (2.0,)


def test_saturation_is_counted():
    """Large weights saturate a sigmoid; zeros sit on its steepest slope; relu of zeros is off."""
    shares = {
        name: lessons.run(named(name), "circles", SHORT, 1).first.saturated
        for name in ("large, sigmoid", "zeros, sigmoid", "zeros, relu", "He, relu")
    }
    assert shares["large, sigmoid"] > 0.5
    assert shares["zeros, sigmoid"] == 0
    assert shares["zeros, relu"] == 1
    assert shares["He, relu"] < 0.3


def test_thin_string_follows_the_constant_net():
    """And would not, if its rates were those of the wide one."""
    wide = lessons.run(named("constant, tanh"), "iris", SHORT, 1)
    thin = lessons.run(named("its thin string"), "iris", SHORT, 1)
    wrong = Recipe("wrong", "string", "tanh", (1, 1))
    assert np.allclose(wide.cost, thin.cost, rtol=1e-12)
    assert not np.allclose(wide.cost, lessons.run(wrong, "iris", SHORT, 1).cost, rtol=1e-3)


def test_all_recipes_are_run_on_their_tasks_with_every_seed(results):
    """None is left out, and the names tell them apart."""
    expected = {
        (task, recipe.name) for e in EXPERIMENTS for task in e.tasks for recipe in e.recipes
    }
    assert results.runs.keys() == expected
    assert len(expected) == sum(len(e.tasks) * len(e.recipes) for e in EXPERIMENTS)
    assert all([run.seed for run in some] == [3, 4] for some in results.runs.values())


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.name)
def test_every_statement_finds_its_numbers_in_the_results(statement, results):
    """All are numbers, and the sentences for both outcomes can be written with them."""
    numbers = statement.measure(results)
    assert all(isinstance(value, float) for value in numbers.values())
    for sentence in (statement.report, statement.but):
        assert "{" not in sentence.format_map(numbers)


def test_exact_statements_are_seen_however_short_the_training(results):
    """They are about single steps, or about what cannot change."""
    exact = {
        "units-stay-identical", "logit-form-stays-finite", "large-weights-saturate",
        "gradients-explode", "l2-cost-term", "l2-gradient-term", "l2-one-step-shrinks",
        "l2-is-weight-decay", "dropout-new-network-each-step", "dropout-in-training-only",
        "dropout-forward-and-backward-alike", "dropout-divide-by-keep-prob",
    }  # fmt: skip
    seen = {s.name: lessons.observe(s, results).seen for s in STATEMENTS}
    assert exact <= {name for name, verdict in seen.items() if verdict.startswith("seen")}


def test_what_was_not_learnt_is_not_seen(results):
    """Two epochs are too few for what is said of accuracy."""
    statement = next(s for s in STATEMENTS if s.name == "zero-b-is-fine")
    assert lessons.observe(statement, results).seen == "not seen"


def test_portrait_has_the_shape_of_the_run(results):
    """A boundary for two inputs only, and activations of each hidden layer."""
    flat = lessons.portrait(results.runs["circles", "He, relu"][0])
    assert flat.boundary.shape == (64, 64)
    assert [a.shape for a in flat.before] == [(200, 16), (200, 16)]
    assert lessons.portrait(results.runs["iris", "deep He, relu"][0]).boundary is None


@pytest.mark.parametrize("name", ["seeds", "epochs", "looks", "batch_size"])
def test_settings_refuse_what_trains_nothing(name):
    """At the record, with the name and the value."""
    with pytest.raises(ValueError, match=f"{name}=0, but it must be at least 1"):
        Settings(**{name: 0})
