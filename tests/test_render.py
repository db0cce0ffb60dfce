"""What a person reads, and what a machine reads back."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Finding, LawReport, Plan, Report, Verdict
from gradcheck.render.reading import run_from_json
from gradcheck.render.serial import run_to_json
from gradcheck.render.text import duration

from .reports import leaf, report

LONG = "['encoder']['layers'][11]['attention']['query']['kernel']"


FAILED = report(
    leaf("['W1']"),
    leaf("['W2']", Verdict.FAIL, cause=Cause.OTHER, numeric=1.0, certified=math.nan,
         wrong=np.array([[True, False, False]] * 4)),
    leaf(LONG, Verdict.INCONCLUSIVE, cause=Cause.NOISE, error_bar=math.inf, numeric=math.nan,
         certified=math.nan),
    leaf("['unused']", scale=0.0, analytic=0.0, numeric=1e-12),
    leaf("['empty']", Verdict.PASS, probes=0, certified=math.nan),
    findings=[Finding(Cause.OTHER, "['W2'] is wrong along a random direction: analytic 0.5, "
                      "numeric 1 ± 1e-09 (ratio 0.5).", "['W2']", {"ratio": 0.5, "bar": math.inf})],
    verdict=Verdict.FAIL,
)  # fmt: skip

TEXT = """\
net: FAIL (5 leaves, 41 evaluations, 12 ms)

  leaf                            shape   verdict       error ± bar            certified to
  ['W1']                          (4, 3)  pass          0.0e+00 ± 1e-09        2.0e-06
  ['W2']                          (4, 3)  FAIL          5.0e-01 ± 1e-09        -
  SHORT (4, 3)  INCONCLUSIVE  nan ± inf              -
  ['unused']                      (4, 3)  pass          1.0e-12 ± 1e-09   abs  2.0e-06
  ['empty']                       (4, 3)  pass          not tested             -

  ['W2'] is wrong along a random direction: analytic 0.5, numeric 1 ± 1e-09
  (ratio 0.5).
  replay: seed=1729"""


def squeezed(text):
    """Fold runs of blanks, which only align the columns."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_failed_report_reads_as_a_table_and_a_sentence():
    """The whole text, pinned."""
    expected = TEXT.replace("SHORT", "['encode...kernel']")
    assert squeezed(str(FAILED)) == squeezed(expected)


def test_text_fits_80_columns():
    """Long leaf names are cut in the middle."""
    assert max(map(len, str(FAILED).splitlines())) <= 80


def test_text_fits_80_columns_where_shapes_are_long():
    """The regression: beside a shape of four axes, the table was 84 columns wide."""
    wide = leaf(LONG, Verdict.INCONCLUSIVE, scale=0.0, certified=math.nan)
    for shape in ((64, 128, 3, 3), (2,) * 12):
        text = str(report(replace(wide, shape=shape), verdict=Verdict.INCONCLUSIVE))
        assert max(map(len, text.splitlines())) <= 80


def test_pass_says_what_it_certifies():
    """And names the seed."""
    assert "above 2e-06 of its leaf's gradient would have been seen. seed=1729" in " ".join(
        str(report(leaf("['W1']"))).split()
    )


def test_repr_is_one_line_with_the_first_finding():
    """Short enough for a debugger."""
    line = repr(FAILED)
    assert line.startswith("<Report net: FAIL (5 leaves, 41 evaluations, 12 ms): ['W2'] is")
    assert "\n" not in line


LAWS = [
    LawReport("l2-cost-term", "s", "src", Verdict.PASS, "adds 0.5"),
    LawReport("dropout", "s", "src", Verdict.FAIL, "out/x is 0.8", {"ratio": 0.8}),
    LawReport("adam", "s", "src", None, "the subject offers no adam_step"),
]


def test_laws_are_listed_with_what_was_seen():
    """Verdict first; not applicable is neither pass nor fail."""
    text = str(report(laws=LAWS, verdict=Verdict.FAIL))
    assert squeezed(text)[0] == "net: FAIL (3 laws, 12 ms)"
    assert squeezed(text)[2:] == [
        "pass l2-cost-term: adds 0.5",
        "FAIL dropout: out/x is 0.8",
        "not applicable adam: the subject offers no adam_step",
    ]
    assert "broken: dropout" in repr(report(laws=LAWS, verdict=Verdict.FAIL))


def test_laws_that_do_not_apply_are_counted_in_one_line():
    """They would hide those that do; the report still holds each with its reason."""
    more = [LawReport(f"l{k}", "s", "src", None, f"the subject offers no m{k}") for k in range(38)]
    shown = report(laws=[LAWS[2], *more, *LAWS[:2]], verdict=Verdict.FAIL)
    assert squeezed(str(shown))[0] == "net: FAIL (41 laws, 12 ms)"
    assert squeezed(str(shown))[2:] == [
        "pass l2-cost-term: adds 0.5",
        "FAIL dropout: out/x is 0.8",
        "not applicable 39 laws, which ask for what the subject does not offer;",
        "report.laws says of each what is missing.",
    ]
    assert shown.laws["l37"].message == "the subject offers no m37"


@pytest.mark.parametrize(("seconds", "text"), [(0.0123, "12 ms"), (61.25, "61.2 s")])
def test_duration(seconds, text):
    """Milliseconds below a second."""
    assert duration(seconds) == text


# --- JSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "original",
    [
        pytest.param(FAILED, id="failed"),
        pytest.param(report(laws=LAWS, verdict=Verdict.FAIL), id="laws"),
        pytest.param(report(plan=Plan.sample(per_leaf=3, seed=1, budget=100)), id="plan"),
    ],
)
def test_json_round_trip(original):
    """What is read back writes the same text; masks and NaN survive."""
    text = original.to_json()
    again = Report.from_json(text)
    assert again.to_json() == text
    assert str(again) == str(original)
    assert again.plan == original.plan


def test_mask_survives_the_round_trip():
    """As flat indices of the wrong entries."""
    again = Report.from_json(FAILED.to_json())
    assert np.array_equal(again.leaves["['W2']"].wrong, FAILED.leaves["['W2']"].wrong)


def test_json_is_strict():
    """NaN and infinity are strings, because JSON has no word for them."""

    def refuse(name):
        raise AssertionError(name)

    plain = json.loads(FAILED.to_json(), parse_constant=refuse)
    assert plain["format"] == "gradcheck-report/3"
    assert plain["leaves"][2]["numeric"] == "nan"


def test_run_round_trip():
    """Several reports in one file."""
    text = run_to_json([FAILED, report(leaf("x"))])
    assert run_to_json(run_from_json(text)) == text


def test_real_report_goes_through_json():
    """Not only made-up ones."""
    real = gradcheck.check_grad(
        lambda x: np.sum(x**2), lambda x: 3 * x, np.linspace(1, 2, 5), plan=Plan.every()
    )
    assert Report.from_json(real.to_json()).to_json() == real.to_json()
