"""A glance at every entry of a leaf at once, two evaluations each, in the tight loop.

Whether a glance is enough is asked of each entry by the rule for one; what it does not settle is
measured by itself, with what `f` returned already.
Part of `probing`.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..differences import (
    FINE_ARITHMETIC,
    ROUNDING,
    Glance,
    Line,
    Sample,
    first_step,
    glance_of_each,
)
from ..directions import FLATTEST, Coordinates, Probe, along_entry, sizes_of_entries
from ..execution import (
    Origin,
    Output,
    answers_in_place,
    read_scalar,
    stacked_sweep,
    sweep,
    sweep_copies,
)
from ..records import Analytic, Kind, Verdict
from ..space import Array, OneEntry, flat_in_memory, unit_roundoff
from ..verdict import (
    GLANCE_AGREEMENT,
    GLANCE_ROUNDING,
    Judgement,
    glance_bar,
    settles,
)
from .here import Measured

SPARE = 2.0  # times less rounding than a glance allows: the values of f move it a little
MOST_DOUBLINGS = 8.0  # of the first step, where rounding asks for a larger one
SMALLEST = 2.0**-8  # of the first step: no smaller one is ever wanted
# Entries: for fewer, the evaluations that are tried first would count, and copies of the leaf are
# cheap; so `f` is handed an array of its own each time, at the step that is right for most.
CALIBRATED = 64
TRIED = 5  # entries at which truncation is looked at
MOST_TRUNCATION = 1e-3  # of the claim: what is off by more is no truncation at such steps
NOTHING = (np.empty(0), np.empty(0))
LOOPED = (np.dtype(np.float64), np.dtype(np.complex128))


@dataclass(frozen=True, eq=False)
class _Beside:
    """Where `f` was evaluated: arrays of one number an entry.

    Attributes
    ----------
    which : (N,) array of int
        The numbers of the coordinates.
    t, sizes : (N,) arrays
        The step, and by how much t = 1 moves the entry.
    steps, values : pairs of (N,) arrays
        To the right and to the left, the step really taken, and `f`; NaN where there is no value.
    answered : int
        The values of the first so many are what `f` returned, also where they are not finite.
    """

    which: Array
    t: Array
    sizes: Array
    steps: tuple[Array, Array]
    values: tuple[Array, Array]
    answered: int = 0

    def with_others(self, others: _Beside) -> _Beside:
        """Put the numbers of all coordinates together, in their order."""
        count = len(self.which) + len(others.which)

        def joined(one: Array, other: Array) -> Array:
            whole = np.empty(count)
            whole[self.which], whole[others.which] = one, other
            return whole

        return _Beside(
            np.arange(count),
            joined(self.t, others.t),
            joined(self.sizes, others.sizes),
            (joined(self.steps[0], others.steps[0]), joined(self.steps[1], others.steps[1])),
            (joined(self.values[0], others.values[0]), joined(self.values[1], others.values[1])),
        )


@dataclass(frozen=True, eq=False)
class Entries:
    """What a glance at every entry says: arrays of one number an entry, by `coordinate` number.

    Attributes
    ----------
    origin : Origin
        Where they were looked at.
    leaf : int
        The number of the leaf.
    beside : _Beside
        Where `f` was evaluated, and its values.
    analytic, scale, numeric, bar : (N,) arrays
        Along the line of each entry, as in `Measured`.
    settled : (N,) array of bool
        Whether the claim passes at a glance.
    """

    origin: Origin
    leaf: int
    beside: _Beside
    analytic: Array
    scale: Array
    numeric: Array
    bar: Array
    settled: Array

    @property
    def sizes(self) -> Array:
        """By how much t = 1 moves each entry."""
        return self.beside.sizes

    @property
    def is_complex(self) -> bool:
        """Whether each entry counts twice."""
        return self.origin.space.leaves[self.leaf].array.dtype.kind == "c"

    def number_of(self, probe: Probe) -> int | None:
        """Return the number of the coordinate along which a line goes; None for a direction."""
        if not isinstance(probe.tangent, OneEntry):
            return None
        k = probe.tangent.entry
        return 2 * k + (complex(probe.tangent.size).imag != 0) if self.is_complex else k

    def unsettled(self) -> Generator[Probe]:
        """Return the lines for which a glance was not enough, in their order."""
        for k in np.flatnonzero(~self.settled):
            yield self.probe(int(k))

    def measured(self, k: int) -> Measured:
        """Return what one entry that is settled would be, measured by itself."""
        scale = float(self.scale[k])
        return Measured(
            self.probe(k),
            Analytic(
                float(self.analytic[k]),
                scale,
                self.claim_roundoff,
                self.claim_least * float(self.sizes[k]),
            ),
            float(self.numeric[k]),
            float(self.bar[k]),
            Judgement(Verdict.PASS, None, "", scale),
            origin=self.origin,
            line=self._line(k),
        )

    def probe(self, k: int) -> Probe:
        """Return the line along an entry, which knows what `f` returned there already."""
        space = self.origin.space
        probe = along_entry(space.leaves[self.leaf], self.leaf, k, float(self.sizes[k]))
        probe.outputs[id(space)] = (space, self._outputs(k))
        return probe

    @property
    def claim_roundoff(self) -> float:
        """Unit roundoff of the claim."""
        return self.origin.roundoff_of_claim(self.leaf)

    @property
    def claim_least(self) -> float:
        """What rounding of an entry of the claim is among its smallest numbers."""
        return self.origin.least_of_claim(self.leaf)

    def _line(self, k: int) -> Line:
        line = Line(self.origin, self.probe(k).tangent)
        for t, step, value in self._beside(k):
            line.samples[t] = Sample(step, value - self._at_x, value)
        return line

    def _outputs(self, k: int) -> dict[float, tuple[float, Output]]:
        known = k < self.beside.answered
        return {
            t: (step, read_scalar(value))
            for t, step, value in self._beside(k)
            if known or math.isfinite(value)
        }

    def _beside(self, k: int) -> list[tuple[float, float, float]]:
        t = float(self.beside.t[k])
        both = zip((t, -t), self.beside.steps, self.beside.values, strict=True)
        return [(t, float(steps[k]), float(values[k])) for t, steps, values in both]

    @property
    def _at_x(self) -> float:
        return float(self.origin.output.arrays["x"])


def look_at_entries(origin: Origin, lines: Sequence[Probe]) -> Entries | None:
    """Take a glance at every entry of a leaf; None where it takes more than that, or is too dear.

    Parameters
    ----------
    origin : Origin
        The point.
    lines : sequence of Probe
        What the plan has drawn. Costs two evaluations each.
    """
    if not isinstance(lines, Coordinates) or not _can_be_looped(origin, lines):
        return None
    asked = _Asked.of(origin, lines)
    everything = np.arange(len(lines))
    if len(lines) < CALIBRATED:
        if origin.evaluator.stacks:  # the lines go in stacks, whatever they take
            return None
        return asked.read(asked.beside_in_copies(everything, np.full(len(lines), asked.first)))
    if not answers_in_place(origin, lines.i, asked.first):
        return None
    t = asked.first * 2.0**asked.doublings
    some = everything[:: len(lines) // TRIED]
    tried = asked.beside(some, t[some])
    if tried is None:
        return None
    halvings = asked.halvings(tried)
    if halvings == 0:  # what was tried is what was asked
        rest = np.delete(everything, some)
        others = asked.beside(rest, t[rest])
        return None if others is None else asked.read(tried.with_others(others))
    t = asked.first * 2.0 ** np.maximum(asked.doublings - halvings, asked.fewest_doublings)
    beside = asked.beside(everything, t)
    return None if beside is None else asked.read(beside)


def _can_be_looped(origin: Origin, lines: Coordinates) -> bool:
    """Whether two evaluations an entry may be enough, and may be spent."""
    problem, leaf = origin.evaluator.problem, lines.leaf
    tried = 2 * TRIED if len(lines) >= CALIBRATED else 0
    return (
        problem.kind is Kind.GRAD
        and isinstance(lines.chosen, range)
        and origin.steady
        and origin.evaluator.memory is None
        and isinstance(leaf.handed, np.ndarray)
        and leaf.is_handed_as_is
        and leaf.array.dtype in LOOPED
        and origin.roundoff <= FINE_ARITHMETIC
        and origin.output.arrays["x"].dtype == np.float64
        and math.isfinite(origin.claim_rms.get(lines.i, math.nan))
        and origin.evaluator.left >= 2 * (len(lines) + tried)
    )


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a leaf is asked: its lines, what is claimed along each, and how large it is.

    Attributes
    ----------
    sizes : (N,) array
        By how much t = 1 moves each entry.
    analytic, scale : (N,) arrays
        The claim along each line, and what errors are relative to.
    """

    origin: Origin
    lines: Coordinates
    sizes: Array
    analytic: Array
    scale: Array

    @classmethod
    def of(cls, origin: Origin, lines: Coordinates) -> _Asked:
        """Multiply the claim with the lines."""
        claim, parts = origin.claimed[lines.i], 2 if lines.leaf.array.dtype.kind == "c" else 1
        sizes = np.repeat(sizes_of_entries(lines.leaf, lines.scale).reshape(-1), parts)
        least = FLATTEST * origin.claim_rms[lines.i]
        scale = sizes * np.maximum(np.repeat(np.abs(claim).reshape(-1), parts), least)
        return cls(origin, lines, sizes, sizes * _as_real(claim, lines.leaf.array.dtype), scale)

    @cached_property
    def roundoff(self) -> float:
        """Of the coarser of the point and the output."""
        return max(self.origin.roundoff, unit_roundoff(self.lines.leaf.array.dtype))

    @property
    def first(self) -> float:
        """The step that is right for most."""
        return first_step(self.roundoff)

    @cached_property
    def fewest_doublings(self) -> Array:
        """How often the first step must be doubled, or may be halved, for rounding to be small."""
        scale = np.where(self.scale > 0, self.scale, np.inf)
        least = SPARE * ROUNDING * self.roundoff * self.origin.size / (GLANCE_ROUNDING * scale)
        wanted = np.ceil(np.log2(np.maximum(least / self.first, SMALLEST)))
        return np.asarray(np.minimum(wanted, MOST_DOUBLINGS))

    @property
    def doublings(self) -> Array:
        """The same, never halved."""
        return np.maximum(self.fewest_doublings, 0.0)

    def halvings(self, tried: _Beside) -> float:
        """Return how often the steps of the leaf are to be halved, by what was seen at some.

        So often that truncation, which falls by four each time, is no more than a glance allows.
        It decides no verdict: a step that is not right for an entry leaves it to the ladder.
        """
        look, (analytic, scale) = self._look(tried), self._claims(tried)
        beyond = np.abs(look.value - analytic) - look.rounding
        usable = np.isfinite(beyond) & (scale > 0)
        off = sorted((beyond[usable] / scale[usable]).tolist())
        typical = (off[(len(off) - 1) // 2] + off[len(off) // 2]) / 2 if off else 0.0
        if not GLANCE_AGREEMENT / 4 < typical < MOST_TRUNCATION:
            return 0.0  # enough as it is, or no truncation: the claim is wrong, or f is rough
        return math.ceil(math.log2(4 * typical / GLANCE_AGREEMENT) / 2)

    def beside(self, which: Array, t: Array) -> _Beside | None:
        """Evaluate `f` beside x for some of the lines; None where that cannot be done in place."""
        moved, there = self._moved(which, t)
        places = _places(self.lines.leaf.handed)[which]
        if self.origin.evaluator.stacks:
            swept = stacked_sweep(self.origin, self.lines.i, (which, places), *moved)
        else:
            swept = sweep(self.origin, self.lines.i, places, *moved)
        return None if swept is None else replace(there, values=swept)

    def beside_in_copies(self, which: Array, t: Array) -> _Beside:
        """Evaluate `f` beside x for some of the lines, in an array of its own each time."""
        moved, there = self._moved(which, t)
        values, answered = sweep_copies(self.origin, self.lines.i, which, *moved)
        return replace(there, values=values, answered=answered)

    def _moved(self, which: Array, t: Array) -> tuple[tuple[Array, Array], _Beside]:
        """Return where entries are moved to, and what is known before `f` is evaluated there."""
        array, sizes = self.lines.leaf.array, self.sizes[which]
        x = _as_real(array, array.dtype)[which]
        shift = t * sizes
        right, left = x + shift, x - shift
        steps = (_taken(right - x, t, sizes), _taken(left - x, -t, sizes))
        return (right, left), _Beside(which, t, sizes, steps, NOTHING)

    def read(self, beside: _Beside) -> Entries:
        """Compare what was measured with the claim, entry by entry."""
        look, (analytic, scale) = self._look(beside), self._claims(beside)
        return Entries(
            self.origin,
            self.lines.i,
            beside,
            analytic,
            scale,
            look.value,
            np.asarray(glance_bar(scale, look)),
            np.asarray(settles(Analytic(analytic, scale, 0.0), look)),
        )

    def _look(self, beside: _Beside) -> Glance:
        at_x = float(self.origin.output.arrays["x"])
        right, left = ((s, v - at_x) for s, v in zip(beside.steps, beside.values, strict=True))
        return glance_of_each(right, left, self.origin.size, self.roundoff)

    def _claims(self, beside: _Beside) -> tuple[Any, Any]:
        return self.analytic[beside.which], self.scale[beside.which]


def _taken(moved: Array, t: Array, sizes: Array) -> Array:
    """Return the steps really taken, in units of the sizes."""
    return np.where(moved == t * sizes, t, moved / sizes)


def _as_real(a: Array, dtype: np.dtype[Any]) -> Array:
    """Return a flat copy, real and imaginary parts in turn where the leaf is complex."""
    flat = a.reshape(-1).astype(dtype)
    return flat.view(np.float64) if dtype.kind == "c" else flat


def _places(handed: Array) -> Array:
    """Return where in memory, as numbers, the coordinates lie."""
    parts = 2 if handed.dtype.kind == "c" else 1
    if handed.flags.c_contiguous:
        return np.arange(parts * handed.size)
    places = np.empty(handed.size, dtype=np.intp)
    numbers = np.arange(handed.size).reshape(handed.shape)
    places[flat_in_memory(numbers, like=handed)] = np.arange(handed.size)
    return (parts * places[:, np.newaxis] + np.arange(parts)).reshape(-1)
