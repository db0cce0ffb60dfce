"""The plugin: settings and the marker, what a session adds up to, and its company of plugins."""

import re
import xml.etree.ElementTree as ET

import pytest

from gradcheck import Verdict
from gradcheck.render.reading import run_from_json

SUITE = """
import numpy as np
import pytest
import gradcheck as package

X = np.linspace(0.5, 1.5, 4)
def f(x): return np.sum(x**2)
def right(x): return 2 * x
def wrong(x): return 3 * x
def kinked(x): return np.sum(np.abs(x))
def undecided(gradcheck): return gradcheck(kinked, np.full(4, 0.1), np.zeros(4), name="kink")
"""
RIGHT = """
def test_right(gradcheck):
    gradcheck(f, right, X)
"""
# A claim that is an array between the slopes of a kink is neither right nor wrong.
UNDECIDED = """
def test_kink(gradcheck):
    undecided(gradcheck)
"""


@pytest.fixture
def suite(pytester):
    """Write a test file and run it, in this process unless another is asked for."""

    def run(body, *arguments, runner=pytester.runpytest_inprocess):
        pytester.makepyfile(SUITE + body)
        # our own warnings are errors; Hypothesis' plugin takes a second to load
        return runner(
            "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-Wdefault", *arguments
        )

    return run


def reports_of(pytester, folder="out"):
    """Read the reports that a run left, by name."""
    reports = run_from_json((pytester.path / folder / "run.json").read_text(encoding="utf-8"))
    names = [report.name for report in reports]
    assert len(set(names)) == len(names)
    return dict(zip(names, reports, strict=True))


# --- settings ------------------------------------------------------------------------------------

SHOWN = """
def test_it(gradcheck):
    plan = gradcheck(f, right, X).plan
    print(f"plan {plan.mode} {plan.count} {plan.rtol:g} {plan.seed}")
"""


def test_options_choose_plan_and_seed(suite):
    """The text is that of `gradcheck verify`."""
    result = suite(SHOWN, "-s", "--gradcheck-plan=directions:3", "--gradcheck-seed=5")
    result.stdout.fnmatch_lines(["*plan directions 3 1e-05 5*"])


def test_settings_of_the_file_are_weaker_than_options(suite, pytester):
    """Each has the name of its option."""
    pytester.makeini("[pytest]\ngradcheck_plan = every\ngradcheck_seed = 6")
    suite(SHOWN, "-s").stdout.fnmatch_lines(["*plan every None 1e-05 6*"])
    result = suite(SHOWN, "-s", "--gradcheck-plan=sample:2", "--gradcheck-seed=7")
    result.stdout.fnmatch_lines(["*plan sample 2 1e-05 7*"])


def test_marker_is_stronger_than_options(suite):
    """On a function, over that of its class."""
    body = """
@pytest.mark.gradcheck(plan="every", rtol=1e-3)
class TestIt:
    @pytest.mark.gradcheck(plan=package.Plan.sample(2), seed=9)
    def test_it(self, gradcheck):
        plan = gradcheck(f, right, X).plan
        print(f"plan {plan.mode} {plan.count} {plan.rtol:g} {plan.seed}")
"""
    result = suite(body, "-s", "--gradcheck-plan=auto", "--gradcheck-seed=1")
    result.stdout.fnmatch_lines(["*plan sample 2 0.001 9*"])


def test_marker_sits_on_a_parameter(suite):
    """As any other marker."""
    suite("""
EVERY = pytest.mark.gradcheck(plan="every")
@pytest.mark.parametrize("mode", [pytest.param("every", marks=EVERY), "auto"])
def test_it(gradcheck, mode):
    assert gradcheck(f, right, X).plan.mode == mode
""", "--strict-markers").assert_outcomes(passed=2)  # fmt: skip


