"""Which entries of a failing leaf are wrong: adaptive group testing with certified differences.

Reading order: `reading` (one line, claimed and measured), `oracle` (how lines of a leaf are read
within what the search may cost), `decode` (a single wrong entry, read off the weights of lines),
`blocks` (boxes of entries and their halves), `search` (halving until single entries are left),
`locate` (each suspect confirmed by a difference of its own, and whether these are all).
Sixth layer: uses `differences`, `directions`, `verdict`, `execution`, `space`.
"""

from .locate import Located, locate, scaled_weights
from .oracle import Oracle, SearchSpent, is_wrong
from .reading import Entry, Reading

__all__ = [
    "Entry",
    "Located",
    "Oracle",
    "Reading",
    "SearchSpent",
    "is_wrong",
    "locate",
    "scaled_weights",
]
