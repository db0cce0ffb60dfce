"""The corpus: functions whose derivatives are known, drawn from one seed.

Owns the list of themes; each file of this folder is one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..case import Case
from .algorithms import complex_leaves, iterative, log_likelihood
from .domain import edge, one_sided, raising
from .kinked import at_the_point, near_jump, near_kink, on_kink
from .layers import convolution, grid_networks, max_pool
from .networks import float32_networks, networks
from .noisy import noise, ripple, varying_noise
from .rounded import (
    averaged_float32,
    hidden_float32,
    low_precision_point,
    quantised_input,
    rounded_output,
)
from .smooth import (
    cancellation,
    curvature,
    flat,
    linear,
    nearly_flat,
    scaled,
    smooth,
    spread_leaf,
    tiny_and_huge,
)

__all__ = ["DEFAULT_COUNT", "build"]

DEFAULT_COUNT = 20  # cases of a kind
THEMES = (
    smooth, scaled, tiny_and_huge, curvature, linear, spread_leaf, complex_leaves, iterative,
    convolution, log_likelihood, networks, edge, raising, one_sided, cancellation, flat,
    nearly_flat, near_kink, near_jump, max_pool, on_kink, grid_networks, at_the_point, noise,
    varying_noise, ripple, low_precision_point, hidden_float32, averaged_float32, rounded_output,
    quantised_input, float32_networks,
)  # fmt: skip


def build(seed: int, n: int = DEFAULT_COUNT) -> list[Case]:
    """Draw the corpus of a seed: more than 1500 cases at the default count.

    Each theme has its own stream, so that a new theme changes no case of another. Names are
    numbered within their theme.
    """
    cases = []
    for theme in THEMES:
        rng = np.random.default_rng([seed, *theme.__name__.encode()])
        with np.errstate(all="ignore"):
            cases += [
                replace(case, name=f"{case.family}/{case.name}#{theme.__name__}-{k}")
                for k, case in enumerate(theme(rng, n))
            ]
    return cases
