"""Why a leaf is wrong, in the words that a user reads, and what must never be called or raise.

The sentences stand in `messages.txt`, as in a report of 80 columns. After a change of wording, read
what `GRADCHECK_REPIN=1 pytest tests/test_diagnose.py` has written there.
"""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck import Cause, Plan, Report, Verdict
from gradcheck.render.text import WIDTH

from . import faulty

MESSAGES = Path(__file__).with_name("messages.txt")
HEADING = re.compile(r"^== (\w+)\n", re.MULTILINE)
CAUSES = {
    "factor_two": Cause.SCALE,
    "one_over_m": Cause.SCALE,
    "keep_prob_forgotten": Cause.SCALE,
    "wrong_sign": Cause.SIGN,
    "transposed": Cause.TRANSPOSE,
    "weight_decay_missing": Cause.MISSING_WEIGHT_DECAY,
    "one_entry": Cause.OTHER,
    "zero_row": Cause.DETACHED,
    "zero_column": Cause.DETACHED,
    "duplicate_index": Cause.DUPLICATE_INDEX,
    "mask_forgotten": Cause.DROPOUT_MASK,
    "constant_statistics": Cause.MISSING_TERM,
    "wrong_slope": Cause.SLOPE,
    "unexplained": Cause.OTHER,
}
WRONG = {  # how many entries; the others are wrong in all
    "one_entry": 1,
    "zero_row": 3,
    "zero_column": 5,
    "duplicate_index": 8,
}


def checked(fault, **settings):
    """Check a faulty case with a fixed seed."""
    f, claim, x = fault()
    return gradcheck.check_grad(f, claim, x, plan=Plan.auto(**{"seed": 1, **settings}))


def sentences(report):
    """Return what stands below the table; error bars, which differ by machine, are blanked."""
    text = str(report).split("\n\n")[-1]
    return re.sub(r"(±\s+)\de-\d\d", r"\1#e-##", text)


def pinned():
    """Read the sentences by the name of the fault."""
    _, *parts = HEADING.split(MESSAGES.read_text(encoding="utf-8"))
    return {name: text.rstrip("\n") for name, text in zip(parts[::2], parts[1::2], strict=True)}


@pytest.fixture(scope="module", autouse=True)
def _repin():
    """Write the sentences anew, on request."""
    if os.environ.get("GRADCHECK_REPIN"):
        parts = (f"== {fault.__name__}\n{sentences(checked(fault))}\n" for fault in faulty.FAULTS)
        MESSAGES.write_text("\n".join(parts), encoding="utf-8")


@pytest.mark.parametrize("fault", faulty.FAULTS, ids=lambda fault: fault.__name__)
def test_sentence_is_this(fault):
    """What was seen, how exactly, what usually causes it, where to look."""
    assert sentences(checked(fault)) == pinned()[fault.__name__]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fault", faulty.FAULTS, ids=lambda fault: fault.__name__)
def test_cause_and_entries_are_the_same_along_other_directions(fault, seed):
    """Nothing hangs on what was drawn."""
    report = checked(fault, seed=seed)
    name, (leaf,) = fault.__name__, report.leaves.values()
    assert report.findings[0].cause is CAUSES[name]
    assert leaf.cause is CAUSES[name]
    assert leaf.complete
    if name in WRONG:
        assert leaf.wrong.sum() == WRONG[name]


@pytest.mark.parametrize("fault", faulty.FAULTS, ids=lambda fault: fault.__name__)
def test_report_fits_80_columns(fault):
    """Also its longest sentence."""
    assert max(map(len, str(checked(fault)).splitlines())) <= WIDTH == 80


@pytest.mark.parametrize("fault", faulty.FAULTS, ids=lambda fault: fault.__name__)
def test_report_comes_back_from_json(fault):
    """With its masks and what is behind its sentences."""
    report = checked(fault)
    again = Report.from_json(report.to_json())
    assert str(again) == str(report)
    for path, leaf in report.leaves.items():
        assert np.array_equal(again.leaves[path].wrong, leaf.wrong)
        assert again.leaves[path].complete == leaf.complete
    assert [f.evidence for f in again.findings] == [dict(f.evidence) for f in report.findings]


# --- how much is asked ------------------------------------------------------------------------


@pytest.mark.parametrize("fault", faulty.FAULTS, ids=lambda fault: fault.__name__)
def test_without_naming_there_is_the_verdict_alone(fault):
    """The two numbers, no entry, no cause, and not an evaluation more."""
    report = checked(fault, naming=0)
    (leaf,) = report.leaves.values()
    assert (report.verdict, leaf.wrong, leaf.complete) == (Verdict.FAIL, None, False)
    assert re.fullmatch(
        re.escape(leaf.path) + r" is wrong along a random direction: "
        r"analytic \S+, numeric \S+ ± \S+( \(ratio \S+\))?\.",
        report.findings[0].message,
    )
    assert report.evaluations <= checked(fault).evaluations


