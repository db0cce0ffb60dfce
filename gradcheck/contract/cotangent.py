"""What a backward pass may do with its cotangent: read it, and leave it alone.

Part of `contract`.
"""

from __future__ import annotations

import numpy as np

from ..execution import Origin
from ..records import Cause, Verdict
from ..space import leaves_by_path, same_bits
from .breach import Broken
from .guard import guarded


def examine_cotangent(origin: Origin) -> None:
    """Look whether the claim changes its cotangent; costs one call of the claim, and one of `f`.

    Raises
    ------
    Broken
        If it does.
    """
    given = origin.output.rebuild(origin.cotangent)
    handed = {k: v for k, v in leaves_by_path(given).items() if isinstance(v, np.ndarray)}
    before = {path: array.copy() for path, array in handed.items()}
    space, evaluator = origin.space, origin.evaluator
    if origin.forward_first:
        guarded("f", space, lambda: evaluator.forward(space.point()))
    guarded("the derivative", space, lambda: evaluator.claim(space.point(), given))
    for path, array in handed.items():
        if not same_bits(array, before[path]):
            where = "its cotangent" if path == "x" else f"the cotangent of output {path}"
            raise Broken(
                Cause.MUTATED_INPUT,
                f"the derivative changed {where} in place, which whoever passed it still needs; "
                f"work on a copy.",
                Verdict.FAIL,
            )
