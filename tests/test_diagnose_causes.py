"""Each cause on a claim that has it, and on one that looks like it and has not."""

import warnings
from functools import partial

import numpy as np
import pytest

import gradcheck as gc
from gradcheck import Cause, Plan, Verdict

RNG = np.random.default_rng(7)
X = RNG.normal(size=(5, 4))
Z = np.sign(RNG.normal(size=(6, 5))) * (0.1 + np.abs(RNG.normal(size=(6, 5))))  # none near zero
D = RNG.choice([-1.0, 1.0], (5, 4)) * RNG.uniform(0.5, 1.5, (5, 4))
U = RNG.choice([-1.0, 1.0], (6, 5)) * RNG.uniform(0.5, 1.5, (6, 5))
SQUARE = RNG.normal(size=(4, 4))
VECTOR = RNG.normal(size=6)
GAIN = RNG.uniform(0.5, 2.0, 4)
PAIRS = np.array([[0, 1], [2, 3], [1, 4], [0, 4]])
LAMBDA = 0.3


def first(f, grad, x, seed=3):
    """Return the first finding of a failing check."""
    report = gc.check_grad(f, grad, x, plan=Plan.auto(seed=seed))
    assert report.verdict is Verdict.FAIL, str(report)
    return report.findings[0]


# Zeros in the wrong places.


def triangular(x):
    """Read the lower triangle only."""
    return np.sum(np.sin(np.tril(x)))


def clipped(x):
    """Be flat beyond the bounds."""
    return np.sum(D * np.clip(x, -0.8, 0.8))


def dropped(x, mask):
    """Keep some entries."""
    return np.sum(np.sin(x) * mask)


KEPT = (np.arange(30).reshape(6, 5) * 7 % 10 > 2).astype(float)


@pytest.mark.parametrize(
    ("f", "grad", "x", "cause", "says"),
    [
        pytest.param(triangular, np.cos, SQUARE, Cause.EXTRA_TERM, "above the diagonal",
                     id="triangle"),
        pytest.param(lambda x: np.sum(np.sin(np.diag(x))), np.cos, SQUARE, Cause.EXTRA_TERM,
                     "off the diagonal", id="diagonal"),
        pytest.param(clipped, lambda x: D, X, Cause.EXTRA_TERM, "as where a value is clipped",
                     id="clip"),
        pytest.param(lambda x: np.sum(np.maximum(x, 0)), np.ones_like, Z, Cause.SLOPE,
                     "lacks the slope of ReLU", id="relu-missing"),
        pytest.param(lambda x: np.sum(U * np.maximum(x, 0)), lambda x: U * (x < 0), Z, Cause.SLOPE,
                     "the wrong way round", id="relu-turned"),
        pytest.param(lambda x: np.sum(np.sin(x[1:])), np.cos, X, Cause.EXTRA_TERM, "whole rows",
                     id="rows"),
        pytest.param(partial(dropped, mask=KEPT), np.cos, Z, Cause.DROPOUT_MASK,
                     "lacks the mask `mask`", id="mask"),
        pytest.param(lambda x: np.sum(D[:, :2] * x.reshape(5, 2, 2).max(2)),
                     lambda x: np.repeat(D[:, :2], 2, 1) / 2, X, Cause.OTHER,
                     "windows of 2 along axis 1", id="pooling"),
    ],
)  # fmt: skip
def test_zeros_are_told_apart_by_where_they_are(f, grad, x, cause, says):
    """A triangle, bounds, rows and a mask that is known are facts."""
    finding = first(f, grad, x)
    assert finding.cause is cause
    assert says in finding.message
    assert finding.evidence["certain"] is True


def test_scattered_zeros_are_a_guess_at_a_dropout():
    """Whose mask nobody shows."""
    finding = first(
        lambda x: sum(np.sin(x.flat[k]) for k in range(30) if 7 * k % 10 > 2), np.cos, Z
    )
    assert (finding.cause, finding.evidence["certain"]) == (Cause.DROPOUT_MASK, False)
    assert "That is a guess." in finding.message


def test_few_zeros_are_no_dropout():
    """Of three entries any two may be zero."""
    finding = first(lambda x: np.sin(x[1]), np.cos, np.array([0.3, 0.5, -0.7]))
    assert finding.cause is Cause.EXTRA_TERM
    assert finding.evidence["certain"] is False


# Factors.


