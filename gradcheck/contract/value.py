"""The value that a claim returns beside its gradient, against that of `f`.

Part of `contract`.
"""

from __future__ import annotations

import numpy as np

from ..execution import Origin
from ..records import Cause, Verdict
from ..space import Array, is_floating, unit_roundoff
from .breach import Broken
from .steadiness import SMALL_SPREAD

ROUNDINGS = 2.0**12  # unit roundoffs by which two ways to compute the same sum may differ


def compare_value(origin: Origin, value: Array | None) -> None:
    """Require that the claim's value is f(x), as far as rounding goes.

    Relative to f(x) or to what the claim would change it by, whichever is larger: a small value may
    be the difference of large numbers.

    Raises
    ------
    Broken
        If it is not.
    """
    if value is None:
        return
    own, claimed = float(origin.output.arrays["x"]), float(value)
    arrays = [value, *origin.claimed.values()]
    units = [unit_roundoff(array.dtype) for array in arrays if is_floating(array.dtype)]
    unit = max(origin.roundoff, origin.roundoff_of_x, *units)
    allowed = max(SMALL_SPREAD, ROUNDINGS * unit)
    if abs(claimed - own) <= allowed * max(abs(own), abs(claimed), origin.claim_size):
        return
    ratio = f", ratio {claimed / own:.6g}" if own != 0 and np.isfinite(claimed) else ""
    raise Broken(
        Cause.VALUE,
        f"the derivative returns the value {claimed:.12g} beside the gradient, but f is "
        f"{own:.12g} at the same x (difference {claimed - own:.6g}{ratio}): they are two "
        f"functions; look for a regulariser, a mean in place of a sum, or a mode of training in "
        f"one of them only.",
        Verdict.FAIL,
        claimed=claimed,
        f=own,
    )
