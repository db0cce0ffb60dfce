"""The executor of the caller, and a fresh one where that breaks and the caller has said how.

Part of `crew`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

from ..records import UsageError
from .orders import Answer, Order
from .worker import work

MOST_POOLS = 3  # made anew before the parent does the rest: what kills every worker is no accident


class Hands:
    """Sends orders to an executor.

    Attributes
    ----------
    usable : bool
        Whether there is an executor that takes orders.
    threads : bool
        Whether its workers are threads of this process.
    """

    def __init__(self, given: Executor | Callable[[], Executor]) -> None:
        self._make = None if isinstance(given, Executor) else given
        self._made = 0
        self._worked = False
        self._executor = given if isinstance(given, Executor) else self._fresh()
        self.usable = True

    @property
    def threads(self) -> bool:
        """Whether workers share this process and its objects."""
        return isinstance(self._executor, ThreadPoolExecutor)

    def submit(self, order: Order) -> Future[Answer] | None:
        """Send an order; None where the executor does not take any more.

        Raises
        ------
        UsageError
            If it has never taken one.
        """
        try:
            future = self._executor.submit(work, order)
        except BrokenExecutor:
            return None
        except RuntimeError as error:
            if self._worked:
                return None
            raise UsageError(
                f"the executor takes no work ({error}); give one that was not shut down."
            ) from error
        self._worked = True
        return future

    def renew(self) -> bool:
        """Replace an executor that is broken by a fresh one; False where there is none."""
        self.usable = self._make is not None and self._made < MOST_POOLS
        if self.usable:
            self._drop()
            self._executor = self._fresh()
        return self.usable

    def close(self) -> None:
        """Shut down an executor that was made here; that of the caller goes on."""
        self.usable = False
        if self._make is not None:
            self._drop()

    def _fresh(self) -> Executor:
        assert self._make is not None, "there is a way to make one"
        self._made += 1
        made = self._make()
        if not isinstance(made, Executor):
            raise UsageError(
                f"executor() returned a {type(made).__name__}, but it must return a "
                f"concurrent.futures.Executor, as lambda: ProcessPoolExecutor(4) does."
            )
        return made

    def _drop(self) -> None:
        """End it at once: a worker that hangs would keep this process from ending."""
        processes = dict(getattr(self._executor, "_processes", None) or {})
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in processes.values():
            process.terminate()


def read_executor(executor: object) -> Hands:
    """Read the option.

    Raises
    ------
    UsageError
        If it is neither an executor nor makes one.
    """
    if isinstance(executor, Executor) or callable(executor):
        return Hands(executor)
    shown = repr(executor) if isinstance(executor, (int, str)) else f"a {type(executor).__name__}"
    raise UsageError(
        f"executor is {shown}, but it must be a concurrent.futures.Executor, or make one when "
        f"called: executor=lambda: ProcessPoolExecutor(4)."
    )
