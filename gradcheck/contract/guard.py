"""One guarded call into the caller's code: a raise, or a changed input, is a breach.

Part of `contract`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..execution import CallFailed
from ..records import Cause, Verdict
from ..space import Space
from .breach import Broken


def guarded(who: str, space: Space, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - foreign
    """Make one call; a raise or a changed input is a breach."""
    try:
        result = call()
    except CallFailed as failure:
        space.restore_handed()
        raise _raised(failure) from failure.error
    changed = space.restore_handed() + space.restore_given()
    if changed:
        raise mutation(who, changed[0])
    return result


def _raised(failure: CallFailed) -> Broken:
    if failure.who == "f":
        return Broken(
            Cause.RAISED,
            f"{failure} at x; nothing can be said about its derivative there{_place(failure)}.",
            Verdict.INCONCLUSIVE,
            traceback=failure.traceback,
        )
    return Broken(
        Cause.RAISED,
        f"{failure} at x, where f itself can be evaluated{_place(failure)}.",
        Verdict.FAIL,
        traceback=failure.traceback,
    )


def _place(failure: CallFailed) -> str:
    return f" ({failure.place})" if failure.place else ""


def mutation(who: str, path: str) -> Broken:
    """Say that a call changed a leaf of its input."""
    return Broken(
        Cause.MUTATED_INPUT,
        f"{who} changed leaf {path} of its input in place, so every later value is taken at "
        f"another point; work on a copy ({path} was restored).",
        Verdict.FAIL,
        leaf=path,
    )
