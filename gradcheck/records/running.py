"""How a check is run: nothing of it changes what is found.

Part of `records`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loading it takes longer than a small check
    from concurrent.futures import Executor


@dataclass(frozen=True)
class Progress:
    """How far a check is: passed to `progress` after every leaf.

    Attributes
    ----------
    leaf : str
        The leaf just finished.
    done, total : int
        Leaves.
    evaluations : int
        Evaluations of `f` so far.
    """

    leaf: str
    done: int
    total: int
    evaluations: int


@dataclass(frozen=True)
class Running:
    """What the caller has said of it; see `gradcheck.Options`."""

    progress: Callable[[Progress], None] | None = None
    executor: Executor | Callable[[], Executor] | None = None
    journal: str | PathLike[str] | None = None
