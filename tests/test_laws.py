"""Each law holds on the reference and rejects its wrong twin with the right message."""

from dataclasses import replace

import numpy as np
import pytest

from gradcheck import UsageError, Verdict, laws
from gradcheck.embedded import subjects
from gradcheck.laws.protocol import draw_setting
from gradcheck.laws.subject import offers

from .laws_layers import LAYER_TWINS, Layers, SlowBatchNorm, normalised_over_units
from .laws_twins import NETWORK_TWINS, RELU, TANH, Broken, dropout_from, masked, right, sgd_with

TWINS = [*NETWORK_TWINS, *LAYER_TWINS]
LAW = {law.name: law for law in laws.LAWS}


@pytest.mark.parametrize(("name", "parts", "words"), NETWORK_TWINS)
def test_wrong_network_is_rejected(name, parts, words):
    """A plausible broken implementation fails, and the message is the counter-example."""
    is_rejected(Broken(**parts), name, words)


@pytest.mark.parametrize(("name", "parts", "words"), LAYER_TWINS)
def test_wrong_layer_is_rejected(name, parts, words):
    """Likewise."""
    is_rejected(Layers(**parts), name, words)


def is_rejected(subject, name, words):
    """Try a law and look at its message."""
    report = laws.check(subject, laws=[LAW[name]], seed=1, trials=20)
    assert report.verdict is Verdict.FAIL
    assert words in report.laws[name].message
    assert "Setting: hidden=" in report.laws[name].message


@pytest.mark.parametrize("name", LAW)
def test_every_law_has_a_wrong_twin(name):
    """No law lands without one."""
    assert name in {twin.values[0] for twin in TWINS}


@pytest.mark.parametrize("subject", subjects(), ids=lambda s: f"{s.activation}-{s.loss}")
@pytest.mark.parametrize("seed", range(3))
def test_reference_obeys_every_law(subject, seed):
    """All laws that apply hold."""
    report = laws.check(subject, seed=seed)
    broken = {name: law.message for name, law in report.laws.items() if law.verdict == "fail"}
    assert broken == {}
    assert report.verdict is Verdict.PASS


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({}, id="torch-like"),
        pytest.param({"batch_norm": SlowBatchNorm}, id="keras-like-batch-norm"),
        pytest.param({"normalised_dense": normalised_over_units}, id="layer-norm"),
    ],
)
def test_right_layers_obey_their_laws_in_50_settings(parts):
    """None is broken, and each is decided."""
    rng = np.random.default_rng(2)
    for name in {twin.values[0] for twin in LAYER_TWINS}:
        outcomes = [laws.try_once(LAW[name], Layers(**parts), draw_setting(rng)) for _ in range(50)]
        broken = [o.message for o in outcomes if o.verdict is not Verdict.PASS]
        assert broken == []


def test_right_decay_of_an_optimiser_obeys_its_law_in_50_settings():
    """The reference's optimiser has no decay of its own, so this one is written out."""
    rng, law = np.random.default_rng(4), LAW["sgd-decay-shrinks-weights"]
    subject = Broken(sgd_step=sgd_with())
    outcomes = [laws.try_once(law, subject, draw_setting(rng)) for _ in range(50)]
    assert {outcome.verdict for outcome in outcomes} == {Verdict.PASS}


STATISTICAL = [
    *(("dropout-preserves-expectation", RELU), ("dropout-new-mask-each-draw", RELU)),
    *(("init-variance-of-scheme", RELU), ("init-mean-not-shape-saturates", TANH)),
    *(("init-activations-over-depth", RELU), ("init-gradients-over-depth", RELU)),
]


@pytest.mark.parametrize(("name", "subject"), STATISTICAL, ids=[name for name, _ in STATISTICAL])
def test_statistical_law_raises_no_false_alarm_in_200_runs(name, subject):
    """Stated false-alarm probability: 1e-9 a trial; seven standard deviations over depth."""
    rng = np.random.default_rng(0)
    outcomes = [laws.try_once(LAW[name], subject, draw_setting(rng)) for _ in range(200)]
    assert {outcome.verdict for outcome in outcomes} == {Verdict.PASS}


DROPOUT_LAWS = [law for law in laws.LAWS if law.name.startswith("dropout")]


@pytest.mark.parametrize("keep_prob", [0.05, 0.2, 0.45, 0.8, 0.95, 0.99])
@pytest.mark.parametrize(
    "dropout",
    [
        pytest.param(
            dropout_from(lambda x, mask, p, rng: x * mask, lambda d, mask, p, rng: d * mask),
            id="without-1/keep_prob",
        ),
        pytest.param(
            dropout_from(right, lambda d, mask, p, rng: right(d, masked(d, p, rng), p, rng)),
            id="mask-redrawn-in-backward",
        ),
        pytest.param(lambda x, p, rng: RELU.dropout(x, 1 - p, rng), id="swapped"),
        pytest.param(
            dropout_from(
                lambda x, mask, p, rng: 1.01 * right(x, mask, p, rng),
                lambda d, mask, p, rng: 1.01 * right(d, mask, p, rng),
            ),
            id="biased-by-1-percent",
        ),
    ],
)
def test_broken_dropout_is_found_at_every_keep_prob(dropout, keep_prob):
    """By one law or another, in every one of ten settings of that keep_prob."""
    rng = np.random.default_rng(3)
    for _ in range(10):
        setting = replace(draw_setting(rng), keep_prob=keep_prob)
        assert any(
            laws.try_once(law, Broken(dropout=dropout), setting).verdict is Verdict.FAIL
            for law in DROPOUT_LAWS
        )


