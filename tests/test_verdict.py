"""The rule, row by row of its truth table."""

import math

import pytest

from gradcheck import Derivative, Evidence
from gradcheck.differences import Glance
from gradcheck.records import Analytic
from gradcheck.verdict import (
    Scene,
    disputes,
    is_one_sided_value,
    judge,
    settles,
    tolerance_for,
    where_at_kink,
)

SCENE = Scene(rtol=1e-5, size=1.0, roundoff=2.0**-53)


def numeric(value, bar, evidence=Evidence.SMOOTH, **sides):
    """Make a derivative."""
    return Derivative(value, bar, bar, 0.0, 0.0, 9, (1e-5,), evidence, **sides)


def kink(left, right, bar=1e-9):
    """Make a derivative at a kink."""
    middle, half = (left + right) / 2, abs(right - left) / 2
    return numeric(middle, half, Evidence.KINK, left=left, right=right, side_bar=bar)


TABLE = [
    pytest.param(1.0, numeric(1.0, 1e-9), "pass", None, id="agrees"),
    pytest.param(1.0, numeric(1 + 1e-7, 1e-9), "pass", "precision", id="agrees-to-7-digits"),
    pytest.param(1.0, numeric(1.01, 1e-9), "fail", "other", id="disagrees"),
    pytest.param(1.0, numeric(1.0, 1e-2), "inconclusive", "precision", id="bar-too-wide"),
    pytest.param(1.0, numeric(1.02, 1e-2, Evidence.NOISE), "inconclusive", "noise",
                 id="within-three-bars-of-a-rough-line"),
    pytest.param(1.0, numeric(1.02, 1e-2), "fail", "other", id="two-bars-of-a-smooth-line"),
    pytest.param(1.0, numeric(1.5, 1e-2, Evidence.NOISE), "fail", "other", id="far-off-in-noise"),
    pytest.param(1.0, numeric(1.0, 1e-3, Evidence.NOISE), "pass", None, id="noise-small-enough"),
    pytest.param(1.0, numeric(1.0, math.inf, Evidence.JUMP), "inconclusive", "jump", id="jump"),
    pytest.param(1.0, numeric(0.0, math.inf, Evidence.SINGULAR), "inconclusive", "singular",
                 id="singular"),
    pytest.param(1.0, numeric(math.nan, math.inf, Evidence.NONFINITE), "inconclusive", "domain",
                 id="not-finite-beside-x"),
    pytest.param(math.nan, numeric(1.0, 1e-9), "fail", "nonfinite", id="claim-is-nan"),
    pytest.param(math.inf, numeric(1.0, 1e-9), "fail", "nonfinite", id="claim-is-inf"),
    pytest.param(math.nan, kink(0.0, 1.0), "inconclusive", "kink", id="claim-is-nan-at-a-kink"),
    pytest.param(math.inf, numeric(0.0, math.inf, Evidence.SINGULAR), "inconclusive", "singular",
                 id="claim-is-inf-where-f-is-singular"),
    pytest.param(0.0, kink(0.0, 1.0), "pass", "kink", id="kink-left"),
    pytest.param(1.0, kink(0.0, 1.0), "pass", "kink", id="kink-right"),
    pytest.param(0.5, kink(0.0, 1.0), "pass", "kink", id="kink-middle"),
    pytest.param(0.99, kink(0.0, 1.0), "inconclusive", "kink", id="kink-between"),
    pytest.param(1.01, kink(0.0, 1.0), "inconclusive", "kink", id="kink-outside"),
    pytest.param(1.0, kink(0.0, 1.0, bar=0.1), "inconclusive", "kink", id="kink-hardly-seen"),
    pytest.param(0.0, numeric(0.0, 1e-14), "pass", None, id="certified-zero"),
    pytest.param(1e-17, numeric(0.0, 1e-14), "pass", None, id="zero-to-rounding"),
    pytest.param(1e-11, numeric(0.0, 1e-10), "inconclusive", "precision",
                 id="claim-hidden-by-rounding"),
    pytest.param(0.0, numeric(0.0, 0.1), "inconclusive", "precision", id="zero-not-certified"),
    pytest.param(0.0, numeric(0.5, 1e-9), "fail", "other", id="claimed-zero-is-not"),
    pytest.param(0.5, numeric(0.0, 1e-9), "fail", "other", id="claimed-value-is-zero"),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "derivative", "verdict", "cause"), TABLE)
