"""What must hold before numbers mean anything, found out by calling `f` and the claim.

Owns: shapes, dtypes and structure of the claim, finite values, the same answer twice and after a
visit elsewhere, one value, inputs and returned buffers left alone, a claim linear in its cotangent,
global random states, exceptions. Each breach has its own cause and sentence, so that it is
not misread as a wrong formula. Takes no differences.
Third layer: uses `records`, `space`, `execution`.
"""

from .breach import Breach, Broken
from .calls import changed_inputs, claim_at, revisit, visit_unclaimed
from .examination import Contract, examine
from .finer import promoted, referred
from .hindsight import doubt_f
from .outputs import View, room_of_views, views
from .stacking import doubts, examine_stacks, known_in_more_digits, settled

__all__ = [
    "Breach",
    "Broken",
    "Contract",
    "View",
    "changed_inputs",
    "claim_at",
    "doubt_f",
    "doubts",
    "examine",
    "examine_stacks",
    "known_in_more_digits",
    "promoted",
    "referred",
    "revisit",
    "room_of_views",
    "settled",
    "views",
    "visit_unclaimed",
]