@pytest.mark.parametrize(
    ("f", "grad", "cause", "says"),
    [
        pytest.param(lambda x: np.sum(np.sin(x) * GAIN), np.cos, Cause.SCALE,
                     "lacks the factor `GAIN`, along axis 1", id="gain"),
        pytest.param(lambda x: np.sum(np.sin(x) / GAIN), np.cos, Cause.SCALE,
                     "lacks the factor 1/`GAIN`, along axis 1", id="divided"),
        pytest.param(lambda x: np.sum(np.sin(x) * D), np.cos, Cause.OTHER,
                     "lacks the factor `D`, entry by entry", id="upstream"),
        pytest.param(lambda x: np.sum(np.sin(x) * np.arange(1, 6)[:, None]), np.cos, Cause.SCALE,
                     "a factor of its own in each slice along axis 0: 1, 1/2, 1/3, 1/4, ...",
                     id="rows"),
    ],
)  # fmt: skip
def test_factor_of_a_row_is_named(f, grad, cause, says):
    """After the array that it is, or by its numbers."""
    finding = first(f, grad, X)
    assert finding.cause is cause
    assert says in finding.message
    assert finding.evidence["certain"] is True


def test_factor_that_differs_within_rows_is_not_one_of_rows():
    """Two factors in one row, none of them known."""
    finding = first(lambda x: np.sum(np.sin(x) * np.arange(1, 21).reshape(5, 4)), np.cos, X)
    assert finding.cause is Cause.OTHER
    assert "a factor of its own" not in finding.message


def test_one_number_is_off_by_a_named_factor_or_by_a_guess():
    """There is always a factor between two numbers."""
    named = first(lambda x: np.sin(x), lambda x: 2 * np.cos(x), np.float64(0.3))
    nobodys = first(lambda x: np.sin(x), lambda x: 0.7318264 * np.cos(x), np.float64(0.3))
    assert (named.cause, named.evidence["certain"]) == (Cause.SCALE, True)
    assert nobodys.evidence["certain"] is False


def of_right_sign(x, slope=1.6732632423543772):
    """Be steep on the right and curved on the left, as selu is."""
    return np.where(x > 0, 1.0, slope * np.exp(np.minimum(x, 0)))


@pytest.mark.parametrize(
    ("slope", "cause"),
    [
        pytest.param(1.67, Cause.PRECISION, id="digits"),
        pytest.param(0.5, Cause.SLOPE, id="slope"),
    ],
)
def test_factor_of_one_side_is_a_slope_or_a_constant_cut_off(slope, cause):
    """Nearer to one than 0.3 % it is a constant."""

    def f(x):
        return np.sum(np.where(x > 0, x, 1.6732632423543772 * (np.exp(np.minimum(x, 0)) - 1)))

    assert first(f, partial(of_right_sign, slope=slope), Z).cause is cause


# Slopes.


@pytest.mark.parametrize(
    ("f", "grad", "says"),
    [
        pytest.param(lambda x: np.sum(D**2 * np.abs(x) ** 3),
                     lambda x: 3 * D**2 * np.abs(x) * np.sign(x),
                     "lacks a factor", id="power"),
        pytest.param(lambda x: np.sum(D * np.log(np.abs(x))), lambda x: D,
                     "lacks a factor 1/x, where x is the leaf", id="logarithm"),
        pytest.param(lambda x: np.sum(D * np.exp(x)), lambda x: D,
                     "lacks the slope of exp, taken at the leaf", id="exp"),
        pytest.param(lambda x: np.sum(D * np.tanh(x)), lambda x: D * np.tanh(x),
                     "has tanh(x) where f has the slope of tanh", id="tanh"),
    ],
)  # fmt: skip
def test_slope_of_another_function_is_named(f, grad, says):
    """With the factor that is missing."""
    finding = first(f, grad, np.abs(X) if "factor x" in says else X)
    if says == "lacks a factor":  # of |x|: the leaf has both signs, and x is no factor of it
        assert finding.cause is Cause.OTHER
        return
    assert finding.cause is Cause.SLOPE
    assert says in finding.message


# Matrices and sums.


