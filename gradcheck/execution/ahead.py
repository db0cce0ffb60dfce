"""What was evaluated along one line ahead of time, on another processor.

Part of `execution`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..records import Analytic
from .origin import Origin
from .outputs import Output


@dataclass(frozen=True, eq=False)
class Ahead:
    """Values along one line through an origin; each is counted when it is first asked for.

    Attributes
    ----------
    origin : Origin
        Where the line begins. Values are those of its space, whatever the cotangent.
    values : mapping of float to (float, Output)
        By t, the step really taken and what `f` returned. Where `f` raised there is none.
    analytic : Analytic or None
        The claim along the line, where evaluating it takes a call; of this origin alone.
    """

    origin: Origin
    values: Mapping[float, tuple[float, Output]]
    analytic: Analytic | None = None
