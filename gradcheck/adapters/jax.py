"""Checks of JAX's derivatives: the rules of a `custom_vjp` or `custom_jvp`, or any function's.

Owns the choice of modes and the one report of both; the translation is in `jax_trees`, what is
asked beyond the differences in `jax_questions`.
Part of `adapters`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Unpack, cast

import numpy as np

from ..check import Options, check_jvp, check_vjp
from ..records import RANK, Cause, Finding, PyTree, Report, UsageError
from .answers import read_batched, with_faults, with_remarks
from .jax_probes import Prober
from .jax_questions import Heard, ask
from .jax_trees import Translated, as_long_as
from .seeds import seeded

MODES = ("reverse", "forward")
FORWARD = "forward: "  # before the paths of the leaves in the second mode
# How JAX says that a function has no such mode, which is no fault of a rule, and how we do.
LACKS = {
    "reverse": ("Reverse-mode differentiation does not work", "a loop of unknown length has none"),
    "forward": ("custom_vjp", "a jax.custom_vjp has none"),
}


def check(
    fn: Callable[..., Any],
    *args: PyTree,
    modes: Sequence[str] | None = None,
    **options: Unpack[Options],
) -> Report:
    """Check the derivatives that JAX computes of a function, by its rules if it has some.

    Parameters
    ----------
    fn : callable
        `fn(*args)` returns an array or a pytree of arrays: a `jax.custom_vjp`, a `jax.custom_jvp`,
        or any other function that JAX can differentiate. Integers that it returns are left out.
    *args : pytrees
        The point, in classes that JAX knows, such as Equinox modules. Floating and complex leaves
        are differentiated; integers, booleans, keys, functions and None are handed on as they are,
        and so are the arguments of the `nondiff_argnums` of `fn`.
    modes : sequence of str, optional
        `reverse` (`jax.vjp`), `forward` (`jax.jvp`). By default those that `fn` has: a `custom_vjp`
        has no forward mode, and a report then says so.
    **options : Options
        `plan`, `name`, `random`, `reference`, `progress`, as for `gradcheck.check_grad`. Each mode
        has the plan's budget to itself; `reference(*args)` is called as `fn` is. `batched=True`
        evaluates many points in one call by `jax.vmap`, one by one where that does not work, with a
        remark.

    Returns
    -------
    Report
        Leaves by JAX's own paths: `[0]['W']` is `args[0]['W']`, checked in reverse mode, and
        `forward: [0]['W']` the same leaf in forward mode. Beside the differences, these findings
        make the verdict FAIL:

        - `Cause.VALUE`: `fn` returns another value while it is differentiated;
        - `Cause.MODES_DISAGREE`: <u, J v> is not <J'u, v>;
        - `Cause.TRANSFORMED`: the value or the derivative is another under `jax.jit`, or under
          `jax.vmap` over three points, of the derivative or of the function that is differentiated.
          What cannot be compiled or batched is remarked on.

    Raises
    ------
    UsageError
        If the call makes no sense: nothing to differentiate, an unknown mode, a mode that is asked
        for by name and `fn` has not, a leaf of eight bits.

    Notes
    -----
    Arrays are taken as JAX takes them, in float32 unless `jax_enable_x64` is set. Where `fn` then
    follows a float64 argument, inside of `jax.enable_x64(True)`, differences are taken of that, so
    that float32 is judged with the digits of float64. JAX's configuration is left as it is. With
    a key, JAX draws other numbers in float64, unless their dtype is named: a function that draws is
    then judged in float32, which certifies less.

    A complex derivative is that of JAX, where df = Re sum g dx: the gradient is not conjugated, as
    it is in PyTorch and in `gradcheck.check_grad`. Nothing has to be translated by the caller.

    float16 and bfloat16 are judged in float64 likewise. Where `fn` itself rounds to bfloat16, that
    is too few digits to certify much, and the verdict is often INCONCLUSIVE; `reference` helps.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> @jax.custom_vjp
    ... def cube(x):
    ...     return x**3
    >>> cube.defvjp(lambda x: (x**3, x), lambda x, dout: (2 * x**2 * dout,))
    >>> report = check(cube, jnp.linspace(0.1, 1, 5))
    >>> report.verdict, report.leaves["[0]"].cause
    (<Verdict.FAIL: 'fail'>, <Cause.SCALE: 'scale'>)
    """
    if not callable(fn):
        raise UsageError(f"fn is of type {type(fn).__name__}, but it must be callable: fn(*args).")
    started = time.monotonic()
    apart = _handed_on(fn, len(args))
    function = Translated.of(fn, args, apart)
    settings, seed, held = seeded(options)  # the same in both modes
    options = cast(Options, settings)
    if read_batched(options.pop("batched", False)):
        options["batched"] = function.f_stacked
    if options.get("reference") is not None:
        options["reference"] = replace(function, fn=options["reference"]).f
    prober = Prober(function, _rng(seed), held)
    try:
        report = _report(prober, modes, apart, options)
    finally:
        prober.held.rewind()
    return replace(report, seconds=time.monotonic() - started)


def _handed_on(fn: Callable[..., Any], count: int) -> frozenset[int]:
    """Read which arguments a rule does not differentiate; a negative number counts from the end."""
    given = getattr(fn, "nondiff_argnums", ())
    return frozenset(k % count for k in given if -count <= k < count)


def _rng(seed: int) -> np.random.Generator:
    """Draw from another stream of the seed than the checks do."""
    return np.random.default_rng(np.random.SeedSequence(seed).spawn(4)[-1])


def _report(
    prober: Prober, modes: Sequence[str] | None, apart: Collection[int], options: Options
) -> Report:
    """Check the modes, ask the questions, and add up."""
    _require_output(prober)
    chosen, remarks = _chosen(prober, modes)
    report = _merged([_checked(prober.function, mode, options) for mode in chosen])
    report = replace(report, findings=tuple(map(_by_convention, report.findings)))
    if apart:
        which = ", ".join(f"[{k}]" for k in sorted(apart))
        message = f"Not differentiated, as the nondiff_argnums of fn say: {which}."
        remarks += (Finding(Cause.OTHER, message),)
    answered = {mode for mode in chosen if _is_answered(report, mode)}
    heard = ask(prober, [mode for mode in chosen if mode in answered]) if answered else Heard()
    return with_remarks(with_faults(report, heard.faults), (*remarks, *heard.remarks))


def _by_convention(finding: Finding) -> Finding:
    """Name the convention of JAX where that of the check is named: it was translated."""
    if finding.evidence.get("convention") != "PyTorch":
        return finding
    message = (
        "Complex numbers are read as in JAX: the gradient g is that of df = Re sum g dx, and a "
        "cotangent u stands for Re sum u f(x); in PyTorch both are conjugated."
    )
    return replace(finding, message=message, evidence={"convention": "JAX"})


def _require_output(prober: Prober) -> None:
    """Refuse a function of which nothing can be differentiated."""
    with as_long_as(prober.function.start.values()):
        try:
            outputs = prober.call(prober.function.called, prober.x)
        except Exception:  # foreign code, which the check calls again
            return
    if not outputs:
        raise UsageError(
            "fn returned no floating or complex array, so it has no derivative; integers, booleans "
            "and None are left out."
        )


# --- which modes -----------------------------------------------------------------------------


def _chosen(
    prober: Prober, modes: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Return the modes to check, and a remark where a default one is missing."""
    asked = MODES if modes is None else (modes,) if isinstance(modes, str) else tuple(modes)
    if not asked or any(mode not in MODES for mode in asked):
        raise UsageError(f"modes={modes!r}, but they must be of {', '.join(MODES)}.")
    missing = [mode for mode in asked if _is_lacking(prober, mode)]
    if missing and modes is not None:
        why = LACKS[missing[0]][1]
        raise UsageError(f"modes={modes!r}, but fn has no {missing[0]} mode: {why}.")
    found = tuple(mode for mode in MODES if mode in asked and mode not in missing)
    if not found:
        return ("reverse",), ()  # the check says what is raised
    return found, tuple(
        Finding(Cause.OTHER, f"There is no {mode} mode to check: {LACKS[mode][1]}.")
        for mode in missing
    )


