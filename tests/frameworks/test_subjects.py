"""torch.nn and Equinox as subjects of the laws; `tox -e frameworks` installs them."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Verdict, laws
from gradcheck.laws.protocol import draw_params, draw_row_targets, draw_setting
from gradcheck.subjects import equinox_nn, torch_nn

torch = pytest.importorskip("torch")

LAW = {law.name: law for law in laws.LAWS}
ALL = [*torch_nn.subjects(), *equinox_nn.subjects()]


def named(subject):
    """Name a test."""
    return f"{type(subject).__name__}-{subject.activation}-{subject.loss}"


@pytest.mark.parametrize("subject", ALL, ids=named)
def test_every_law_holds(subject):
    """Used as their documentation recommends, none is broken or left open."""
    report = laws.check(subject, seed=2, trials=1)
    assert report.verdict is Verdict.PASS, str(report)
    assert sum(law.verdict is Verdict.PASS for law in report.laws.values()) >= 26


@pytest.mark.parametrize("subject", ALL, ids=named)
def test_gradient_is_that_of_the_cost(subject):
    """So that nothing was lost in translation."""
    rng = np.random.default_rng(3)
    inputs, targets = rng.standard_normal((7, 4)), draw_row_targets(subject, 7, 3, rng)

    def both(params):
        return subject.cost_and_gradient(params, inputs, targets, 0.0)

    params = draw_params((4, 5, 3), rng)
    assert gradcheck.check_grad(lambda p: both(p)[0], lambda p: both(p)[1], params).ok


@pytest.mark.parametrize(
    ("subject", "law", "words"),
    [
        pytest.param(torch_nn.one_group(), "sgd-decay-shrinks-weights", "a bias has no decay",
                     id="torch-decays-biases-in-one-group"),
        pytest.param(torch_nn.from_probabilities(), "cost-stays-finite", "from the logits",
                     id="torch-bce-of-probabilities"),
        pytest.param(equinox_nn.running_averages(), "batch-norm-standardises-in-training",
                     "not 0 and 1", id="equinox-running-averages"),
    ],
)  # fmt: skip
def test_use_that_breaks_a_law_is_found(subject, law, words):
    """As it is often met."""
    seen = laws.check(subject, laws=[LAW[law]], seed=1).laws[law]
    assert seen.verdict is Verdict.FAIL
    assert words in seen.message


DROPOUT = [law for law in laws.LAWS if law.name.startswith("dropout")]


@pytest.mark.parametrize("law", DROPOUT, ids=lambda law: law.name)
def test_no_false_alarm_on_torch_dropout_in_200_runs(law):
    """Stated false-alarm probability: 1e-9 a trial."""
    rng, subject = np.random.default_rng(0), torch_nn.relu()
    if law.missing(subject):
        pytest.skip(law.missing(subject))
    outcomes = [laws.try_once(law, subject, draw_setting(rng)) for _ in range(200)]
    assert {outcome.verdict for outcome in outcomes} == {Verdict.PASS}


def test_global_random_state_of_torch_is_put_back():
    """Dropout and attention are drawn from seeds."""
    before, rng, subject = torch.get_rng_state(), np.random.default_rng(0), torch_nn.relu()
    subject.dropout(np.ones((3, 4)), 0.5, rng)
    subject.attention(np.ones((1, 2, 4)), np.ones((2, 2), bool))
    subject.initial_weights("he", 3, 2, rng)
    subject.cost_and_gradient(draw_params((2, 3, 1), rng), np.ones((4, 2)), np.ones((4, 1)), 0.0)
    assert torch.equal(before, torch.get_rng_state())


def test_precision_of_jax_is_put_back():
    """It is float64 only while it is called."""
    jax = pytest.importorskip("jax")
    equinox_nn.relu().softmax(np.ones((2, 3)))
    assert jax.numpy.ones(1).dtype == "float32"
