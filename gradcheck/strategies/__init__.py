"""Hypothesis strategies: points at which a gradient is checked, friendly ones and hostile ones.

    @strategies.given_points({"W": np.ones((2, 3)), "b": np.ones(3)})
    def test_dense(gradcheck, x):          # x: drawn, shaped like the template
        gradcheck(loss, backward, x)       # the seed is drawn too, so a failure replays

Failures shrink to few small numbers of few digits. The only room that imports Hypothesis.
At the edge; extra `hypothesis`.
"""

try:
    import hypothesis as hypothesis
except ImportError as missing:
    raise ImportError(
        "gradcheck.strategies needs Hypothesis: pip install 'gradcheck[hypothesis]'"
    ) from missing

from .arrays import DISTANCE, MOST_DRAWN, arrays, broadcastable_pairs, dtypes, shapes
from .given import checks, discard, given_points, seeds
from .hostile import Hostility, hostile_arrays, indices, repeated_indices
from .networks import batches, keep_probs, layer_stacks, weight_decays
from .trees import arrays_like, hostile_like, points

__all__ = [
    "DISTANCE",
    "MOST_DRAWN",
    "Hostility",
    "arrays",
    "arrays_like",
    "batches",
    "broadcastable_pairs",
    "checks",
    "discard",
    "dtypes",
    "given_points",
    "hostile_arrays",
    "hostile_like",
    "indices",
    "keep_probs",
    "layer_stacks",
    "points",
    "repeated_indices",
    "seeds",
    "shapes",
    "weight_decays",
]