def _is_lacking(prober: Prober, mode: str) -> bool:
    """Try whether JAX refuses a mode; whatever else is raised, the check will meet again."""
    with as_long_as(prober.function.start.values()):
        try:
            seed = prober.tangent() if mode == "forward" else prober.cotangent()
            prober.call(prober.probe(mode), prober.x, seed)
        except Exception as error:  # foreign code
            return LACKS[mode][0] in str(error)
    return False


# --- one report of both ----------------------------------------------------------------------


def _checked(function: Translated, mode: str, options: Options) -> Report:
    if mode == "forward":
        return check_jvp(function.f, function.jvp, function.point(FORWARD), **options)
    return check_vjp(function.f, function.vjp, function.point(), **options)


def _is_answered(report: Report, mode: str) -> bool:
    """Whether a mode was compared with differences; else something is broken, which was said."""
    return any(
        leaf.probes > 0
        for path, leaf in report.leaves.items()
        if path.startswith(FORWARD) is (mode == "forward")
    )


def _merged(reports: Sequence[Report]) -> Report:
    """Make one report of both modes: the worse one's findings first, nothing said twice."""
    worst = sorted(reports, key=lambda report: -RANK[report.verdict])
    findings: dict[str, Finding] = {}
    for report in worst:
        for finding in report.findings:
            findings.setdefault(finding.message.replace(FORWARD, ""), finding)
    return replace(
        worst[0],
        leaves=MappingProxyType({k: v for report in reports for k, v in report.leaves.items()}),
        findings=tuple(findings.values()),
        evaluations=sum(report.evaluations for report in reports),
    )
