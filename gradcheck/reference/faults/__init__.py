"""Planted faults: wrong twins of right backward passes, to prove that a checker finds them.

Owns: FAULTS, gathered from the files beside this one, one file per kind. Does not own any
judgement: nothing here checks anything. Place: above the layers and the network.
"""

from .activations import ACTIVATION_FAULTS
from .case import Case, Fault
from .dense import DENSE_FAULTS
from .dropout import DROPOUT_FAULTS
from .indexing import INDEXING_FAULTS
from .losses import LOSS_FAULTS
from .network import NETWORK_FAULTS
from .normalisation import NORMALISATION_FAULTS
from .regularisation import REGULARISATION_FAULTS
from .state import STATE_FAULTS

FAULTS: tuple[Fault, ...] = (
    *DENSE_FAULTS,
    *ACTIVATION_FAULTS,
    *LOSS_FAULTS,
    *DROPOUT_FAULTS,
    *REGULARISATION_FAULTS,
    *NETWORK_FAULTS,
    *NORMALISATION_FAULTS,
    *INDEXING_FAULTS,
    *STATE_FAULTS,
)
"""All planted faults; their names are unique."""

__all__ = ["FAULTS", "Case", "Fault"]
