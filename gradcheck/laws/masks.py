"""Masks: what a position may not see has no influence and gets no gradient.

Part of `laws`. Sources: Vaswani et al. (2017), NIPS 30, section 3.2.3 (masked attention); padding
as in the padded batches of every library for sequences.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .protocol import Law, Outcome, Setting, broken, holds
from .subject import Array, Subject

VASWANI = "Vaswani et al. (2017), Attention is all you need, NIPS 30, section 3.2.3"
COLLOBERT = "Collobert et al. (2011), Natural language processing (almost) from scratch, JMLR 12"

ROUNDING = 1e-11
BATCH, LENGTH, CHANNELS = 2, 6, 8  # CHANNELS divides into 1, 2, 4 or 8 heads
VOCABULARY = 5


def attention_is_causal(subject: Subject, setting: Setting) -> Outcome:
    """Change the future of a position: its output stays, and its gradient is 0 there."""
    rng = setting.rng()
    cut = int(rng.integers(1, LENGTH))  # the first position of the future
    mask = np.tril(np.ones((LENGTH, LENGTH), dtype=bool))
    x = rng.standard_normal((BATCH, LENGTH, CHANNELS))
    changed = x.copy()
    changed[:, cut:] = rng.standard_normal(changed[:, cut:].shape)
    return _blind(subject, mask, (x, changed), np.arange(LENGTH) >= cut, "later positions")


def attention_ignores_padding(subject: Subject, setting: Setting) -> Outcome:
    """Change what stands in padded positions, which no position may look at."""
    rng = setting.rng()
    hidden = np.arange(LENGTH) >= int(rng.integers(1, LENGTH))
    mask = np.broadcast_to(~hidden, (LENGTH, LENGTH)).copy()
    x = rng.standard_normal((BATCH, LENGTH, CHANNELS))
    changed = np.where(hidden[:, None], rng.standard_normal(x.shape), x)
    return _blind(subject, mask, (x, changed), hidden, "padding")


def _blind(
    subject: Subject,
    mask: npt.NDArray[np.bool_],
    inputs: tuple[Array, Array],
    hidden: npt.NDArray[np.bool_],
    what: str,
) -> Outcome:
    """Compare the outputs of the other positions, and look at the gradient of the hidden ones."""
    x, changed = inputs
    out, backward = subject.attention(x, mask)
    other = np.asarray(subject.attention(changed, mask)[0])[:, ~hidden]
    seen = np.asarray(out)[:, ~hidden]
    change = np.max(np.abs(seen - other), axis=(0, 2))  # of each position that is not hidden
    worst = int(change.argmax())
    if not change[worst] <= ROUNDING * max(1.0, float(np.max(np.abs(seen)))):
        return broken(
            f"the output at position {worst} changes by {change[worst]:.3g} when only "
            f"{what} change",
            position=worst,
        )
    dout = np.where(hidden[:, None], 0.0, 1.0) * np.ones_like(x)
    leak = np.max(np.abs(np.asarray(backward(dout))[:, hidden]), axis=(0, 2))
    worst = int(leak.argmax())
    if not leak[worst] <= ROUNDING:
        position = int(np.flatnonzero(hidden)[worst])
        return broken(
            f"position {position} gets a gradient of {leak[worst]:.3g} from outputs that may not "
            f"look at it ({what})",
            position=position,
        )
    return holds(f"{what} have no influence and get no gradient")


def padding_row_gets_no_gradient(subject: Subject, setting: Setting) -> Outcome:
    """Look rows of a table up, padding among them: its row gets nothing, the others their sum."""
    rng = setting.rng()
    padding = int(rng.integers(VOCABULARY))
    indices = rng.integers(0, VOCABULARY, (3, 2 * LENGTH))
    indices[:, 0] = padding
    table = rng.standard_normal((VOCABULARY, CHANNELS))
    out, backward = subject.embedding(table, indices, padding)
    dout = rng.standard_normal(np.shape(out))
    dtable = np.asarray(backward(dout))
    for row in range(VOCABULARY):
        expected = dout[indices == row].sum(axis=0) * (row != padding)
        off = float(np.max(np.abs(dtable[row] - expected)))
        if not off <= ROUNDING:
            uses = int(np.sum(indices == row))
            rule = (
                f"is padding and gets a gradient of {np.max(np.abs(dtable[row])):.3g}, not 0"
                if row == padding
                else f"is used {uses} times and its gradient is off their sum by {off:.3g}"
            )
            return broken(f"row {row} of the table {rule}", row=row, uses=uses)
    return holds("the padding row gets no gradient, the others the sum over their uses")


LAWS = (
    Law(
        "attention-is-causal",
        "Under a causal mask no output depends on later positions, and none sends them a gradient.",
        VASWANI,
        ("attention",),
        attention_is_causal,
    ),
    Law(
        "attention-ignores-padding",
        "Padded positions have no influence on the others and get no gradient from them.",
        VASWANI,
        ("attention",),
        attention_ignores_padding,
    ),
    Law(
        "embedding-padding-gets-no-gradient",
        "The padding row of an embedding gets no gradient; repeated rows get the sum.",
        COLLOBERT,
        ("embedding",),
        padding_row_gets_no_gradient,
    ),
)
