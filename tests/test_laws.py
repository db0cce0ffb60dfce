"""Each law holds on the reference and rejects its wrong twin with the right message."""

import numpy as np
import pytest

from gradcheck import UsageError, Verdict, laws
from gradcheck.embedded import ReferenceSubject, subjects
from gradcheck.laws.protocol import draw_setting

RELU, TANH = ReferenceSubject("relu", "bce"), ReferenceSubject("tanh", "softmax")
LAW = {law.name: law for law in laws.LAWS}


class Broken(ReferenceSubject):
    """A subject whose parts can be replaced."""

    def __init__(self, **parts):
        super().__init__(parts.pop("activation", "relu"), parts.pop("loss", "bce"))
        for name, part in parts.items():
            object.__setattr__(self, name, part)


def masked(x, keep_prob, rng):
    """Draw a mask."""
    return rng.random(x.shape) < keep_prob


def dropout_from(forward, backward):
    """Make a dropout of two functions of (x or dout, mask, keep_prob, rng)."""

    def dropout(x, keep_prob, rng):
        mask = masked(x, keep_prob, rng)
        return (
            forward(x, mask, keep_prob, rng),
            lambda dout: backward(dout, mask, keep_prob, rng),
        )

    return dropout


def right(x, mask, keep_prob, rng):
    """Multiply by mask and 1/keep_prob."""
    return x * mask / keep_prob


def cost_with(change):
    """Make cost_and_gradient with (cost, gradient) changed by a function."""

    def cost_and_gradient(params, inputs, targets, weight_decay):
        cost, gradient = RELU.cost_and_gradient(params, inputs, targets, weight_decay)
        return change(cost, gradient, params, len(inputs), weight_decay)

    return cost_and_gradient


def jitter(cost, gradient, params, m, decay):
    """Break the symmetry of the units by a little noise in one weight's gradient."""
    gradient = {**gradient, "W1": gradient["W1"].copy()}
    gradient["W1"].flat[0] += 1e-3
    return cost, gradient


def l2(cost_factor=1.0, gradient_factor=1.0, on_biases=0.0):
    """Make an L2 term that is off by a factor, or touches biases."""

    def change(cost, gradient, params, m, decay):
        weights = {k: W for k, W in params.items() if k.startswith("W")}
        squares = sum(np.sum(W**2) for W in weights.values())
        cost += (cost_factor - 1) * decay / (2 * m) * squares
        gradient = {
            k: d + (gradient_factor - 1) * decay / m * params[k] if k in weights else d
            for k, d in gradient.items()
        }
        return cost, {
            k: d if k in weights else d + on_biases * decay / m * params[k]
            for k, d in gradient.items()
        }

    return change


def averaged_hidden_gradient(cost, gradient, params, m, decay):
    """Divide the first layer's gradient by its width: symmetric, but no gradient."""
    return cost, {**gradient, "W1": gradient["W1"] / gradient["W1"].shape[1]}


def leaky_start(cost, gradient, params, m, decay):
    """Let hidden units of a network of zeros receive a gradient."""
    return cost, {k: d + 1e-3 if k == "W1" else d for k, d in gradient.items()}


def subtracted(cost, gradient, params, m, decay):
    """Subtract the decay instead of adding it."""
    return cost, {
        k: d - 2 * decay / m * params[k] if k.startswith("W") else d for k, d in gradient.items()
    }


def inverted(params, inputs, targets, weight_decay):
    """Decay the less, the larger lambda is."""
    return RELU.cost_and_gradient(params, inputs, targets, 4 / weight_decay)


