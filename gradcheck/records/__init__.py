"""The nouns: every record that one part of gradcheck hands to another.

Owns the frozen dataclasses and enumerations, the two exceptions, and the checks that make an
illegal record impossible to build. Owns no computation and no presentation.
First layer: imports nothing else of gradcheck.
"""

from .errors import UsageError, shown_error
from .measurement import Analytic, Derivative, Gradient
from .plan import DEFAULT_RTOL, Budget, Plan
from .problem import Problem, PyTree
from .report import (
    PRESENTERS,
    BoolArray,
    Finding,
    GradientError,
    LawReport,
    LeafReport,
    Report,
    Score,
    require,
)
from .running import Progress, Running
from .trace import EntryTrace, ErrorMap, LineTrace, WindowTrace
from .words import RANK, Cause, Evidence, Kind, Mode, Verdict

__all__ = [
    "DEFAULT_RTOL",
    "PRESENTERS",
    "RANK",
    "Analytic",
    "BoolArray",
    "Budget",
    "Cause",
    "Derivative",
    "EntryTrace",
    "ErrorMap",
    "Evidence",
    "Finding",
    "Gradient",
    "GradientError",
    "Kind",
    "LawReport",
    "LeafReport",
    "LineTrace",
    "Mode",
    "Plan",
    "Problem",
    "Progress",
    "PyTree",
    "Report",
    "Running",
    "Score",
    "UsageError",
    "Verdict",
    "WindowTrace",
    "require",
    "shown_error",
]
