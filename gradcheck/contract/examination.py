"""The order of the questions: what the first calls of `f` and the claim break.

Part of `contract`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ..execution import BudgetSpent, Evaluator, Origin
from ..records import Cause, Finding, Kind, Verdict
from ..space import Space
from .breach import Breach, Broken
from .buffers import shared_buffers
from .calls import call_claim, call_forward, require_jvp, visit
from .cotangent import examine_cotangent
from .excursion import call_claim_elsewhere
from .reading import beyond_places, constant_on_a_manifold, dtype_remarks, untested
from .repetition import call_claim_again
from .steadiness import call_f_again
from .streams import Streams, drawn_from
from .value import compare_value


@dataclass(frozen=True, eq=False)
class Contract:
    """What the first calls showed.

    Attributes
    ----------
    origin : Origin or None
        f(x) and the claim there; None if differences would mean nothing.
    breach : Breach or None
        What was broken, where there is no origin.
    remarks : tuple of Finding
        What is worth knowing and breaks nothing.
    constant : frozenset of int
        The leaves whose claim is the same, bit for bit, at another point: right where `f` is linear
        in them, a stale cache elsewhere. Only differences at that point can tell.
    untested : tuple of Finding
        Leaves that are carried, and for which there is a claim.
    """

    origin: Origin | None
    breach: Breach | None = None
    remarks: tuple[Finding, ...] = ()
    constant: frozenset[int] = field(default_factory=frozenset)
    untested: tuple[Finding, ...] = ()

    def beside_worse(self) -> Contract:
        """Leave out what is only worth a remark where nothing worse was found."""
        kept = (r for r in self.remarks if r.cause is not Cause.CONSUMES_RANDOMNESS)
        return replace(self, remarks=tuple(kept))


def examine(
    evaluator: Evaluator, space: Space, nearby: Space, rng: np.random.Generator
) -> Contract:
    """Call `f` twice at x, and the claim there, nearby, and there again; report what they break.

    Costs 2 evaluations of `f` and 5 of the claim, 8 of a vector-Jacobian product; one more of both
    where the claim is the same nearby; more only where something looks wrong, or where the claim
    must be called after `f`.
    """
    try:
        return _examine(evaluator, space, nearby, rng)
    except Broken as broken:
        return Contract(None, broken.breach)
    except BudgetSpent:
        finding = Finding(Cause.BUDGET, "the budget was spent before anything could be checked.")
        return Contract(None, Breach(finding, Verdict.INCONCLUSIVE))


def _examine(
    evaluator: Evaluator, space: Space, nearby: Space, rng: np.random.Generator
) -> Contract:
    origin = visit(evaluator, space, rng)
    before = Streams.now(evaluator.problem)
    steady, remarks = call_f_again(origin, _caller(origin, rng))
    origin = origin if steady else replace(origin, steady=steady)
    constant: frozenset[int] = frozenset()
    raw = evaluator.problem.claim
    if evaluator.claim_is_callable and origin.claimed:
        here = call_claim_again(origin)
        compare_value(origin, here.value)
        seen = call_claim_elsewhere(origin, nearby, here)
        origin, constant = origin.asked(forward_first=seen.forward_first), seen.constant
        remarks += seen.remarks + shared_buffers(origin, here.raw)
        remarks += constant_on_a_manifold(space, constant)
        raw = here.raw
    if evaluator.problem.kind is Kind.VJP:
        examine_cotangent(origin, rng.spawn(1)[0])  # what is drawn later stays what it is
    remarks += dtype_remarks(origin)
    drawn = before.changed(Streams.now(evaluator.problem))
    if drawn:
        remarks += drawn_from(drawn, _who_draws(origin, _caller(origin, rng)))
    passed_over = untested(space, raw) if origin.claimed else ()
    remarks += beyond_places(space, raw) if origin.claimed else ()
    return Contract(origin, None, remarks, constant, passed_over)


def _who_draws(
    origin: Origin, call_the_claim: Callable[[], object] | None
) -> dict[str, tuple[str, ...]]:
    """Call each once more, by itself, and name the global states that it draws from.

    That is rare, and the states are long: they are read twice where nobody draws.
    """
    calls: dict[str, Callable[[], object]] = {"f": lambda: call_forward(origin, origin.space)}
    if call_the_claim is not None:
        calls["the derivative"] = call_the_claim
    draws: dict[str, tuple[str, ...]] = {}
    for who, call in calls.items():
        before = Streams.now(origin.evaluator.problem)
        try:
            call()
        except (Broken, BudgetSpent):
            continue
        draws[who] = before.changed(Streams.now(origin.evaluator.problem))
    return draws


def _caller(origin: Origin, rng: np.random.Generator) -> Callable[[], object] | None:
    """Return what calls the claim at x once more, if it can be called."""
    if origin.evaluator.problem.kind is Kind.JVP:
        return lambda: require_jvp(origin, rng)
    if origin.evaluator.claim_is_callable:
        return lambda: call_claim(origin, origin.space)
    return None
