"""Claims of few digits: what a reference in more can say of them, and what the report promises."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, Report, Verdict
from gradcheck.render.text import percent

ml_dtypes = pytest.importorskip("ml_dtypes")
FORMATS = {"float16": np.dtype("f2"), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
SEEDS = range(4)


def layer(dtype, seed, factor=1.0):
    """Pose a layer that casts on entry: forward, backward times a factor, point, and reference."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((6, 3)).astype(ml_dtypes.bfloat16)
    point = {"W": (rng.standard_normal((3, 4)) / 2).astype(dtype)}

    def forward(p):
        z = x.astype(np.float32) @ p["W"].astype(dtype).astype(np.float32)
        return np.tanh(z.astype(dtype))

    def backward(p, dout):
        h = forward(p)
        dz = (dout.astype(dtype) * (dtype.type(1) - h * h)).astype(np.float32)
        return {"W": (factor * (x.astype(np.float32).T @ dz)).astype(dtype)}

    def reference(p):
        return np.tanh(x.astype(float) @ p["W"])

    return forward, backward, point, reference


def check(dtype, seed, factor=1.0):
    """Check it beside its reference."""
    f, vjp, point, reference = layer(dtype, seed, factor)
    plan = Plan.auto(seed=seed, naming=0)
    return gradcheck.check_vjp(f, vjp, point, reference=reference, plan=plan)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", FORMATS.values(), ids=FORMATS)
def test_right_claim_of_few_digits_passes_and_says_what_would_have_been_seen(dtype, seed):
    """A few percent of the leaf as a whole, and not one entry."""
    report = check(dtype, seed)
    leaf = report.leaves["['W']"]
    assert report.ok
    assert 0 < leaf.whole < (0.1 if dtype.kind == "f" else 0.6)
    assert "as a whole would have been seen" in str(report)
    assert Report.from_json(report.to_json()).leaves["['W']"].whole == leaf.whole


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", FORMATS.values(), ids=FORMATS)
def test_error_above_what_is_certified_is_seen(dtype, seed):
    """A factor a little above the limit of the right claim does not pass."""
    limit = check(dtype, seed).leaves["['W']"].whole
    assert check(dtype, seed, 1 + 1.2 * limit).verdict is not Verdict.PASS
    assert check(dtype, seed, 1 + 2 * limit).verdict is Verdict.FAIL


def test_claim_on_the_other_side_of_a_kink_is_not_failed():
    """Rounding of x sets one unit of a ReLU on, which is off in more digits."""
    dtype = FORMATS["bfloat16"]
    x = np.array([1.0, 2.0**-9], dtype)  # 1 + 2^-9 rounds to 1 in a kernel that adds in its dtype
    bias = dtype.type(-1.0)

    def pre(p):
        return (p.astype(dtype)[:1] + p.astype(dtype)[1:]) + bias  # 0 as rounded, 2^-9 in truth

    report = gradcheck.check_vjp(
        lambda p: np.maximum(pre(p), dtype.type(0)),
        lambda p, dout: np.repeat(np.where(pre(p) > 0, dout.astype(dtype), dtype.type(0)), 2),
        x,
        reference=lambda p: np.maximum(p[:1] + p[1:] - 1, 0),
        plan=Plan.auto(seed=0),
    )
    assert report.verdict is not Verdict.FAIL


def test_claim_that_mixes_long_and_short_is_judged_as_short():
    """The regression: multiplied by a long cotangent it came back long, and failed as exact."""
    dtype = FORMATS["bfloat16"]
    x = np.linspace(0.3, 1.4, 8).astype(dtype)
    report = gradcheck.check_vjp(
        lambda x: np.sin(x.astype(dtype)),
        lambda x, dout: np.cos(x.astype(dtype)) * dout,
        x,
        reference=np.sin,
        plan=Plan.auto(seed=1),
    )
    assert report.ok


def test_constant_claim_is_still_judged_in_more_digits():
    """A linear function's claim never moves, in whatever digits: that alone is no rounding."""
    a, x = np.linspace(1, 2, 5), np.linspace(0.5, 1, 5).astype("f4")
    report = gradcheck.check_grad(lambda x: a @ x, lambda x: a, x, plan=Plan.auto(seed=1))
    assert report.ok
    assert report.leaves["x"].bar < 1e-7