def test_what_a_subject_lacks_is_not_applicable_and_never_a_pass():
    """An empty subject obeys nothing."""
    report = laws.check(object(), seed=0)
    assert {law.verdict for law in report.laws.values()} == {None}
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the subject offers no dropout" in report.laws["dropout-zero-or-scaled"].message


def test_law_about_relu_does_not_apply_to_tanh():
    """With the reason."""
    law = laws.check(TANH, laws=[LAW["symmetry-dead-relu"]], seed=0).laws["symmetry-dead-relu"]
    assert law.verdict is None
    assert law.message == "it is about relu with bce, the subject has tanh, softmax"


def test_exception_of_the_subject_leaves_a_law_undecided():
    """It is quoted."""

    def raising(x, keep_prob):
        raise NotImplementedError("later")

    report = laws.check(
        Broken(dropout_evaluate=raising), laws=[LAW["dropout-evaluation-is-identity"]], seed=0
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the subject raised NotImplementedError: later" in " ".join(str(report).split())


def test_mask_that_ignores_the_generator_cannot_be_frozen():
    """Undecided, not broken."""

    def own_source(x, keep_prob, rng):
        return dropout_from(right, right)(x, keep_prob, np.random.default_rng())

    report = laws.check(
        Broken(dropout=own_source), laws=[LAW["dropout-frozen-mask-is-linear"]], seed=0
    )
    assert report.verdict is Verdict.INCONCLUSIVE


def test_same_seed_tries_the_same_settings():
    """Replayable, and independent of which other laws are tried."""
    name = "l2-cost-term"
    alone = laws.check(RELU, laws=[LAW[name]], seed=5).laws[name]
    among = laws.check(RELU, seed=5).laws[name]
    assert alone == among


def test_no_trial_is_refused():
    """A law must be tried to hold."""
    with pytest.raises(UsageError, match="trials=0"):
        laws.check(RELU, trials=0)


def test_every_law_states_itself_and_its_source():
    """Name, statement, source, needs."""
    assert len(LAW) == len(laws.LAWS) >= 16
    for law in laws.LAWS:
        assert law.statement.endswith(".")
        assert law.source
        assert law.needs


class Inheriting(laws.Subject):
    """A subject that offers one member, and one of them only in part."""

    def dropout_evaluate(self, x, keep_prob):
        """Return x."""
        return x

    def initial_weights(self, scheme, n_in, n_out, rng):
        """Offer he alone."""
        if scheme != "he":
            raise laws.NotOffered(f"there is no {scheme}")
        return RELU.initial_weights(scheme, n_in, n_out, rng)


def test_member_that_is_only_inherited_is_not_offered():
    """Inheriting from Subject is no claim to have all of it."""
    report = laws.check(Inheriting(), seed=0)
    seen = {name for name, law in report.laws.items() if law.verdict is not None}
    assert seen == {"dropout-evaluation-is-identity", "init-variance-of-scheme"}
    assert report.verdict is Verdict.PASS


def test_what_a_subject_refuses_is_not_applicable():
    """With the reason that it gives; what it does offer is tried."""
    name = "init-variance-of-scheme"
    law = laws.check(Inheriting(), laws=[LAW[name]], seed=0).laws[name]
    assert law.verdict is Verdict.PASS
    assert "he " in law.message
    assert "lecun" not in law.message

    def refusing(scheme, n_in, n_out, rng):
        raise laws.NotOffered("no schemes here")

    law = laws.check(Broken(initial_weights=refusing), laws=[LAW[name]], seed=0).laws[name]
    assert law.verdict is None
    assert "no schemes here" in law.message


def test_property_that_is_not_offered_is_no_attribute():
    """As a subject may say that it has no loss of its own."""

    class Lossless(Inheriting):
        @property
        def loss(self):
            raise laws.NotOffered

    assert not offers(Lossless(), "loss")


def test_rand_saturates_by_its_mean_and_uniform_as_normal_does():
    """What the folklore says of rand is not true of a uniform of mean 0."""
    outcome = laws.try_once(
        LAW["init-mean-not-shape-saturates"], TANH, draw_setting(np.random.default_rng(0))
    )
    shares = outcome.evidence["saturated"]
    assert shares["rand"] == 1.0
    assert abs(shares["xavier"] - shares["randn"]) < 0.05
    assert 0.2 < shares["randn"] < 0.6
    assert "its mean does it, not its shape" in outcome.message


def test_subject_to_which_no_law_applies_is_told_what_it_lacks():
    """The regression: a misspelt method left one with `42 not applicable`, and no name."""

    class Misspelt:
        def cost_and_gradient(self, params, inputs, targets, weight_decay):
            raise NotImplementedError

    (finding,) = laws.check(Misspelt(), seed=0).findings
    assert "no law applies to Misspelt" in finding.message
    assert "it offers cost_and_gradient, and not loss, activation" in finding.message
    (finding,) = laws.check(object(), seed=0).findings
    assert "offers nothing" in finding.message
