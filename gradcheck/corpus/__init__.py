"""The corpus: our checker and its peers on gradients of which the truth is known.

Owns the cases, the running of our checker and of others on them, and the scores. Owns no case
itself (they are in `reference`) and no printing.
At the edge, beside `embedded`: the other place where the checker meets `reference`.
"""

from .campaign import Campaign, run
from .cases import CorpusCase, Group, Truth, draw, names
from .document import markdown
from .ours import examine
from .outcome import OURS, Answer, Diagnosis, Naming, Outcome
from .peers import PEERS, Peer, judge
from .table import HEADINGS, LEGEND, Score, row, score, sentences
from .troubles import is_bad, peer_troubles, troubles

__all__ = [
    "HEADINGS",
    "LEGEND",
    "OURS",
    "PEERS",
    "Answer",
    "Campaign",
    "CorpusCase",
    "Diagnosis",
    "Group",
    "Naming",
    "Outcome",
    "Peer",
    "Score",
    "Truth",
    "draw",
    "examine",
    "is_bad",
    "judge",
    "markdown",
    "names",
    "peer_troubles",
    "row",
    "run",
    "score",
    "sentences",
    "troubles",
]