def test_what_stays_open_says_what_would_have_been_seen():
    """Alone, two digits leave little: the sentence says how little."""
    f, vjp, point, _ = layer(FORMATS["bfloat16"], 0)
    report = gradcheck.check_vjp(f, vjp, point, plan=Plan.auto(seed=0, naming=0))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].cause in (Cause.PRECISION, Cause.NOISE)
    assert " % would have been seen" in report.findings[0].message


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0234, "3 %"), (0.02, "2 %"), (0.31, "40 %"), (1.2, "200 %"), (0.0041, "0.5 %")],
)
def test_percent_rounds_up(share, text):
    """A limit is promised, so that it must not be rounded down."""
    assert percent(share) == text


def test_every_leaf_says_how_large_a_factor_would_show():
    """Of a float64 leaf a far smaller one than of one entry; of a claimed zero none."""
    report = gradcheck.check_grad(
        lambda p: np.sum(p["a"] ** 3), lambda p: {"a": 3 * p["a"] ** 2, "b": 0 * p["b"]},
        {"a": np.linspace(0.5, 2, 6), "b": np.ones(3)}, plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert 0 < report.leaves["['a']"].whole < 1e-4
    assert np.isnan(report.leaves["['b']"].whole)


# --- what x says is not averaged away -------------------------------------------------------


def beside_a_minimum(distance, seed, factor=1.0):
    """Check -sin, times a factor, of a cosine in float32 so far from its maximum."""
    middle = np.float32(1.5)
    return gradcheck.check_grad(
        lambda x: np.cos(x.astype("f4") - middle)[0],
        lambda x: (factor * -np.sin(x.astype("f4") - middle)).astype("f4"),
        np.array([1.5 + distance], "f4"),
        plan=Plan.auto(seed=seed, naming=0),
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("distance", [1e-3, 3e-3, 6e-3])
def test_mismatch_at_x_is_not_averaged_away(distance, seed):
    """The regression: around x the claims cross the right ones, and the middle was left open."""
    assert beside_a_minimum(distance, seed).ok
    for factor in (0.0, -1.0, 0.5):
        assert beside_a_minimum(distance, seed, factor).verdict is Verdict.FAIL


@pytest.mark.parametrize("seed", range(4))
def test_middle_of_claims_that_cross_zero_promises_no_factor(seed):
    """The regression: half the slope was promised to be seen, and scatters far more than that."""
    right = beside_a_minimum(3e-4, seed).leaves["x"]
    wrong = beside_a_minimum(3e-4, seed, 0.5)
    assert right.verdict is Verdict.PASS
    assert wrong.verdict is Verdict.FAIL or not right.whole < 0.5


# --- the smallest numbers of a dtype --------------------------------------------------------


def tiny_wave(dtype, power, seed, factor=1.0, mode="reference", **plan):
    """Check sin(x) 2^power, times a factor, of one output an entry."""
    dtype, size = np.dtype(dtype), 2.0**power
    x = np.random.default_rng(seed).standard_normal(6).astype(dtype)

    def own(x):
        return (np.sin(x.astype(dtype)) * dtype.type(size)).astype(dtype)

    def vjp(x, dout):
        slope = np.cos(x.astype(dtype)) * dtype.type(factor * size)
        return (slope * dout.astype(dtype)).astype(dtype)

    def wide(x):
        return np.sin(x) * size

    return gradcheck.check_vjp(
        wide if mode == "follows" else own,
        vjp,
        x,
        plan=Plan.auto(seed=seed, **plan),
        **({"reference": wide} if mode == "reference" else {}),
    )


TINY = [("f2", -14), ("f2", -18), ("f2", -21), ("f2", -23), ("f2", -26),
        ("f4", -130), ("f4", -140), ("f4", -147)]  # fmt: skip


@pytest.mark.parametrize("mode", ["alone", "reference", "follows"])
@pytest.mark.parametrize(("dtype", "power"), TINY)
def test_right_claim_among_the_smallest_numbers_is_not_failed(dtype, power, mode):
    """The regression: their rounding is no share of them, and was taken for an error."""
    for seed in SEEDS:
        assert tiny_wave(dtype, power, seed, mode=mode, naming=0).verdict is not Verdict.FAIL


@pytest.mark.parametrize("mode", ["reference", "follows"])
@pytest.mark.parametrize("seed", SEEDS)
def test_claim_that_is_zero_as_rounded_passes_and_says_so(seed, mode):
    """The regression: it failed, as zero where f depends on x, and is the nearest that there is."""
    report = tiny_wave("f2", -30, seed, mode=mode, canary=True)
    assert report.ok
    assert "below what its dtype can hold" in str(report)


@pytest.mark.parametrize("seed", SEEDS)
def test_zero_where_the_dtype_could_hold_more_still_fails(seed):
    """The wrong twin: the slope is a hundred times the smallest number."""
    assert tiny_wave("f2", -17, seed, 0.0).verdict is Verdict.FAIL
    assert tiny_wave("f4", -140, seed, 0.0).verdict is not Verdict.PASS


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("dtype", "power"), TINY[:-2])
def test_error_above_what_is_certified_of_the_smallest_numbers_is_seen(dtype, power, seed):
    """Half as much again; where that may be rounding, neither is it passed."""
    limit = tiny_wave(dtype, power, seed, naming=0).leaves["x"].whole
    wrong = tiny_wave(dtype, power, seed, 1.5, naming=0)
    assert wrong.verdict is Verdict.FAIL or not limit < 0.5
    if power in (-21, -23):
        assert wrong.verdict is not Verdict.PASS


def test_gradient_with_a_tiny_leaf_beside_a_large_one():
    """The regression: its entries failed one by one where they were looked at."""
    size = np.float16(2.0**-21)
    x = np.random.default_rng(3).standard_normal(5).astype("f2")
    report = gradcheck.check_grad(
        lambda p: np.sin(p["a"]).sum() + float(size) * np.cos(p["b"]).sum(),
        lambda p: {
            "a": np.cos(p["a"].astype("f2")),
            "b": (-np.sin(p["b"].astype("f2")) * size).astype("f2"),
        },
        {"a": x, "b": x[::-1].copy()},
        plan=Plan.every(seed=1),
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.leaves["['a']"].verdict is Verdict.PASS
    assert "smallest numbers of its dtype" in str(report).replace("\n  ", " ")


def test_slope_below_the_rounding_of_what_stands_still_is_not_failed():
    """1 + erf is exactly 0 where its slope is not; a slope of what f does not use is wrong."""
    from math import erf, exp, pi, sqrt

    def saturated(x):
        return np.float32(0.5) * (np.float32(1) + np.float32(erf(x[0] / sqrt(2))))

    x = np.array([-8.3], "f4")
    report = gradcheck.check_grad(
        saturated,
        lambda x: np.array([exp(-(float(x[0]) ** 2) / 2) / sqrt(2 * pi)], "f4"),
        x,
        plan=Plan.auto(seed=1),
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    wrong = gradcheck.check_grad(saturated, lambda x: np.ones(1, "f4"), x, plan=Plan.auto(seed=1))
    assert wrong.verdict is Verdict.FAIL


def test_claim_that_is_rounding_of_another_leaf_is_not_failed_where_f_stands_still():
    """The regression: a layer norm of one number, whose centre is its rounding, 316 times."""
    far = np.float32(1e3)

    def centred(x):  # 0, but for rounding
        return ((x.astype("f4") + far) - far) - x.astype("f4")

    report = gradcheck.check_grad(
        lambda p: np.float32(0) * p["gain"].astype("f4").sum(),
        lambda p: {"x": 0 * p["x"], "gain": np.float32(316) * centred(p["x"])},
        {"x": np.linspace(-8.4784, 3.3, 5).astype("f4"), "gain": np.ones(5, "f4")},
        plan=Plan.auto(seed=1),
    )
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "it cancels" in str(report).replace("\n  ", " ")


def test_plain_zero_in_few_digits_is_not_remarked_on():
    """Where f stands still at 0, nothing is below what the dtype can hold."""
    report = gradcheck.check_grad(
        lambda x: np.float32(0) * x.astype("f4").sum(), np.zeros_like, np.ones(3, "f4"),
        plan=Plan.auto(seed=1),
    )  # fmt: skip
    assert report.ok
    assert "can hold" not in str(report)
