"""Stacks of points: the reports of single points, and what `batched` promises, looked at."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import gradcheck
from gradcheck import Budget, Cause, Plan, Problem, UsageError, Verdict
from gradcheck.reference import (
    LOSSES,
    Batch,
    Network,
    cost_and_gradient,
    initialise,
    stacked_cost,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 8))
A = RNG.normal(size=(8, 3))
TRIED = 9  # evaluations at which stacks are looked at
PLANS = {
    "auto": Plan.auto(seed=1),
    "every": Plan.every(seed=1),
    "sample": Plan.sample(20, seed=1),
    "directions": Plan.directions(3, seed=1),
}
WRONG = {
    "right": lambda g: g,
    "scaled": lambda g: 1.01 * g,
    "one entry": lambda g: np.where(np.arange(g.size).reshape(g.shape) == 17, g + 1e-3, g),
    "a half": lambda g: np.where(np.arange(g.size).reshape(g.shape) % 2, 1.01 * g, g),
    "nan": lambda g: np.where(np.arange(g.size).reshape(g.shape) == 5, np.nan, g),
}


def f(x):
    """Compute a function of one point."""
    return np.sum(np.sin(x) * x)


def gradient_of(x):
    """Its gradient."""
    return np.cos(x) * x + np.sin(x)


def row_by_row(function):
    """Take stacks, and compute each row as a point by itself: the same bits."""
    return lambda stack: np.array([function(x) for x in stack])


def told(report):
    """All of a report but what it cost."""
    plain = replace(report, seconds=0.0, evaluations=0)
    return plain.to_json()


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("batched", [True, 1, 7, 64], ids=str)
def test_report_is_that_of_single_points(plan, wrong, batched):
    """Bit for bit, where each row is; nine evaluations more."""

    def claim(x):
        return wrong(gradient_of(x))

    alone = gradcheck.check_grad(f, claim, X, plan=plan)
    stacked = gradcheck.check_grad(row_by_row(f), claim, X, plan=plan, batched=batched)
    assert told(stacked) == told(alone)
    assert stacked.evaluations == alone.evaluations + TRIED


HARD = {
    "noise": lambda x: f(x) + 1e-7 * np.sin(1e9 * np.sum(x)),
    "kink": lambda x: f(x) + np.abs(x[0, 0] - X[0, 0]),
    "jump": lambda x: f(x) + (x[0, 0] > X[0, 0]),
    "in float32": lambda x: float(np.float32(f(x))),
    "an edge": lambda x: f(x) + np.sqrt(x[0, 0] - X[0, 0]),
    "few digits": lambda x: np.float32(np.sum(np.sin(x.astype(np.float32)))),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
@pytest.mark.parametrize("rough", HARD.values(), ids=HARD.keys())
def test_what_is_rough_is_as_rough_in_stacks(plan, rough):
    """Ladders, other points and long averages take stacks, and find the same."""
    alone = gradcheck.check_grad(rough, gradient_of, X, plan=plan)
    with np.errstate(invalid="ignore"):
        stacked = gradcheck.check_grad(row_by_row(rough), gradient_of, X, plan=plan, batched=True)
    assert told(stacked) == told(alone)


def test_long_averages_go_into_few_calls():
    """Those of a noisy function, whose points are known chain by chain."""
    calls = []

    def stacks(x):
        calls.append(len(x))
        return row_by_row(HARD["noise"])(x)

    report = gradcheck.check_grad(stacks, gradient_of, X, plan=PLANS["directions"], batched=True)
    assert report.evaluations > 100
    assert len(calls) < report.evaluations / 3


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_many_points_go_into_few_calls(plan):
    """Far fewer than there are points."""
    calls = []

    def stacks(x):
        calls.append(len(x))
        return np.sum(np.sin(x) * x, axis=(1, 2))

    report = gradcheck.check_grad(stacks, gradient_of, X, plan=plan, batched=True)
    assert report.ok
    assert sum(calls) >= report.evaluations
    assert len(calls) <= 12


def test_no_stack_is_longer_than_asked():
    """The caller's number counts."""
    lengths = []

    def stacks(x):
        lengths.append(len(x))
        return np.sum(x**3, axis=(1, 2))

    gradcheck.check_grad(stacks, lambda x: 3 * x**2, X, plan=PLANS["every"], batched=7)
    assert max(lengths[10:]) == 7


