"""Options with a plan that has a seed, from which an adapter draws random numbers of its own.

Part of `adapters`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..randomness import Held
from ..records import Plan

__all__ = ["seeded"]


def seeded(options: Mapping[str, Any]) -> tuple[dict[str, Any], int, Held]:
    """Return the options, the seed of their plan, drawn if it has none, and `random` held still.

    What is no plan gets no seed: the check refuses it.
    """
    settings = dict(options)
    plan = settings.get("plan") or Plan.auto()
    if isinstance(plan, Plan) and plan.seed is None:
        plan = replace(plan, seed=secrets.randbits(32))
    settings["plan"] = plan
    seed = plan.seed if isinstance(plan, Plan) and plan.seed is not None else 0
    sources = settings.get("random", ())
    held = Held.of(tuple(sources) if isinstance(sources, (tuple, list)) else (sources,))
    return settings, seed, held
