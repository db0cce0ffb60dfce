"""One probe: a line measured and judged, with as few evaluations as that takes.

Reading order: `drawing` (the lines of a leaf), `supply` (how they come to be measured), `here` (a
glance where that settles it, the ladder where it does not, a second window before anything is
called wrong), `place` (what can be reached from a point: points nearby, the same
point in more digits), `averaging` (many short differences against the claim at each, where a single
line is too noisy), `complex_step`, `decide` (who is asked next when the line at x cannot tell),
`entries` (a glance at all entries of a leaf in one loop), `seen` (all that was measured of a leaf).
Fifth layer: composes `directions`, `differences`, `contract` and `verdict`; `examine` puts the
probes together.
"""

from .averaging import MOST_EVALUATIONS
from .decide import measure, measure_briefly, unmoved
from .drawing import draw_lines
from .entries import Entries, look_at_entries
from .here import Measured, line_through, measure_here
from .place import SHIFT, Place
from .seen import Seen
from .supply import ALONE, Supplier, foreseen

__all__ = [
    "ALONE",
    "MOST_EVALUATIONS",
    "SHIFT",
    "Entries",
    "Measured",
    "Place",
    "Seen",
    "Supplier",
    "draw_lines",
    "foreseen",
    "line_through",
    "look_at_entries",
    "measure",
    "measure_briefly",
    "measure_here",
    "unmoved",
]
