"""Every operator of torch's own database that has a backward pass, at some of its samples.

`torch.testing._internal` is where torch tests its operators from; the check beside ours is the one
that is used there, the slow `torch.autograd.gradcheck`, with the questions that it asks by default.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

from gradcheck import Plan, Report
from gradcheck.adapters.torch import check_function

from .subject import Subject

LARGEST = 2000  # entries of inputs and outputs together: torch's slow check holds their product
PLAN = Plan.auto(seed=1)
FINER = {torch.float32: torch.float64, torch.complex64: torch.complex128}
FEW_DIGITS = "torch, float32"


def subjects(most: int) -> Iterator[Subject]:
    """Pose samples of each operator in float64, at most so many, spread over those of torch."""
    for case in _cases(torch.float64, most):
        yield Subject("torch", case.name, case.check, case.own)


def subjects_of_few_digits(most: int, passed: Collection[str]) -> Iterator[Subject]:
    """Pose the samples of the same places in float32, where those of float64 pass."""
    for case in _cases(torch.float32, most):
        if case.name in passed:
            yield Subject(FEW_DIGITS, case.name, case.check, settle=case.settle)


@dataclass(frozen=True, eq=False)
class Case:
    """One operator at one of its samples, which is flat: `moving` says which leaves move."""

    operator: Any
    sample: Any
    leaves: list[Any]
    spec: Any
    moving: list[int]
    name: str

    @classmethod
    def of(cls, operator: Any, sample: Any, name: str) -> Case:
        """Find the tensors that are differentiated."""
        leaves, spec = pytree.tree_flatten((sample.input, sample.args, sample.kwargs))
        moving = [k for k, leaf in enumerate(leaves) if _moves(leaf)]
        return cls(operator, sample, leaves, spec, moving, name)

    @property
    def inputs(self) -> list[Any]:
        """What is differentiated."""
        return [self.leaves[k] for k in self.moving]

    @property
    def is_usable(self) -> bool:
        """Whether it is dense, not empty, and small enough for torch's check."""
        inputs = self.inputs
        if not inputs or any(x.layout != torch.strided for x in inputs):
            return False
        try:
            outputs = self(*inputs)
        except Exception:
            return False
        entries = sum(x.numel() for x in inputs), sum(y.numel() for y in outputs)
        return min(entries) > 0 and sum(entries) <= LARGEST

    def __call__(self, *tensors: Any) -> tuple[Any, ...]:
        """Compute the outputs that depend on the tensors that move."""
        filled = list(self.leaves)
        for k, tensor in zip(self.moving, tensors, strict=True):
            filled[k] = tensor
        given, args, kwargs = pytree.tree_unflatten(filled, self.spec)
        out = self.operator.gradcheck_wrapper(self.operator.get_op(), given, *args, **kwargs)
        if self.sample.output_process_fn_grad:
            out = self.sample.output_process_fn_grad(out)
        return tuple(y for y in pytree.tree_leaves(out) if _moves(y))

    def check(self) -> Report:
        """Run ours."""
        return check_function(self, *self.inputs, plan=PLAN)

    def own(self) -> bool:
        """Run torch's."""
        tolerance = self.operator.gradcheck_nondet_tol
        return bool(torch.autograd.gradcheck(self, self.inputs, nondet_tol=tolerance))

    def settle(self) -> float:
        """Return how far the gradient is off that of float64 at the same point, of its norm."""
        torch.manual_seed(0)
        finer = Case(
            self.operator,
            self.sample,
            [_finer(leaf) for leaf in self.leaves],
            self.spec,
            self.moving,
            self.name,
        )
        outputs, there = self(*self.inputs), finer(*finer.inputs)
        upstream = [torch.randn_like(y) for y in outputs]
        short = torch.autograd.grad(outputs, self.inputs, upstream, materialize_grads=True)
        wide = [u.to(y.dtype) for u, y in zip(upstream, there, strict=True)]
        long = torch.autograd.grad(there, finer.inputs, wide, materialize_grads=True)
        off = torch.stack([(a - b).norm() for a, b in zip(short, long, strict=True)]).norm()
        return float(off / torch.stack([b.norm() for b in long]).norm())


def _cases(dtype: torch.dtype, most: int) -> Iterator[Case]:
    warnings.simplefilter("ignore")
    for operator in op_db:
        if not operator.supports_autograd or dtype not in operator.supported_dtypes("cpu"):
            continue
        torch.manual_seed(0)
        try:
            samples = list(operator.sample_inputs("cpu", dtype, requires_grad=True))
        except Exception:
            continue
        named = partial("{}, sample {}".format, operator.formatted_name)
        posed = (Case.of(operator, samples[k], named(k)) for k in _spread(len(samples), most))
        usable = (case for case in posed if case.is_usable)
        yield from (case for case, _ in zip(usable, range(most), strict=False))


def _spread(count: int, most: int) -> list[int]:
    """Order places so that the first ones are spread over all, the very first and last included."""
    first = dict.fromkeys(round(k * (count - 1) / max(most - 1, 1)) for k in range(most))
    return [*first, *(k for k in range(count) if k not in first)] if count else []


def _moves(leaf: object) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.requires_grad


def _finer(leaf: Any) -> Any:
    """Copy a tensor into float64."""
    if not isinstance(leaf, torch.Tensor) or leaf.dtype not in FINER:
        return leaf
    return leaf.detach().to(FINER[leaf.dtype]).requires_grad_(leaf.requires_grad)
