"""The signature of `scipy.optimize.check_grad`: a vector, and one number as the answer.

Part of `compat`; it needs no SciPy.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..check import check_grad
from ..numeric import gradient
from ..records import LeafReport, Plan, UsageError, Verdict

Vector = npt.NDArray[Any]

PLANS: dict[str, Callable[..., Plan]] = {"all": Plan.every, "random": Plan.auto}
SEED_BITS = 32


def scipy_check_grad(
    func: Callable[..., Any],
    grad: Callable[..., Any],
    x0: npt.ArrayLike,
    *args: Any,  # noqa: ANN401 - of the caller's functions
    epsilon: float | None = None,
    direction: str = "all",
    rng: Any = None,  # noqa: ANN401 - what numpy.random.default_rng takes
    seed: Any = None,  # noqa: ANN401 - likewise
) -> float:
    """Compare a gradient with certified differences; the signature of SciPy's `check_grad`.

    SciPy returns the norm of a difference that is never 0, and leaves it to the caller what is
    small. Here the number is 0 or the gradient is not right, so that a comparison with a tolerance
    of any size means the same.

    Parameters
    ----------
    func, grad : callable
        `func(x, *args)` returns a number, `grad(x, *args)` the gradient, shaped like `x0`.
    x0 : array_like
        The point.
    *args
        Handed on to both.
    epsilon : float, optional
        Accepted for the sake of the signature, and not used: steps are chosen.
    direction : str
        `all` looks at every entry by itself, `random` along random directions.
    rng, seed : int, Generator or None
        Of the directions; new ones in every run by default. `seed` is SciPy's older name.

    Returns
    -------
    float
        0.0 where the verdict is PASS. Where it is FAIL, the norm of the difference between the
        gradient and the certified one, or infinity where it is another thing that is wrong, such as
        a gradient that changes its argument. NaN where it is INCONCLUSIVE, as NaN is less than no
        tolerance.

    Warns
    -----
    UserWarning
        With the report, unless the verdict is PASS.

    Raises
    ------
    UsageError
        If the call makes no sense, see `gradcheck.check_grad`.

    Examples
    --------
    >>> import numpy as np
    >>> def f(x, power):
    ...     return np.sum(x**power)
    >>> def right(x, power):
    ...     return power * x ** (power - 1)
    >>> scipy_check_grad(f, right, [0.5, -1.0], 3)
    0.0
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     round(scipy_check_grad(f, lambda x, power: 2 * right(x, power), [3.0, 4.0], 2), 6)
    10.0
    """
    x = np.array(x0)
    if x.dtype.kind in "biu":
        x = x.astype(float)

    def f(x: Vector) -> Any:  # noqa: ANN401 - a number of any kind
        return func(x, *args)

    def claim(x: Vector) -> Vector:
        return np.asarray(grad(x, *args))

    report = check_grad(f, claim, x, plan=_plan(direction, rng, seed))
    if report:
        return 0.0
    warnings.warn(f"the gradient is not certified\n\n{report}", UserWarning, stacklevel=2)
    if report.verdict is Verdict.INCONCLUSIVE:
        return math.nan
    if not any(_is_off(leaf) for leaf in report.leaves.values()):
        return math.inf
    return float(np.linalg.norm(claim(x.copy()) - gradient(f, x).value))


def _plan(direction: str, rng: Any, seed: Any) -> Plan:  # noqa: ANN401 - see `rng`
    """Read which directions are asked for, and from what they are drawn."""
    if direction not in PLANS:
        raise UsageError(f"direction={direction!r} is none of {', '.join(PLANS)}.")
    if rng is not None and seed is not None:
        raise UsageError("rng and seed are two names of one thing: give one.")
    source = rng if seed is None else seed
    if source is not None and not isinstance(source, (int, np.integer)):
        source = np.random.default_rng(source).integers(2**SEED_BITS)
    return PLANS[direction](seed=None if source is None else int(source))


def _is_off(leaf: LeafReport) -> bool:
    """Tell whether it is the numbers of a leaf that are wrong."""
    return leaf.verdict is Verdict.FAIL and abs(leaf.analytic - leaf.numeric) > leaf.error_bar
