"""The point t = 0 of every line: `f` there, what it is paired with, and what is claimed there.

Part of `execution`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..records import Analytic, Kind, PyTree, UsageError
from ..space import (
    Array,
    OneEntry,
    Space,
    Tangent,
    inner,
    is_floating,
    least_rounding,
    norm,
    norm_of_products,
    rms,
    size_of,
    total,
    unit_roundoff,
    working_dtype,
)
from .evaluator import Evaluator
from .outputs import Output, read_numbers

OF_CURVES = 8.0  # roundings of x that a retraction adds up to, its norms and factorisations


@dataclass(frozen=True, eq=False)
class Origin:
    """The point t = 0 of every line: `f` there, and what is claimed there.

    Attributes
    ----------
    space : Space
        The point.
    evaluator : Evaluator
        Runs the problem.
    output : Output
        f(x).
    cotangent : dict of str to array
        What the output is paired with: <cotangent, f(x)> is the real function whose derivative is
        measured; 1 for a scalar.
    claimed : mapping of int to array
        The claimed gradient of that function by leaf; empty for a JVP.
    steady : bool
        Whether `f` returned the same bits twice.
    forward_first : bool
        Whether the claim may answer from what `f` kept of its last call, as a layer does, so that
        `f` must be called at a point before the claim is.
    short : Origin or None
        Where `f` is evaluated in more digits than the claim follows: the caller's own point, in
        whose dtypes the claim is called.
    planted : mapping of int to array
        Errors added to the claim by leaf, here and wherever else it is evaluated from here; for
        the canary, which asks whether they would be seen.
    whole : float
        By how much `f` changes over x itself, as claimed, also across admissible directions; where
        there are such, and rounding of x counts.
    """

    space: Space
    evaluator: Evaluator
    output: Output
    cotangent: dict[str, Array]
    claimed: Tangent
    steady: bool = True
    forward_first: bool = False
    short: Origin | None = None
    planted: Tangent = field(default_factory=dict)
    whole: float = 0.0

    def asked(self, *, forward_first: bool) -> Origin:
        """Return the origin from which the claim is asked in that order; itself, if it is so."""
        same = forward_first is self.forward_first
        return self if same else replace(self, forward_first=forward_first)

    @property
    def size(self) -> float:
        """Size of the numbers that make up <cotangent, f(x)>: what rounding is relative to."""
        own = self.own_size * self.evaluator.stacking.unrest  # 1 but where stacks round otherwise
        # directions that were projected lie on no grid, so that x + t v is rounded like f is
        if self.space.is_curved:  # a Riemannian gradient does not say how f changes over x
            return math.hypot(own, OF_CURVES * max(self.whole, own))
        return math.hypot(own, self.whole)

    @cached_property
    def own_size(self) -> float:
        """The same, of one point by itself."""
        return size_of([u * self.output.arrays[path] for path, u in self.cotangent.items()])

    @cached_property
    def claim_rms(self) -> dict[int, float]:
        """The root mean square of each leaf's claim; not finite where an entry is not."""
        return {i: rms(claim) for i, claim in self.claimed.items()}

    @cached_property
    def claim_size(self) -> float:
        """Size of the claimed change of f over one scale of x, of the leaf where it is largest."""
        sizes = [
            self.claim_rms[i] * claim.size**0.5 * (rms(self.space.leaves[i].array) or 1.0)
            for i, claim in self.claimed.items()
        ]
        return max((size for size in (*sizes, self.whole) if np.isfinite(size)), default=0.0)

    @cached_property
    def roundoff(self) -> float:
        """Unit roundoff of the coarsest output."""
        return _coarsest(self.output.arrays.values())

    @cached_property
    def roundoff_of_x(self) -> float:
        """Unit roundoff of the coarsest leaf."""
        return _coarsest(self.space.leaves[i].array for i in self.space.moving)

    def as_claimed(self, space: Space) -> Origin:
        """Return a point as the claim is to be called there: in its own digits, see `short`."""
        if self.short is None:
            return self if space is self.space else replace(self, space=space)
        own = self.short.space
        rounded = {i: space.leaves[i].array.astype(own.leaves[i].array.dtype) for i in own.moving}
        return replace(self, space=own.moved_to(rounded), output=self.short.output)

    def rise(self, output: Output) -> float:
        """Return <cotangent, output - f(x)>, subtracted before it is summed; NaN if unlike f(x)."""
        total = 0.0
        for path, weights in self.cotangent.items():
            here, there = self.output.arrays.get(path), output.arrays.get(path)
            if here is None or there is None or there.shape != here.shape:
                return np.nan
            wide = np.result_type(working_dtype(here.dtype), working_dtype(there.dtype))
            total += inner(weights, there.astype(wide, copy=False) - here.astype(wide, copy=False))
        return total

    def imaginary(self, output: Output) -> float | None:
        """Return Im <cotangent, output>; None where the output is not complex, or unlike f(x)."""
        total = 0.0
        for path, weights in self.cotangent.items():
            there = output.arrays.get(path)
            if there is None or there.dtype.kind != "c" or there.size != weights.size:
                return None
            if self.output.arrays[path].dtype.kind == "c":
                return None
            total += inner(weights, there.imag.reshape(weights.shape))
        return total

    def analytic(self, tangent: Tangent) -> Analytic:
        """Evaluate the claim along a tangent.

        Raises
        ------
        CallFailed
            If the claim is a JVP and raises.
        """
        if self.evaluator.problem.kind is Kind.JVP:
            return self._analytic_jvp(tangent)
        roundoff = max(self.roundoff_of_claim(i) for i in tangent)
        if isinstance(tangent, OneEntry):
            claim = self._with_planted(tangent.leaf).reshape(-1)[tangent.entry]
            change = complex(np.conj(claim)) * tangent.size
            least = self.least_of_claim(tangent.leaf) * abs(tangent.size)
            return Analytic(change.real, abs(change), roundoff, least)
        claims = {i: self._with_planted(i) for i in tangent}
        value = sum(inner(claims[i], v) for i, v in tangent.items())
        terms = [norm_of_products(claims[i], v) for i, v in tangent.items()]
        least = sum(_least(claims[i], v) for i, v in tangent.items())
        return Analytic(float(value), norm(np.array(terms)), roundoff, least)

    def roundoff_of_claim(self, i: int) -> float:
        """Return the unit roundoff of the claim of a leaf."""
        return _coarsest([self.claimed[i]])

    def least_of_claim(self, i: int) -> float:
        """Return what rounding of the claim of a leaf is among its smallest numbers."""
        claim = self.claimed[i]
        return least_rounding(claim.dtype) if is_floating(claim.dtype) else 0.0

    def _with_planted(self, i: int) -> Array:
        claim = self.claimed[i]
        return claim + self.planted[i] if i in self.planted else claim

    def _analytic_jvp(self, tangent: Tangent) -> Analytic:
        pushed = self._recalled(tangent)
        planted = sum(inner(error, tangent[i]) for i, error in self.planted.items() if i in tangent)
        return replace(pushed, value=pushed.value + planted)

    def _recalled(self, tangent: Tangent) -> Analytic:
        """Push a tangent forward, or recall what an earlier run has pushed."""
        memory = self.evaluator.memory
        if memory is None:
            return self._pushed(tangent)
        where = [self.space.point(), self.tangent_tree(tangent), self.cotangent]
        known = memory.find("the jvp", where, self.output)
        if known is not None:
            self.evaluator.count()  # the call of `f` that comes before
            return Analytic(*(float(number) for number in known.arrays["x"]))
        pushed = self._pushed(tangent)
        numbers = np.array([pushed.value, pushed.scale, pushed.roundoff, pushed.least])
        memory.keep("the jvp", where, replace(self.output, arrays={"x": numbers}))
        return pushed

    def _pushed(self, tangent: Tangent) -> Analytic:
        there = self.as_claimed(self.space)
        point, pushing = there.space.point(), there.tangent_tree(tangent)
        self.evaluator.forward(point)  # a layer pushes forward through what it kept of its input
        try:
            pushed = read_numbers(self.evaluator.claim(point, pushing)).arrays
        except UsageError:  # it returned no numbers; the contract has seen numbers at x
            return Analytic(np.nan, np.nan)
        for path, u in self.cotangent.items():
            if path not in pushed or pushed[path].shape != u.shape:
                return Analytic(np.nan, np.nan)
        value = sum(inner(u, pushed[path]) for path, u in self.cotangent.items())
        scale = size_of([u * pushed[path] for path, u in self.cotangent.items()])
        least = sum(_least(pushed[path], u) for path, u in self.cotangent.items())
        return Analytic(value, scale, _coarsest(pushed.values()), least)

    def tangent_tree(self, tangent: Tangent) -> PyTree:
        """Build the pytree of a tangent in the leaves' own dtypes, zero where it does not move."""
        zeros = {i: np.zeros_like(self.space.leaves[i].array) for i in self.space.moving}
        moved = {i: v.astype(self.space.leaves[i].array.dtype) for i, v in tangent.items()}
        return self.space.rebuild({**zeros, **moved})


def _least(claim: Array, v: Array) -> float:
    """Return what one rounding of each of the smallest numbers comes to; 0 in float64."""
    least = least_rounding(claim.dtype) if is_floating(claim.dtype) else 0.0
    return least * total(v) if least > 0 else 0.0


def _coarsest(arrays: Iterable[Array]) -> float:
    """Return the largest unit roundoff of the arrays; float64's where none is floating."""
    floating = [unit_roundoff(array.dtype) for array in arrays if is_floating(array.dtype)]
    return max(floating, default=unit_roundoff(np.dtype(np.float64)))
