"""Check the backward passes of torch: of a `torch.autograd.Function`, and of a module.

Owns the two public functions. Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

try:
    import torch
except ModuleNotFoundError as error:
    message = "gradcheck.adapters.torch needs torch: pip install torch"
    raise ImportError(message) from error

from ..check import Options, check_grad, check_jvp, check_vjp
from ..records import PyTree, Report, UsageError
from .answers import read_batched, with_faults, with_remarks
from .modes import merged
from .seeds import seeded
from .torch_arrays import Array
from .torch_first_look import FirstLook, first_look
from .torch_modules import call_of, kept, tree_of
from .torch_stacks import stacked
from .torch_tensors import Call, Function, Still, Tensor, Translated, backward_of
from .torch_upstream import draw, modes_disagree, upstream_faults

__all__ = ["check_function", "check_module"]


def check_function(
    fn: Any,  # noqa: ANN401 - a class or a function
    *inputs: Any,  # noqa: ANN401 - whatever the function takes
    double_backward: bool = False,
    forward: bool = False,
    **options: Unpack[Options],
) -> Report:
    """Check the backward pass of a function of tensors.

    Parameters
    ----------
    fn : subclass of torch.autograd.Function, or callable
        `fn.apply(*inputs)` or `fn(*inputs)` returns a tensor, or tensors in a tuple, dict or
        dataclass.
    *inputs
        Tensors that require a gradient are differentiated, also in lists, tuples and dicts: of
        any shape and strides, on any device, of a dtype that NumPy has; it has bfloat16 where
        ml_dtypes is installed. Of other tensors a copy is handed on, and all else, such as numbers
        and None, as it is.
    double_backward : bool
        Check the backward pass of the backward pass too: leaves `['double'][0]` for inputs and
        `['double dout'][0]` for upstream gradients.
    forward : bool
        Check the forward mode too, by dual numbers, with leaves `['forward'][0]`; and that both
        modes agree, <u, J v> = <J' u, v>, for which no differences are needed.
    **options : Options
        As of `gradcheck.check_vjp`; `reference(*inputs)` takes and returns tensors;
        `batched=True` evaluates many points in one call by `torch.func.vmap`, one by one where that
        does not work, with a remark.

    Returns
    -------
    Report
        One for all modes. Leaves are named by the position of their input, such as `[0]`.

    Raises
    ------
    UsageError
        If no input requires a gradient, no floating tensor is returned, or the call makes no sense
        otherwise.

    Notes
    -----
    Beside the differences it is asked whether the same upstream gradient gives the same answer in
    other strides, such as one number expanded, and whether an output that no loss uses counts as
    zeros; see `Cause.UPSTREAM`.

    Every call starts from the same random numbers of torch, on the CPU and on CUDA, drawn from the
    seed of the plan: dropout is frozen, and your generators are as they were. `fn` is given new
    tensors, of the strides of yours: inputs and `.grad` stay. A float32 function is judged in
    float64, where it follows its inputs. A second derivative of what is linear in pieces, such as
    a ReLU, may be INCONCLUSIVE.

    Examples
    --------
    >>> import torch
    >>> from gradcheck.adapters.torch import check_function
    >>> class Cube(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...
    ...     @staticmethod
    ...     def backward(ctx, dout):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x**2 * dout  # should be 3
    >>> x = torch.linspace(0.5, 2, 4, requires_grad=True)
    >>> report = check_function(Cube, x)
    >>> report.verdict, report.findings[0].cause
    (<Verdict.FAIL: 'fail'>, <Cause.SCALE: 'scale'>)
    """
    func = _callable(fn)
    settings, still = _held_still(options)
    given = settings.pop("reference", None)
    batched = read_batched(settings.pop("batched", False))

    def translated(make: Callable[[Any], Call], tree: PyTree) -> tuple[Translated, dict[str, Any]]:
        """Translate a mode, and the reference likewise."""
        own = Translated.of(make(func), tree, still, "inputs")
        if given is None:
            return own, {}
        return own, {"reference": Translated.of(make(given), tree, still, "inputs").f}

    first, extra = translated(_applied, inputs)
    look = _looked_at(first)
    look.require_arguments()
    report = check_vjp(first.f, first.vjp, first.point, **settings, **extra)
    report = with_remarks(with_faults(report, upstream_faults(first)), look.remarks())
    reports = {"backward": report}
    if double_backward:
        twice = _upstream(first)
        if twice:
            tree = {"double": inputs, "double dout": twice}
            second, extra = translated(_applied_twice, tree)
            reports["double backward"] = check_vjp(
                second.f, second.vjp, second.point, **settings, **extra
            )
    if forward:
        third, extra = translated(_applied_forward, {"forward": inputs})
        if batched:
            extra["batched"] = stacked(third)
        report = check_jvp(third.f, third.jvp, third.point, **settings, **extra)
        faults = modes_disagree(third, report.plan.rtol)
        reports["forward"] = with_faults(report, faults)
    return merged(reports)


def check_module(
    module: Any,  # noqa: ANN401 - torch may not be installed where types are checked
    *inputs: Any,  # noqa: ANN401 - whatever the module takes
    loss: Callable[[Any], Tensor] | None = None,
    **options: Unpack[Options],
) -> Report:
    """Check the backward pass of a module, by its parameters and its inputs.

    Parameters
    ----------
    module : torch.nn.Module
        Called as `module(*inputs)`, in the mode in which it is: training or evaluation.
    *inputs
        As of `check_function`; those that require a gradient are differentiated too.
    loss : callable, optional
        `loss(output)` returns a tensor of one number, of which the gradient is checked; weights of
        the module that it reads, as for a penalty, are differentiated there too. By default the
        outputs are checked, with random upstream gradients.
    **options : Options
        As of `check_function`; `reference` is another module with the same parameters, which
        computes the same in more digits.

    Returns
    -------
    Report
        Leaves are named as the parameters are, `['0.weight']`, and inputs `['inputs'][0]`. Frozen
        parameters are left out, tied ones are one leaf, and of one that is not used it is certified
        that its gradient is zero.

    Raises
    ------
    UsageError
        If nothing requires a gradient, a parameter has no values yet, or the loss is no number.

    Notes
    -----
    The module is called with copies of its parameters and buffers, in float64 where that is how
    they are best judged: parameters, `.grad`, buffers such as running statistics, attributes and
    mode stay as they are, also where the module raises. Hooks of the module run; those of its
    parameters, such as `weight.register_hook`, do not. Random numbers are those of
    `check_function`.

    Examples
    --------
    >>> import torch
    >>> from gradcheck.adapters.torch import check_module
    >>> module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(), torch.nn.Tanh())
    >>> report = check_module(module, torch.randn(5, 3), loss=lambda out: out.square().mean())
    >>> report.verdict, list(report.leaves)
    (<Verdict.PASS: 'pass'>, ["['0.weight']", "['0.bias']"])
    """
    _require_module("module", module)
    settings, still = _held_still(options, partial(kept, module))
    given = settings.pop("reference", None)
    batched = read_batched(settings.pop("batched", False))
    tree, key = tree_of(module, inputs)
    own = Translated.of(call_of(module, key, loss), tree, still, "module")
    look = _looked_at(own)
    if given is not None:
        _require_module("reference", given)
        finer = replace(still, around=partial(kept, given))
        settings["reference"] = Translated.of(call_of(given, key, loss), tree, finer, "module").f
    if batched:
        many = stacked(own)
        settings["batched"] = many if loss is None else partial(_only, many)
    if loss is None:
        report = check_vjp(own.f, own.vjp, own.point, **settings)
        report = with_faults(report, upstream_faults(own))
    else:
        if given is not None:
            settings["reference"] = partial(_only, settings["reference"])
        report = check_grad(partial(_only, own.f), partial(_gradient, own), own.point, **settings)
    return with_remarks(report, look.remarks())


def _only(f: Callable[[PyTree], list[Array]], point: PyTree) -> Array:
    """Compute the loss."""
    return f(point)[0]


def _gradient(translated: Translated, point: PyTree) -> PyTree:
    return translated.pull(point, lambda outputs: [torch.ones_like(y) for y in outputs])


# --- what is given ------------------------------------------------------------------------------


def _callable(fn: Any) -> Function:  # noqa: ANN401 - whatever was given
    if isinstance(fn, torch.nn.Module):
        raise UsageError(
            f"fn is the module {type(fn).__name__}: use check_module(module, *inputs), which "
            f"differentiates its parameters too and leaves its buffers alone."
        )
    if isinstance(fn, type) and issubclass(fn, torch.autograd.Function):
        applied: Function = getattr(fn, "apply")  # noqa: B009 - torch may not be installed
        return applied
    if not callable(fn):
        raise UsageError(
            f"fn is of type {type(fn).__name__}, but it must be a subclass of "
            f"torch.autograd.Function, or a function of tensors."
        )
    return fn  # type: ignore[no-any-return]


def _require_module(name: str, module: object) -> None:
    if not isinstance(module, torch.nn.Module):
        raise UsageError(
            f"{name} is of type {type(module).__name__}, but it must be a torch.nn.Module; for a "
            f"function there is check_function(fn, *inputs)."
        )


def _looked_at(own: Translated) -> FirstLook:
    """Call once, for what is no output that can be differentiated; the check says what raises."""
    look = first_look(own)
    if look is None:
        return FirstLook((), (), None)
    look.require_outputs()
    return look


def _held_still(options: Options, around: Any = None) -> tuple[dict[str, Any], Still]:  # noqa: ANN401
    """Return the options with a plan that has a seed, and what is held still by it."""
    settings, seed, held = seeded(options)
    return settings, Still(seed, held) if around is None else Still(seed, held, around)


# --- modes --------------------------------------------------------------------------------------


def _applied(func: Function) -> Call:
    return lambda tree, then: then(func(*tree))


def _applied_forward(func: Function) -> Call:
    return lambda tree, then: then(func(*tree["forward"]))


def _applied_twice(func: Function) -> Call:
    def call(tree: PyTree, then: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - what `then` returns
        point, dout = tree["double"], tree["double dout"]
        return then(backward_of(func, len(point))(*point, *dout))

    return call


def _upstream(first: Translated) -> tuple[Tensor, ...]:
    """Draw upstream gradients that are differentiated; none where the function raises."""
    try:
        outputs = first.run(first.point, lambda run: list(run.outputs.values()))
    except Exception:  # the caller's code, which the check has called and reported
        return ()
    drawn: Iterator[Tensor] = iter(draw(outputs, first.still.seed))
    return tuple(u.requires_grad_() for u in drawn)
