"""The closed vocabularies: what a verdict, a cause, an evidence, a kind, a mode can be.

Part of `records`.
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The three answers. Each carries the sentence that the user reads."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def sentence(self) -> str:
        """What the verdict means."""
        return _SENTENCES[self]


_SENTENCES = {
    Verdict.PASS: "f and the derivative agree within the error bar, and the bar is small.",
    Verdict.FAIL: "f and the derivative disagree by more than the error bar and the tolerance.",
    Verdict.INCONCLUSIVE: "No honest answer is possible here; the finding says why.",
}


RANK = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}
"""Verdicts from the best to the worst."""


class Cause(StrEnum):
    """What a finding is about. Members are added, never renamed."""

    SCALE = "scale"
    SIGN = "sign"
    MISSING_WEIGHT_DECAY = "missing-weight-decay"
    EXTRA_TERM = "extra-term"
    MISSING_TERM = "missing-term"
    DROPOUT_MASK = "dropout-mask"
    TRANSPOSE = "transpose"
    PERMUTED = "permuted"
    MISSING_REDUCTION = "missing-reduction"
    WRONG_AXIS = "wrong-axis"
    BROADCAST = "broadcast"
    OFF_BY_ONE = "off-by-one"
    DUPLICATE_INDEX = "duplicate-index"
    DETACHED = "detached"
    SLOPE = "slope"
    STALE_CACHE = "stale-cache"
    ALIASING = "aliasing"
    MUTATED_INPUT = "mutated-input"
    ACCUMULATES = "accumulates"
    NONDETERMINISTIC = "nondeterministic"
    KINK = "kink"
    JUMP = "jump"
    SINGULAR = "singular"
    NONFINITE = "nonfinite"
    DOMAIN = "domain"
    NOISE = "noise"
    PRECISION = "precision"
    SHAPE = "shape"
    DTYPE = "dtype"
    STRUCTURE = "structure"
    RAISED = "raised"
    BUDGET = "budget"
    REFERENCE = "reference"
    VALUE = "value"
    HIDDEN_STATE = "hidden-state"
    CONSUMES_RANDOMNESS = "consumes-randomness"
    SETUP = "setup"
    CANARY = "canary"
    LAW = "law"
    NOT_LINEAR_IN_COTANGENT = "not-linear-in-cotangent"
    UPSTREAM = "upstream"
    MODES_DISAGREE = "modes-disagree"
    TRANSFORMED = "transformed"
    ASYMMETRIC = "asymmetric"
    WORKER = "worker"
    INTERRUPTED = "interrupted"
    CONVENTION = "convention"
    OTHER = "other"


class Evidence(StrEnum):
    """What `f` looks like along the line on which a derivative was measured.

    EDGE: finite on one side of x only, the derivative is that from inside. FLAT: all values equal.
    QUANTISED: small steps change nothing, or the values lie on a coarse grid.
    """

    SMOOTH = "smooth"
    EDGE = "edge"
    FLAT = "flat"
    QUANTISED = "quantised"
    KINK = "kink"
    JUMP = "jump"
    SINGULAR = "singular"
    NOISE = "noise"
    PRECISION = "precision"
    NONFINITE = "nonfinite"


class Kind(StrEnum):
    """What the claim is: a gradient, a vector-Jacobian or a Jacobian-vector product."""

    GRAD = "grad"
    VJP = "vjp"
    JVP = "jvp"


class Mode(StrEnum):
    """How a plan looks at a leaf."""

    AUTO = "auto"
    DIRECTIONS = "directions"
    EVERY = "every"
    SAMPLE = "sample"
