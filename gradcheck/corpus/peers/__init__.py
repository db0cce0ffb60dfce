"""Other gradient checkers on the same cases, each as its own documentation shows it.

Owns PEERS, one file per foreign package, and `judge`. A peer is used where it is installed; its
package is imported only when it is run.
Part of `corpus`.
"""

from .autograd_peer import AUTOGRAD
from .derivcheck_peer import DERIVCHECK
from .jax_peer import JAX
from .judging import judge
from .numdifftools_peer import NUMDIFFTOOLS
from .peer import CannotRun, Peer, Scalar, scalar_of
from .scipy_peer import SCIPY
from .torch_peer import TORCH_FAST, TORCH_SLOW

PEERS: tuple[Peer, ...] = (TORCH_SLOW, TORCH_FAST, JAX, AUTOGRAD, SCIPY, NUMDIFFTOOLS, DERIVCHECK)
"""All of them, installed or not."""

__all__ = ["PEERS", "CannotRun", "Peer", "Scalar", "judge", "scalar_of"]
