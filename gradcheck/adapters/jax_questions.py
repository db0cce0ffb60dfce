"""What only JAX's derivatives raise: the value beside them, both modes, jax.jit and jax.vmap.

A rule is not the function that it belongs to, so that the two may part: in the value, between the
modes, when they are traced, and when they are batched.
Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..records import Cause, Finding, shown_error
from ..space import Array, inner, norm
from .jax_probes import (
    HALF_OF_THE_DIGITS,
    MARGIN,
    OF_THE_OUTPUT,
    PROBES,
    Answer,
    Part,
    Prober,
    Sample,
)
from .jax_trees import Leaves, as_array, as_jax, as_long_as, exact_products, jax

BATCH = 3  # points under jax.vmap


@dataclass(frozen=True)
class Heard:
    """What the questions brought: what is wrong, and what could not be asked."""

    faults: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()


def ask(prober: Prober, modes: Sequence[str]) -> Heard:
    """Ask all questions, the transformations of the first mode, in the precision of the point.

    Costs a compilation and some 20 calls of a mode; 5 for each leaf to compare both modes.
    """
    # products of full precision, for a batched one may otherwise be computed in a coarser one
    with as_long_as(prober.function.start.values()), exact_products():
        mode = modes[0]
        first = prober.sample(mode, prober.x, _seed(prober, mode))
        faults = [*_value_faults(prober, first)]
        if len(modes) > 1:
            faults += _mode_faults(prober)
        others = [prober.sample_near(mode, _seed(prober, mode)) for _ in range(BATCH - 1)]
        of_jit, of_vmap = (
            transformed(prober, mode, [first, *others]) for transformed in (_under_jit, _under_vmap)
        )
    faults += (*of_jit.faults, *of_vmap.faults)
    return Heard(tuple(faults), of_jit.remarks + of_vmap.remarks)


def _seed(prober: Prober, mode: str) -> Leaves:
    return prober.tangent() if mode == "forward" else prober.cotangent()


# --- the value -------------------------------------------------------------------------------


def _value_faults(prober: Prober, sample: Sample) -> Iterable[Finding]:
    """Compare what fn returns with what it returns while it is differentiated."""
    plain = prober.call(prober.function.called, sample.x)
    for name, array in plain.items():
        own = as_array(array)
        if name in sample.answer.value and sample.differs("value", name, own):
            here, there, at = _worst(own, sample.answer.value[name])
            yield Finding(
                Cause.VALUE,
                f"fn returns another value while it is differentiated: {there} instead of {here}"
                f"{_where(name, at)}; the rule must return the value of fn beside its derivative.",
            )
            return


# --- the modes -------------------------------------------------------------------------------


def _mode_faults(prober: Prober) -> Iterable[Finding]:
    """Compare <u, J v> with <J'u, v>, with v in one leaf at a time."""
    u, v = prober.cotangent(), prober.tangent()
    sample = prober.sample("reverse", prober.x, u)
    outputs = [norm(as_array(u[k]) * y) for k, y in sample.answer.value.items()]
    floor = OF_THE_OUTPUT * sample.roundoff * sum(outputs)
    for name, step in v.items():
        alone = {k: w if k == name else as_jax(np.zeros_like(as_array(w))) for k, w in v.items()}
        pushed = prober.sample("forward", prober.x, alone)
        forward, size = _pairing(u, pushed.answer.derivative)
        reverse, size_back = _pairing({name: step}, sample.answer.derivative)
        moved = _spread(u, pushed) + _spread({name: step}, sample)
        digits = HALF_OF_THE_DIGITS * sample.roundoff**0.5
        if abs(forward - reverse) > digits * max(size, size_back) + floor + MARGIN * moved:
            ratio = f", ratio {forward / reverse:.6g}" if reverse else ""
            yield Finding(
                Cause.MODES_DISAGREE,
                f"forward and reverse mode disagree in {name}: <u, J v> is {forward:.6g} by "
                f"jax.jvp, and <J'u, v> is {reverse:.6g} by jax.vjp{ratio}; one of them has a rule "
                f"of its own that is not the transpose of the other.",
                name,
                {"forward": forward, "reverse": reverse},
            )


