"""What must hold before numbers mean anything, found out by calling `f` and the claim.

Owns: shapes, dtypes and structure of the claim, finite values, the same answer twice, inputs and
returned buffers left alone, exceptions. Each breach has its own cause and sentence, so that it is
not misread as a wrong formula. Takes no differences.
Third layer: uses `records`, `space`, `execution`.
"""

from .breach import Breach, Broken
from .calls import Contract, changed_inputs, claim_at, examine, revisit, visit_unclaimed
from .finer import promoted, referred
from .outputs import View, views

__all__ = [
    "Breach",
    "Broken",
    "Contract",
    "View",
    "changed_inputs",
    "claim_at",
    "examine",
    "promoted",
    "referred",
    "revisit",
    "views",
    "visit_unclaimed",
]
