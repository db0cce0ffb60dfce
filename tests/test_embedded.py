"""What `gradcheck verify` checks without a target."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict, embedded
from gradcheck.reference import ACTIVATIONS, LOSSES


@pytest.fixture(scope="module")
def posed():
    """All problems of one seed."""
    return list(embedded.problems(7))


def test_there_is_a_problem_per_activation_loss_and_stage(posed):
    """At initialisation and after training."""
    assert len(posed) == embedded.count_problems() == 2 * len(ACTIVATIONS) * len(LOSSES)
    names = {problem.name.split(" (")[0] for problem in posed}
    assert names == {
        f"{activation}, {loss}, {stage}"
        for activation in ACTIVATIONS
        for loss in LOSSES
        for stage in ("at initialisation", "trained on iris")
    }


def test_all_of_them_pass(posed):
    """Every leaf of every gradient; a kink at x is named and decided nearby."""
    for problem in posed:
        report = gradcheck.check(problem, Plan.auto(seed=1))
        assert report.verdict is Verdict.PASS, str(report)
        assert len(report.leaves) == 6
        assert {finding.cause for finding in report.findings} <= {"kink"}


def test_training_learns_iris(posed):
    """The trained problems are not the initial ones again: most classify iris well."""
    trained = [p.name for p in posed if "accuracy" in p.name]
    percents = [int(name.split("accuracy ")[1].split("%")[0]) for name in trained]
    assert len(percents) == 3 * len(ACTIVATIONS)
    assert np.median(percents) >= 90


def test_dropout_is_on(posed):
    """The masks are drawn from a source that the problem names."""
    problem = posed[0]
    (rng,) = problem.random
    state = rng.bit_generator.state
    problem.f(problem.x)
    assert rng.bit_generator.state != state


def test_same_seed_poses_the_same_problems(posed):
    """Replayable."""
    again = list(embedded.problems(7))
    assert all(
        np.array_equal(a.x[k], b.x[k]) for a, b in zip(posed, again, strict=True) for k in a.x
    )
