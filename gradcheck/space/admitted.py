"""What the caller says of admissible directions, read and held to the laws that it must keep.

A projection is linear, changes nothing when it is applied again, and moves one leaf at a time; a
retraction starts at x, in the direction that it is given. What breaks a law is no projection, and
derivatives along what it returns would mean nothing.
Part of `space`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..records import BoolArray, PyTree, UsageError
from .admissible import LAW, Admissible
from .arrays import Array, draw_weights, inner, norm, rms, same_bits, unit_roundoff
from .displacement import Tangent
from .foreign import is_array, read
from .point import Space, leaves_by_path

SMALL = 2.0**-20  # of a direction: what is linear is so at every size
SHORT = 1e-4  # relative: what is off by less is right in float32, or at an x of such digits
NOTHING = 1e-12  # of a direction: less of it is rounding
STEP = 2.0**-10  # of the leaf's size: at such steps a retraction is compared with its direction
ALONG = 1e-6  # relative: what it may be off there, its curvature taken off; rtol is 1e-5


def admitting(
    space: Space,
    tangent: Callable[[PyTree], PyTree] | PyTree,
    retraction: Callable[[PyTree, PyTree], PyTree] | None,
    rng: np.random.Generator,
) -> Space:
    """Return the point with its leaves knowing which tangents are admissible.

    Parameters
    ----------
    space : Space
        The point.
    tangent : callable, pytree of bool or None
        A projection of trees like the point, or what is True where an entry may be moved.
    retraction : callable or None
        Where tangents lead.
    rng : numpy.random.Generator
        Draws the directions on which the laws are tried.

    Raises
    ------
    UsageError
        If they do not suit the point, break a law, or admit nothing.
    """
    if tangent is None:
        return space
    if not callable(tangent):
        space = _masked(space, _read_mask(space, tangent))
        domain = None
        if retraction is not None:
            domain = Admissible(space.leaves, space.treespec, _everything, retraction)
    else:
        domain = Admissible(space.leaves, space.treespec, tangent, retraction)
        space, domain = _projected(space, domain, rng)
    _require_given_untouched(space, retraction)
    if all(leaf.free is not None and not leaf.free.any() for leaf in _moving(space).values()):
        raise UsageError(
            "tangent admits no direction: every entry of x is held still, so that there is nothing "
            "to test."
        )
    if domain is not None and domain.is_curved:
        _require_retraction(space, domain, rng)
        _require_given_untouched(space, retraction)
    elif domain is not None and not domain.projected:
        domain = None  # it holds entries still, and does no more
    return replace(space, domain=domain)


def _require_given_untouched(space: Space, retraction: object) -> None:
    """Require that what the caller gave is as it was: it is not what the two are called with."""
    changed = space.restore_given()
    if changed:
        who = "tangent" if retraction is None else "tangent or retraction"
        raise UsageError(
            f"{who} changed leaf {changed[0]} of x itself, which it must not write to (x was "
            f"restored)."
        )


def _everything(v: PyTree) -> PyTree:
    """Stand for the projection beside a mask."""
    return v


def _moving(space: Space) -> Mapping[int, Any]:
    return {i: space.leaves[i] for i in space.moving if space.leaves[i].array.size}


def _masked(space: Space, masks: Mapping[int, BoolArray]) -> Space:
    return replace(
        space,
        leaves=tuple(
            replace(leaf, free=masks[i]) if i in masks and not masks[i].all() else leaf
            for i, leaf in enumerate(space.leaves)
        ),
    )


# --- masks ------------------------------------------------------------------------------------


def _read_mask(space: Space, given: PyTree) -> dict[int, BoolArray]:
    rule = (
        "tangent must be a projection, tangent(v), or a tree like x of arrays of bool, True where"
    )
    rule += " an entry may be moved"
    bare = len(space.leaves) == 1 and space.leaves[0].path == "x"
    try:
        parts = [given] if bare else space.treespec.flatten_up_to(given)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{rule}: {error}") from error
    masks = {}
    for i, part in enumerate(parts):
        leaf = space.leaves[i]
        if leaf.base is None or part is None:
            continue
        array = read(part) if is_array(part) else np.array(part)
        if array.dtype.kind != "b":
            mend = "; convert it with mask.astype(bool)" if array.dtype.kind in "iuf" else ""
            raise UsageError(f"{rule}, but for leaf {leaf.path} it has {array.dtype}{mend}.")
        if array.shape not in ((), leaf.array.shape):
            raise UsageError(
                f"{rule}, but for leaf {leaf.path} of shape {leaf.array.shape} it has shape "
                f"{array.shape}."
            )
        masks[i] = np.array(np.broadcast_to(array, leaf.array.shape))
    return masks


# --- projections ------------------------------------------------------------------------------


def _projected(
    space: Space, domain: Admissible, rng: np.random.Generator
) -> tuple[Space, Admissible]:
    """Try the laws leaf by leaf; what a projection never moves is held still."""
    masks, projected, orthogonal = {}, set(), True
    for i in _moving(space):
        tried = _tried(space, domain, i, rng)
        masks[i] = tried.support
        if not tried.is_mask:
            projected.add(i)
            orthogonal = orthogonal and tried.is_orthogonal
    masked = _masked(space, masks)
    return masked, replace(domain, projected=frozenset(projected), is_orthogonal=orthogonal)


@dataclass(frozen=True, eq=False)
class _Tried:
    """What two directions of a leaf, r and s, have shown of a projection.

    Attributes
    ----------
    support : array of bool
        The entries that it moves.
    is_mask : bool
        Whether it holds the others still, and does no more.
    is_orthogonal : bool
        Whether <s, P r> = <P s, r>.
    """

    support: BoolArray
    is_mask: bool
    is_orthogonal: bool


def _tried(space: Space, domain: Admissible, i: int, rng: np.random.Generator) -> _Tried:
    path, array = space.leaves[i].path, space.leaves[i].array
    r, s = (draw_weights(rng, array.shape, array.dtype) for _ in range(2))
    r, s = (v.astype(np.complex128 if v.dtype.kind == "c" else np.float64) for v in (r, s))
    pr, ps = _admitted(space, domain, i, r), _admitted(space, domain, i, s)
    size = norm(r)
    twice = _admitted(space, domain, i, pr)
    _require_law(
        norm(twice - pr), norm(pr), f"applied twice to a direction of leaf {path} it gives another "
        f"one: an admissible direction must stay as it is",
    )  # fmt: skip
    mixed = _admitted(space, domain, i, -2.0 * r + 0.5 * s)
    _require_law(
        norm(mixed - (-2.0 * pr + 0.5 * ps)), size, f"for leaf {path} it is not linear: "
        f"P(-2 r + s/2) is not -2 P(r) + P(s)/2",
    )  # fmt: skip
    small = _admitted(space, domain, i, SMALL * r)
    _require_law(
        norm(small - SMALL * pr), SMALL * size, f"for leaf {path} it is not linear: P(r / 2^20) is "
        f"not P(r) / 2^20",
    )  # fmt: skip
    least = NOTHING * float(max(np.abs(pr).max(), np.abs(ps).max()))
    support = np.maximum(np.abs(pr), np.abs(ps)) > max(least, NOTHING)
    whole = [np.where(support, v, 0) for v in (r, s)]
    is_mask = all(np.array_equal(v, w) for v, w in zip((pr, ps), whole, strict=True))
    is_mask = is_mask or not support.any()
    off = abs(inner(s, pr) - inner(ps, r))
    return _Tried(np.asarray(support), is_mask, off <= LAW * size * norm(s))


def _admitted(space: Space, domain: Admissible, i: int, v: Array) -> Array:
    """Call the projection twice: it must answer alike, and leave other leaves alone."""
    leaf, given = space.leaves[i], domain.tree({i: v})
    answers = domain.read("tangent", domain.call("tangent", domain.tangent, given))
    _require_untouched("tangent", space, domain, given, {i: v})
    again = domain.admit({i: v})
    if not all(same_bits(answers[j], again[j]) for j in answers):
        j = next(j for j in answers if not same_bits(answers[j], again[j]))
        raise UsageError(
            f"tangent gives another answer when it is called again, by "
            f"{norm(answers[j] - again[j]):.2g} in leaf {space.leaves[j].path}: a projection must "
            f"not draw random numbers or remember its calls."
        )
    for j, other in answers.items():
        if j != i and norm(other) > NOTHING * norm(v):
            raise UsageError(
                f"tangent moves leaf {space.leaves[j].path} where leaf {leaf.path} alone is to be "
                f"moved, but leaves are tested one by one; join the two into one array, which f "
                f"takes apart."
            )
    return answers[i]


def _require_untouched(
    who: str, space: Space, domain: Admissible, given: PyTree, before: Tangent
) -> None:
    now, then = leaves_by_path(given), leaves_by_path(domain.tree(before))
    for leaf in _moving(space).values():
        if not same_bits(np.asarray(now[leaf.path]), np.asarray(then[leaf.path])):
            raise UsageError(
                f"{who} changed leaf {leaf.path} of its argument in place; work on a copy."
            )


def _require_law(off: float, size: float, law: str) -> None:
    if not off <= LAW * size:
        mend = "; so little is rounding: compute it in float64, at an x of as many digits"
        raise UsageError(
            f"tangent is no projection: {law}, off by {off:.2g} where it is {size:.2g}"
            f"{mend if off <= SHORT * size else ''}."
        )


# --- retractions ------------------------------------------------------------------------------


def _require_retraction(space: Space, domain: Admissible, rng: np.random.Generator) -> None:
    """Try the laws: it starts at x, and in the direction that it is given."""
    _require_start(space, domain)
    for i, leaf in _moving(space).items():
        if leaf.free is not None and not leaf.free.any():
            continue
        v = replace(space, domain=domain).project(
            {i: draw_weights(rng, leaf.array.shape, leaf.array.dtype)}
        )
        unit = STEP * (rms(leaf.array) or 1.0) / (rms(v[i]) or 1.0)
        slopes = [_slope(space, domain, {i: k * unit * v[i]}) for k in (1.0, 2.0)]
        for j, other in slopes[0].items():
            if j != i and norm(other) > ALONG * unit * norm(v[i]):
                raise UsageError(
                    f"retraction moves leaf {space.leaves[j].path} where leaf {leaf.path} alone is "
                    f"to be moved, but leaves are tested one by one; join the two into one array, "
                    f"which f takes apart."
                )
        # both over the length of the step, and without what falls with its square
        slope = (4 * slopes[0][i] - slopes[1][i] / 2) / 3 / unit
        off, size = norm(slope - v[i]), norm(v[i])
        if not off <= ALONG * size:
            raise UsageError(
                f"retraction does not start in the direction that it is given: for leaf "
                f"{leaf.path}, d/dt retraction(x, t v) at t = 0 differs from v by {off:.2g}, where "
                f"v is {size:.2g}."
            )


def _slope(space: Space, domain: Admissible, v: Tangent) -> dict[int, Array]:
    """Return half of what lies between retraction(x, v) and retraction(x, -v)."""
    ahead = domain.retract(space.bases, v)
    behind = domain.retract(space.bases, {i: -array for i, array in v.items()})
    return {j: (ahead[j] - behind[j]) / 2 for j in ahead}


def _require_start(space: Space, domain: Admissible) -> None:
    assert domain.retraction is not None, "only what is curved starts anywhere"
    x, nothing = domain.tree(space.bases), domain.tree({})
    there = domain.read("retraction", domain.call("retraction", domain.retraction, x, nothing))
    _require_untouched("retraction", space, domain, x, space.bases)
    _require_untouched("retraction", space, domain, nothing, {})
    again = domain.retract(space.bases, {})
    for i, leaf in _moving(space).items():
        off, size = norm(there[i] - leaf.array), norm(leaf.array)
        if not same_bits(there[i], again[i]):
            raise UsageError(
                f"retraction gives another answer when it is called again, by "
                f"{norm(there[i] - again[i]):.2g} in leaf {leaf.path}; it must not draw random "
                f"numbers or remember its calls."
            )
        if not off <= np.sqrt(unit_roundoff(leaf.array.dtype)) * size:
            raise UsageError(
                f"retraction(x, 0) is not x: in leaf {leaf.path} it is off by {off:.2g} where x is "
                f"{size:.2g}; move x onto the manifold first, such as x = retraction(x, 0)."
            )
