"""Every target holds on one seed of the corpus; run by `tox -e coverage`, not by `tox -e py311`."""

import sys

import pytest

from .coverage import Selection, report, run
from .targets import TARGETS, check

SEED = 31


@pytest.fixture(scope="session")
def campaign():
    """Measure the corpus once, and show the tables."""
    measured = run(range(SEED, SEED + 1), Selection())
    sys.stdout.write(f"\n{report(measured)}\n")
    return measured


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_target_is_met(campaign, target):
    """What is promised is kept."""
    outcome = check(target, campaign)
    assert outcome.met, f"{outcome.name}: {outcome.measured:g}, promised {outcome.target}"
