"""Functions that lose digits inside: a staircase over small steps, a slope over large ones."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, Verdict

SEEDS = range(10)


def softplus(x):
    """Naive: far below zero 1 + exp(x) keeps few digits of exp(x)."""
    return np.sum(np.log(1 + np.exp(x)))


def sigmoid(x):
    """Its slope."""
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_of_rounded_values_are_not_taken_for_the_slope(seed):
    """(1 - cos x) / x^2 near 0: each tread slopes by -2 f/x, the function hardly at all."""
    x = np.array([1e-3, 1.3e-3, -0.9e-3])
    plan = Plan.auto(seed=seed)

    def f(x):
        return np.sum((1 - np.cos(x)) / x**2)

    assert gradcheck.check_grad(f, lambda x: -x / 12 + x**3 / 180, x, plan=plan).verdict is not (
        Verdict.FAIL
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_flat_tread_is_not_a_derivative_of_zero(seed):
    """Naive softplus at -30: the complex step confirms what large steps show."""
    x = np.array([-30.0, -29.0, -31.0])
    report = gradcheck.check_grad(softplus, sigmoid, x, plan=Plan.auto(seed=seed))
    assert report.verdict is Verdict.PASS


@pytest.mark.parametrize("factor", [-1.0, 0.0, 3.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_grossly_wrong_claim_on_a_staircase_does_not_pass(seed, factor):
    """Large steps do not agree with it either."""
    x = np.array([-30.0, -29.0, -31.0])
    report = gradcheck.check_grad(
        softplus, lambda x: factor * sigmoid(x), x, plan=Plan.auto(seed=seed)
    )
    assert report.verdict is not Verdict.PASS


@pytest.mark.parametrize("seed", SEEDS)
def test_mask_of_a_clip_left_out_still_fails(seed):
    """Flat at every small step, and sloping beyond the clip: no staircase."""
    x = np.array([1.01, -1.02, 1.1, 0.5])
    report = gradcheck.check_grad(
        lambda x: np.sum(np.clip(x, -1, 1)), np.ones_like, x, plan=Plan.auto(seed=seed)
    )
    assert report.verdict is Verdict.FAIL
    assert report.leaves["x"].wrong.tolist() == [True, True, True, False]


def test_reason_says_which_steps_agree():
    """Where no referee helps: a function that takes no complex numbers and no more digits."""

    def f(x):
        return float(np.log(1 + np.exp(float(x[0]))))

    reports = [
        gradcheck.check_grad(f, lambda x: sigmoid(x), np.array([-31.0]), plan=Plan.auto(seed=s))
        for s in SEEDS
    ]
    assert all(report.verdict is not Verdict.FAIL for report in reports)
    assert {f.cause for report in reports for f in report.findings} <= {Cause.PRECISION}


@pytest.mark.parametrize("gap", [1e-7, 1e-9])
def test_broad_tread_beside_its_edge_keeps_its_slope_of_zero_in_the_bar(gap):
    """The regression: floor was given the slope across its steps, with a bar of 0.2 %."""

    def f(z):
        return np.floor(1000 * z) / 1000

    measured = gradcheck.derivative(f, 1.451 - gap)
    assert measured.error_bar >= abs(measured.value)


def test_input_rounded_to_float32_keeps_the_slope_across_its_steps():
    """Its steps are many over any window: the right twin."""
    measured = gradcheck.derivative(lambda z: np.sin(np.float64(np.float32(z))), 0.7)
    assert abs(measured.value - np.cos(0.7)) <= measured.error_bar <= 1e-2


def rounded(x):
    """Keep three decimals."""
    return np.round(x, 3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("f", "size"),
    [(f, n) for f in (np.sign, np.round, np.floor) for n in (20, 400)] + [(rounded, 20)],
    ids=lambda given: getattr(given, "__name__", given),
)
def test_zero_of_many_steps_is_not_called_wrong(f, size, seed):
    """The regression: of 400 signs the steps together have a slope and noise."""
    x = 3 * np.random.default_rng(seed).standard_normal(size)
    weights = np.random.default_rng(9).standard_normal(size)
    plan = Plan.auto(seed=seed)
    for report in (
        gradcheck.check_vjp(f, lambda x, dout: 0 * dout, x, plan=plan),
        gradcheck.check_grad(lambda x: float(weights @ f(x)), lambda x: 0 * x, x, plan=plan),
    ):
        assert report.verdict is not Verdict.FAIL, str(report)


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_zero_claimed_of_a_slope_still_fails(dtype, noise):
    """Rounded to float32 and noisy, too: there f moves beside x as the slope says."""
    x = np.random.default_rng(0).standard_normal(400).astype(dtype)
    rng = np.random.default_rng(1)

    def f(x):
        wave = float(np.sum(np.sin(x.astype("f4")))) if dtype == "f4" else np.sum(np.sin(x))
        return wave + noise * rng.standard_normal()

    report = gradcheck.check_grad(f, np.zeros_like, x, plan=Plan.auto(seed=3))
    expected = Verdict.FAIL if noise < 1e-3 else Verdict.INCONCLUSIVE
    assert report.verdict in (Verdict.FAIL, expected), str(report)


def test_slope_of_what_is_rounded_to_eight_bits_is_not_called_wrong():
    """The regression: a plateau of bfloat16 about x was taken for a derivative of zero."""
    x, slope = -0.74609375, -0.12193577364087105

    def in_eight_bits(t):
        value = np.float32(1.0859375 + slope * (t - x) - 2.2 * (t - x) ** 2)
        return float((value.view(np.uint32) + np.uint32(0x8000) & np.uint32(0xFFFF0000)).view("f4"))

    for seed in SEEDS:
        report = gradcheck.check_grad(in_eight_bits, lambda _: slope, x, plan=Plan.auto(seed=seed))
        assert report.verdict is not Verdict.FAIL, str(report)


@pytest.mark.parametrize("seed", SEEDS)
def test_slope_claimed_of_a_plateau_still_fails(seed):
    """Where f is constant about x and smooth beyond, it is on no grid."""

    def clipped(x):
        return float(np.maximum(np.abs(x - 0.3) - 0.1, 0) ** 2)

    report = gradcheck.check_grad(clipped, lambda _: 0.5, 0.3, plan=Plan.auto(seed=seed))
    assert report.verdict is Verdict.FAIL, str(report)


@pytest.mark.parametrize("decimals", [0, 1, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_slope_is_sought_in_rounded_entries_of_which_zero_is_claimed(seed, decimals):
    """They stand still beside x and move farther out: a slope over long ways would be no news."""
    rng = np.random.default_rng(seed)
    x, c = rng.normal(size=20), rng.normal(size=20)
    report = gradcheck.check_grad(
        lambda x: np.sum(c * np.round(x, decimals)), np.zeros_like, x, plan=Plan.auto(seed=seed)
    )
    assert report.verdict is not Verdict.FAIL
    assert report.evaluations < 2 * 100  # two lines, and no hundred differences of either


@pytest.mark.parametrize("seed", [*SEEDS, 35, 59])  # the last two failed
def test_rounding_in_the_place_of_zero_does_not_fail_for_jumps_farther_out(seed):
    """The sign of x, computed as x / |x| through powers; of its derivative, rounding is left."""
    rng = np.random.default_rng(seed)
    x, c = rng.normal(size=20), rng.normal(size=20)

    def f(x):
        return np.sum(c * x / (np.abs(x) ** 3) ** (1 / 3))

    def grad(x):
        size = np.abs(x)
        return c * (1 / (size**3) ** (1 / 3) - size * (size**3) ** (-4 / 3) * size**2)

    report = gradcheck.check_grad(f, grad, x, plan=Plan.auto(seed=seed))
    assert report.verdict is not Verdict.FAIL


@pytest.mark.parametrize("seed", SEEDS)
def test_zero_claimed_of_float32_behind_float64_still_fails(seed):
    """Its treads are finer than the step that is tried beside x."""
    rng = np.random.default_rng(seed)
    x, c = rng.normal(size=20), rng.normal(size=20)
    report = gradcheck.check_grad(
        lambda x: float(np.float32(np.sum(c * np.sin(x)))),
        np.zeros_like,
        x,
        plan=Plan.auto(seed=seed),
    )
    assert report.verdict is Verdict.FAIL


def with_a_part_in_float32(rng, missing=0.0):
    """Return f, its gradient and x: a smooth sum, and one that is computed in float32 inside."""
    x, c = rng.normal(size=6), rng.normal(size=6)

    def f(x):
        part = np.sum(np.exp(x.astype(np.float32) * np.float32(0.7)))
        return np.sum(c * np.sin(x)) + float(part)

    return f, lambda x: c * np.cos(x) + (1 - missing) * 0.7 * np.exp(0.7 * x), x


@pytest.mark.parametrize("seed", [*range(20), 25])  # of 25, what is missing is 0.1 % of the slope
def test_part_of_f_in_float32_does_not_hide_its_slope(seed):
    """Small steps see that part stand still, and the rest slope smoothly: 16 of 40 failed."""
    f, grad, x = with_a_part_in_float32(np.random.default_rng(seed))
    report = gradcheck.check_grad(f, grad, x, plan=Plan.auto(seed=seed))
    assert report.verdict is not Verdict.FAIL


@pytest.mark.parametrize("missing", [0.01, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_wrong_slope_of_a_part_in_float32_fails(seed, missing):
    """It is neither that of the treads nor that of all of f."""
    f, grad, x = with_a_part_in_float32(np.random.default_rng(seed), missing)
    report = gradcheck.check_grad(f, grad, x, plan=Plan.auto(seed=seed))
    assert report.verdict is Verdict.FAIL


@pytest.mark.parametrize("seed", range(4))
def test_softmax_in_float32_of_attention_in_float64_does_not_fail(seed):
    """As mixed precision is written; for all outputs, for some, and for each leaf."""

    def softmax(z, dtype):
        e = np.exp(z.astype(dtype) - z.astype(dtype).max(axis=1, keepdims=True))
        return (e / e.sum(axis=1, keepdims=True)).astype(np.float64)

    def vjp(x, dout):
        s = softmax(x @ x.T, np.float64)
        ds = dout @ x.T
        dz = s * (ds - (ds * s).sum(axis=1, keepdims=True))
        return s.T @ dout + dz @ x + dz.T @ x

    x = np.random.default_rng(0).normal(size=(8, 3))
    plan = Plan.auto(seed=seed)
    report = gradcheck.check_vjp(lambda x: softmax(x @ x.T, np.float32) @ x, vjp, x, plan=plan)
    assert report.verdict is not Verdict.FAIL


@pytest.mark.parametrize("size", [1e-3, 1e-4])
@pytest.mark.parametrize("seed", SEEDS)
def test_slope_without_a_fast_ripple_still_fails(seed, size):
    """Large steps agree with it as well; but the small ones do not agree with one another."""
    rng = np.random.default_rng(seed)
    x, c = rng.normal(size=6), rng.normal(size=6)
    report = gradcheck.check_grad(
        lambda x: np.sum(c * np.sin(x)) + size * np.sin(np.sum(x) / size),
        lambda x: c * np.cos(x),
        x,
        plan=Plan.auto(seed=seed),
    )
    assert report.verdict is Verdict.FAIL
