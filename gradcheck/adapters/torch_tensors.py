"""A function of tensors as the function of arrays that is checked: its point, itself, its modes.

Owns the translation of tensors into arrays and back, and holding torch's random numbers still.
Part of `adapters`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import optree

from ..randomness import Held
from ..records import PyTree, UsageError
from .torch_arrays import Array, as_array, as_point, as_tensor, like
from .torch_layout import laid_out_like

try:
    import torch
    from torch.autograd import forward_ad
except ModuleNotFoundError as error:
    message = "gradcheck's checks of torch need torch: pip install torch"
    raise ImportError(message) from error

Tensor = Any  # torch may not be installed where types are checked
Function = Callable[..., Any]
Call = Callable[[PyTree, Callable[[Any], Any]], Any]
NAMESPACE = "gradcheck"  # of optree, as in `space`
SEEDS = 2**63  # what torch's generators take
FINER = {
    "f": (torch.float16, torch.bfloat16, torch.float32),
    "c": (torch.complex64,),
}


@dataclass(frozen=True, eq=False)
class Still:
    """What is the same at every call, and put back after it.

    Attributes
    ----------
    seed : int
        Where torch's random numbers start at every call.
    held : Held
        Other random sources.
    around : callable
        Makes a context that puts back what else a call changes, such as attributes of a module.
    """

    seed: int
    held: Held = field(default_factory=lambda: Held(()))
    around: Callable[[], AbstractContextManager[Any]] = nullcontext

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Make one call with autograd switched on."""
        self.held.rewind()
        generators = _generators()
        found = [generator.get_state() for generator in generators]
        inferring = torch.is_inference_mode_enabled()
        try:
            # neither torch.manual_seed, which reaches devices whose state is not put back, nor
            # fork_rng, which takes as long as a small function
            for generator in generators:
                generator.manual_seed(self.seed % SEEDS)
            normal = torch.inference_mode(mode=False) if inferring else nullcontext()
            with normal, torch.enable_grad(), self.around():
                yield
        finally:
            for generator, state in zip(generators, found, strict=True):
                generator.set_state(state)
            self.held.rewind()


def _generators() -> list[Any]:
    """List torch's own, of the CPU and of every card."""
    if not torch.cuda.is_available():
        return [torch.default_generator]
    torch.cuda.init()  # no effect where it is; before, its generators are not there
    return [torch.default_generator, *torch.cuda.default_generators]


@dataclass(frozen=True, eq=False)
class Run:
    """One evaluation: the leaves that are differentiated, and the outputs that depend on them."""

    leaves: list[Tensor]
    handed: list[Handed]
    outputs: dict[str, Tensor]
    detached: tuple[str, ...]

    def gradients(self, dout: Sequence[Tensor | None], *, keep_graph: bool = False) -> list[Tensor]:
        """Go backward from upstream gradients, one for each output; None: not part of a loss."""
        # an output that is not part of the graph has a zero claim
        live = [(y, u) for y, u in zip(self.outputs.values(), dout, strict=True) if u is not None]
        live = [(y, u) for y, u in live if y.requires_grad]
        if not live:
            return [torch.zeros_like(x) for x in self.leaves]
        found = torch.autograd.grad(
            [y for y, _ in live],
            self.leaves,
            [u for _, u in live],
            allow_unused=True,
            materialize_grads=True,
            retain_graph=keep_graph,
        )
        return list(found)


@dataclass(frozen=True, eq=False)
class Handed:
    """A tensor that a call is handed, with the array that it stands for."""

    tensor: Tensor
    array: Array
    version: int
    origin: Any

    @classmethod
    def of(cls, tensor: Tensor, array: Array) -> Handed:
        """Note what autograd knows of it before the call."""
        return cls(tensor, array, tensor._version, tensor.grad_fn)

    def write_back(self) -> None:
        """Let the array show what was changed in place and autograd was not told.

        What was changed with its knowledge, as by `ctx.mark_dirty`, is a step of the function.
        """
        now = self.tensor
        if now._version == self.version or now.grad_fn is not self.origin:
            return
        if now.shape == self.array.shape and self.array.flags.writeable:
            np.copyto(self.array, as_array(now, "an input"), casting="same_kind")


