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
from ..records import Plan, UsageError, Verdict

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
    small; what is small depends on the size of `f`. Here the number is 0 or infinite, so that a
    comparison with any tolerance means the verdict. How far the gradient is off is in the report.

    Parameters
    ----------
    func, grad : callable
        `func(x, *args)` returns a number, `grad(x, *args)` the gradient, with as many entries as
        `x0`. For a function of vector values and its Jacobian use `gradcheck.check_jvp`.
    x0 : array_like
        The point.
    *args
        Handed on to both.
    epsilon : float, optional
        Accepted for the sake of the signature, and not used: steps are chosen.
    direction : str
        `all` looks at every entry by itself, `random` along random directions.
    rng, seed : int, Generator, RandomState or None
        Of the random directions; new ones in every run by default. `seed` is SciPy's older name.

    Returns
    -------
    float
        0.0 where the verdict is PASS, infinity where it is FAIL, and NaN where it is INCONCLUSIVE,
        as NaN is less than no tolerance.

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
    ...     scipy_check_grad(f, lambda x, power: 2 * right(x, power), [3.0, 4.0], 2)
    inf
    """
    plan = _plan(direction, rng, seed)
    x = np.array(x0)
    if x.dtype.kind in "biu":
        x = x.astype(float)
    report = check_grad(
        lambda x: func(x, *args), lambda x: _shaped(grad(x, *args), x.shape), x, plan=plan
    )
    if report:
        return 0.0
    warnings.warn(f"the gradient is not certified\n\n{report}", UserWarning, stacklevel=2)
    return math.nan if report.verdict is Verdict.INCONCLUSIVE else math.inf


def _shaped(claim: Any, shape: tuple[int, ...]) -> Vector:  # noqa: ANN401 - what grad returned
    """Read a gradient as SciPy does: one number for one entry, one row for a vector."""
    array = np.asarray(claim)
    is_row = array.ndim == 2 and array.shape == (1, *shape)
    return array.reshape(shape) if is_row or (array.size == 1 and shape in ((), (1,))) else array


def _plan(direction: str, rng: Any, seed: Any) -> Plan:  # noqa: ANN401 - see `rng`
    """Read which directions are asked for, and from what they are drawn."""
    if direction not in PLANS:
        raise UsageError(f"direction={direction!r} is none of {', '.join(PLANS)}.")
    if rng is not None and seed is not None:
        raise UsageError("rng and seed are two names of one thing: give one.")
    source = rng if seed is None else seed
    if direction == "all" or source is None:
        return PLANS[direction]()
    if isinstance(source, np.random.RandomState):
        source = source.randint(2**SEED_BITS, dtype=np.uint32)
    elif not isinstance(source, (int, np.integer)):
        source = np.random.default_rng(source).integers(2**SEED_BITS)
    return PLANS[direction](seed=int(source))