def test_product_in_both_directions_takes_stacks():
    """Array outputs: a leading axis on each of them."""

    def stacks(x):
        return {"y": np.tanh(x @ A), "n": len(x)}

    def vjp(x, dout):
        return ((1 - np.tanh(x @ A) ** 2) * dout["y"]) @ A.T

    def jvp(x, v):
        return {"y": (1 - np.tanh(x @ A) ** 2) * (v @ A), "n": None}

    for check, claim in (gradcheck.check_vjp, vjp), (gradcheck.check_jvp, jvp):
        for plan in PLANS.values():
            assert check(stacks, claim, X, plan=plan, batched=True).ok
    wrong = gradcheck.check_vjp(stacks, lambda x, dout: 2 * vjp(x, dout), X, batched=True)
    assert wrong.findings[0].cause is Cause.SCALE


def test_a_pytree_is_stacked_by_leaf_and_labels_are_not():
    """Numbers become arrays of one number a point, carried leaves stay as they are."""
    seen = []
    labels = np.arange(8) % 3

    def stacks(p):
        seen.append((p["W"].shape, np.shape(p["c"]), p["labels"].shape, p["name"]))
        scores = (p["W"] * p["c"][:, None, None])[:, :, p["labels"]]
        return np.sum(scores**2, axis=(1, 2))

    def grad(p):
        g = np.zeros_like(p["W"])
        picked = p["W"][:, p["labels"]]
        np.add.at(g, (slice(None), p["labels"]), 2 * p["c"] ** 2 * picked)
        return {"W": g, "c": 2 * p["c"] * np.sum(picked**2)}

    point = {"W": X[:4, :3].copy(), "c": 1.5, "labels": labels, "name": "cross"}
    report = gradcheck.check_grad(stacks, grad, point, plan=PLANS["every"], batched=True)
    assert report.ok
    assert all(
        (w[1:], labels_, name) == ((4, 3), (8,), "cross") and c == w[:1]
        for w, c, labels_, name in seen
    )


def test_value_and_gradient_come_in_stacks():
    """As with jac=True, of every point."""

    def pairs(x):
        return np.sum(np.sin(x) * x, axis=(1, 2)), gradient_of(x)

    assert gradcheck.check_grad(pairs, True, X, plan=PLANS["every"], batched=True).ok
    report = gradcheck.check_grad(lambda x: (pairs(x)[0], 2 * pairs(x)[1]), True, X, batched=True)
    assert report.findings[0].cause is Cause.SCALE


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128])
def test_other_dtypes_take_stacks(dtype):
    """float32 in float64 where f follows, complex entries twice."""
    z = (X + 1j * X[::-1]).astype(dtype) if np.dtype(dtype).kind == "c" else X.astype(dtype)

    def stacks(x):
        return np.sum(np.abs(x) ** 4, axis=(1, 2))

    def grad(x):
        return 4 * np.abs(x) ** 2 * x

    for plan in PLANS.values():
        assert gradcheck.check_grad(stacks, grad, z, plan=plan, batched=True).ok
        assert not gradcheck.check_grad(
            stacks, lambda x: 1.1 * grad(x), z, plan=plan, batched=True
        ).ok


@pytest.mark.parametrize("loss", LOSSES)
def test_the_reference_network_takes_stacks(loss):
    """Right in every plan, within the rounding of its products; a wrong weight is found."""
    network = Network((4, 6, 3), "tanh", loss, weight_decay=0.1)
    params = initialise(network, "xavier", np.random.default_rng(0))
    inputs, labels = RNG.normal(size=(10, 4)), np.arange(10) % 3
    batch = Batch(inputs, labels if loss == "softmax_cross_entropy" else np.eye(3)[labels])

    def gradient(p):
        return cost_and_gradient(network, p, batch)[1]

    def wrong(p):
        g = gradient(p)
        g["W1"][2, 3] *= 1.01
        return g

    def stacks(p):
        return stacked_cost(network, p, batch)

    for plan in PLANS.values():
        assert gradcheck.check_grad(stacks, gradient, params, plan=plan, batched=True).ok
    report = gradcheck.check_grad(stacks, wrong, params, plan=PLANS["every"], batched=True)
    assert np.argwhere(report.leaves["['W1']"].wrong).tolist() == [[2, 3]]
    assert [path for path, leaf in report.leaves.items() if leaf.verdict is not Verdict.PASS] == [
        "['W1']"
    ]


