"""What all checks of TensorFlow share: a first look, and one check for each mode.

Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from ..check import check_grad, check_jvp, check_vjp
from ..records import Cause, Finding, PyTree, Report, UsageError
from .answers import with_faults, with_remarks
from .named import Named
from .seeds import seeded
from .tensorflow_questions import drawn, modes_disagree
from .tensorflow_still import Still, touched_by
from .tensorflow_tensors import Array, Call, Tensor, Translated

try:
    import tensorflow as tf
except ModuleNotFoundError as error:
    message = "gradcheck's checks of TensorFlow need it: pip install tensorflow"
    raise ImportError(message) from error

__all__ = ["Checked", "Subject", "one_number"]

Variable = Any  # TensorFlow may not be installed where types are checked
FORWARD = "forward: "  # before the names of leaves in the second mode


@dataclass(frozen=True, eq=False)
class Subject:
    """What is to be checked.

    Attributes
    ----------
    call : callable
        `call(tree)` returns tensors.
    tree : pytree
        What it is called with.
    moves : callable
        `moves(accessor)`: whether a leaf of the tree may be differentiated.
    variables : mapping of str to tf.Variable
        What is differentiated beside, whether it is read or not; others that are read, by name.
    others : tuple of tf.Variable
        What a call may change beside what it is seen to touch.
    around : callable
        Makes a context that puts back what else a call changes.
    prefix : str
        Stands before the paths of the tree.
    """

    call: Call
    tree: PyTree
    moves: Callable[[Any], bool] = lambda _: True
    variables: Mapping[str, Variable] = field(default_factory=dict)
    others: tuple[Variable, ...] = ()
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    prefix: str = ""


@dataclass(frozen=True, eq=False)
class Checked:
    """A subject that was looked at, with the settings of its checks.

    Attributes
    ----------
    subject : Subject
        As it was given.
    own, reference : Translated
        The function; the same in more digits, if there is such.
    settings : mapping
        Options of the checks; their plan has a seed.
    seed : int
        That seed.
    remarks : tuple of Finding
        What was seen at the first look.
    """

    subject: Subject
    own: Translated
    reference: Translated | None
    settings: Mapping[str, Any]
    seed: int
    remarks: tuple[Finding, ...]

    @classmethod
    def of(
        cls,
        subject: Subject,
        options: Mapping[str, Any],
        referring: Callable[[Any], Call] | None = None,
    ) -> Checked:
        """Look at what a call touches, reads and returns; `referring` makes a call of a reference.

        Raises
        ------
        UsageError
            If there is nothing to differentiate.
        """
        if not tf.executing_eagerly():
            raise UsageError("a check needs TensorFlow to run eagerly: call it outside of graphs.")
        settings, seed, held = seeded(options)
        if settings.get("batched", False) is not False:
            raise UsageError("batched= is not for TensorFlow: its functions take one point a call.")
        given = settings.pop("reference", None)
        own = Translated.of(
            subject.call,
            subject.tree,
            Still(seed, held, draws=False, found=()),
            subject.moves,
            subject.prefix,
        )
        with subject.around():
            tree = own.tree()
            touched = touched_by(lambda: subject.call(tree))
        every = (*subject.variables.values(), *subject.others)
        own = replace(own, still=Still.of(seed, held, touched, every, subject.around))
        live, watched = _looked_at(own)
        read = _by_name(subject.variables, watched)
        still = Still.of(seed, held, touched, (*every, *watched), subject.around)
        own = replace(own, still=still).reading(read, live).unless_it_rounds()
        if not own.point:
            raise UsageError(
                "no input is a tensor or an array of floating or complex numbers, and no trainable "
                "variable is read: there is nothing to differentiate."
            )
        reference = None
        if given is not None and referring is not None:
            _require_no_variables(read)
            reference = replace(own, call=referring(given))
        return cls(subject, own, reference, settings, seed, tuple(_cut_off(live)))

    def compiled(self) -> Checked:
        """Return the same, compiled."""
        return replace(self, own=replace(self.own, call=tf.function(self.own.call)))

    def beside(self, other: Checked) -> Checked:
        """Judge against another, which computes the same in more digits.

        Raises
        ------
        UsageError
            If it has other variables.
        """
        if list(self.own.point) != list(other.own.point):
            raise UsageError(
                f"the reference has the leaves {', '.join(other.own.point)}, but it must have "
                f"those of what is checked: {', '.join(self.own.point)}."
            )
        return replace(self, reference=other.own)

    def backward(self) -> Report:
        """Check the outputs, with random upstream gradients."""
        own = self.own
        report = check_vjp(own.f, own.vjp, own.point, **self._options())
        return self._told(report)

    def gradient(self) -> Report:
        """Check the gradient of one number."""
        own = self.own
        report = check_grad(_only(own), own.grad, own.point, **self._options(_only))
        return self._told(report)

    def forward(self) -> Report:
        """Check the forward mode, and that it agrees with the backward pass."""
        own = self.own.named(FORWARD)
        report = check_jvp(own.f, own.jvp, own.point, **self._options(prefix=FORWARD))
        faults = modes_disagree(own, self.seed, report.plan.rtol)
        return _by_convention(with_faults(report, faults))

    def double_backward(self) -> Report:
        """Check the gradients as functions of what is differentiated and of upstream gradients."""
        twice = self._twice(self.own)
        options = dict(self.settings)
        if self.reference is not None:
            options["reference"] = self._twice(self.reference).f
        return _by_convention(check_vjp(twice.f, twice.vjp, twice.point, **options))

    def _twice(self, own: Translated) -> Translated:
        def call(tree: PyTree) -> list[Tensor]:
            inner = tree["double"]
            sources = own.sources(inner)
            with tf.GradientTape() as tape:
                tape.watch(sources)
                outputs = own.outputs(inner)
            gradients = tape.gradient(outputs, sources, tree["double dout"])
            return [tf.convert_to_tensor(g) for g in gradients if g is not None]

        dout = [tf.constant(u) for u in drawn(own.f(own.point), self.seed)]
        tree = {"double": self.subject.tree, "double dout": dout}
        moves = self.subject.moves
        twice = Translated.of(
            call, tree, own.still, lambda at: at[0].entry != "double" or moves(at[1:])
        )
        return twice.reading(own.named("double ").variables, ())

    def _options(
        self, made: Callable[[Translated], Any] = lambda other: other.f, prefix: str = ""
    ) -> dict[str, Any]:
        options = dict(self.settings)
        if self.reference is not None:
            options["reference"] = made(self.reference.named(prefix))
        return options

    def _told(self, report: Report) -> Report:
        return _by_convention(with_remarks(report, self.remarks))


def one_number(value: Any) -> Tensor:  # noqa: ANN401 - what a loss returned
    """Require a tensor of one number.

    Raises
    ------
    UsageError
        If it is none.
    """
    if tf.is_tensor(value) and value.shape.num_elements() == 1:
        return tf.reshape(value, ())
    kind = f"shape {tuple(value.shape)}" if tf.is_tensor(value) else repr(type(value))
    raise UsageError(
        f"loss returned {kind}, but it must return a tensor of one number, such as a mean; leave "
        f"it out to check the outputs themselves."
    )


def _only(own: Translated) -> Callable[[Named], Array]:
    return lambda point: own.f(point)[0]


def _looked_at(own: Translated) -> tuple[Sequence[bool], Sequence[Variable]]:
    """Call once; what raises, the check says.

    Raises
    ------
    UsageError
        If nothing is returned that can be differentiated.
    """
    try:
        look = own.look()
    except UsageError:
        raise
    except Exception:  # the caller's code
        return (), ()
    if not look.live:
        raise UsageError(
            "no floating or complex tensor was returned: there is nothing to differentiate; "
            "return tensors, also in a tuple, list or dict."
        )
    return look.live, look.watched


def _by_name(known: Mapping[str, Variable], watched: Sequence[Variable]) -> dict[str, Variable]:
    """Name the variables that were read beside those known; two of one name are numbered."""
    named = dict(known)
    own = {id(v) for v in known.values()}
    for variable in watched:
        if id(variable) not in own:
            name = variable.name.partition(":")[0]
            named[name if name not in named else f"{name}<{len(named)}>"] = variable
    return named


def _require_no_variables(read: Mapping[str, Variable]) -> None:
    if read:
        raise UsageError(
            f"fn reads the variables {', '.join(read)}, which a reference could not be given in "
            f"more digits; make them inputs of fn, or use check_module with another module as the "
            f"reference."
        )


def _cut_off(live: Sequence[bool]) -> Iterator[Finding]:
    """Say which floating outputs nothing can be asked of."""
    cut = [str(k) for k, is_live in enumerate(live) if not is_live]
    if cut and any(live):
        yield Finding(
            Cause.DETACHED,
            f"No gradient reaches anything from output {', '.join(cut)}, so it was left out: right "
            f"where it is cut off on purpose, as by tf.stop_gradient.",
        )


def _by_convention(report: Report) -> Report:
    """Name the convention of TensorFlow where that of the check is named: they are the same."""
    findings = tuple(
        replace(
            finding,
            message="Complex numbers are read as in TensorFlow and PyTorch: the gradient g is that "
            "of df = Re sum conj(g) dx.",
        )
        if finding.evidence.get("convention") == "PyTorch"
        else finding
        for finding in report.findings
    )
    return replace(report, findings=findings)
