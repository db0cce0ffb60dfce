"""The reference: a small NumPy network and the usual layers, every backward written by hand.

It is a subject that the checker is tried on, and a model of how to write a backward pass. It
imports NumPy and the standard library only, and nothing else of gradcheck. Read `dense` first,
then `activations`, `losses` and `network`; the other layers stand beside them, one file a family,
and `faults` has wrong twins of all. Activations, losses and schemes are found by name in
ACTIVATIONS, LOSSES and INITIALISERS.
"""

from .activations import ACTIVATIONS, Activation
from .arrays import Array, Params, Scalar
from .attention import (
    HeadWeights,
    attention_backward,
    attention_forward,
    causal_mask,
    multi_head_attention_backward,
    multi_head_attention_forward,
)
from .batch_norm import (
    Statistics,
    batch_norm_backward,
    batch_norm_evaluate_backward,
    batch_norm_evaluate_forward,
    batch_norm_forward,
    update_statistics,
)
from .class_losses import (
    cross_entropy_backward,
    cross_entropy_forward,
    focal_backward,
    focal_forward,
    hinge_backward,
    hinge_forward,
)
from .comparisons import (
    cosine_similarity_backward,
    cosine_similarity_forward,
    huber_backward,
    huber_forward,
    kl_divergence_backward,
    kl_divergence_forward,
)
from .convolution import conv2d_backward, conv2d_forward
from .data import Dataset, load_iris, standardise
from .dense import dense_backward, dense_backward_parameters, dense_forward
from .dropout import (
    dropout_backward,
    dropout_channels_backward,
    dropout_channels_forward,
    dropout_evaluate,
    dropout_forward,
    dropout_rows_backward,
    dropout_rows_forward,
    gaussian_dropout_backward,
    gaussian_dropout_forward,
)
from .faults import FAULTS, Case, Fault
from .indexing import (
    embedding_backward,
    embedding_forward,
    gather_backward,
    gather_forward,
    scatter_add_backward,
    scatter_add_forward,
)
from .initialisers import INITIALISERS, Initialiser, constant, scaled_normal
from .interpolation import (
    bilinear_resize_backward,
    bilinear_resize_forward,
    linear_interpolate_backward,
    linear_interpolate_forward,
)
from .linear_systems import (
    cholesky_backward,
    cholesky_forward,
    cholesky_solve_backward,
    cholesky_solve_forward,
    log_determinant_backward,
    log_determinant_forward,
)
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
    stacked_cost,
    weight_names,
)
from .normalisation import (
    group_norm_backward,
    group_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
    rms_norm_backward,
    rms_norm_forward,
)
from .optimisers import Adam, AdamW, GradientDescent, Momentum, Optimiser
from .pooling import (
    average_pool2d_backward,
    average_pool2d_forward,
    average_pool2d_inside_backward,
    average_pool2d_inside_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from .recurrent import gru_backward, gru_forward, lstm_backward, lstm_forward
from .reductions import cumprod_backward, cumprod_forward, logsumexp_backward, logsumexp_forward
from .regularisation import l2_backward, l2_forward
from .softmax import log_softmax_backward, log_softmax_forward, softmax_backward, softmax_forward
from .training import History, TrainingSettings, train
from .tricky import TRICKY, Posed, Tricky
from .windows import Windows

__all__ = [
    "ACTIVATIONS",
    "FAULTS",
    "INITIALISERS",
    "LOSSES",
    "TRICKY",
    "Activation",
    "Adam",
    "AdamW",
    "Array",
    "Batch",
    "Case",
    "Dataset",
    "Fault",
    "GradientDescent",
    "HeadWeights",
    "History",
    "Initialiser",
    "LayerCache",
    "Loss",
    "Momentum",
    "Network",
    "Optimiser",
    "Params",
    "Posed",
    "Scalar",
    "Statistics",
    "TrainingSettings",
    "Tricky",
    "Windows",
    "accuracy",
    "attention_backward",
    "attention_forward",
    "average_pool2d_backward",
    "average_pool2d_forward",
    "average_pool2d_inside_backward",
    "average_pool2d_inside_forward",
    "backward",
    "batch_norm_backward",
    "batch_norm_evaluate_backward",
    "batch_norm_evaluate_forward",
    "batch_norm_forward",
    "bilinear_resize_backward",
    "bilinear_resize_forward",
    "causal_mask",
    "cholesky_backward",
    "cholesky_forward",
    "cholesky_solve_backward",
    "cholesky_solve_forward",
    "constant",
    "conv2d_backward",
    "conv2d_forward",
    "cosine_similarity_backward",
    "cosine_similarity_forward",
    "cost",
    "cost_and_gradient",
    "cross_entropy_backward",
    "cross_entropy_forward",
    "cumprod_backward",
    "cumprod_forward",
    "dense_backward",
    "dense_backward_parameters",
    "dense_forward",
    "dropout_backward",
    "dropout_channels_backward",
    "dropout_channels_forward",
    "dropout_evaluate",
    "dropout_forward",
    "dropout_rows_backward",
    "dropout_rows_forward",
    "embedding_backward",
    "embedding_forward",
    "focal_backward",
    "focal_forward",
    "forward",
    "gather_backward",
    "gather_forward",
    "gaussian_dropout_backward",
    "gaussian_dropout_forward",
    "group_norm_backward",
    "group_norm_forward",
    "gru_backward",
    "gru_forward",
    "hinge_backward",
    "hinge_forward",
    "huber_backward",
    "huber_forward",
    "initialise",
    "kl_divergence_backward",
    "kl_divergence_forward",
    "l2_backward",
    "l2_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "linear_interpolate_backward",
    "linear_interpolate_forward",
    "load_iris",
    "log_determinant_backward",
    "log_determinant_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "logsumexp_backward",
    "logsumexp_forward",
    "lstm_backward",
    "lstm_forward",
    "max_pool2d_backward",
    "max_pool2d_forward",
    "multi_head_attention_backward",
    "multi_head_attention_forward",
    "predict",
    "rms_norm_backward",
    "rms_norm_forward",
    "scaled_normal",
    "scatter_add_backward",
    "scatter_add_forward",
    "softmax_backward",
    "softmax_forward",
    "stacked_cost",
    "standardise",
    "train",
    "update_statistics",
    "weight_names",
]