WRONG_MARKERS = [
    pytest.param("steps=3", "steps=3 is no setting of a check; the keywords are plan", id="key"),
    pytest.param("'every'", "the marker gradcheck('every') takes keywords only", id="position"),
    pytest.param("plan='some'", "plan: 'some' is none of auto, every, directions:3", id="plan"),
    pytest.param("plan=3", "plan=3 is neither a Plan nor text such as auto", id="plan-type"),
    pytest.param("rtol=2", "rtol=2, but it must be at least 0 and below 1", id="rtol"),
    pytest.param("seed=-1", "seed=-1, but a seed is a whole number", id="seed"),
    pytest.param("seed=None", "seed=None, but a seed is a whole number", id="no-seed"),
    pytest.param("inconclusive='pass'", "inconclusive='pass' is none of fail, warn", id="verdict"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG_MARKERS)
def test_wrong_marker_is_refused_at_collection(suite, arguments, message):
    """With the test that it sits on."""
    result = suite(f"@pytest.mark.gradcheck({arguments})\ndef test_it(): pass", "--collect-only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"::test_it: {message}" in str(result.stderr)


WRONG_OPTIONS = [
    pytest.param("--gradcheck-plan=some", "--gradcheck-plan: 'some' is none of auto", id="plan"),
    pytest.param("--gradcheck-seed=x", "--gradcheck-seed=x, but a seed is a whole", id="seed"),
    pytest.param("--gradcheck-inconclusive=pass", "=pass, which is none of fail", id="verdict"),
]


@pytest.mark.parametrize(("option", "message"), WRONG_OPTIONS)
def test_wrong_option_is_refused_before_any_test(suite, option, message):
    """In one sentence."""
    result = suite(RIGHT, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in str(result.stderr)


def test_wrong_plan_of_the_file_fails_the_tests_that_ask(suite, pytester):
    """It is read when the first test asks: the others cost nothing."""
    pytester.makeini("[pytest]\ngradcheck_plan = some")
    result = suite(RIGHT + "def test_other(): pass")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["plan: 'some' is none of auto, every, directions:3, sample:30."])


# --- inconclusive --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inconclusive", "outcome"),
    [("fail", {"failed": 1}), ("warn", {"passed": 1, "warnings": 1}), ("skip", {"skipped": 1})],
)
def test_inconclusive_fails_warns_or_skips(suite, inconclusive, outcome):
    """And is counted as what it is."""
    result = suite(UNDECIDED, f"--gradcheck-inconclusive={inconclusive}", "-rs")
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines(["1 check: 1 INCONCLUSIVE; * evaluations of f*"])
    assert re.search(r"kink: INCONCLUSIVE \(1 leaf", str(result.stdout))


@pytest.mark.parametrize("inconclusive", ["warn", "skip"])
def test_wrong_gradient_fails_whatever_becomes_of_inconclusive_ones(suite, inconclusive):
    """The twin."""
    body = f"""
@pytest.mark.gradcheck(inconclusive="{inconclusive}")
def test_wrong(gradcheck):
    gradcheck(f, wrong, X)
"""
    suite(body).assert_outcomes(failed=1)


def test_warning_points_at_the_check(suite):
    """It may be turned into an error, as any warning."""
    body = UNDECIDED.replace("undecided(gradcheck)", "gradcheck(kinked, np.full(4, 0.1), 0 * X)")
    result = suite(body, "--gradcheck-inconclusive=warn")
    result.stdout.fnmatch_lines(["*InconclusiveWarning: test_kink: INCONCLUSIVE*",
                                 "*gradcheck(kinked, np.full(4, 0.1), 0 [*] X)"])  # fmt: skip
    strict = ("-W", "error::gradcheck.testing.InconclusiveWarning")
    suite(body, "--gradcheck-inconclusive=warn", *strict).assert_outcomes(failed=1)


# --- what comes out ------------------------------------------------------------------------------


def test_summary_says_what_would_have_been_found(suite):
    """The worst limit, with its leaf and its test; the check that failed certifies nothing."""
    result = suite("""
@pytest.mark.gradcheck(plan="every")
def test_one(gradcheck):
    gradcheck(f, right, X)
@pytest.mark.gradcheck(plan="directions:1")
def test_two(gradcheck):
    gradcheck(lambda p: f(p["W"]), lambda p: {"W": 2 * p["W"]}, {"W": X})
def test_wrong(gradcheck):
    gradcheck(f, wrong, X)
""")
    result.stdout.fnmatch_lines(["*= gradcheck =*", "3 checks: 2 pass, 1 FAIL; *"])
    said = " ".join(str(result.stdout).split())
    limit = r"an error of one entry above \de-0[1-6] of its leaf's gradient would have been found"
    assert re.search(limit, said)
    assert "the least certain leaf is ['W'] in test_summary_says_what_would_have_been_found" in said
    assert "::test_two." in said


def test_summary_is_silent_without_checks(suite):
    """Nor is a file written."""
    result = suite("def test_it(): pass", "--gradcheck-report=out")
    result.stdout.no_fnmatch_line("*= gradcheck =*")


def test_summary_counts_laws(suite):
    """Those that apply."""
    result = suite("""
from gradcheck.testing import parametrize_with_laws
class Identity:
    def dropout_evaluate(self, x, keep_prob): return x
@parametrize_with_laws(Identity())
@pytest.mark.gradcheck(seed=4)
def test_laws(subject, law):
    assert law.seed == 4
    law(subject)
""")
    result.stdout.fnmatch_lines(["1 law: 1 pass; 0 evaluations of f*"])


def test_reports_are_written_and_named_by_test(suite, pytester):
    """Names are distinct, so that two runs can be compared."""
    result = suite("""
def test_it(gradcheck):
    gradcheck(f, right, X)
    gradcheck(f, right, X)
    gradcheck(f, right, X, name="other")
""", "--gradcheck-report=out")  # fmt: skip
    test = "test_reports_are_written_and_named_by_test.py::test_it"
    assert list(reports_of(pytester)) == [test, f"{test} (2)", f"{test}: other"]
    result.stdout.fnmatch_lines(["Written: *out*run.json, *out*run.html"])
    page = (pytester.path / "out" / "run.html").read_text(encoding="utf-8")
    assert all(name in page for name in (test, f"{test} (2)", f"{test}: other"))


def test_reports_that_cannot_be_written_fail_the_run(suite, pytester):
    """With the reason, after all tests have passed."""
    pytester.path.joinpath("out").write_text("a file")
    result = suite(RIGHT, "--gradcheck-report=out")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["The reports could not be written: *"])


