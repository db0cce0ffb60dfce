"""The objective of `scipy.optimize.minimize`, checked as it is given to that: fun, jac, x0, bounds.

Owns the reading of SciPy's arguments and the bounds, outside of which nothing is called. SciPy
itself is not needed.
Part of `adapters`; the judgement is that of `check`, of the Hessian that of `second_order`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Unpack

import numpy as np
import numpy.typing as npt

from ..check import Options, check_grad, check_vjp
from ..records import Cause, Finding, Plan, Report, UsageError, Verdict
from ..second_order import after, hessian_against, merged, product_against, seeded
from ..space import draw_weights
from .answers import with_remarks

Vector = npt.NDArray[Any]
# entries of x that are looked at one by one where bounds are near; of more, as many drawn. Those of
# a Hessian are looked at in every entry of jac.
MOST_ENTRIES, MOST_OF_HESSIAN = 500, 20
NEAR = 1.0  # of the size of x: as far as a line may look, so that a bound beyond is never met


class OutOfBounds(ValueError):
    """A derivative was asked for at a point that is outside of the bounds."""


def check_objective(
    fun: Callable[..., Any],
    jac: Callable[..., Any] | Literal[True],
    x0: npt.ArrayLike,
    args: Any = (),  # noqa: ANN401 - a tuple, or one argument, as in SciPy
    bounds: Any = None,  # noqa: ANN401 - pairs, or an object with lb and ub
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    **options: Unpack[Options],
) -> Report:
    """Check the derivatives of an objective of `scipy.optimize.minimize`; its arguments as there.

    Parameters
    ----------
    fun : callable
        `fun(x, *args)` returns a number; with `jac=True`, `(number, gradient)`.
    jac : callable or True
        `jac(x, *args)` returns the gradient, shaped like x.
    x0 : array_like
        The point, of one dimension.
    args : tuple, optional
        Handed on to all functions.
    bounds : sequence of (low, high) or object with lb and ub, optional
        As for `minimize`, None and infinities for none. Nothing is called outside of them: at a
        bound, and near one, derivatives are those from inside.
    hess : callable, optional
        `hess(x, *args)` returns the Hessian, dense or sparse.
    hessp : callable, optional
        `hessp(x, p, *args)` returns the Hessian times p.
    **options : Options
        As in `check_grad`. By default each entry of x is looked at by itself where a bound is near,
        up to 500 of them, as a line in a random direction leaves a corner on both sides.

    Returns
    -------
    Report
        Of the leaves `jac` and, where they were given, `hess` and `hessp`. These are compared with
        differences of jac, and therefore looked at only where that passes.

    Raises
    ------
    UsageError
        If x0 is outside of the bounds, these do not fit, or there is nothing written by hand.

    Examples
    --------
    >>> import numpy as np
    >>> def fun(x, scale):
    ...     return scale * np.sum(x * np.log(x))
    >>> def jac(x, scale):
    ...     return scale * (np.log(x) + 1)
    >>> check_objective(fun, jac, [1.0, 2.0], args=(3.0,), bounds=[(1, None), (0, 2)]).verdict
    <Verdict.PASS: 'pass'>
    """
    _require_written(fun, jac, hess, hessp)
    problem = _Objective(fun, jac, _read_args(args), *_read_point(x0, bounds))
    slopes = check_grad(
        problem.f, problem.gradient, problem.x, **seeded(problem.planned(options, MOST_ENTRIES))
    )
    if problem.mistakes:
        raise UsageError(problem.mistakes[0])
    if np.any(problem.fixed):
        slopes = with_remarks(slopes, [_of_fixed(problem.fixed)])
    if not slopes.ok:
        return _without(slopes, hess, hessp)
    rest = after(seeded({**problem.planned(options, MOST_OF_HESSIAN)}), slopes)
    rest["plan"] = replace(rest["plan"], seed=slopes.plan.seed)
    rest.pop("reference", None)  # one of fun: there is none of jac
    parts = {"jac": slopes}
    if hess is not None:
        parts["hess"] = problem.check_hess(hess, rest)
    if hessp is not None:
        parts["hessp"] = problem.check_hessp(hessp, rest)
    return merged(parts)


def _without(slopes: Report, hess: Any, hessp: Any) -> Report:  # noqa: ANN401 - callables or None
    """Say that what stands on jac was not looked at, because jac is not right."""
    report = merged({"jac": slopes})
    skipped = [name for name, given in (("hess", hess), ("hessp", hessp)) if given is not None]
    if not skipped:
        return report
    how = "is wrong" if slopes.verdict is Verdict.FAIL else "could not be certified"
    message = (
        f"{' and '.join(skipped)} not looked at: what they claim is compared with differences of "
        f"jac, and that {how}; mend jac first."
    )
    return replace(report, findings=(*report.findings, Finding(Cause.UPSTREAM, message)))


def _of_fixed(fixed: npt.NDArray[np.bool_]) -> Finding:
    indices = [int(k) for k in np.flatnonzero(fixed)]
    message = f"x is fixed by its bounds at {indices}: there it was held, and nothing was checked."
    return Finding(Cause.DOMAIN, message, "x", {"fixed": indices})


@dataclass(frozen=True, eq=False)
class _Objective:
    """The functions within the bounds, of x alone."""

    fun: Callable[..., Any]
    jac: Any
    args: tuple[Any, ...]
    x: Vector
    low: Vector
    high: Vector
    mistakes: list[str] = field(default_factory=list)  # of the call, seen while it is checked

    @property
    def fixed(self) -> npt.NDArray[np.bool_]:
        """Which entries have no room at all, and are therefore held, as SciPy does."""
        return np.asarray(self.low == self.high)

    @property
    def checked(self) -> Callable[..., Report]:
        """How a vector-Jacobian product is checked: near a bound along a single combination.

        `check_vjp` looks at single outputs along random directions, which leave a corner.
        """
        return _checked_inside if self.is_near_a_bound else check_vjp

    def held(self, x: Vector) -> Vector:
        """Return a point with the entries that are fixed put back."""
        return np.where(self.fixed, self.x, x)

    def free(self, gradient: Any) -> Any:  # noqa: ANN401 - as the caller returns it
        """Claim nothing of entries that are fixed: as a function of the others it is 0 there."""
        if not np.any(self.fixed) or np.shape(gradient) != self.x.shape:
            return gradient
        return np.where(self.fixed, 0, gradient)

    def holds(self, x: Vector) -> bool:
        """Whether a point is within the bounds."""
        return bool(np.all(x >= self.low) and np.all(x <= self.high))

    @property
    def is_near_a_bound(self) -> bool:
        """Whether a line through x may meet a bound."""
        size = float(np.sqrt(np.mean(np.square(self.x, dtype=float)))) if self.x.size else 0.0
        room = np.minimum(self.x - self.low, self.high - self.x)[~self.fixed]
        return bool(np.any(room <= NEAR * (size or 1.0)))

    def f(self, x: Vector) -> Any:  # noqa: ANN401 - a number of any kind
        """Return the value; NaN outside of the bounds, which is the edge of a domain."""
        x = self.held(x)
        if not self.holds(x):
            return np.nan
        return self._pair(x)[0] if self.jac is True else self.fun(x, *self.args)

    def gradient(self, x: Vector) -> Any:  # noqa: ANN401 - as the caller returns it
        """Return the claim; nothing is claimed outside of the bounds."""
        x = self._inside(x)
        return self.free(self._pair(x)[1] if self.jac is True else self.jac(x, *self.args))

    def differenced(self, x: Vector) -> Any:  # noqa: ANN401 - likewise
        """Return the gradient as a function to differentiate; NaN outside of the bounds."""
        return self.gradient(x) if self.holds(self.held(x)) else np.full(self.x.shape, np.nan)

    def planned(self, options: Options, most: int) -> Options:
        """Look at entries one by one near bounds, where the caller has no plan."""
        if "plan" in options or not self.is_near_a_bound:
            return options
        return {**options, "plan": Plan.every() if self.x.size <= most else Plan.sample(most)}

    def check_hess(self, hess: Callable[..., Any], options: Options) -> Report:
        """Check a Hessian against differences of jac."""

        def claim(x: Vector) -> Any:  # noqa: ANN401 - dense or sparse
            full = hess(self._inside(x), *self.args)
            if not np.any(self.fixed):
                return full
            dense = full.toarray() if hasattr(full, "toarray") else np.array(full)
            dense[self.fixed], dense[:, self.fixed] = 0, 0
            return dense

        return hessian_against(self.differenced, self.f, claim, self.x, options, self.checked)

    def check_hessp(self, hessp: Callable[..., Any], options: Options) -> Report:
        """Check products with the Hessian, likewise."""

        def claim(x: Vector, p: Vector) -> Any:  # noqa: ANN401 - as the caller returns it
            return self.free(hessp(self._inside(x), self.free(p), *self.args))

        return product_against(self.differenced, self.f, claim, self.x, options, self.checked)

    def _pair(self, x: Vector) -> tuple[Any, Any]:
        pair = self.fun(x, *self.args)
        if isinstance(pair, (tuple, list)) and len(pair) == 2:
            return pair[0], pair[1]
        self.mistakes.append(
            f"jac is True, so fun must return (value, gradient), but it returned a "
            f"{type(pair).__name__}."
        )
        raise UsageError(self.mistakes[0])

    def _inside(self, x: Vector) -> Vector:
        x = self.held(x)
        if not self.holds(x):
            raise OutOfBounds("outside of the bounds, where nothing is claimed")
        return x


def _checked_inside(
    f: Callable[[Vector], Vector],
    vjp: Callable[[Vector, Vector], Any],
    x: Vector,
    **options: Unpack[Options],
) -> Report:
    """Check a vector-Jacobian product for one random cotangent."""
    rng = np.random.default_rng([options["plan"].seed or 0, 3])
    u = draw_weights(rng, x.shape, x.dtype).astype(x.dtype)
    return check_grad(lambda x: u @ f(x), lambda x: vjp(x, u.copy()), x, **options)


def _require_written(fun: object, jac: object, hess: object, hessp: object) -> None:
    """Refuse what SciPy computes by itself: there is nothing to check in it."""
    given = (("jac", jac), ("hess", hess), ("hessp", hessp))
    for name, value in given:
        if isinstance(value, str) or (name == "jac" and (value is None or value is False)):
            raise UsageError(
                f"{name}={value!r}: SciPy computes it from differences, so there is nothing "
                f"hand-written to check; give {name} as a function."
            )
    for name, value in (("fun", fun), *given):
        if value is not None and not callable(value) and not (name == "jac" and value is True):
            raise UsageError(f"{name} is of type {type(value).__name__}, but it must be callable.")


def _read_args(args: Any) -> tuple[Any, ...]:  # noqa: ANN401 - see check_objective
    """Read the arguments; a single one need not be a tuple, as in SciPy."""
    return args if isinstance(args, tuple) else (args,)


def _read_point(x0: npt.ArrayLike, bounds: Any) -> tuple[Vector, Vector, Vector]:  # noqa: ANN401
    """Read the point and the bounds, as vectors."""
    x = np.array(x0)
    if x.dtype.kind in "biu":
        x = x.astype(float)
    if x.dtype.kind != "f":
        raise UsageError(f"x0 has dtype {x.dtype}, but it must be real numbers.")
    x = np.atleast_1d(x)
    if x.ndim != 1:
        raise UsageError(f"x0 has shape {x.shape}, but SciPy takes one dimension; ravel it.")
    low, high = _read_bounds(bounds, x.size)
    for k in np.flatnonzero(~((low <= x) & (x <= high)) & ~np.isnan(x)):
        raise UsageError(
            f"x0[{k}] is {x[k]:.12g}, outside of its bounds ({low[k]:.12g}, {high[k]:.12g}); start "
            f"where fun may be called."
        )
    return x, low, high


def _read_bounds(bounds: Any, size: int) -> tuple[Vector, Vector]:  # noqa: ANN401 - see there
    if bounds is None:
        return np.full(size, -np.inf), np.full(size, np.inf)
    try:
        if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
            low, high = np.asarray(bounds.lb, float), np.asarray(bounds.ub, float)
        else:
            pairs = [(*pair,) for pair in bounds]
            if len(pairs) != size or any(len(pair) != 2 for pair in pairs):
                raise ValueError(f"there are {len(pairs)} of them")
            low = np.array([-np.inf if a is None else a for a, _ in pairs], float)
            high = np.array([np.inf if b is None else b for _, b in pairs], float)
        return np.broadcast_to(low, (size,)), np.broadcast_to(high, (size,))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the bounds cannot be read ({error}): give one pair (low, high) for each of the "
            f"{size} entries of x0, None for no bound, or an object with lb and ub."
        ) from None