def test_truth_table(claim, derivative, verdict, cause):
    """The documented rule is the one that judges."""
    judgement = judge(Analytic(claim, abs(claim)), derivative, SCENE)
    assert (judgement.verdict, judgement.cause) == (verdict, cause)


def test_zero_function_certifies_a_zero_claim():
    """F = 0 everywhere: no size to be relative to."""
    judgement = judge(Analytic(0.0, 0.0), numeric(0.0, 1e-300), Scene(1e-5, 0.0, 2.0**-53))
    assert judgement.verdict == "pass"


def test_precision_finding_counts_the_digits():
    """How many digits agree, and how many could have been told."""
    judgement = judge(Analytic(1.0, 1.0), numeric(1 + 4e-6, 1e-9), SCENE)
    assert judgement.reason == "agrees to 5.4 digits only; our bar is 1e-09"


def test_tolerance_grows_with_the_rounding_of_the_claim():
    """A float16 claim cannot be asked for five digits."""
    assert tolerance_for(Analytic(1.0, 1.0), 1e-5) == 1e-5
    assert tolerance_for(Analytic(1.0, 1.0, 2.0**-11), 1e-5) == pytest.approx(0.0156, rel=0.01)


def test_error_is_relative_to_the_terms_not_to_their_sum():
    """Terms of either sign may cancel in <claim, v>; their rounding does not."""
    assert judge(Analytic(1e-9, 1.0), numeric(0.0, 1e-9), SCENE).verdict == "pass"


@pytest.mark.parametrize(
    ("look", "settled"),
    [
        pytest.param(Glance(1.0, 1e-10, 0.0, flat=False), True, id="agrees"),
        pytest.param(Glance(1 + 1e-8, 1e-10, 0.0, flat=False), False, id="eight-digits-only"),
        pytest.param(Glance(1.0, 0.01, 0.0, flat=False), False, id="rounding-too-coarse"),
        pytest.param(Glance(1.0, 1e-10, 0.1, flat=False), False, id="bends-like-a-kink"),
        pytest.param(Glance(1.0, 1e-10, 0.0, flat=True), False, id="flat"),
    ],
)
def test_glance_passes_only_what_is_plain(look, settled):
    """Everything else is left to the ladder."""
    assert settles(Analytic(1.0, 1.0), look) is settled


def test_window_disputes_with_half_the_mismatch_to_spare():
    """A window as wide as the mismatch confirms nothing."""
    assert disputes(Analytic(1.0, 1.0), numeric(2.0, 0.4), SCENE)
    assert not disputes(Analytic(1.0, 1.0), numeric(2.0, 0.6), SCENE)
    assert not disputes(Analytic(1.0, 1.0), numeric(1.0, 0.1), SCENE)


@pytest.mark.parametrize(
    ("claim", "place"),
    [
        pytest.param(0.0, "is one of them", id="left"),
        pytest.param(1.0, "is one of them", id="right"),
        pytest.param(0.5, "is the middle of the two", id="middle"),
        pytest.param(0.7, "lies between them", id="between"),
        pytest.param(1.5, "lies outside", id="outside"),
    ],
)
def test_report_says_where_the_claim_lies_at_a_kink(claim, place):
    """Both one-sided derivatives and the place of the claim."""
    sentence = where_at_kink(Analytic(claim, abs(claim)), kink(0.0, 1.0), 1e-5, 1.0)
    assert sentence.startswith("f has a kink at x: from the left 0, from the right 1")
    assert sentence.endswith(place)


def test_one_sided_value_within_its_bar():
    """relu'(0) = 0 is the derivative from the left."""
    assert is_one_sided_value(Analytic(0.0, 0.0), kink(0.0, 1.0), 1e-5)
    assert not is_one_sided_value(Analytic(0.5, 0.5), kink(0.0, 1.0), 1e-5)