# --- what is promised ---------------------------------------------------------------------------


def normalised(x):
    """Subtract the mean of the stack, as batch normalisation does."""
    return np.sum(np.tanh(x - x.mean(axis=0)) ** 2, axis=(1, 2))


def placed(x):
    """Another value at each place."""
    return np.sum(x**2, axis=(1, 2)) * (1 + 0.1 * np.arange(len(x)))


def summed(x):
    """Reduce over the wrong axis: of as many numbers as there are points, by accident."""
    return np.sum(x**2, axis=(1, 2)).sum() * np.ones(len(x))


@pytest.mark.parametrize(
    ("stacks", "words"),
    [
        (normalised, "the other points of"),
        (summed, "the other points of"),
        (placed, "its place in"),
    ],
)
def test_a_value_that_depends_on_the_stack_is_named(stacks, words):
    """Once, in one sentence; nothing is certified."""
    report = gradcheck.check_grad(stacks, lambda x: 2 * x, X, batched=True)
    assert report.verdict is Verdict.INCONCLUSIVE
    (finding,) = report.findings
    assert finding.cause is Cause.TRANSFORMED
    assert f"depends on {words} the stack" in finding.message


@pytest.mark.parametrize("side", [1, -1])
def test_neighbours_are_named_at_the_edge_of_the_domain(side):
    """Where points on both sides of x make f raise, and copies of x have no others beside them."""

    def stacks(x):
        if (side * (x - X) < 0).any():
            raise ValueError("outside")
        return np.sum(np.sin(x) * x, axis=(1, 2)) + 1e-3 * np.sum(x - x.mean(axis=0), axis=(1, 2))

    report = gradcheck.check_grad(stacks, gradient_of, X, plan=PLANS["every"], batched=True)
    assert report.findings[0].cause is Cause.TRANSFORMED


def test_random_numbers_for_the_whole_stack_are_named():
    """Held still, they still differ from row to row."""
    rng = np.random.default_rng(3)

    def stacks(x):
        return np.sum(x**2 * (rng.random(x.shape) < 0.5), axis=(1, 2))

    def grad(x):
        return 2 * x * (rng.random(x.shape) < 0.5)

    report = gradcheck.check_grad(stacks, grad, X, batched=True, random=rng)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "one set of random numbers" in report.findings[0].message

    def shared(x):
        return np.sum(x**2 * (rng.random(x.shape[1:]) < 0.5), axis=(1, 2))

    before = rng.bit_generator.state
    for plan in PLANS.values():
        assert gradcheck.check_grad(shared, grad, X, batched=True, random=rng, plan=plan).ok
    assert rng.bit_generator.state == before


def test_a_stack_that_is_changed_is_named():
    """Only where there are several points, else the contract has seen it."""

    def stacks(x):
        if len(x) > 1:
            x -= 1
            return np.sum((x + 1) ** 2, axis=(1, 2))
        return np.sum(x**2, axis=(1, 2))

    report = gradcheck.check_grad(stacks, lambda x: 2 * x, X, batched=True)
    assert report.findings[0].cause is Cause.MUTATED_INPUT


def test_no_value_for_each_point_is_refused():
    """In a sentence that says what is missing."""
    with pytest.raises(UsageError, match="along a leading axis of length 1"):
        gradcheck.check_grad(lambda x: np.sum(x**2), lambda x: 2 * x, X, batched=True)
    report = gradcheck.check_grad(
        lambda x: np.array([np.sum(x**2)]), lambda x: 2 * x, X, batched=True
    )
    assert report.findings[0].cause is Cause.SHAPE
    assert "leading axis of length 4" in report.findings[0].message


