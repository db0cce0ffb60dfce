"""The vector space of a point: its leaves, their paths and scales, and x + t v.

Owns the reading of a pytree (through optree), what counts as a leaf that is differentiated, inner
products, displaced points with the step really taken, and the proof that the caller's arrays are
as they were. Knows nothing of functions, claims or verdicts.
Second layer: uses `records` only.
"""

from .admitted import admitting
from .arrays import (
    OFF_GRID,
    Array,
    draw_weights,
    finer_dtype,
    flat_in_memory,
    grid_of,
    in_blocks,
    inner,
    is_brain,
    is_floating,
    is_masked,
    is_numeric,
    largest,
    least_normal,
    least_rounding,
    norm,
    norm_of_products,
    rms,
    same_bits,
    size_of,
    total,
    unit_roundoff,
    working_dtype,
)
from .bounds import Box, holds, read_bounds, within
from .displacement import OneEntry, Tangent, count_moving, longest
from .elsewhere import Places
from .foreign import is_array, is_foreign, is_writeable, keep, read, unchanged
from .given import wrap
from .leaf import NAMESPACE, Leaf
from .nearby import nearby_of
from .point import Space, flatten, leaves_by_path
from .sparse import count_beyond, is_sparse, on_places, places_of

__all__ = [
    "NAMESPACE",
    "OFF_GRID",
    "Array",
    "Box",
    "Leaf",
    "OneEntry",
    "Places",
    "Space",
    "Tangent",
    "admitting",
    "count_beyond",
    "count_moving",
    "draw_weights",
    "finer_dtype",
    "flat_in_memory",
    "flatten",
    "grid_of",
    "holds",
    "in_blocks",
    "inner",
    "is_array",
    "is_brain",
    "is_floating",
    "is_foreign",
    "is_masked",
    "is_numeric",
    "is_sparse",
    "is_writeable",
    "keep",
    "largest",
    "least_normal",
    "least_rounding",
    "leaves_by_path",
    "longest",
    "nearby_of",
    "norm",
    "norm_of_products",
    "on_places",
    "places_of",
    "read",
    "read_bounds",
    "rms",
    "same_bits",
    "size_of",
    "total",
    "unchanged",
    "unit_roundoff",
    "within",
    "working_dtype",
    "wrap",
]
