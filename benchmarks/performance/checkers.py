"""gradcheck and other checkers, each with the work that its user would hand to it.

Owns one function a checker, which imports it; every library has its own f, so that what is beside
f is compared. Measures nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from gradcheck import Budget, Plan, Report, check_grad

from .floors import Calls
from .workloads import Workload, network, squares, weighted

SEED = 1  # what is counted is what is timed


@dataclass(frozen=True, eq=False)
class Work:
    """One check, ready to be called, and what a loop written by hand would need.

    Attributes
    ----------
    check : callable
        Checks the right claim once.
    f, claim : callable
        As fast as they are in this library, uncounted.
    x : pytree
        Their point.
    arrays : list of arrays
        The memory of x, for loops that change it in place.
    """

    check: Callable[[], object]
    f: Callable[[Any], Any]
    claim: Callable[[Any], Any]
    x: Any
    arrays: list[np.ndarray]


@dataclass(frozen=True)
class Checker:
    """A way to check a gradient.

    Attributes
    ----------
    name : str
        Of the table.
    module : str
        What must be installed.
    prepare : callable
        `prepare(n, calls)` returns the `Work` on n numbers, of which `calls` keeps count.
    largest : int
        The largest n that it does in a minute, or in the memory of a small machine.
    """

    name: str
    module: str
    prepare: Callable[[int, Calls], Work]
    largest: int = 10**9

    @property
    def is_installed(self) -> bool:
        """Whether it can be measured here."""
        return importlib.util.find_spec(self.module) is not None

    def calls(self, n: int) -> Calls:
        """Count what one check evaluates."""
        calls = Calls()
        self.prepare(n, calls).check()
        return calls


def versions(modules: set[str]) -> str:
    """Name what is installed, and what is not."""
    found = sorted(m for m in modules if importlib.util.find_spec(m))
    missing = sorted(modules - set(found))
    named = ", ".join(f"{m} {importlib.metadata.version(m)}" for m in found)
    return named + (f"; not installed: {', '.join(missing)}" if missing else "")


def passed(report: Report) -> Report:
    """Return the report of a right claim; a check that does not pass is not the work asked for."""
    if not report.ok:
        raise RuntimeError(f"a right claim did not pass:\n{report}")
    return report


def judged(check: Callable[[], object], complaint: type[Exception]) -> Callable[[], object]:
    """Let a peer say what it likes: some call a right claim wrong, at many entries, in as long."""

    def whatever() -> None:
        with contextlib.suppress(complaint):
            check()

    return whatever


# --- every entry --------------------------------------------------------------------------------


def _gradcheck(work: Workload, calls: Calls, claim: Any, plan: Plan) -> Work:
    f = calls.of_f(work.f)
    arrays = list(work.x.values()) if isinstance(work.x, dict) else [work.x]
    return Work(
        lambda: passed(check_grad(f, claim, work.x, plan=plan)),
        work.f, work.gradient, work.x, arrays,
    )  # fmt: skip


def _every_called(n: int, calls: Calls) -> Work:
    work = squares(n)
    return _gradcheck(work, calls, calls.of_claim(work.gradient), Plan.every(seed=SEED))


def _every_given(n: int, calls: Calls) -> Work:
    work = squares(n)
    return _gradcheck(work, calls, work.gradient(work.x), Plan.every(seed=SEED))


def _every_single(n: int, calls: Calls) -> Work:
    work = squares(n, "float32")
    return _gradcheck(work, calls, calls.of_claim(work.gradient), Plan.every(seed=SEED))


def _every_of_network(_: int, calls: Calls) -> Work:
    work = network()
    return _gradcheck(work, calls, calls.of_claim(work.gradient), Plan.every(seed=SEED))


def _scipy_entries(n: int, calls: Calls) -> Work:
    scipy_check_grad = importlib.import_module("scipy.optimize").check_grad
    work = squares(n)
    f, claim = calls.of_f(work.f), calls.of_claim(work.gradient)
    return _plainly(work, lambda: scipy_check_grad(f, claim, work.x))


def _statsmodels(n: int, calls: Calls) -> Work:
    approx_fprime = importlib.import_module("statsmodels.tools.numdiff").approx_fprime
    work = squares(n)
    f = calls.of_f(work.f)
    return _plainly(work, lambda: approx_fprime(work.x, f, centered=True))


def _numdifftools(n: int, calls: Calls) -> Work:
    gradient = importlib.import_module("numdifftools").Gradient
    work = squares(n)
    differentiated = gradient(calls.of_f(work.f))
    return _plainly(work, lambda: differentiated(work.x))


def _jacobi(n: int, calls: Calls) -> Work:
    jacobi = importlib.import_module("jacobi").jacobi
    work = squares(n)
    f = calls.of_f(work.f)
    return _plainly(work, lambda: jacobi(f, work.x))


def _plainly(work: Workload, check: Callable[[], object]) -> Work:
    return Work(check, work.f, work.gradient, work.x, [work.x])


def _torch_entries(n: int, calls: Calls) -> Work:
    work = squares(n)
    return _torch(work, calls, lambda x: x.dot(x), lambda x: 2 * x, fast_mode=False)


def _torch(work: Workload, calls: Calls, f: Callable, claim: Callable, *, fast_mode: bool) -> Work:
    torch = importlib.import_module("torch")
    check = importlib.import_module("torch.autograd").gradcheck
    torch.set_num_threads(1)
    x = torch.from_numpy(work.x)
    inputs = torch.from_numpy(work.x.copy()).requires_grad_()
    counted, counted_claim = calls.of_f(f), calls.of_claim(claim)

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return counted(x)

    def backward(ctx, dout):
        return dout * counted_claim(*ctx.saved_tensors)

    parts = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    function = type("ByHand", (torch.autograd.Function,), parts)
    return Work(
        judged(lambda: check(function.apply, (inputs,), fast_mode=fast_mode), RuntimeError),
        lambda x: f(x).item(), claim, x, [work.x],
    )  # fmt: skip


GRADCHECK = "gradcheck"
CALLED = Checker("gradcheck, claim called", GRADCHECK, _every_called)
GIVEN = Checker("gradcheck, claim given", GRADCHECK, _every_given)
SINGLE = Checker("gradcheck, float32", GRADCHECK, _every_single)
NETWORK = Checker("gradcheck, dict of arrays", GRADCHECK, _every_of_network)
ENTRIES = (
    CALLED,
    GIVEN,
    Checker("statsmodels approx_fprime", "statsmodels", _statsmodels),
    Checker("scipy check_grad", "scipy", _scipy_entries),
    Checker("torch gradcheck, slow", "torch", _torch_entries),
    Checker("jacobi", "jacobi", _jacobi, largest=1000),
    Checker("numdifftools Gradient", "numdifftools", _numdifftools, largest=1000),
)


# --- one direction ------------------------------------------------------------------------------


def _direction_called(n: int, calls: Calls) -> Work:
    work = weighted(n)
    return _gradcheck(work, calls, calls.of_claim(work.gradient), Plan.directions(1, seed=SEED))


def _direction_given(n: int, calls: Calls) -> Work:
    work = weighted(n)
    return _gradcheck(work, calls, work.gradient(work.x), Plan.directions(1, seed=SEED))


def _directions_given(n: int, calls: Calls) -> Work:
    work = weighted(n)
    return _gradcheck(work, calls, work.gradient(work.x), Plan.directions(2, seed=SEED))


def _scipy_direction(n: int, calls: Calls) -> Work:
    scipy_check_grad = importlib.import_module("scipy.optimize").check_grad
    work = weighted(n)
    f, claim = calls.of_f(work.f), calls.of_claim(work.gradient)
    return _plainly(work, lambda: scipy_check_grad(f, claim, work.x, direction="random"))


def _torch_direction(n: int, calls: Calls) -> Work:
    torch = importlib.import_module("torch")
    work = weighted(n)
    a = torch.from_numpy(work.gradient(work.x))
    return _torch(work, calls, lambda x: a.dot(x), lambda x: a.clone(), fast_mode=True)


def _autograd_direction(n: int, calls: Calls) -> Work:
    extend = importlib.import_module("autograd.extend")
    check_grads = importlib.import_module("autograd.test_util").check_grads
    work = weighted(n)
    claim = calls.of_claim(work.gradient)
    f = extend.primitive(calls.of_f(work.f))
    extend.defvjp(f, lambda _, x: lambda dout: dout * claim(x))
    check = judged(lambda: check_grads(f, modes=["rev"], order=1)(work.x), AssertionError)
    return _plainly(work, check)


def _jax_direction(n: int, calls: Calls) -> Work:
    jax = importlib.import_module("jax")
    check_vjp = importlib.import_module("jax.test_util").check_vjp
    work = weighted(n)
    with jax.enable_x64(True):  # noqa: FBT003 - its own form
        a, x = jax.numpy.asarray(work.gradient(work.x)), jax.numpy.asarray(work.x)
    f = calls.of_f(a.dot)
    claim = calls.of_claim(lambda x: a + 0)

    def f_vjp(x):
        return f(x), lambda dout: (dout * claim(x),)

    def check():
        with jax.enable_x64(True):  # noqa: FBT003 - its own form
            check_vjp(f, f_vjp, (x,))

    def plainly(x):
        with jax.enable_x64(True):  # noqa: FBT003 - its own form
            return float(a.dot(x))  # a number, for results are computed while others go on

    return Work(judged(check, AssertionError), plainly, lambda x: a + 0, x, [])


CAN_STREAM = "memory" in {field.name for field in fields(Budget)}


def _streaming(n: int, calls: Calls) -> Work:
    """Allow no more memory than a copy of x."""
    work = weighted(n)
    plan = Plan.directions(1, seed=SEED, budget=Budget(memory=work.x.nbytes))
    return _gradcheck(work, calls, work.gradient(work.x), plan)


DIRECTION_CALLED = Checker("gradcheck, claim called", GRADCHECK, _direction_called)
DIRECTION_GIVEN = Checker("gradcheck, claim given", GRADCHECK, _direction_given)
TWO_DIRECTIONS = Checker("gradcheck, two directions", GRADCHECK, _directions_given)
DIRECTIONS = (
    DIRECTION_GIVEN,
    DIRECTION_CALLED,
    Checker("scipy check_grad, random", "scipy", _scipy_direction),
    Checker("torch gradcheck, fast", "torch", _torch_direction),
    Checker("autograd check_grads", "autograd", _autograd_direction),
    Checker("jax check_vjp", "jax", _jax_direction),
)
STREAMING = Checker("gradcheck, streaming", GRADCHECK, _streaming)
PEERS = {c.module for c in (*ENTRIES, *DIRECTIONS)} - {GRADCHECK}