@pytest.mark.parametrize("batched", [0, -3, 2.5, "yes", None, [1]], ids=repr)
def test_other_words_are_refused(batched):
    """True, a number, auto or a callable."""
    with pytest.raises(UsageError, match="batched is"):
        Problem(f, gradient_of, X, batched=batched)


# --- tried, and done without --------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_auto_finds_stacks(plan):
    """Of what takes both, and of what takes stacks only."""
    calls = []

    def both(x):
        calls.append(x.ndim)
        return np.sum(np.sin(x) * x, axis=(-2, -1))

    assert gradcheck.check_grad(both, gradient_of, X, plan=plan, batched="auto").ok
    assert calls.count(3) > 0
    assert len(calls) <= 16

    def stacks(x):
        return np.sum(np.sin(x) * x, axis=(1, 2))

    report = gradcheck.check_grad(stacks, gradient_of, X, plan=plan, batched="auto")
    assert report.ok
    assert not report.findings


@pytest.mark.parametrize(
    "alone", [f, lambda x: np.sum(np.sin(x[:, :8]) * x[:, :8]) if x.ndim == 2 else 1 / 0]
)
def test_auto_does_without_and_says_so(alone):
    """With one remark, and the report of single points."""
    plain = gradcheck.check_grad(alone, gradient_of, X, plan=PLANS["every"])
    report = gradcheck.check_grad(alone, gradient_of, X, plan=PLANS["every"], batched="auto")
    assert report.verdict is plain.verdict
    assert told(replace(report, findings=())) == told(replace(plain, findings=()))
    (remark,) = report.findings
    assert remark.message.startswith("Points went to f one by one: ")


def test_auto_meets_a_function_that_fails_either_way():
    """The finding is that of a point."""
    report = gradcheck.check_grad(lambda x: x.nothing, gradient_of, X, batched="auto")
    assert report.findings[0].cause is Cause.RAISED


def test_a_callable_takes_the_stacks():
    """And `f` the points."""
    lengths = []

    def stacks(x):
        lengths.append(len(x))
        return np.sum(np.sin(x) * x, axis=(1, 2))

    report = gradcheck.check_grad(f, gradient_of, X, plan=PLANS["every"], batched=stacks)
    assert report.ok
    assert not report.findings
    assert sum(lengths) > 2 * X.size
    other = gradcheck.check_grad(f, gradient_of, X, batched=lambda x: 2 * stacks(x))
    assert other.ok
    assert "one by one" in other.findings[0].message


# --- trouble in a row ---------------------------------------------------------------------------


def edge(x):
    """Refuse a whole stack because of one point."""
    if (x[..., 0, 0] > X[0, 0]).any():
        raise ValueError("outside")
    return np.sum(x**2, axis=(-2, -1))


def hole(x):
    """NaN in one row."""
    return np.where(x[..., 0, 0] > X[0, 0], np.nan, np.sum(x**2, axis=(-2, -1)))


@pytest.mark.parametrize("broken", [edge, hole])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_one_point_that_fails_fails_alone(broken, plan):
    """What is said of it is what is said without stacks."""
    alone = gradcheck.check_grad(broken, lambda x: 2 * x, X, plan=plan)
    stacked = gradcheck.check_grad(
        row_by_row(broken) if broken is hole else broken,
        lambda x: 2 * x,
        X,
        plan=plan,
        batched=True,
    )
    assert stacked.verdict is alone.verdict
    assert [finding.cause for finding in stacked.findings] == [
        finding.cause for finding in alone.findings
    ]


