"""Checks inside a property: the point is drawn, and so is the seed, so that a failure replays.

Part of `strategies`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import strategies as st

from ..records import Plan, PyTree, Report, UsageError
from ..testing import Gradcheck, fail
from .trees import arrays_like

SEED_BITS = 32


def discard(report: Report) -> None:
    """Take back an example at which a check is inconclusive.

    Hypothesis itself complains where too many are taken back, so that nothing passes unseen.
    """
    hypothesis.reject()


UNDECIDED: dict[str, Callable[[Report], None]] = {"fail": fail, "discard": discard}


def seeds() -> st.SearchStrategy[int]:
    """Draw the seed of a plan; shrinks to 0.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(seeds(), lambda seed: True)
    0
    """
    return st.integers(0, 2**SEED_BITS - 1)


def checks(
    *, plan: Plan | str = "auto", inconclusive: str = "fail"
) -> st.SearchStrategy[Gradcheck]:
    """Draw what checks and asserts, with a seed: `gradcheck(f, grad, x)`, `gradcheck.vjp(...)`.

    The fixture `gradcheck` would do the same at every example; Hypothesis warns of such fixtures.

    Parameters
    ----------
    plan : Plan or str
        How hard to look; text as on the command line.
    inconclusive : str
        `fail`, or `discard` where hostile points are drawn.

    Raises
    ------
    UsageError
        If `inconclusive` is neither.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(checks(), lambda gradcheck: True)
    Gradcheck(seed=0)
    """
    if inconclusive not in UNDECIDED:
        raise UsageError(f"inconclusive={inconclusive!r} is none of {', '.join(UNDECIDED)}.")
    chosen = Plan.from_text(plan) if isinstance(plan, str) else plan
    undecided = UNDECIDED[inconclusive]
    return _checks(chosen, undecided)


# Composite, as a map would be printed by Hypothesis below 6.156, instead of what it makes.
@st.composite
def _checks(draw: st.DrawFn, plan: Plan, undecided: Callable[[Report], None]) -> Gradcheck:
    return Gradcheck(draw(seeds()), plan=plan, undecided=undecided)


def given_points(
    point: PyTree | st.SearchStrategy[PyTree],
    *,
    plan: Plan | str = "auto",
    inconclusive: str = "fail",
    **others: st.SearchStrategy[Any],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test with the arguments `gradcheck` and `x` at drawn points.

    Parameters
    ----------
    point : strategy, array or pytree
        What `x` is drawn from; of an array or pytree, `arrays_like(point)`.
    plan, inconclusive
        As for `checks`.
    **others : strategies
        Of further arguments of the test.

    Returns
    -------
    callable
        A decorator, which is `hypothesis.given` with these strategies: `hypothesis.settings`,
        `hypothesis.example` and pytest's own decorators go with it.

    Examples
    --------
    >>> import hypothesis, numpy as np
    >>> @hypothesis.settings(deadline=None, max_examples=5)
    ... @given_points(np.ones(3))
    ... def test_tanh(gradcheck, x):
    ...     gradcheck.vjp(np.tanh, lambda x, dout: dout * (1 - np.tanh(x) ** 2), x)
    >>> test_tanh()
    """
    drawn = point if isinstance(point, st.SearchStrategy) else arrays_like(point)
    asserting = checks(plan=plan, inconclusive=inconclusive)
    return hypothesis.given(gradcheck=asserting, x=drawn, **others)
