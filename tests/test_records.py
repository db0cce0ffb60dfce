"""The nouns: illegal ones cannot be built, verdicts carry their sentence."""

import numpy as np
import pytest

from gradcheck import Budget, Derivative, Evidence, Kind, Mode, Plan, Problem, UsageError, Verdict


@pytest.mark.parametrize(
    ("build", "message"),
    [
        pytest.param(lambda: Plan.auto(rtol=1.0), r"rtol=1\.0, .* below 1", id="rtol-of-one"),
        pytest.param(lambda: Plan.auto(rtol=-1e-3), r"rtol=-0\.001", id="rtol-negative"),
        pytest.param(lambda: Plan.auto(rtol=float("nan")), "rtol=nan", id="rtol-nan"),
        pytest.param(lambda: Plan.sample(per_leaf=0), r"Plan\.sample\(0\)", id="sample-none"),
        pytest.param(lambda: Plan.directions(-1), r"directions\(-1\)", id="directions-negative"),
        pytest.param(lambda: Plan.directions(1.5), r"whole number", id="directions-fraction"),
        pytest.param(lambda: Plan.auto(seed=-1), "seed=-1", id="seed-negative"),
        pytest.param(lambda: Plan.auto(seed="x"), "seed='x'", id="seed-text"),
        pytest.param(lambda: Plan.auto(canary=1), "canary=1, but it is True", id="canary"),
        pytest.param(lambda: Budget(evaluations=0), "must be positive", id="budget-none"),
        pytest.param(lambda: Plan.auto(budget=0), "must be positive", id="plan-budget-none"),
        pytest.param(lambda: Plan("evry"), "mode='evry' is none of auto, directions, every",
                     id="mode-misspelt"),
        pytest.param(lambda: Plan(3), "mode=3 is none of", id="mode-number"),
        pytest.param(lambda: Plan("sample"), r"Plan\.sample\(None\)", id="mode-without-count"),
        pytest.param(lambda: Plan.directions(True), "whole number", id="directions-true"),
        pytest.param(lambda: Plan.auto(rtol="x"), "rtol='x'", id="rtol-text"),
        pytest.param(lambda: Plan.auto(seed=1.5), "seed=1.5", id="seed-fraction"),
        pytest.param(lambda: Plan.auto(budget=5.0), "budget=5.0, but .* whole number",
                     id="budget-fraction"),
        pytest.param(lambda: Plan.auto(budget="5"), "budget='5'", id="budget-text"),
        pytest.param(lambda: Plan.auto(eps=1), "eps=1 is not a setting of a plan; the settings are "
                     "rtol, seed, budget", id="unknown-setting"),
        pytest.param(lambda: Plan.sample(3, mode="every"), "mode='every' is not a setting",
                     id="mode-setting"),
        pytest.param(lambda: Budget("a"), r"Budget\(evaluations='a'\)", id="budget-record-text"),
        pytest.param(lambda: Budget(seconds="a"), r"Budget\(seconds='a'\)", id="seconds-text"),
        pytest.param(lambda: Budget(seconds=float("nan")), "must be positive", id="seconds-nan"),
        pytest.param(lambda: Problem(np.sin, np.cos, 1.0, kind="grd"),
                     "kind='grd' is none of grad, vjp, jvp", id="kind"),
        pytest.param(lambda: Problem(np.sin, np.True_, 1.0), "write Python's own True",
                     id="numpy-true"),
        pytest.param(lambda: Problem(3, np.sin, 1.0), "f is of type int", id="f-not-callable"),
        pytest.param(lambda: Problem(np.sin, None, 1.0), "the derivative is None", id="no-claim"),
        pytest.param(lambda: Problem(np.sin, "cos", 1.0), "'cos'", id="claim-text"),
        pytest.param(
            lambda: Problem(np.sin, np.ones(2), 1.0, Kind.VJP),
            r"the vjp is of type ndarray with shape \(2,\).*vjp\(x, cotangent\)",
            id="vjp-not-callable",
        ),
    ],
)  # fmt: skip
def test_illegal_record_is_refused(build, message):
    """The message names the argument, its value and the rule."""
    with pytest.raises(UsageError, match=message):
        build()


