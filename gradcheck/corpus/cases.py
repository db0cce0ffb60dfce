"""The cases: planted faults, their right twins, and right gradients that look wrong.

Owns one record for all three, and the truth about each: which entries are wrong, computed from the
right gradient, and which causes a diagnosis may name.
Part of `corpus`; meets `reference` here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np

from ..directions import FLATTEST
from ..records import BoolArray, Kind, Plan, Problem, PyTree, Verdict
from ..reference import FAULTS, TRICKY, Case, Fault, Posed, Tricky
from ..space import Array, draw_weights, flatten, leaves_by_path, rms

TWIN = ":right"  # ends the name of a fault's right twin

# Where the first call is right, or gives no numbers to compare, no entry is wrong by itself.
OF_THE_CONTRACT = frozenset(
    {
        "accumulates",
        "aliasing",
        "consumes-randomness",
        "hidden-state",
        "mutated-input",
        "nondeterministic",
        "nonfinite",
        "not-linear-in-cotangent",  # which entries are wrong depends on the cotangent
        "raised",
        "shape",
        "stale-cache",
        "structure",
        "value",
    }
)


class Group(StrEnum):
    """What a case is there for."""

    WRONG = "wrong"
    TWIN = "right twin"
    TRICKY = "tricky"


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known of a planted fault.

    Attributes
    ----------
    causes : tuple of str
        What a diagnosis may say; the cause that was planted is the first.
    right : mapping of str to array
        The right gradient by path, for the cotangent of `cotangent_of` where there is one.
    wrong : mapping of str to boolean array, or None
        Which entries are wrong, by path; None for faults of the contract, and where none is off
        by more than the tolerance.
    """

    causes: tuple[str, ...]
    right: Mapping[str, Array]
    wrong: Mapping[str, BoolArray] | None

    @property
    def of_the_contract(self) -> bool:
        """Whether the first call may be right."""
        return self.causes[0] in OF_THE_CONTRACT


@dataclass(frozen=True, eq=False)
class CorpusCase:
    """A problem of which it is known whether the claim is right.

    Attributes
    ----------
    name : str
        As in `gradcheck.reference`; a right twin ends in `:right`.
    seed : int
        That the case was drawn from; the checker is given the same.
    group : Group
        Wrong, or right in one of two ways.
    sentence, source : str
        What is wrong or tricky about it, and where it is from.
    pose : callable
        Makes the problem, anew each time: faults of state remember earlier calls.
    plan : Plan
        How the checker looks.
    truth : Truth or None
        Of a wrong one.
    answer : Verdict
        Of a right one: what the checker should say.
    """

    name: str
    seed: int
    group: Group
    sentence: str
    source: str
    pose: Callable[[], Problem]
    plan: Plan
    truth: Truth | None = None
    answer: Verdict = field(default=Verdict.PASS)

    @property
    def is_wrong(self) -> bool:
        """Whether a checker should say so."""
        return self.group is Group.WRONG

    def describe(self) -> tuple[str, ...]:
        """Say what it is and what is known of it."""
        name = f"{self.name} ({self.group}, seed {self.seed})"
        first = f"{name}: {self.sentence} From: {self.source}."
        if self.truth is None:
            return first, f"Should be said: {self.answer}."
        causes = f"Planted cause: {', or '.join(self.truth.causes)}."
        if self.truth.wrong is None:
            why = "wrong by itself" if self.truth.of_the_contract else "off beyond the tolerance"
            return first, f"{causes} No entry is {why}."
        counts = (f"{mask.sum()} of {mask.size} in {k}" for k, mask in self.truth.wrong.items())
        return first, f"{causes} Wrong entries: {', '.join(counts)}."


def names() -> tuple[str, ...]:
    """List the names of all cases, wrong ones first."""
    faults = [fault.name for fault in FAULTS]
    return (*faults, *(f"{name}{TWIN}" for name in faults), *(tricky.name for tricky in TRICKY))


def draw(seed: int, chosen: Iterable[str] | None = None) -> Iterator[CorpusCase]:
    """Draw all cases from a seed, or the chosen ones, in the order of `names`.

    Examples
    --------
    >>> [case.group for case in draw(0, ["sign-flipped", "sign-flipped:right"])]
    [<Group.WRONG: 'wrong'>, <Group.TWIN: 'right twin'>]
    """
    wanted = set(names() if chosen is None else chosen)
    for fault in FAULTS:
        if fault.name in wanted:
            yield _wrong_case(fault, seed)
    for fault in FAULTS:
        if f"{fault.name}{TWIN}" in wanted:
            yield _twin_case(fault, seed)
    for tricky in TRICKY:
        if tricky.name in wanted:
            yield _tricky_case(tricky, seed)