def rounding_by_place(x):
    """Add rounding that no single point has, as matrix products do."""
    wobble = 1 + 2.0**-50 * (np.arange(len(x)) % 3)
    return np.sum(np.sin(x) * x, axis=(1, 2)) * wobble


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_rounding_of_stacks_is_no_false_alarm(plan):
    """It is measured, and enters the error bars."""
    report = gradcheck.check_grad(rounding_by_place, gradient_of, X, plan=plan, batched=True)
    assert report.verdict is not Verdict.FAIL
    alone = gradcheck.check_grad(f, gradient_of, X, plan=plan)
    assert report.leaves["x"].error_bar >= alone.leaves["x"].error_bar
    wrong = gradcheck.check_grad(
        rounding_by_place, lambda x: 1.01 * gradient_of(x), X, plan=plan, batched=True
    )
    assert wrong.verdict is Verdict.FAIL


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_an_unused_leaf_is_zero_within_the_rounding_of_stacks(plan):
    """The function does not move with it, but for its place in a stack."""

    def stacks(p):
        return rounding_by_place(p["x"])

    def grad(p):
        return {"x": gradient_of(p["x"]), "unused": np.zeros(3)}

    point = {"x": X, "unused": np.ones(3)}
    report = gradcheck.check_grad(stacks, grad, point, plan=plan, batched=True)
    assert report.verdict is not Verdict.FAIL


def long_rounding(x):
    """Round otherwise in long stacks only."""
    return rounding_by_place(x) if len(x) > 10 else np.sum(np.sin(x) * x, axis=(1, 2))


def long_neighbours(x):
    """Look at neighbours in long stacks only."""
    values = np.sum(np.sin(x) * x, axis=(1, 2))
    return values + (1e-3 * np.arange(len(x)) if len(x) > 10 else 0.0)


def test_rounding_of_long_stacks_enters_the_error_bars():
    """As x itself is put beside the points of each."""
    alone = gradcheck.check_grad(f, gradient_of, X, plan=PLANS["every"])
    report = gradcheck.check_grad(long_rounding, gradient_of, X, plan=PLANS["every"], batched=True)
    assert report.verdict is not Verdict.FAIL
    assert report.leaves["x"].error_bar > alone.leaves["x"].error_bar


@pytest.mark.parametrize("plan", ["every", "sample"])
@pytest.mark.parametrize("batched", [True, 32])
def test_long_stacks_that_are_others_are_given_up(plan, batched):
    """Their values are thrown away, and points go one by one."""
    alone = gradcheck.check_grad(f, gradient_of, X, plan=PLANS[plan])
    report = gradcheck.check_grad(
        long_neighbours, gradient_of, X, plan=PLANS[plan], batched=batched
    )
    assert report.ok
    assert report.leaves["x"].error_bar == alone.leaves["x"].error_bar
    (remark,) = report.findings
    assert "in a longer stack than those that were tried" in remark.message


def long_average(x):
    """Push values away from the mean of long stacks, which is that of x by itself."""
    values = np.sum(np.sin(x) * x, axis=(1, 2))
    return values + (1e-3 * (values - values.mean()) if len(x) > 4 else 0.0)


def long_middle(x):
    """Be wrong in long stacks between their ends."""
    values = np.sum(np.sin(x) * x, axis=(1, 2))
    values[4:-1] *= 1.001
    return values


def long_memory():
    """Remember long stacks by where they lie in memory."""
    known = {}

    def stacks(x):
        values = np.sum(np.sin(x) * x, axis=(1, 2))
        return values if len(x) < 6 else known.setdefault((x.ctypes.data, len(x)), values)

    return stacks


@pytest.mark.parametrize("plan", ["every", "sample"])
@pytest.mark.parametrize("batched", [True, 8, 16])
@pytest.mark.parametrize("made", [lambda: long_average, lambda: long_middle, long_memory])
def test_long_stacks_in_which_x_alone_is_right_are_given_up(made, batched, plan):
    """A claim that is wrong as they are does not pass, and a right one does not fail."""
    stacks = made()

    def wrong(x):
        return 1.001 * gradient_of(x)

    right = gradcheck.check_grad(stacks, gradient_of, X, plan=PLANS[plan], batched=batched)
    assert right.verdict is Verdict.PASS
    report = gradcheck.check_grad(stacks, wrong, X, plan=PLANS[plan], batched=batched)
    assert report.verdict is Verdict.FAIL


