"""A Hessian without a gradient: H v is the gradient of the slope of f along v, which is measured.

Owns the refusal where that slope has too few digits to be differentiated once more.
Part of `second_order`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optree

from ..check import Options, check_grad
from ..numeric import derivative
from ..records import Cause, Finding, LeafReport, PyTree, Report, UsageError, Verdict
from ..space import Space, draw_weights, leaves_by_path, rms, unit_roundoff

EVALUATIONS_OF_SLOPE = 10  # of f, where it is smooth
# Roughness of f is larger in its slopes, and does not look like rounding there; where it leaves
# them fewer digits than this, differences of them are not trusted. One slope may look sharp.
SHARP, SLOPES = 1e-8, 3
FINE = np.finfo(np.float64).eps


def along_slope(
    f: Callable[[PyTree], Any],
    product: Callable[[PyTree, PyTree], PyTree],
    x: PyTree,
    options: Options,
) -> Report:
    """Check H v as the gradient of the slope of f along a random v."""
    space, random = Space.of(x), options.get("random", ())
    rng = np.random.default_rng([options["plan"].seed or 0, 2])
    v, *others = (_drawn(space, rng) for _ in range(SLOPES))

    def claim(point: PyTree) -> PyTree:
        return product(point, optree.tree_map(np.copy, v))

    slopes = _Slopes(f, v, random)
    blurred = slopes.blurred(space, claim, [v, *others])
    if blurred is not None:
        return _not_tested(space, blurred, options)
    report = check_grad(slopes, claim, x, **_in_slopes(options))
    return replace(report, evaluations=slopes.called, plan=options["plan"])


def _drawn(space: Space, rng: np.random.Generator) -> PyTree:
    """Draw a direction, of each leaf in its own size."""
    drawn = {}
    for i in space.moving:
        leaf = space.leaves[i].array
        if 2 * unit_roundoff(leaf.dtype) > FINE:
            raise UsageError(
                f"leaf {space.leaves[i].path} is {leaf.dtype}, in which f has too few digits to be "
                f"differentiated twice; give grad, or a float64 point."
            )
        weights = draw_weights(rng, leaf.shape, leaf.dtype) * (rms(leaf) or 1.0)
        drawn[i] = weights.astype(leaf.dtype)
    values = [drawn.get(i) for i in range(len(space.leaves))]
    return optree.tree_unflatten(space.treespec, values)


@dataclass(eq=False)
class _Slopes:
    """The slope of f along v, as a function of the point."""

    f: Callable[[PyTree], Any]
    v: PyTree
    random: Any
    called: int = 0

    def __call__(self, point: PyTree) -> float:
        try:
            return derivative(self._counted, point, self.v, random=self.random).value
        except UsageError:  # f has no value there, as outside of its domain
            return math.nan

    def _counted(self, point: PyTree) -> Any:  # noqa: ANN401 - whatever f returns
        self.called += 1
        return self.f(point)

    def blurred(
        self, space: Space, claim: Callable[[PyTree], PyTree], others: list[PyTree]
    ) -> Finding | None:
        """Say so where the slope at x has too few digits to be differentiated once more."""
        try:
            at_x = max(
                (derivative(self._counted, space.point(), w, random=self.random) for w in others),
                key=lambda measured: measured.error_bar,
            )
            by_path, along = leaves_by_path(claim(space.point())), leaves_by_path(self.v)
            paths = (space.leaves[i].path for i in space.moving)
            rise = abs(sum(float(np.sum(by_path[path] * along[path])) for path in paths))
        except Exception:  # foreign code; the check itself says what is wrong with it
            return None
        finally:
            space.restore_handed()
            space.restore_given()
        size = np.nanmax([abs(at_x.value), rise])
        if at_x.error_bar <= SHARP * size:
            return None
        return Finding(
            Cause.PRECISION,
            f"the slope of f is {at_x.value:.6g} ± {at_x.error_bar:.0e} along a random direction, "
            f"which is too coarse to be differentiated once more; give grad, and the Hessian is "
            f"compared with differences of that.",
        )


def _not_tested(space: Space, finding: Finding, options: Options) -> Report:
    """Report that no honest answer is possible."""
    unsure = Verdict.INCONCLUSIVE
    moving = (space.leaves[i] for i in space.moving)
    leaves = {
        leaf.path: LeafReport(
            leaf.path,
            leaf.array.shape,
            str(leaf.array.dtype),
            unsure,
            finding.cause,
            "not tested",
        )
        for leaf in moving
    }
    name, plan = options.get("name", ""), options["plan"]
    return Report(name, unsure, leaves, (finding,), 0, 0.0, plan)


def _in_slopes(options: Options) -> Options:
    """Count the budget in slopes, each of which costs several evaluations of f."""
    limits = options["plan"].limits
    if limits.evaluations is None:
        return options
    fewer = replace(limits, evaluations=max(1, limits.evaluations // EVALUATIONS_OF_SLOPE))
    return {**options, "plan": replace(options["plan"], budget=fewer)}
