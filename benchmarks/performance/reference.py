"""The reference network beside its own matrix products, and beside torch."""

from __future__ import annotations

import importlib.util
import math

from ..test_reference_speed import DTYPES, OVER_PRODUCTS, OVER_TORCH, SIZES, products, torch_eager
from ..test_reference_speed import reference as network
from .sections import Effort, Section, Target
from .timing import take_turns

HEAD = ("reference network", "ms", "x products", "x torch")
TEXT = (
    f"Cost and gradient of the reference network {'-'.join(map(str, SIZES))} at a batch of 128, "
    "beside the matrix products that it cannot do without, and beside torch eager, forward and "
    "backward; one thread."
)


def measure(effort: Effort) -> Section:
    """Measure both precisions."""
    has_torch = importlib.util.find_spec("torch") is not None
    rows, targets = [], []
    for dtype in DTYPES:
        calls = {"network": network(dtype), "products": products(dtype)}
        if has_torch:
            calls["torch"] = torch_eager(dtype)
        times = take_turns(calls, effort.patience)
        over = times.ratio("network", "products")
        over_torch = times.ratio("network", "torch") if has_torch else math.nan
        rows.append((dtype, 1e3 * times.median("network"), over, over_torch))
        targets += [
            Target(f"reference network, {dtype}, x products", OVER_PRODUCTS, over),
            Target(
                f"reference network, {dtype}, x torch", OVER_TORCH, over_torch, "no torch installed"
            ),
        ]
    return Section("The reference network", TEXT, HEAD, rows, targets)
