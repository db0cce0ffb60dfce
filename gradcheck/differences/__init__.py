"""Certified differences: one derivative along one line, with an error bar that is honest.

Reading order: `line` (values of f along a line), `levels` (which steps, and their formulas),
`window` (nine values and what they say), `evidence` (a kink, a jump, a clean side), `choice` (which
windows to believe), `steps` (which to take next), `edge` (one side of x only), `ladder` (the climb
from window to window), `second_look` (before a claim is called wrong), `glance` (two values, for
the easy case).
Owns no claim and no verdict.
Third layer: uses `records`, `space`, `execution`.
"""

from .choice import Choice, choose, precise
from .glance import ROUNDING, Glance, glance, glance_of_each
from .ladder import Ladder, chosen_of, climb, deepened, first_points
from .levels import Vector
from .line import FINE_ARITHMETIC, Line, Sample, foresee
from .second_look import ALIKE, closer, kinks_may_meet, second_window, seen_from_afar
from .steps import first_step
from .window import Window

__all__ = [
    "ALIKE",
    "FINE_ARITHMETIC",
    "ROUNDING",
    "Choice",
    "Glance",
    "Ladder",
    "Line",
    "Sample",
    "Vector",
    "Window",
    "choose",
    "chosen_of",
    "climb",
    "closer",
    "deepened",
    "first_points",
    "first_step",
    "foresee",
    "glance",
    "glance_of_each",
    "kinks_may_meet",
    "precise",
    "second_window",
    "seen_from_afar",
]