def cotangent_of(output: PyTree, name: str, seed: int) -> PyTree:
    """Draw the one cotangent that a case of kind `vjp` is judged with outside of our checker."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    by_path, spec = flatten(output)
    arrays = [np.asarray(value) for value in by_path.values()]
    weights = [draw_weights(rng, array.shape, np.dtype(np.float64)) for array in arrays]
    return spec.unflatten(
        w.astype(array.dtype)[()] for w, array in zip(weights, arrays, strict=True)
    )


def _wrong_case(fault: Fault, seed: int) -> CorpusCase:
    def pose() -> Problem:
        case = fault.build(np.random.default_rng(seed))
        return Problem(case.f, case.wrong, case.x, Kind(case.kind), fault.name)

    plan = Plan.auto(seed=seed)
    about = (fault.sentence, fault.source)
    return CorpusCase(
        fault.name, seed, Group.WRONG, *about, pose, plan, truth=_truth_of(fault, seed)
    )


def _twin_case(fault: Fault, seed: int) -> CorpusCase:
    name = f"{fault.name}{TWIN}"

    def pose() -> Problem:
        case = fault.build(np.random.default_rng(seed))
        return Problem(case.f, case.right, case.x, Kind(case.kind), name)

    sentence = "The right twin of a planted fault."
    return CorpusCase(name, seed, Group.TWIN, sentence, fault.source, pose, Plan.auto(seed=seed))


def _tricky_case(tricky: Tricky, seed: int) -> CorpusCase:
    def build() -> Posed:
        return tricky.build(np.random.default_rng(seed))

    def pose() -> Problem:
        posed = build()
        facts = {key: value for key, value in posed.options.items() if key != "plan"}
        kind = Kind(posed.kind)
        return Problem(posed.f, posed.right, posed.x, kind, tricky.name, **facts)

    plan = replace(build().options.get("plan", Plan.auto()), seed=seed)
    answer = Verdict(getattr(tricky, "answer", Verdict.PASS))
    about = (tricky.sentence, tricky.source)
    return CorpusCase(tricky.name, seed, Group.TRICKY, *about, pose, plan, answer=answer)


def _truth_of(fault: Fault, seed: int) -> Truth:
    def gradient(which: str) -> dict[str, Any]:
        case: Case = fault.build(np.random.default_rng(seed))  # anew: the other call left traces
        arguments: tuple[Any, ...] = (case.x,)
        if case.kind == Kind.VJP:
            arguments = (case.x, cotangent_of(case.f(case.x), fault.name, seed))
        return leaves_by_path(getattr(case, which)(*arguments))

    causes = (fault.cause, *getattr(fault, "also", ()))
    with np.errstate(all="ignore"):
        right = MappingProxyType({k: np.asarray(v) for k, v in gradient("right").items()})
        if fault.cause in OF_THE_CONTRACT:
            return Truth(causes, right, None)
        return Truth(causes, right, wrong_entries(right, gradient("wrong")))


def wrong_entries(
    right: Mapping[str, Array], claimed: Mapping[str, Any]
) -> Mapping[str, BoolArray] | None:
    """Compare a claim with the right gradient, entry by entry, as the checker does.

    An entry is wrong where the two differ by more than the tolerance of a plan: 1e-5 of the larger
    of them, or of a hundredth of the root mean square of the claim where both are smaller.

    Returns
    -------
    mapping of str to boolean array, or None
        By path. None where the two cannot be compared, or differ nowhere by as much: then no entry
        can be named.

    Examples
    --------
    >>> right = {"x": np.array([1.0, 2.0])}
    >>> wrong_entries(right, {"x": np.array([1.0, 4.0])})["x"]
    array([False,  True])
    """
    arrays = {path: np.asarray(value) for path, value in claimed.items()}
    if {k: v.shape for k, v in arrays.items()} != {k: v.shape for k, v in right.items()}:
        return None
    masks = {path: _differs(right[path], arrays[path]) for path in right}
    return MappingProxyType(masks) if any(mask.any() for mask in masks.values()) else None


def _differs(right: Array, claimed: Array) -> BoolArray:
    least = FLATTEST * rms(np.where(np.isfinite(claimed), claimed, 0))
    size = np.maximum(np.maximum(np.abs(claimed), np.abs(right)), least)
    return np.asarray(~(np.abs(claimed - right) <= Plan().rtol * size))  # NaN is close to nothing
