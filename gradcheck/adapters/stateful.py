"""Check an object that keeps its parameters, caches and gradients in its own attributes.

The networks of most courses: `loss`, `backward` and what they share is in `self`. Parameters are
moved where they are, in the network's own arrays, and everything is put back afterwards.
Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..check import Options, check_grad
from ..execution import copied, describe
from ..randomness import Held
from ..records import Cause, Finding, Report, UsageError
from .answers import with_remarks
from .stateful_conventions import (
    Call,
    Step,
    backward_call,
    candidates,
    loss_call,
    parameters_of,
    rebound,
)
from .stateful_elsewhere import elsewhere
from .stateful_gradients import Grads, find_gradients, listed
from .stateful_paths import Slot, slots_of
from .stateful_snapshot import Snapshot
from .stateful_subject import Asked, Subject, is_pair

OPTIONS = ("plan", "name", "random", "progress")


def check(
    net: Any,  # noqa: ANN401 - any object
    *args: Any,  # noqa: ANN401 - whatever its methods take
    params: str | Sequence[str] | None = None,
    grads: Grads = None,
    loss: Step = None,
    backward: Step = None,
    **options: Any,  # noqa: ANN401 - those of check_grad
) -> Report:
    """Check the gradients of an object that keeps parameters and gradients in its attributes.

    Parameters
    ----------
    net : object
        The network: an object, or a dict, list or tuple of objects or arrays.
    *args
        What `loss` and `backward` are called with, such as `X, y`.
    params : str or list of str, optional
        Paths of the parameters: `"W1"`, `"layers[0].W"`, `"params['W1']"`. A path to a dict or a
        list stands for all arrays in it. By default `params`, `parameters`, or `weights` and
        `biases` if there are such, else arrays called W1, b1, gamma and the like, in the network
        and its layers, and what has a gradient beside it.
    grads : str, list of str or callable, optional
        Where gradients are after the backward pass: the path of a container (`"grads"`, with the
        keys W1 or dW1, or a list in the order of `params`); a rule for the name of each parameter
        (`"d{}"`, `"grads['d{}']"`); a list of paths, one for each of `params`; `"returned"` for
        what `backward` returns, a dict by name or a sequence in the order of `params`; or
        `grads(net)`, which returns such. By default all of these are tried.
    loss : str or callable, optional
        The method that is called with `args` and returns the loss or `(loss, gradients)`, or
        `loss(net, *args)`. By default loss, compute_loss, cost or compute_cost.
    backward : str or callable, optional
        The method that goes backward, called with those of the loss's arguments that it takes, or
        `backward(net, *args)`. By default backward, backprop or gradient, after zero_grad if there
        is one; where there is none of these, the loss must return the gradients as well.
    **options
        `plan`, `name`, `random` and `progress` of `check_grad`.

    Returns
    -------
    Report
        As `check_grad`; leaves are named by their paths. A finding says what was taken by
        convention.

    Raises
    ------
    UsageError
        If there is no such path, a parameter is an integer or shares memory with another one, a
        gradient is nowhere, or the loss is no number.

    Notes
    -----
    Each evaluation writes the parameters into the network's own arrays, so that views, layers and
    optimisers that hold them see it, and then calls what a training loop calls: `loss`; for the
    gradients `loss` and then `backward`. Between these calls nothing is put back, so a cache that
    is stale, gradients that add up and an update in the backward pass are found as they would be
    in training. A network that passes is checked once more at other parameters, a tenth of their
    size away, with whatever it kept of the first ones: a cache that is filled only once is right
    until then.

    Afterwards, also after an exception or Ctrl-C, `net` and `args` are what they were: the same
    arrays, bit for bit, and the same attributes, dicts, lists, counters, random generators and data
    of classes. What is not Python (files, compiled objects), and what only functions of yours
    refer to, is beyond reach. All arrays of the network are copied once for that.

    Examples
    --------
    >>> import numpy as np
    >>> from gradcheck.adapters import stateful
    >>> class Linear:
    ...     def __init__(self):
    ...         self.W, self.b = np.array([0.5, -1.0, 2.0]), np.array(0.1)
    ...     def loss(self, X, y):
    ...         self.X, self.error = X, X @ self.W + self.b - y
    ...         return np.mean(self.error**2)
    ...     def backward(self):
    ...         self.dW = 2 * self.X.T @ self.error / len(self.error)
    ...         self.db = self.error.mean()
    >>> rng = np.random.default_rng(0)
    >>> report = stateful.check(Linear(), rng.standard_normal((8, 3)), rng.standard_normal(8))
    >>> {path: str(leaf.verdict) for path, leaf in report.leaves.items()}
    {'W': 'pass', 'b': 'fail'}
    """
    _require_options(options)
    asked = Asked(net, args, _paths(params), _read_grads(grads, params), loss, backward)
    sources = options.get("random", ())
    held = Held.of(tuple(sources) if isinstance(sources, (tuple, list)) else (sources,))
    slots = () if asked.params is None else slots_of(net, asked.params)
    before = Snapshot.of(net, args, *(slot.given for slot in slots))

    def rewind() -> None:
        before.restore()
        held.rewind()

    try:
        subject = _prepared(asked, slots, rewind)
        rewind()
        report = check_grad(subject.value, subject.gradient, subject.point(), **_typed(options))
        report = elsewhere(subject, subject.in_its_words(report), _typed(options), rewind)
        return with_remarks(report, subject.remarks)
    finally:
        rewind()


def _typed(options: dict[str, Any]) -> Options:
    typed: Options = options  # type: ignore[assignment]
    return typed


def _require_options(options: dict[str, Any]) -> None:
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise UsageError(
            f"{unknown[0]}={options[unknown[0]]!r} is not an option of check; the options are "
            f"params, grads, loss, backward, {', '.join(OPTIONS)}; what the loss takes by name is "
            f"written into the call: loss=lambda net: net.loss(X, y, {unknown[0]}=...)."
        )


def _paths(params: str | Sequence[str] | None) -> list[str] | None:
    if params is None:
        return None
    listed = [params] if isinstance(params, str) else list(params)
    wrong = [path for path in listed if not isinstance(path, str)]
    if wrong or not listed:
        given = describe(wrong[0]) if wrong else "an empty list"
        raise UsageError(
            f"params holds {given}, but it takes paths, such as params=['W1', 'layers[0].W']."
        )
    return listed


def _read_grads(grads: Grads, params: object) -> Grads:
    if grads is None or isinstance(grads, str) or callable(grads):
        return grads
    if not isinstance(grads, (list, tuple)) or not all(isinstance(path, str) for path in grads):
        raise UsageError(
            f"grads is {describe(grads)}, but it takes a path, a rule such as 'd{{}}', a list of "
            f"paths, 'returned', or a function of the network."
        )
    if params is None or isinstance(params, str) or len(list(grads)) != len(list(params)):  # type: ignore[call-overload]
        raise UsageError(
            f"grads lists {len(grads)} paths, so params must list as many parameters, in that "
            f"order."
        )
    return list(grads)


# --- the first pass -------------------------------------------------------------------------

RAISED: Any = object()


def _prepared(asked: Asked, slots: tuple[Slot, ...], rewind: Callable[[], None]) -> Subject:
    """Make the first passes, to find out what nobody said; whatever is wrong is said here.

    Raises
    ------
    UsageError
        As `check`. What the network itself raises is left to the check, whose report names it.
    """
    net, loss = asked.net, loss_call(asked.net, asked.args, asked.loss)
    known = candidates(net) if asked.params is None else {}
    value = _attempted(loss.make)
    caches = rebound(net, known)
    if value is not RAISED:
        _require_number(value, loss)
    subject = Subject(asked, loss, _backward_of(asked, value), slots)
    returned = value if value is RAISED else _attempted(subject.pass_once)
    left: list[str] = []
    if asked.params is None:
        paths, left = parameters_of(net, known, caches, asked.args)
        rewind()
        subject.slots = slots_of(net, paths)
        returned = _attempted(subject.pass_once)
    if returned is not RAISED:
        subject.gradients = find_gradients(subject.slots, asked.grads, net, returned)
        subject.gradients.read(net, returned)
    subject.remarks = tuple(_conventions(subject, left))
    return subject


def _attempted(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - foreign
    try:
        return call()
    except UsageError:
        raise
    except Exception:  # foreign code; the check calls it again, and reports it
        return RAISED


def _backward_of(asked: Asked, value: object) -> Call | None:
    """Find the backward pass; None where the loss returns the gradients and there is no other."""
    try:
        return backward_call(asked.net, asked.args, asked.loss, asked.backward)
    except UsageError:
        if asked.backward is None and (value is RAISED or is_pair(value)):
            return None
        raise


def _require_number(value: object, loss: Call) -> None:
    number = copied(value[0] if is_pair(value) else value)  # type: ignore[index]
    if number.size != 1 or number.dtype.kind not in "fiu":
        raise UsageError(
            f"{loss.words} returned {describe(value)}, but the loss must be one real number, or "
            f"(loss, gradients); write the call that returns it: loss=lambda net: net.loss(...)."
        )


def _conventions(subject: Subject, left: list[str]) -> Iterator[Finding]:
    """Say what was taken although nobody named it."""
    asked, taken = subject.asked, []
    if asked.params is None:
        taken.append(f"the parameters {listed([slot.path for slot in subject.slots])}")
    if asked.loss is None or asked.backward is None:
        calls = [call.words for call in (subject.loss, subject.backward) if call is not None]
        taken.append(f"the calls {', then '.join(calls)}")
    if asked.grads is None and subject.gradients is not None:
        taken.append(f"the gradients in {subject.gradients.words}")
    if taken:
        also = f"; left out, without a gradient: {listed(left)}" if left else ""
        yield Finding(Cause.SETUP, f"taken by convention: {'; '.join(taken)}{also}.")
