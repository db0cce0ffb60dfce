"""How `f` and the claim are run: one call at a time, counted, with held randomness.

Owns the calls into foreign code, what they may return, what becomes of their exceptions, and the
budget. Judges nothing: a call that fails raises `CallFailed`, and the caller decides what it means.
Second layer: uses `records`, `space`, `randomness`.
"""

from .ahead import Ahead
from .evaluator import BudgetSpent, CallFailed, Evaluator, Memory, Spent
from .many import Asked, evaluate_along, evaluate_at, f_of_stack, put
from .origin import Origin
from .outputs import Output, copied, describe, read_numbers, read_output, read_scalar
from .stacked_sweep import stacked_sweep
from .stacks import Stack, Stacking
from .sweep import answers_in_place, sweep, sweep_copies

__all__ = [
    "Ahead",
    "Asked",
    "BudgetSpent",
    "CallFailed",
    "Evaluator",
    "Memory",
    "Origin",
    "Output",
    "Spent",
    "Stack",
    "Stacking",
    "answers_in_place",
    "copied",
    "describe",
    "evaluate_along",
    "evaluate_at",
    "f_of_stack",
    "put",
    "read_numbers",
    "read_output",
    "read_scalar",
    "stacked_sweep",
    "sweep",
    "sweep_copies",
]
