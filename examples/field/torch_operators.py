"""Every operator of torch's own database that has a backward pass, at one of its samples.

`torch.testing._internal` is where torch tests its operators from; the check beside ours is the one
that is used there, the slow `torch.autograd.gradcheck`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

from gradcheck import Plan
from gradcheck.adapters.torch import check_function

from .subject import Subject

LARGEST = 2000  # entries of inputs and outputs together: torch's slow check holds their product
PLAN = Plan.auto(seed=1)


def subjects() -> Iterator[Subject]:
    """Pose one sample of each operator."""
    warnings.simplefilter("ignore")
    for operator in op_db:
        if operator.supports_autograd and torch.float64 in operator.supported_dtypes("cpu"):
            torch.manual_seed(0)
            posed = next(_posed(operator), None)
            if posed is not None:
                yield posed


def _posed(operator: Any) -> Iterator[Subject]:
    try:
        samples = list(operator.sample_inputs("cpu", torch.float64, requires_grad=True))
    except Exception:
        return
    for sample in samples:
        leaves, spec = pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
        moving = [k for k, leaf in enumerate(leaves) if _moves(leaf)]
        inputs = [leaves[k] for k in moving]
        if not inputs or any(x.layout != torch.strided for x in inputs):
            continue
        f = _function(operator, sample, leaves, spec, moving)
        try:
            outputs = f(*inputs)
        except Exception:
            continue
        entries = sum(x.numel() for x in inputs), sum(y.numel() for y in outputs)
        if min(entries) > 0 and sum(entries) <= LARGEST:
            yield Subject(
                "torch",
                operator.formatted_name,
                lambda f=f, inputs=inputs: check_function(f, *inputs, plan=PLAN),
                lambda f=f, inputs=inputs: torch.autograd.gradcheck(
                    f, inputs, nondet_tol=operator.gradcheck_nondet_tol, check_undefined_grad=False
                ),
            )


def _moves(leaf: object) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.requires_grad


def _function(
    operator: Any, sample: Any, leaves: list[Any], spec: Any, moving: list[int]
) -> Callable[..., tuple[Any, ...]]:
    """Make a function of the tensors that move; it returns those that depend on them."""

    def f(*tensors: Any) -> tuple[Any, ...]:
        filled = list(leaves)
        for k, tensor in zip(moving, tensors, strict=True):
            filled[k] = tensor
        given, args, kwargs = pytree.tree_unflatten(filled, spec)
        out = operator.gradcheck_wrapper(operator.get_op(), given, *args, **kwargs)
        if sample.output_process_fn_grad:
            out = sample.output_process_fn_grad(out)
        return tuple(y for y in pytree.tree_leaves(out) if _moves(y))

    return f
