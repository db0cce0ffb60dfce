"""Is my hand-written gradient right, where is it wrong, and why: certified gradient checks.

    report = gradcheck.check_grad(loss, backward, params)
    assert report, report

The names below are the whole public surface of the core; `gradcheck.compat`,
`gradcheck.laws`, `gradcheck.reference`, `gradcheck.strategies` and `gradcheck.testing` are loaded
when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import render as render  # enters what reports are printed with
from . import teaching as teaching  # and what they are marked with
from .check import (
    Options,
    PointOptions,
    assert_grad,
    assert_jvp,
    assert_vjp,
    check,
    check_grad,
    check_jvp,
    check_vjp,
)
from .records import (
    Budget,
    Cause,
    Derivative,
    Evidence,
    Finding,
    Gradient,
    GradientError,
    Kind,
    LawReport,
    LeafReport,
    Mode,
    Plan,
    Problem,
    Progress,
    Report,
    Score,
    UsageError,
    Verdict,
)

if TYPE_CHECKING:  # see LATER
    from .numeric import derivative, gradient
    from .second_order import check_hessian, check_hvp, check_jacobian

__version__ = "0.1.0"

__all__ = [
    "Budget",
    "Cause",
    "Derivative",
    "Evidence",
    "Finding",
    "Gradient",
    "GradientError",
    "Kind",
    "LawReport",
    "LeafReport",
    "Mode",
    "Options",
    "Plan",
    "PointOptions",
    "Problem",
    "Progress",
    "Report",
    "Score",
    "UsageError",
    "Verdict",
    "__version__",
    "assert_grad",
    "assert_jvp",
    "assert_vjp",
    "check",
    "check_grad",
    "check_hessian",
    "check_hvp",
    "check_jacobian",
    "check_jvp",
    "check_vjp",
    "derivative",
    "gradient",
]


# Loaded when they are first asked for: parts that a plain check does not need.
MODULES = ("compat", "laws", "reference", "strategies", "testing")
LATER = {
    "check_hessian": "second_order",
    "check_hvp": "second_order",
    "check_jacobian": "second_order",
    "derivative": "numeric",
    "gradient": "numeric",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module or a function
    """Load what is asked for late."""
    if name in MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in LATER:
        found = getattr(importlib.import_module(f".{LATER[name]}", __name__), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *LATER, *MODULES})
