"""The same value of `f` twice at the same x; and if not, who or what has changed it.

`f` is called again after the claim, so a claim that changes what `f` reads shows here. A few more
calls tell it from an `f` that draws random numbers and from one that remembers its calls.
Part of `contract`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from ..execution import BudgetSpent, CallFailed, Origin, Output
from ..records import Cause, Finding, UsageError, Verdict
from ..space import Array, same_bits
from .breach import Broken
from .guard import guarded
from .streams import NUMPY, Streams

SMALL_SPREAD = 1e-8  # of f: run-to-run noise below this leaves verdicts working (measured)
CALLS = 8  # that random numbers rise or fall with every one of these has a chance of 2/8! = 5e-5
QUIET = 1e-3  # of the change: three random numbers are so close with a chance of about 1e-6
LONGEST_CYCLE = 3  # of values that come back in turn


def call_f_again(
    origin: Origin, call_the_claim: Callable[[], object] | None
) -> tuple[bool, tuple[Finding, ...]]:
    """Call `f` once more at x; returns whether it gave the same bits, and a remark if not.

    Parameters
    ----------
    origin : Origin
        After one call of `f`, and then one of the claim, if that can be called.
    call_the_claim : callable or None
        Calls it at x, to see what becomes of `f`.

    Raises
    ------
    Broken
        If the value is another one; more calls have found out why.
    """
    output = _call_f(origin)
    first, second = origin.output.arrays, output.arrays
    if first.keys() != second.keys():
        raise _restructured(first, second)
    if all(same_bits(second[path], array) for path, array in first.items()):
        return True, ()
    spread = abs(origin.rise(output))
    # `not <=` so that a NaN or a changed shape counts as a difference
    if not spread <= SMALL_SPREAD * origin.size:
        raise _unsteady(origin, output, call_the_claim)
    return False, (_slightly_unsteady(spread, origin),)


def _call_f(origin: Origin) -> Output:
    output: Output = guarded("f", origin.space, lambda: origin.evaluator.f(origin.space.point()))
    return output


def _unsteady(
    origin: Origin, second: Output, call_the_claim: Callable[[], object] | None
) -> Broken:
    """Call on until it is known what makes the difference."""
    before = Streams.now(origin.evaluator.problem)
    rises = [0.0, origin.rise(second)]
    broken: Broken | None = None
    try:
        rises += [origin.rise(_call_f(origin)) for _ in range(2)]
        if _quiet(rises[1:], abs(rises[1])):
            broken = _changed_once(origin, second, rises, call_the_claim)
        else:
            rises += [origin.rise(_call_f(origin)) for _ in range(CALLS - len(rises))]
            order = _order(origin, rises)
            broken = _remembering(origin, second, order) if order else None
    except (Broken, BudgetSpent, CallFailed, UsageError):
        pass  # what the first two calls showed is said all the same
    drawn = before.changed(Streams.now(origin.evaluator.problem))
    return broken if broken is not None else _random(origin, second, drawn)


def _quiet(rises: list[float], change: float) -> bool:
    """Whether values repeat themselves, next to a change: noise would spread as much as that."""
    return max(rises) - min(rises) <= QUIET * change


def _alike(origin: Origin, rises: list[float]) -> bool:
    return all(abs(rise - rises[0]) <= SMALL_SPREAD * origin.size for rise in rises)


def _order(origin: Origin, rises: list[float]) -> str:
    """Say in which order values come that random numbers do not keep; nothing if in none."""
    steps = [after - before for before, after in pairwise(rises)]
    if all(step > 0 for step in steps) or all(step < 0 for step in steps):
        return "moves the same way with every call"
    for period in range(2, LONGEST_CYCLE + 1):
        if all(_alike(origin, rises[start::period]) for start in range(period)):
            return f"comes back after {period} calls"
    return ""


def _changed_once(
    origin: Origin,
    second: Output,
    rises: list[float],
    call_the_claim: Callable[[], object] | None,
) -> Broken:
    """Tell a claim that changes `f` from an `f` whose first call is special."""
    a, b = _show_both(origin.output, second)
    if call_the_claim is not None:
        call_the_claim()
        if not _quiet([rises[-1], origin.rise(_call_f(origin))], abs(rises[1])):
            return Broken(
                Cause.HIDDEN_STATE,
                f"f gave {a}, and {b} after the derivative was called, at the same x, while f "
                f"alone repeats itself: the derivative changes what f reads, such as weights that "
                f"it updates before it has used them; update them after the gradient is returned.",
                Verdict.FAIL,
                first=a,
                second=b,
            )
    other = ", or the derivative changed once what f reads" if call_the_claim is not None else ""
    return Broken(
        Cause.HIDDEN_STATE,
        f"f gave {a} at its first call and {b} at each later one, at the same x: it keeps "
        f"something of its first call{other}; pass f all that it depends on.",
        Verdict.INCONCLUSIVE,
        first=a,
        second=b,
    )


def _remembering(origin: Origin, second: Output, order: str) -> Broken:
    a, b = _show_both(origin.output, second)
    return Broken(
        Cause.HIDDEN_STATE,
        f"f gave {a} and then {b} at the same x, and its value {order}: it counts its calls or "
        f"keeps running averages; take a snapshot of that state and start every call of f from it.",
        Verdict.INCONCLUSIVE,
        first=a,
        second=b,
    )


def _random(origin: Origin, second: Output, drawn: tuple[str, ...]) -> Broken:
    a, b = _show_both(origin.output, second)
    advice = "seed the generator inside f, or name it with random=rng so that it is held still"
    if drawn:
        named = ", ".join("np.random" if name == NUMPY else name for name in drawn)
        advice = (
            f"it draws from the global state of {' and '.join(drawn)}; hold that still with "
            f"random={named if len(drawn) == 1 else f'({named})'}"
        )
    elif origin.evaluator.problem.random:
        advice = "although the sources named by random= were held still; f draws from another one"
    return Broken(
        Cause.NONDETERMINISTIC,
        f"f gave {a} and then {b} at the same x: {advice}.",
        Verdict.INCONCLUSIVE,
        first=a,
        second=b,
    )


def _restructured(first: dict[str, Array], second: dict[str, Array]) -> Broken:
    return Broken(
        Cause.STRUCTURE,
        f"f returned {', '.join(first)} and then {', '.join(second)} at the same x; it must return "
        f"the same structure at every call.",
        Verdict.INCONCLUSIVE,
    )


def _slightly_unsteady(spread: float, origin: Origin) -> Finding:
    return Finding(
        Cause.NONDETERMINISTIC,
        f"f differs by {spread:.1e} between two calls at the same x, as sums in a changing order "
        f"do; the error bars hold that noise.",
        None,
        {"spread": spread, "size": origin.size},
    )


def _show_both(first: Output, second: Output) -> tuple[str, str]:
    """Show where two outputs of the same structure differ: their shapes, or one entry."""
    path = next(p for p, array in first.arrays.items() if not same_bits(array, second.arrays[p]))
    a, b = first.arrays[path], second.arrays[path]
    if a.shape != b.shape:
        return f"shape {a.shape}", f"shape {b.shape}"
    entry = int(np.argmax(a.ravel() != b.ravel()))
    return f"{a.ravel()[entry]:.12g}", f"{b.ravel()[entry]:.12g}"
