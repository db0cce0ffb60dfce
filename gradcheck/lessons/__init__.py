"""Lessons: what a course says of training, tried out, and whether it was seen.

Owns data, experiments, measurements and statements. Draws and prints nothing: `render` does.
At the edge, beside `corpus`: it meets `reference`, whose network is trained. The laws of
`gradcheck.laws` are exact and hold of any implementation; a lesson is what happens in practice.
"""

from ..reference import Array
from .campaign import Results, measure
from .data import TASKS, Task
from .portrait import Portrait, portrait
from .recipes import EXPERIMENTS, QUICK, Experiment, Recipe, Settings
from .regularisation_statements import STATEMENTS as _OF_REGULARISATION
from .runs import Look, Run, run
from .scale_statements import STATEMENTS as _OF_SCALE
from .statement import Observation, Seen, Statement, judge, observe
from .symmetry_statements import STATEMENTS as _OF_SYMMETRY

STATEMENTS = (*_OF_SYMMETRY, *_OF_SCALE, *_OF_REGULARISATION)

__all__ = [
    "EXPERIMENTS",
    "QUICK",
    "STATEMENTS",
    "TASKS",
    "Array",
    "Experiment",
    "Look",
    "Observation",
    "Portrait",
    "Recipe",
    "Results",
    "Run",
    "Seen",
    "Settings",
    "Statement",
    "Task",
    "judge",
    "measure",
    "observe",
    "portrait",
    "run",
]
