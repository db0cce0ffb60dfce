"""How the lines of a leaf come to be measured: one after another, or ahead on other processors.

Part of `probing`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..directions import Probe
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
        """Hand the lines on as they are."""
        yield from probes


ALONE = Alone()
