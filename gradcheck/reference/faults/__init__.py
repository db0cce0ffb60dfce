"""Planted faults: wrong twins of right backward passes, to prove that a checker finds them.

Owns: FAULTS, gathered from the files beside this one, one file per kind. Does not own any
judgement: nothing here checks anything. Place: above the layers and the network.
"""

from .activations import ACTIVATION_FAULTS
from .attention import ATTENTION_FAULTS
from .batch_norm import BATCH_NORM_FAULTS
from .case import Case, Fault
from .constants import CONSTANT_FAULTS
from .convolution import CONVOLUTION_FAULTS
from .decompositions import DECOMPOSITION_FAULTS
from .dense import DENSE_FAULTS
from .dropout import DROPOUT_FAULTS
from .elementary import ELEMENTARY_FAULTS
from .images import IMAGE_FAULTS
from .indexing import INDEXING_FAULTS
from .layout import LAYOUT_FAULTS
from .linear_algebra import LINEAR_ALGEBRA_FAULTS
from .loss_terms import LOSS_TERM_FAULTS
from .losses import LOSS_FAULTS
from .memory import MEMORY_FAULTS
from .modes import MODE_FAULTS
from .network import NETWORK_FAULTS
from .normalisation import NORMALISATION_FAULTS
from .pair_losses import PAIR_LOSS_FAULTS
from .penalties import PENALTY_FAULTS
from .physics import PHYSICS_FAULTS
from .picking import PICKING_FAULTS
from .pooling import POOLING_FAULTS
from .recurrent import RECURRENT_FAULTS
from .regression import REGRESSION_FAULTS
from .regularisation import REGULARISATION_FAULTS
from .sequences import SEQUENCE_FAULTS
from .solvers import SOLVER_FAULTS
from .state import STATE_FAULTS
from .statistics import STATISTICS_FAULTS
from .time_steps import TIME_STEP_FAULTS
from .upstream import UPSTREAM_FAULTS

FAULTS: tuple[Fault, ...] = (
    *DENSE_FAULTS,
    *LINEAR_ALGEBRA_FAULTS,
    *DECOMPOSITION_FAULTS,
    *ACTIVATION_FAULTS,
    *ELEMENTARY_FAULTS,
    *LOSS_FAULTS,
    *LOSS_TERM_FAULTS,
    *PAIR_LOSS_FAULTS,
    *STATISTICS_FAULTS,
    *REGRESSION_FAULTS,
    *DROPOUT_FAULTS,
    *REGULARISATION_FAULTS,
    *PENALTY_FAULTS,
    *NETWORK_FAULTS,
    *RECURRENT_FAULTS,
    *ATTENTION_FAULTS,
    *CONVOLUTION_FAULTS,
    *POOLING_FAULTS,
    *NORMALISATION_FAULTS,
    *BATCH_NORM_FAULTS,
    *INDEXING_FAULTS,
    *PICKING_FAULTS,
    *LAYOUT_FAULTS,
    *PHYSICS_FAULTS,
    *TIME_STEP_FAULTS,
    *CONSTANT_FAULTS,
    *UPSTREAM_FAULTS,
    *STATE_FAULTS,
    *MEMORY_FAULTS,
    *IMAGE_FAULTS,
    *MODE_FAULTS,
    *SEQUENCE_FAULTS,
    *SOLVER_FAULTS,
)
"""All planted faults; their names are unique."""

__all__ = ["FAULTS", "Case", "Fault"]
