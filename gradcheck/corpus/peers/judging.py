"""A peer's answer to a case.

Owns what becomes of exceptions and warnings, and the count of evaluations.
Part of `corpus.peers`.
"""

from __future__ import annotations

import time
import warnings

import numpy as np

from ...records import shown_error
from ..cases import CorpusCase
from ..outcome import Answer, Outcome, expected_of
from .peer import CannotRun, Peer, scalar_of


def judge(peer: Peer, case: CorpusCase) -> Outcome:
    """Ask a peer about a case.

    What it raises, other than that the gradient is wrong, means that it cannot run.
    """
    about = (peer.name, case.name, case.seed, case.group, expected_of(case))
    started = time.perf_counter()
    scalar, trouble = None, ""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            scalar = scalar_of(case)
            answer = peer.judge(scalar)
        except CannotRun as reason:
            answer, trouble = Answer.UNABLE, str(reason)
        except Exception as error:  # a peer may raise anything
            answer, trouble = Answer.UNABLE, shown_error(error)
    return Outcome(
        *about,
        answer,
        evaluations=scalar.evaluations if scalar is not None else 0,
        seconds=time.perf_counter() - started,
        trouble=trouble,
    )
