"""The reference: a small NumPy network with hand-written backward passes, and its planted faults.

It is a subject that the checker is tried on, and a model of how to write a backward pass. It
imports NumPy and the standard library only, and nothing else of gradcheck. Read `dense` first,
then `activations`, `losses` and `network`. Activations, losses and schemes are found by name in
ACTIVATIONS, LOSSES and INITIALISERS.
"""

from .activations import ACTIVATIONS, Activation
from .arrays import Array, Params, Scalar
from .data import Dataset, load_iris, standardise
from .dense import dense_backward, dense_forward
from .dropout import dropout_backward, dropout_evaluate, dropout_forward
from .faults import FAULTS, Case, Fault
from .initialisers import INITIALISERS, Initialiser, constant, scaled_normal
from .losses import LOSSES, Loss
from .network import (
    Batch,
    LayerCache,
    Network,
    accuracy,
    backward,
    cost,
    cost_and_gradient,
    forward,
    initialise,
    predict,
    weight_names,
)
from .optimisers import Adam, AdamW, GradientDescent, Momentum, Optimiser
from .regularisation import l2_backward, l2_forward
from .training import History, TrainingSettings, train

__all__ = [
    "ACTIVATIONS",
    "FAULTS",
    "INITIALISERS",
    "LOSSES",
    "Activation",
    "Adam",
    "AdamW",
    "Array",
    "Batch",
    "Case",
    "Dataset",
    "Fault",
    "GradientDescent",
    "History",
    "Initialiser",
    "LayerCache",
    "Loss",
    "Momentum",
    "Network",
    "Optimiser",
    "Params",
    "Scalar",
    "TrainingSettings",
    "accuracy",
    "backward",
    "constant",
    "cost",
    "cost_and_gradient",
    "dense_backward",
    "dense_forward",
    "dropout_backward",
    "dropout_evaluate",
    "dropout_forward",
    "forward",
    "initialise",
    "l2_backward",
    "l2_forward",
    "load_iris",
    "predict",
    "scaled_normal",
    "standardise",
    "train",
    "weight_names",
]