@pytest.mark.parametrize(
    ("f", "grad", "x", "says"),
    [
        pytest.param(lambda A: np.sum((A + A.T) ** 3 * SQUARE),
                     lambda A: 3 * SQUARE * (A + A.T) ** 2,
                     SQUARE + 1.0, "lacks its own transpose", id="one-of-two"),
        pytest.param(lambda A: np.sum(((A + A.T) / 2) ** 3 * SQUARE),
                     lambda A: 3 * SQUARE * ((A + A.T) / 2) ** 2, SQUARE + 1.0,
                     "its symmetric part is right", id="not-symmetrised"),
        pytest.param(lambda x: x @ SQUARE @ x, lambda x: SQUARE @ x, VECTOR[:4],
                     "lacks 1 times `SQUARE` transposed, times the leaf", id="one-sided"),
        pytest.param(lambda x: np.sum(np.cumsum(x) * VECTOR), lambda x: 1.0 * VECTOR, VECTOR[::-1],
                     "lacks a cumulative sum along axis 0, from the end", id="not-summed"),
        pytest.param(lambda x: np.sum(np.diff(x, append=0) * VECTOR), lambda x: -VECTOR,
                     VECTOR[::-1],
                     "the difference of its own neighbours", id="one-end"),
    ],
)  # fmt: skip
def test_second_half_of_a_sum_is_missed(f, grad, x, says):
    """The transpose, the other side, the later steps, the other end."""
    finding = first(f, grad, x)
    assert finding.cause is Cause.MISSING_TERM
    assert says in finding.message


def test_cumulative_sum_from_the_wrong_end_is_told():
    """The gradient of cumsum runs from the end."""
    finding = first(lambda x: np.sum(np.cumsum(x, 1) * D), lambda x: np.cumsum(D, 1), X)
    assert (
        "is summed from the start along axis 1, and should be from the other end" in finding.message
    )


def test_transpose_is_not_said_to_be_missing_where_it_takes_the_place():
    """A claim that is the transpose lacks no second term."""
    finding = first(lambda A: np.sum(np.sin(A)), lambda A: np.cos(A).T, SQUARE)
    assert finding.cause is Cause.TRANSPOSE


# Terms.


@pytest.mark.parametrize(
    ("f", "grad", "cause", "says"),
    [
        pytest.param(lambda x: np.sum(np.sin(x)) + LAMBDA * np.abs(x).sum(), np.cos,
                     Cause.MISSING_TERM, "lacks 0.3 (`LAMBDA`) times the sign of the leaf",
                     id="l1"),
        pytest.param(lambda x: np.sum(np.sin(x)) + LAMBDA * np.sum(x**2) / 2, np.cos,
                     Cause.MISSING_WEIGHT_DECAY, "lacks 0.3 (`LAMBDA`) times the leaf", id="l2"),
        pytest.param(lambda x: np.sum(np.sin(x)) + LAMBDA * np.abs(x).sum(),
                     lambda x: np.cos(x) + LAMBDA * x, Cause.OTHER,
                     "has 0.3 (`LAMBDA`) times the leaf where it should have as much of its sign",
                     id="l2-for-l1"),
        pytest.param(lambda x: np.sum(np.sin(x)) + LAMBDA * np.sum((x - D) ** 2) / 2,
                     lambda x: np.cos(x) + LAMBDA * x, Cause.MISSING_TERM,
                     "lacks -0.3 (`LAMBDA`) times the values of `D`", id="anchor"),
    ],
)  # fmt: skip
def test_term_that_is_missing_is_named(f, grad, cause, says):
    """With its coefficient, and whose it is."""
    finding = first(f, grad, X)
    assert finding.cause is cause
    assert says in finding.message
    assert finding.evidence["certain"] is True


def test_two_entries_have_no_sign_penalty():
    """Any two numbers that are off by the same size are off by a multiple of two signs."""
    x = np.array([0.4, -0.3])
    finding = first(lambda x: np.sum(np.sin(x)) + x[0] - x[1], np.cos, x)
    assert "sign of the leaf" not in finding.message


def test_one_lost_entry_is_not_two_terms_that_cancel_elsewhere():
    """Its sign, where only this entry is negative, and one number differ there alone."""
    x = np.array([-0.6, 0.5, 0.4, 0.7, 0.3])
    finding = first(lambda x: np.sum(np.sin(x)), lambda x: np.append(0.0, np.cos(x[1:])), x)
    assert finding.cause is Cause.DETACHED


# Places.


def test_frame_that_is_cut_one_off_along_two_axes_is_shifted():
    """The gradient of a crop."""

    def grad(x):
        dx = np.zeros_like(x)
        dx[:4, :3] = D[1:, 1:]
        return dx

    finding = first(lambda x: np.sum(D[1:, 1:] * x[1:, 1:]), grad, X)
    assert finding.cause is Cause.OFF_BY_ONE
    assert "high along axis 0 and high along axis 1" in finding.message or "low" in finding.message


