"""Checks that raise, and what becomes of an inconclusive one.

Part of `testing`. `__tracebackhide__` makes pytest show the line of the test, not of this file.
"""

from __future__ import annotations

import unittest
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NoReturn, Unpack

from ..check import Options, check_grad, check_jvp, check_vjp
from ..records import PRESENTERS, GradientError, Plan, PyTree, Report, Verdict


class InconclusiveWarning(UserWarning):
    """A check was inconclusive, and the settings say that a warning is enough."""


def fail(report: Report) -> NoReturn:
    """Fail the test."""
    __tracebackhide__ = True
    raise GradientError(report)


def warn(report: Report) -> None:
    """Warn and go on."""
    line = str(PRESENTERS["line"](report))
    warnings.warn(line, InconclusiveWarning, stacklevel=4)  # 4: where the check was asked for


def skip(report: Report) -> NoReturn:
    """Skip the rest of the test, for the reason that the report gives."""
    __tracebackhide__ = True
    raise unittest.SkipTest(str(PRESENTERS["line"](report)))


def _forget(report: Report) -> None:
    """Note nothing."""


@dataclass(frozen=True)
class Gradcheck:
    """Checks that raise `GradientError` unless the verdict is PASS.

    Attributes
    ----------
    seed : int
        Used where the plan names none.
    name : str
        The name of the report where none is given.
    plan : Plan
        How hard to look where a check does not say.
    undecided : callable
        What is done with a report that is inconclusive: `fail`, `warn` or `skip` of this module.
    note : callable
        Called with every report before the test passes or fails by it.

    Examples
    --------
    >>> import numpy as np
    >>> gradcheck = Gradcheck(seed=1)
    >>> gradcheck(lambda x: np.sum(x**2), lambda x: 2 * x, np.arange(3.0)).plan.seed
    1
    """

    seed: int
    name: str = field(default="", repr=False)  # short where Hypothesis shows it as an example
    plan: Plan = field(default=Plan(), repr=False)
    undecided: Callable[[Report], None] = field(default=fail, repr=False)
    note: Callable[[Report], None] = field(default=_forget, repr=False)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - it always raises
        """Say what hides the module, of which a test that takes the fixture may think."""
        raise AttributeError(
            f"the fixture gradcheck has no {name}; it hides the module of the same name: "
            f"import gradcheck as package, or from gradcheck import {name}"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401, FBT001 - IPython's
        """Show the seed alone also where Hypothesis overlooks `repr=False` (some below 6.156)."""
        printer.text(repr(self))

    def __call__(
        self,
        f: Callable[[PyTree], Any],
        grad: Callable[[PyTree], PyTree] | PyTree | Literal[True],
        x: PyTree,
        **options: Unpack[Options],
    ) -> Report:
        """Check a gradient, see `gradcheck.check_grad`."""
        __tracebackhide__ = True
        return self.settle(check_grad(f, grad, x, **self._completed(options)))

    def vjp(
        self,
        f: Callable[[PyTree], PyTree],
        vjp: Callable[[PyTree, PyTree], PyTree],
        x: PyTree,
        **options: Unpack[Options],
    ) -> Report:
        """Check a vector-Jacobian product, see `gradcheck.check_vjp`."""
        __tracebackhide__ = True
        return self.settle(check_vjp(f, vjp, x, **self._completed(options)))

    def jvp(
        self,
        f: Callable[[PyTree], PyTree],
        jvp: Callable[[PyTree, PyTree], PyTree],
        x: PyTree,
        **options: Unpack[Options],
    ) -> Report:
        """Check a Jacobian-vector product, see `gradcheck.check_jvp`."""
        __tracebackhide__ = True
        return self.settle(check_jvp(f, jvp, x, **self._completed(options)))

    def settle(self, report: Report) -> Report:
        """Note a report, and return it if the test may go on.

        Raises
        ------
        GradientError
            If it fails; if it is inconclusive, what becomes of it is up to `undecided`.
        """
        __tracebackhide__ = True
        self.note(report)
        if report.verdict is Verdict.FAIL:
            fail(report)
        if report.verdict is Verdict.INCONCLUSIVE:
            self.undecided(report)
        return report

    def _completed(self, options: Options) -> Options:
        plan: Any = options.get("plan")
        plan = self.plan if plan is None else plan
        if isinstance(plan, str):  # as the marker and the command line take it
            plan = Plan.from_text(plan)
        if isinstance(plan, Plan) and plan.seed is None:  # anything else is refused by the check
            plan = replace(plan, seed=self.seed)
        return {"name": self.name, **options, "plan": plan}