@pytest.mark.parametrize("fault", faulty.FAULTS, ids=lambda fault: fault.__name__)
def test_plan_every_names_the_same_cause_and_entries(fault):
    """From the entries that it has looked at."""
    f, claim, x = fault()
    directions = checked(fault)
    every = gradcheck.check_grad(f, claim, x, plan=Plan.every(seed=1))
    for path, leaf in every.leaves.items():
        assert leaf.complete
        assert np.array_equal(leaf.wrong, directions.leaves[path].wrong)
    assert every.findings[0].cause is directions.findings[0].cause


@pytest.mark.parametrize("fault", [faulty.factor_two, faulty.transposed, faulty.zero_column])
def test_plan_sample_names_what_it_has_seen(fault):
    """A sample may explain all; what it does not explain is "at least" so much."""
    f, claim, x = fault()
    right = faulty.regression(lambda d: None)[1](x)["W"] if fault is faulty.zero_column else None
    report = gradcheck.check_grad(f, claim, x, plan=Plan.sample(6, seed=3))
    leaf = report.leaves["['W']"]
    assert report.verdict is Verdict.FAIL
    if right is not None and leaf.wrong is not None:
        assert not (leaf.wrong & (right == claim(x)["W"])).any()


def test_likewise_is_said_of_the_second_leaf():
    """A cause is explained once."""
    rng = np.random.default_rng(0)
    x = {"a": rng.standard_normal(4), "b": rng.standard_normal((2, 3)), "c": rng.standard_normal(5)}
    report = gradcheck.check_grad(
        lambda p: float(sum(np.sum(np.sin(v)) for v in p.values())),
        lambda p: {k: (1 if k == "b" else 3) * np.cos(v) for k, v in p.items()},
        x, plan=Plan.auto(seed=0),
    )  # fmt: skip
    first, second = (finding.message for finding in report.findings[:2])
    assert first.startswith("['a'] is wrong in every entry: ")
    assert re.search(r"It is 3 .*times the derivative of f, to \d digits", first)
    assert second.startswith("['c'] is wrong in every entry: ")
    assert second.endswith(" Likewise.")
    assert report.leaves["['b']"].verdict is Verdict.PASS


def test_a_leaf_in_between_does_not_take_over_likewise():
    """Where another cause was told last, the leaf that is meant is named."""
    rng = np.random.default_rng(0)
    x = {"a": rng.standard_normal(4), "b": rng.standard_normal((2, 3)), "c": rng.standard_normal(5)}
    report = gradcheck.check_grad(
        lambda p: float(sum(np.sum(np.sin(v)) for v in p.values())),
        lambda p: {k: (-1 if k == "b" else 3) * np.cos(v) for k, v in p.items()},
        x, plan=Plan.auto(seed=0),
    )  # fmt: skip
    _, second, third = (finding.message for finding in report.findings[:3])
    assert second.startswith("['b'] ")
    assert third.startswith("['c'] ")
    assert third.endswith(" The same holds as for ['a'].")


def test_factor_of_one_output_is_told_for_that_output():
    """A VJP that is right for one output and off for another names the other."""
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((3, 5)), rng.standard_normal(5)
    A[2] *= 1e-12  # too small to be seen among the others

    def vjp(x, u):
        return np.cos(x) * (A.T @ (u * np.array([1, 1, 2])))

    report = gradcheck.check_vjp(lambda x: A @ np.sin(x), vjp, x, plan=Plan.every(seed=0))
    assert report.verdict is Verdict.FAIL
    assert "for output [2]" in report.findings[0].message
    assert re.search("It is twice the derivative of f", report.findings[0].message)


def test_conjugate_of_a_complex_gradient_is_told():
    """JAX's convention."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(6) + 1j * rng.standard_normal(6)
    a = rng.standard_normal(6) + 1j * rng.standard_normal(6)
    report = gradcheck.check_grad(
        lambda z: float(np.sum((a * z**2).real)), lambda z: 2 * a * z, x, plan=Plan.auto(seed=0)
    )
    assert "is the conjugate of the gradient" in report.findings[0].message
    assert report.leaves["x"].complete


def test_float32_claim_is_explained_too():
    """With the digits that there are."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(50).astype(np.float32)
    report = gradcheck.check_grad(
        lambda x: np.sin(x).sum(), lambda x: 2 * np.cos(x), x, plan=Plan.auto(seed=0)
    )
    assert report.findings[0].cause is Cause.SCALE
    assert "twice the derivative of f" in report.findings[0].message


def test_jvp_is_told_its_factor():
    """Though nothing is known of it entry by entry."""
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((3, 5)), rng.standard_normal(5)
    report = gradcheck.check_jvp(
        lambda x: A @ np.sin(x), lambda x, v: -(A @ (np.cos(x) * v)), x, plan=Plan.auto(seed=0)
    )
    assert report.findings[0].cause is Cause.SIGN
    assert report.leaves["x"].wrong is None


def test_exact_factor_below_the_tolerance_fails():
    """1.000005 in every digit is no rounding."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(50)
    report = gradcheck.check_grad(
        lambda x: float(np.sum(np.sin(x))), lambda x: 1.000005 * np.cos(x), x,
        plan=Plan.auto(seed=0),
    )  # fmt: skip
    assert report.verdict is Verdict.FAIL
    assert "1.000005 times the derivative of f" in report.findings[0].message