def test_pairs_that_share_a_row_are_duplicates():
    """Row 4 is the second of two pairs, row 0 the first; row 1 is in two but not on one side."""

    def f(x):
        d = x[PAIRS[:, 0]] - x[PAIRS[:, 1]]
        return np.sum(d**3)

    def grad(x):
        dx, pull = np.zeros_like(x), 3 * (x[PAIRS[:, 0]] - x[PAIRS[:, 1]]) ** 2
        dx[PAIRS[:, 0]] += pull
        dx[PAIRS[:, 1]] -= pull
        return dx

    finding = first(f, grad, X)
    assert finding.cause is Cause.DUPLICATE_INDEX
    assert "`PAIRS` names an index more than once" in finding.message


def test_some_rows_are_a_hint_and_no_cause():
    """No index explains them."""

    def grad(x):
        dx = np.cos(x)
        dx[1:3] *= 1 + 0.1 * D[1:3, :3]
        return dx

    finding = first(lambda x: np.sum(np.sin(x)), grad, X[:, :3])
    assert finding.cause is Cause.OTHER
    assert "is wrong in whole rows and right in all others" in finding.message
    assert finding.evidence["certain"] is False


def test_gate_that_holds_the_gradient_of_another_is_named():
    """Bit for bit."""
    v = RNG.normal(size=12)

    def grad(x):
        dx = v * np.cos(x)
        dx[:3] = dx[3:6]
        return dx

    finding = first(lambda x: np.sum(v * np.sin(x)), grad, RNG.normal(size=12))
    assert "what part 1 of 4 along axis 0 holds, in part 0" in finding.message


def test_equal_totals_are_a_wrong_axis_only_beside_a_square():
    """Without two axes of that length there is none to sum over by mistake."""
    bias = RNG.normal(size=4)

    def f(x):
        return np.sum(SQUARE * np.sin(x["W"] + x["b"]))

    def grad(x):
        slope = SQUARE * np.cos(x["W"] + x["b"])
        return {"W": slope, "b": slope.sum(1)}

    finding = first(f, grad, {"W": SQUARE, "b": bias})
    assert (finding.cause, finding.evidence["certain"]) == (Cause.WRONG_AXIS, False)
    v = RNG.normal(size=7)
    w = v + np.array([0.5, -0.25, -0.25, 1.0, -1.0, 0.125, -0.125])
    finding = first(lambda x: np.sum(v * x), lambda x: w, RNG.normal(size=7))
    assert finding.cause is Cause.OTHER


def test_sum_spread_along_the_wrong_axis_is_seen_behind_a_square():
    """The claim is 2 x times numbers that stand along the other axis."""
    v = RNG.normal(size=4)
    finding = first(lambda x: np.sum(v * np.sum(x**2, 1)), lambda x: 2 * x * v, SQUARE)
    assert finding.cause is Cause.BROADCAST
    assert "is the leaf times numbers that are spread along axis 0" in finding.message


def test_carried_leaves_are_no_factors():
    """The regression: labels beside the point ended the search for a cause."""
    x = {"y": 3, "w": np.array([1.0, 2.0, 3.5, 0.3])}
    claim = lambda p: {"y": None, "w": np.array([0.3, -1.0, 2.0, 0.7])}  # noqa: E731 - a wrong one
    report = gc.check_grad(lambda p: np.sum(np.exp(p["w"])), claim, x)
    assert report.verdict is Verdict.FAIL


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
def test_leaf_of_a_dtype_without_linear_algebra_ends_no_search(dtype):
    """The regression: a square longdouble leaf beside the failing one raised a TypeError."""
    rng = np.random.default_rng(0)
    x = {"a": rng.standard_normal((3, 3)), "W": rng.standard_normal((3, 3)).astype(dtype)}
    wrong = {"a": rng.standard_normal((3, 3)), "W": np.cos(x["W"])}
    report = gc.check_grad(lambda p: float(sum(np.sin(v).sum() for v in p.values())), wrong, x)
    assert report.leaves["['a']"].verdict is Verdict.FAIL


@pytest.mark.parametrize("claimed", ["f2", "f4", "f8", "c8"])
def test_real_claim_of_a_complex_leaf_is_explained_or_not(claimed):
    """The regression: slopes of real functions were tried on complex numbers, and raised."""
    z = np.array([0.126 + 0.64j, -0.132 + 0.105j, 0.3 - 0.2j, -0.7 + 0.1j], np.complex64)

    def claim(z):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the imaginary parts are dropped is the mistake
            return np.cos(z).conj().astype(claimed)

    report = gc.check_grad(lambda z: np.sin(z).sum().real, claim, z, plan=Plan.auto(seed=0))
    assert report.verdict is (Verdict.PASS if claimed == "c8" else Verdict.FAIL)
