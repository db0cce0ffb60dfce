"""Every target holds on two seeds of the corpus; `tox -e coverage` runs it, `tox -e py311` not."""

import sys

import pytest

from .coverage import Selection, report, run
from .targets import TARGETS, check

SEEDS = range(31, 33)  # those of the page of the documentation


@pytest.fixture(scope="session")
def campaign():
    """Measure the corpus once, and show the tables."""
    measured = run(SEEDS, Selection(), jobs=2)
    sys.stdout.write(f"\n{report(measured)}\n")
    return measured


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_target_is_met(campaign, target):
    """What is promised is kept."""
    outcome = check(target, campaign)
    assert outcome.met, f"{outcome.name}: {outcome.measured:g}, promised {outcome.target}"
