"""The plugin: fixture, seed, and the report behind a failing assertion."""

import pytest

from gradcheck import UsageError, laws

SUITE = """
import numpy as np
import gradcheck as package

X = np.linspace(0.5, 1.5, 4)
def f(x): return np.sum(x**2)
def right(x): return 2 * x
def wrong(x): return 3 * x
"""


@pytest.fixture
def suite(pytester):
    """Write a test file and run it in a fresh pytest."""

    def run(body, *arguments):
        pytester.makepyfile(SUITE + body)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    return run


def test_fixture_passes_a_right_gradient_and_returns_its_report(suite):
    """Named after the test."""
    result = suite("""
def test_it(gradcheck):
    report = gradcheck(f, right, X)
    assert report.name == "test_it"
    assert gradcheck.vjp(np.sin, lambda x, u: u * np.cos(x), X).ok
    assert gradcheck.jvp(np.sin, lambda x, v: v * np.cos(x), X).ok
""")
    result.assert_outcomes(passed=1)


def test_fixture_fails_a_wrong_gradient_with_the_report(suite):
    """The table is in the output."""
    result = suite("""
def test_it(gradcheck):
    gradcheck(f, wrong, X)
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*GradientError*", "*test_it: FAIL (1 leaf*", "*x is wrong in*"])
    assert str(result.stdout).count("x is wrong in every entry") <= 2


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("assert package.check_grad(f, wrong, X)", id="plain"),
        pytest.param("report = package.check_grad(f, wrong, X)\n    assert report.ok", id="named"),
        pytest.param("assert package.check_grad(f, wrong, X).ok", id="attribute"),
    ],
)
def test_failing_assertion_shows_the_report(suite, statement):
    """Also where the report has no name."""
    result = suite(f"\ndef test_it():\n    {statement}\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- gradcheck -*", "FAIL (1 leaf*", "*x is wrong in*"])


def test_other_failures_are_left_alone(suite):
    """A plain assertion, an exception, a passing report beside a failing assertion."""
    result = suite("""
def test_plain(): assert 1 == 2
def test_error(): raise ValueError
def test_passing():
    report = package.check_grad(f, right, X)
    assert report is None
""")
    result.assert_outcomes(failed=3)
    result.stdout.no_fnmatch_line("*- gradcheck -*")


def test_seed_is_printed_and_replayed(suite):
    """The header gives the option that repeats the run."""
    body = """
def test_it(gradcheck):
    print("seed", gradcheck(f, right, X).plan.seed)
"""
    result = suite(body, "-s")
    header = next(line for line in result.outlines if "--gradcheck-seed=" in line)
    option = header.split()[-1]
    again = suite(body, "-s", option)
    seed = option.split("=")[1]
    again.stdout.fnmatch_lines([f"*seed {seed}*"])


def test_seed_of_the_plan_wins(suite):
    """A test may pin its own."""
    suite("""
def test_it(gradcheck):
    assert gradcheck(f, right, X, plan=package.Plan.every(seed=3)).plan.seed == 3
    assert gradcheck(f, right, X, name="other").name == "other"
""", "--gradcheck-seed=1").assert_outcomes(passed=1)  # fmt: skip


def test_negative_seed_is_refused(suite):
    """In one sentence."""
    result = suite("def test_it(): pass", "--gradcheck-seed=-1")
    assert result.ret != 0
    result.stderr.fnmatch_lines(["*--gradcheck-seed=-1, but a seed is at least 0*"])


LAWFUL = """
from gradcheck import laws

class Dropout:
    def dropout(self, x, keep_prob, rng):
        mask = rng.random(x.shape) < keep_prob
        return x * mask, lambda dout: dout * mask

KNOWN = {name: "not divided by keep_prob" for name in (%s)}

@laws.parametrize(Dropout(), expected_failures=KNOWN)
def test_laws(subject, law):
    law(subject)
"""
BROKEN = '"dropout-zero-or-scaled", "dropout-preserves-expectation"'


def test_parametrize_makes_one_test_a_law(suite):
    """Passed, failed with the report, or skipped where the subject offers too little."""
    result = suite(LAWFUL % "", "--gradcheck-seed=1", "-rs")
    count = len(laws.LAWS)
    result.assert_outcomes(passed=3, failed=2, skipped=count - 5)
    result.stdout.fnmatch_lines(["*[[]dropout-zero-or-scaled]*", "*Dropout: FAIL (1 law*"])
    result.stdout.fnmatch_lines(["*not applicable: the subject offers no dropout_evaluate*"])


def test_law_is_selected_by_its_name(suite):
    """By -k."""
    suite(LAWFUL % "", "-k", "dropout and mask").assert_outcomes(passed=3, skipped=0, deselected=39)


def test_expected_failure_is_no_failure(suite):
    """With its reason."""
    result = suite(LAWFUL % BROKEN, "-rx")
    result.assert_outcomes(passed=3, xfailed=2, skipped=len(laws.LAWS) - 5)
    result.stdout.fnmatch_lines(["*dropout-zero-or-scaled* - not divided by keep_prob*"])


def test_expected_failure_that_holds_fails(suite):
    """So that the list of known failures stays true."""
    result = suite(LAWFUL % (BROKEN + ', "dropout-same-mask-backward"'))
    result.assert_outcomes(passed=2, xfailed=2, failed=1, skipped=len(laws.LAWS) - 5)


def test_unknown_expected_failure_is_refused():
    """With the name that is meant."""
    with pytest.raises(UsageError, match="no such law is tried; there is dropout-zero-or-scaled"):
        laws.parametrize(object(), expected_failures={"dropout-zero-scaled": "typed from memory"})


def test_plugin_costs_nothing_when_unused(pytester):
    """Neither the fixture's code nor the terminal's is loaded until a test asks."""
    pytester.makepyfile(
        """
import sys
def test_it():
    unwanted = {"gradcheck.testing", "gradcheck.laws", "gradcheck.reference", "rich"}
    assert not unwanted & set(sys.modules)
"""
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
