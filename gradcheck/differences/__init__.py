"""Certified differences: one derivative along one line, with an error bar that is honest.

Reading order: `line` (values of f along a line), `window` (nine values and what they say),
`evidence` (a kink, a jump, a clean side), `ladder` (which windows to take and which to believe),
`second_look` (before a claim is called wrong), `glance` (two values, for the easy case).
Owns no claim and no verdict.
Third layer: uses `records`, `space`, `execution`.
"""

from .glance import Glance, glance
from .ladder import Choice, Ladder, climb, precise
from .line import FINE_ARITHMETIC, Line
from .second_look import closer, kinks_may_meet, second_window

__all__ = [
    "FINE_ARITHMETIC",
    "Choice",
    "Glance",
    "Ladder",
    "Line",
    "climb",
    "closer",
    "glance",
    "kinks_may_meet",
    "precise",
    "second_window",
]
