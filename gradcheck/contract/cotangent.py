"""What a backward pass may do with its cotangent: read it, and be linear in it.

Part of `contract`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..execution import Origin
from ..records import Cause, Verdict
from ..space import Array, leaves_by_path, norm, same_bits
from .breach import Broken
from .guard import guarded
from .reading import draw_cotangent, index_text, read_claim

# A backward pass sums in another order for another cotangent; one that clips, or leaves the
# cotangent out, is off by far more.
ROUNDINGS = 2.0**12


def examine_cotangent(origin: Origin, rng: np.random.Generator) -> None:
    """Look whether the claim changes its cotangent, and whether it is linear in it.

    Costs two calls of the claim and none of `f`, unless the claim reads what `f` kept.

    Raises
    ------
    Broken
        With the breach that was found.
    """
    other = draw_cotangent(origin.evaluator.problem.kind, origin.output, rng)
    a, b = 0.75, -1.5  # exact in binary
    both = {path: a * u + b * other[path] for path, u in origin.cotangent.items()}
    second, together = (_pulled_back(replace(origin, cotangent=u)) for u in (other, both))
    for i, first in origin.claimed.items():
        expected = a * first + b * second[i]
        size = abs(a) * norm(first) + abs(b) * norm(second[i])
        roundoff = max(origin.roundoff, origin.roundoff_of_x)
        off = norm(together[i] - expected)
        if np.isfinite(size) and not off <= ROUNDINGS * roundoff * size:
            raise _not_linear(origin.space.leaves[i].path, together[i], expected, off / size)


def _pulled_back(origin: Origin) -> dict[int, Array]:
    """Evaluate the claim for the origin's cotangent, which must come back as it was."""
    given = origin.output.rebuild(origin.cotangent)
    handed = {k: v for k, v in leaves_by_path(given).items() if isinstance(v, np.ndarray)}
    before = {path: array.copy() for path, array in handed.items()}
    if origin.forward_first:
        origin.evaluator.f_beside(origin.space.point())
    raw = guarded(
        "the derivative", origin.space, lambda: origin.evaluator.claim(origin.space.point(), given)
    )
    for path, array in handed.items():
        if not same_bits(array, before[path]):
            where = "its cotangent" if path == "x" else f"the cotangent of output {path}"
            raise Broken(
                Cause.MUTATED_INPUT,
                f"the derivative changed {where} in place, which whoever passed it still needs; "
                f"work on a copy.",
                Verdict.FAIL,
            )
    return read_claim(origin.space, raw)


def _not_linear(path: str, found: Array, expected: Array, share: float) -> Broken:
    where = np.unravel_index(int(np.argmax(np.abs(found - expected))), found.shape)
    return Broken(
        Cause.NOT_LINEAR_IN_COTANGENT,
        f"the derivative of leaf {path} is not linear in its cotangent: for 0.75 u - 1.5 w it "
        f"gives {found[where]:.6g} at {index_text(where)}, but 0.75 times that of u less 1.5 times "
        f"that of w is {expected[where]:.6g} ({share:.0%} off); every term must be multiplied by "
        f"the cotangent, once.",
        Verdict.FAIL,
        leaf=path,
    )
