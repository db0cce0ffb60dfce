"""scikit-learn as a subject of the laws. Those of other libraries: tests/frameworks."""

import subprocess
import sys

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Verdict, laws
from gradcheck.laws.protocol import draw_params, draw_row_targets
from gradcheck.subjects import sklearn_mlp

LAW = {law.name: law for law in laws.LAWS}
SUBJECTS = [sklearn_mlp.relu(), sklearn_mlp.tanh(), sklearn_mlp.logistic()]
SUBJECTS.append(sklearn_mlp.regression())


def named(subject):
    """Name a test."""
    return f"{subject.activation}-{subject.loss}"


def posed(subject, outputs):
    """Draw parameters, data and targets, and make the cost and the gradient of parameters."""
    rng = np.random.default_rng(3)
    inputs, targets = rng.standard_normal((7, 4)), draw_row_targets(subject, 7, outputs, rng)

    def both(params):
        return subject.cost_and_gradient(params, inputs, targets, 0.7)

    return both, draw_params((4, 5, outputs), rng)


@pytest.mark.parametrize("subject", SUBJECTS, ids=named)
def test_what_is_broken_is_known(subject):
    """The cost of clipped probabilities, and Glorot's scheme where units are logistic."""
    report = laws.check(subject, seed=1)
    known = {"cost-stays-finite": "compute it from the logits"} if subject.loss != "mse" else {}
    if subject.activation == "sigmoid":
        known["init-variance-of-scheme"] = "weights by xavier of shape (300, 200) have 0.33"
    broken = {name: law for name, law in report.laws.items() if law.verdict is Verdict.FAIL}
    assert broken.keys() == known.keys()
    assert all(known[name] in law.message for name, law in broken.items())
    assert sum(law.verdict is Verdict.PASS for law in report.laws.values()) >= 12


@pytest.mark.parametrize("subject", SUBJECTS[:3], ids=named)
def test_its_gradient_is_that_of_its_cost(subject):
    """So that nothing was lost in translation."""
    assert gradcheck.check_grad(*_split(*posed(subject, 3))).ok


def test_regressor_differentiates_another_cost_where_it_has_several_outputs():
    """Its cost is a mean over the outputs, its gradient that of a sum; no law sees that."""
    f, gradient, params = _split(*posed(SUBJECTS[3], 1))
    assert gradcheck.check_grad(f, gradient, params).ok
    subject = SUBJECTS[3]
    both, params = posed(subject, 3)
    report = gradcheck.check_grad(*_split(both, params))
    assert report.verdict is Verdict.FAIL
    assert Cause.SCALE in {finding.cause for finding in report.findings}


def _split(both, params):
    return (lambda p: both(p)[0]), (lambda p: both(p)[1]), params


def test_two_classes_are_no_softmax():
    """It makes one logistic output of them."""
    both, params = posed(SUBJECTS[1], 2)
    with pytest.raises(laws.NotOffered, match="one logistic output"):
        both(params)


@pytest.mark.parametrize("name", ["sgd_step", "adam_step", "adamw_step"])
def test_decay_of_an_optimiser_is_not_offered(name):
    """L2 is a term of its gradient."""
    with pytest.raises(laws.NotOffered, match="alpha"):
        getattr(SUBJECTS[0], name)({}, {}, 0.1, 0.1)


def test_global_random_state_is_left_alone():
    """Weights are drawn from the caller's generator."""
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - what is left alone
    first, second = (
        SUBJECTS[0].initial_weights("xavier", 3, 2, np.random.default_rng(5)) for _ in range(2)
    )
    assert np.array_equal(first, second)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


PACKAGES = {"sklearn_mlp": "scikit-learn", "torch_nn": "torch", "equinox_nn": "equinox optax"}


@pytest.mark.parametrize("name", PACKAGES)
def test_missing_package_is_named_with_what_to_install(name):
    """Whether it is missing here or not."""
    hidden = "sys.modules.update(dict.fromkeys(['sklearn', 'torch', 'jax', 'equinox', 'optax']))"
    code = f"import sys; {hidden}; import gradcheck.subjects.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"gradcheck.subjects.{name} needs " in done.stderr
    assert f"pip install {PACKAGES[name]}" in done.stderr


def test_subject_is_run_from_the_shell():
    """By its name; the exit code says that a law is broken."""
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck", "verify", "--laws",
         "gradcheck.subjects.sklearn_mlp:relu", "--seed", "1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "FAIL            cost-stays-finite" in done.stdout