TWINS = [
    pytest.param("symmetry-units-stay-identical", {"cost_and_gradient": cost_with(jitter)},
                 "although all weights started at", id="symmetry-broken-by-noise"),
    pytest.param("symmetry-wide-is-a-thin-string",
                 {"cost_and_gradient": cost_with(averaged_hidden_gradient)},
                 "its collapse to width 1 costs", id="gradient-averaged-over-units"),
    pytest.param("symmetry-dead-relu", {"cost_and_gradient": cost_with(leaky_start)},
                 "in a network of zeros", id="zeros-that-learn"),
    pytest.param("symmetry-dead-relu",
                 {"cost_and_gradient": cost_with(lambda c, g, *_: (2 * c, g))},
                 "not log 2", id="cost-summed-not-averaged"),
    pytest.param("l2-cost-term", {"cost_and_gradient": cost_with(l2(cost_factor=2))},
                 "ratio 2)", id="cost-without-one-half"),
    pytest.param("l2-gradient-term", {"cost_and_gradient": cost_with(l2(gradient_factor=2))},
                 "but (lambda/m) W is", id="gradient-doubled"),
    pytest.param("l2-gradient-term", {"cost_and_gradient": cost_with(l2(on_biases=1.0))},
                 "a bias has no decay", id="decay-on-biases"),
    pytest.param("l2-one-step-shrinks",
                 {"step": lambda p, g, a: {k: v - 2 * a * g[k] for k, v in p.items()}},
                 "shrinks W by 1 - alpha lambda/m", id="step-doubled"),
    pytest.param("l2-norm-at-minimum-falls", {"cost_and_gradient": cost_with(subtracted)},
                 "is not convex where that without is", id="decay-subtracted"),
    pytest.param("l2-norm-at-minimum-falls", {"cost_and_gradient": inverted},
                 "grows with lambda", id="decay-by-1/lambda"),
    pytest.param("l2-is-not-decay-under-adam", {"adam_step": RELU.adamw_step},
                 "it moves each by alpha", id="adamw-called-adam"),
    pytest.param("adamw-decay-is-decoupled", {"adamw_step": RELU.adam_step},
                 "decoupled decay is -alpha lambda W", id="adam-called-adamw"),
    pytest.param("dropout-new-mask-each-draw",
                 {"dropout": lambda x, p, rng: dropout_from(right, right)(
                     x, p, np.random.default_rng(0))},
                 "dropped the same", id="mask-drawn-once"),
    pytest.param("dropout-evaluation-is-identity", {"dropout_evaluate": lambda x, p: x * p},
                 "changes its input in evaluation", id="scaled-in-evaluation"),
    pytest.param("dropout-same-mask-backward",
                 {"dropout": dropout_from(right, lambda d, mask, p, rng: d * mask)},
                 "forward and by", id="backward-without-scale"),
    pytest.param("dropout-same-mask-backward",
                 {"dropout": dropout_from(
                     right, lambda d, mask, p, rng: d * masked(d, p, rng) / p)},
                 "units differ", id="mask-redrawn-in-backward"),
    pytest.param("dropout-zero-or-scaled",
                 {"dropout": dropout_from(lambda x, mask, p, rng: x * mask, right)},
                 "multiplied by 1, but inverted dropout multiplies by 0 or by 1/keep_prob",
                 id="without-1/keep_prob"),
    pytest.param("dropout-preserves-expectation",
                 {"dropout": dropout_from(lambda x, mask, p, rng: x * mask, right)},
                 "the mean of out/x is", id="without-1/keep_prob-in-the-mean"),
    pytest.param("dropout-preserves-expectation",
                 {"dropout": lambda x, p, rng: RELU.dropout(x, 1 - p, rng)},
                 "draws the", id="keep-and-drop-swapped"),
    pytest.param("dropout-preserves-expectation",
                 {"dropout": lambda x, p, rng: (
                     1.01 * dropout_from(right, right)(x, p, rng)[0], None)},
                 "the mean of out/x is 1.0", id="one-percent-bias"),
    pytest.param("dropout-preserves-expectation-exactly",
                 {"dropout_masked": lambda x, mask, p: x * mask},
                 "masks the mean of out/x is", id="masked-without-1/keep_prob"),
    pytest.param("dropout-frozen-mask-is-linear",
                 {"dropout": dropout_from(lambda x, mask, p, rng: np.abs(x) * mask / p, right)},
                 "with the mask frozen", id="not-linear"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parts", "words"), TWINS)
def test_wrong_twin_is_rejected(name, parts, words):
    """A plausible broken implementation fails, and the message is the counter-example."""
    report = laws.check(Broken(**parts), laws=[LAW[name]], seed=1, trials=20)
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


def test_statistical_law_raises_no_false_alarm_in_200_runs():
    """Stated false-alarm probability: 1e-9 a trial."""
    law = LAW["dropout-preserves-expectation"]
    rng = np.random.default_rng(0)
    outcomes = [laws.try_once(law, RELU, draw_setting(rng)).verdict for _ in range(200)]
    assert set(outcomes) == {Verdict.PASS}


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
