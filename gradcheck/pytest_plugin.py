"""The pytest plugin: a fixture that asserts, a seed that replays, reports shown where tests fail.

Owns options, fixture and hooks. Loaded by pytest in every project that has gradcheck installed, so
it imports nothing of gradcheck until a test asks for it.
At the edge.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .records import Report
    from .testing import Gradcheck

SEED = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--gradcheck-seed`."""
    group = parser.getgroup("gradcheck", "gradcheck")
    group.addoption(
        "--gradcheck-seed",
        type=int,
        default=None,
        metavar="SEED",
        help="seed of all checks made with the gradcheck fixture; drawn afresh and printed in the "
        "header if it is not given",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the session's seed; workers of pytest-xdist take that of their controller."""
    given = config.getoption("--gradcheck-seed")
    if given is not None and given < 0:
        raise pytest.UsageError(f"--gradcheck-seed={given}, but a seed is at least 0")
    inherited = getattr(config, "workerinput", {}).get("gradcheck_seed")
    fresh = given if inherited is None else inherited
    config.stash[SEED] = secrets.randbits(32) if fresh is None else fresh


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - a worker of pytest-xdist
    """Hand the seed to a worker."""
    node.workerinput["gradcheck_seed"] = node.config.stash[SEED]


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed, so that every run can be repeated."""
    return f"gradcheck: --gradcheck-seed={config.stash[SEED]}"


@pytest.fixture
def gradcheck(pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Gradcheck:
    """Check a gradient and fail the test unless it passes.

    `gradcheck(f, grad, x, ...)`, `gradcheck.vjp(f, vjp, x, ...)`, `gradcheck.jvp(f, jvp, x, ...)`
    take the options of `gradcheck.check_grad` and return the Report. The seed comes from
    `--gradcheck-seed` unless the plan names one.
    """
    from .testing import Gradcheck

    return Gradcheck(seed=pytestconfig.stash[SEED], name=request.node.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the reports behind a failing assertion, such as `assert gradcheck.check_grad(...)`."""
    outcome = yield
    if outcome.failed and call.excinfo is not None and call.excinfo.errisinstance(AssertionError):
        for report in _reports_in(call.excinfo):
            outcome.sections.append(("gradcheck", str(report)))
    return outcome


def _reports_in(excinfo: pytest.ExceptionInfo[BaseException]) -> list[Report]:
    """Find the reports that did not pass among the local variables of the failing frame.

    pytest keeps the values of an assertion's subexpressions there, also those without a name.
    """
    from .records import GradientError, Report

    if excinfo.errisinstance(GradientError):
        return []  # its message is the report already
    found: dict[int, Report] = {}
    for value in excinfo.traceback[-1].frame.f_locals.values():
        if isinstance(value, Report) and not value.ok:
            found[id(value)] = value
    return list(found.values())
