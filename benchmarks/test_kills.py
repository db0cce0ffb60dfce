"""A thousand checks that are killed, and not one report that differs; run by `tox -e kills`."""

import sys

import pytest

from .kills import run, scenarios, summary

REPORTS = 1000


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals, and no fork")
def test_checks_that_are_killed_say_what_one_alone_says():
    """Each is started again on its journal, until it comes to its end."""
    outcomes = run(REPORTS, seed=1)
    sys.stdout.write(f"\n{summary(outcomes)}\n")
    assert [outcome for outcome in outcomes if not outcome.same] == []
    assert sum(outcome.kills > 0 for outcome in outcomes) >= REPORTS
    assert {o.scenario for o in outcomes if o.kills} == {s.name for s in scenarios()}
