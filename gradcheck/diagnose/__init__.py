"""Why a leaf is wrong: one small function a cause, and the sentence for the user.

Reading order: `suspect` (what is known, and when a proposed gradient fits it), `numbers` and
`surroundings` (naming a factor), the causes: `scale`, `rearranged`, `residual`, `normalisation`,
`slopes` for a leaf as a whole, `pattern` for entries; `culprit` (the order of the questions),
`where` and `sentence` (the wording), `blame` (what is handed over from the lines measured).
A cause proposes the gradient that the claim should have been; it is named only if that agrees with
every line measured, by more digits than chance would give.
Seventh layer: uses `localise` and `probing`.
"""

from .blame import Blame, blame, blame_exactly, looked_at, numbers_of
from .where import index_text, places

__all__ = [
    "Blame",
    "blame",
    "blame_exactly",
    "index_text",
    "looked_at",
    "numbers_of",
    "places",
]
