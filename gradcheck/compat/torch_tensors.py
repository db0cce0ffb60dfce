"""The signatures of `torch.autograd.gradcheck` and `gradgradcheck`: tensors, and True or an error.

Owns what these signatures ask for and what is refused; the translation of tensors is that of
`adapters`. Part of `compat`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from ..adapters.answers import with_faults
from ..adapters.torch_first_look import first_look
from ..adapters.torch_tensors import Function, Still, Tensor, Translated, backward_of
from ..adapters.torch_upstream import upstream_faults
from ..check import check_jvp, check_vjp
from ..records import Plan, Report, UsageError

try:
    import torch
    from torch.autograd.gradcheck import GradcheckError
except ModuleNotFoundError as error:
    message = "gradcheck.compat.torch_gradcheck needs torch: pip install torch"
    raise ImportError(message) from error

SEED_BITS = 32


def torch_gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Check derivatives by certified differences; the signature of `torch.autograd.gradcheck`.

    Parameters
    ----------
    func : callable
        `func(*inputs)` returns a tensor or a tuple of tensors.
    inputs : tensor or sequence of tensors
        Those that require a gradient are differentiated; others, and what is no tensor, are handed
        on. Of any floating or complex dtype that NumPy has, on any device.
    eps, atol : float, optional
        Accepted for the sake of the signature, and not used: steps and error bars are measured.
    rtol : float, optional
        How far a derivative may be off, relative to its size and beyond the error bar, as
        `Plan.rtol`; its default is stricter than the 1e-3 of torch.
    raise_exception : bool
        Raise unless the verdict is PASS; else return False.
    check_forward_ad, check_backward_ad : bool
        Which modes are checked.
    fast_mode : bool
        False and True are the same: random directions, with a bound on what they miss.
    check_undefined_grad : bool
        Ask also, without differences, whether upstream gradients that are undefined count as zeros,
        and whether the strides in which they come change nothing.
    nondet_tol, check_grad_dtypes, check_batched_grad, check_batched_forward_grad, masked
        These are not done: refused where they are asked for. A derivative that differs between two
        calls is always reported; torch's own random numbers are the same at every call, so that
        dropout is no difference.

    Returns
    -------
    bool
        Whether the verdict is PASS.

    Raises
    ------
    torch.autograd.gradcheck.GradcheckError
        Unless the verdict is PASS; its `report` is ours.
    UsageError
        If no input requires a gradient, or `func` reads one by itself and not its argument, or
        something is refused.

    Notes
    -----
    `func` is given new tensors, so `inputs` and their `.grad` are left as they are; so is torch's
    random state.

    Examples
    --------
    >>> import torch
    >>> x = torch.linspace(0.1, 1, 5, dtype=torch.float64, requires_grad=True)
    >>> torch_gradcheck(torch.sin, (x,))
    True
    """
    _refuse(
        nondet_tol=nondet_tol,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        masked=masked,
    )
    if not (check_forward_ad or check_backward_ad):
        raise UsageError("neither check_forward_ad nor check_backward_ad: nothing is checked.")
    translated = _translated(func, _listed(inputs))
    look = first_look(translated)
    if look is not None:
        look.require_arguments()
    plan = Plan.auto() if rtol is None else Plan.auto(rtol=rtol)
    checks = {"backward": check_backward_ad, "forward": check_forward_ad}
    for mode in (name for name, asked in checks.items() if asked):
        report = _check(translated, mode, plan)
        if mode == "backward" and check_undefined_grad is not False:
            report = with_faults(report, upstream_faults(translated))
        if not report and raise_exception:
            error = GradcheckError(f"\n{report}")
            error.report = report
            raise error
        if not report:
            return False
    return True


def torch_gradgradcheck(
    func: Function,
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Check the backward pass of a backward pass; the signature of torch's `gradgradcheck`.

    The first backward pass is taken for the function here: check it by itself as well.

    Parameters
    ----------
    func, inputs
        As for `torch_gradcheck`.
    grad_outputs : tensor or sequence of tensors, optional
        Upstream gradients, one for each output that depends on an input. Drawn from torch's global
        random numbers by default, as torch does.
    gen_non_contig_grad_outputs : bool
        Not done: refused where it is asked for.
    check_fwd_over_rev, check_rev_over_rev : bool
        Which modes differentiate the backward pass.
    eps, atol, rtol, raise_exception, fast_mode, nondet_tol, check_undefined_grad, \
check_grad_dtypes, check_batched_grad, masked
        As for `torch_gradcheck`.

    Returns
    -------
    bool
        Whether the verdict is PASS.

    Raises
    ------
    torch.autograd.gradcheck.GradcheckError, UsageError
        As `torch_gradcheck`.

    Notes
    -----
    Where a first derivative is constant in pieces, as that of relu, abs or max, the verdict may
    be INCONCLUSIVE: what moves in steps may be rounded, and a slope hidden.

    Examples
    --------
    >>> import torch
    >>> x = torch.linspace(0.1, 1, 5, dtype=torch.float64, requires_grad=True)
    >>> torch_gradgradcheck(torch.sin, (x,))
    True
    """
    _refuse(gen_non_contig_grad_outputs=gen_non_contig_grad_outputs)
    listed = _listed(inputs)
    if grad_outputs is None:
        translated = _translated(func, listed)
        outputs = translated.run(translated.point, lambda run: list(run.outputs.values()))
        upstream = [torch.randn_like(out, requires_grad=True) for out in outputs]
    else:
        upstream = _listed(grad_outputs)
    return torch_gradcheck(
        backward_of(func, len(listed)),
        [*listed, *upstream],
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        masked=masked,
    )


def _translated(func: Function, inputs: Sequence[Any]) -> Translated:
    """Translate a function and its inputs; its random numbers start anywhere, and stay there."""
    still = Still(secrets.randbits(SEED_BITS))
    return Translated.of(lambda point, then: then(func(*point)), tuple(inputs), still, "inputs")


def _check(translated: Translated, mode: str, plan: Plan) -> Report:
    if mode == "backward":
        return check_vjp(translated.f, translated.vjp, translated.point, plan=plan)
    return check_jvp(translated.f, translated.jvp, translated.point, plan=plan)


def _listed(values: Any) -> list[Any]:  # noqa: ANN401 - what func takes
    return list(values) if isinstance(values, (tuple, list)) else [values]


def _refuse(**asked: Any) -> None:  # noqa: ANN401 - whatever was given
    """Refuse what is not done rather than pass without having done it."""
    for name, value in asked.items():
        if value:
            raise UsageError(f"{name}={value!r} is not done here; ask torch.autograd.gradcheck.")