def _spread(u: Leaves, sample: Sample) -> float:
    """Return what roundings of the point change of a pairing."""
    plain = _pairing(u, sample.answer.derivative)[0]
    return max(abs(_pairing(u, moved.derivative)[0] - plain) for moved in sample.jittered)


def _pairing(u: Leaves, arrays: dict[str, Array]) -> tuple[float, float]:
    """Return Re sum u y, not conjugated, as JAX pairs them, and the size of its terms."""
    pairs = [(as_array(weights), arrays[name]) for name, weights in u.items()]
    value = sum(inner(np.conj(weights), array) for weights, array in pairs)
    return value, max((norm(weights * array) for weights, array in pairs), default=0.0)


# --- the transformations ---------------------------------------------------------------------


def _under_jit(prober: Prober, mode: str, batch: Sequence[Sample]) -> Heard:
    """Compile at another point first: what was kept while it was traced is then a stale one."""
    jitted = jax.jit(prober.probe(mode))
    try:
        prober.call(jitted, batch[-1].x, batch[-1].seed)
        answer = Answer.of(*prober.call(jitted, batch[0].x, batch[0].seed))
    except Exception as error:  # foreign code
        return _cannot("jax.jit", error)
    advice = "look for what the rule keeps in Python between its calls, or asks of a tracer"
    return Heard(tuple(_other("jax.jit", mode, batch[0], answer, advice)))


def _under_vmap(prober: Prober, mode: str, batch: Sequence[Sample]) -> Heard:
    """Answer a batch of points at once, and compare with each.

    The derivative is batched, and the batched function differentiated: a rule for batches may be
    met in either order.
    """
    points, seeds = _stacked([s.x for s in batch]), _stacked([s.seed for s in batch])
    mapped = partial(PROBES[mode], jax.vmap(prober.function.called))
    advice = (
        "look at what a callback, or a rule of jax.custom_batching, makes of a batch, and at what "
        "the rule asks of a tracer"
    )
    for call in (jax.vmap(prober.probe(mode)), mapped):
        try:
            parts = prober.call(call, points, seeds)
        except Exception as error:  # foreign code
            return _cannot("jax.vmap", error)
        read = [{name: as_array(array) for name, array in part.items()} for part in parts]
        for k, sample in enumerate(batch):
            row = Answer(*({name: array[k] for name, array in p.items()} for p in read))
            faults = tuple(_other("jax.vmap", mode, sample, row, advice))
            if faults:
                return Heard(faults)
    return Heard()


def _stacked(trees: Sequence[Leaves]) -> Leaves:
    return {name: as_jax(np.stack([np.asarray(tree[name]) for tree in trees])) for name in trees[0]}


def _cannot(transformation: str, error: Exception) -> Heard:
    first = shown_error(error).partition("\n")[0].rstrip(".:")
    return Heard(
        remarks=(
            Finding(
                Cause.TRANSFORMED,
                f"The derivative was not compared with itself under {transformation}, which "
                f"raised {first}.",
            ),
        )
    )


def _other(by: str, mode: str, sample: Sample, answer: Answer, advice: str) -> Iterable[Finding]:
    """Report the first array that is another under a transformation."""
    parts: tuple[Part, ...] = ("value", "derivative")
    for part in parts:
        for name, now in answer.part(part).items():
            if sample.differs(part, name, now):
                here, there, at = _worst(sample.answer.part(part)[name], now)
                of_leaf = part == "derivative" and mode == "reverse"
                what = "the value" if part == "value" else f"the {mode} derivative"
                yield Finding(
                    Cause.TRANSFORMED,
                    f"under {by} {what} is another: {there} instead of {here}"
                    f"{_where(name, at)}; {advice}.",
                    name if of_leaf else None,
                )
                return


def _worst(plain: Array, other: Array) -> tuple[str, str, str]:
    """Write both numbers where they differ most, and the index."""
    away = np.abs(np.where(np.isfinite(other), other - plain, np.inf))
    at = np.unravel_index(int(np.argmax(away)), away.shape)
    index = ", ".join(str(int(k)) for k in at)
    return f"{plain[at]:.6g}", f"{other[at]:.6g}", f"[{index}]" if index else ""


def _where(name: str, at: str) -> str:
    place = f"{name} at {at}" if name and at else name or at
    return f" at {place}" if name == "" and at else f" in {place}" if place else ""