@dataclass(frozen=True, eq=False)
class Translated:
    """A function of a tree of tensors as a function of the arrays in it.

    Attributes
    ----------
    call : callable
        `call(tree, then)` returns `then(output)`; the output holds tensors, in a structure of any
        kind, and `then` goes backward from them while all is as the call needs it.
    given : tuple
        The leaves of the tree. Tensors that require a gradient are differentiated; of others, a
        copy is handed on; all else is handed on as it is.
    point : pytree
        The tree with arrays in the place of what is differentiated, and None for the others.
    paths : tuple of str
        Of the leaves, such as `[0]`.
    still : Still
        What is the same at every call, and put back after it.
    """

    call: Call
    given: tuple[Any, ...]
    spec: optree.PyTreeSpec
    point: PyTree
    paths: tuple[str, ...]
    still: Still

    @classmethod
    def of(cls, call: Call, tree: PyTree, still: Still, what: str) -> Translated:
        """Read the tree; `what` names it in messages.

        Raises
        ------
        UsageError
            If nothing requires a gradient, or what does is out of reach or of a kind NumPy has not.
        """
        accessors, given, spec = optree.tree_flatten_with_accessor(
            tree, none_is_leaf=True, namespace=NAMESPACE
        )
        paths = tuple(accessor.codify("") for accessor in accessors)
        arrays = [
            as_point(value, f"{what}{path}") if moves(value) else None
            for path, value in zip(paths, given, strict=True)
        ]
        for path, value in zip(paths, given, strict=True):
            if not moves(value) and any(moves(part) for _, part in tensors_in(value)):
                raise UsageError(
                    f"{what}{path} is of type {type(value).__name__} and holds tensors that "
                    f"require a gradient, which could not be differentiated there; give them by "
                    f"themselves, or in a tuple, list or dict."
                )
        if all(array is None for array in arrays):
            raise UsageError("no input requires a gradient: call x.requires_grad_() on one.")
        point = optree.tree_unflatten(spec, arrays)
        return cls(call, tuple(given), spec, point, paths, still)

    @property
    def moving(self) -> tuple[str, ...]:
        """The paths of what is differentiated."""
        pairs = zip(self.paths, self.given, strict=True)
        return tuple(path for path, value in pairs if moves(value))

    def f(self, point: PyTree) -> list[Array]:
        """Compute the outputs."""

        def read(run: Run) -> list[Array]:
            for handed in run.handed:
                handed.write_back()
            return [as_array(y, "an output") for y in run.outputs.values()]

        outputs: list[Array] = self.run(point, read)
        return outputs

    def vjp(self, point: PyTree, cotangent: Sequence[Array]) -> PyTree:
        """Go backward."""

        def upstream(outputs: list[Tensor]) -> list[Tensor]:
            return [like(y, c) for y, c in zip(outputs, cotangent, strict=True)]

        return self.pull(point, upstream, cotangent)

    def pull(
        self,
        point: PyTree,
        upstream: Callable[[list[Tensor]], Sequence[Tensor | None]],
        cotangent: Sequence[Array] = (),
    ) -> PyTree:
        """Go backward from the tensors that `upstream(outputs)` returns; None: not part of a loss.

        What the backward pass changes in place is written into `point` and `cotangent`.
        """

        def back(run: Run) -> PyTree:
            dout = list(upstream(list(run.outputs.values())))
            handed = [Handed.of(c, array) for c, array in zip(dout, cotangent, strict=False)]
            gradients = run.gradients(dout)
            for each in (*run.handed, *handed):
                each.write_back()
            return self.tree(as_array(gradient, "a gradient") for gradient in gradients)

        return self.run(point, back)

    def jvp(self, point: PyTree, tangent: PyTree) -> list[Array]:
        """Go forward with dual numbers."""

        def read(run: Run) -> list[Array]:
            pairs = [forward_ad.unpack_dual(out) for out in run.outputs.values()]
            tangents = [torch.zeros_like(y) if dy is None else dy for y, dy in pairs]
            return [as_array(dy, "a tangent") for dy in tangents]

        with warnings.catch_warnings(), forward_ad.dual_level():
            # torch's own: the first dual number of a program loads what it has deprecated
            warnings.simplefilter("ignore", DeprecationWarning)
            pushed: list[Array] = self.run(point, read, tangent)
            return pushed

    def run(self, point: PyTree, then: Callable[[Run], Any], tangent: PyTree = None) -> Any:  # noqa: ANN401
        """Call the function with new tensors, in the precision of the arrays; return `then(run)`.

        With a tangent, the tensors are dual numbers.
        """
        arrays = self.flat(point)
        pushed = [None] * len(arrays) if tangent is None else self.flat(tangent)
        finer = any(
            array is not None and array.dtype.itemsize > value.dtype.itemsize
            for array, value in zip(arrays, self.given, strict=True)
        )
        leaves, handed, values = [], [], []
        with self.still.kept():
            for array, v, value in zip(arrays, pushed, self.given, strict=True):
                if array is None:
                    values.append(carried(value, finer=finer))
                    continue
                leaf = as_tensor(array, device=value.device).requires_grad_()
                source = leaf if v is None else forward_ad.make_dual(leaf, like(leaf, v))
                values.append(laid_out_like(value, source))
                leaves.append(leaf)
                handed.append(Handed.of(values[-1], array))
            return self.call(
                self.unflatten(values), lambda output: then(_read(output, leaves, handed))
            )

    def arrays(self, tree: PyTree) -> list[Array]:
        """List the arrays of a tree, such as gradients, in the order of `moving`."""
        return [array for array in self.flat(tree) if array is not None]

    def flat(self, tree: PyTree) -> list[Any]:
        """List the leaves of a tree, None among them."""
        return optree.tree_leaves(tree, none_is_leaf=True, namespace=NAMESPACE)

    def tree(self, arrays: Iterator[Array]) -> PyTree:
        """Put arrays in the place of what is differentiated, None in that of all else."""
        return self.unflatten([next(arrays) if moves(value) else None for value in self.given])

    def unflatten(self, values: Sequence[Any]) -> PyTree:
        """Put leaves into the tree."""
        return optree.tree_unflatten(self.spec, values)


