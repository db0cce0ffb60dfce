"""The right numbers in the wrong places: transposed, shifted, flipped, in another leaf.

Part of `diagnose`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from ..records import Cause
from ..space import Array, same_bits
from .suspect import Explanation, Suspect

LARGEST_FACTOR = 500  # rows of a matrix that is inverted
WORST_CONDITIONED = 1e4  # of it: the digits that inverting it costs must be left over
ROUNDINGS = 1e-14  # relative: of a product and a quotient
MOST_PARTS = 4  # an LSTM has four gates


def detached(suspect: Suspect) -> Iterator[Explanation]:
    """Propose zeros, where f depends on the leaf."""
    if not suspect.claim.any():
        yield Explanation(
            Cause.DETACHED,
            "is claimed to be zero in every entry, and f depends on it",
            "as where a branch is detached, a gradient never written, or overwritten by zeros",
        )


def mistaken(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that the claim is something else altogether, bit for bit."""
    claim = suspect.claim
    if claim.size < 2 or not claim.any():
        return
    if same_bits(claim, suspect.values):
        yield _other("is claimed to be the values of the leaf itself", "as from W for dW")
    for path, (values, gradient) in suspect.others.items():
        if same_bits(claim, values):
            yield _other(f"is claimed to be the values of {path}", "as from W for dW")
        if same_bits(claim, gradient):
            yield _other(
                f"has the same gradient as {path}, bit for bit",
                "as where one name is used for both, or a layer is indexed one too high or low",
            )


def _other(seen: str, usual: str) -> Explanation:
    return Explanation(Cause.OTHER, seen, usual)


def transposed(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that two axes are exchanged, also in memory only."""
    claim = suspect.claim
    if claim.ndim < 2:
        return
    for a, b in itertools.combinations(range(claim.ndim), 2):
        if claim.shape[a] == claim.shape[b]:
            yield from _spread(suspect, a, b)
            yield Explanation(
                Cause.TRANSPOSE,
                f"is transposed, with axes {a} and {b} exchanged",
                "look for a missing or superfluous .T, or the operands of a product exchanged",
                np.swapaxes(claim, a, b),
            )
    if claim.ndim == 2:
        refilled = claim.reshape(claim.shape[::-1]).T
        yield Explanation(
            Cause.TRANSPOSE,
            "holds the right numbers in the order of its transpose",
            "look for a reshape that should be a transpose, or the other memory order",
            refilled,
        )


def _spread(suspect: Suspect, a: int, b: int) -> Iterator[Explanation]:
    """Propose that it, or its quotient by the leaf as after a square, is spread the wrong way."""
    claim, x = suspect.claim, suspect.values
    for base, what in ((np.ones_like(claim), "is"), (x, "is the leaf times numbers that are")):
        quotient = claim / base
        if not np.isfinite(quotient).all():
            continue
        for along, meant in ((a, b), (b, a)):
            if not _is_constant(quotient, along):
                continue
            yield Explanation(
                Cause.BROADCAST,
                f"{what} spread along axis {along} and should be along axis {meant}",
                "look for a reduction whose axis was not kept (keepdims), and broadcast",
                base * np.swapaxes(quotient, a, b),
            )


def _is_constant(array: Array, axis: int) -> bool:
    first = np.take(array, [0], axis)
    return bool(array.shape[axis] > 1 and np.allclose(array, first, rtol=ROUNDINGS, atol=0))


def product_transposed(suspect: Suspect) -> Iterator[Explanation]:
    """Propose dout W for dout W', where W is another leaf: undone by its inverse."""
    claim, space = _for_lapack(suspect.claim), suspect.origin.space
    for j in space.moving:
        W = _for_lapack(space.leaves[j].array)
        if j == suspect.leaf or claim.ndim != 2 or not _is_easily_inverted(W):
            continue
        seen = f"is multiplied by {space.leaves[j].path} instead of its transpose"
        usual = "look at the product in which that leaf takes part"
        if claim.shape[1] == len(W):
            mended = np.linalg.solve(W.T, claim.T).T @ W.T
            yield Explanation(Cause.TRANSPOSE, seen, usual, mended)
        if claim.shape[0] == len(W):
            mended = W.T @ np.linalg.solve(W, claim)
            yield Explanation(Cause.TRANSPOSE, seen, usual, mended)


def _for_lapack(array: Array) -> Array:
    """Return it in a precision that linear algebra knows: neither float16 nor longdouble."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _is_easily_inverted(W: Array) -> bool:
    if W.ndim != 2 or W.shape[0] != W.shape[1] or not 1 < len(W) <= LARGEST_FACTOR:
        return False
    return bool(np.isfinite(W).all() and np.linalg.cond(W) <= WORST_CONDITIONED)


def shifted(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that it is rolled by one along an axis."""
    claim = suspect.claim
    for axis in range(claim.ndim):
        for step, word in ((-1, "high"), (1, "low")):
            yield Explanation(
                Cause.OFF_BY_ONE,
                f"is shifted: every index along axis {axis} is one too {word}",
                "look for an index or a slice that starts one off",
                np.roll(claim, step, axis),
            )


def permuted(suspect: Suspect) -> Iterator[Explanation]:
    """Propose that an axis is turned round, or its equal parts exchanged, as gates of a cell."""
    claim = suspect.claim
    for axis in range(claim.ndim):
        n = claim.shape[axis]
        yield Explanation(
            Cause.PERMUTED,
            f"is reversed along axis {axis}",
            "look for a loop or a flip that runs the other way",
            np.flip(claim, axis),
        )
        for parts in range(2, MOST_PARTS + 1):
            if n % parts == 0 and n > 1:
                yield from _parts_exchanged(claim, axis, parts)
    for path, (_, gradient) in suspect.others.items():
        yield Explanation(
            Cause.PERMUTED,
            f"has its gradient in the place of that of {path}",
            "look at the order in which gradients are returned",
            gradient,
        )


def _parts_exchanged(claim: Array, axis: int, parts: int) -> Iterator[Explanation]:
    pieces = np.split(claim, parts, axis)
    for order in itertools.permutations(range(parts)):
        if order != tuple(range(parts)):
            yield Explanation(
                Cause.PERMUTED,
                f"has its {parts} equal parts along axis {axis} exchanged, in the order "
                f"{', '.join(map(str, order))}",
                "look at the order in which the parts (gates, heads) are put together",
                np.concatenate([pieces[k] for k in order], axis),
            )


def conjugated(suspect: Suspect) -> Iterator[Explanation]:
    """Propose the conjugate of a complex gradient."""
    claim = suspect.claim
    if claim.dtype.kind == "c":
        yield Explanation(
            Cause.OTHER,
            "is the conjugate of the gradient, df = Re sum conj(g) dx",
            "PyTorch's convention is expected here, JAX returns the conjugate",
            claim.conj(),
        )
