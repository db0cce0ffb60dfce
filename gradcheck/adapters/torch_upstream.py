"""What a backward pass makes of the upstream gradients that torch hands out.

Differences draw dense and contiguous ones. `out.sum().backward()` hands out one number, expanded; a
transpose hands out strides; and where a loss uses some of the outputs, the others have none.
Owns these questions, which need no differences. Part of `adapters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..records import Cause, Finding, shown_error
from ..space import inner, norm, same_bits, size_of, unit_roundoff
from .torch_arrays import Array, as_array
from .torch_tensors import Run, Tensor, Translated

NUDGED = 1  # of the seed: the stream of the signs
NUDGE = 4.0  # unit roundoffs by which upstream gradients are moved to see what rounding does
NOISE = 2.0**10  # times what such a nudge does: a layout may sum in another order
CANCELLED = 2.0**12  # unit roundoffs of the largest gradient, for one that is zero but for rounding
SHARE, SHARE_OF_FEW_DIGITS = 1e-6, 1e-2  # of a gradient; float32 may be computed in TF32
FILLING = 7.0  # stands between the numbers of a strided tensor: a kernel that reads on sees it
CONSTANT = 0.75  # what an expanded one holds
DOUBLE_EPS = 2 * unit_roundoff(np.dtype(np.float64))
Upstream = Callable[[list[Tensor]], list[Tensor | None]]
Gradients = dict[str, Array]


def upstream_faults(translated: Translated) -> Iterator[Finding]:
    """Ask for gradients from the same upstream gradients in other layouts, and from some alone.

    Costs one forward pass, and a backward pass for each layout and each output, where all answers
    agree; else two more passes for each, of its own. Where the backward pass raises as it is,
    nothing is asked: the check says so.
    """
    if _agree_on_one_graph(translated):
        return
    asked = _Asked(translated)
    try:
        drawn = asked.gradients(asked.draw)
        nudged = asked.gradients(lambda outputs: asked.draw(outputs, NUDGE))
    except Exception:  # the caller's code, which the check has called and reported
        return
    noise = {path: norm(nudged[path] - drawn[path]) for path in drawn}
    yield from _of_layouts(asked, drawn, noise)
    yield from _of_some(asked, drawn, noise)


# --- all questions to one graph -----------------------------------------------------------------


def _agree_on_one_graph(translated: Translated) -> bool:
    """Ask everything of the graph of one forward pass; returns whether all answers agree.

    Where they do not, that says nothing yet: a backward pass may use up what the forward pass kept,
    or draw random numbers.
    """
    seed = translated.still.seed
    try:
        return bool(translated.run(translated.point, lambda run: _OneGraph(run, seed).agrees()))
    except Exception:  # the caller's code, which need not go backward twice
        return False


@dataclass(frozen=True, eq=False)
class _OneGraph:
    """Gradients for upstream gradients of our choice, all from one forward pass."""

    run: Run
    seed: int

    def agrees(self) -> bool:
        """Whether layouts change nothing, and outputs alone add up to all of them."""
        outputs = list(self.run.outputs.values())
        upstream = draw(outputs, self.seed)
        drawn = self.gradients(upstream)
        return self._layouts_agree(upstream, drawn) and self._outputs_add_up(upstream, drawn)

    def gradients(self, upstream: Sequence[Tensor | None]) -> Gradients:
        """Go backward once, and keep the graph."""
        gradients = self.run.gradients(upstream, keep_graph=True)
        return {str(k): as_array(du, "a gradient") for k, du in enumerate(gradients)}

    def _layouts_agree(self, upstream: list[Tensor], drawn: Gradients) -> bool:
        known: dict[Layout, tuple[list[Tensor], Gradients]] = {_as_it_is: (upstream, drawn)}
        for laid_out, plain in LAYOUTS.values():
            given = [laid_out(u) for u in upstream]
            if all(a.stride() == u.stride() for a, u in zip(given, upstream, strict=True)):
                continue  # as of one number: there is no other layout
            if plain not in known:
                others = [plain(u) for u in upstream]
                known[plain] = others, self.gradients(others)
                if _are_one_answer(known[plain][1], drawn):
                    return False
            if not _are_alike(self.gradients(given), known[plain][1], drawn):
                return False
        return True

    def _outputs_add_up(self, upstream: list[Tensor], drawn: Gradients) -> bool:
        """Whether the gradients of each output alone, the others undefined, have the right sum.

        What each is off by depends on its own random upstream gradient: that cannot cancel.
        """
        if len(upstream) < 2:
            return True
        added = {path: np.zeros_like(du) for path, du in drawn.items()}
        for k in range(len(upstream)):
            alone = self.gradients([u if j == k else None for j, u in enumerate(upstream)])
            added = {path: du + alone[path] for path, du in added.items()}
        return _are_alike(added, drawn, drawn)


def _are_alike(got: Gradients, expected: Gradients, drawn: Gradients) -> bool:
    allowed = _allowed(expected, drawn)
    return all(norm(got[path] - right) <= allowed[path] for path, right in expected.items())


def _are_one_answer(first: Gradients, second: Gradients) -> bool:
    """Whether two upstream gradients have one answer, as of a backward pass that keeps it."""
    return any(same_bits(du, second[path]) and np.any(du != 0) for path, du in first.items())


# --- each question by itself --------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Asked:
    """Gradients for upstream gradients of our choice."""

    translated: Translated

    def gradients(self, upstream: Upstream) -> Gradients:
        """Go backward once, in the precision of the inputs."""
        translated = self.translated
        tree = translated.pull(translated.point, upstream)
        arrays = translated.arrays(tree)
        return dict(zip(translated.moving, arrays, strict=True))

    def draw(self, outputs: list[Tensor], nudge: float = 0.0) -> list[Tensor | None]:
        """Draw dense upstream gradients, the same at every call but for the nudge."""
        return [*draw(outputs, self.translated.still.seed, nudge)]

    def outputs(self) -> dict[str, Tensor]:
        """List the outputs that a loss can use."""
        outputs: dict[str, Tensor] = self.translated.run(
            self.translated.point, lambda run: run.outputs
        )
        return outputs


def _of_layouts(asked: _Asked, drawn: Gradients, noise: dict[str, float]) -> Iterator[Finding]:
    """Hand out the same numbers in other strides."""
    differing: dict[str, str] = {}
    for name, (laid_out, plain) in LAYOUTS.items():

        def upstream(outputs: list[Tensor], laid_out: Layout = laid_out) -> list[Tensor | None]:
            return [laid_out(u) for u in asked.draw(outputs)]

        def reference(outputs: list[Tensor], plain: Layout = plain) -> list[Tensor | None]:
            return [plain(u) for u in asked.draw(outputs)]

        try:
            expected = asked.gradients(reference)
        except Exception:  # contiguous and raises: no fault of a layout
            continue
        what = _answer(asked, upstream, expected, drawn, noise)
        if what:
            differing[name] = what
    if differing:
        name, what = next(iter(differing.items()))
        yield Finding(
            Cause.UPSTREAM,
            f"the backward pass depends on how its upstream gradient lies in memory: for one that "
            f"is {name}, {what}. A transpose or a sum after this hands out such; read it by its "
            f"strides, or call .contiguous() on it first.",
            evidence={"layouts": sorted(differing)},
        )


def _of_some(asked: _Asked, drawn: Gradients, noise: dict[str, float]) -> Iterator[Finding]:
    """Use one output of several, and compare with zeros for the others."""
    paths = list(asked.outputs())
    if len(paths) < 2:
        return
    for k, path in enumerate(paths):

        def zeros(outputs: list[Tensor], k: int = k) -> list[Tensor | None]:
            pairs = enumerate(asked.draw(outputs))
            return [u if j == k else torch.zeros_like(outputs[j]) for j, u in pairs]

        def alone(outputs: list[Tensor], k: int = k) -> list[Tensor | None]:
            return [u if j == k else None for j, u in enumerate(asked.draw(outputs))]

        try:
            expected = asked.gradients(zeros)
        except Exception:  # defined and raises: no fault of what is missing
            continue
        what = _answer(asked, alone, expected, drawn, noise)
        if what:
            yield Finding(
                Cause.UPSTREAM,
                f"where output {path} alone is used in a loss, the upstream gradients of the "
                f"others are None, and {what}: None stands for zeros.",
                evidence={"output": path},
            )
            return


def _answer(
    asked: _Asked,
    upstream: Upstream,
    expected: Gradients,
    drawn: Gradients,
    noise: dict[str, float],
) -> str:
    """Say how the gradients differ from those expected; empty if they do not."""
    try:
        got = asked.gradients(upstream)
    except Exception as error:
        return f"it raises {shown_error(error)}"
    allowed = _allowed(expected, drawn)
    for path, right in expected.items():
        most = allowed[path] + NOISE * noise[path]
        if np.isfinite(right).all() and not norm(got[path] - right) <= most:
            at = np.unravel_index(int(np.argmax(_off(got[path], right))), right.shape)
            where = f" at {[int(i) for i in at]}" if at else ""
            return (
                f"the gradient of {path}{where} is {got[path][at]:.6g} in the place of "
                f"{right[at]:.6g}"
            )
    return ""


def _allowed(expected: Gradients, drawn: Gradients) -> dict[str, float]:
    """Return by how much gradients may differ from those expected, in a sum of another order."""
    sizes = {path: max(norm(expected[path]), norm(drawn[path])) for path in expected}
    largest = max(sizes.values())
    allowed = {}
    for path, right in expected.items():
        roundoff = 2 * unit_roundoff(right.dtype) if right.size else 0.0
        share = SHARE_OF_FEW_DIGITS if roundoff > DOUBLE_EPS else SHARE
        allowed[path] = share * sizes[path] + min(CANCELLED * roundoff, share) * largest
    return allowed


def _off(got: Array, right: Array) -> Array:
    """Return how far entries are off; what is no number is farthest."""
    off = np.abs(got - right)
    return np.where(np.isnan(off), np.inf, off)


def draw(outputs: list[Tensor], seed: int, nudge: float = 0.0) -> list[Tensor]:
    """Draw tensors like the outputs from a seed; nudged, they differ in their last digits."""
    rng = np.random.default_rng(seed)
    signs = np.random.default_rng((seed, NUDGED)) if nudge else None
    return [_drawn(y, rng, signs, nudge) for y in outputs]


def _drawn(
    y: Tensor, rng: np.random.Generator, signs: np.random.Generator | None, nudge: float
) -> Tensor:
    """Draw normal numbers like an output, each of them nudged by some units in its last place."""
    shape = tuple(y.shape)
    values = rng.standard_normal(shape)
    if y.is_complex():
        values = values + 1j * rng.standard_normal(shape)
    if signs is not None:
        values = values * (1 + nudge * torch.finfo(y.dtype).eps * signs.choice([-1.0, 1.0], shape))
    return torch.tensor(values, dtype=y.dtype, device=y.device)


# --- layouts ------------------------------------------------------------------------------------

Layout = Callable[[Tensor], Tensor]


def _as_it_is(u: Tensor) -> Tensor:
    return u


def _strided(u: Tensor) -> Tensor:
    """Put something else between the numbers."""
    wide = torch.full((*u.shape, 2), FILLING, dtype=u.dtype, device=u.device)
    wide[..., 0] = u
    return wide[..., 0]


def _transposed(u: Tensor) -> Tensor:
    """Store the last axis first."""
    order = tuple(reversed(range(u.ndim)))
    return u.permute(order).contiguous().permute(order)


def _constant(u: Tensor) -> Tensor:
    return torch.full_like(u, CONSTANT)


def _expanded(u: Tensor) -> Tensor:
    """Store one number, as the gradient of a sum does."""
    return torch.full((), CONSTANT, dtype=u.dtype, device=u.device).expand(u.shape)


LAYOUTS: dict[str, tuple[Layout, Layout]] = {
    "transposed": (_transposed, _as_it_is),
    "strided, with other numbers between its own,": (_strided, _as_it_is),
    "one number expanded": (_expanded, _constant),
}


# --- modes --------------------------------------------------------------------------------------


def modes_disagree(translated: Translated, rtol: float) -> Iterator[Finding]:
    """Ask of every leaf whether <u, J v> = <J' u, v>, for which no differences are needed.

    Where either mode raises, nothing is asked: the check says so.
    """
    asked = _Asked(translated)
    try:
        backward = asked.gradients(asked.draw), asked.gradients(lambda y: asked.draw(y, NUDGE))
        dout = [as_array(u, "a cotangent") for u in asked.draw(list(asked.outputs().values()))]
        pushed = {path: _pushed(translated, backward[0], path) for path in translated.moving}
    except Exception:  # the caller's code, which the check has called and reported
        return
    for path, (v, forward) in pushed.items():
        du, nudged = (gradients[path] for gradients in backward)
        dy, nudged_dy = forward
        by_dual = sum(inner(u, each) for u, each in zip(dout, dy, strict=True))
        by_pull = inner(du, v)
        long = size_of(dout)
        size = norm(du) * norm(v) + long * size_of(dy)
        noise = norm(nudged - du) * norm(v)
        noise += long * size_of(a - b for a, b in zip(nudged_dy, dy, strict=True))
        half_of_the_digits = (2 * unit_roundoff(du.dtype)) ** 0.5
        if abs(by_dual - by_pull) > max(rtol, half_of_the_digits) * size + NOISE * noise:
            yield Finding(
                Cause.MODES_DISAGREE,
                f"forward and backward mode disagree about {path}: <u, J v> is {by_dual:.6g} by "
                f"dual numbers, <J' u, v> {by_pull:.6g} by the backward pass, and they are one "
                f"number.",
                path,
                {"forward": by_dual, "backward": by_pull},
            )


def _pushed(
    translated: Translated, gradients: Gradients, path: str
) -> tuple[Array, tuple[list[Array], list[Array]]]:
    """Draw a tangent of one leaf, and push it and its nudged copy through."""
    rng = np.random.default_rng(translated.still.seed)
    shape, dtype = gradients[path].shape, gradients[path].dtype
    v = rng.standard_normal(shape).astype(dtype)
    signs = NUDGE * 2 * unit_roundoff(dtype) * rng.choice([-1.0, 1.0], shape)

    def push(v: Array) -> list[Array]:
        tangents = [v if name == path else np.zeros_like(g) for name, g in gradients.items()]
        return translated.jvp(translated.point, translated.tree(iter(tangents)))

    return v, (push(v), push((v * (1 + signs)).astype(dtype)))