def _read(output: Any, leaves: list[Tensor], handed: list[Handed]) -> Run:  # noqa: ANN401
    """Tell the outputs that depend on an input; if none says so, all that could are meant."""
    found = dict(tensors_in(output))
    inexact = {path: y for path, y in found.items() if y.is_floating_point() or y.is_complex()}
    live = {path: y for path, y in inexact.items() if y.requires_grad}
    detached = tuple(path for path in inexact if live and path not in live)
    return Run(leaves, handed, live or inexact, detached)


def backward_of(func: Function, count: int) -> Callable[..., tuple[Tensor, ...]]:
    """Make the function of `count` inputs and the upstream gradients that returns gradients."""

    def backward(*given: Any) -> tuple[Tensor, ...]:  # noqa: ANN401 - what func takes
        point: PyTree = given[:count]
        leaves, spec = optree.tree_flatten(point, none_is_leaf=True, namespace=NAMESPACE)
        moving = [x for x in leaves if moves(x)]
        # a copy for func, which may change it: what is differentiated stays as it was
        copied = optree.tree_unflatten(
            spec, [laid_out_like(x, x) if moves(x) else x for x in leaves]
        )
        out = [y for _, y in tensors_in(func(*copied)) if y.requires_grad]
        gradients = torch.autograd.grad(
            out, moving, given[count:], create_graph=True, allow_unused=True
        )
        return tuple(gradient for gradient in gradients if gradient is not None)

    return backward


def tensors_in(value: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:  # noqa: ANN401
    """List the tensors of a tuple, dict or dataclass, with paths such as `[0]` or `['logits']`."""
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from tensors_in(part, f"{path}[{key!r}]")
    elif isinstance(value, (tuple, list)):
        for k, part in enumerate(value):
            yield from tensors_in(part, f"{path}[{k}]")
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from tensors_in(getattr(value, part.name), f"{path}.{part.name}")


def moves(value: object) -> bool:
    """Whether it is a tensor that requires a gradient."""
    return isinstance(value, torch.Tensor) and bool(value.requires_grad)


def carried(value: Any, *, finer: bool) -> Any:  # noqa: ANN401 - whatever the function takes
    """Copy a tensor that is not differentiated, in more digits where the others have them."""
    if not isinstance(value, torch.Tensor):
        return value
    copied = value.detach().clone()
    if finer and value.dtype in FINER["f"]:
        return copied.double()
    return copied.to(torch.complex128) if finer and value.dtype in FINER["c"] else copied
