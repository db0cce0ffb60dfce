"""What the pytest fixture hands to a test: checks that assert, with the session's seed.

Owns nothing of pytest, so it can be used in other test runners as well.
At the edge: uses `check`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Unpack

from .check import Options, check_grad, check_jvp, check_vjp, require
from .records import Plan, PyTree, Report


@dataclass(frozen=True)
class Gradcheck:
    """Checks that raise `GradientError` unless the verdict is PASS.

    Attributes
    ----------
    seed : int
        Used where the plan names none.
    name : str
        The name of the report where none is given.

    Examples
    --------
    >>> import numpy as np
    >>> gradcheck = Gradcheck(seed=1)
    >>> gradcheck(lambda x: np.sum(x**2), lambda x: 2 * x, np.arange(3.0)).plan.seed
    1
    """

    seed: int
    name: str = ""

    def __call__(
        self,
        f: Callable[[PyTree], Any],
        grad: Callable[[PyTree], PyTree] | PyTree | Literal[True],
        x: PyTree,
        **options: Unpack[Options],
    ) -> Report:
        """Check a gradient, see `gradcheck.check_grad`."""
        return require(check_grad(f, grad, x, **self._seeded(options)))

    def vjp(
        self,
        f: Callable[[PyTree], PyTree],
        vjp: Callable[[PyTree, PyTree], PyTree],
        x: PyTree,
        **options: Unpack[Options],
    ) -> Report:
        """Check a vector-Jacobian product, see `gradcheck.check_vjp`."""
        return require(check_vjp(f, vjp, x, **self._seeded(options)))

    def jvp(
        self,
        f: Callable[[PyTree], PyTree],
        jvp: Callable[[PyTree, PyTree], PyTree],
        x: PyTree,
        **options: Unpack[Options],
    ) -> Report:
        """Check a Jacobian-vector product, see `gradcheck.check_jvp`."""
        return require(check_jvp(f, jvp, x, **self._seeded(options)))

    def _seeded(self, options: Options) -> Options:
        plan = options.get("plan")
        plan = Plan.auto() if plan is None else plan
        if isinstance(plan, Plan) and plan.seed is None:  # anything else is refused by the check
            plan = replace(plan, seed=self.seed)
        return {"name": self.name, **options, "plan": plan}
