"""How the lines of a leaf come to be measured: one after another, or ahead on other processors.

Part of `probing`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

import numpy as np

from ..differences import first_points, foresee
from ..directions import Probe
from ..execution import Ahead, Origin
from .here import line_through
from .place import Place


class Supplier(Protocol):
    """Hands on the lines of a leaf, each with what is known of it by then."""

    def supply(
        self,
        place: Place,
        probes: Sequence[Probe],
        state: Mapping[str, Any],
        rng: np.random.Generator,
    ) -> Generator[Probe]:
        """Hand on the lines of a leaf, in their order.

        Parameters
        ----------
        place : Place
            Where leaves are probed; these lines begin where it says for their leaf.
        probes : sequence of Probe
            The lines.
        state : mapping
            That of the generator before they were drawn.
        rng : numpy.random.Generator
            The generator after that, from which the lines of the next leaves will be drawn.
        """
        ...


class Alone:
    """Every line is measured here, when it is its turn."""

    def supply(
        self,
        place: Place,
        probes: Sequence[Probe],
        state: Mapping[str, Any],
        rng: np.random.Generator,
    ) -> Generator[Probe]:
        """Hand the lines on as they are; with their first values, where `f` takes stacks."""
        if not (probes and place.origin.evaluator.stacks):
            yield from probes
            return
        origin = place.for_leaf(probes[0].leaf).origin
        yield from foreseen(origin, probes, glanced_at=origin.steady)


ALONE = Alone()
AT_ONCE = 64  # lines of which values are there before the first is looked at
KEPT = 2**20  # numbers in one value of each of them together; 8 MB


def foreseen(origin: Origin, probes: Iterable[Probe], *, glanced_at: bool) -> Generator[Probe]:
    """Hand lines on, with their first values where `f` takes stacks: at a glance, or of a window.

    They are evaluated with those of the next lines, and count once they are used.
    """
    if not origin.evaluator.stacks:
        yield from probes
        return
    at_once = max(1, min(AT_ONCE, KEPT // max(1, origin.output.size)))
    left = iter(probes)
    while some := list(islice(left, at_once)):
        lines = [line_through(origin, probe) for probe in some]
        foresee((line, first_points(line, glanced_at=glanced_at)) for line in lines)
        for probe, line in zip(some, lines, strict=True):
            yield replace(probe, ahead=Ahead(origin, line.ahead))
