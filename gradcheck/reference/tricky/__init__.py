"""Right gradients that look wrong: what a checker must leave alone.

Owns: TRICKY, gathered from the files beside this one, one file per kind. Does not own any
judgement: nothing here checks anything. Place: above the layers and the network.
"""

from .algebra import ALGEBRA
from .cancelling import CANCELLING
from .case import Posed, Tricky
from .constants import CONSTANTS
from .curvature import CURVATURE
from .domain import DOMAIN
from .drawn import DRAWN
from .inner import INNER
from .kinks import KINKS
from .physics import PHYSICS
from .precision import PRECISION
from .pullbacks import PULLBACKS
from .pushes import PUSHES
from .rough import ROUGH
from .rounded import ROUNDED
from .scales import SCALES
from .state import STATE
from .statistics import STATISTICS
from .structures import STRUCTURES
from .ties import TIES

TRICKY: tuple[Tricky, ...] = (
    *KINKS,
    *ROUGH,
    *SCALES,
    *CURVATURE,
    *CANCELLING,
    *ROUNDED,
    *CONSTANTS,
    *DOMAIN,
    *INNER,
    *PRECISION,
    *DRAWN,
    *STRUCTURES,
    *STATE,
    *PULLBACKS,
    *PUSHES,
    *STATISTICS,
    *PHYSICS,
    *ALGEBRA,
    *TIES,
)
"""All of them; their names are unique."""

__all__ = ["TRICKY", "Posed", "Tricky"]
