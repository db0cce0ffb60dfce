"""One leaf that passed, as the circumstances see it, and the words for several of them.

Part of `circumstances`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..execution import Origin
from ..records import Cause, Kind, LeafReport, Report
from ..space import Array, in_blocks, is_floating, largest, unit_roundoff
from .symmetry import is_needed

SAME = 64.0  # unit roundoffs between numbers that would be equal but for the order of a sum
MOST_NAMED = 4  # leaves in one sentence
EDGES = (Cause.KINK, Cause.JUMP, Cause.SINGULAR, Cause.DOMAIN)

Remark = tuple[str, Sequence[str], Mapping[str, Any]]
"""A message, the paths that it is about, and the evidence."""


@dataclass(frozen=True, eq=False)
class Look:
    """One leaf that passed, as the circumstances see it.

    Attributes
    ----------
    array : array
        Its values.
    claim : array or None
        Its claimed gradient; None for a JVP.
    report : LeafReport
        What came out.
    nothing : bool
        Whether all leaves of the point are zero.
    edged : bool
        Whether a finding says that it is at a kink or the like, where a zero is a convention.
    kind : Kind
        Of the problem.
    rtol : float
        The plan's tolerance.
    needs_symmetry : callable
        Asks `f` whether it takes a symmetric matrix only.
    """

    array: Array
    claim: Array | None
    report: LeafReport
    nothing: bool
    edged: bool
    kind: Kind
    rtol: float
    needs_symmetry: Callable[[], bool]


def look_at(origin: Origin, report: Report, passed: Mapping[str, LeafReport]) -> list[Look]:
    """Gather what is known of the leaves that passed."""
    space = origin.space
    edged = {finding.leaf for finding in report.findings if finding.cause in EDGES}
    nothing = not any(np.any(space.leaves[i].array) for i in space.moving)
    return [
        Look(
            space.leaves[i].array,
            _floating(origin.claimed.get(i)),
            passed[space.leaves[i].path],
            nothing,
            space.leaves[i].path in edged,
            origin.evaluator.problem.kind,
            report.plan.rtol,
            partial(is_needed, origin, i),
        )
        for i in space.moving
        if space.leaves[i].path in passed
    ]


def _floating(claim: Array | None) -> Array | None:
    """Turn a claim of integers, such as zeros, into one that has a rounding."""
    if claim is None or is_floating(claim.dtype):
        return claim
    return claim.astype(np.float64)


def are_same(a: Array, b: Array) -> bool:
    """Whether two arrays are the same numbers, but for the order in which sums were rounded."""
    off = max(float(np.abs(one - other).max(initial=0.0)) for one, other in in_blocks(a, b))
    return off <= SAME * unit_roundoff(a.dtype) * largest(a)


def listed(paths: Sequence[str]) -> str:
    """Enumerate leaves: `a`, `a and b`, `a, b and 7 more`."""
    if len(paths) > MOST_NAMED:
        paths = [*paths[: MOST_NAMED - 1], f"{len(paths) - MOST_NAMED + 1} more"]
    return " and ".join([", ".join(paths[:-1]), paths[-1]] if len(paths) > 1 else paths)
