"""For teachers: hints that keep the answer to themselves, and partial credit.

Owns what is said of each cause without saying how to mend it, and what a leaf is worth. Enters both
into PRESENTERS, as `Report.hints` and `Report.score`.
At the edge: uses `records`, and the words for places of `diagnose`.
"""

from __future__ import annotations

from types import MappingProxyType

from .records import PRESENTERS, Cause, Finding, LeafReport, Report, Score, UsageError, Verdict

SLIP = 0.5  # of a leaf whose numbers are there but for one known slip

# What a student is asked to look for. No number, no index of an answer, no line to copy.
HINTS = {
    Cause.SCALE: "it is off by one factor throughout; which constant, mean or sum is in f?",
    Cause.SIGN: "it points the opposite way; follow the signs through the chain rule.",
    Cause.MISSING_WEIGHT_DECAY: "something that depends on the leaf itself is in f and not in it.",
    Cause.EXTRA_TERM: "there is something in it that f does not have.",
    Cause.MISSING_TERM: "f depends on it in one more way than the derivative says.",
    Cause.DROPOUT_MASK: "compare the mask and the scale of the forward and the backward pass.",
    Cause.TRANSPOSE: "the numbers are right, but not in their places; write the shapes down.",
    Cause.PERMUTED: "the numbers are right, but not in their places; follow one entry through.",
    Cause.MISSING_REDUCTION: "f uses an entry more than once; what becomes of all these uses?",
    Cause.WRONG_AXIS: "along which axis does f sum or normalise?",
    Cause.BROADCAST: "which axes did f stretch, and what is the reverse of that?",
    Cause.OFF_BY_ONE: "every entry has the number of a neighbour; count the indices again.",
    Cause.DUPLICATE_INDEX: "what if f reads the same entry more than once?",
    Cause.DETACHED: "it is claimed not to matter there, but f depends on it.",
    Cause.SLOPE: "differentiate the activation once more, by hand.",
    Cause.STALE_CACHE: "it answers for another point than the one it is given.",
    Cause.ALIASING: "two results share their memory.",
    Cause.MUTATED_INPUT: "it changes an array that it was given.",
    Cause.ACCUMULATES: "call it twice at the same point: it should answer the same.",
    Cause.HIDDEN_STATE: "call it twice at the same point: it should answer the same.",
    Cause.NONDETERMINISTIC: "call it twice at the same point: it should answer the same.",
    Cause.CONSUMES_RANDOMNESS: "it draws random numbers that others wait for.",
    Cause.NOT_LINEAR_IN_COTANGENT: "twice the upstream gradient should give twice the gradient.",
    Cause.UPSTREAM: "how the upstream gradient is stored should not matter.",
    Cause.MODES_DISAGREE: "forward and backward should be transposes of one another.",
    Cause.TRANSFORMED: "compiled, or over a batch, it should give the same numbers.",
    Cause.ASYMMETRIC: "second derivatives do not depend on the order of differentiation.",
    Cause.VALUE: "it returns another value than f does.",
    Cause.NONFINITE: "it is not finite; where does it divide, take a root or a logarithm?",
    Cause.PRECISION: "it is nearly right; which of its digits are computed, which rounded?",
    Cause.SHAPE: "its shape is not that of the leaf.",
    Cause.DTYPE: "its dtype is not that of the leaf.",
    Cause.STRUCTURE: "it is not nested like the point.",
    Cause.RAISED: "it raises an exception; read the traceback.",
}
WRONG = "it is wrong there; work one entry out on paper."
UNDECIDED = "it could not be judged here; ask for the full report."

# The student had the derivative, and one slip with it.
SLIPS = frozenset(
    {
        Cause.SCALE,
        Cause.SIGN,
        Cause.MISSING_WEIGHT_DECAY,
        Cause.TRANSPOSE,
        Cause.PERMUTED,
        Cause.MISSING_REDUCTION,
        Cause.OFF_BY_ONE,
        Cause.PRECISION,
    }
)


def hints(report: Report) -> tuple[str, ...]:
    """Say for each leaf that did not pass where the mistake is and of which kind, in one sentence.

    See `Report.hints`.
    """
    general = [_of_finding(finding) for finding in report.findings if _is_general(report, finding)]
    leaves = [_of_leaf(leaf) for leaf in report.leaves.values() if _is_in_question(leaf, general)]
    laws = [
        f"The law {law.name} is broken: {law.statement}"
        for law in report.laws.values()
        if law.verdict is Verdict.FAIL
    ]
    return (*general, *leaves, *laws)


def _is_general(report: Report, finding: Finding) -> bool:
    """Whether a finding is about the derivative as a whole, and not only a remark."""
    remark = finding.cause in (Cause.SETUP, Cause.WORKER, Cause.INTERRUPTED)
    return finding.leaf is None and not report.ok and not remark


def _is_in_question(leaf: LeafReport, general: list[str]) -> bool:
    """Whether a leaf has a hint of its own: where nothing was tested the general one says it."""
    return leaf.verdict is not Verdict.PASS and not (general and not leaf.probes)


def _of_finding(finding: Finding) -> str:
    return f"The derivative: {HINTS.get(finding.cause, UNDECIDED)}"


def _of_leaf(leaf: LeafReport) -> str:
    if leaf.verdict is Verdict.INCONCLUSIVE:
        return f"{leaf.path}: {UNDECIDED}"
    from .diagnose import places

    where = "" if leaf.wrong is None else places(leaf.wrong, "" if leaf.complete else "at least ")
    kind = WRONG if leaf.cause is None else HINTS.get(leaf.cause, WRONG)
    return f"{leaf.path}{', ' if where else ''}{where}: {kind}"


def score(report: Report, slip: float = SLIP) -> Score:
    """Give each leaf its credit. See `Report.score`."""
    if not 0 <= slip <= 1:
        raise UsageError(f"slip={slip}, but it is a share of a leaf: a number from 0 to 1.")
    leaves = {path: _credit(leaf, slip) for path, leaf in report.leaves.items()}
    laws = {
        law.name: float(law.verdict is Verdict.PASS)
        for law in report.laws.values()
        if law.verdict is not None
    }
    undecided = [
        name
        for name, verdict in (
            *((leaf.path, leaf.verdict) for leaf in report.leaves.values()),
            *((law.name, law.verdict) for law in report.laws.values()),
        )
        if verdict is Verdict.INCONCLUSIVE
    ]
    return Score(MappingProxyType({**leaves, **laws}), tuple(undecided))


def _credit(leaf: LeafReport, slip: float) -> float:
    """1 for a pass; else the share of entries that are known to be right, or that of a slip."""
    if leaf.verdict is Verdict.PASS:
        return 1.0
    if leaf.verdict is Verdict.INCONCLUSIVE:
        return 0.0
    right = 0.0 if leaf.wrong is None or not leaf.complete else float((~leaf.wrong).mean())
    return max(right, slip if leaf.cause in SLIPS else 0.0)


PRESENTERS.update({"hints": hints, "score": score})