def test_junit_holds_the_properties_of_a_test(suite, pytester):
    """The worst verdict, all evaluations, the worst limit, the seed."""
    suite("""
def test_two(gradcheck):
    gradcheck(f, right, X)
    gradcheck(f, wrong, X)
def test_none(): pass
""" + RIGHT, "--junitxml=j.xml", "--gradcheck-seed=3")  # fmt: skip
    cases = ET.parse(pytester.path / "j.xml").getroot().iter("testcase")
    found = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in cases
    }
    assert found["test_none"] == {}
    assert found["test_two"]["gradcheck_verdict"] == "fail"
    assert found["test_right"]["gradcheck_verdict"] == "pass"
    assert found["test_right"]["gradcheck_seed"] == "3"
    assert 0 < float(found["test_right"]["gradcheck_certified"]) < 1e-4
    evaluations = [int(found[name]["gradcheck_evaluations"]) for name in ("test_right", "test_two")]
    assert 0 < evaluations[0] < evaluations[1]


# --- beside other plugins ------------------------------------------------------------------------

MANY = """
@pytest.mark.parametrize("k", range(100))
def test_right(gradcheck, k):
    gradcheck(f, right, X)
@pytest.mark.parametrize("k", range(97))
def test_pass(gradcheck, k):
    gradcheck.vjp(np.sin, lambda x, u: u * np.cos(x), X)
def test_wrong(gradcheck):
    gradcheck(f, wrong, X)
def test_two(gradcheck):
    gradcheck(f, right, X)
    undecided(gradcheck)
"""


def outcome_of(report):
    """Keep of a report what does not depend on when and where it was made."""
    errors = {leaf.path: leaf.error for leaf in report.leaves.values()}
    return report.verdict, report.evaluations, report.plan, errors


def test_xdist_merges_200_checks_into_the_same_report(suite, pytester):
    """Same names, verdicts, numbers and seed as in one process, in the same order."""
    suite(MANY, "--gradcheck-seed=1", "--gradcheck-report=one", "-q")
    result = suite(MANY, "--gradcheck-seed=1", "--gradcheck-report=two", "-n2", "-q",
                   runner=pytester.runpytest_subprocess)  # fmt: skip
    result.stdout.fnmatch_lines(["200 checks: 198 pass, 1 INCONCLUSIVE, 1 FAIL; * evaluations*"])
    one, two = reports_of(pytester, "one"), reports_of(pytester, "two")
    assert list(one) == list(two)
    assert [outcome_of(r) for r in one.values()] == [outcome_of(r) for r in two.values()]
    assert sum(report.verdict is Verdict.FAIL for report in two.values()) == 1


def test_xdist_workers_share_a_fresh_seed_and_refuse_a_wrong_marker(suite, pytester):
    """A wrong marker fails its test, for a worker that refuses is taken for crashed."""
    body = MANY.replace("100", "3").replace("97", "3") + """
@pytest.mark.gradcheck(steps=3)
def test_marked(gradcheck): pass
"""  # fmt: skip
    result = suite(body, "-n2", "--gradcheck-report=out", runner=pytester.runpytest_subprocess)
    result.assert_outcomes(passed=6, failed=2, errors=1)
    result.stdout.fnmatch_lines(["steps=3 is no setting of a check; *"])
    assert len({report.plan.seed for report in reports_of(pytester).values()}) == 1


def test_randomly_shuffles_and_changes_no_verdict(suite, pytester):
    """Seeds depend neither on the order nor on the global sources that it sets."""
    body = MANY.replace("100", "5").replace("97", "5")
    suite(body, "--gradcheck-seed=1", "--gradcheck-report=one", "-p", "no:randomly")
    result = suite(body, "--gradcheck-seed=1", "--gradcheck-report=two", "-p", "randomly",
                   "--randomly-seed=7", "-v")  # fmt: skip
    order = re.findall(r"::(test_\w+)", str(result.stdout))
    assert order[:12] != sorted(order[:12])
    one, two = reports_of(pytester, "one"), reports_of(pytester, "two")
    assert [outcome_of(r) for r in one.values()] == [outcome_of(r) for r in two.values()]


def test_run_without_the_plugin(suite):
    """Plain assertions go on; the fixture is not there."""
    body = "def test_plain():\n    assert package.check_grad(f, right, X)\n" + RIGHT
    result = suite(body, "-p", "no:gradcheck")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'gradcheck' not found*"])
    result.stdout.no_fnmatch_line("gradcheck: --gradcheck-seed*")


def test_plugin_loads_nothing_until_a_test_asks(suite, pytester):
    """Neither NumPy nor gradcheck, not even where a plain assertion fails."""
    pytester.makepyfile("""
import sys
def test_fails(): assert sys is None
def test_modules():
    loaded = {"numpy", "gradcheck", "optree", "rich", "xml.sax"} & set(sys.modules)
    assert loaded == set()
""")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