@pytest.mark.parametrize("plan", ["every", "sample"])
def test_long_stacks_of_float32_are_given_up_in_float64_too(plan):
    """Where `f` follows its input, the points near x are evaluated in more digits."""
    x = X.astype(np.float32)
    for factor, verdict in (1, Verdict.PASS), (1.001, Verdict.FAIL):
        report = gradcheck.check_grad(
            long_average,
            lambda x, factor=factor: (factor * gradient_of(x)).astype(x.dtype),
            x,
            plan=PLANS[plan],
            batched=True,
        )
        assert report.verdict is verdict


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
@pytest.mark.parametrize("most", [1, 2, 4, 5, 6, 7, 16, 17])
def test_a_known_point_makes_no_stack_longer_than_asked(most, plan):
    """It counts as one of them."""
    lengths = []

    def stacks(x):
        lengths.append(len(x))
        return np.sum(x**3 + np.sin(x), axis=(1, 2))

    gradcheck.check_grad(stacks, lambda x: 1.1 * x**2, X, plan=plan, batched=most)
    assert max(lengths[9:]) <= max(most, 4)  # those of 3 and 4 are tried in any case


# --- together with the rest ---------------------------------------------------------------------


def test_a_budget_counts_points():
    """No point more than it allows, and the account of what it has bought."""
    points = []

    def stacks(x):
        points.append(len(x))
        return np.sum(np.sin(x) * x, axis=(1, 2))

    plan = Plan.every(seed=1, budget=60)
    report = gradcheck.check_grad(stacks, gradient_of, X, plan=plan, batched=True)
    assert report.evaluations <= 60
    assert report.findings[-1].cause is Cause.BUDGET
    late = gradcheck.check_grad(
        stacks, gradient_of, X, plan=Plan.every(seed=1, budget=Budget(seconds=1e-9)), batched=True
    )
    assert late.verdict is Verdict.INCONCLUSIVE


def test_with_workers_and_a_journal(tmp_path):
    """Threads measure in stacks too; with a journal points go one by one; both find the same."""

    def claim(x):
        return 1.01 * gradient_of(x)

    stacks = row_by_row(f)
    plain = gradcheck.check_grad(stacks, claim, X, plan=PLANS["sample"], batched=True)
    with ThreadPoolExecutor(2) as pool:
        there = gradcheck.check_grad(
            stacks, claim, X, plan=PLANS["sample"], batched=True, executor=pool
        )
    assert told(there) == told(plain)
    for _ in range(2):
        kept = gradcheck.check_grad(
            stacks, claim, X, plan=PLANS["sample"], batched=True, journal=tmp_path / "kept"
        )
        assert told(kept) == told(plain)


def test_bounds_hold_in_stacks():
    """No point of a stack is outside."""
    seen = []

    def stacks(x):
        seen.append((x.min(), x.max()))
        return np.sum(np.sin(x) * x, axis=(1, 2))

    low, high = X.min(), X.max()
    for plan in PLANS.values():
        report = gradcheck.check_grad(
            stacks, gradient_of, X, plan=plan, batched=True, bounds=(low, high)
        )
        assert report.ok
    assert min(a for a, _ in seen) >= low
    assert max(b for _, b in seen) <= high


def test_a_reference_takes_stacks_as_f_does():
    """It is called at single points of a stack."""
    x = X.astype(np.float32)

    def coarse(x):
        return np.sum((x.astype(np.float16) ** 2).astype(np.float32), axis=(1, 2))

    def fine(x):
        assert x.ndim == 3
        return np.sum(x**2, axis=(1, 2))

    report = gradcheck.check_grad(coarse, lambda x: 2 * x, x, batched=True, reference=fine)
    assert report.verdict is Verdict.PASS


def test_numbers_without_a_claim():
    """Measure in stacks what is measured point by point, bit for bit."""
    d, s = (
        gradcheck.derivative(g, X, np.ones_like(X), batched=b)
        for g, b in ((f, False), (row_by_row(f), True))
    )
    assert (d.value, d.error_bar) == (s.value, s.error_bar)
    calls = []
    stacked = gradcheck.gradient(lambda x: calls.append(1) or row_by_row(f)(x), X, batched=True)
    alone = gradcheck.gradient(f, X)
    assert np.array_equal(stacked.value, alone.value)
    assert np.array_equal(stacked.error_bar, alone.error_bar)
    assert len(calls) < alone.evaluations / 4
    with pytest.raises(UsageError, match="the other points"):
        gradcheck.gradient(normalised, X, batched=True)


