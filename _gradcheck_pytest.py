"""The pytest plugin: a fixture that asserts, one test a law, a seed that replays, reports shown.

Owns options, marker, fixture and hooks. pytest loads it in every project that has gradcheck
installed, so it stands beside the package and not in it, as Hypothesis' does: importing a part of
gradcheck imports all of its core and NumPy, which no run should pay for until a test asks.
At the edge; the one file that imports pytest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gradcheck.laws import LawCheck
    from gradcheck.laws.parametrized import Parametrization
    from gradcheck.records import Report
    from gradcheck.testing import Gradcheck
    from gradcheck.testing.session import Noted

SETTINGS = pytest.StashKey[dict[str, Any]]()  # of the session: seed, plan, inconclusive
FOLDER = pytest.StashKey[Path | None]()
REPORTS = pytest.StashKey["list[Report]"]()  # of a test
LAWS_NOTE = "gradcheck_laws"  # left on a test by `gradcheck.laws.parametrize`
LEFT = "gradcheck_reports"  # the attribute of a pytest.TestReport that takes reports as JSON along
SEED_BITS = 32
MARKER = (
    "gradcheck(plan, rtol, seed, inconclusive): settings of the checks that a test makes with the "
    "gradcheck fixture, and of the laws that it tries."
)
HELP = {
    "seed": "seed of all checks made with the gradcheck fixture; drawn afresh and printed in the "
    "header if it is not given",
    "plan": "how hard these look: auto, every, directions:3, sample:30",
    "report": "folder into which the reports of the run are written: run.json, run.html",
    "inconclusive": "what becomes of a test with an inconclusive check: fail, warn or skip",
}
METAVARS = {"seed": "SEED", "plan": "PLAN", "report": "DIR", "inconclusive": "fail|warn|skip"}
INCONCLUSIVE = ("fail", "warn", "skip")


# --- options --------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options `--gradcheck-seed` and so on, and settings of the same names."""
    group = parser.getgroup("gradcheck", "gradcheck")
    for name, text in HELP.items():
        group.addoption(f"--gradcheck-{name}", metavar=METAVARS[name], default=None, help=text)
        parser.addini(f"gradcheck_{name}", text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings; workers of pytest-xdist take the seed of their controller."""
    config.addinivalue_line("markers", MARKER)
    inherited = getattr(config, "workerinput", {}).get("gradcheck_seed")
    inconclusive = _setting(config, "inconclusive") or "fail"
    if inconclusive not in INCONCLUSIVE:
        _refuse(config, "inconclusive", f"which is none of {', '.join(INCONCLUSIVE)}")
    config.stash[SETTINGS] = {
        "seed": _read_seed(config) if inherited is None else inherited,
        "plan": _setting(config, "plan") or "auto",
        "inconclusive": inconclusive,
    }
    folder = _setting(config, "report")
    config.stash[FOLDER] = config.invocation_params.dir / folder if folder else None
    if inherited is None:
        if config.getoption("--gradcheck-plan"):  # an explicit request: worth an import
            _require_settings(config)
        config.pluginmanager.register(Session(config), "gradcheck-session")


def _setting(config: pytest.Config, name: str) -> str:
    """Return a setting as text: the option, else what the configuration file says, else nothing."""
    option = config.getoption(f"--gradcheck-{name}")
    return str(config.getini(f"gradcheck_{name}") if option is None else option)


def _refuse(config: pytest.Config, name: str, reason: str) -> None:
    given = config.getoption(f"--gradcheck-{name}") is not None
    setting = f"--gradcheck-{name}" if given else f"gradcheck_{name}"
    raise pytest.UsageError(f"{setting}={_setting(config, name)}, {reason}")


def _read_seed(config: pytest.Config) -> int:
    text = _setting(config, "seed")
    if not text:
        return int.from_bytes(os.urandom(SEED_BITS // 8), "big")
    if text.removeprefix("-").isdecimal():
        if text.startswith("-"):
            _refuse(config, "seed", "but a seed is at least 0")
        return int(text)
    _refuse(config, "seed", "but a seed is a whole number")
    raise AssertionError("refused above")


def _require_settings(config: pytest.Config) -> None:
    """Refuse a plan that is none before the first test rather than in each."""
    from gradcheck import UsageError
    from gradcheck.testing.settings import make_gradcheck

    settings = config.stash[SETTINGS]
    try:
        make_gradcheck(settings, "", lambda report: None)
    except UsageError as error:
        raise pytest.UsageError(f"--gradcheck-{error}") from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - a worker of pytest-xdist
    """Hand the seed to a worker."""
    node.workerinput["gradcheck_seed"] = node.config.stash[SETTINGS]["seed"]


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed, so that every run can be repeated."""
    return f"gradcheck: --gradcheck-seed={config.stash[SETTINGS]['seed']}"


# --- tests ----------------------------------------------------------------------------------------


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Gradcheck:
    """Check a gradient and fail the test unless it passes.

    `gradcheck(f, grad, x, ...)`, `gradcheck.vjp(f, vjp, x, ...)`, `gradcheck.jvp(f, jvp, x, ...)`
    take the options of `gradcheck.check_grad` and return the Report. Seed and plan come from the
    marker `gradcheck`, else from the command line or the configuration file, unless the call names
    them.
    """
    return _asserting_or_fail(request.node)


def _asserting(item: pytest.Item) -> Gradcheck:
    """Make the checks of a test by its settings; its marker's own win, the closest marker first."""
    from gradcheck import UsageError
    from gradcheck.testing.settings import make_gradcheck

    of_session = item.config.stash[SETTINGS]
    settings = {**of_session}
    for mark in reversed(list(item.iter_markers("gradcheck"))):
        if mark.args:
            shown = ", ".join(map(repr, mark.args))
            raise UsageError(f"the marker gradcheck({shown}) takes keywords only: {MARKER}")
        settings.update(mark.kwargs)
    return make_gradcheck(settings, item.name, item.stash.setdefault(REPORTS, []).append)


def _asserting_or_fail(item: pytest.Item) -> Gradcheck:
    """Do the same, and fail the test with one sentence where its settings make no sense."""
    try:
        return _asserting(item)
    except ValueError as error:  # a gradcheck.UsageError
        reason = str(error)
    pytest.fail(reason, pytrace=False)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse markers that make no sense before any test runs."""
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist that refuses is taken for one that crashed
    for item in items:
        if item.get_closest_marker("gradcheck") is not None:
            try:
                _asserting(item)
            except ValueError as error:
                raise pytest.UsageError(f"{item.nodeid}: {error}") from None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose marker makes no sense, where the collection could not refuse it."""
    if item.get_closest_marker("gradcheck") is not None:
        _asserting_or_fail(item)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test a law of what `gradcheck.laws.parametrize` noted."""
    noted: Parametrization | None = getattr(metafunc.function, LAWS_NOTE, None)
    if noted is None:
        return
    from gradcheck.laws import LawCheck
    from gradcheck.records import GradientError

    cases = []
    for law in noted.laws:
        reason = noted.expected_failures.get(law.name)
        marks = []
        if reason is not None:
            marks.append(pytest.mark.xfail(reason=reason, raises=GradientError, strict=True))
        cases.append(pytest.param(noted.subject, LawCheck(law), id=law.name, marks=marks))
    metafunc.parametrize(("subject", "law"), cases)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Give a law the seed and the settings of its test."""
    if hasattr(pyfuncitem.function, LAWS_NOTE):
        from dataclasses import replace

        asserting = _asserting_or_fail(pyfuncitem)
        law: LawCheck = pyfuncitem.funcargs["law"]  # type: ignore[assignment]  # an object to pytest
        pyfuncitem.funcargs["law"] = replace(law, seed=asserting.seed, settle=asserting.settle)


# --- what comes out -------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the reports of a test along with its outcome, also from a worker of pytest-xdist.

    Those behind a failing assertion, such as `assert gradcheck.check_grad(...)`, are shown.
    """
    reports = item.stash.get(REPORTS, []) if call.when == "teardown" else []
    if reports:
        from gradcheck.testing.session import properties

        item.user_properties.extend(properties(reports))
    outcome = yield
    if reports:
        setattr(outcome, LEFT, [report.to_json() for report in reports])
    if outcome.failed and call.excinfo is not None and call.excinfo.errisinstance(AssertionError):
        for report in _reports_in(call.excinfo):
            outcome.sections.append(("gradcheck", str(report)))
    return outcome


def _reports_in(excinfo: pytest.ExceptionInfo[BaseException]) -> list[Report]:
    """Find the reports that did not pass among the local variables of the failing frame.

    pytest keeps the values of an assertion's subexpressions there, also those without a name.
    """
    if "gradcheck" not in sys.modules:
        return []
    from gradcheck.records import GradientError, Report

    if excinfo.errisinstance(GradientError):
        return []  # its message is the report already
    found: dict[int, Report] = {}
    for value in excinfo.traceback[-1].frame.f_locals.values():
        if isinstance(value, Report) and not value.ok:
            found[id(value)] = value
    return list(found.values())


class Session:
    """Gathers the reports of all tests, shows what they add up to and writes them.

    There is one, in the process that the user started.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.folder = config.stash[FOLDER]
        self.left: list[tuple[str, str]] = []  # the id of a test, a report of its as JSON
        self.noted: list[Noted] = []
        self.message = ""  # on what was written

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test left."""
        self.left.extend((report.nodeid, content) for content in getattr(report, LEFT, ()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports, if there are any and a folder for them."""
        if not self.left:
            return
        from gradcheck.testing.session import read_notes, write_run

        self.noted = read_notes(self.left)
        if self.folder is None:
            return
        try:
            files = write_run(self.folder, self.noted)
        except OSError as error:
            self.message = f"The reports could not be written: {error}."
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        else:
            self.message = f"Written: {', '.join(map(str, files))}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was checked and what would have been found."""
        if not self.noted:
            return
        from gradcheck.testing.session import summarise

        terminalreporter.section("gradcheck")
        for line in [*summarise(self.noted), self.message]:
            if line:
                terminalreporter.line(line)
