"""Two runs compared, leaf by leaf and law by law."""

import pytest

from gradcheck import Cause, Finding, LawReport, Verdict
from gradcheck.comparison import Kind, compare, sentences

from .reports import leaf, report

PASS, FAIL, UNCLEAR = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def of(**verdicts):
    """Make a run of one report from the verdicts of its leaves."""
    worst = max(verdicts.values(), key=[PASS, UNCLEAR, FAIL].index, default=PASS)
    return [report(*(leaf(path, verdict, reason="why") for path, verdict in verdicts.items()),
                   verdict=worst)]  # fmt: skip


def kinds(old, new):
    """List how things changed."""
    return [(str(change.kind), change.what) for change in compare(old, new).changes]


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (PASS, FAIL, "worse"), (PASS, UNCLEAR, "worse"), (UNCLEAR, FAIL, "worse"),
        (FAIL, PASS, "better"), (FAIL, UNCLEAR, "better"), (UNCLEAR, PASS, "better"),
    ],
)  # fmt: skip
def test_verdict_that_changed_is_worse_or_better(before, now, kind):
    """Inconclusive lies between."""
    found = compare(of(W=before), of(W=now))
    assert [(str(c.kind), c.what, c.before, c.now) for c in found.changes] == [
        (kind, "W", before, now)
    ]
    assert found.ok == (kind == "better")


def test_same_run_has_no_changes():
    """The right twin."""
    run = of(W=PASS, b=FAIL)
    assert kinds(run, run) == []
    assert compare(run, run).same == 2
    assert compare(run, run).ok


def test_new_and_missing_leaves_are_said():
    """New is worse only if it does not pass; missing is not, for names change."""
    assert kinds(of(W=PASS), of(W=PASS, b=PASS)) == [("new", "b")]
    assert kinds(of(W=PASS), of(W=PASS, b=FAIL)) == [("worse", "b")]
    assert kinds(of(W=PASS, b=PASS), of(W=PASS)) == [("missing", "b")]
    assert compare(of(W=PASS, b=PASS), of(W=PASS)).ok


def test_other_cause_is_a_change_that_is_not_worse():
    """Still wrong, in another way."""
    old, new = ([report(leaf("W", FAIL, cause=cause), verdict=FAIL)]
                for cause in (Cause.SCALE, Cause.SIGN))  # fmt: skip
    assert kinds(old, new) == [("changed", "W")]
    assert compare(old, new).ok


def law(verdict):
    """Make a run of one law."""
    found = LawReport("dropout", "s", "src", verdict, "out/x is 0.8")
    return [report(laws=[found], verdict=verdict or PASS)]


def test_laws_are_compared_too():
    """One that does not apply is as one that is not there."""
    assert kinds(law(PASS), law(FAIL)) == [("worse", "dropout")]
    assert kinds(law(FAIL), law(PASS)) == [("better", "dropout")]
    assert kinds(law(PASS), law(None)) == [("missing", "dropout")]
    assert kinds(law(None), law(None)) == []


def test_report_that_broke_as_a_whole_is_worse():
    """Its leaves are as they were."""
    broken = report(leaf("W"), verdict=FAIL,
                    findings=[Finding(Cause.MUTATED_INPUT, "x was changed.")])  # fmt: skip
    found = compare([report(leaf("W"))], [broken])
    assert [(c.kind, c.what, c.reason) for c in found.changes] == [
        (Kind.WORSE, "", "x was changed.")
    ]


def test_reports_are_told_apart_by_name_and_order():
    """Two without a name are two."""
    one, two = report(leaf("W"), name=""), report(leaf("W", FAIL), verdict=FAIL, name="")
    assert kinds([one, two], [one, two]) == []
    assert kinds([one, two], [two, one]) == [("worse", "W"), ("better", "W")]
    assert kinds([one], [])[0] == ("missing", "W")


def test_what_is_worse_comes_first_and_is_counted_last():
    """As a person reads it."""
    said = list(sentences(compare(of(a=FAIL, b=PASS, c=PASS), of(a=PASS, b=FAIL, c=PASS))))
    assert said == [
        "worse: net b: pass, now fail: why",
        "better: net a: fail, now pass",
        "1 worse, 0 missing, 0 new, 1 better, 0 changed; 1 as before.",
    ]