def test_mode_may_be_a_word():
    """The regression: Plan("every") ran as auto."""
    assert Plan("every") == Plan.every()
    assert Plan("directions", 3) == Plan.directions(3)


def test_numbers_of_numpy_are_numbers():
    """And are kept as Python's own, so that the report can be written as JSON."""
    plan = Plan.directions(np.int64(3), rtol=np.float32(0.5), seed=np.uint8(7), budget=np.int32(9))
    assert plan == Plan.directions(3, rtol=0.5, seed=7, budget=9)
    assert [type(v) for v in (plan.count, plan.rtol, plan.seed)] == [int, float, int]
    assert type(plan.limits.evaluations) is int
    budget = Budget(np.int64(5), np.float32(1.0))
    assert budget == Budget(5, 1.0)
    assert [type(v) for v in (budget.evaluations, budget.seconds)] == [int, float]


def test_budget_may_be_a_number_of_evaluations():
    """An int means evaluations of f."""
    assert Plan.auto(budget=100).limits == Budget(evaluations=100)


def test_plan_without_budget_has_no_limits():
    """`limits` is a record in any case."""
    assert Plan.every().limits == Budget(None, None)


def test_plan_builders_set_mode_and_count():
    """Each builder is a mode."""
    plans = [Plan.auto(), Plan.directions(3), Plan.every(), Plan.sample(per_leaf=7)]
    assert [(p.mode, p.count) for p in plans] == [
        (Mode.AUTO, None),
        (Mode.DIRECTIONS, 3),
        (Mode.EVERY, None),
        (Mode.SAMPLE, 7),
    ]


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("auto", Plan.auto()),
        ("every", Plan.every()),
        ("directions:3", Plan.directions(3)),
        ("sample:30", Plan.sample(30)),
    ],
)
def test_plan_is_read_from_text(text, plan):
    """As on the command line and in the settings of pytest."""
    assert Plan.from_text(text) == plan


@pytest.mark.parametrize("text", ["", "some", "auto:3", "sample", "sample:", "sample:x", "every:1"])
def test_text_that_is_no_plan_is_refused(text):
    """With those that are."""
    with pytest.raises(UsageError, match="is none of auto, every, directions:3, sample:30"):
        Plan.from_text(text)


def test_verdict_is_its_word_and_carries_a_sentence():
    """Compares with plain text, shows a sentence."""
    assert Verdict.FAIL == "fail"
    assert Verdict("pass") is Verdict.PASS
    assert all(verdict.sentence.endswith(".") for verdict in Verdict)


def test_single_random_source_becomes_a_tuple():
    """`random=rng` and `random=(rng,)` are the same."""
    rng = np.random.default_rng(0)
    assert Problem(np.sin, np.cos, 1.0, random=rng).random == (rng,)
    assert Problem(np.sin, np.cos, 1.0, random=[rng]).random == (rng,)


def test_scaled_derivative_scales_values_and_inverts_steps():
    """Along twice the direction everything doubles and steps halve; signs are kept."""
    d = Derivative(3.0, 0.3, 0.1, 0.1, 0.1, 9, (1e-3,), Evidence.KINK, -1.0, 7.0, 0.2).scaled(-2.0)
    assert (d.value, d.error_bar, d.steps, d.left, d.right, d.side_bar) == (
        -6.0, 0.6, (5e-4,), 2.0, -14.0, 0.4,
    )  # fmt: skip
    assert "kink" in str(d)
    assert "from the left 2" in str(d)


def test_sum_of_parts_is_the_bar():
    """Truncation, rounding and noise make up the error bar."""
    import gradcheck

    d = gradcheck.derivative(np.sin, 1.0)
    assert d.truncation + d.rounding + d.noise == pytest.approx(d.error_bar, rel=1e-12)
