"""One pytest test a law, selectable with `-k`, in the manner of scikit-learn's checks.

Owns `parametrize` and the callable that a test gets. Does not know pytest: the decorator leaves a
note on the test function, which `_gradcheck_pytest` reads.
Part of `laws`.
"""

from __future__ import annotations

import difflib
import unittest
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ..records import Report, UsageError, require
from .protocol import Law
from .suite import LAWS, check

Test = TypeVar("Test", bound=Callable[..., object])
NOTE = "gradcheck_laws"  # the attribute of a test function that the plugin looks for


@dataclass(frozen=True)
class LawCheck:
    """One law, called with a subject by a test.

    Attributes
    ----------
    law : Law
        Which.
    seed : int or None
        Of the drawn settings; fresh if None.
    settle : callable
        Called with the report of a law that applies; raises unless the law holds.
    """

    law: Law
    seed: int | None = None
    settle: Callable[[Report], Report] = require

    def __call__(self, subject: object) -> None:
        """Try the law.

        Raises
        ------
        GradientError
            If the law is broken, or could not be decided and the settings do not let that pass.
        unittest.SkipTest
            If it does not apply to the subject; pytest then reports the test as skipped.
        """
        __tracebackhide__ = True  # of pytest: show the line of the test, not this one
        report = check(subject, laws=[self.law], seed=self.seed)
        seen = report.laws[self.law.name]
        if seen.verdict is None:
            raise unittest.SkipTest(f"not applicable: {seen.message}")
        self.settle(report)


@dataclass(frozen=True)
class Parametrization:
    """What `parametrize` notes: the subject, the laws, and those expected to be broken."""

    subject: object
    laws: tuple[Law, ...]
    expected_failures: Mapping[str, str]


def parametrize(
    subject: object,
    *,
    expected_failures: Mapping[str, str] | None = None,
    laws: Iterable[Law] = LAWS,
) -> Callable[[Test], Test]:
    """Turn a test with the arguments `subject` and `law` into one test a law.

    Parameters
    ----------
    subject : object
        An implementation that offers some of the members of `Subject`.
    expected_failures : mapping of str to str, optional
        From the name of a law to the reason why the subject is known to break it. Such a test is
        an expected failure, and fails once it is none any more.
    laws : iterable of Law, optional
        All of them by default.

    Returns
    -------
    callable
        A decorator. Each test has the name of its law as id.

    Raises
    ------
    UsageError
        If an expected failure names no law.

    Examples
    --------
    >>> from gradcheck import laws
    >>> class MyDropout:
    ...     def dropout_evaluate(self, x, keep_prob):
    ...         return x
    >>> @laws.parametrize(MyDropout())
    ... def test_laws(subject, law):
    ...     law(subject)
    """
    chosen = tuple(laws)
    expected = dict(expected_failures or {})
    names = [law.name for law in chosen]
    for name in expected:
        if name not in names:
            near = difflib.get_close_matches(name, names) or names[:3]
            raise UsageError(
                f"expected_failures names {name!r}, but no such law is tried; "
                f"there is {', '.join(near)}."
            )

    def noted(test: Test) -> Test:
        setattr(test, NOTE, Parametrization(subject, chosen, expected))
        return test

    return noted