def test_the_point_stays_as_it_is():
    """Also where a stack is written to after the first calls."""
    calls = []

    def sly(x):
        calls.append(1)
        value = np.sum(np.sin(x) * x, axis=(1, 2))
        if len(calls) > 12:
            x += 1
        return value

    x = X.copy()
    gradcheck.check_grad(sly, gradient_of, x, plan=PLANS["every"], batched=True)
    assert np.array_equal(x, X)


def test_a_jacobian_takes_stacks_and_a_hessian_is_refused():
    """Wrong pairs are named; second derivatives are taken at one point after another."""

    def stacks(x):
        return np.sin(x @ A)

    def jac(x):
        return np.cos(x @ A)[:, None] * A.T

    x = X[0]
    assert gradcheck.check_jacobian(stacks, jac, x, plan=Plan.every(seed=1), batched=True).ok

    def wrong(x):
        j = jac(x)
        j[1, 4] *= 2
        return j

    for batched in True, "auto", 8:
        report = gradcheck.check_jacobian(stacks, wrong, x, batched=batched)
        assert report.findings[0].evidence["pairs"] == [[1, 4]]
    with pytest.raises(UsageError, match="check_hessian takes points one by one"):
        gradcheck.check_hessian(stacks, jac, x, batched=True)
    with pytest.raises(UsageError, match="check_hvp takes points one by one"):
        gradcheck.check_hvp(stacks, lambda x, v: v, x, batched=True)


@pytest.mark.parametrize("batched", [True, "auto"])
def test_an_output_that_contains_itself_is_refused(batched):
    """It was a RecursionError, out of the reading of a stack of one."""

    def f(x):
        endless = [np.sum(x, axis=-1)]
        endless.append(endless)
        return endless

    x = np.array([0.5, 1.5])
    with pytest.raises(UsageError, match="contains itself"):
        gradcheck.check_vjp(f, lambda x, dout: np.ones(2), x, batched=batched)


def test_values_that_are_infinite_alone_and_in_a_stack_are_the_same():
    """Beside an output without entries, it was a bare ValueError, of the largest of no entries."""
    here = np.array([0.5, 1.5])

    def f(x):
        return [np.zeros(0), np.ones(()) if np.array_equal(x, here) else np.array(np.inf)]

    def rows(stack):
        return [np.zeros((len(stack), 0)), np.array([f(x)[1] for x in stack])]

    reports = [
        gradcheck.check_vjp(
            f, lambda x, dout: np.zeros(2), here, plan=Plan.auto(seed=0), batched=batched
        )
        for batched in (False, rows)
    ]
    assert reports[0].verdict is reports[1].verdict is Verdict.INCONCLUSIVE
    assert reports[0].findings == reports[1].findings


@pytest.mark.parametrize("call", range(1, 8))
def test_a_point_that_the_claim_has_reshaped_is_judged_as_without_stacks(call):
    """It was a bare ValueError, of a point that fits in no stack."""
    found = []
    for batched in False, True:
        x = {"a": np.array(0.1257, np.float32), "b": np.array([0.1257, -0.1321], np.float32)}
        calls = []

        def f(x, batched=batched):
            a, b = (x["a"], x["b"]) if batched else (x["a"][None], x["b"][None])
            total = np.sin(a) + np.sin(b).reshape(len(a), -1).sum(axis=1)
            return total if batched else total[0]

        def jvp(x, v, calls=calls):
            pushed = np.cos(x["a"]) * v["a"] + np.cos(x["b"]).reshape(-1) @ v["b"].reshape(-1)
            calls.append(x)
            if len(calls) == call:
                x["b"].shape = (2, 1)
            return pushed

        report = gradcheck.check_jvp(f, jvp, x, plan=Plan.auto(seed=0), batched=batched)
        found.append((report.verdict, [finding.cause for finding in report.findings]))
        assert x["b"].shape == (2,)
    assert found[0] == found[1]
