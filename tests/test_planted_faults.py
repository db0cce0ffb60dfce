"""Every planted fault is found and every right twin passes."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Problem, Verdict
from gradcheck.reference import FAULTS

from .thoroughness import seeds

SEEDS = seeds(range(1), range(3))
REMARKED = {  # the numbers are right, so that they pass with a remark of the cause
    "one-buffer-for-two-leaves",
    "point-returned-as-gradient",
}
WHOLE_TOLERANCE = 1e-5  # the rtol of a plan: what is wrong by less is a pass with a finding


def build(fault, seed):
    """Make a fresh case: faults of state remember earlier calls."""
    return fault.build(np.random.default_rng(seed))


def check(case, claim, seed=None):
    """Check a claim of a case, as what kind of claim it is."""
    plan = Plan.auto(seed=seed)
    return gradcheck.check(Problem(case.f, claim, case.x, case.kind), plan=plan)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_found_in_its_leaves_only(fault, seed):
    """FAIL, the wrong leaves among the listed ones, no right leaf blamed, the point untouched.

    A fault of precision that is below the tolerance passes, with a finding that says so; and so do
    right numbers in memory that is shared.
    """
    case = build(fault, seed)
    before = {k: v.copy() for k, v in case.x.items()}
    report = check(case, case.wrong, seed)
    failed = {path[2:-2] for path, leaf in report.leaves.items() if leaf.verdict is Verdict.FAIL}
    assert failed <= set(fault.leaves)
    assert all(case.x[k].tobytes() == before[k].tobytes() for k in before)
    if fault.name in REMARKED:
        assert report.verdict is Verdict.PASS
        assert_remarked(fault, report)
    elif fault.cause == "precision" and report.verdict is Verdict.PASS:
        assert relative_error(fault, seed) <= 2 * WHOLE_TOLERANCE
        assert_remarked(fault, report)
    else:
        assert report.verdict is Verdict.FAIL
        assert failed or report.findings[0].leaf is not None or fault.cause == "mutated-input"


def assert_remarked(fault, report):
    """Require findings of the planted cause alone, about wrong leaves alone."""
    assert {finding.cause for finding in report.findings} == {fault.cause}
    assert {finding.leaf[2:-2] for finding in report.findings} <= set(fault.leaves)


def relative_error(fault, seed):
    """Return the largest distance from right, of the listed leaves."""
    case = build(fault, seed)
    right, wrong = case.right(case.x), case.wrong(case.x)
    return max(np.linalg.norm(wrong[k] - right[k]) / np.linalg.norm(right[k]) for k in fault.leaves)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_right_twin_passes(fault, seed):
    """No false alarm, not even a finding."""
    case = build(fault, seed)
    report = check(case, case.right, seed)
    assert report.verdict is Verdict.PASS
    assert report.findings == ()


CONTRACT = {
    "missing-reduction",
    "shape",
    "mutated-input",
    "accumulates",
    "aliasing",
    "stale-cache",
    "hidden-state",
    "nondeterministic",
    "nonfinite",
}


@pytest.mark.parametrize(
    "fault", [f for f in FAULTS if f.cause in CONTRACT], ids=lambda fault: fault.name
)
def test_fault_of_the_contract_is_named_by_its_cause(fault):
    """Not misread as a wrong formula."""
    case = build(fault, 0)
    assert check(case, case.wrong).findings[0].cause == fault.cause


def test_there_are_at_least_300_faults_with_a_source_each():
    """The list is not allowed to shrink."""
    assert len(FAULTS) >= 300
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.source and fault.sentence.endswith(".") for fault in FAULTS)
    assert {fault.name for fault in FAULTS} >= REMARKED
