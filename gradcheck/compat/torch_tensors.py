"""The signatures of `torch.autograd.gradcheck` and `gradgradcheck`: tensors, and True or an error.

Owns the translation of tensors into arrays and back. Part of `compat`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..check import check_jvp, check_vjp
from ..records import Plan, Report, UsageError

try:
    import torch
    from torch.autograd import forward_ad
    from torch.autograd.gradcheck import GradcheckError
except ModuleNotFoundError as error:
    message = "gradcheck.compat.torch_gradcheck needs torch: pip install torch"
    raise ImportError(message) from error

Array = npt.NDArray[Any]
Tensor = Any  # torch may not be installed where types are checked
Function = Callable[..., Any]


def torch_gradcheck(
    func: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool | None = None,
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
    nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad, \
check_batched_forward_grad, masked
        These are not done: refused where they are asked for. A derivative that differs between two
        calls is always reported.

    Returns
    -------
    bool
        Whether the verdict is PASS.

    Raises
    ------
    torch.autograd.gradcheck.GradcheckError
        Unless the verdict is PASS; its `report` is ours.
    UsageError
        If no input requires a gradient, or no output depends on one, or something is refused.

    Notes
    -----
    `func` is given new tensors, so `inputs` and their `.grad` are left as they are.

    Examples
    --------
    >>> import torch
    >>> x = torch.linspace(0.1, 1, 5, dtype=torch.float64, requires_grad=True)
    >>> torch_gradcheck(torch.sin, (x,))
    True
    """
    _refuse(
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        masked=masked,
    )
    if not (check_forward_ad or check_backward_ad):
        raise UsageError("neither check_forward_ad nor check_backward_ad: nothing is checked.")
    translated = _Translated(func, _listed(inputs))
    plan = Plan.auto() if rtol is None else Plan.auto(rtol=rtol)
    checks = {"backward": check_backward_ad, "forward": check_forward_ad}
    for mode in (name for name, asked in checks.items() if asked):
        report = translated.check(mode, plan)
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
    check_undefined_grad: bool | None = None,
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
        outputs = _Translated(func, listed).outputs(listed)
        upstream = [torch.randn_like(out, requires_grad=True) for out in outputs]
    else:
        upstream = _listed(grad_outputs)

    def backward(*given: Tensor) -> tuple[Tensor, ...]:
        point, dout = given[: len(listed)], given[len(listed) :]
        moving = [x for x in point if _moves(x)]
        out = _Translated(func, list(point)).outputs(point)
        gradients = torch.autograd.grad(out, moving, dout, create_graph=True, allow_unused=True)
        return tuple(gradient for gradient in gradients if gradient is not None)

    return torch_gradcheck(
        backward,
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


class _Translated:
    """A function of tensors as a function of arrays: its point, itself and its derivatives."""

    def __init__(self, func: Function, inputs: Sequence[Any]) -> None:
        self.func, self.inputs = func, inputs
        self.point = tuple(
            _array(value, f"inputs[{k}]") if _moves(value) else None
            for k, value in enumerate(inputs)
        )
        if all(array is None for array in self.point):
            raise UsageError("no input requires a gradient: call x.requires_grad_() on one.")

    def check(self, mode: str, plan: Plan) -> Report:
        """Check one mode: backward or forward."""
        if mode == "backward":
            return check_vjp(self.f, self.vjp, self.point, plan=plan)
        return check_jvp(self.f, self.jvp, self.point, plan=plan)

    def f(self, point: Sequence[Array | None]) -> list[Array]:
        """Compute the outputs."""
        return [_array(_finer(y), "an output") for y in self.outputs(self._tensors(point))]

    def vjp(self, point: Sequence[Array | None], cotangent: Sequence[Array]) -> list[Array | None]:
        """Go backward."""
        tensors = self._tensors(point)
        outputs = self.outputs(tensors)
        dout = [_like(y, c) for y, c in zip(outputs, cotangent, strict=True)]
        live = [k for k, y in enumerate(outputs) if y.requires_grad]  # else the claim is zero
        moving = [x for x in tensors if _moves(x)]
        gradients = iter(
            torch.autograd.grad(
                [outputs[k] for k in live],
                moving,
                [dout[k] for k in live],
                allow_unused=True,
                materialize_grads=True,
            )
            if live
            else map(torch.zeros_like, moving)
        )
        return [_array(next(gradients), "a gradient") if _moves(x) else None for x in tensors]

    def jvp(self, point: Sequence[Array | None], tangent: Sequence[Array | None]) -> list[Array]:
        """Go forward with dual numbers."""
        with warnings.catch_warnings(), forward_ad.dual_level():
            # torch's own: the first dual number of a program loads what it has deprecated
            warnings.simplefilter("ignore", DeprecationWarning)
            duals = [
                forward_ad.make_dual(x, _like(x, v)) if _moves(x) else x
                for x, v in zip(self._tensors(point), tangent, strict=True)
            ]
            pairs = [forward_ad.unpack_dual(out) for out in self.outputs(duals)]
            tangents = [torch.zeros_like(y) if dy is None else dy for y, dy in pairs]
            return [_array(_finer(dy), "a tangent") for dy in tangents]

    def outputs(self, tensors: Sequence[Any]) -> list[Tensor]:
        """Return the outputs that depend on an input; if none says so, all that could."""
        with torch.enable_grad():
            outputs = [y for y in _listed(self.func(*tensors)) if isinstance(y, torch.Tensor)]
        return [y for y in outputs if y.requires_grad] or [y for y in outputs if _is_inexact(y)]

    def _tensors(self, point: Sequence[Array | None]) -> list[Any]:
        """Make new tensors, in the precision of the arrays, on the devices of the inputs."""
        return [
            value if x is None else torch.tensor(x, device=value.device, requires_grad=True)
            for x, value in zip(point, self.inputs, strict=True)
        ]


def _listed(values: Any) -> list[Any]:  # noqa: ANN401 - what func takes or returns
    return list(values) if isinstance(values, (tuple, list)) else [values]


def _moves(value: Any) -> bool:  # noqa: ANN401 - as above
    return isinstance(value, torch.Tensor) and value.requires_grad


def _is_inexact(tensor: Tensor) -> bool:
    return bool(tensor.is_floating_point() or tensor.is_complex())


def _finer(tensor: Tensor) -> Tensor:
    """Write bfloat16 as float32, of which it is a part."""
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor


def _like(tensor: Tensor, array: Array | None) -> Tensor:
    return torch.tensor(array, dtype=tensor.dtype, device=tensor.device)


def _array(tensor: Tensor, what: str) -> Array:
    """Return a copy as an array of the same dtype; NumPy has neither bfloat16 nor sparse arrays."""
    try:
        array: Array = np.array(tensor.numpy(force=True))
    except (TypeError, RuntimeError) as error:
        kind = f"{tensor.dtype}, {tensor.layout}"
        raise UsageError(f"{what} is a tensor of {kind}, which NumPy has not: {error}") from error
    return array


def _refuse(**asked: Any) -> None:  # noqa: ANN401 - whatever was given
    """Refuse what is not done rather than pass without having done it."""
    for name, value in asked.items():
        if value:
            raise UsageError(f"{name}={value!r} is not done here; ask torch.autograd.gradcheck.")
