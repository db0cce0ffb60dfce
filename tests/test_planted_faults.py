"""Every planted fault is found and every right twin passes."""

import numpy as np
import pytest

import gradcheck
from gradcheck import Plan, Verdict
from gradcheck.reference import FAULTS

IDS = [fault.name for fault in FAULTS]
SEEDS = range(3)


def build(fault, seed):
    """Make a fresh case: faults of state remember earlier calls."""
    return fault.build(np.random.default_rng(seed))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
def test_fault_is_found_in_its_leaves_only(fault, seed):
    """FAIL, the wrong leaves among the listed ones, no right leaf blamed, the point untouched."""
    case = build(fault, seed)
    before = {k: v.copy() for k, v in case.x.items()}
    report = gradcheck.check_grad(case.f, case.wrong, case.x, plan=Plan.auto(seed=seed))
    assert report.verdict is Verdict.FAIL
    failed = {path[2:-2] for path, leaf in report.leaves.items() if leaf.verdict is Verdict.FAIL}
    assert failed <= set(fault.leaves)
    assert failed or report.findings[0].leaf is not None
    assert all(case.x[k].tobytes() == before[k].tobytes() for k in before)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
def test_right_twin_passes(fault, seed):
    """No false alarm, not even a finding."""
    case = build(fault, seed)
    report = gradcheck.check_grad(case.f, case.right, case.x, plan=Plan.auto(seed=seed))
    assert report.verdict is Verdict.PASS
    assert report.findings == ()


CONTRACT = {
    "missing-reduction",
    "shape",
    "mutated-input",
    "accumulates",
    "aliasing",
    "stale-cache",
    "nonfinite",
}


@pytest.mark.parametrize(
    "fault", [f for f in FAULTS if f.cause in CONTRACT], ids=lambda fault: fault.name
)
def test_fault_of_the_contract_is_named_by_its_cause(fault):
    """Not misread as a wrong formula."""
    case = build(fault, 0)
    assert gradcheck.check_grad(case.f, case.wrong, case.x).findings[0].cause == fault.cause


def test_there_are_at_least_60_faults_with_a_source_each():
    """The list is not allowed to shrink."""
    assert len(FAULTS) >= 60
    assert len(set(IDS)) == len(IDS)
    assert all(fault.source and fault.sentence.endswith(".") for fault in FAULTS)
