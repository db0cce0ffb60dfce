"""Every layer of the reference has two planted faults at least.

Of a layer that nobody got wrong in the test material, no checker can be shown to find the fault.
"""

import pytest

from gradcheck import reference
from gradcheck.reference import FAULTS

LEAST = 2

# Faults of the very layer, or of the same layer written out small: its formula is what counts.
LAYERS = {
    "attention": ["attention-causal-mask-forgotten", "attention-keys-without-transpose"],
    "average_pool2d": ["average-pool-not-divided", "average-pool-overlap-assigned"],
    "average_pool2d_inside": ["average-pool-inside-by-size", "mean-pool-divisor-at-the-ends"],
    "batch_norm": ["batch-norm-variance-constant", "batch-norm-mean-counted-twice"],
    "batch_norm_evaluate": [
        "evaluation-differentiated-as-training",
        "evaluation-divided-by-variance",
    ],
    "bilinear_resize": ["resize-to-nearest", "resize-between-corners"],
    "cholesky": ["cholesky-whole-diagonal", "cholesky-not-symmetrised"],
    "cholesky_solve": ["cholesky-solve-factor-counted-once", "cholesky-solve-one-triangle"],
    "conv2d": [
        "convolution-input-without-stride",
        "convolution-crop-off-by-one",
        "convolution-dilation-ignored",
        "convolution-group-of-neighbour",
        "convolution-first-group-only",
    ],
    "cosine_similarity": ["cosine-without-projection", "cosine-not-divided-by-length"],
    "cross_entropy": ["ignored-rows-trained", "label-smoothing-forgotten"],
    "cumprod": ["cumprod-by-division", "cumprod-of-its-own-place"],
    "dense": ["weight-gradient-transposed", "bias-gradient-averaged"],
    "dropout": ["dropout-mask-forgotten", "dropout-scale-missing"],
    "dropout_channels": ["channel-mask-drawn-by-entry", "channel-mask-of-first-row"],
    "dropout_rows": ["row-dropout-scale-missing", "row-dropout-mask-forgotten"],
    "embedding": ["padding-row-trained", "large-table-assigned"],
    "focal": ["focal-factor-constant", "focal-power-not-lowered"],
    "gather": ["gather-gradient-assigned", "gather-along-other-axis"],
    "gaussian_dropout": ["gaussian-noise-without-its-mean", "gaussian-noise-redrawn"],
    "group_norm": ["group-norm-over-wrong-axis", "group-norm-groups-as-one"],
    "gru": ["gru-state-bias-before-reset", "gru-first-state-by-update-only"],
    "hinge": ["hinge-without-label-column", "hinge-label-counted-once"],
    "huber": ["huber-delta-forgotten", "huber-not-averaged"],
    "kl_divergence": ["divergence-reversed", "divergence-without-row-sum"],
    "l2": ["l2-half-of-gradient", "l2-on-biases"],
    "layer_norm": ["layer-norm-statistics-as-constants", "layer-norm-gain-forgotten"],
    "linear_interpolate": ["interpolation-shares-swapped", "interpolation-knots-detached"],
    "log_determinant": ["log-determinant-without-transpose", "log-determinant-diagonal-only"],
    "log_softmax": ["log-softmax-without-row-sum", "log-softmax-slope-of-softmax"],
    "logsumexp": ["logsumexp-as-maximum", "logsumexp-shares-of-columns"],
    "lstm": ["lstm-cell-not-carried", "lstm-gate-slope-missing"],
    "max_pool2d": ["max-pool-winner-by-columns", "max-pool-frame-not-cropped"],
    "multi_head_attention": ["self-attention-of-queries-only", "heads-joined-without-transpose"],
    "rms_norm": ["rms-norm-gain-forgotten", "rms-norm-root-constant"],
    "scatter_add": ["scatter-add-as-overwriting", "scatter-add-of-last-only"],
    "softmax": ["softmax-diagonal-only", "softmax-without-row-sum"],
}
NETWORK = {"forward", "backward"}  # of the whole, which is no layer
ON_THEIR_OWN = {"dense_backward_parameters"}  # half of a backward: `dense_backward` calls it


def named(ending):
    """Return the public names with this ending, without it."""
    names = {name for name in reference.__all__ if name.endswith(ending)}
    return {name.removesuffix(ending) for name in names - NETWORK}


def test_table_names_every_layer():
    """A new layer must be given its faults before it can be published."""
    assert named("_forward") == LAYERS.keys()


def test_every_layer_has_both_directions():
    """A forward without its backward, or the other way round, is half a layer."""
    assert named("_forward") == named("_backward")
    extra = {name for name in reference.__all__ if "_backward_" in name}
    assert extra == ON_THEIR_OWN


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_has_faults(layer):
    """Two at least, all of which are planted."""
    planted = {fault.name for fault in FAULTS}
    assert len(set(LAYERS[layer])) >= LEAST
    assert set(LAYERS[layer]) <= planted
